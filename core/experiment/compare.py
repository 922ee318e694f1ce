"""Several systems on one dataset's queries, run and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from core.data.dataset import Dataset
from core.errors import Cancelled, InputError
from core.experiment.collect import ExperimentDraft
from core.experiment.result import Experiment, make_experiment_id
from core.experiment.run_progress import RunProgress
from core.experiment.system_runs import SystemRuns
from core.graph.estimate import write_speed
from core.graph.execute import Outcome, execute
from core.graph.resources import Models, Resources
from core.progress import CancelToken, ProgressCallback, ignore_progress
from core.systems.system import System
from core.workspace import Workspace


def compare(
    dataset: Dataset,
    systems: Mapping[str, System],
    *,
    workspace: Workspace,
    split: str | None = None,
    name: str = "",
    models: Models | None = None,
    cancel: CancelToken | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_partial: Callable[[Experiment], None] | None = None,
    experiment_id: str | None = None,
) -> Experiment:
    """Runs the systems on the dataset's queries and measures them.

    split: "all", "test" or "tuning"; None takes test when the dataset fixes a split, else all.
    on_partial: given the experiment so far whenever a system is finished (measured, but without latency).
    A system that fails keeps its place with `error`. After Cancel the experiment holds what was finished, with status
    "cancelled". Raises InputError for an empty corpus or split, or no systems.
    """
    if not systems:
        raise InputError("no systems were chosen; name at least one")
    started = time.perf_counter()
    progress = RunProgress(on_progress)
    resources = Resources.open(workspace, models=models, cancel=cancel, on_progress=progress)
    system_runs = SystemRuns(dataset, systems, split or dataset.default_split, resources)
    draft = ExperimentDraft(system_runs, name=name, experiment_id=experiment_id or make_experiment_id(), started=started)
    progress.follow(system_runs)
    status = "done"

    def on_system(system: str, outcome: Outcome) -> None:
        draft.add(system, outcome)
        if on_partial is not None:
            on_partial(draft.finish("running"))

    try:
        execute(system_runs.targets, system_runs.execution, on_system=on_system)
        draft.add_index_and_latency()
    except Cancelled:
        status = "cancelled"
    write_speed(resources)
    return draft.finish(status)
