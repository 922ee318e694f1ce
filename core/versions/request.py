"""What is asked of the versions as a job, and doing it: build, refresh, promote."""

from __future__ import annotations

import dataclasses
import re
import time
from dataclasses import dataclass, field
from typing import Any

from core.data.dataset import Dataset
from core.graph.resources import Resources
from core.progress import ProgressCallback, ProgressEvent
from core.systems.yaml_files import from_spec
from core.versions.build import build_version
from core.versions.promote import Bar, promote
from core.versions.refresh import refresh
from core.versions.refresh_cost import compare_refresh_cost
from core.versions.version import measure_size, read_live

BUILD, REFRESH, PROMOTE = ACTIONS = ("build", "refresh", "promote")
_COUNT = re.compile(r"[\d,]+")


@dataclass(frozen=True)
class VersionRequest:
    """action: of ACTIONS. system: spelling of the one to build. version: id of the one to promote, with the bar that it has to
    pass; anyway: also if it does not."""

    action: str
    system: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    bar: Bar = field(default_factory=Bar)
    anyway: bool = False

    def describe(self) -> str:
        """ "building the index of dense" """
        if self.action == BUILD:
            return f"building the index of {self.system['name']}"
        return "refreshing the index" if self.action == REFRESH else f"promoting {self.version}"


def do_version_request(request: VersionRequest, dataset: Dataset, resources: Resources) -> dict[str, Any]:
    """Does it; returns what the command line writes as JSON. Its progress says how long the step at work still takes."""
    resources = dataclasses.replace(resources, on_progress=add_time_left(resources.on_progress))
    if request.action == BUILD:
        version = build_version(dataset, from_spec(request.system), resources)
        live = read_live(dataset.name, resources.workspace).version
        size = measure_size(version, resources.workspace)
        return {**dataclasses.asdict(version), "bytes": size, "is_live": version.id == live}
    if request.action == REFRESH:
        refreshed = refresh(dataset, resources)
        return {**refreshed.to_json(), **compare_refresh_cost(refreshed, dataset, resources)}
    return promote(request.version, dataset, resources, bar=request.bar, anyway=request.anyway).to_json()


def add_time_left(send: ProgressCallback) -> ProgressCallback:
    """Passes events on with the seconds that their step still takes, from its pace since its first event: what came before
    that, such as loading a model, is not part of it."""
    begun: dict[str, tuple[float, float]] = {}  # step -> when its first event came, and how far it was then

    def pass_on(event: ProgressEvent) -> None:
        step, now = _COUNT.sub("", event.label), time.perf_counter()
        if step not in begun:
            begun.clear()
        started, done = begun.setdefault(step, (now, event.done))
        if event.seconds_left is None and event.done > done:
            left = (now - started) * (event.total - event.done) / (event.done - done)
            event = dataclasses.replace(event, seconds_left=left)
        send(event)

    return pass_on
