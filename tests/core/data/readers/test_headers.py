"""Whether the first line of a table is a header: no row and no name may be lost."""

from __future__ import annotations

import pytest

from core.data.readers.headers import guess_header


@pytest.mark.parametrize(
    "table",
    [
        "id|text;1|green tea leaves are dried;2|coffee",
        "query;espresso machine;milk frother",
        "query|docid|rating;espresso|101|3;espresso|102|",
        "Nummer|Frage;1|Wie lange dauert der Versand ins Ausland?;2|Was kostet das?",
        "Wort|Wert;tee|0,5;kaffee|1",
        "id|text|2019|2020;1|a b|3|4;2|c d|5|6",
        "|id|text;0|a|green tea;1|b|coffee",
        "kuerzel|inhalt;q1|green tea;q2|coffee",
    ],
)
def test_names_are_names(table: str) -> None:
    header = guess_header([line.split("|") for line in table.split(";")])
    assert header.present and header.sure


@pytest.mark.parametrize(
    "table",
    [
        "5|when does the market open;6|bridge repairs;8|who paid the roof",
        "0|The harbour froze in 1929 and ships waited.;1|A lock lifts barges.",
        "10|0|0|1;11|0|1|1",
        "q1|d1|1;q2|d2|0",
        "q7|what is tea;q12|what is coffee",
        "1|title;2|who paid the roof;3|who did not",
        "5|when does the market open",
        "MED-10|Do statins cause cancer?;PLAIN-2|How are carrots grown",
    ],
)
def test_rows_are_rows(table: str) -> None:
    assert not guess_header([line.split("|") for line in table.split(";")]).present


@pytest.mark.parametrize(
    "table", ["kettle;teapot;gasket", "abc|kettle;def|why does the kettle whistle so loud;ghi|who cares at all about it"]
)
def test_what_may_be_either_is_not_sure(table: str) -> None:
    assert not guess_header([line.split("|") for line in table.split(";")]).sure
