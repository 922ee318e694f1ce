"""Files under damage: JSON and Parquet give what was written, or say that they are damaged."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pandas as pd
import pytest

from core.errors import DamagedFile, InputError
from core.storage.damage import DAMAGED, Damaged, find_whole, is_damage, reading
from core.storage.files import read_frame, read_json, write_frame, write_json
from tests.support.models import make_run

FACTS = {"texts": ["é", "b"], "share": 0.1, "inner": {"a": [1, 2, {"b": None}]}}
RUN = make_run({"q": [("a1", 0.1 + 0.2), ("b1", -1e-300)], "p": [("a1", 1e300)]})


def flip(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def test_no_flipped_bit_of_json_passes(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_json(file, FACTS)
    whole = file.read_bytes()
    assert read_json(file) == FACTS
    read = 0
    for place in range(len(whole)):
        for bit in range(8):
            file.write_bytes(flip(whole, place, bit))
            try:
                assert read_json(file) == FACTS
                read += 1
            except ValueError as error:
                assert is_damage(error)
    assert read < 5, "nearly all of them are seen"


def test_no_flipped_byte_of_a_frame_passes(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    write_frame(RUN, file)
    whole = file.read_bytes()
    chance = random.Random(3)
    seen = 0
    for place in [*range(len(whole) - 30, len(whole)), *(chance.randrange(len(whole)) for _ in range(150))]:
        file.write_bytes(flip(whole, place, chance.randrange(8)))
        try:
            assert read_frame(file).equals(RUN)
        except (ValueError, OSError) as error:
            assert is_damage(error)
            seen += 1
    assert seen > 170
    for length in (0, 1, 7, 100, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises((ValueError, OSError)):
            read_frame(file)


def test_a_damaged_frame_without_a_checksum_is_damaged_and_no_bug(tmp_path: Path) -> None:
    """What stands beside the columns makes pandas and Arrow raise what programs that are wrong raise."""
    file = tmp_path / "a.parquet"
    RUN.to_parquet(file, index=False)
    whole = file.read_bytes()
    told = set()
    for place in range(whole.index(b"ARROW:schema"), len(whole), 8):
        file.write_bytes(flip(whole, place, 2))
        try:
            read_frame(file)
        except (ValueError, OSError) as error:
            assert is_damage(error)
            told.add(str(error))
    assert {f"it is no whole Parquet file, {name}" for name in ("KeyError", "TypeError")} <= told


def test_files_without_a_checksum_are_read_as_they_are(tmp_path: Path) -> None:
    frame, record = tmp_path / "a.parquet", tmp_path / "a.json"
    RUN.to_parquet(frame, index=False)
    assert read_frame(frame).equals(RUN)
    for text in (json.dumps(FACTS), json.dumps(FACTS, indent=1), json.dumps(FACTS, indent=4, ensure_ascii=False)):
        record.write_text(text, encoding="utf-8")
        assert read_json(record) == FACTS
    write_frame(RUN, frame)
    assert pd.read_parquet(frame).equals(pd.read_parquet(frame).assign()), "other programs can read it"
    write_json(record, FACTS, sealed=False)
    assert json.loads(record.read_text(encoding="utf-8")) == FACTS


def test_what_can_be_made_again_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "a.json"
    assert find_whole(file, read_json, root=tmp_path) is None
    write_json(file, FACTS)
    assert find_whole(file, read_json, root=tmp_path) == FACTS
    file.write_text("{", encoding="utf-8")
    assert find_whole(file, read_json, root=tmp_path) is None
    assert not file.exists()
    [kept] = (tmp_path / DAMAGED).glob("*/cache/a.json")
    assert kept.read_text(encoding="utf-8") == "{"
    file.mkdir()
    assert find_whole(file, read_json, root=tmp_path) is None
    assert len(list((tmp_path / DAMAGED).glob("*/cache/a.json"))) == 2


@pytest.mark.parametrize(
    "error", [AttributeError(), KeyError(), TypeError(), MemoryError(), OSError(24, "too many open files")]
)
def test_a_bug_or_a_machine_in_trouble_is_no_damage(error: Exception, tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.touch()

    def read(file: Path) -> None:
        raise error

    with pytest.raises(type(error)):
        find_whole(file, read, root=tmp_path)
    with pytest.raises(type(error)), reading(file, cure="none"):
        raise error
    assert file.exists() and not is_damage(error)


def test_damage_has_a_sentence() -> None:
    told = r"x: cannot be read \(its checksum is wrong\); make it again"
    with pytest.raises(DamagedFile, match=told), reading("x", cure="make it again"):
        raise Damaged("its checksum is wrong")
    assert not is_damage(InputError("written by a later version")) and is_damage(DamagedFile("x"))
