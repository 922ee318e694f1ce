"""Web pages: what is text, what is navigation, and pages that would stall a reader."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.web_page import decode_page, extract_page
from core.errors import InputError

KEEP = Reading(keep_navigation=True)


def read(source: str, reading: Reading | None = None) -> str:
    return extract_page(source, reading or Reading()).text


def test_end_tags_may_be_missing() -> None:
    assert read("<head><title>T</title><body><ul><li>one<li>two</ul><dl><dt>term<dd>meaning</dl>") == (
        "- one\n- two\n\nterm\nmeaning"
    )
    assert read("<table><tr><th>a<th>b<tr><td><p>1<td><p>2</table>after") == "a | b\n1 | 2\n\nafter"


def test_tables_that_lay_out_a_page_are_blocks() -> None:
    assert read("<table><tr><td><h2>Left</h2><p>x<td><table><tr><td>1<td>2</table></table>") == "## Left\n\nx\n\n1 | 2"


def test_text_in_unusual_places_is_text() -> None:
    page = "<object data=x><p>drawn</p></object><div hidden>folded</div><textarea>typed</textarea><svg><text>label</text></svg>"
    assert read(page + "<img alt='a pump'><select><option>red<option>blue</select>").split() == (
        ["drawn", "folded", "typed", "label", "a", "pump", "red", "blue"]
    )


def test_words_of_things_within_a_line_do_not_run_together(tmp_path: Path) -> None:
    page = "<p>Press<button>go</button><svg><title>arrow</title></svg><textarea>here</textarea>again<video>no film</video>."
    assert read(page + "<p>un<b>bro</b>ken") == "Press go arrow here again no film .\n\nunbroken"
    (tmp_path / "app.html").write_text("<body><div id=root></div><script>write('words')</script>")
    with pytest.raises(InputError, match="the page has no text of its own, for a script writes it; open it in a browser"):
        load_dataset(tmp_path)


NAVIGATION = (
    "<header><a href=/>Shop</a></header><nav>Home Cart</nav><div class='left-sidebar'><a href=a>All</a> <a href=b>New</a></div>"
    "<main><header><h1>Pump</h1></header><ul><li>Close the valve</ul><p class='menu'>Two pumps fit, see <a href=x>here</a>."
    "<aside>Note: hot</aside><footer>Written by Bo</footer></main><footer>Imprint</footer>"
)


def test_navigation_is_left_out_and_counted() -> None:
    page = extract_page(NAVIGATION, Reading())
    assert page.text == "# Pump\n\n- Close the valve\n\nTwo pumps fit, see here.\n\nNote: hot\nWritten by Bo"
    assert page.left_out
    kept = extract_page(NAVIGATION, KEEP)
    assert kept.left_out == ""
    for word in ("Shop", "Home Cart", "All New", "Imprint"):
        assert word in kept.text
        assert word not in page.text


def test_a_page_that_is_all_navigation_is_read() -> None:
    assert read("<nav><a href=a>Pumps</a></nav><noscript>Read me</noscript>") == "Pumps\nRead me"


def test_the_switch_and_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<nav>Home</nav><p>This page is long enough to be mostly text.")
    (tmp_path / "b.html").write_text("<p>No navigation here.")
    assert load_dataset(tmp_path).warnings == (
        "1 file: menus, heads and feet of web pages were left out: a.html (11% of its letters); "
        "`keep_navigation` in reading.json keeps them.",
    )
    (tmp_path / "reading.json").write_text('{"keep_navigation": true}')
    dataset = load_dataset(tmp_path)
    assert dataset.warnings == ()
    assert dataset.documents["text"].tolist()[0].startswith("Home\n")
    (tmp_path / "reading.json").write_text('{"keep_navigation": "perhaps"}')
    with pytest.raises(Exception, match=r"reading.json: .*keep_navigation"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<meta charset=iso-8859-1><p>café €".encode("cp1252"), "café €"),
        ("<?xml version='1.0' encoding='windows-1251'?><p>насос".encode("cp1251"), "насос"),
        ("\ufeff<p>pómpa".encode(), "pómpa"),
        ("<meta charset=utf-16><p>pómpa".encode(), "pómpa"),
    ],
)
def test_the_encoding_that_a_page_names(data: bytes, text: str) -> None:
    assert read(decode_page(data, Path("x.html"))) == text


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<div>" * 20_000 + "bottom", "bottom"),
        ("<b>" * 60_000 + "bottom", "bottom"),
        ("<table><tr><td>" * 15_000 + "bottom", "bottom"),
        ("<header>" * 30_000 + "bottom", "bottom"),
        ("<div class=nav><a>a</a>" * 10_000 + "bottom" * 9, "bottom"),
        ("<" * 300_000, "<<<"),
        ("<script" * 40_000, ""),
        ("<p title='" * 40_000, ""),
        ("<a " + "x " * 100_000 + ">bottom", "bottom"),
    ],
    ids=["div", "b", "table", "header", "nav", "signs", "script", "quotes", "attributes"],
)
def test_nothing_stalls(source: str, found: str) -> None:
    start = time.process_time()
    assert found in read(source)
    assert time.process_time() - start < 5


def test_elements_that_xhtml_closes_at_once_take_nothing() -> None:
    page = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title/><script src='a'/></head><body>"
    assert (
        read(decode_page(page + b"<p>rosin <b/>for <i class='x' />strings</p></body></html>", Path("x.xhtml")))
        == "rosin for strings"
    )


def test_a_page_in_utf_16_is_known_by_its_mark() -> None:
    assert read(decode_page("<p>sixteen bits \N{SHIP}</p>".encode("utf-16"), Path("x.xhtml"))) == "sixteen bits \N{SHIP}"


def test_what_is_left_out_is_said_truly(tmp_path: Path) -> None:
    pages = {
        "plain.html": "<style>p{}</style><script>var a = '<nav>x</nav>'</script><p>Text.",
        "without.html": "<p>Text.<noscript>Switch scripts on.</noscript>",
        "template.html": "<p>Text.<template><p>Row</p></template>",
        "frame.html": "<frameset><frame src=a.html><noframes><h1>Pump</h1></noframes></frameset>",
        "frames.html": "<frameset><frame src=a.html></frameset>",
    }
    for name, source in pages.items():
        (tmp_path / name).write_text(source)
    dataset = load_dataset(tmp_path)
    assert dataset.documents["text"].tolist() == ["# Pump", "Text.", "Text.", "Text."]
    assert list(dataset.warnings) == [
        "1 file of 5 left out: frames.html: the page consists of frames, which show other files; give those files too.",
        "1 file: the page consists of frames, which show other files; give those files too: frame.html.",
        "1 file: <template> elements of web pages, which only scripts show, are not read: template.html.",
        "1 file: what a web page shows only where scripts are off (<noscript>) was left out; `keep_navigation` in reading.json "
        "keeps it: without.html.",
    ]


def test_signs_of_the_parser_are_no_text() -> None:
    page = (
        '<p title=\'a > b\' a"b="c">1 &lt; 2 &amp;lt; 3<a<b>4</a<b><!-- > no --><xmp><b>5</b></xmp><svg><![CDATA[6 < 7]]></svg>'
    )
    assert read(page + "<iframe srcdoc='&lt;h2>in&lt;/h2>&lt;p>side'>no</iframe>") == (
        "1 < 2 &lt; 34\n\n<b>5</b>\n\n6 < 7\n\n## in\n\nside"
    )


def test_scripts_hide_no_depth() -> None:
    source = "<div><script>'</div></div>'</script>" * 20_000 + "bottom"
    start = time.process_time()
    assert read(source) == "bottom"
    assert time.process_time() - start < 5


def test_dense_pages_take_little_time() -> None:
    row, card = "<tr><td>word</td><td>word</td></tr>", "<div class=row><a href=x>word</a><b>other</b></div>"
    start = time.process_time()
    assert read("<table>" + row * 6_000 + "</table>" + card * 6_000).count("word") == 18_000
    assert time.process_time() - start < 1.5  # half a megabyte: a quarter of a second where nothing else runs
