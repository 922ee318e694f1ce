"""Which answers no chunk holds as a whole, because they were cut apart or lie beyond what the model reads."""

from __future__ import annotations

import pandas as pd


def find_cut_evidence(evidence: pd.DataFrame, chunks: pd.DataFrame) -> dict[str, str]:
    """query_id -> how its evidence is cut, as part of a sentence, for queries of which no span is whole in what is read.

    evidence: schema.EVIDENCE. chunks: chunk_id, doc_id, start, end, read_end (the character of the document up to which the
    model reads this chunk; end if it reads all). A span is whole if it lies in [start, read_end) of one chunk; white space
    between chunks, which no chunk has, does not count. Queries whose evidence is in no chunk are left out.
    """
    spans = evidence[["query_id", "doc_id", "start", "end"]].rename(columns={"start": "from", "end": "to"}).drop_duplicates()
    pairs = spans.merge(chunks[["doc_id", "start", "end", "read_end"]], on="doc_id")
    pairs = pairs[(pairs["start"] < pairs["to"]) & (pairs["end"] > pairs["from"])]
    found: dict[str, list[tuple[float, str]]] = {}
    for (query_id, _, first, last), group in pairs.groupby(["query_id", "doc_id", "from", "to"], sort=False):
        holders = list(zip(group["start"].tolist(), group["end"].tolist(), group["read_end"].tolist(), strict=True))
        found.setdefault(query_id, []).append(_describe_cut(first, last, holders))
    cut = {}
    for query_id, parts in found.items():
        share, words = max(parts, key=lambda part: part[0])
        if share < 1:
            several = f"all {len(parts)} passages that answer it are cut: "
            cut[query_id] = words.format("the answer") if len(parts) == 1 else several + words.format("the best of them")
    return cut


def _describe_cut(first: int, last: int, holders: list[tuple[int, int, int]]) -> tuple[float, str]:
    """(largest share of the span that is read in one chunk, how {} is cut). holders: start, end and read_end of the chunks."""
    first, last = max(first, min(start for start, _, _ in holders)), min(last, max(end for _, end, _ in holders))
    size = last - first
    read = max(max(0, min(end, read_end, last) - max(start, first)) for start, end, read_end in holders)
    inside = [read_end for start, end, read_end in holders if start <= first and end >= last]
    if not inside:
        return read / size, f"{{}} is spread over {_count_chunks(first, last, holders)} chunks"
    lost = last - max(first, min(last, max(inside)))
    if lost == size:
        return read / size, "{} lies beyond what the model reads of its chunk"
    return read / size, f"the last {lost:,} of {size:,} characters of {{}} lie beyond what the model reads of its chunk"


def _count_chunks(first: int, last: int, holders: list[tuple[int, int, int]]) -> int:
    """The fewest chunks that together hold the span; those of a window or with overlap repeat each other."""
    count, reach = 0, first
    while reach < last:
        ends = [end for start, end, _ in holders if start <= reach < end]
        if ends:
            count, reach = count + 1, max(ends)
        else:
            reach = min(start for start, _, _ in holders if start > reach)  # over white space
    return count
