"""Inputs for tools/fuzz.py: small valid files of each kind, and what makes damaged, huge and hostile ones of them.

make_input(kind, random) depends on the state of `random` alone, so an input can be made again from its seed and number.
"""

from __future__ import annotations

import functools
import io
import json
import lzma
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests.support import files

MOST = 1_000_000  # bytes of an input: up to here 5 seconds and 300 MB are promised
_OFTEN = 60_000  # most inputs are far smaller, so that many can be read
_LARGEST_MEMBER = 3 * MOST  # of a zip, unpacked: some of the ways to pack it take a second for as much
Make = Callable[[], bytes]

CORPUS = (
    '{"_id": "a", "title": "Alpha", "text": "One fish. Two fish.", "metadata": {"version": "3.1", "year": 2020, "on": true}}\n'
    '{"_id": "b", "text": "Blue \\u00fcber whale.", "metadata": {"version": "3.2", "tags": ["x", "y"], "size": 1.5}}\n'
    '{"_id": 3, "title": "", "text": "Third."}\n'
)
QUERIES = (
    '{"_id": "q1", "text": "which fish", "filter": {"year": {"gte": 2019, "lte": 2021}}, "tags": ["how_to"], '
    '"evidence": [{"doc_id": "a", "quote": "Two fish"}]}\n'
    '{"_id": "q2", "text": "whale?", "filter": {"version": ["3.2"]}, "answer": "blue", '
    '"evidence": [{"doc_id": "b", "start": 0, "end": 4}]}\n'
)
QRELS = "query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\nq2\tb\t1\n"
DATASET = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "qrels.tsv": QRELS}
TABLE = (
    "id,title,text,year,query,score,positive,negative\n"
    'a,Alpha,"One fish, ""two"" fish",2020,which fish,1,yes,no\nb,Beta,"Two\nlines",3.1,whale,0,no,yes\n'
)
MARKDOWN = (
    "---\ntitle: Guide\nversion: 3.1\ndate: 2024-09-18\ntags: [a, b]\nmore: {x: 1, y: true}\n---\n"
    "# Hub\n\nText with a [link](http://localhost) and `code`.\n\n## Sub {#s}\n\n- one\n- two\n\n```\n# no\n```\n\n| a | b |\n"
    "|---|---|\n"
)
HTML = (
    "<!DOCTYPE html><html><head><title>T &amp; U</title><style>p{}</style></head><body><nav><a href='#'>Home</a></nav><main>"
    "<h1>Head</h1><p>One <b>two</b><br>three<ul><li>a<li>b</ul><table><tr><th>x<th>y<tr><td colspan=2>z</table>"
    "<pre>  code\n more</pre><script>var a = '<p>';</script></main></body></html>"
)
YAML = (
    "systems:\n- name: mine\n  description: words\n  chunk: {type: recursive, size: 128, overlap: 8}\n"
    "  dense: {model: all-MiniLM-L6-v2}\n  lexical: {over: documents, k1: 1.2}\n  filter: true\n  infer_filters: [product]\n"
    "  rewrite:\n  - {type: glossary, groups: [[wifi, wlan]]}\n  fuse: {type: weighted, dense_share: 0.6}\n"
    "  rerank: {type: late_interaction, depth: 50}\n"
    "- name: other\n  lexical: true\n"
)
MAIL = (
    "From: a@localhost\r\nTo: b@localhost\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Wed, 18 Sep 2024 10:00:00 +0200\r\n"
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nHello =C3=BC\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n"
    "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n--x--\r\n"
)


def make_pdf() -> bytes:
    """Two pages of text, the second one compressed."""
    page = b"BT /F1 12 Tf 72 720 Td (Hello fish) Tj 0 -14 Td [(Two) -250 (words)] TJ ET"
    packed = zlib.compress(b"BT /F1 12 Tf 72 720 Td (Second page) Tj ET")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 7 0 R >> >> >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 6 0 R /Resources << /Font << /F1 7 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (Title) >>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out) + b"trailer << /Size %d /Root 1 0 R /Info 8 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def make_word() -> bytes:
    """Headings, a list, a table, a note and what was inserted and deleted."""
    head, item = '<w:pStyle w:val="H"/>', '<w:numPr><w:numId w:val="1"/></w:numPr>'
    body = (
        f"{files.paragraph('Head', head)}{files.paragraph('Some text.')}<w:sdt><w:sdtContent>{files.paragraph('Item', item)}"
        "</w:sdtContent></w:sdt><w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
        '<w:r><w:footnoteReference w:id="1"/></w:r></w:p><w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'
        f"{files.paragraph('wide')}</w:tc><w:tc>{files.paragraph('b')}</w:tc></w:tr></w:tbl>"
    )
    styles = '<w:style w:styleId="H"><w:name w:val="heading 1"/></w:style>'
    notes = f'<w:footnote w:id="1">{files.paragraph("A note.")}</w:footnote>'
    return files.make_word(body, styles=styles, footnotes=notes)


def make_slides() -> bytes:
    """Two slides, one with the speaker's notes."""
    slides = [files.shape("Title", "title") + files.shape("One"), files.shape("Two")]
    return files.make_slides(*slides, notes={0: files.shape("Said")})


def make_open_text() -> bytes:
    """A heading, a list, a table, a note and a text box of an OpenDocument file."""
    return files.make_open_document(
        '<text:h text:outline-level="2">Head</text:h><text:list><text:list-item><text:p>One<text:s text:c="2"/>two</text:p>'
        "</text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        "</table:table-row></table:table><text:p>x<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Note</text:p></text:note-body></text:note><draw:frame><draw:text-box><text:p>box</text:p></draw:text-box>"
        "</draw:frame></text:p>",
        styles="<style:header><text:p>Company</text:p></style:header>",
    )


def make_sheets() -> bytes:
    """Two sheets of an Excel file."""
    return files.make_sheets(First=[["name", "size"], ["a", 1.5], ["b", 2]], Second=[["x"]])


def make_open_sheets() -> bytes:
    """A sheet of an OpenDocument file."""
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
        for short in ("office", "table", "text", "manifest")
    )
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in ("a", "b")
    )
    rows = (
        f'<table:table-row>{cells}</table:table-row><table:table-row table:number-rows-repeated="2">{cells}</table:table-row>'
    )
    table = f'<table:table table:name="First">{rows}</table:table>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    return make_zip(
        {
            "mimetype": kind.encode(),
            "content.xml": f"<office:document-content {names}><office:body><office:spreadsheet>{table}"
            "</office:spreadsheet></office:body></office:document-content>".encode(),
            "META-INF/manifest.xml": f"<manifest:manifest {names}>{entry}</manifest:manifest>".encode(),
        }
    )


def make_epub() -> bytes:
    """A book of two chapters."""
    return files.make_epub({"a.xhtml": HTML, "b.xhtml": "<p>Last.</p>"}, spine=["a.xhtml", "b.xhtml"])


def make_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members, all of the same day."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def make_dataset_zip() -> bytes:
    """A dataset within a folder."""
    return make_zip({f"mine/{name}": text.encode() for name, text in DATASET.items()})


def make_parquet() -> bytes:
    """TABLE's columns, and lists, structs, times and decimals beside them."""
    import datetime
    import decimal

    import pyarrow as pa

    day = datetime.datetime(2024, 9, 18, 12, tzinfo=datetime.UTC)
    return _write_parquet(
        pa.table(
            {
                "id": ["a", "b"],
                "title": ["Alpha", None],
                "text": pa.array(["One fish.", "Two."]).dictionary_encode(),
                "query": ["which", "whale"],
                "score": pa.array([1, 0], pa.uint8()),
                "positive": ["yes", "no"],
                "when": pa.array([day, None], pa.timestamp("ns", "Europe/Berlin")),
                "price": [decimal.Decimal("1.50"), decimal.Decimal(2)],
                "tags": [["x", "y"], []],
                "more": [{"a": 1, "b": [1.5]}, None],
                "raw": [b"\x00\xff", b""],
            }
        )
    )


def _write_parquet(table: object) -> bytes:
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def make_odd_parquet(chance: random.Random) -> bytes:
    """A whole Parquet file whose columns have types that a table of texts has not."""
    import pyarrow as pa

    none = pa.array([None, None])
    whole = pa.array([2**64 - 1, 0], pa.uint64())
    odd: list[pa.Array] = [
        none,
        whole,
        pa.array([float("nan"), float("inf")]),
        pa.array([b"\xff\xfe", b"\xed\xa0\x80"], pa.binary()),
        pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"\xed\xa0"], pa.binary()).buffers()),
        pa.array([2**62, -(2**62)], pa.timestamp("us")),
        pa.array([2**62, 1], pa.timestamp("ns", "Mars/Olympus")),
        pa.array([2**50, 1], pa.timestamp("s", "+99:99")),
        pa.array([2**31 - 1, -(2**31)], pa.date32()),
        pa.array([2**50, 1], pa.date64()),
        pa.array([2**62, 1], pa.duration("s")),
        pa.array([1, 2], pa.time64("ns")),
        pa.array([10**37, 1], pa.decimal128(38, 0)),
        pa.array([[[["deep"]]], None]),
        pa.array([[("k", 1)], [("k", 2), ("k", 3)]], pa.map_(pa.string(), pa.int64())),
        pa.StructArray.from_arrays([whole, whole], names=["same", "same"]),
        pa.array(["x" * 100_000, "y"]),
        pa.array([True, None]),
        pa.array(["\x00", "\ud7ff\U0010ffff"]),
        pa.array([1.5, None], pa.float16()),
    ]
    names = ["id", "text", "title", "query", "doc_id", "score", "relevance", "positive", "label", "when", "more", "", "text"]
    count = chance.randint(1, 6)
    return _write_parquet(pa.Table.from_arrays([chance.choice(odd) for _ in range(count)], names=chance.sample(names, count)))


def make_examples() -> bytes:
    """Training examples as a table."""
    return b"query,positive,negative\nwhich fish,one,two\nwhale,blue,red\n"


def make_prices() -> bytes:
    """A table of prices."""
    rows = [
        "id,item,kind,unit,price_usd,source,seen,note",
        'mine,Reading,embedding,1M tokens,0.02,"A page, of prices",2026-07,',
    ]
    return "\n".join([*rows, ""]).encode()


# kind -> what makes a valid file of it; the suffixes of documents come on top, see list_kinds()
SEEDS: dict[str, Make] = {
    "corpus.jsonl": CORPUS.encode,
    "queries.jsonl": QUERIES.encode,
    "qrels.tsv": QRELS.encode,
    "zip": make_dataset_zip,
    "table.csv": TABLE.encode,
    "table.tsv": TABLE.replace(",", "\t").encode,
    "table.jsonl": (CORPUS + QUERIES).replace('"_id"', '"id"').encode,
    "table.parquet": make_parquet,
    "shards": make_parquet,
    "examples.csv": make_examples,
    "prices.csv": make_prices,
    "config.yaml": YAML.encode,
}
DOCUMENTS: dict[str, Make] = {
    ".txt": MARKDOWN.encode,
    ".md": MARKDOWN.encode,
    ".html": HTML.encode,
    ".pdf": make_pdf,
    ".docx": make_word,
    ".pptx": make_slides,
    ".odt": make_open_text,
    ".xlsx": make_sheets,
    ".ods": make_open_sheets,
    ".epub": make_epub,
    ".eml": MAIL.encode,
    ".mbox": "".join(f"From a Mon Sep  2 10:30:0{second} 2024\n{MAIL}\n" for second in (1, 2)).encode,
    ".json": json.dumps({"title": "T", "body": {"text": "One.", "parts": [{"text": "Two."}, {"size": 1.5}]}}).encode,
    ".ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["# Head\n", "Text."]},
                {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "1"}]},
            ],
            "metadata": {"kernelspec": {"language": "python"}},
            "nbformat": 4,
        }
    ).encode,
    ".jsonl": CORPUS.encode,
    ".trec": "<DOC>\n<DOCNO> a-1 </DOCNO>\n<TITLE>One</TITLE>\n<TEXT>\nA hub &amp; a clock.\n</TEXT>\n</DOC>\n".encode,
    ".py": "def f(x):\n    return {'a': x}  # one\n".encode,
}

# Words that mean something to one of the readers, and signs that have no width, no place or no end.
_WORDS = r"""
NaN Infinity 1e999 -0 1e-400 null true 0x10 1_000 ١٢ \ud800 \udfff\ud800 \u0000 \q 2024-13-45 !!bool !!int !!float !!timestamp
``` ~~~ === ]( ![]( {# <h1> <div> </div> <!-- --> <![CDATA[ <svg> <pre> <template> &#x110000; &amp;amp; <p < [ ] } { , ; "
' = += ../ / \ C:\ %00 | ... ","
"""
_PHRASES = r"""
!!bool foo|!!binary x|!!python/object:os.system x|!!set {a}|&a [*a]|*a|<<: *a|? [a]|--- |%YAML 9.9|: |- |# |# a #|{"a":
<td colspan=99999999>
"""
_PDF_WORDS = """
<< >> [ ] ( ) /Kids /Count /Length /Parent /Filter /FlateDecode /LZWDecode /ASCII85Decode /DecodeParms stream endstream endobj
999999999 -1 0 BT ET Tj q %%EOF
"""
_PDF_PHRASES = """
1 0 R|2 0 R|3 0 R|/Encrypt 8 0 R|/Prev 9|/Predictor 15 /Columns 99999999|/W [1 9 9]|/ToUnicode 5 0 R|/Type /ObjStm /N 99999
"""
_SIGNS = [
    *["\x00", "\ufeff", "\u2028", "\u200b", "\r", "\n", "\x0b", "\x1c", "\x85", "\t", "\x07", "\U0010ffff", "\ue000", "漢"],
    *["9" * 25, "9" * 5_000, "-" + "9" * 400, "9" * 400 + ".5", "0." + "0" * 400 + "1", "---\n", "\n---\n"],
    *_WORDS.split(),
    *_PHRASES.strip("\n").replace("\n", "|").split("|"),
]
_PDF_SIGNS = [*_PDF_WORDS.split(), *_PDF_PHRASES.strip().split("|")]
_XML_SIGNS = [
    '<w:gridSpan w:val="50000000"/>',
    "<w:p><w:r><w:t>x</w:t></w:r></w:p>",
    "<w:tbl><w:tr><w:tc>",
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "&b;",
    '<row r="1048576"><c r="XFD1048576" t="s"><v>99999999</v></c></row>',
    "<a:p><a:r><a:t>x</a:t></a:r></a:p>",
    '<itemref idref="x"/>',
    "<w:sdt><w:sdtContent>",
    "</w:body>",
    'xml:space="preserve"',
    'Target="../../../x"',
    'TargetMode="External"',
]
_ELEMENTS = [
    ("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"),
    ("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>"),
    ('<w:tc><w:tcPr><w:gridSpan w:val="50000000"/></w:tcPr>', "</w:tc>"),
    ('<w:p><w:r><w:t xml:space="preserve"> x</w:t>', "</w:r></w:p>"),
    ("<p:grpSp>", "</p:grpSp>"),
    ("<p:sp><p:txBody><a:p><a:r><a:t>x</a:t>", "</a:r></a:p></p:txBody></p:sp>"),
    ('<row r="1048576"><c r="XFD1048576" t="s"><v>99999999</v>', "</c></row>"),
    (
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16384">'
        "<text:p>x</text:p>",
        "</table:table-cell></table:table-row>",
    ),
    ('<itemref idref="a.xhtml"/>', ""),
    ("<div>", "</div>"),
    ("<x>", "</x>"),
]
_NUMBER = re.compile(rb"\d+")
_NESTING = [
    (b"[", b"]"),
    (b'{"a": ', b"}"),
    (b"<div>", b"</div>"),
    (b"- ", b""),
    (b"(", b")"),
    (b"<< /A ", b" >>"),
    (b"> ", b""),
]
_METHODS = [*[zipfile.ZIP_DEFLATED] * 4, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
_EXTREMES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
_NAMES = ["../x", "/x", "C:\\x", "a" * 300, "a/" * 1_500 + "x", "x\ny", "\x00", "CON", "ä", " ", ".", "__MACOSX/x", "mine"]


def list_kinds() -> dict[str, Make]:
    """Kind -> what makes a valid file of it: SEEDS, and DOCUMENTS by their suffix.

    Raises LookupError for a kind of documents without a file to begin with, so that no new one stays untried.
    """
    from core.data.readers.documents.kinds import KINDS

    missing = [kind.suffixes for kind in KINDS if not any(suffix in DOCUMENTS for suffix in kind.suffixes)]
    if missing:
        raise LookupError(f"tools/fuzz_inputs.py knows no valid file of {missing}; add one to DOCUMENTS")
    return SEEDS | DOCUMENTS


@functools.cache
def _seed(make: Make) -> bytes:
    return make()


def make_input(kind: str, make: Make, chance: random.Random) -> bytes:
    """A file of a kind with one to four changes, at most MOST bytes of it."""
    if kind in ("table.parquet", "shards") and chance.random() < 0.4:
        return make_odd_parquet(chance)
    data = _seed(make)
    signs = [*_SIGNS, *(_PDF_SIGNS * 3 if kind == ".pdf" else _XML_SIGNS if data[:2] == b"PK" else [])]
    is_zip = data[:2] == b"PK"
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 4])):
        if is_zip and data[:2] == b"PK" and chance.random() < 0.6:
            data = _change_zip(data, chance, signs)
        else:
            data = _change(data, chance, signs)
    return data[:MOST]


def _change(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    """One change of bytes or of structure."""
    return chance.choice(_CHANGES)(data or b"x", chance, signs)


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + int(chance.expovariate(1 / 20)) + 1)


def _flip(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 2, 8])):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _delete(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def _truncate(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _repeat(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    """A part many times over, now and then up to the largest size."""
    start, end = _span(data, chance)
    largest = MOST if chance.random() < 0.05 else _OFTEN
    times = min(chance.choice([2, 10, 1_000, 100_000]), largest // (end - start))
    return data[:start] + data[start:end] * times + data[end:]


def _insert(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    place = chance.randrange(len(data) + 1)
    sign = chance.choice(signs).encode("utf-8")
    largest = MOST if chance.random() < 0.05 else _OFTEN
    times = min(chance.choice([1, 1, 1, 3, 1_000, 100_000]), largest // len(sign) if sign else 0)
    return data[:place] + sign * times + data[place:]


def _insert_bytes(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    place = chance.randrange(len(data) + 1)
    return data[:place] + chance.randbytes(chance.choice([1, 4, 64])) + data[place:]


def _replace_number(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return _insert(data, chance, signs)
    start, end = chance.choice(found).span()
    number = chance.choice(["0", "-1", "1" * 20, "9" * 400, "9" * 5_000, "1e999", "NaN", "2147483648", "0.5", ""])
    return data[:start] + number.encode() + data[end:]


def _overwrite(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    width, layout = chance.choice([(1, "<B"), (2, "<H"), (4, "<I"), (4, ">I")])
    place = chance.randrange(len(data))
    number = chance.choice(_EXTREMES) & (256**width - 1)
    return data[:place] + struct.pack(layout, number) + data[place + width :]


def _nest(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    start, end = _span(data, chance)
    before, after = chance.choice(_NESTING)
    times = chance.choice([2, 90, 200, 3_000, 50_000])
    times = min(times, (MOST if chance.random() < 0.05 else _OFTEN) // len(before + after))
    return data[:start] + before * times + data[start:end] + after * (times if chance.random() < 0.7 else 0) + data[end:]


def _move(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    start, end = _span(data, chance)
    part, rest = data[start:end], data[:start] + data[end:]
    place = chance.randrange(len(rest) + 1)
    return rest[:place] + part + (rest[place:] if chance.random() < 0.5 else part + rest[place:])


def _double_line(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    if len(data) > MOST:  # a list of its lines may take more memory than a child has
        return _insert(data, chance, signs)
    lines = data.splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
    return b"".join(lines)


def _recode(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    """The text in another encoding, all of it or from some place on."""
    place = chance.choice([0, 0, chance.randrange(len(data))])
    encoding = chance.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "shift-jis", "utf-7", "utf-8-sig"])
    return data[:place] + data[place:].decode("utf-8", "replace").encode(encoding, "replace")


def _insert_between_tags(data: bytes, chance: random.Random) -> bytes:
    """Well-formed XML, once or nested or many times over, where an element may stand."""
    places = [match.end() for match in re.finditer(rb">(?=<)", data)]
    if not places:
        return data
    start, end = chance.choice(_ELEMENTS)
    times = chance.choice([1, 3, 200, 20_000])
    inside = start * times + end * times if chance.random() < 0.5 else (start + end) * times
    place = chance.choice(places)
    return (data[:place] + inside.encode() + data[place:])[: 5 * MOST]


_CHANGES = [
    _flip,
    _delete,
    _truncate,
    _repeat,
    _insert,
    _insert,
    _insert,
    _insert_bytes,
    _replace_number,
    _overwrite,
    _nest,
    _move,
    _double_line,
    _recode,
]


def _change_zip(data: bytes, chance: random.Random, signs: list[str]) -> bytes:
    """A change inside a zip: of a member's content or name, of the way it is packed, of a flag or size in its headers."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()[:50]}
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        return _change(data, chance, signs)
    if not members:
        return _change(data, chance, signs)
    name = chance.choice(list(members))
    way = chance.randrange(6)
    if way == 0:
        members[chance.choice(_NAMES)] = members.pop(name)
    elif way == 1:
        del members[name]
    elif way == 2:
        members[name] = chance.choice(["0", "<a>", "\n", "{}\n"]).encode() * _LARGEST_MEMBER
    elif way == 3:
        members[name] = _insert_between_tags(members[name], chance)
    else:
        members[name] = _change(members[name], chance, signs)
    members = {name: content[:_LARGEST_MEMBER] for name, content in members.items()}
    packed = make_zip(members, chance.choice(_METHODS))
    if chance.random() < 0.15:
        header = packed.rfind(chance.choice([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"]))
        place = header + chance.randrange(4, 46)
        packed = packed[:place] + bytes([chance.choice([0, 1, 8, 0x41, 0xFF])]) + packed[place + 1 :]
    return packed
