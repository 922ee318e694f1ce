"""The price table: what is shipped, what a user changes, and what is refused with which words."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.costs.prices import (
    COLUMNS,
    KINDS,
    SHIPPED,
    Price,
    PriceTable,
    read_prices,
    read_shipped,
    read_table,
    reset_prices,
    write_prices,
)
from core.costs.scenario import Scenario
from core.errors import InputError
from core.workspace import Workspace
from tests.support.costs import make_prices

GOOD = {
    "id": "mine", "item": "My model", "kind": "embedding", "unit": "1M tokens", "price_usd": "0.01", "source": "a page",
    "seen": "2026-11", "note": "",
}  # fmt: skip
SHIPPED_PRICES = {price.id: price for price in read_shipped().prices}


@pytest.fixture
def store(workspace: Path) -> Workspace:
    return Workspace(workspace)


def write_csv(file: Path, *rows: dict[str, str]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.mark.parametrize("price", SHIPPED_PRICES.values(), ids=SHIPPED_PRICES)
def test_every_shipped_row_has_a_source_and_a_date(price: Price) -> None:
    assert price.source and price.seen.startswith("20") and price.price_usd > 0
    assert price.unit in KINDS[price.kind] and price.per > 0


def test_every_kind_is_shipped_and_the_default_scenario_can_be_reckoned() -> None:
    table = read_shipped()
    assert {price.kind for price in table.prices} == set(KINDS)
    assert table.stores == ("pinecone", "chroma")
    Scenario().check_prices(table)


@pytest.mark.parametrize(
    ("price_id", "dollars", "unit", "seen"),
    [
        ("openai-3-small", 0.02, "1M tokens", "2026-07"),
        ("openai-3-large", 0.13, "1M tokens", "2025-07"),
        ("cohere-rerank-3.5", 2.0, "1k searches", "2025"),
        ("pinecone-minimum", 50.0, "month", "2026-11"),
        ("chroma-scan", 0.0075, "TiB scanned", "2026-03"),
        ("gpu-h100", 6.88, "GPU-hour", "2025"),
        ("cpu", 0.045, "vCPU-hour", "2026-08"),
    ],
)
def test_shipped_figures(price_id: str, dollars: float, unit: str, seen: str) -> None:
    price = SHIPPED_PRICES[price_id]
    assert (price.price_usd, price.unit, price.seen) == (dollars, unit, seen)


@pytest.mark.parametrize(
    ("price_id", "per"),
    [("openai-3-small", 1e6), ("cohere-rerank-3.5", 1e3), ("pinecone-storage", 1e9), ("chroma-storage", 1_073_741_824.0)],
)
def test_what_a_price_is_for(price_id: str, per: float) -> None:
    assert SHIPPED_PRICES[price_id].per == per


BAD = [
    ({"price_usd": "-1"}, "mine has the price '-1'; write a number of US dollars, 0 or more, such as 0.02"),
    ({"price_usd": "cheap"}, "mine has the price 'cheap'; write a number of US dollars, 0 or more, such as 0.02"),
    ({"price_usd": "nan"}, "mine has the price 'nan'; write a number of US dollars, 0 or more, such as 0.02"),
    ({"price_usd": ""}, "mine has the price ''; write a number of US dollars, 0 or more, such as 0.02"),
    ({"source": " "}, "mine has no source; write where the price was seen, such as a provider's price page"),
    ({"seen": ""}, "mine was seen ''; write a date as YYYY, YYYY-MM or YYYY-MM-DD"),
    ({"seen": "July 2026"}, "mine was seen 'July 2026'; write a date as YYYY, YYYY-MM or YYYY-MM-DD"),
    ({"seen": "2026-13"}, "mine was seen '2026-13'; write a date as YYYY, YYYY-MM or YYYY-MM-DD"),
    ({"seen": "2026-02-30"}, "mine was seen '2026-02-30'; write a date as YYYY, YYYY-MM or YYYY-MM-DD"),
    ({"kind": "magic"}, f"mine has the kind 'magic'; it can be {', '.join(KINDS)}"),
    ({"unit": "hour"}, "mine has the unit 'hour'; a price of the kind embedding is per 1k tokens, 1M tokens"),
    ({"item": ""}, "mine has no item; write what is bought"),
    ({"id": "my own"}, "the id is 'my own'; give every price an id without spaces"),
    (
        {"kind": "vector_minimum", "unit": "month"},
        "mine belongs to no vector store; write its id as STORE-WHAT, such as pinecone-read",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_row_is_refused_with_file_line_and_cure(changes: dict[str, str], message: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "own.csv", {**GOOD, "id": "first"}, {**GOOD, **changes})
    with pytest.raises(InputError) as caught:
        read_table(file)
    assert str(caught.value) == f"{file}, line 3: {message}"


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "own.csv", GOOD, GOOD)
    with pytest.raises(InputError, match="line 3: the id 'mine' is there twice; give each price an id of its own"):
        read_table(file)


def test_files_that_are_no_price_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "absent.csv")
    file = tmp_path / "own.csv"
    file.write_text("id,item\na,b\n")
    with pytest.raises(
        InputError, match="line 1: has no column kind, unit, price_usd, source, seen; the first line should be id,"
    ):
        read_table(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_table(file)


def test_a_date_may_be_as_exact_as_it_is_known(tmp_path: Path) -> None:
    rows = [{**GOOD, "id": seen, "seen": seen} for seen in ("2026", "2026-02", "2026-02-28")]
    assert [price.seen for price in read_table(write_csv(tmp_path / "own.csv", *rows)).prices] == [
        "2026",
        "2026-02",
        "2026-02-28",
    ]


def test_what_was_edited_is_laid_over_what_is_shipped(store: Workspace, tmp_path: Path) -> None:
    shipped = read_prices(store)
    dearer = replace(shipped.get("cpu"), price_usd=0.06, seen="2026-12")
    own = Price("mine", "My model", "embedding", "1M tokens", 0.01, "a page", "2026-11")
    write_prices(PriceTable((*(dearer if price.id == "cpu" else price for price in shipped.prices), own)), store)
    table = read_prices(store)
    assert [price.id for price in table.prices] == [*(price.id for price in shipped.prices), "mine"]
    assert (table.get("cpu"), table.get("mine")) == (dearer, own)
    kept = read_table(store.path("prices.csv"))
    assert kept.prices == (dearer, own), "rows that nobody touched follow the product"
    file = write_csv(tmp_path / "more.csv", {**GOOD, "price_usd": "0.005"})
    assert read_prices(store, file=file).get("mine").price_usd == 0.005
    reset_prices(store)
    assert read_prices(store) == shipped


def test_writing_the_shipped_prices_leaves_nothing_behind(store: Workspace) -> None:
    write_prices(PriceTable((replace(SHIPPED_PRICES["cpu"], price_usd=1.0),)), store)
    assert store.path("prices.csv").exists()
    write_prices(read_shipped(), store)
    assert not store.path("prices.csv").exists()


def test_a_frame_for_a_data_editor_and_back() -> None:
    table = read_shipped()
    frame = table.to_frame()
    assert list(frame.columns) == COLUMNS and len(frame) == len(table.prices)
    assert PriceTable.from_frame(frame) == table
    with_blank = pd.concat([frame, pd.DataFrame([dict.fromkeys(COLUMNS)])], ignore_index=True)
    assert PriceTable.from_frame(with_blank) == table, "an editor's empty last row"
    assert PriceTable.from_frame(frame.iloc[:0]) == PriceTable(())


def test_an_edited_frame_is_refused_by_row() -> None:
    frame = read_shipped().to_frame()
    frame.loc[1, "price_usd"] = float("nan")
    with pytest.raises(InputError, match="price table, line 2: openai-3-large has the price ''"):
        PriceTable.from_frame(frame)


def test_asking_for_what_is_not_there() -> None:
    table = make_prices()
    with pytest.raises(InputError, match="there is no price 'absent'; there are embed, search, "):
        table.get("absent")
    with pytest.raises(InputError, match="there is no price 'embed' of the kind cpu_hour; there are: core"):
        table.pick("embed", "cpu_hour")
    with pytest.raises(InputError, match="no prices of a vector store 'absent'; there are: pine, scan"):
        table.store("absent")
    with pytest.raises(InputError, match="no prices of a vector store ''"):
        table.store("")


def test_the_shipped_file_is_where_it_is_said() -> None:
    assert SHIPPED.name == "prices.csv" and SHIPPED.parent.name == "costs"
