"""Our own Python files and what they import, for the tests of how the code lies."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def list_sources(*folders: str) -> list[Path]:
    """Our Python files under the folders (or the files themselves), as far as they exist."""
    found: list[Path] = []
    for name in folders:
        path = REPOSITORY / name
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.exists()
    return found


def name_of(path: Path) -> str:
    """ "core/text/tokens.py": the file as seen from the repository's folder."""
    return path.relative_to(REPOSITORY).as_posix()


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, also inside functions and by importlib. "from a import b" gives a.b too,
    since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "." * node.level
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def is_within(name: str, library: str) -> bool:
    """True for the library itself and its submodules."""
    return name == library or name.startswith(library + ".")
