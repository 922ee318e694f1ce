"""Systems as text: their YAML spelling, read and written.

A file holds a list of systems, or a mapping with the list under `systems`; core.systems.system shows how one is spelled. Beside
them `endpoint` may hold limits for the embeddings endpoint (core.graph.endpoint_limits).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.stages.registry import list_choices
from core.systems.system import FILLED_IN, Dense, Lexical, System
from core.text.phrases import shorten
from core.text.yaml_text import YamlProblem, read_yaml


def from_spec(spec: Mapping[str, Any], *, file: str | Path | None = None) -> System:
    """A System from its YAML spelling; InputError names the system, the field and what it can be."""
    name = spec.get("name")
    if not isinstance(name, str):
        raise InputError("a system has no `name`; give each one a name", file=file)
    known = {field.name for field in dataclasses.fields(System)}
    for field in spec:
        if field not in known:
            raise InputError(
                f"system {name!r} has the unknown field {_show(field)}; it can have {', '.join(sorted(known))}", file=file
            )
    try:
        rewrite = spec.get("rewrite") or []
        steps = [step for step in (rewrite if isinstance(rewrite, list | tuple) else [rewrite]) if step]
        return System(
            name=name,
            description=str(spec.get("description") or ""),
            chunk=_read(name, "chunk", spec.get("chunk"), list_choices("chunk")),
            dense=_read(name, "dense", spec.get("dense"), {"dense": Dense}, default="dense"),
            lexical=_read(name, "lexical", spec.get("lexical"), {"lexical": Lexical}, default="lexical"),
            filter=_read_flag(name, spec.get("filter", False)),
            infer_filters=_read_names(name, spec.get("infer_filters")),
            rewrite=tuple(_read(name, "rewrite", step, list_choices("rewrite")) for step in steps),
            fuse=_read(name, "fuse", spec.get("fuse"), list_choices("fuse")),
            rerank=_read(name, "rerank", spec.get("rerank"), list_choices("rerank")),
        )
    except InputError as error:
        raise error if error.file or file is None else InputError(str(error), file=file) from error


def _show(value: Any) -> str:
    """What stands in a file, as a message may repeat it: aliases make a few lines as long as they like."""
    return shorten(repr(value))


def _read_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"system {name!r}: filter is {_show(value)}; it can be true or false")
    return value


def _read_names(name: str, value: Any) -> tuple[str, ...]:
    names = [] if value is None else value
    if not isinstance(names, list | tuple) or not all(isinstance(field, str) and field.strip() for field in names):
        raise InputError(
            f"system {name!r}: infer_filters is {_show(value)}; "
            "it should be a list of metadata fields, such as [product, version]"
        )
    return tuple(names)


def _read(name: str, part: str, value: Any, choices: Mapping[str, type], *, default: str | None = None) -> Any:
    """One part of a system from its mapping; True means the default settings; None and False mean absent."""
    if value is None or value is False:
        return None
    fields = {} if value is True else value
    if isinstance(fields, str):
        fields = {"type": fields}
    if not isinstance(fields, Mapping):
        raise InputError(
            f"system {name!r}: {part} is {_show(value)}; it should be a mapping such as {{type: {next(iter(choices))}}}"
        )
    kind = fields.get("type", default)
    if not isinstance(kind, str) or kind not in choices:
        raise InputError(f"system {name!r}: {part} has the type {_show(kind)}; it can be {', '.join(sorted(choices))}")
    stage = choices[kind]
    allowed = {field.name: field for field in dataclasses.fields(stage) if field.name not in FILLED_IN}
    values: dict[str, Any] = {}
    for field, given in fields.items():
        if field == "type":
            continue
        if field not in allowed:
            raise InputError(
                f"system {name!r}: {part} of type {kind} has no field {_show(field)}; "
                f"it has {', '.join(sorted(allowed)) or 'none'}"
            )
        values[field] = _check_type(name, f"{part}.{field}", given, str(allowed[field].type))
    try:
        return stage(**values)
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"system {name!r}: {part}: {error}") from error


def _check_type(name: str, field: str, value: Any, wanted: str) -> Any:
    if "tuple" in wanted:
        return _check_groups(name, field, value)
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
    base = wanted.partition("|")[0].strip()
    if base not in kinds or (value is None and "None" in wanted):
        return value
    # To Python True is a number; and YAML knows .nan and .inf, which no stage can use.
    fits = isinstance(value, kinds[base]) and (base == "bool" or not isinstance(value, bool))
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
        raise InputError(f"system {name!r}: {field} is {_show(value)}; it should be {words[base]}")
    return float(value) if base == "float" else value


def _check_groups(name: str, field: str, value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(group, list | tuple) and all(isinstance(term, str) for term in group) for group in value
    ):
        raise InputError(
            f"system {name!r}: {field} is {_show(value)}; it should be a list of lists of text, such as [[wifi, wireless]]"
        )
    return tuple(tuple(group) for group in value)


def read_systems_file(file: Path) -> dict[str, System]:
    """read_systems() of a file, which must be UTF-8."""
    return _list_systems(read_config_file(file), file=file)


def read_config_file(file: Path) -> Any:
    """What a file with systems holds, the sections beside them included. Raises InputError if it is no YAML."""
    try:
        return _parse(file.read_text(encoding="utf-8-sig"), file=file)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}); check the path given to --config", file=file) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8; save it as UTF-8", file=file) from error


def read_systems(text: str, *, file: str | Path | None = None) -> dict[str, System]:
    """Systems from YAML text: a list of systems, or a mapping with the list under `systems`."""
    return _list_systems(_parse(text, file=file), file=file)


def _parse(text: str, *, file: str | Path | None) -> Any:
    try:
        return read_yaml(text)
    except YamlProblem as problem:
        raise InputError(
            f"cannot be read as YAML ({problem.reason}); correct it there", file=file, line=problem.line
        ) from problem


def _list_systems(content: Any, *, file: str | Path | None) -> dict[str, System]:
    items = content.get("systems") if isinstance(content, Mapping) else content
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise InputError("should hold a list of systems, each starting with `- name: ...`", file=file)
    systems: dict[str, System] = {}
    for item in items:
        system = from_spec(item, file=file)
        if system.name in systems:
            raise InputError(f"has two systems named {system.name!r}; names must differ", file=file)
        systems[system.name] = system
    return systems


def write_systems(systems: list[System]) -> str:
    """YAML that read_systems() reads back to equal systems."""
    import yaml

    specs = [system.to_spec() for system in systems]
    return str(yaml.safe_dump({"systems": specs}, sort_keys=False, allow_unicode=True, width=110))
