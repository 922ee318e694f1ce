"""What nothing refers to: what was made for corpora that no dataset, experiment or version has any more, and by models that
no system names.

It is told by what was put down when it was made (core.storage.made_for), and of vectors by the texts that the steps of each
corpus name. What cannot be told is said and left alone: making it again may take hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from core.data.catalog import list_datasets, open_entry
from core.doctor.damage import CACHES
from core.doctor.finding import DAMAGED, REMOVE_MADE_BY, REMOVE_MADE_FOR, UNUSED, Finding
from core.errors import LadderError
from core.experiment.history import list_experiments, read_description
from core.jobs.locks import holds_lock, is_workspace_held, workspace_lock
from core.settings import DEFAULT_MODEL, UNSCALED_PREFIX
from core.stages.embed import model_revision
from core.storage.files import folder_size, remove_folder
from core.storage.vector_cache import VectorCache
from core.systems.available import list_own_systems
from core.systems.named import make_named_systems
from core.systems.system import System
from core.systems.trained import list_models
from core.systems.trained_systems import make_trained_systems
from core.systems.yaml_files import from_spec
from core.text.phrases import count_of
from core.versions.version import list_datasets_with_versions, list_unfinished, list_versions
from core.workspace import Workspace, name_cache

_OF_TEXTS = ("vectors", "tokens")  # whose rows stand for one text; of pairs nothing names the rows
_REFERRING = ("datasets", "experiments/", "versions/", "models/", "systems.yaml", "jobs/")  # datasets.json too
_RUNNING = "What is not used any more cannot be told while a job runs; look again when it has ended."


def find_unused(workspace: Workspace, damaged: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """(what nothing refers to, notes on what cannot be told). damaged: what was found to be damaged, which may refer to it."""
    return ([], [_RUNNING]) if is_workspace_held(workspace) else _find(workspace, damaged)


def remove_unused(
    findings: Iterable[Finding], workspace: Workspace, damaged: Sequence[Finding], *, on_progress: Callable[[Finding], None]
) -> list[Finding]:
    """Removes those of the findings that nothing refers to even now, with no job beside; returns them."""
    try:
        lock = workspace_lock(workspace).acquire(blocking=False)
    except filelock.Timeout:  # a job began meanwhile
        return []
    with lock:
        still = {(finding.act, finding.path) for finding in _find(workspace, damaged)[0]}
        removed = [finding for finding in findings if (finding.act, finding.path) in still]
        for finding in removed:
            on_progress(finding)
            if finding.act == REMOVE_MADE_BY:
                _remove_made_by(workspace.folder / finding.path)
            else:
                _remove_made_for(Path(finding.path).stem, workspace)
    return removed


def _find(workspace: Workspace, damaged: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    if any(holds_lock(file.stem, workspace) for file in workspace.jobs.glob("*.json")):  # in the queue
        return [], [_RUNNING]
    lost = [finding.path for finding in damaged if finding.kind == DAMAGED and finding.path.startswith(_REFERRING)]
    if lost:
        return [], [f"What is not used any more cannot be told before {lost[0]} is mended."]
    try:
        used = _Used.find(workspace)
    except (LadderError, OSError) as error:
        return [], [f"What is not used any more cannot be told: {error}"]
    found = [*_find_models(workspace, used), *_find_corpora(workspace, used)]
    return found, _tell_unknown(workspace, used)


@dataclass(frozen=True)
class _Used:
    """corpora: fingerprints; models: "MODEL|REVISION". made: fingerprint -> what was made for it, of every corpus."""

    corpora: frozenset[str]
    models: frozenset[str]
    made: Mapping[str, Mapping[str, frozenset[str]]]

    @classmethod
    def find(cls, workspace: Workspace) -> _Used:
        """Raises LadderError or OSError if something that may refer to a corpus or a model cannot be read."""
        folder = workspace.folder / "cache" / "made_for"
        made = {file.stem: workspace.made_for(file.stem).read() for file in sorted(folder.glob("*.jsonl"))}
        corpora: set[str] = set()
        specs: list[dict[str, Any]] = []
        for entry in list_experiments(workspace):
            experiment = read_description(workspace.experiments / entry.id)
            corpora.add(experiment.dataset["corpus_fingerprint"])
            specs += [system.spec for system in experiment.systems]
        for name in list_datasets_with_versions(workspace):
            for version in (*list_versions(name, workspace), *list_unfinished(name, workspace)):
                corpora.add(version.corpus_fingerprint)
                specs.append(version.system)
        if made.keys() - corpora:  # else no dataset has to be read
            corpora |= {open_entry(entry, workspace).corpus_fingerprint for entry in list_datasets(workspace)}
        return cls(frozenset(corpora), frozenset(_list_models(specs, workspace)), made)

    def list_useless(self) -> dict[str, list[str]]:
        """Fingerprint -> what was made for this corpus and serves no corpus that is in use by models that are."""
        pairs = [(name, models) for corpus in self.made.keys() & self.corpora for name, models in self.made[corpus].items()]
        serves = {name for name, models in pairs if models <= self.models}
        return {corpus: [name for name in names if name not in serves] for corpus, names in self.made.items()}


def _list_models(specs: Iterable[dict[str, Any]], workspace: Workspace) -> set[str]:
    """MODEL|REVISION of every model that a system of these, or one that can be chosen, embeds or reranks with."""
    trained = [*list_models(workspace), *list_models(workspace, unfinished=True)]
    systems: list[System] = [
        *make_named_systems().values(), *list_own_systems(workspace).values(), *make_trained_systems(trained).values(),
        *map(from_spec, [*specs, *(model.system for model in trained)]),
    ]  # fmt: skip
    names = {DEFAULT_MODEL, *(model.base for model in trained), *(model.reference for model in trained)}
    names |= {name for system in systems for part in (system.dense, system.rerank) if (name := getattr(part, "model", ""))}
    return {f"{prefix}{name}|{model_revision(name)}" for name in names for prefix in ("", UNSCALED_PREFIX)}


def _find_models(workspace: Workspace, used: _Used) -> Iterator[Finding]:
    kept = {name_cache(*model.rsplit("|", 1)) for model in used.models}
    for kind in CACHES:
        for file in sorted((workspace.folder / "cache" / kind).glob("*.sqlite")):
            if file.name not in kept:
                size = sum(part.stat().st_size for part in _list_beside(file))
                yield Finding(
                    UNUSED, f"cache/{kind}/{file.name}", size, f"{kind} of a model that no system names", REMOVE_MADE_BY
                )


def _find_corpora(workspace: Workspace, used: _Used) -> Iterator[Finding]:
    for corpus, names in used.list_useless().items():
        paths = [path for name in names if (path := workspace.folder / name).exists()]
        gone = corpus not in used.corpora
        if not paths and not gone:
            continue
        rows = _find_rows(workspace, paths, used)
        size = sum(map(_size, paths)) + sum(cache.find_size(texts)[1] for cache, texts in rows)
        indexes = sum(path.parent.name == "indexes" for path in paths)
        made = f"{count_of(len(paths) - indexes, 'step')}, {count_of(indexes, 'index folder')} and their vectors"
        whose = "a corpus that no dataset, experiment or version has" if gone else "a corpus, by models that no system names"
        yield Finding(UNUSED, f"cache/made_for/{corpus}.jsonl", size, f"{made}, of {whose}", REMOVE_MADE_FOR)


def _find_rows(workspace: Workspace, paths: Sequence[Path], used: _Used) -> list[tuple[VectorCache, set[str]]]:
    """The vectors and token vectors of texts that these facts name and no other facts do, by cache. A model that nothing names
    is left out: its caches go as they are."""
    facts = {path for path in paths if path.suffix == ".json"}
    if not facts:
        return []
    texts = {text for path in facts for text in _read_texts(path, workspace)}
    for path in (workspace.folder / "cache" / "nodes").glob("*.json"):
        if path not in facts:
            texts.difference_update(_read_texts(path, workspace))
    by_model: dict[str, set[str]] = {}
    for text in texts:
        model, _, name = text.rpartition("|")
        if model in used.models:
            by_model.setdefault(model, set()).add(name)
    found = []
    for model, names in by_model.items():
        for kind in _OF_TEXTS:
            file = workspace.folder / "cache" / kind / name_cache(*model.rsplit("|", 1))
            if file.is_file():
                found.append((VectorCache(file, dtype=CACHES[kind], root=workspace.folder), names))
    return found


def _read_texts(file: Path, workspace: Workspace) -> list[str]:
    texts = (workspace.read_facts(file.stem) or {}).get("texts", [])
    return [str(text) for text in texts] if isinstance(texts, list) else []


def _tell_unknown(workspace: Workspace, used: _Used) -> list[str]:
    known = {name for names in used.made.values() for name in names}
    indexes = [
        path for path in workspace.folder.glob("indexes/*") if path.is_dir() and "." not in path.name
    ]  # not one on its way
    paths = [*workspace.folder.glob("cache/nodes/*.parquet"), *indexes]
    unknown = [path for path in paths if path.relative_to(workspace.folder).as_posix() not in known]
    if not unknown:
        return []
    size = sum(map(_size, unknown))
    return [
        f"Whether anything refers to {count_of(len(unknown), 'entry')} of the cache ({size:,} bytes), made "
        "before it was put down for which corpus, cannot be told; they stay."
    ]


def _remove_made_for(corpus: str, workspace: Workspace) -> None:
    used = _Used.find(workspace)
    names = used.list_useless().get(corpus, [])
    paths = [path for name in names if (path := workspace.folder / name).exists()]
    for cache, texts in _find_rows(workspace, paths, used):
        cache.remove(texts)
    for path in paths:
        if path.is_dir():
            remove_folder(path)
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
        else:
            path.unlink(missing_ok=True)
    workspace.made_for(corpus).forget(names)


def _remove_made_by(file: Path) -> None:
    for part in _list_beside(file):
        part.unlink(missing_ok=True)


def _list_beside(file: Path) -> list[Path]:
    return [path for path in (file, *file.parent.glob(f"{file.name}-*"), Path(f"{file}.lock")) if path.exists()]


def _size(path: Path) -> int:
    return folder_size(path) if path.is_dir() else path.stat().st_size
