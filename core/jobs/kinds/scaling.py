"""The timing of systems at several sizes of the corpus as a job."""

from __future__ import annotations

from collections.abc import Mapping

from core.data.dataset import Dataset
from core.graph.resources import Models
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import SCALING
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.scaling.measure import measure_scaling, save_scaling
from core.scaling.scaling import Scaling
from core.systems.system import System
from core.systems.yaml_files import from_spec


def make_scaling_job(dataset: str, systems: Mapping[str, System]) -> Job:
    """systems: by the name that they are told under, which need not be their own."""
    specs = [{**system.to_spec(), "name": name} for name, system in systems.items()]
    return make_job(SCALING, dataset, title=f"{dataset}, latency at several sizes", split="all", systems=specs)


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, Scaling]:
    """Nothing is kept of one that was cancelled, since times taken apart cannot be compared."""
    scaling = measure_scaling(
        dataset,
        {str(spec["name"]): from_spec(spec) for spec in keeper.job.systems},
        workspace=keeper.workspace,
        models=models,
        cancel=keeper.cancel,
        on_progress=keeper.report,
    )
    save_scaling(scaling, keeper.workspace)
    return DONE, scaling


KIND = JobKind(SCALING, _work, started_on="Cost & latency", counts_systems=False, keeps_parts=False)
