"""Warnings about queries' filters that match nothing. See core.text.conditions for what a filter means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.text.conditions import is_day, is_scalar, match_condition, match_filter, name_type
from core.text.dates import read_date
from core.text.phrases import NAMED, count_of, first_five
from core.text.words import fold

Metadata = Mapping[str, Any]
Problem = tuple[str, str]  # the words for the condition, the words for what the documents have instead


def warn_unmatched_filters(query_ids: Sequence[str], filters: Sequence[Metadata], *, metadata: Sequence[Metadata]) -> list[str]:
    """Warnings for filter values that match no document, grouped over queries and cut after the first five.

    Also warns if every field of a filter matches some document, but no document matches them all, and of texts that are in no
    range of dates since they are no dates.
    """
    fields = {field for conditions in filters for field in conditions}
    values = {field: _distinct_values(metadata, field) for field in fields}
    queries_of: dict[Problem, list[str]] = {}
    together: list[str] = []
    known: dict[str, list[Problem]] = {}
    for query_id, conditions in zip(query_ids, filters, strict=True):
        if not conditions:
            continue
        key = json.dumps(conditions, sort_keys=True)
        if key not in known:
            known[key] = _problems(conditions, values)
            if not known[key] and not any(match_filter(entry, conditions) for entry in metadata):
                known[key] = [("", "")]
        for problem in known[key]:
            if problem == ("", ""):
                together.append(query_id)
            else:
                queries_of.setdefault(problem, []).append(query_id)
    warnings = [
        f"The filter {what} of {_name_queries(ids)} matches no document; {instead}."
        for (what, instead), ids in list(queries_of.items())[:NAMED]
    ]
    if len(queries_of) > NAMED:
        warnings.append(f"{count_of(len(queries_of) - NAMED, 'more filter value')} match no document.")
    if together:
        warnings.append(
            f"The filter of {_name_queries(together)} matches no document: each field does, but no document has them all."
        )
    return warnings + _warn_no_dates(filters, values)


def _warn_no_dates(filters: Sequence[Metadata], values: Mapping[str, list[Any]]) -> list[str]:
    ranges = [(field, ends) for conditions in filters for field, ends in conditions.items() if isinstance(ends, Mapping)]
    warnings = []
    for field in dict.fromkeys(field for field, ends in ranges if any(map(is_day, ends.values()))):
        unread = [value for value in values[field] if not isinstance(value, str) or read_date(value) is None]
        if unread:
            verb, cure = ("is no date", "Write it") if len(unread) == 1 else ("are no dates", "Write them")
            warnings.append(
                f'{count_of(len(unread), "value")} of "{field}" {verb} and so in no range of dates: '
                f"{first_five([json.dumps(value, ensure_ascii=False) for value in unread])}. {cure} as 2024-05-01."
            )
    return warnings


def _name_queries(ids: list[str]) -> str:
    return f'query "{ids[0]}"' if len(ids) == 1 else f"{count_of(len(ids), 'query')} ({first_five(ids)})"


def _problems(conditions: Metadata, values: Mapping[str, list[Any]]) -> list[Problem]:
    found: list[Problem] = []
    for field, condition in conditions.items():
        if not values[field]:
            found.append((f'on "{field}"', f'no document has the field "{field}"'))
            continue
        for wanted in condition if isinstance(condition, list) else [condition]:
            if not any(match_condition(value, wanted) for value in values[field]):
                found.append((f"{field} = {_show(wanted)}", _instead(wanted, values[field])))
    return found


def _instead(wanted: Any, values: list[Any]) -> str:
    if isinstance(wanted, dict):
        types = sorted({name_type(value) for value in values})
        return f"the documents have {' and '.join(types)} between {_show(_least(values))} and {_show(_most(values))}"
    for value in values:
        if name_type(value) != name_type(wanted) and _spelling(value) == _spelling(wanted):
            return f"the documents have {_show(value)}: write the filter so"
    shown = ", ".join(_show(value) for value in values[:NAMED]) + (", …" if len(values) > NAMED else "")
    return f"the documents have {shown}"


def _distinct_values(metadata: Iterable[Metadata], field: str) -> list[Any]:
    found: dict[tuple[str, Any], Any] = {}
    for entry in metadata:
        value = entry.get(field)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if is_scalar(item):
                found.setdefault((name_type(item), item), item)
    return list(found.values())


def _spelling(value: Any) -> str:
    return fold(value if isinstance(value, str) else json.dumps(value)).strip()


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return f"{json.dumps(value, ensure_ascii=False)} ({name_type(value)})"


def _least(values: list[Any]) -> Any:
    return min(values, key=lambda value: (name_type(value), value))


def _most(values: list[Any]) -> Any:
    return max(values, key=lambda value: (name_type(value), value))
