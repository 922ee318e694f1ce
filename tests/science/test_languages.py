"""Word matching in other languages than English, through the command line: small collections that were made for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.main import main
from tests.support.sources import REPOSITORY

DATA = REPOSITORY / "tests" / "support" / "data"


def measure(name: str, folder: Path, config: str = "") -> dict[str, dict[str, float]]:
    """System -> measure -> mean over all queries, of bm25 or of the systems in a YAML text."""
    chosen = ["--systems", "bm25"]
    if config:
        (folder / "own.yaml").write_text(config, encoding="utf-8")
        chosen = ["--config", str(folder / "own.yaml")]
    assert main(["compare", str(DATA / name), *chosen, "--json", str(folder / "result.json")]) == 0
    systems = json.loads((folder / "result.json").read_text(encoding="utf-8"))["systems"]
    return {system["name"]: {name: value["mean"] for name, value in system["measures"].items()} for system in systems}


@pytest.mark.parametrize(
    ("name", "ndcg"),
    [
        ("no_spaces", 1.0),  # Chinese, Japanese, Thai: by pairs of letters, as Lucene's CJK analysis
        ("normal_forms", 1.0),  # letters and marks apart or together; Turkish capitals
        ("stop_words_and_signs", 7 / 9),  # the other two ask for signs that no document has
        ("german_stems", 4 / 8),  # the others need parts of compounds, or another language
    ],
)
def test_every_query_that_words_can_answer_has_its_document_first(
    name: str, ndcg: float, workspace: Path, tmp_path: Path
) -> None:
    assert measure(name, tmp_path)["bm25"]["nDCG@10"] == pytest.approx(ndcg)


def test_chinese_questions_are_answered(workspace: Path, tmp_path: Path) -> None:
    """12 things, five pages each that differ in one word. Pairs of letters by rank_bm25 alone reach .6897."""
    found = measure("chinese_desk", tmp_path)["bm25"]
    assert found["Success@5"] == 1.0
    assert found["nDCG@10"] >= 0.68


def test_arabic_stems_are_worth_it(workspace: Path, tmp_path: Path) -> None:
    """Articles and prefixes are written together with their word: without stems half of the answers are lost."""
    config = (
        "- {name: found, lexical: true}\n- {name: named, lexical: {language: ar}}\n- {name: english, lexical: {language: en}}\n"
    )
    found = measure("arabic", tmp_path, config)
    assert found["found"] == found["named"]
    assert found["found"]["nDCG@10"] >= 0.8
    assert found["english"]["nDCG@10"] <= 0.55


def test_a_language_that_is_not_known_is_refused(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text("- {name: odd, lexical: {language: klingon}}\n", encoding="utf-8")
    assert main(["compare", str(DATA / "german_stems"), "--config", str(tmp_path / "own.yaml")]) == 2
    assert "the language klingon cannot be used; give auto, none or codes (de, en)" in capsys.readouterr().err
