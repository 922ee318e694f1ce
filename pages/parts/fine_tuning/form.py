"""Starting a training: what there is to learn from, what is wrong with it, the settings, how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.graph.resources import Resources
from core.jobs.kinds.train import make_training_job
from core.jobs.state import find_active, find_same
from core.schema import content_hash
from core.settings import DEFAULT_MODEL
from core.systems.available import list_systems
from core.systems.trained import ADAPTER, EMBEDDING, KIND_WORDS, KINDS, RERANKER
from core.text.csv_text import to_csv
from core.text.phrases import count_of
from core.training.estimate import count_pairs, estimate_comparison, estimate_training
from core.training.example_checks import FINE, STOP, Finding
from core.training.examples import describe_examples
from core.training.request import FORMS, TrainingPlan, TrainingRequest, make_plan
from core.training.train import PreparedTraining, prepare_training
from core.training.uploads import read_examples
from pages.parts.fine_tuning.progress import TROUBLE, begin_training
from pages.shared.frame.follow_job import describe_seconds
from pages.shared.frame.services import open_models, open_workspace
from pages.shared.frame.text import escape_markdown

_SENTENCES = {
    ADAPTER: "Moves query vectors by a trained map. Seconds to train; documents are not embedded again.",
    RERANKER: "Reads query and hit together and sorts the first hits anew. Minutes to train; each query takes longer.",
    EMBEDDING: "Changes the model itself. Minutes to hours to train; every document is embedded and indexed again.",
}
_MARKS = {FINE: "✓", STOP: "✗"}
_FORM_WORDS = {
    "": "the one that fits the kind",
    "pairs": "pairs: query, document",
    "labelled": "positives and negatives: query, document, label",
    "triplets": "triplets: query, positive, negative",
    "hard_negatives": "hard negatives: query, positive, mined negatives",
    "scores": "scores: query, document, similarity",
}
_LABELS, _TABLE = "the labels of this dataset", "a table of my own"
_SHOWN = 50


def show_training(dataset: Dataset) -> None:
    """The part Train of the page."""
    kind = str(
        st.segmented_control(
            "What to train",
            KINDS,
            default=ADAPTER,
            required=True,
            format_func=lambda one: KIND_WORDS[one].capitalize(),
            key="tuning_kind",
            persist_state="session",
            help="Cheapest first.",
        )
    )
    st.markdown(_SENTENCES[kind])
    own = st.radio("Learn from", [_LABELS, _TABLE], horizontal=True, key="tuning_source", persist_state="session") == _TABLE
    upload = _choose_upload() if own else None
    if own and upload is None:
        return
    try:
        table = _count_table(str(upload)) if upload is not None else {}
        request = _read_request(kind, upload)
    except LadderError as error:
        st.error(_tell(error, upload))
        return
    _show_outlook(dataset, request, table)
    show_material(dataset, request)


def _choose_upload() -> Path | None:
    """A table of one's own examples, kept in the workspace so that a training can be resumed; None until it is given."""
    given = st.file_uploader(
        "Training examples",
        type=["csv", "tsv", "jsonl", "parquet"],
        key="tuning_upload",
        help="One of five forms, told by its columns: query, positive; query, document, label; query, positive, negative; "
        "query, positive, negative_1, negative_2 …; query, document, score.",
    )
    if given is None:
        st.caption("The table's columns say which of the five forms it has: " + "; ".join(list(_FORM_WORDS.values())[1:]) + ".")
        return None
    content = given.getvalue()
    file = open_workspace().path("imports", "training", content_hash(content.hex())[:8], Path(given.name).name)
    if not file.exists():
        file.write_bytes(content)
    return file


@st.cache_data(max_entries=8, show_spinner=False)
def _count_table(path: str) -> dict[str, Any]:
    """What is in a table of examples. Raises InputError, with the line, for one of no form."""
    return describe_examples(read_examples(Path(path)))


def _tell(error: LadderError, upload: Path | None) -> str:
    """The sentence, with a file's name in place of where it is kept here."""
    return escape_markdown(str(error).replace(str(upload), upload.name) if upload is not None else error)


def _read_request(kind: str, upload: Path | None) -> TrainingRequest:
    usual = make_plan(kind)
    with st.expander("Settings", icon=":material/tune:", key=f"tuning_settings_{kind}"):
        left, middle, right = st.columns(3)
        systems = _list_starts(kind)
        changes: dict[str, Any] = {
            "system": left.selectbox(
                "System to start from",
                systems,
                systems.index(usual.system),
                key=f"tuning_system_{kind}",
                help="Its chunks and its model give the examples; a reranker learns from its first hits.",
            ),
            "base": middle.text_input(
                "Base model",
                key=f"tuning_base_{kind}",
                placeholder=f"the system's own, such as {DEFAULT_MODEL}",
                help="A sentence-transformers name on the hub (downloaded when it runs), or a folder on this machine.",
            ).strip(),
            "share": right.number_input(
                "Share of queries to tune on", 0.1, 0.9, usual.share, 0.05, key="tuning_share",
                help="The others are the test. A split that came with the data is kept as it is.",
            ),
            "seed": right.number_input("Seed", 0, 1_000_000, 0, key="tuning_seed", help="Of the split and everything drawn."),
        }  # fmt: skip
        if kind != ADAPTER:
            changes |= _ask_network(kind, usual, (left, middle, right))
        leaking = st.checkbox("Train without examples that leak into the test queries, instead of refusing", key="tuning_drop")
        curve = st.checkbox(
            "Learning curve: train on 25 and 50 % of the queries too. Would more labels help?",
            key=f"tuning_curve_{kind}",
            disabled=upload is not None,
        )
        folds = st.number_input(
            "Cross-fitting, folds",
            0,
            20,
            0,
            key=f"tuning_folds_{kind}",
            disabled=upload is not None,
            help="0 or 1: none. Trains once for each fold and measures all queries; exploratory, no verdict rests on it.",
        )
    plan = make_plan(kind, drop_leaking=leaking, **changes)
    return TrainingRequest(
        plan,
        examples=str(upload) if upload is not None else "",
        learning_curve=curve and upload is None,
        folds=int(folds) if upload is None and folds != 1 else 0,
    )


def _ask_network(kind: str, usual: TrainingPlan, columns: tuple[Any, Any, Any]) -> dict[str, Any]:
    """The settings of what is trained step by step: a reranker or an embedding model."""
    left, middle, right = columns
    changes: dict[str, Any] = {
        "epochs": left.number_input("Epochs", 1, 100, usual.epochs, key=f"tuning_epochs_{kind}"),
        "batch_size": middle.number_input("Batch size", 2, 1024, usual.batch_size, key=f"tuning_batch_{kind}",
                                          help="Smaller needs less memory."),
        "learning_rate": right.number_input("Learning rate", 1e-7, 1e-1, usual.learning_rate, format="%.1e",
                                            key=f"tuning_rate_{kind}"),
        "max_tokens": left.number_input("Tokens of a text", 8, 8192, usual.max_tokens, key=f"tuning_tokens_{kind}",
                                        help="While training; the model reads as much as before afterwards."),
        "negatives": middle.number_input("Hard negatives per positive", 0, 20, usual.negatives,
                                         key=f"tuning_negatives_{kind}"),
    }  # fmt: skip
    if kind == EMBEDDING:
        changes |= {
            "freeze_layers": left.number_input("Lower layers left as they are", 0, 200, 0, key="tuning_freeze",
                                               help="Faster, and less memory."),
            "lora_rank": middle.number_input("LoRA rank", 0, 1024, 0, key="tuning_lora",
                                             help="0 trains all weights; otherwise low-rank updates of this rank."),
        }  # fmt: skip
        changes["form"] = right.selectbox(
            "Form of the examples", ["", *FORMS], key="tuning_form", format_func=_FORM_WORDS.__getitem__
        )
    if kind == RERANKER:
        changes["depth"] = left.number_input("First hits that it scores", 2, 1000, usual.depth, key="tuning_depth")
    return changes


def _list_starts(kind: str) -> list[str]:
    systems = list_systems(open_workspace())
    return [
        name
        for name, system in systems.items()
        if (system.chunk is not None if kind == RERANKER else system.dense is not None and system.lexical is None)
    ]


def _show_outlook(dataset: Dataset, request: TrainingRequest, table: Mapping[str, Any]) -> None:
    """What lies ahead, then Start, with the reason where it cannot be pressed. table: what is in an uploaded one."""
    plan = request.plan
    queries, pairs = count_pairs(dataset, plan)
    reason = "" if queries else "No tuning query has a relevant document: label queries first."
    if find_same(make_training_job(dataset.name, request), open_workspace()):
        reason = "This training is already running; see above."
    if queries:
        resources = Resources(open_workspace())
        seconds, after = (estimate(dataset, plan, resources) for estimate in (estimate_training, estimate_comparison))
        runs = 1 + (0.75 if request.learning_curve else 0) + request.folds
        told = (
            f"About {count_of(queries, 'query')} and {count_of(pairs, 'pair')} to learn from"
            if not table
            else f"Your table holds {count_of(table['queries'], 'query')} and {count_of(table['positives'], 'pair')}"
        )
        st.markdown(
            f"{told}; training takes about {describe_seconds(seconds * runs)} here. Then the test queries are opened once, "
            f"against the untrained model and against the best cheap system: about {describe_seconds(after * runs)} more, or "
            "minutes if no recommendation was made on this data before."
        )
    st.button(
        "Start training",
        type="primary",
        key="tuning_start",
        disabled=bool(reason),
        on_click=begin_training,
        args=(dataset.name, request),
    )
    if st.session_state.get(TROUBLE):
        st.error(escape_markdown(st.session_state.pop(TROUBLE)))
    if reason:
        st.caption(reason)
    elif find_active(open_workspace()):
        st.caption("Another run is at work; this one starts when that is done.")


@st.cache_data(max_entries=16, show_spinner="Collecting the examples; texts that are not embedded yet are embedded first")
def _prepare(key: str, _dataset: Dataset, _plan: TrainingPlan, _examples: str) -> dict[str, Any]:
    upload = read_examples(Path(_examples)) if _examples else None
    prepared = prepare_training(_dataset, _plan, workspace=open_workspace(), upload=upload, models=open_models())
    return describe_prepared(prepared)


def describe_prepared(prepared: PreparedTraining) -> dict[str, Any]:
    """What the page shows of a training before it starts."""
    examples = prepared.learning
    return {
        "counts": describe_examples(examples),
        "validation": len(prepared.material.validation),
        "test": len(prepared.split.test),
        "tuning": len(prepared.split.tuning),
        "findings": list(prepared.findings),
        "examples": examples.frame[examples.columns],
    }


def show_material(dataset: Dataset, request: TrainingRequest) -> None:
    """Counts, balance, checks and the examples themselves, once asked for: collecting them may have to embed the corpus."""
    key = content_hash([dataset.fingerprint, request.plan.to_json(), request.examples])
    asked = f"tuning_look_{key}"
    if not st.session_state.get(asked):
        st.button("Look at the training data first", key="tuning_look", on_click=_remember, args=(asked,))
        return
    try:
        told = _prepare(key, dataset, request.plan, request.examples)
    except LadderError as error:
        st.error(_tell(error, Path(request.examples) if request.examples else None))
        return
    counts = told["counts"]
    st.subheader("What it learns from", anchor=False)
    columns = st.columns(4)
    columns[0].metric("Queries", f"{counts['queries']:,}", help=f"And {told['validation']} more that stop the training.")
    columns[1].metric("Pairs that belong together", f"{counts['positives']:,}")
    columns[2].metric(
        "Negatives", f"{counts['negatives']:,}", help=f"{counts['negatives_per_positive']:.1f} for each positive."
    )
    columns[3].metric("Test queries kept apart", f"{told['test']:,}")
    show_findings(told["findings"])
    frame: pd.DataFrame = told["examples"]
    st.dataframe(
        frame.head(_SHOWN),
        hide_index=True,
        height=300,
        alt=f"The first {min(_SHOWN, len(frame))} of {len(frame)} training examples, form {counts['form']}.",
    )
    st.download_button(
        f"All {len(frame):,} examples as CSV",
        to_csv(frame),
        file_name=f"{dataset.name}-{counts['form']}.csv",
        mime="text/csv",
        icon=":material/download:",
    )


def _remember(key: str) -> None:
    st.session_state[key] = True


def show_findings(findings: list[Finding]) -> None:
    """One line per check: a word with a shape, never colour alone."""
    lines = [f"{_MARKS.get(finding.level, '!')} {escape_markdown(finding.sentence)}" for finding in findings]
    st.markdown("  \n".join(lines))
