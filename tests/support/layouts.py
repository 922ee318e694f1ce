"""Folders as people have them: the layouts of MS MARCO, CIRAL, Quepid, AutoRAG, SQuAD and CQADupStack, small."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

PRODUCTS = {
    101: "Espresso machine with steel housing, 15 bar",
    102: "Milk frother, battery",
    103: "Descaler for coffee machines",
    104: "Paper filters size 4",
    105: "Burr grinder for espresso",
    106: "Kettle with temperature dial",
    107: "Glass teapot 1.2 l",
    108: "Spare gasket for espresso machine",
}
SEARCHES = ("espresso machine", "milk frother", "descaler", "paper filter", "coffee grinder", "kettle", "teapot", "gasket")


def write_files(folder: Path, files: dict[str, str]) -> Path:
    """The folder, with these texts in files below it, line ends as they stand."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def write_quepid(folder: Path) -> Path:
    """Ratings call the queries by text, one has no rating: 8 threes, 2 ones, 53 zeros; lines end as in Windows."""
    best = dict(zip(SEARCHES, (101, 102, 103, 104, 105, 106, 107, 108), strict=True))
    grades = {("espresso machine", 103): "", ("espresso machine", 105): "1", ("espresso machine", 108): "1"}
    ratings = ["query,docid,rating"]
    for query in SEARCHES:
        ratings += [f"{query},{doc},{grades.get((query, doc), '3' if best[query] == doc else '0')}" for doc in PRODUCTS]
    products = ["id,title,description", *(f'{doc},"{text}","{text}. Ships in two days."' for doc, text in PRODUCTS.items())]
    return write_files(
        folder,
        {
            "products.csv": "\n".join(products) + "\n",
            "queries.csv": "\n".join(["query", *SEARCHES]) + "\n",
            "ratings.csv": "\r\n".join(ratings) + "\r\n",
            "README.md": "Ratings of a shop.\n",
        },
    )


def write_msmarco(folder: Path) -> Path:
    """No file has a header: 6 documents, 6 queries, 6 judgments."""
    passages = (
        "The harbour froze in 1929 and ships waited for six weeks.",
        "A lock lifts barges by eleven metres at the canal.",
        "Pilots guide tankers from the buoy to the quay.",
        "Containers are counted by cranes with cameras.",
        "The ferry to the island leaves at seven.",
        "Customs opens at eight on weekdays.",
    )
    queries = (
        "when did the harbour freeze",
        "how high does the lock lift barges",
        "who guides tankers",
        "how are containers counted",
        "ferry departure to the island",
        "customs opening time",
    )
    return write_files(
        folder,
        {
            "collection.tsv": "".join(f"{number}\t{text}\n" for number, text in enumerate(passages)),
            "queries.dev.tsv": "".join(f"{10 + number}\t{text}\n" for number, text in enumerate(queries)),
            "qrels.dev.tsv": "".join(f"{10 + number}\t0\t{number}\t1\n" for number in range(6)),
            "README.md": "About the harbour.\n",
        },
    )


def write_ciral(folder: Path) -> Path:
    """docid for _id, topics without header, TREC judgments with tabs: 6 documents, 3 queries, 5 judgments."""
    texts = {
        "NEWS#12#0": "The market in the old town opens at six.",
        "NEWS#12#1": "Fish is sold there on Fridays only.",
        "NEWS#30#0": "The bridge is closed for repairs until May.",
        "NEWS#30#10": "Buses go round by the mill.",
        "NEWS#4#0": "The school has a new roof.",
        "NEWS#4#1": "The roof was paid by the parish.",
    }
    lines = [
        json.dumps({"docid": name, "title": "", "text": text, "url": "http://example.org"}) for name, text in texts.items()
    ]
    judged = (("5", "NEWS#12#0", 1), ("5", "NEWS#12#1", 0), ("6", "NEWS#30#0", 1), ("6", "NEWS#30#10", 0), ("8", "NEWS#4#1", 1))
    return write_files(
        folder,
        {
            "corpus.jsonl": "\n".join(lines) + "\n",
            "topics.dev.tsv": "5\twhen does the market open\n6\tbridge repairs\n8\twho paid the roof\n",
            "qrels.dev.tsv": "".join(f"{query}\tQ0\t{doc}\t{grade}\n" for query, doc, grade in judged),
        },
    )


def write_autorag(folder: Path) -> Path:
    """Relevant documents as lists of lists, answers as lists: 6 documents, 4 queries, 6 relevant."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    texts = (
        "Lobsters are sold alive at the pier.",
        "The smokehouse closes on Mondays.",
        "Oysters are graded by weight.",
        "Ice is delivered at five.",
        "Nets are mended in winter.",
        "Boats are painted in May.",
    )
    corpus = [
        {
            "doc_id": f"c-{number}",
            "contents": text,
            "metadata": {"last_modified_datetime": pd.Timestamp(2024, 1, number + 1), "prev_id": None},
            "start_end_idx": [0, len(text)],
            "path": f"raw/{number}.pdf",
        }
        for number, text in enumerate(texts)
    ]
    asked: list[dict[str, Any]] = [
        {"qid": "a", "query": "where are lobsters sold", "retrieval_gt": [["c-0"]], "generation_gt": ["at the pier"]},
        {"qid": "b", "query": "when is the smokehouse closed", "retrieval_gt": [["c-1"]], "generation_gt": ["on Mondays"]},
        {
            "qid": "c",
            "query": "ice delivery and net repair",
            "retrieval_gt": [["c-3", "c-4"]],
            "generation_gt": ["at five", "in winter"],
        },
        {"qid": "d", "query": "how are oysters graded", "retrieval_gt": [["c-2"], ["c-5"]], "generation_gt": ["by weight"]},
    ]
    pd.DataFrame(corpus).to_parquet(folder / "corpus.parquet")
    pd.DataFrame(asked).to_parquet(folder / "qa.parquet")
    return folder


def write_two_datasets(path: Path) -> Path:
    """A zip with two complete datasets, android and physics, in one folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("android", "physics"):
            archive.writestr(f"cqadupstack/{name}/corpus.jsonl", '{"_id": "1", "title": "", "text": "battery"}\n')
            archive.writestr(f"cqadupstack/{name}/queries.jsonl", '{"_id": "q", "text": "battery"}\n')
            archive.writestr(f"cqadupstack/{name}/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\n")
        archive.writestr("__MACOSX/cqadupstack/._x", "x")
    return path


def squad(*, impossible: bool = True) -> dict[str, Any]:
    """One article of two paragraphs: three answerable questions, and one that nothing answers."""
    first = "The abbey was founded in 1098. Monks drained the marsh."
    second = "Cheese is ripened for two years in the cellar."
    asked = [
        {"id": "s1", "question": "When was the abbey founded?", "answers": [{"text": "1098", "answer_start": 25}] * 2},
        {"id": "s2", "question": "Who drained the marsh?", "answers": [{"text": "Monks", "answer_start": 30}]},
    ]
    if impossible:
        wrong = [{"text": "1098", "answer_start": 25}]
        asked.append(
            {"id": "s4", "question": "When did it burn?", "answers": [], "is_impossible": True, "plausible_answers": wrong}
        )
    ripened = {"id": "s3", "question": "How long is cheese ripened?", "answers": [{"text": "two years", "answer_start": 22}]}
    paragraphs = [{"context": first, "qas": asked}, {"context": second, "qas": [ripened]}]
    return {"version": "v2.0", "data": [{"title": "Abbey", "paragraphs": paragraphs}]}
