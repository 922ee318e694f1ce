"""Metadata filters as selects and ranges, from the fields that the corpus has, and in the link as JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from core.data.dataset import Dataset
from core.text.conditions import check_filter, is_scalar, match_condition, match_filter, name_type
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.text import escape_markdown, shorten

FEW = 50  # distinct values up to which several can be chosen at once
MANY = 2_000  # distinct values beyond which a list would weigh more than the page: the value is typed
_WIDTH = 230  # pixels; as many fields stand side by side as the window has room for
_PARAMETER = "filter"
_STATE = "_filters"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Field:
    """A metadata field that tells documents apart.

    kind: "values" (choose several), "long" (choose one of many), "typed" (type one), "number" or "date" (a range).
    values: the distinct values, sorted; of ranges the lowest and the highest.
    """

    name: str
    kind: str
    values: tuple[Any, ...]

    @property
    def whole(self) -> bool:
        """True for a range of whole numbers."""
        return all(isinstance(value, int) for value in self.values)


@st.cache_data(show_spinner=False, max_entries=4)
def list_fields(corpus_fingerprint: str, _dataset: Dataset) -> list[Field]:
    """The fields worth filtering by, in the order in which the documents name them."""
    found: dict[str, dict[tuple[str, Any], Any]] = {}
    everywhere: dict[str, int] = {}
    documents = _dataset.indexed_documents["metadata"].tolist()
    for metadata in documents:
        for name, value in metadata.items():
            items = [item for item in (value if isinstance(value, list | tuple) else [value]) if is_scalar(item)]
            everywhere[name] = everywhere.get(name, 0) + bool(items)
            for item in items:
                found.setdefault(name, {}).setdefault((name_type(item), item), item)
    fields = [_describe(name, list(values.values())) for name, values in found.items()]
    return [field for field in fields if len(found[field.name]) > 1 or everywhere[field.name] < len(documents)]


def _describe(name: str, values: list[Any]) -> Field:
    types = {name_type(value) for value in values}
    ordered = sorted(values, key=lambda value: (name_type(value), value))
    if types == {"number"} and len(values) > 2:
        return Field(name, "number", (ordered[0], ordered[-1]))
    if types == {"text"} and len(values) > 2 and all(_read_date(value) for value in values):
        return Field(name, "date", (ordered[0], ordered[-1]))
    if len(values) <= FEW:
        return Field(name, "values", tuple(ordered))
    return Field(name, "long" if len(values) <= MANY else "typed", tuple(ordered) if len(values) <= MANY else ())


def _read_date(value: str) -> datetime.date | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        return None


def ask_filter(dataset: Dataset) -> dict[str, Any]:
    """Draws the filter of a page and keeps it in the link (?filter=...); returns {field: [values] or {"gte", "lte"}}.

    A link wins over what was chosen before; what is chosen survives a visit to another page.
    """
    fields = list_fields(dataset.corpus_fingerprint, dataset)
    kept = _recall(dataset)
    asked = follow_link(_PARAMETER)
    if asked is not None:
        value, problem = read_link(asked[-1], fields)
        kept = set_filter(dataset, value)
        if problem:
            st.warning(escape_markdown(problem))
    if not fields:
        return {}
    key = f"_filter_{kept.version}"
    if f"{key}_0" not in st.session_state:
        kept = replace(kept, start=kept.chosen)
    with st.expander("Filter by metadata", expanded=bool(kept.start), icon=":material/filter_list:"):
        chosen = choose_filter(fields, kept.start, key=key)
    st.session_state[_STATE] = {**st.session_state[_STATE], dataset.fingerprint: replace(kept, chosen=chosen)}
    keep_in_link(_PARAMETER, [write_link(chosen)] if chosen else [])
    if chosen:
        _show_count(dataset, chosen)
    return chosen


def _show_count(dataset: Dataset, chosen: Mapping[str, Any]) -> None:
    passing, total = count_matching(dataset, chosen), len(dataset.indexed_documents)
    words = f"{passing:,} of {total:,} documents pass the filter: {describe_filter(chosen)}."
    if passing:
        st.caption(escape_markdown(words), help="The filter holds for every system on this page, before ranking.")
    else:
        st.warning(escape_markdown(f"No document passes the filter: {describe_filter(chosen)}. Loosen it to find something."))


@dataclass(frozen=True)
class _Kept:
    """start: what the widgets began with; chosen: what they say now."""

    version: int = 0
    start: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)


def _recall(dataset: Dataset) -> _Kept:
    kept: dict[str, _Kept] = st.session_state.setdefault(_STATE, {})
    return kept.setdefault(dataset.fingerprint, _Kept(version=len(kept) * 1_000))


def set_filter(dataset: Dataset, value: Mapping[str, Any]) -> _Kept:
    """Makes this the filter from the next drawing on, whatever the user had chosen."""
    kept = _Kept(version=_recall(dataset).version + 1, start=dict(value), chosen=dict(value))
    st.session_state[_STATE] = {**st.session_state[_STATE], dataset.fingerprint: kept}
    return kept


def choose_filter(fields: Sequence[Field], start: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """Draws a select or a range per field; returns the filter {field: [values] or {"gte", "lte"}} without idle fields.

    start: what is chosen at first. Conditions in it on fields that are not drawn are dropped; see read_link().
    key: must change whenever `start` should win over what the user chose.
    """
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, gap="medium"):
        for position, one in enumerate(fields):
            condition = _choose(one, start.get(one.name), f"{key}_{position}")
            if condition is not None:
                chosen[one.name] = condition
    return chosen


def _choose(field: Field, start: Any, key: str) -> Any:
    label = escape_markdown(shorten(field.name, width=40))
    if field.kind in ("number", "date"):
        return _choose_range(field, label, start, key)
    wanted = [] if start is None else list(start) if isinstance(start, list) else [start]
    if field.kind == "typed":
        text = st.text_input(
            label, value=str(wanted[0]) if wanted else "", key=key, help="The exact value.", placeholder="any", width=_WIDTH
        )
        return [text] if text else None
    known = {(name_type(value), value): value for value in field.values}
    default = [known[(name_type(value), value)] for value in wanted if (name_type(value), value) in known]
    mixed = len({name_type(value) for value in field.values}) > 1

    def show(value: Any) -> str:
        return shorten(f"{value} ({name_type(value)})" if mixed else value, width=60)

    if field.kind == "long":
        place = field.values.index(default[0]) if default else None
        one = st.selectbox(label, field.values, index=place, key=key, format_func=show, placeholder="any", width=_WIDTH)
        return None if one is None else [one]
    return (
        st.multiselect(
            label, field.values, default=default, key=key, format_func=show, placeholder="any", select_all=False, width=_WIDTH
        )
        or None
    )


def _choose_range(field: Field, label: str, start: Any, key: str) -> dict[str, Any] | None:
    """A slider with two ends; an end left where it is asks for nothing, so documents without the field stay in."""
    low, high = field.values
    ends = start if isinstance(start, dict) else {}
    first, last = _clip(ends.get("gte", low), low, high), _clip(ends.get("lte", high), low, high)
    left: Any
    right: Any
    if field.kind == "date":
        dates = [datetime.date.fromisoformat(value) for value in (low, high, first, last)]
        chosen = st.slider(label, dates[0], dates[1], (dates[2], max(dates[2:])), format="YYYY-MM-DD", key=key, width=_WIDTH)
        left, right = (end.isoformat() for end in chosen)
    elif field.whole:
        left, right = st.slider(label, low, high, (first, max(first, last)), step=1, key=key, width=_WIDTH)
    else:
        bounds, step = (float(low), float(high)), (float(high) - float(low)) / 200
        left, right = st.slider(
            label, *bounds, (float(first), max(float(first), float(last))), step=step, key=key, width=_WIDTH
        )
    condition = {**({"gte": left} if left > low else {}), **({"lte": right} if right < high else {})}
    return condition or None


def _clip(value: Any, low: Any, high: Any) -> Any:
    if name_type(value) != name_type(low) or (isinstance(low, str) and not _read_date(value)):
        return low
    if isinstance(low, int) and not isinstance(value, int):
        value = round(value)
    return min(max(value, low), high)


def read_link(text: str | None, fields: Sequence[Field]) -> tuple[dict[str, Any], str | None]:
    """(filter, None) of the JSON in a link, or ({}, what is wrong with it, as plain text)."""
    if not text:
        return {}, None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}, "The filter in this link cannot be read, so nothing is filtered."
    problem = check_filter(value)
    if problem:
        return {}, f"The filter in this link cannot be used: {shorten(problem, width=200)}."
    fitted, dropped = fit_filter(value, fields)
    if not dropped:
        return fitted, None
    left = "The rest is kept." if fitted else "Nothing is filtered."
    return fitted, f"This part of the filter in the link is not here: {describe_filter(dropped)}. {left}"


def fit_filter(wanted: Mapping[str, Any], fields: Sequence[Field]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what the selects and ranges of these fields can say of a filter, what they cannot)."""
    known = {field.name: field for field in fields}
    fitted: dict[str, Any] = {}
    dropped: dict[str, Any] = {}
    for name, condition in wanted.items():
        field = known.get(name)
        values = list(condition) if isinstance(condition, list | tuple) else [condition]
        if field is None:
            dropped[name] = condition
        elif field.kind in ("number", "date"):
            single = values[0] if len(values) == 1 else None
            ends = single if isinstance(single, Mapping) else {"gte": single, "lte": single}
            good = all(_is_like(end, field) for end in ends.values())
            (fitted if good else dropped)[name] = dict(ends) if good else condition
        elif field.kind == "typed":
            (fitted if len(values) == 1 and isinstance(values[0], str) else dropped)[name] = values
        else:
            passing = [value for value in field.values if match_condition(value, condition)]
            absent = [value for value in values if not any(match_condition(known, value) for known in field.values)]
            one_only = field.kind == "long" and len(passing) > 1
            if passing and not one_only:
                fitted[name] = passing
            if absent or one_only:
                dropped[name] = condition if one_only else absent
    return fitted, dropped


def _is_like(value: Any, field: Field) -> bool:
    if field.kind == "date":
        return isinstance(value, str) and _read_date(value) is not None
    return name_type(value) == "number"


def offer_filter(dataset: Dataset, own: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
    """A button that takes a labelled query's own filter over; nothing where it holds already or cannot be said here."""
    fitted, _ = fit_filter(own, list_fields(dataset.corpus_fingerprint, dataset))
    if fitted and fitted.keys() == own.keys() and fitted != chosen:
        label = escape_markdown(f"Use its own filter: {describe_filter(fitted)}")

        def use() -> None:
            set_filter(dataset, fitted)

        st.button(label, key="try_own_filter", on_click=use, icon=":material/filter_list:")


def write_link(chosen: Mapping[str, Any]) -> str:
    """The filter as a link carries it."""
    return json.dumps(chosen, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def describe_filter(chosen: Mapping[str, Any]) -> str:
    """ "product is Hub or Desk; date from 2024-01-01" as plain text."""
    return "; ".join(f"{shorten(name, width=40)} {_say(condition)}" for name, condition in chosen.items())


def _say(condition: Any) -> str:
    if isinstance(condition, Mapping):
        words = {"gte": "from", "lte": "to"}
        return " ".join(f"{words[end]} {condition[end]}" for end in ("gte", "lte") if end in condition)
    values = condition if isinstance(condition, list) else [condition]
    return "is " + " or ".join(shorten(value, width=40) for value in values)


def count_matching(dataset: Dataset, chosen: Mapping[str, Any]) -> int:
    """How many of the searched documents pass the filter."""
    return sum(match_filter(metadata, chosen) for metadata in dataset.indexed_documents["metadata"])
