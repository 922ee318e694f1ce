"""The section "Load data": samples, uploads, a path on this machine. Nothing is a dataset until it was read whole."""

from __future__ import annotations

import streamlit as st

from core.data.readers.documents.kinds import SHOWN
from core.data.samples import list_samples
from pages.parts.data.collection import show_collection
from pages.parts.data.load_steps import WAYS, select_dataset
from pages.parts.data.local_path import show_path
from pages.parts.data.uploads import get_staged, show_staged, show_unfinished, show_uploader
from pages.shared.frame.text import escape_markdown

FORMATS = f"""
- **A dataset**: `corpus.jsonl` (`_id`, `text`, and if you like `title`, `metadata`), `queries.jsonl` (`_id`, `text`, and if
  you like `filter`, `tags`, `evidence`, `answer`), `qrels.tsv` or `qrels/*.tsv` (query id, document id, relevance).
  Only the corpus is needed.
- **Documents**: {SHOWN}; also in sub-folders. Front matter, folder names and what a file says of itself become metadata.
  A sheet is a document, and so is an object in a list of JSON. Notes of Word files stand behind their paragraph, headers and
  footers at the end; speaker's notes behind their slide. Menus, heads and feet of web pages are left out. A file
  `reading.json` beside them changes that: `{{"keep_navigation": true, "row_documents": true}}`. What cannot be read is left
  out and named. `queries.jsonl` and `qrels.tsv` may lie beside them.
- **Tables**: .csv, .tsv, .jsonl or .parquet, with or without a header, TREC topics and judgments, ratings that name queries by
  their text, lists of documents in a cell; what they seem to hold is shown before it is loaded, and you can correct it.
- **One file with all**: SQuAD, or `queries`, `corpus` and `relevant_docs` in one JSON file.
- **A HuggingFace dataset**: the folder with its Parquet shards, as on the hub (corpus, queries, qrels; or one table).
- **A Chroma collection**: a folder or a server; its vectors are taken if you name their model and texts encoded again agree.
- **Evidence** is a list of `{{"doc_id": …, "quote": …}}` or `{{"doc_id": …, "start": …, "end": …}}`; its documents count as
  relevant.
"""


def show_load() -> None:
    """Everything on the section "Load data"."""
    st.subheader("Sample corpora")
    samples = list_samples()
    if not samples:
        st.caption("None came with this copy of the product.")
    for sample in samples:
        with st.container(border=True):
            left, right = st.columns([5, 1], vertical_alignment="center")
            left.markdown(f"**{escape_markdown(sample.title)}**  \n{escape_markdown(sample.description)}")
            right.button("Open", key=f"data_sample_{sample.name}", on_click=select_dataset, args=(sample.name,))
    st.subheader("Your own data")
    with st.expander("What can be loaded"):
        st.markdown(FORMATS)
    staged = get_staged()
    if staged is not None:
        show_staged(staged)
        return
    way = st.segmented_control("From", WAYS, default=WAYS[0], required=True, key="data_way")
    if way == WAYS[2]:
        show_path()
    elif way == WAYS[3]:
        show_collection()
    else:
        show_uploader(folder=way == WAYS[1])
    show_unfinished()
