"""What is damaged in a workspace: every file is read as what it is, by the room that reads it otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.costs.prices import read_prices
from core.data.catalog import find_kept_rules
from core.doctor.finding import BY_HAND, DAMAGED, DROP_ROWS, SET_ASIDE, Finding
from core.errors import InputError, LadderError
from core.experiment.history import load_experiment, read_description
from core.jobs.state import look_at_job
from core.recommendation.files import read_assessment
from core.recommendation.own_systems import list_checks
from core.storage.damage import DAMAGED as ASIDE_FOLDER
from core.storage.damage import Damaged, is_damage, say_damage
from core.storage.files import read_frame, read_json
from core.storage.sealed_folder import SEAL, find_broken_collection, find_broken_seal
from core.storage.vector_cache import VectorCache
from core.systems.available import list_own_systems
from core.systems.trained import load_model
from core.versions.contents import COLLECTION
from core.versions.version import load_version, read_live
from core.workspace import WEIGHTS, Workspace

CACHES = {"vectors": "float32", "tokens": "float16", "pairs": "float64"}
_AGAIN = "it is made again when it is needed"
FOLDERS = (
    *("cache", "indexes", "models", "versions", "datasets", "experiments"),
    *("jobs", "imports", "log", "scenarios", "label_rules"),
)


@dataclass(frozen=True)
class _Kind:
    """A kind of file. pattern: which ones, below the workspace. read: raises what is_damage() knows, or InputError. cure: what
    becomes of it once it is set aside. whole: the folder that goes with the file, by the number of steps up."""

    pattern: str
    read: Callable[[Path, Workspace], object]
    cure: str = _AGAIN
    act: str = SET_ASIDE
    whole: int = 0


def _read_model(file: Path, workspace: Workspace) -> None:
    load_model(file.parent.name, workspace)
    _refuse(find_broken_seal(file.parent / WEIGHTS) if (file.parent / WEIGHTS).exists() else None)


def _read_assessment(file: Path, workspace: Workspace) -> None:
    read_assessment(file, read_description(file.parent))  # the frames are looked at with the experiment


def _read_version(file: Path, workspace: Workspace) -> None:
    load_version(file.parent.name, file.parent.parent.name, workspace)
    _refuse(find_broken_seal(file.parent))


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise Damaged(problem)


def _check_collection(folder: Path, workspace: Workspace) -> None:
    """One of before there were seals is built again when it is opened next."""
    _refuse(find_broken_collection(folder) if not folder.is_dir() or (folder / SEAL).exists() else None)


def _refuse_folder(path: Path, workspace: Workspace) -> None:
    _refuse("it is a folder" if path.is_dir() else None)


_KINDS = (
    _Kind("cache/nodes/*.json", lambda file, _: read_json(file)),
    _Kind("cache/nodes/*.parquet", lambda file, _: read_frame(file)),
    _Kind("indexes/*[!gk]", _check_collection),  # not .building, not .lock
    _Kind("jobs/*.json", lambda file, workspace: look_at_job(file.stem, workspace), "what the job has made is kept elsewhere"),
    _Kind("datasets.json", lambda file, _: read_json(file), "open your folders again"),
    _Kind("label_rules.json", lambda file, _: read_json(file), "say again what counts as relevant"),
    _Kind("label_rules/*.json", lambda file, ws: find_kept_rules(file.stem, ws), "say again what counts as relevant"),
    _Kind("datasets/*/.source.json", lambda file, _: read_json(file), "the dataset stays"),
    _Kind("datasets/*/import_notes.json", lambda file, _: read_json(file), "the dataset stays"),
    _Kind("scenarios/*.json", lambda file, _: read_json(file), "the default scenario is taken"),
    _Kind("experiments/*/experiment.json", lambda file, ws: load_experiment(file.parent.name, ws), "run it again", whole=1),
    _Kind("experiments/*/assessment.json", _read_assessment, "ask for it again"),
    _Kind("experiments/*/tuning.json", lambda file, _: read_json(file)),
    _Kind("experiments/*/checks.json", lambda file, ws: list_checks(file.parent.name, ws), "its looks at the test are lost"),
    _Kind("models/*/model.json", _read_model, "train it again", whole=1),
    _Kind("models/*/evaluation.json", lambda file, _: read_json(file)),
    _Kind("models/*/*.parquet", lambda file, _: read_frame(file)),
    _Kind("versions/*/live.json", lambda file, ws: read_live(file.parent.name, ws), "promote a version again"),
    _Kind("versions/*/*/version.json", _read_version, "build it again", whole=1),
    _Kind("versions/*/*/chunks.parquet", lambda file, _: read_frame(file), "build the version again", whole=1),
    _Kind("versions/*/*/evaluation.json", lambda file, _: read_json(file)),
    _Kind(f"versions/*/*/{COLLECTION}", _check_collection),
    _Kind("systems.yaml", lambda _, workspace: list_own_systems(workspace), "correct or delete it", act=BY_HAND),
    _Kind("prices.csv", lambda _, workspace: read_prices(workspace), "correct or delete it", act=BY_HAND),
    _Kind("log/*", _refuse_folder),
)


def find_in_the_way(workspace: Workspace) -> list[Finding]:
    """Files that stand where a folder belongs, folders where a lock does: before they are gone, nothing else can be seen."""
    files = [
        Finding(DAMAGED, name, 0, "a file stands where a folder belongs", SET_ASIDE, "the folder is made again")
        for name in FOLDERS
        if (workspace.folder / name).exists() and not (workspace.folder / name).is_dir()
    ]
    locks = [
        Finding(DAMAGED, _name(path, workspace), 0, "a folder stands where a lock belongs", SET_ASIDE, _AGAIN)
        for path in workspace.folder.glob("**/*.lock")
        if path.is_dir() and not path.is_relative_to(workspace.folder / ASIDE_FOLDER)
    ]
    return [*files, *locks]


def find_damage(workspace: Workspace) -> list[Finding]:
    """Everything that cannot be read, sorted by path."""
    found = {finding.path: finding for finding in (*_find_in_caches(workspace), *_find_in_files(workspace))}
    return sorted(found.values())


def _find_in_files(workspace: Workspace) -> Iterator[Finding]:
    for kind in _KINDS:
        for file in sorted(workspace.folder.glob(kind.pattern)):
            inside = file.relative_to(workspace.folder)
            if inside.parts[0] == ASIDE_FOLDER or any(part.startswith(".") for part in inside.parts[:-1]):
                continue
            sentence = _try(lambda file=file, kind=kind: kind.read(file, workspace))  # type: ignore[misc]
            if sentence:
                whole = file if kind.whole == 0 else file.parents[kind.whole - 1]
                what, _, cure = sentence.partition("; ")
                yield Finding(DAMAGED, _name(whole, workspace), 0, what, kind.act, cure or kind.cure)


def _find_in_caches(workspace: Workspace) -> Iterator[Finding]:
    for kind in CACHES:
        for file in sorted((workspace.folder / "cache" / kind).glob("*.sqlite")):
            why = VectorCache.find_damage(file)
            if why is not None:
                act = DROP_ROWS if why.endswith("checksum") else SET_ASIDE
                yield Finding(DAMAGED, _name(file, workspace), 0, why, act, "what is lost is made again")


def drop_rows(file: Path, workspace: Workspace) -> None:
    """Drops the damaged rows of a cache of vectors, tokens or pairs."""
    VectorCache(file, dtype=CACHES[file.parent.name], root=workspace.folder).drop_damaged()


def _try(read: Callable[[], object]) -> str | None:
    """What is wrong with a file, as "what" or "what; cure"; None if nothing is, or it is gone."""
    try:
        read()
    except FileNotFoundError:
        return None
    except InputError as error:  # damage, or a sentence about what stands in it
        return f"cannot be read ({say_damage(error)})" if is_damage(error) else error.what
    except LadderError:  # a part of something that is damaged itself
        return None
    except (OSError, ValueError) as error:
        if not is_damage(error):
            raise
        return f"cannot be read ({say_damage(error)})"
    return None


def _name(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.folder).as_posix()
