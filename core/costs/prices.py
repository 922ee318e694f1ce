"""The price table: dated, each row with its source, and every row editable.

The shipped rows are prices.csv beside this file; what a user changed or added is kept in the workspace's prices.csv and
laid over them, row by row, so that an update of the product still brings new prices for the rows that nobody touched.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import InputError
from core.storage.files import replace_file
from core.text.csv_text import rearm
from core.workspace import Workspace

SHIPPED = Path(__file__).with_name("prices.csv")
COLUMNS = ["id", "item", "kind", "unit", "price_usd", "source", "seen", "note"]

EMBEDDING, RERANK_SEARCH, RERANK_TOKENS = "embedding", "rerank_search", "rerank_tokens"
STORAGE, READ, WRITE, MINIMUM = "vector_storage", "vector_read", "vector_write", "vector_minimum"
SCAN, RETURN = "vector_scan", "vector_return"
CPU, GPU, PERSON, CHAT_TRAINING = "cpu_hour", "gpu_hour", "person_hour", "chat_training"

_BYTES = {"GB": 1e9, "GiB": 2.0**30, "TB": 1e12, "TiB": 2.0**40}
_COUNTS = {"1k ": 1e3, "1M ": 1e6}
# kind -> its units, each with how much of the thing counted (tokens, bytes, hours, ...) one unit is
KINDS: dict[str, dict[str, float]] = {
    EMBEDDING: {f"{count}tokens": size for count, size in _COUNTS.items()},
    RERANK_SEARCH: {f"{count}searches": size for count, size in _COUNTS.items()},
    RERANK_TOKENS: {f"{count}tokens": size for count, size in _COUNTS.items()},
    STORAGE: {f"{size}-month": value for size, value in _BYTES.items()},
    READ: {f"{count}read units": size for count, size in _COUNTS.items()},
    WRITE: {
        **{f"{count}write units": size for count, size in _COUNTS.items()},
        **{f"{size} written": value for size, value in _BYTES.items()},
    },
    MINIMUM: {"month": 1.0},
    SCAN: {f"{size} scanned": value for size, value in _BYTES.items()},
    RETURN: {f"{size} returned": value for size, value in _BYTES.items()},
    CPU: {"vCPU-hour": 1.0},
    GPU: {"GPU-hour": 1.0},
    PERSON: {"hour": 1.0},
    CHAT_TRAINING: {f"{count}tokens": size for count, size in _COUNTS.items()},
}
_STORE_KINDS = (STORAGE, READ, WRITE, MINIMUM, SCAN, RETURN)
_DATE = re.compile(r"\d{4}|\d{4}-(0[1-9]|1[0-2])|\d{4}-\d{2}-\d{2}")
_ID = re.compile(r"\S+")


@dataclass(frozen=True)
class Price:
    """One row. kind: of KINDS. unit: what price_usd is for, one of the kind's. price_usd: at least 0. source: where it was
    seen, in words. seen: the date, YYYY, YYYY-MM or YYYY-MM-DD."""

    id: str
    item: str
    kind: str
    unit: str
    price_usd: float
    source: str
    seen: str
    note: str = ""

    @property
    def per(self) -> float:
        """How many tokens, searches, bytes, ... the price is for: 1,000,000 for "1M tokens"."""
        return KINDS[self.kind][self.unit]

    @property
    def family(self) -> str:
        """The vector store that a row belongs to: "pinecone" for pinecone-read; "" for other kinds."""
        return self.id.rpartition("-")[0] if self.kind in _STORE_KINDS else ""


@dataclass(frozen=True)
class PriceTable:
    """The rows, in order; ids are unique (see make_table)."""

    prices: tuple[Price, ...]

    def get(self, price_id: str) -> Price:
        """The row of an id; InputError lists the ids that there are."""
        for price in self.prices:
            if price.id == price_id:
                return price
        raise InputError(f"there is no price {price_id!r}; there are {', '.join(price.id for price in self.prices)}")

    def of_kind(self, *kinds: str) -> tuple[Price, ...]:
        """The rows of these kinds, in the table's order."""
        return tuple(price for price in self.prices if price.kind in kinds)

    def pick(self, price_id: str, *kinds: str) -> Price:
        """get(), of one of these kinds; InputError lists those that would fit."""
        fitting = self.of_kind(*kinds)
        price = next((price for price in fitting if price.id == price_id), None)
        if price is None:
            names = ", ".join(price.id for price in fitting) or "none"
            raise InputError(f"there is no price {price_id!r} of the kind {' or '.join(kinds)}; there are: {names}")
        return price

    @property
    def stores(self) -> tuple[str, ...]:
        """Names of the vector stores that have prices."""
        return tuple(dict.fromkeys(price.family for price in self.prices if price.family))

    def store(self, name: str) -> dict[str, Price]:
        """kind -> price of a vector store; InputError lists the stores."""
        found = {price.kind: price for price in self.prices if price.family == name and name}
        if not found:
            raise InputError(f"there are no prices of a vector store {name!r}; there are: {', '.join(self.stores) or 'none'}")
        return found

    def to_frame(self) -> pd.DataFrame:
        """COLUMNS, one row a price, for a data editor."""
        return pd.DataFrame([asdict(price) for price in self.prices], columns=COLUMNS)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> PriceTable:
        """The table of an edited frame. Columns other than COLUMNS are ignored, rows without any entry dropped. Raises
        InputError that names the row, counted from 1."""
        rows = [(number, {str(k): v for k, v in row.items()}) for number, row in enumerate(frame.to_dict("records"), start=1)]
        return make_table(rows, file="price table")

    def overlay(self, other: PriceTable) -> PriceTable:
        """This table with the other's rows in place of those with the same id, and its further rows at the end."""
        rows = {price.id: price for price in self.prices} | {price.id: price for price in other.prices}
        return PriceTable(tuple(rows.values()))


def make_table(rows: Iterable[tuple[int, Mapping[str, Any]]], *, file: str | Path) -> PriceTable:
    """(line, row) pairs to a table. Raises InputError with file and line for a row that cannot be used."""
    prices: dict[str, Price] = {}
    for line, row in rows:
        cells = {name: _read_text(row.get(name)) for name in COLUMNS}
        if not any(cells.values()):
            continue
        price = _read_price(cells, file=file, line=line)
        if price.id in prices:
            raise InputError(f"the id {price.id!r} is there twice; give each price an id of its own", file=file, line=line)
        prices[price.id] = price
    return PriceTable(tuple(prices.values()))


def _read_text(value: Any) -> str:
    """A cell as text; an empty cell of a data editor is None or nan."""
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def _read_price(cells: Mapping[str, str], *, file: str | Path, line: int) -> Price:
    def refuse(message: str) -> InputError:
        return InputError(message, file=file, line=line)

    name, kind, unit = cells["id"], cells["kind"], cells["unit"]
    if not _ID.fullmatch(name):
        raise refuse(f"the id is {name!r}; give every price an id without spaces")
    if not cells["item"]:
        raise refuse(f"{name} has no item; write what is bought")
    if kind not in KINDS:
        raise refuse(f"{name} has the kind {kind!r}; it can be {', '.join(KINDS)}")
    if unit not in KINDS[kind]:
        raise refuse(f"{name} has the unit {unit!r}; a price of the kind {kind} is per {', '.join(KINDS[kind])}")
    try:
        amount = float(cells["price_usd"])
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount) or amount < 0:
        raise refuse(f"{name} has the price {cells['price_usd']!r}; write a number of US dollars, 0 or more, such as 0.02")
    if not cells["source"]:
        raise refuse(f"{name} has no source; write where the price was seen, such as a provider's price page")
    if not _is_date(cells["seen"]):
        raise refuse(f"{name} was seen {cells['seen']!r}; write a date as YYYY, YYYY-MM or YYYY-MM-DD")
    if kind in _STORE_KINDS and not name.rpartition("-")[0]:
        raise refuse(f"{name} belongs to no vector store; write its id as STORE-WHAT, such as pinecone-read")
    return Price(name, cells["item"], kind, unit, amount, cells["source"], cells["seen"], cells["note"])


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :])  # the rest of a date that is given in part
    except ValueError:
        return False
    return True


def read_table(file: Path, *, shown: str | Path | None = None) -> PriceTable:
    """The price table of a CSV file. shown: the file's name in errors. Raises InputError with file and line."""
    name = shown or file
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); give a CSV file of prices", file=name) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8; save it as UTF-8", file=name) from error
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        missing = [column for column in COLUMNS[:-1] if column not in (reader.fieldnames or [])]
        if missing:
            raise InputError(
                f"has no column {', '.join(missing)}; the first line should be {','.join(COLUMNS)}", file=name, line=1
            )
        return make_table(((reader.line_num, _as_written(row)) for row in reader), file=name)
    except csv.Error as error:
        raise InputError(f"is no CSV file ({error}); save it as CSV with commas", file=name) from error


def _as_written(row: dict[str, str]) -> dict[str, str]:
    """A row without what a download puts before texts that a spreadsheet would take for formulas."""
    return {name: rearm(value) if isinstance(value, str) else value for name, value in row.items()}


def read_shipped() -> PriceTable:
    """The rows that come with the product."""
    return read_table(SHIPPED)


def read_prices(workspace: Workspace, *, file: Path | None = None) -> PriceTable:
    """The shipped table, with the workspace's own rows laid over it, and those of a further CSV file if one is given."""
    table = read_shipped()
    own = _own_file(workspace)
    if own.exists():
        table = table.overlay(read_table(own))
    return table if file is None else table.overlay(read_table(file))


def write_prices(table: PriceTable, workspace: Workspace) -> None:
    """Keeps the rows that differ from the shipped ones as the workspace's own. A shipped row cannot be taken away."""
    shipped = set(read_shipped().prices)
    changed = [price for price in table.prices if price not in shipped]
    if not changed:
        reset_prices(workspace)
        return
    with replace_file(_own_file(workspace)) as aside, aside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(price) for price in changed)


def reset_prices(workspace: Workspace) -> None:
    """Back to the shipped prices."""
    _own_file(workspace).unlink(missing_ok=True)


def _own_file(workspace: Workspace) -> Path:
    return workspace.path("prices.csv")
