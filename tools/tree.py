"""The tree of the code as text: rooms in the order of the pipeline, what each is for, the files in it.

`python tools/tree.py` writes it into docs/architecture.md, between the marks; tests/contracts/test_architecture.py fails while
the page says something else than the folders. A room's sentence is its __init__.py's docstring, or for folders that are no
packages (pages, tests) the one given here.
"""

from __future__ import annotations

import ast
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- tree: written by tools/tree.py -->\n```text\n", "```\n<!-- end of the tree -->\n"
WIDTH = 126
INDENT = "  "
SENTENCES = {
    "core": "UI-free library and command line (python -m core)",
    "pages": "one page = one question a user asks; no page imports another",
    "pages/parts": "what serves one page alone, a folder for each; try_ belongs to try.py, since Python keeps that word",
    "pages/shared": "what several pages use, by what kind of thing it is",
    "pages/shared/frame": "what stands around every page, and what it looks at",
    "pages/shared/show": "measured things as charts, tables and cards",
    "pages/shared/forms": "what several pages ask",
    "tests": "one to one with core and pages, and what has no place there",
    "tests/core": "one folder a room, one file a file",
    "tests/pages": "one file a page, in AppTest",
    "tests/contracts": "what every stage, every import and every page must keep",
    "tests/science": "planted faults, null ladders, published figures, costs worked out by hand",
    "tests/browser": "one file a page, clicked in Chromium; the main path, as a newcomer walks it",
    "tests/server": "who gets in, at every route",
    "tests/tools": "set-up and start",
    "tests/support": "models one can reason about, small datasets, the running app",
    "tools": "set-up, browser for tests, benchmark, this tree",
}
FLAT = ("tests/core", "tests/pages", "tests/support")  # what is in them is said in one sentence
SHORT = ("pages", "tests", "tests/browser", "tests/contracts", "tests/science", "tests/tools", "tools")  # names alone


def main() -> None:
    """Writes the tree into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{draw_tree()}{END}{rest.partition(END)[2]}", encoding="utf-8")


def read_tree() -> str:
    """The tree as the page has it; "" if it has none."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def draw_tree() -> str:
    """The tree as the folders are."""
    lines = [_join("app.py", "the gate for the server, page frame and navigation for a session", 0)]
    for name in ("core", "server", "pages", "tests", "tools"):
        lines += _draw_folder(ROOT / name, 0)
    return "".join(f"{line}\n" for line in lines)


def list_layers() -> list[str]:
    """The parts of core from the bottom of the import rules to the top, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [name.strip("() ") for layer in reversed(layers) for name in layer.split("|")]


def _draw_folder(folder: Path, depth: int) -> list[str]:
    name = folder.relative_to(ROOT).as_posix()
    lines = [_join(f"{folder.name}/", SENTENCES.get(name) or read_sentence(folder), depth)]
    if name in FLAT:
        return lines
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in ("__init__.py", "icon.png")]
    if name in SHORT:
        indent = INDENT * (depth + 1)
        lines.append(
            textwrap.fill(" · ".join(path.stem for path in files), WIDTH, initial_indent=indent, subsequent_indent=indent)
        )
    else:
        lines += [_join(path.name.removesuffix(".py"), read_sentence(path), depth + 1) for path in files]
    for inner in _order(path for path in folder.iterdir() if path.is_dir() and _holds_code(path)):
        lines += _draw_folder(inner, depth + 1)
    return lines


def _order(folders: Iterable[Path]) -> list[Path]:
    layers = list_layers()

    def place(folder: Path) -> tuple[int, str]:
        return (layers.index(folder.name) if folder.parent.name == "core" and folder.name in layers else -1, folder.name)

    return sorted(folders, key=place)


def _holds_code(folder: Path) -> bool:
    return folder.name != "__pycache__" and any(folder.rglob("*.py"))


def read_sentence(path: Path) -> str:
    """The first sentence of a file's (or package's) docstring, without its full stop; "" if it has none."""
    file = path / "__init__.py" if path.is_dir() else path
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file.suffix == ".py" and file.exists() else None
    return " ".join((text or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".")


def _join(name: str, sentence: str, depth: int) -> str:
    start = f"{INDENT * depth}{name}"
    if not sentence:
        return start
    return textwrap.fill(sentence, WIDTH, initial_indent=f"{start:<26} ", subsequent_indent=" " * 27)


if __name__ == "__main__":
    main()
