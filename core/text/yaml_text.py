"""YAML that anybody wrote, read as plain values within limits, or one problem with its line."""

from __future__ import annotations

import functools
import math
from typing import Any

from core.text.phrases import shorten

MAX_DEPTH = 100  # levels of lists and mappings within each other
MAX_VALUES = 100_000  # values and names, those that an alias (*name) repeats counted each time
_INT64 = range(-(2**63), 2**63)


class YamlProblem(Exception):
    """Why a text is no YAML that can be used. reason: without a full stop; line: from 1, or None."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_yaml(text: str, *, plain: bool = False) -> Any:
    """The value of a YAML text: None, text, numbers, true/false, dates, lists, dicts. plain: no aliases (*name), NaN, infinity.

    Raises YamlProblem for what is no YAML, for tags that do not fit their value or are not YAML's own (!!bool foo,
    2024-13-45, !!python/object), names that occur twice in a mapping, whole numbers beyond 64 bits, aliases within what
    they stand for, and more levels or values than MAX_DEPTH and MAX_VALUES.
    """
    import yaml

    try:
        _check_depth(text, aliases=not plain)
        loader = _loader()(text)
        loader.finite = plain
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        line = min(mark.line, text.count("\n")) + 1 if mark else None  # what is missing at the end is missed after it
        raise YamlProblem(shorten(str(reason), width=120), line) from error


@functools.cache
def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is twenty times as fast

    class Loader(base):
        """The library's safe loader, which tells what it cannot make a value of by errors of many types."""

        finite = False

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                value = super().construct_object(node, deep)
            except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
                kind = node.tag.rpartition(":")[2]
                what = f"{shorten(str(node.value), width=40)!r} is no {kind}"
                raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from error
            if isinstance(value, int) and value not in _INT64:
                raise yaml.constructor.ConstructorError(None, None, "a whole number is beyond 64 bits", node.start_mark)
            if self.finite and isinstance(value, float) and not math.isfinite(value):
                raise yaml.constructor.ConstructorError(None, None, f"{node.value} is no finite number", node.start_mark)
            return value

    return Loader


def _check_depth(text: str, *, aliases: bool) -> None:
    """Looks at the text's events one by one, before anything that goes from level to level by calling itself does."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YamlProblem(f"more than {MAX_DEPTH} levels within each other", event.start_mark.line + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent) and not aliases:
            raise YamlProblem("it uses YAML aliases", event.start_mark.line + 1)


def _check_size(root: Any) -> None:
    """Raises YamlProblem where a value holds itself, a name occurs twice, or aliases make more of it than can be meant."""
    sizes: dict[int, tuple[int, int] | None] = {}  # node -> (values, levels); None while it is being counted

    def measure(node: Any) -> tuple[int, int]:
        known = sizes.get(id(node), (0, 0))
        if known is None:
            raise YamlProblem("an alias stands within what it stands for", node.start_mark.line + 1)
        if known[0]:
            return known
        sizes[id(node)] = None
        values, levels = 1, 0
        for child in _list_children(node):
            inside, deeper = measure(child)
            values, levels = values + inside, max(levels, deeper + 1)
        if values > MAX_VALUES or levels > MAX_DEPTH:
            raise YamlProblem(f"more than {MAX_VALUES:,} values or {MAX_DEPTH} levels", node.start_mark.line + 1)
        sizes[id(node)] = (values, levels)
        return values, levels

    measure(root)


def _list_children(node: Any) -> list[Any]:
    if isinstance(node.value, str):
        return []
    if not node.value or not isinstance(node.value[0], tuple):
        return list(node.value)
    names: set[str] = set()  # 1 and "1" are one name where names are text
    for name, _ in node.value:
        if isinstance(name.value, str):
            if name.value in names:
                raise YamlProblem(f"the name {shorten(name.value)!r} occurs twice", name.start_mark.line + 1)
            names.add(name.value)
    return [part for pair in node.value for part in pair]
