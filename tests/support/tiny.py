"""Models so small that a training takes a second, and data for them: topics of products, asked for by synonyms.

The vocabulary is the words of the data, so that nothing has to be downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from core.data.dataset import Dataset
from core.schema import EVIDENCE, JUDGMENTS, QUERIES
from core.training.examples import Examples
from tests.support.assessments import PRODUCTS, SYNONYMS, TOPICS
from tests.support.models import make_documents

WORDS = (*PRODUCTS, *TOPICS, *SYNONYMS, "the", "of", "works", "query", ":", ".")
ROOM = 48  # tokens that the tiny models read

_SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def _write_tokenizer(folder: Path) -> int:
    """A WordPiece tokenizer over WORDS and single letters; returns the size of its vocabulary."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=ROOM, **marks).save_pretrained(folder)
    return len(vocabulary)


def write_embedder(folder: Path, *, seed: int = 0) -> Path:
    """A sentence-transformers folder: a BERT of two layers with random weights, mean pooling; reads ROOM tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    plain = folder.with_name(f"{folder.name}-plain")
    size = _write_tokenizer(plain)
    torch.manual_seed(seed)
    BertModel(BertConfig(vocab_size=size, max_position_embeddings=64, **_SIZES)).save_pretrained(plain)
    model = SentenceTransformer(modules=[Transformer(str(plain)), Pooling(32)], device="cpu")
    model.max_seq_length = ROOM
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def read_weights(folder: Path) -> dict[str, Any]:
    """name -> array of the model in a folder."""
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def list_questions(count: int) -> list[tuple[str, str, str]]:
    """(query, text of its answer, id of it): a product, and a synonym of one of its topics; at most 64, all different."""
    pairs = [(number % 8, (number + number // 8) % 8) for number in range(count)]
    return [
        (f"{SYNONYMS[topic]} {PRODUCTS[product]}", _write_text(product, topic), f"{PRODUCTS[product]}-{TOPICS[topic]}")
        for product, topic in pairs
    ]


def _write_text(product: int, topic: int) -> str:
    return f"the {TOPICS[topic]} of the {PRODUCTS[product]} works."


def make_examples(form: str, *, count: int = 24) -> Examples:
    """Examples of a form from list_questions(); the negative is the answer to the next query."""
    asked = list_questions(count)
    rows = []
    for number, (query, _, _) in enumerate(asked):
        right, wrong = (asked[(number + step) % count][1] for step in (0, 1))
        rows.append({"query_id": f"q{number}", "query": query, "positive": right, "negative": wrong})
    frame = pd.DataFrame(rows)
    if form in ("labelled", "scores"):
        value = "label" if form == "labelled" else "score"
        parts = [
            frame[["query_id", "query", name]].rename(columns={name: "document"}).assign(**{value: number})
            for name, number in (("positive", 1), ("negative", 0))
        ]
        both = pd.concat(parts, ignore_index=True)
        return Examples(form, both if form == "labelled" else both.assign(score=both["score"].astype(float)))
    columns = {
        "pairs": frame.drop(columns="negative"),
        "triplets": frame,
        "hard_negatives": frame.rename(columns={"negative": "negative_1"}),
    }
    return Examples(form, columns[form])


def make_dataset(*, queries: int = 40, name: str = "tiny") -> Dataset:
    """64 documents, one for each product and topic, and queries with one answer each."""
    texts = {f"{PRODUCTS[p]}-{TOPICS[t]}": _write_text(p, t) for p in range(8) for t in range(8)}
    asked = list_questions(queries)
    rows: list[tuple[object, ...]] = [(f"q{number:02}", query, "", {}, (), "") for number, (query, _, _) in enumerate(asked)]
    labels = [(f"q{number:02}", doc_id, 1) for number, (_, _, doc_id) in enumerate(asked)]
    return Dataset(
        name=name,
        documents=make_documents(texts),
        queries=pd.DataFrame(rows, columns=QUERIES),
        judgments=pd.DataFrame(labels, columns=JUDGMENTS),
        evidence=pd.DataFrame([], columns=EVIDENCE),
    )
