"""Bundle: one source file from a module and what it names of others, with given constants in it.

The modules are read, not imported. What they may hold, so that this stays simple:

- Names of ours are imported one by one (`from ... import name`), and no name stands for two things in two modules.
- A branch that the constants decide has its condition on one line (core.export.program.branches).
- Only the first module does something besides defining names: `if __name__ == "__main__": ...`.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.export.program.branches import decide_branches
from core.export.program.literals import WIDTH, write_literal

_OURS = "core."


@dataclass(frozen=True)
class Bundle:
    """text: the source, from its imports on. libraries: what it imports besides the standard library."""

    text: str
    libraries: frozenset[str]


@dataclass(frozen=True)
class _Import:
    """`from module import name`, or `import module as local`; then name is ""."""

    module: str
    name: str
    local: str

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class _Definition:
    """A statement on a module's top level, with the comment above it.

    names: what it defines; none for one that only does something. reads: the names in it. apart: an empty line is above it.
    """

    names: tuple[str, ...]
    text: str
    reads: frozenset[str]
    imports: tuple[_Import, ...]
    is_constant: bool
    apart: bool


@dataclass(frozen=True)
class _Module:
    sentence: str
    imports: Mapping[str, _Import]
    definitions: tuple[_Definition, ...]

    @property
    def uses(self) -> list[str]:
        """Modules of ours."""
        return list(dict.fromkeys(found.module for found in self.imports.values() if found.module.startswith(_OURS)))

    def find(self, name: str) -> _Definition | None:
        return next((found for found in self.definitions if name in found.names), None)


def bundle(first: str, constants: Mapping[str, Any], *, keep: Sequence[str], notes: Mapping[str, str]) -> Bundle:
    """What the module `first` does, and all that this names, in one file. The same constants give the same text.

    In the file stand the module's constants, what else it defines, what it names of other modules, and last what it does.

    constants: values that take the place of those that modules give to these names. keep: names of `first` that stay
    although nothing reads them. notes: what is said beside a constant.
    Raises ValueError for modules that are not as said above, for a constant of `first` that is named and not given, and for
    one that is given and nowhere defined.
    """
    modules: dict[str, _Module] = {}
    _read_all(first, modules, constants=constants, notes=notes)
    kept = _reach(first, modules, keep=keep)
    own = kept.pop(first)
    settings = [found for found in own if found.is_constant]
    _check_given(first, modules, settings, constants)
    defined = [found for found in own if found.names and not found.is_constant]
    sections = {first: defined, **kept}
    imports = {
        modules[module].imports[name]
        for module, definitions in {first: own, **kept}.items()
        for found in definitions
        for name in found.reads & modules[module].imports.keys()
    }
    outside = [found for found in imports if not found.module.startswith(_OURS)]
    _check_names({first: own, **kept}, outside)
    parts = [
        f"from __future__ import annotations\n\n{_write_imports(outside)}\n\n{_join(settings)}",
        *(f"{_write_comment(modules[name].sentence)}\n\n\n{_join(found)}" for name, found in sections.items() if found),
        *(found.text for found in own if not found.names),
    ]
    inside = [found for definitions in [own, *kept.values()] for one in definitions for found in one.imports]
    libraries = frozenset(found.library for found in [*outside, *inside]) - sys.stdlib_module_names
    return Bundle("\n\n\n".join(parts) + "\n", libraries)


def _read_all(name: str, modules: dict[str, _Module], *, constants: Mapping[str, Any], notes: Mapping[str, str]) -> None:
    """Reads a module and those that it uses into `modules`: used ones first."""
    if name not in modules:
        module = _read_module(name, constants=constants, notes=notes)
        for used in module.uses:
            _read_all(used, modules, constants=constants, notes=notes)
        modules[name] = module


def _read_module(name: str, *, constants: Mapping[str, Any], notes: Mapping[str, str]) -> _Module:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ValueError(f"there is no module {name}")
    source = Path(found.origin).read_text(encoding="utf-8")
    if not any(constant in source for constant in constants):
        return _take_apart_plain(source)
    return _take_apart(decide_branches(source, constants), constants=constants, notes=notes)


@functools.cache
def _take_apart_plain(source: str) -> _Module:
    return _take_apart(source, constants={}, notes={})


def _take_apart(source: str, *, constants: Mapping[str, Any], notes: Mapping[str, str]) -> _Module:
    tree, lines = ast.parse(source), source.splitlines()
    imports = {one.local: one for node in tree.body for one in _list_imports(node)}
    statements = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_text(node)]
    definitions = (_read_definition(node, lines, constants=constants, notes=notes) for node in statements)
    paragraph = " ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split())
    return _Module(re.split(r"(?<=\.)\s", paragraph)[0], imports, tuple(definitions))


def _list_imports(node: ast.AST) -> list[_Import]:
    if isinstance(node, ast.Import):
        return [_Import(alias.name, "", alias.asname or alias.name.partition(".")[0]) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module != "__future__":
        return [_Import(node.module or "", alias.name, alias.asname or alias.name) for alias in node.names]
    return []


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _read_definition(
    node: ast.stmt, lines: list[str], *, constants: Mapping[str, Any], notes: Mapping[str, str]
) -> _Definition:
    names = _list_names(node)
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]) - 1
    begin = first
    while begin and lines[begin - 1].startswith("#"):
        begin -= 1
    text = "\n".join(lines[begin : node.end_lineno])
    read: list[ast.AST] = [node]
    is_constant = isinstance(node, ast.Assign | ast.AnnAssign)
    if is_constant and set(names) & constants.keys():
        [name] = names
        written = _write_constant(node, lines, constants[name], note=notes.get(name, ""))
        text = "\n".join([*lines[begin:first], written])
        read = [node.annotation] if isinstance(node, ast.AnnAssign) else []
    inner = [found for part in read for found in ast.walk(part)]
    return _Definition(
        names=names,
        text=text,
        reads=frozenset(found.id for found in inner if isinstance(found, ast.Name)) - set(names),
        imports=tuple(one for found in inner for one in _list_imports(found)),
        is_constant=is_constant,
        apart=not (begin and lines[begin - 1].strip()),
    )


def _list_names(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return tuple(inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name))


def _write_constant(node: Any, lines: list[str], value: Any, *, note: str) -> str:
    """NAME: type = value, with the comment beside it."""
    before = lines[node.lineno - 1][: node.value.col_offset]
    beside = lines[node.end_lineno - 1][node.end_col_offset :]
    if note:
        beside = f"  # {note}"
    return f"{before}{write_literal(value, before=before + beside)}{beside}"


def _reach(first: str, modules: Mapping[str, _Module], *, keep: Sequence[str]) -> dict[str, list[_Definition]]:
    """Module -> the definitions that are named, directly or not, by what `first` does or keeps; in order."""
    reached: set[tuple[str, _Definition]] = set()
    todo = [(first, found) for found in modules[first].definitions if not found.names or set(found.names) & set(keep)]
    while todo:
        name, definition = todo.pop()
        if (name, definition) in reached:
            continue
        reached.add((name, definition))
        module = modules[name]
        for read in definition.reads:
            own, imported = module.find(read), module.imports.get(read)
            if own is not None:
                todo.append((name, own))
            elif imported is not None and imported.module.startswith(_OURS):
                there = modules[imported.module].find(imported.name)
                if there is None or imported.local != imported.name:
                    raise ValueError(f"{name} has to import {read} under its name from the module that defines it")
                todo.append((imported.module, there))
    return {name: [found for found in module.definitions if (name, found) in reached] for name, module in modules.items()}


def _check_names(kept: Mapping[str, Sequence[_Definition]], outside: Sequence[_Import]) -> None:
    """Raises ValueError where one name would stand for two things."""
    defined = [(name, module) for module, definitions in kept.items() for found in definitions for name in found.names]
    places: dict[str, str] = {}
    for name, place in [*((found.local, found.module) for found in outside), *defined]:
        if name in places:
            raise ValueError(f"{name} comes from {places[name]} and from {place}: give one of them another name")
        places[name] = place


def _check_given(first: str, modules: Mapping[str, _Module], settings: Sequence[_Definition], given: Mapping[str, Any]) -> None:
    open_names = {name for found in settings for name in found.names} - given.keys()
    unknown = {name for name in given if not any(module.find(name) for module in modules.values())}
    if open_names or unknown:
        raise ValueError(f"{first}: no value is given for {sorted(open_names)}, and nothing defines {sorted(unknown)}")


def _join(definitions: Sequence[_Definition]) -> str:
    """Constants below one another, with an empty line where there was one; all else two lines apart."""
    text = ""
    for before, found in zip([None, *definitions], definitions, strict=False):
        if before is not None:
            close = before.is_constant and found.is_constant
            text += ("\n\n" if found.apart else "\n") if close else "\n\n\n"
        text += found.text
    return text


def _write_comment(sentence: str) -> str:
    return textwrap.fill(sentence.rstrip("."), WIDTH, initial_indent="# ", subsequent_indent="# ")


def _write_imports(imports: Iterable[_Import]) -> str:
    """Sorted as ruff sorts them: the standard library, then others; whole modules before names from modules."""
    lines: dict[tuple[bool, bool, str], str] = {}
    for module in sorted({found.module for found in imports}):
        outside = module.partition(".")[0] not in sys.stdlib_module_names
        names = sorted({found.name for found in imports if found.module == module and found.name}, key=_order_name)
        if names:
            lines[outside, True, module.lower()] = f"from {module} import {', '.join(names)}"
        for found in sorted(one.local for one in imports if one.module == module and not one.name):
            whole = found == module.partition(".")[0]
            lines[outside, False, module.lower()] = f"import {module}" if whole else f"import {module} as {found}"
    parts = [[line for key, line in sorted(lines.items()) if key[0] == outside] for outside in (False, True)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _order_name(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name.lower())
