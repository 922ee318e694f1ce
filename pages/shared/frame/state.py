"""What the pages look at: the chosen dataset, experiment, split and measure, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.data.catalog import CatalogEntry, list_datasets
from core.errors import InputError, LadderError, NotInWorkspace
from core.evaluation.measures import PRIMARY
from core.experiment.history import HistoryEntry, list_experiments
from core.experiment.result import Experiment
from core.recommendation.assess import Assessment
from core.recommendation.files import find_assessments, has_assessment
from core.systems.available import list_available
from core.systems.named import make_named_systems
from core.systems.system import System
from pages.shared.frame.services import open_dataset, open_experiment, open_kept_assessment, open_workspace
from pages.shared.frame.text import escape_markdown


def open_assessment(view: View) -> Assessment | None:
    """The recommendation to show: that of the chosen experiment, else the dataset's newest; None if there is none yet."""
    workspace = open_workspace()
    chosen = view.experiment.id if view.experiment is not None else ""
    if not chosen or not has_assessment(chosen, workspace):
        chosen = next(iter(find_assessments(view.dataset_name, workspace)), "")
    return open_kept_assessment(chosen) if chosen else None


@dataclass(frozen=True)
class View:
    """What the sidebar's choices come to.

    dataset_name: "" if nothing is loaded. experiment: None if there is none yet. split: "all", "test" or "tuning".
    measure: a measure's name. unknown: names in the link that are not here, as {"experiment": id}.
    """

    dataset_name: str
    experiment: Experiment | None
    split: str
    measure: str
    unknown: dict[str, str]

    @property
    def query_ids(self) -> list[str]:
        """The experiment's queries that belong to the split, in the dataset's order."""
        if self.experiment is None:
            return []
        asked = self.experiment.query_ids
        if asked and self.split == self.experiment.split_used:
            return list(asked)
        queries = open_dataset(self.dataset_name).queries_of(self.experiment.split_used)
        if self.split != self.experiment.split_used:
            queries = queries[queries["split"] == self.split]
        return list(queries["query_id"])

    @property
    def per_query(self) -> pd.DataFrame:
        """The experiment's per-query values of the split; empty without an experiment."""
        if self.experiment is None:
            return pd.DataFrame(columns=["system", "query_id", "measure", "value"])
        frame = self.experiment.per_query
        return frame if self.split == self.experiment.split_used else frame[frame["query_id"].isin(self.query_ids)]

    @property
    def data_changed(self) -> bool:
        """True if the dataset is no longer what the experiment ran on."""
        if self.experiment is None:
            return False
        try:
            return open_dataset(self.dataset_name).fingerprint != self.experiment.dataset["fingerprint"]
        except InputError:
            return True


def list_choices() -> tuple[list[CatalogEntry], list[HistoryEntry]]:
    """Datasets and experiments to choose from."""
    workspace = open_workspace()
    return list_datasets(workspace), list_experiments(workspace)


def get_view() -> View:
    """The view of this page run; the sidebar computes it before the page is drawn."""
    view: View = st.session_state["_view"]
    return view


def make_view(dataset: str, experiment_id: str, split: str, measure: str, unknown: dict[str, str]) -> View:
    """The view of these choices; an experiment that is not here is put down as unknown."""
    experiment = None
    if experiment_id:
        try:
            experiment = open_experiment(experiment_id)
        except NotInWorkspace:
            unknown = {**unknown, "experiment": experiment_id}
    return View(dataset, experiment, split, measure or PRIMARY, unknown)


def list_known_systems(dataset: str) -> dict[str, System]:
    """All systems that can search a dataset; if the workspace's own cannot be read, says so and gives those of the product."""
    try:
        return list_available(open_workspace(), dataset=dataset)
    except LadderError as error:
        st.error(escape_markdown(error))
        return make_named_systems()
