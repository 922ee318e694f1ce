"""A Dataset as files that load_dataset reads back, and a template for people who have no labels yet."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.data.grades import Grade, choose_threshold, spell_grade
from core.data.label_rules import LabelRules, write_rules
from core.data.readers.archive import move_whole
from core.schema import DOCUMENTS, EVIDENCE, JUDGMENTS

QRELS_HEADER = "query-id\tcorpus-id\tscore"
_SPLIT_FILES = {"tuning": "train.tsv", "test": "test.tsv", "": "other.tsv"}


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Writes corpus.jsonl, queries.jsonl and qrels into `folder`, which must not exist yet or be empty, all at once.

    load_dataset reads back an equal dataset with the same fingerprint. Judgments go to qrels.tsv, or to
    qrels/train.tsv, test.tsv and other.tsv if the data fixed the split; a split that was drawn later is not written.
    labels.json says from which grade on documents are relevant, where the grades alone do not, and the language that was said.
    Raises InputError if the folder is not empty.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write_jsonl(aside / "corpus.jsonl", _corpus_records(dataset))
        if len(dataset.queries):
            write_jsonl(aside / "queries.jsonl", _query_records(dataset))
        _write_judgments(dataset, aside)
        rules = _make_rules(dataset)
        if rules != LabelRules():
            write_rules(aside, rules)
        move_whole(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _make_rules(dataset: Dataset) -> LabelRules:
    """What has to be said beside the files, so that they are read as they were."""
    follows = dataset.relevant_from == choose_threshold(dataset.judgments.groupby("query_id")["relevance"].agg(list))
    return LabelRules(relevant_from=None if follows else dataset.relevant_from, language=dataset.language)


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object per line, UTF-8, letters as they are."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def write_qrels(path: Path, rows: Iterable[tuple[str, str, Grade]]) -> None:
    """A judgments file with header: query id, document id, relevance."""
    lines = [QRELS_HEADER, *(f"{query_id}\t{doc_id}\t{spell_grade(relevance)}" for query_id, doc_id, relevance in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def qrels_template(dataset: Dataset) -> str:
    """A qrels.tsv to fill in: the header and one example line per query (one line in all if there are no queries).

    DOCUMENT_ID stands for the id of a document that answers the query; until it is replaced, loading warns about it.
    """
    ids = dataset.queries["query_id"].tolist() or ["QUERY_ID"]
    return "\n".join([QRELS_HEADER, *(f"{query_id}\tDOCUMENT_ID\t1" for query_id in ids)]) + "\n"


def _corpus_records(dataset: Dataset) -> Iterable[dict[str, Any]]:
    for doc_id, title, text, metadata in dataset.documents[DOCUMENTS].itertuples(index=False):
        yield {"_id": doc_id, "title": title, "text": text, **({"metadata": metadata} if metadata else {})}


def _query_records(dataset: Dataset) -> Iterable[dict[str, Any]]:
    spans: dict[str, list[dict[str, Any]]] = {}
    for query_id, doc_id, start, end in dataset.evidence[EVIDENCE].itertuples(index=False):
        spans.setdefault(query_id, []).append({"doc_id": doc_id, "start": int(start), "end": int(end)})
    columns = ["query_id", "text", "filter", "tags", "answer"]
    for query_id, text, conditions, tags, answer in dataset.queries[columns].itertuples(index=False):
        optional = {"filter": conditions, "tags": list(tags), "evidence": spans.get(query_id), "answer": answer}
        yield {"_id": query_id, "text": text, **{name: value for name, value in optional.items() if value}}


def _write_judgments(dataset: Dataset, folder: Path) -> None:
    rows = [
        (str(query_id), str(doc_id), relevance)
        for query_id, doc_id, relevance in dataset.judgments[JUDGMENTS].itertuples(index=False)
    ]
    if not dataset.fixed_split:
        if rows:
            write_qrels(folder / "qrels.tsv", rows)
        return
    (folder / "qrels").mkdir()
    split_of = dict(zip(dataset.queries["query_id"], dataset.queries["split"], strict=True))
    for split, name in _SPLIT_FILES.items():
        inside = [row for row in rows if split_of[row[0]] == split]
        if inside or split:  # both named files must be there, even if empty, for the split to count as fixed
            write_qrels(folder / "qrels" / name, inside)
