"""A trained model on the dataset of tests.support.assessments, so small that it takes seconds; for tests of pages."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.jobs.kinds.train import make_training_job
from core.jobs.runner import run_here
from core.systems.trained import ADAPTER, TrainedModel, load_model
from core.training.request import TrainingRequest, make_plan
from core.workspace import Workspace
from tests.support.assessments import DATASET, AxisModels, write_labelled_dataset
from tests.support.once import make_once

REQUEST = TrainingRequest(make_plan(ADAPTER), learning_curve=True, folds=2)


def make_trained(workspace: Path) -> tuple[Dataset, TrainedModel]:
    """The dataset "labelled" and a query adapter trained on it as REQUEST says, with all that is measured of it, in the
    workspace as if uploaded and run there. Trained once a run, then copied.
    """
    made, model_id = make_once(_train)
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    store = Workspace(workspace)
    return open_dataset(DATASET, store), load_model(model_id, store)


def _train(workspace: Path) -> str:
    """The id of the model."""
    store = Workspace(workspace)
    write_labelled_dataset(store.datasets / DATASET)
    result = run_here(make_training_job(DATASET, REQUEST), open_dataset(DATASET, store), workspace=store, models=AxisModels())
    return result.model.id
