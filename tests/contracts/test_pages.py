"""Where a piece of a page lies says who uses it: pages/parts/<page>/ that page alone, pages/shared/ at least two pages."""

from __future__ import annotations

import ast
import keyword
from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from tests.support.sources import imported_names, list_sources, name_of

MOST_FILES = 20  # flat in one folder of pages/shared: more is a heap, not a shelf

Imports = Mapping[str, set[str]]  # file below pages/, as "parts/data/health.py" -> the files below pages/ that it imports


def read_imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Who imports whom, of sources by file name. A package's __init__.py is not looked at: it holds a sentence alone."""
    modules = {f"pages.{name.removesuffix('.py').replace('/', '.')}": name for name in sources}
    found: dict[str, set[str]] = {}
    for name, source in sources.items():
        names = {imported for _, imported in imported_names(ast.parse(source, filename=name))}
        found[name] = {modules[imported] for imported in names if imported in modules}
    return found


def is_page(name: str) -> bool:
    return "/" not in name


def owner_of(name: str) -> str:
    """The page to which a page or a part belongs, "" for what is shared. The parts of try.py lie in try_."""
    if is_page(name):
        return name.removesuffix(".py")
    kind, folder = name.split("/")[:2]
    return (folder.removesuffix("_") if keyword.iskeyword(folder.removesuffix("_")) else folder) if kind == "parts" else ""


def find_wanderers(imports: Imports) -> list[str]:
    """Parts that something else than their own page, or another part of it, imports."""
    return sorted(
        f"{part} is a part of {owner_of(part)}, and {name} imports it"
        for name, imported in imports.items()
        for part in imported
        if part.startswith("parts/") and owner_of(name) != owner_of(part)
    )


def find_unshared(imports: Imports) -> list[str]:
    """Shared files that fewer than two pages use, be it through their parts or through other shared files."""
    users: dict[str, set[str]] = {name: set() for name in imports if name.startswith("shared/")}

    def mark(name: str, page: str) -> None:
        for other in imports[name]:
            if other in users and page not in users[other]:
                users[other].add(page)
                mark(other, page)

    for name in imports:
        if owner_of(name):
            mark(name, owner_of(name))
    return sorted(f"{name} serves {' and '.join(pages) or 'no page'} alone" for name, pages in users.items() if len(pages) < 2)


def find_homeless(imports: Imports) -> list[str]:
    """Folders of parts without a page of their name."""
    pages = {owner_of(name) for name in imports if is_page(name)}
    folders = {name.split("/")[1]: owner_of(name) for name in imports if name.startswith("parts/")}
    return sorted(f"parts/{folder} has no page {page}.py" for folder, page in folders.items() if page not in pages)


def find_heaps(imports: Imports) -> list[str]:
    """Folders of pages/shared with too many files."""
    sizes = Counter(name.rpartition("/")[0] for name in imports if name.startswith("shared/"))
    return sorted(f"{folder} has {size} files" for folder, size in sizes.items() if size > MOST_FILES)


def find_pages_of_pages(imports: Imports) -> list[str]:
    """Imports of a page, by anything below pages/."""
    return sorted(f"{name} imports {page}" for name, imported in imports.items() for page in imported if is_page(page))


CHECKS: list[tuple[Callable[[Imports], list[str]], str]] = [
    (find_wanderers, "what two pages use belongs into pages/shared"),
    (find_unshared, "what one page alone uses belongs into pages/parts/<page>"),
    (find_homeless, "a folder of parts bears its page's name"),
    (find_heaps, "a folder that holds many things says nothing of any of them"),
    (find_pages_of_pages, "what two pages share belongs into pages/shared"),
]


@pytest.mark.parametrize(("check", "words"), CHECKS, ids=[check.__name__ for check, _ in CHECKS])
def test_files_lie_where_they_are_used(check: Callable[[Imports], list[str]], words: str) -> None:
    sources = {name_of(path).removeprefix("pages/"): path.read_text(encoding="utf-8") for path in list_sources("pages")}
    imports = read_imports({name: source for name, source in sources.items() if not name.endswith("__init__.py")})
    assert len(imports) > 2 * MOST_FILES, "the files were not found"
    assert check(imports) == [], words


SOUND = {
    "try.py": "from pages.parts.try_ import filters\nfrom pages.shared.frame import page",
    "data.py": "from pages.parts.data.load import show\n",
    "parts/try_/filters.py": "def late():\n    from pages.parts.try_.settings import ask\n",
    "parts/try_/settings.py": "from core import schema",
    "parts/data/load.py": "import pages.shared.frame.page",
    "shared/frame/page.py": "from pages.shared.frame.text import escape",
    "shared/frame/text.py": "",
}


@pytest.mark.parametrize(
    ("check", "planted", "found"),
    [
        (
            find_wanderers,
            {"data.py": "from pages.parts.try_ import settings"},
            ["parts/try_/settings.py is a part of try, and data.py imports it"],
        ),
        (
            find_wanderers,
            {"parts/data/load.py": "from pages.parts.try_.settings import ask"},
            ["parts/try_/settings.py is a part of try, and parts/data/load.py imports it"],
        ),
        (
            find_wanderers,
            {"shared/frame/text.py": "from pages.parts.data.load import show"},
            ["parts/data/load.py is a part of data, and shared/frame/text.py imports it"],
        ),
        (
            find_unshared,
            {"parts/data/load.py": ""},
            ["shared/frame/page.py serves try alone", "shared/frame/text.py serves try alone"],
        ),
        (find_unshared, {"shared/show/cards.py": ""}, ["shared/show/cards.py serves no page alone"]),
        (find_homeless, {"parts/prices/table.py": ""}, ["parts/prices has no page prices.py"]),
        (find_heaps, {f"shared/frame/a{n}.py": "" for n in range(MOST_FILES)}, [f"shared/frame has {MOST_FILES + 2} files"]),
        (find_pages_of_pages, {"try.py": "from pages.data import main"}, ["try.py imports data.py"]),
        (find_pages_of_pages, {"shared/frame/text.py": "from pages import data"}, ["shared/frame/text.py imports data.py"]),
    ],
)  # fmt: skip
def test_the_checks_see_what_they_should(
    check: Callable[[Imports], list[str]], planted: dict[str, str], found: list[str]
) -> None:
    assert check(read_imports(SOUND)) == []
    assert check(read_imports({**SOUND, **planted})) == found
