"""What docs/security.md says is never done: no code comes out of data, models or names."""

from __future__ import annotations

import ast

import pytest

from tests.support.sources import imported_names, is_within, list_sources, name_of

# Modules whose formats hold code, or that run it.
MODULES = [
    "pandas.read_pickle",
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "runpy",
    "code",
    "pty",
]
CALLS = {"eval", "exec", "os.system", "os.popen", "torch.load", "torch.hub.load", "yaml.unsafe_load", "yaml.full_load"}
LOADERS = {"yaml.BaseLoader", "yaml.SafeLoader", "yaml.CSafeLoader"}
# Reads branches of our own programs: no name, no call, no data but constants; see there.
EVALUATES = {"core/export/program/branches.py"}


def find_dangers(tree: ast.AST) -> list[str]:
    """What loads or runs code, as "line: what"."""
    found = [f"{line}: {name}" for line, name in imported_names(tree) if any(is_within(name, module) for module in MODULES)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if called in CALLS:
            found.append(f"{node.lineno}: {called}")
        if called in ("yaml.load", "yaml.load_all") and given.get("Loader") not in LOADERS:
            found.append(f"{node.lineno}: {called}")
        for name in ("trust_remote_code", "allow_pickle", "shell"):
            if given.get(name, "False") != "False":
                found.append(f"{node.lineno}: {name}")
        if given.get("weights_only", "True") != "True":
            found.append(f"{node.lineno}: weights_only")
    return found


def test_no_code_comes_out_of_data_or_models() -> None:
    sources = list_sources("core", "server", "pages", "app.py")
    found = {name_of(path): find_dangers(ast.parse(path.read_text(encoding="utf-8"))) for path in sources}
    assert {name for name, dangers in found.items() if dangers} == EVALUATES
    assert all(danger.endswith(": eval") for name in EVALUATES for danger in found[name])
    assert len(sources) > 300, "the files were not found"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "import_module('dill')", "exec(x)", "eval(x)", "os.system(x)",
        "torch.load(x)",        "yaml.load(x)", "yaml.load(x, Loader=yaml.Loader)", "load(x, trust_remote_code=True)",
        "np.load(x, allow_pickle=True)", "torch.load(x, weights_only=False)", "subprocess.run(x, shell=True)", "f(shell=y)",
    ],
)  # fmt: skip
def test_each_danger_is_seen(source: str) -> None:
    assert find_dangers(ast.parse(source))


def test_what_is_harmless_is_not() -> None:
    harmless = "yaml.load(x, Loader=yaml.BaseLoader); np.load(x); yaml.safe_load(x); model.eval(); f(trust_remote_code=False)"
    assert find_dangers(ast.parse(harmless)) == []
