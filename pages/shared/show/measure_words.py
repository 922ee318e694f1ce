"""What each measure says, in plain words."""

from __future__ import annotations

MEASURE_WORDS = {
    "nDCG@10": "how well the first ten are ordered: 1 is perfect, relevant hits near the top count more",
    "Success@1": "share of queries whose very first hit is relevant",
    "Success@5": "share of queries with a relevant hit among the first five",
    "R@5": "share of the relevant documents that are among the first five",
    "R@10": "share of the relevant documents that are among the first ten",
    "R@100": "share of the relevant documents that are among the first hundred",
    "P@5": "share of the first five hits that are relevant",
    "P@10": "share of the first ten hits that are relevant",
    "RR@10": "1 / rank of the first relevant hit, 0 if it is not among the first ten",
    "AP": "average precision: precision at each relevant document, averaged; its mean is called MAP",
    "evidence_recall@5": "share of the answer's characters that stand in the first five chunks",
    "evidence_precision@5": "share of the first five chunks' characters that belong to the answer",
    "evidence_iou@5": "answer found / (text retrieved + answer missed), in characters",
    "evidence_recall@1000tokens": "share of the answer's characters within the first 1,000 tokens (about 750 words) of hits",
    "answer_success@5": "share of queries with a hit among the first five that holds at least half of an answer passage",
}
