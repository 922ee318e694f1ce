"""Following a training: its loss curve while it runs, what became of it, and going on with one that broke off."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError, NotInWorkspace
from core.jobs.kinds import TRAIN
from core.jobs.kinds.train import make_training_job
from core.jobs.state import CANCELLED, DONE, FAILED, INTERRUPTED, Job, find_active, list_jobs, read_job
from core.records import decode
from core.systems.trained import KIND_WORDS, TrainedModel, list_models, remove_model
from core.training.request import TrainingPlan, TrainingRequest
from pages.parts.fine_tuning.charts import draw_loss
from pages.shared.frame.follow_job import describe_job, draw_cancel
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown
from pages.shared.show.charts import CONFIG

TROUBLE = "_training_trouble"  # why it could not be started
TRAINING = "_training"  # the job that this browser started and whose model it waits for
MODEL, PART = "model", "tuning_part"  # what the page shows: keys of its widgets, and parameters of its link


def start_training(dataset: str, request: TrainingRequest) -> None:
    """Starts the training, or joins the same one if it runs already, and draws the page anew."""
    st.session_state[TRAINING] = open_runner().submit(make_training_job(dataset, request))
    st.rerun()


def begin_training(dataset: str, request: TrainingRequest) -> None:
    """start_training() for a button's on_click: the run that follows shows the job, and no further rerun is asked for, which
    would be lost if another job ends in the same moment."""
    try:
        st.session_state[TRAINING] = open_runner().submit(make_training_job(dataset, request))
    except LadderError as error:
        st.session_state[TROUBLE] = str(error)


def find_training(dataset: str) -> Job | None:
    """The training of this dataset that runs or waits, or None."""
    return next((job for job in find_active(open_workspace()) if job.kind == TRAIN and job.dataset == dataset), None)


def follow_training(dataset: str) -> None:
    """When the training that this browser started is done, shows its model."""
    job_id = st.session_state.get(TRAINING)
    if not job_id:
        return
    try:
        job = read_job(job_id, open_workspace())
    except NotInWorkspace:
        st.session_state.pop(TRAINING, None)
        return
    if job.state == DONE and job.dataset == dataset:
        del st.session_state[TRAINING]
        model = _find_model(job)
        if model is not None:
            _turn_to(model.id)
        st.rerun()


def _find_model(job: Job, *, unfinished: bool = False) -> TrainedModel | None:
    """The model of a training job: the newest of its plan and examples, None if there is none."""
    models = list_models(open_workspace(), dataset=job.dataset, unfinished=unfinished)
    return next((model for model in models if _is_model_of(model, job)), None)


def _is_model_of(model: TrainedModel, job: Job) -> bool:
    return model.plan == job.options.get("plan") and str(model.data.get("file", "")) == job.options.get("examples", "")


def show_training_job(dataset: str) -> None:
    """The running training with its loss curve, once a second; else what became of the last one if it ended badly."""
    job = find_training(dataset)
    if job is None:
        _show_ended(dataset)
        return
    with st.container(border=True):
        st.markdown(f"**{escape_markdown(job.title)}**")
        st.fragment(_draw, run_every=1.0)(job.id)


def _draw(job_id: str) -> None:
    try:
        job = read_job(job_id, open_workspace())
    except NotInWorkspace:
        return
    st.progress(job.progress, text=escape_markdown(describe_job(job)))
    draw_cancel(job, key="cancel_training", help="Stops at the next step; the last checkpoint is kept.")
    current = _find_model(job, unfinished=True)
    if job.is_active and current is not None and len(current.curve) > 1:
        st.plotly_chart(draw_loss(current), key=f"live_loss_{job_id}", alt="Loss so far, step by step.", config=CONFIG)


def _find_last(dataset: str) -> Job | None:
    return next((job for job in list_jobs(open_workspace()) if job.kind == TRAIN and job.dataset == dataset), None)


def _show_ended(dataset: str) -> None:
    last = _find_last(dataset)
    if last is None:
        return
    if last.state == FAILED:
        st.error(f"The last training failed. {escape_markdown(last.error or '')}")
    elif last.state == CANCELLED:
        st.info("The last training was cancelled. What was finished is kept.")
    elif last.state == INTERRUPTED:
        st.warning("The last training was interrupted: its process ended. What was finished is kept.")


def offer_trained(dataset: str) -> None:
    """Beside the form, the way to what the last training made: for a browser that did not start it, or was opened anew."""
    last = _find_last(dataset)
    model = _find_model(last) if last is not None and last.state == DONE else None
    if model is None:
        return
    st.success(f"The last training is done: {KIND_WORDS[model.kind]}, {model.created[:16].replace('T', ' ')} UTC.")
    st.button("See the model", key="see_trained", on_click=_turn_to, args=(model.id,))


def _turn_to(model_id: str) -> None:
    st.session_state[MODEL], st.session_state[PART] = model_id, "Models"


def show_unfinished(dataset: Dataset) -> None:
    """Trainings that broke off: go on from the last checkpoint, or discard."""
    if find_training(dataset.name) is not None:
        return
    workspace = open_workspace()
    for model in list_models(workspace, dataset=dataset.name, unfinished=True):
        with st.container(border=True):
            st.markdown(
                f"**Unfinished: {KIND_WORDS[model.kind]}**, begun {model.created[:16].replace('T', ' ')} UTC. {_reach(model)}"
            )
            changed = model.fingerprint != dataset.fingerprint
            if changed:
                st.caption("The dataset changed since, so that it cannot go on. Discard it and train again.")
            with st.container(horizontal=True):
                if not changed and st.button("Resume", key=f"resume_{model.id}", type="primary", icon=":material/play_arrow:"):
                    resume(model)
                if st.button("Discard", key=f"discard_{model.id}", help="Deletes its checkpoints."):
                    remove_model(model.id, workspace)
                    st.rerun()


def _reach(model: TrainedModel) -> str:
    epochs = int(max((point["epoch"] for point in model.curve), default=0))
    if not epochs:
        return "No epoch was finished; it begins anew."
    return f"Epoch {epochs} of {model.plan['epochs']} was finished; it goes on from there."


def resume(model: TrainedModel) -> None:
    """The same request again: it finds its checkpoint. An upload is read again from where it was kept."""
    jobs = (job for job in list_jobs(open_workspace()) if job.kind == TRAIN and job.dataset == model.dataset)
    asked = next((job.options for job in jobs if _is_model_of(model, job)), None)
    try:
        if asked is not None:
            request = decode(asked, TrainingRequest)
        else:  # its job was forgotten long ago
            request = TrainingRequest(TrainingPlan(**model.plan), examples=str(model.data.get("file", "")))
        start_training(model.dataset, request)
    except LadderError as error:
        st.error(escape_markdown(error))
