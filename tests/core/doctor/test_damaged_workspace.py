"""Every kind of file of a workspace, damaged in every way: what can be computed again is, and gives the same; what cannot is
told in one sentence that names the file; all else goes on. The doctor sees each of them, and mends it.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.cli.main import main
from core.costs.prices import read_prices, read_shipped, write_prices
from core.costs.scenario import read_scenario, save_scenario
from core.data.catalog import (
    CatalogEntry,
    Source,
    find_source,
    keep_label_rules,
    list_datasets,
    open_named,
    read_label_rules,
    read_notes,
    remember_folder,
)
from core.data.label_rules import LabelRules
from core.doctor.damage import find_damage
from core.doctor.examine import examine, mend
from core.doctor.finding import ASIDE, BY_HAND, UNUSED
from core.errors import LadderError
from core.experiment.history import list_experiments, load_experiment
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import count_distinct_texts
from core.graph.resources import Models
from core.jobs.locks import workspace_lock
from core.jobs.log import keep_log
from core.jobs.state import list_jobs
from core.recommendation.files import load_assessment
from core.recommendation.own_systems import list_checks, read_scores
from core.records import RecordFile, keep_content
from core.stages.index_dense import DenseIndex
from core.stages.rerank import CrossEncoderRerank
from core.storage.disk import explain_disk
from core.storage.files import read_frame, read_json, write_frame, write_json
from core.storage.sealed_folder import SEAL, find_broken_collection, list_files, seal_collection, seal_folder
from core.systems.available import list_systems, save_own_system
from core.systems.named import make_named_systems
from core.systems.trained import list_models, load_model, weights_folder
from core.trained_model.evaluation_file import read_evaluation
from core.versions.contents import COLLECTION, read_contents
from core.versions.version import RECORD, list_versions, load_version, read_live
from core.versions.version import read_evaluation as read_version_evaluation
from core.workspace import Workspace
from tests.support.models import FakeModels, make_resources

OLD = Path(__file__).parents[2] / "contracts" / "old_workspace.zip"
VERSION = "versions/manual/dense-86cebe625b"
_NOBODY = 65_534  # a user without rights
# kind -> which of its files is damaged. What can be made again (the first ones) must give the same afterwards.
AGAIN = {
    "steps of systems": "cache/nodes/*.parquet",
    "facts of steps": "cache/nodes/*.json",
    "vectors": "cache/vectors/*.sqlite",
    "token vectors": "cache/tokens/*.sqlite",
    "scores of pairs": "cache/pairs/*.sqlite",
    "index": "indexes/*/chroma.sqlite3",
    "seal of an index": "indexes/*/.sealed.json",
}
KEPT = {
    "job": "jobs/*.json",
    "datasets list": "datasets.json",
    "label rules": "label_rules/small.json",
    "source of a dataset": "datasets/small/.source.json",
    "notes of a dataset": "datasets/small/import_notes.json",
    "experiment": "experiments/20261129-110002-c782/experiment.json",
    "values of an experiment": "experiments/20261129-110002-c782/per_query.parquet",
    "run of an experiment": "experiments/20261129-110002-c782/runs/2*.parquet",
    "recommendation": "experiments/20261129-110044-75f5/assessment.json",
    "scores on tuning": "experiments/20261129-110044-75f5/tuning.json",
    "looks at the test": "experiments/20261129-110044-75f5/checks.json",
    "model": "models/*/model.json",
    "weights": "models/*/weights/adapter.safetensors",
    "evaluation of a model": "models/*/evaluation.json",
    "version": f"{VERSION}/version.json",
    "vectors of a version": f"{VERSION}/vectors.npy",
    "chunks of a version": f"{VERSION}/chunks.parquet",
    "corpus of a version": f"{VERSION}/corpus/corpus.jsonl",
    "index of a version": f"{VERSION}/{COLLECTION}/chroma.sqlite3",
    "evaluation of a version": "versions/manual/bm25-6c8760b5f8/evaluation.json",
    "live version": "versions/manual/live.json",
    "scenario": "scenarios/manual.json",
    "own systems": "systems.yaml",
    "prices": "prices.csv",
    "log": "log/app.log",
}
# Text that people write as well has no checksum: a flipped byte there is another text, or none that can be read.
BY_PEOPLE = ("own systems", "prices", "log")


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    if data:
        data[random.Random(5).randrange(len(data) // 3, len(data))] ^= 0x41
        file.write_bytes(bytes(data))


def replace_by_folder(file: Path) -> None:
    file.unlink()
    (file / "inside").mkdir(parents=True)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "flipped": flip,
    "empty": lambda file: file.write_bytes(b""),
    "missing": lambda file: file.unlink(),
    "a folder": replace_by_folder,
}


def make_systems() -> dict[str, Any]:
    named = make_named_systems()
    cross = dataclasses.replace(named["hybrid-rrf"], name="cross", rerank=CrossEncoderRerank(model="m", depth=5))
    return {"bm25": named["bm25"], "late": named["hybrid-rerank"], "cross": cross}


def compute(store: Workspace) -> dict[str, Any]:
    """What the systems find, with what is in the cache, and what the index on disk finds."""
    with workspace_lock(store):
        runs = SystemRuns(open_named("small", store), make_systems(), "all", make_resources(store.folder))
        made = {name: runs.execution.output(target).to_dict("records") for name, target in runs.targets.items()}
        made["texts"] = count_distinct_texts(runs.targets, runs.execution, finished=runs.targets)
        target = runs.targets["late"]
        index: DenseIndex = runs.execution.output(target.find_first("dense_index"))  # type: ignore[arg-type]
        rows = index.approximate(index.vectors.matrix[:2], [{}, {}], depth=3)
        index.close()
    return {**made, "index": [row[1].round(5).tolist() for row in rows]}  # rows of equal score come in any order


def survey(store: Workspace) -> dict[str, str]:
    """Everything that is kept, each read by itself; a sentence where it cannot be."""
    told: dict[str, str] = {}

    def read(name: str, make: Callable[[], object]) -> None:
        try:
            told[name] = repr(make())
        except LadderError as error:
            told[name] = f"error: {error}"
        except OSError as error:
            told[name] = f"error: {explain_disk(error)}"

    def open_scores() -> object:
        assessment = load_assessment("20261129-110044-75f5", store)
        return read_scores(assessment, [make_named_systems()["bm25"]], workspace=store).to_dict("records")

    def hold() -> None:
        with workspace_lock(store):
            pass

    small = CatalogEntry("small", store.datasets / "small", "uploaded")
    read("datasets list", lambda: [entry.name for entry in list_datasets(store)])
    read("jobs", lambda: [job.id for job in list_jobs(store)])
    read("lock", hold)
    read("log", lambda: keep_log(store, "app"))
    read("label rules", lambda: read_label_rules(small, store))
    read("label rules of another", lambda: read_label_rules(dataclasses.replace(small, name="manual"), store))
    read("source", lambda: find_source("a place", store))
    read("notes", lambda: read_notes(small))
    read("experiments", lambda: [entry.id for entry in list_experiments(store)])
    for name in ("20261129-110002-c782", "20261129-110020-36e2"):
        read(f"experiment {name}", lambda name=name: load_experiment(name, store).to_json())  # type: ignore[misc]
    read("recommendation", lambda: load_assessment("20261129-110044-75f5", store).recommendation)
    read("scores", open_scores)
    read("looks", lambda: [check.system for check in list_checks("20261129-110044-75f5", store)])
    read("models", lambda: [model.id for model in list_models(store)])
    read("model", lambda: load_model("adapter-e3472f6902", store).id)
    read("weights", lambda: Models().adapter(weights_folder("adapter-e3472f6902", store)).matrix.sum())
    with_model = load_or_none(store)
    read("evaluation of a model", lambda: read_evaluation(with_model, store) if with_model else {})
    read("versions", lambda: [version.id for version in list_versions("manual", store)])
    read("version", lambda: read_contents(load_version("dense-86cebe625b", "manual", store), store).matrix)
    read("evaluation of a version", lambda: [read_version_evaluation(v, store) for v in list_versions("manual", store)])
    read("live version", lambda: read_live("manual", store))
    read("scenario", lambda: read_scenario(open_named("manual", store), store, models=FakeModels()))
    read("systems", lambda: list(list_systems(store)))
    read("prices", lambda: len(read_prices(store).prices))
    return told


def load_or_none(store: Workspace) -> Any:
    try:
        return load_model("adapter-e3472f6902", store)
    except LadderError:
        return None


@dataclasses.dataclass(frozen=True)
class Whole:
    """A workspace that nothing is wrong with. found, told: what compute() and survey() give there."""

    folder: Path
    found: dict[str, Any]
    told: dict[str, str]

    def copy(self, tmp_path: Path) -> Workspace:
        return Workspace(shutil.copytree(self.folder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A workspace with everything, written by this version."""
    folder = tmp_path_factory.mktemp("whole") / "workspace"
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(folder)
    shutil.rmtree(folder / "experiments" / "20261129-110216-3d93")  # there are others
    store = Workspace(folder)
    for file in [*folder.glob("jobs/*.json"), *folder.glob("[emv]*/**/*.json"), *folder.glob("scenarios/*.json")]:
        write_json(file, read_json(file))
    for file in [*folder.glob("experiments/**/*.parquet"), *folder.glob("versions/**/*.parquet")]:
        write_frame(read_frame(file), file)
    version = folder / VERSION
    seal_folder(version, [name for name in list_files(version) if not name.startswith(COLLECTION) and name != RECORD])
    seal_collection(version / COLLECTION)
    seal_folder(next(folder.glob("models/*/weights")))
    remember_folder(shutil.copytree(store.datasets / "small", folder.parent / "opened"), store)
    keep_label_rules("small", LabelRules(relevant_from=1), store)
    sources = RecordFile(Source, upgrades=[keep_content], cure="")
    sources.write(store.datasets / "small" / ".source.json", Source("a place", "", ""))
    write_json(store.datasets / "small" / "import_notes.json", {"notes": ["a note"], "format": 1})
    save_own_system(dataclasses.replace(make_named_systems()["bm25"], name="mine"), store)
    save_scenario(read_scenario(open_named("manual", store), store, models=FakeModels()), "manual", store)
    shipped = read_shipped()
    dearer = dataclasses.replace(shipped, prices=(dataclasses.replace(shipped.prices[0], price_usd=9.0),))
    write_prices(shipped.overlay(dearer), store)
    (store.path("log", "app.log")).write_text("a line\n", encoding="utf-8")
    return Whole(folder, compute(store), survey(store))


@pytest.fixture(autouse=True)
def forget_log() -> Iterator[None]:
    yield
    logger = logging.getLogger("core")
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)


def take(whole: Whole, tmp_path: Path, damage: str, kinds: dict[str, str]) -> tuple[Workspace, dict[str, Path]]:
    """A copy in which a file of each kind is damaged; the files by kind."""
    store = whole.copy(tmp_path)
    files = {kind: sorted(store.folder.glob(pattern))[0] for kind, pattern in kinds.items()}
    for file in files.values():
        DAMAGES[damage](file)
    return store, files


def list_unseen(store: Workspace, files: dict[str, Path]) -> set[str]:
    """Kinds whose damage the doctor does not see."""
    seen = {finding.path for finding in examine(store).findings if finding.kind not in (ASIDE, UNUSED)}
    inside = {kind: file.relative_to(store.folder).as_posix() for kind, file in files.items()}
    return {kind for kind, name in inside.items() if not any(name.startswith(path) for path in seen)}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_can_be_computed_again_is_and_gives_the_same(damage: str, whole: Whole, tmp_path: Path) -> None:
    store, files = take(whole, tmp_path, damage, {kind: AGAIN[kind] for kind in AGAIN if kind != "seal of an index"})
    for file in set(store.folder.glob(AGAIN["steps of systems"])) - set(files.values()):
        file.unlink()  # so that everything else has to be read
    if damage != "missing":  # an empty file is an empty database, and a byte between two rows says nothing
        assert list_unseen(store, files) <= {
            "flipped": {"index"}, "empty": {"vectors", "token vectors", "scores of pairs"}
        }.get(damage, set())  # fmt: skip
    assert compute(store) == whole.found
    left = [finding.path for finding in examine(store).findings if finding.kind not in (ASIDE, UNUSED)]
    assert all(path.startswith("cache/nodes/") for path in left), "only what nobody had to read"
    kept = {path.name for path in store.folder.glob("damaged/**/*")}
    if damage in ("truncated", "a folder"):
        written_over = {"facts of steps"}  # by the step that ran again before anybody read them
        assert {files[kind].name for kind in files.keys() - written_over} <= kept, "what was damaged is kept"
    [seal] = store.folder.glob(AGAIN["seal of an index"])
    assert find_broken_collection(seal.parent) is None, "it was built again"
    DAMAGES[damage](seal)
    assert find_broken_collection(seal.parent) is not None, "so it will be built once more"


# What becomes of what is kept; everything else is told in a sentence that names the file, and is as it was once it is mended.
DEFAULTS = {"jobs", "datasets list", "source", "scores", "evaluation of a model", "evaluation of a version", "log"}
PARTS = {"models": "adapter-e3472f6902", "versions": "dense-86cebe625b", "experiments": "20261129-110002-c782"}


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "missing"])
def test_what_is_kept_is_told_and_all_else_goes_on(damage: str, whole: Whole, tmp_path: Path) -> None:
    before = whole.told
    assert not [text for text in before.values() if text.startswith("error")]
    unharmed = {f"{part} of a version" for part in ("chunks", "vectors", "corpus", "index")} | {"values of an experiment"}
    store, files = take(whole, tmp_path, damage, {kind: KEPT[kind] for kind in KEPT if kind not in unharmed})
    assert list_unseen(store, files) <= set(BY_PEOPLE)
    after = survey(store)
    told = {name for name, text in after.items() if text.startswith("error")}
    for name in told:
        assert "\n" not in after[name]
        assert any(file.name in after[name] or file.parent.name in after[name] for file in files.values()), after[name]
        assert not any(bug in after[name] for bug in ("AttributeError", "KeyError", "TypeError"))
    must = {"label rules", "experiment 20261129-110002-c782", "model", "weights", "version", "live version", "scenario"}
    assert must <= told | {name for name, text in after.items() if damage == "empty" and text != before[name]}
    changed = {name for name, text in after.items() if text != before[name]}
    allowed = DEFAULTS | set(PARTS) | {"recommendation", "looks", "notes", "systems", "prices"} | must
    assert changed <= allowed
    assert {"label rules of another", "experiment 20261129-110020-36e2"}.isdisjoint(changed)
    for name, lost in PARTS.items():
        assert lost in before[name] and lost not in after[name]
    found = examine(store)
    mend(found.findings, store)
    by_hand = {finding.path for finding in found.findings if finding.act == BY_HAND}
    assert {finding.path for finding in examine(store).findings if finding.kind not in (ASIDE, UNUSED)} == by_hand
    assert not [name for name, text in survey(store).items() if text.startswith("error") and name == "label rules"]


def test_the_doctor_sees_each_kind_beside_nothing_else(whole: Whole, tmp_path: Path) -> None:
    parts = {"values of an experiment", "run of an experiment", "weights"}
    parts |= {f"{part} of a version" for part in ("chunks", "vectors", "corpus", "index")}
    unseen = set()
    for kind, pattern in KEPT.items():
        name = sorted(whole.folder.glob(pattern))[0].relative_to(whole.folder)
        place = Path(*name.parts[:3] if name.parts[0] == "versions" else name.parts[:2])  # the least that says what it is
        store = Workspace(tmp_path / kind)
        for damage, do in {"none": Path.touch, **DAMAGES}.items():
            if (whole.folder / place).is_dir():
                shutil.copytree(whole.folder / place, store.folder / place)
            else:
                shutil.copyfile(whole.folder / place, store.path(*place.parts))
            do(store.folder / name)
            if not any(name.is_relative_to(finding.path) for finding in find_damage(store)):
                unseen.add((damage, kind))
            shutil.rmtree(store.folder / name.parts[0], ignore_errors=True)
    assert {kind for damage, kind in unseen if damage == "none"} == set(KEPT)
    assert {kind for damage, kind in unseen if damage == "missing"} == KEPT.keys() - parts
    assert {kind for damage, kind in unseen if damage == "a folder"} == set()
    by_chance = {("flipped", "index of a version")}  # whose byte may be one that nobody reads
    assert {kind for damage, kind in unseen - by_chance if damage not in ("none", "missing")} <= set(BY_PEOPLE)


@pytest.mark.parametrize("kind", ["chunks of a version", "vectors of a version", "corpus of a version", "run of an experiment"])
def test_a_part_that_is_missing_is_told(kind: str, whole: Whole, tmp_path: Path) -> None:
    store, files = take(whole, tmp_path, "missing", {kind: KEPT[kind]})
    with pytest.raises(LadderError) as caught:
        if "version" in kind:
            read_contents(load_version("dense-86cebe625b", "manual", store), store)
        else:
            load_experiment("20261129-110002-c782", store)
    assert files[kind].name in str(caught.value) or "dense-86cebe625b is damaged" in str(caught.value)


def test_what_stands_in_the_way_is_told_and_set_aside(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Workspace(workspace)
    (store.path("jobs", "heavy.lock") / "x").mkdir(parents=True)
    store.path("models").write_text("no folder", encoding="utf-8")
    with pytest.raises(OSError, match="heavy") as caught, workspace_lock(store):
        pass
    assert "heavy.lock is in the way" in str(explain_disk(caught.value))
    assert main(["models"]) == 1
    assert "models is in the way: a file stands where a folder belongs" in capsys.readouterr().err
    assert main(["doctor", "--mend"]) == 0
    assert main(["models"]) == 0
    with workspace_lock(store):
        assert {path.name for path in store.folder.glob("damaged/*/**/*")} == {"models", "jobs", "heavy.lock", "x"}


def test_a_comparison_goes_on_beside_a_bad_file(whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = whole.copy(tmp_path)
    for pattern in (KEPT["job"], KEPT["datasets list"], KEPT["own systems"], KEPT["experiment"], KEPT["model"], KEPT["log"]):
        for file in store.folder.glob(pattern):
            file.write_bytes(b"\xff{")
    given = ["compare", "small", "--systems", "bm25", "--workspace", str(store.folder)]
    assert main(given) == 0
    assert "bm25" in capsys.readouterr().out
    assert main(["doctor", "--workspace", str(store.folder)]) == 1


def test_a_flipped_byte_in_any_file_of_a_version_is_told(whole: Whole, tmp_path: Path) -> None:
    store = Workspace(tmp_path / "copy")
    folder = shutil.copytree(whole.folder / VERSION, store.folder / VERSION)  # and nothing else, which is looked at with each
    names = [name for name in list_files(folder) if not name.startswith(COLLECTION)]
    assert {RECORD, "vectors.npy", "chunks.parquet", "corpus/corpus.jsonl"} <= set(names)
    assert examine(store).is_healthy
    for name in (*names, SEAL):
        file = folder / name
        data = file.read_bytes()
        for place in {0, len(data) // 2, len(data) - 1} if data else ():
            file.write_bytes(data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :])
            with pytest.raises(LadderError, match="dense-86cebe625b"):
                read_contents(load_version("dense-86cebe625b", "manual", store), store)
        assert [finding for finding in find_damage(store) if finding.path == VERSION], name
        file.write_bytes(data)


@pytest.fixture
def somebody(whole: Whole) -> Iterator[Workspace]:
    """A workspace of somebody whom permissions bind, who this process is until the test ends. Whatever is imported later is
    imported by now, since the whole workspace was used."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(whole.folder, Path(name, "workspace")))
        for path in (Path(name), folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, -1)
        user = os.geteuid()
        os.seteuid(_NOBODY)
        try:
            yield Workspace(folder)
        finally:
            os.seteuid(user)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be somebody else for a moment")
def test_files_that_may_not_be_read_are_told_or_made_again(somebody: Workspace) -> None:
    files = {kind: sorted(somebody.folder.glob(pattern))[0] for kind, pattern in (KEPT | AGAIN).items()}
    for kind in ("seal of an index", "index"):
        del files[kind]  # a collection is read by its folder
    for file in files.values():
        file.chmod(0)
    with pytest.raises(PermissionError):
        files["job"].read_bytes()
    assert list_unseen(somebody, files) <= {"log"}
    after = survey(somebody)
    for text in after.values():
        assert "\n" not in text and not any(bug in text for bug in ("AttributeError", "KeyError", "TypeError"))
    assert [name for name, text in after.items() if text.startswith("error: ")]
    found = examine(somebody)
    mend(found.findings, somebody)
    by_hand = {finding.path for finding in found.findings if finding.act == BY_HAND}
    left = {finding.path for finding in examine(somebody).findings if finding.kind not in (ASIDE, UNUSED)}
    assert left <= by_hand, "what cannot be read is set aside as what is damaged is"
