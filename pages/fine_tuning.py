"""Fine-tuning: what could be trained on this data, and what was it worth?"""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.systems.trained import TrainedModel, list_models
from pages.parts.fine_tuning.form import show_training
from pages.parts.fine_tuning.model import list_labels, show_model
from pages.parts.fine_tuning.progress import MODEL, PART, follow_training, offer_trained, show_training_job, show_unfinished
from pages.shared.forms.choose import choose_part, read_choice, select_choice
from pages.shared.frame.links import Link, go
from pages.shared.frame.page import page_setup
from pages.shared.frame.services import open_dataset, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown

PARTS = ("Models", "Train")


def describe_place(view: View) -> str:
    """The line under the title."""
    if not view.dataset_name:
        return "No dataset is loaded yet."
    return f"Dataset {view.dataset_name}. Trained on tuning queries alone, measured on queries that the training never saw."


def choose_model(models: list[TrainedModel]) -> TrainedModel:
    """The model of the link, else the newest."""
    known = {model.id: model for model in models}
    missing = "This model is not here: {}. Choose one below; what is shown is another one."
    read_choice(MODEL, known, default=models[0].id, missing=missing)
    labels = list_labels(models)
    return known[select_choice("Model", list(known), name=MODEL, spell=lambda name: labels.get(name, name))]


def show_parts(dataset: Dataset) -> None:
    """The models that were trained here, or the form that trains another."""
    models = list_models(open_workspace(), dataset=dataset.name)
    part = choose_part(PART, PARTS, default="Models" if models else "Train")
    if part == "Train":
        offer_trained(dataset.name)
        show_training(dataset)
    elif models:
        show_model(choose_model(models), dataset)
    else:
        st.info("No model was trained on this dataset yet. A query adapter takes seconds; begin with it.")


def main() -> None:
    """The page: a training that runs, then models or the form."""
    view = page_setup("Fine-tuning", looking_at=describe_place)
    if not view.dataset_name:
        st.info("Nothing is loaded yet. Load a corpus with labelled queries to see what training could learn from them.")
        if st.button("Load data", type="primary"):
            go(Link("data"))
        return
    dataset = open_dataset(view.dataset_name)
    follow_training(dataset.name)
    show_training_job(dataset.name)
    show_unfinished(dataset)
    show_parts(dataset)


try:
    main()
except LadderError as error:
    st.error(escape_markdown(error))
