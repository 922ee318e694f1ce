"""A quote that nothing closes swallows no rows in silence; values that have several lines stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.readers.table_files import read_rows
from core.errors import InputError

SWALLOWED = "and the lines between look like rows"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ('id,text\na,"open\nb2,foo\nc,bar 12"\nd,x\n', 0, ""),  # no ids with digits, three lines: may be one value
        ('id,text\na1,"open\na2,foo\na3,bar 12"\na4,x\n', 2, SWALLOWED),
        ('id,text\na1,"12 inch\na2,5"\n', 2, SWALLOWED),
        ('text,label\nfine,1\n"open,0\nfoo,3\nbar",4\n', 3, SWALLOWED),
        ('id;text\n1;x\n\n2;"open\n3;y\n4;z"\n', 4, SWALLOWED),
        ("q,a\n" + 'one,"open\n' + "some words,other words\n" * 4 + 'six,end"\n', 2, SWALLOWED),
        ('id,text\na,x\nb,"open\nc,y\n', 3, "the quotes do not match (unexpected end of data)"),
        ('id,text\na,"open\nb,"two, three"\n', 2, "the quotes do not match"),
        ('id,text\n1,"one, two\nthree"\n2,"Hello\n\nBest, Tom"\n3,x\n', 0, ""),
        ('id,text\nd1,"\n1,3\n2,5"\nd2,x\n', 0, ""),  # a table in a cell
        ('id,text,n\n1,"Dear all\nbye",3\n2,"a\nb\nc",4\n', 0, ""),
    ],
)
def test_rows_in_a_value(tmp_path: Path, content: str, line: int, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    if not line:
        assert len(list(read_rows(path))) < content.count("\n") - 1
        return
    with pytest.raises(InputError) as error:
        list(read_rows(path))
    assert error.value.line == line and message in str(error.value) and '("")' in str(error.value)
