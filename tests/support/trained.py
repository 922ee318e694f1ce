"""A trained model on the dataset of tests.support.assessments, so small that it takes seconds; for tests of pages."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from core.data.catalog import open_dataset
from core.data.dataset import Dataset
from core.jobs.kinds.train import make_training_job
from core.jobs.runner import run_here
from core.systems.trained import ADAPTER, TrainedModel, load_model
from core.training.request import TrainingRequest, make_plan
from core.workspace import Workspace
from tests.support.assessments import AxisModels, write_labelled_dataset

DATASET = "labelled"
REQUEST = TrainingRequest(make_plan(ADAPTER), learning_curve=True, folds=2)


def make_trained(workspace: Path) -> tuple[Dataset, TrainedModel]:
    """The dataset "labelled" and a query adapter trained on it as REQUEST says, with all that is measured of it, in the
    workspace as if uploaded and run there. Trained once a session, then copied.
    """
    made, model_id = _train()
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    store = Workspace(workspace)
    return open_dataset(DATASET, store), load_model(model_id, store)


@functools.cache
def _train() -> tuple[Path, str]:
    """(workspace folder, id of the model). The folder is everybody's: copy it, never write to it."""
    folder = Path(tempfile.mkdtemp(prefix="ladder-trained-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = Workspace(folder)
    write_labelled_dataset(folder / "datasets" / DATASET)
    result = run_here(make_training_job(DATASET, REQUEST), open_dataset(DATASET, store), workspace=store, models=AxisModels())
    return folder, result.model.id
