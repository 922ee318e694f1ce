"""An index version as a job: built, refreshed or promoted."""

from __future__ import annotations

from typing import Any

from core.data.dataset import Dataset
from core.graph.resources import Models, Resources
from core.jobs.keeper import JobKeeper
from core.jobs.kinds import VERSIONS
from core.jobs.kinds.kind import JobKind, make_job
from core.jobs.state import DONE, Job
from core.records import decode, encode
from core.versions.request import VersionRequest, do_version_request


def make_version_job(dataset: str, request: VersionRequest) -> Job:
    """options: the request."""
    return make_job(VERSIONS, dataset, title=f"{dataset}, {request.describe()}", split="test", options=encode(request))


def _work(keeper: JobKeeper, dataset: Dataset, models: Models | None) -> tuple[str, dict[str, Any]]:
    resources = Resources.open(keeper.workspace, models=models, cancel=keeper.cancel, on_progress=keeper.report)
    return DONE, do_version_request(decode(keeper.job.options, VersionRequest), dataset, resources)


KIND = JobKind(VERSIONS, _work, started_on="Versions", counts_systems=False)
