"""Systems of one's own beside the ladder: tuning scores as often as one likes, and single looks at the test queries.

What is chosen by hand is chosen on the tuning queries, like everything else. A look at the test queries is a separate act,
a check: all checks of an assessment are one family whose p values are corrected together, so that whoever tries many
systems is not deceived by the luckiest. The ladder's own verdicts are read, never written, here.

Kept beside the assessment: tuning.json (values on tuning queries, nothing of test) and checks.json (values on test queries,
from which everything that is said of a check is computed anew whenever another one joins). A check is never removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import pandas as pd

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError, LadderError, NotInWorkspace
from core.evaluation.comparisons import compare_table, compare_with
from core.evaluation.significance import bootstrap_means
from core.experiment.measurer import Measurer
from core.experiment.run_progress import RunProgress
from core.graph.estimate import write_speed
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ProgressEvent, ignore_progress
from core.recommendation.assess import Assessment
from core.records import RecordFile, as_records, keep_content
from core.schema import content_hash
from core.storage.names import find_entry
from core.systems.build import build, make_sources
from core.systems.system import System
from core.systems.yaml_files import from_spec
from core.workspace import Workspace

SCORES_FILE, CHECKS_FILE = "tuning.json", "checks.json"
SCORES = ["system", "mean", "low", "high", "n", "delta", "delta_low", "delta_high", "error"]
_LOCK = ".explore.lock"
_CURE = "put it back from a copy, or make the recommendation again"
_RECOMMENDED = "recommended"  # its column; no key of a system is this word


@dataclass(frozen=True)
class Check:
    """One look at the test queries. Exploratory: it came after the ladder, and was chosen by hand.

    key: identify() of the system; system, spec: its name and definition when it was checked; recommended: what it is compared
    with; checked: ISO time; mean, recommended_mean: on the test queries. comparison: its row of compare_table() (baseline is
    the recommended system), corrected over all checks made so far, so that it changes when another one is made.
    """

    key: str
    system: str
    spec: dict[str, Any]
    recommended: str
    checked: str
    mean: float
    recommended_mean: float
    comparison: dict[str, Any]


@dataclass(frozen=True)
class _Score:
    """What is kept of a system on the tuning queries: its values by query id, or why it could not run."""

    name: str
    values: dict[str, float]
    error: str


@dataclass(frozen=True)
class _Scores:
    """systems: by identify()."""

    systems: dict[str, _Score] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class _Recommended:
    """The system that all others are compared with, and its values on the test queries."""

    system: str
    values: dict[str, float]


@dataclass(frozen=True)
class _Look:
    """One look at the test queries, as it was put down: see Check. values: by query id."""

    key: str
    system: str
    spec: dict[str, Any]
    checked: str
    values: dict[str, float]


@dataclass(frozen=True)
class _Looks:
    """All looks of an assessment, and how they are tested."""

    measure: str
    min_gain: float
    seed: int
    recommended: _Recommended
    checks: tuple[_Look, ...]


_SCORES = RecordFile(_Scores, upgrades=[lambda content: {"systems": content}], cure=_CURE)
_LOOKS = RecordFile(_Looks, upgrades=[keep_content], cure=_CURE)


def identify(system: System) -> str:
    """The same for systems that do the same, whatever their names; another one once a model folder's files change."""
    documents, queries = make_sources("", "")
    try:
        return build(system, documents=documents, queries=queries).key
    except LadderError:  # it cannot run as it is spelled; scoring it says why
        return content_hash({**system.to_spec(), "name": "", "description": ""})


def get_recommended(assessment: Assessment) -> System:
    """The system that the assessment recommends."""
    name = assessment.recommendation.system
    return from_spec(next(system.spec for system in assessment.experiment.systems if system.name == name))


def score_on_tuning(
    assessment: Assessment,
    dataset: Dataset,
    systems: Sequence[System],
    *,
    workspace: Workspace,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> pd.DataFrame:
    """Runs the systems, keeps their values on the tuning queries, and gives read_scores().

    One that cannot run has its reason in `error`; the others go on. What is scored is kept at once, also when Cancelled is
    raised. Raises InputError if the dataset is no longer what was assessed, or if no tuning query is measured.
    """
    resources = Resources.open(workspace, models=models, cancel=cancel)
    asked = {identify(system): system for system in (get_recommended(assessment), *systems)}
    measurer = _open_measurer(assessment, dataset, asked, resources, on_progress)
    tuning = assessment.split["tuning_ids"]
    for key, system in asked.items():
        resources.cancel.check()
        values = measurer.values(dataclasses.replace(system, name=key))
        error = measurer.errors.get(key, "")
        known = {} if values is None else _take(values, tuning)
        if not known and not error:
            raise InputError(f"no tuning query of {dataset.name} is measured on {assessment.primary}; label more queries")
        with _hold(assessment.id, workspace):
            kept = _read_scores(assessment.id, workspace)
            scores = _Scores({**kept, key: _Score(system.name, known, error)})
            _SCORES.write(_file(assessment.id, SCORES_FILE, workspace), scores)
        measurer.system_runs.resources.on_progress(ProgressEvent(label=f"{system.name} is scored", system=system.name))
    write_speed(resources)
    return read_scores(assessment, systems, workspace=workspace)


def read_scores(assessment: Assessment, systems: Sequence[System], *, workspace: Workspace) -> pd.DataFrame:
    """What is known of the systems on the tuning queries, columns SCORES; nothing is run.

    The recommended system comes first, then the systems in order. mean with its own 95 % interval (low, high) over n queries;
    delta to the recommended system, all of them compared as one family; NaN where a system (or the recommended one) is not
    scored yet. error: why it could not run, else "".
    """
    kept = _read_scores(assessment.id, workspace)
    shown = [get_recommended(assessment), *systems]
    keys = [identify(system) for system in shown]
    scored = {key: _as_series(kept[key]) for key in dict.fromkeys(keys) if key in kept and kept[key].values}
    table, goals = pd.DataFrame(scored).dropna(how="any"), assessment.goals
    gains = compare_with(table, keys[0], measure=assessment.primary, min_gain=goals.min_gain, seed=goals.seed)
    rows = []
    for system, key in zip(shown, keys, strict=True):
        row: dict[str, Any] = {"system": system.name, "error": kept[key].error if key in kept else ""}
        if key in scored:
            low, high = bootstrap_means(scored[key].to_numpy()[:, None], seed=goals.seed)
            row |= {"mean": float(scored[key].mean()), "n": len(scored[key]), "low": low.item(), "high": high.item()}
        if key in gains:
            row |= {"delta": gains[key].delta, "delta_low": gains[key].low, "delta_high": gains[key].high}
        elif key in scored and key == keys[0]:
            row |= dict.fromkeys(("delta", "delta_low", "delta_high"), 0.0)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=SCORES)
    numbers = [name for name in SCORES if name not in ("system", "error")]
    return frame.astype(dict.fromkeys(numbers, float))


def check_on_test(
    assessment: Assessment,
    dataset: Dataset,
    system: System,
    *,
    workspace: Workspace,
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Check:
    """Compares a system with the recommended one on the test queries and puts that down for good.

    A system that was checked before (identify()) is not checked again: its check is given as it stands now. Raises InputError
    for the recommended system itself or changed data, LadderError if the system cannot run; nothing is put down then.
    """
    recommended = get_recommended(assessment)
    key, base = identify(system), identify(recommended)
    if key == base:
        raise InputError(f"{system.name} does the same as the recommended {recommended.name}; there is nothing to compare")
    if not any(check.key == key for check in list_checks(assessment.id, workspace)):
        resources = Resources.open(workspace, models=models, cancel=cancel)
        measurer = _open_measurer(assessment, dataset, {base: recommended, key: system}, resources, on_progress)
        found = {}
        for name, one in ((base, recommended), (key, system)):
            values = measurer.values(dataclasses.replace(one, name=name))
            if values is None:
                raise LadderError(f"{one.name} cannot run, so nothing was checked. {measurer.errors[name]}")
            found[name] = _take(values, assessment.split["test_ids"])
        resources.cancel.check()  # the last moment at which the test queries can stay closed
        checked = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        look = _Look(key=key, system=system.name, spec=system.to_spec(), checked=checked, values=found[key])
        _append(assessment, recommended, look, found[base], workspace)
        write_speed(resources)
    return next(check for check in list_checks(assessment.id, workspace) if check.key == key)


def list_checks(assessment_id: str, workspace: Workspace) -> list[Check]:
    """All checks of an assessment, oldest first, read as one family. Empty if there are none.

    Raises InputError if the file is damaged.
    """
    kept = _read_looks(assessment_id, workspace)
    if kept is None:
        return []
    values, checks = _list_checks(kept)
    pairs = [(_RECOMMENDED, check.key) for check in checks]
    table = compare_table(values, pairs, measure=kept.measure, min_gain=kept.min_gain, seed=kept.seed)
    return [
        dataclasses.replace(check, comparison={**row, "baseline": check.recommended, "system": check.system})
        for check, row in zip(checks, as_records(table), strict=True)
    ]


def _list_checks(kept: _Looks) -> tuple[pd.DataFrame, list[Check]]:
    """(test queries x keys of the systems, the checks without their comparisons)."""
    columns = {_RECOMMENDED: kept.recommended.values, **{look.key: look.values for look in kept.checks}}
    values = pd.DataFrame({name: pd.Series(column, dtype=float) for name, column in columns.items()})
    checks = [
        Check(
            key=look.key,
            system=look.system,
            spec=look.spec,
            recommended=kept.recommended.system,
            checked=look.checked,
            mean=float(values[look.key].mean()),
            recommended_mean=float(values[_RECOMMENDED].mean()),
            comparison={},
        )
        for look in kept.checks
    ]
    return values, checks


def _append(assessment: Assessment, recommended: System, look: _Look, values: dict[str, float], workspace: Workspace) -> None:
    """Adds a look, unless another process has added the same system meanwhile."""
    first = _Looks(
        measure=assessment.primary,
        min_gain=assessment.goals.min_gain,
        seed=assessment.goals.seed,
        recommended=_Recommended(recommended.name, values),
        checks=(),
    )
    with _hold(assessment.id, workspace):
        kept = _read_looks(assessment.id, workspace) or first
        if all(before.key != look.key for before in kept.checks):
            looks = dataclasses.replace(kept, checks=(*kept.checks, look))
            _LOOKS.write(_file(assessment.id, CHECKS_FILE, workspace), looks)


def check_unchanged(assessment: Assessment, dataset: Dataset) -> None:
    """Raises InputError if the dataset is no longer what was assessed: its queries and labels decide what is compared."""
    if dataset.fingerprint != assessment.experiment.dataset["fingerprint"]:
        raise InputError(
            f"the dataset {dataset.name} changed since this recommendation was made, so that nothing can be compared with it; "
            "make the recommendation again first"
        )


def _open_measurer(
    assessment: Assessment,
    dataset: Dataset,
    systems: Mapping[str, System],
    resources: Resources,
    on_progress: ProgressCallback,
) -> Measurer:
    """The assessment's own measurer, which finds what the ladder has run in the cache. systems: by key, which is the name
    that they have in it, since a system of one's own may have the name of another one of the ladder."""
    check_unchanged(assessment, dataset)
    target = assessment.goals.target[0] if assessment.goals.target is not None else ""
    progress = RunProgress(on_progress)
    resources = dataclasses.replace(resources, on_progress=progress)
    measurer = Measurer(keep_judged(dataset), primary=assessment.primary, resources=resources, target=target)
    for key, system in systems.items():
        with contextlib.suppress(LadderError):  # measuring it will say why
            measurer.system_runs.add(dataclasses.replace(system, name=key))
    progress.follow(measurer.system_runs)
    return measurer


def _take(values: pd.Series, query_ids: Sequence[str]) -> dict[str, float]:
    """The values of these queries alone, where they are measured; all others are left behind here."""
    return {str(query_id): float(value) for query_id, value in values.reindex(query_ids).dropna().items()}


def _as_series(score: _Score) -> pd.Series:
    return pd.Series(score.values, dtype=float)


def _file(assessment_id: str, name: str, workspace: Workspace) -> Path:
    return workspace.experiments / assessment_id / name


def _hold(assessment_id: str, workspace: Workspace) -> filelock.BaseFileLock:
    """Only one process adds to an assessment's files at a time."""
    folder = find_entry(workspace.experiments, assessment_id)
    if folder is None or not folder.is_dir():
        raise NotInWorkspace(f"There is no recommendation with the id {assessment_id!r} here.")
    return filelock.FileLock(folder / _LOCK)


def _read_scores(assessment_id: str, workspace: Workspace) -> dict[str, _Score]:
    file = _file(assessment_id, SCORES_FILE, workspace)
    kept = _SCORES.find(file, root=workspace.folder)  # damaged ones are scored again
    return kept.systems if kept is not None else {}


def check_scores_file(file: Path) -> None:
    """Reads a file of scores and keeps nothing of it. Raises InputError if it is damaged or a field is something else."""
    _SCORES.read(file)


def check_looks_file(file: Path) -> None:
    """check_scores_file() of a file of looks."""
    _LOOKS.read(file)


def _read_looks(assessment_id: str, workspace: Workspace) -> _Looks | None:
    file = _file(assessment_id, CHECKS_FILE, workspace)
    return _LOOKS.read(file) if file.exists() else None
