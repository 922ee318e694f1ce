"""Folders of web pages and of PDFs that were once read wrongly, searched through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli.main import main
from tests.support.files import make_pdf

PAGES = {
    "a-no-head-close": "<!DOCTYPE html>\n<html>\n<head>\n<title>Refunds</title>\n<meta charset='utf-8'>\n<body>\n"
    "<h1>Refunds</h1>\n<p>A refund is paid within ten days to the card that was charged.\n"
    "<p>Shipping is not refunded.\n</body></html>",
    "b-minified": "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Exchanges</title>\n<h1>Exchanges</h1>"
    "<p>An exchange needs the sticker on the box.<p>Colours can be exchanged once.",
    "c-normal": "<!DOCTYPE html><html><head><title>Repairs</title></head><body><h1>Repairs</h1>"
    "<p>A repair takes three weeks.</p></body></html>",
    "d-noscript": "<!DOCTYPE html><html><head><title>Returns</title></head><body>"
    "<noscript><p>Please turn on scripts.</p></noscript>"
    '<script>var a="<p>hidden</p>";</script><nav>Home | Shop | Cart</nav><main><h1>Returns</h1>'
    "<p>A return label is printed in the shop.</p></main></body></html>",
    "e-object": "<!DOCTYPE html><html><head><title>Drawings</title></head><body><h1>Drawings</h1>"
    '<object data="plan.pdf" type="application/pdf"><p>The drawing shows the hinge with part number 77-A.</p></object>'
    "<p>Ask for more drawings.</p></body></html>",
    "f-header-title": "<!DOCTYPE html><html><head><title>Warranty</title><body><h1>Warranty</h1><table><tr><th>Part<th>Years"
    "<tr><td>Motor<td>5<tr><td>Battery<td>2</table><p>The warranty starts with delivery.",
}
PAGE_QUERIES = [
    ("how long does a refund take", "a-no-head-close"),
    ("exchange sticker on the box", "b-minified"),
    ("repair weeks", "c-normal"),
    ("return label", "d-noscript"),
    ("hinge part number 77-A", "e-object"),
    ("warranty years motor", "f-header-title"),
]
INTERLEAVED = [
    ("Ballast water is ex-", "The harbour pilot"),
    ("changed at least two", "comes aboard at the"),
    ("hundred miles from", "outer buoy and must"),
    ("the coast. The log-", "be paid before de-"),
    ("book records it.", "parture."),
]
COLUMNS = [[(72.0, 740.0, "Harbour handbook, page 2")]]
COLUMNS += [[(72.0, 700.0 - 14 * row, text)] for row, text in enumerate(("Tug-", "boats are ordered", "by radio."))]
COLUMNS += [[(320.0, 700.0 - 14 * row, text)] for row, text in enumerate(("Moor-", "ing lines are doub-", "led in winter."))]
PAPERS = {
    "interleaved": make_pdf(
        [
            (72, 740, "Harbour handbook, page 1"),
            *(
                (x, 700 - 14 * row, text)
                for row, line in enumerate(INTERLEAVED)
                for x, text in zip((72, 320), line, strict=True)
            ),
        ]
    ),
    "columns": make_pdf([place for line in COLUMNS for place in line]),
    "plain": make_pdf("Fenders hang on the quay side."),
}
PAPER_QUERIES = [
    ("exchanged", "interleaved"),
    ("departure", "interleaved"),
    ("tugboats", "columns"),
    ("mooring", "columns"),
    ("doubled", "columns"),
    ("fenders", "plain"),
]


@pytest.mark.parametrize(
    ("files", "queries", "ending"),
    [
        ({name: text.encode() for name, text in PAGES.items()}, PAGE_QUERIES, "html"),
        (PAPERS, PAPER_QUERIES, "pdf"),
    ],
    ids=["web pages", "PDFs"],
)
def test_every_file_is_found_by_its_words(
    files: dict[str, bytes],
    queries: list[tuple[str, str]],
    ending: str,
    tmp_path: Path,
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data"
    (folder / "in").mkdir(parents=True)
    for name, content in files.items():
        (folder / "in" / f"{name}.{ending}").write_bytes(content)
    lines = [json.dumps({"_id": f"q{place}", "text": text}) for place, (text, _) in enumerate(queries)]
    (folder / "queries.jsonl").write_text("\n".join(lines))
    labels = [f"q{place} 0 in/{name}.{ending} 1\n" for place, (_, name) in enumerate(queries)]
    (folder / "qrels.tsv").write_text("".join(labels))
    target = tmp_path / "result.json"
    assert main(["compare", str(folder), "--systems", "bm25", "--json", str(target)]) == 0
    result = json.loads(target.read_text())
    assert result["dataset"]["documents"] == len(files)
    measured = result["systems"][0]["measures"]["Success@1"]
    assert (measured["mean"], measured["n"]) == (1.0, len(queries))
