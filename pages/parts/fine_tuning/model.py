"""A trained model: is it worth it, what would it cost, would more labels help, and which queries got worse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.errors import NotInWorkspace
from core.evaluation.verdicts import VERDICT_WORDS
from core.jobs.kinds import ASSESS
from core.jobs.kinds.assess import make_assessment_job
from core.jobs.kinds.train import TrainingResult
from core.jobs.state import find_active
from core.ladder.goals import Goals
from core.systems.trained import ADAPTER, EMBEDDING, KIND_WORDS, NOT_LEARNED, RERANKER, TrainedModel, remove_model
from core.systems.trained_systems import make_trained_systems
from core.text.phrases import count_of, describe_duration
from core.trained_model.evaluation_file import Evaluation, read_evaluation
from core.training.example_checks import Finding
from pages.parts.fine_tuning.charts import draw_comparisons, draw_learning_curve, draw_loss
from pages.parts.fine_tuning.form import show_findings
from pages.shared.forms.goals import ASSESSING
from pages.shared.frame.links import Link, go
from pages.shared.frame.services import open_experiment, open_runner, open_workspace
from pages.shared.frame.text import escape_markdown, shorten
from pages.shared.show.charts import CONFIG

_HEADLINES = {
    "better": "Worth it: this {kind} finds more than the best cheaper way",
    "better_but_small": "Better, but too little to matter",
    "no_useful_difference": "Not worth it: this {kind} makes no useful difference",
    "worse": "Not worth it: with this {kind} the search gets worse",
    "cannot_tell": "These queries cannot tell whether this {kind} helps",
}
_BETTER_UNTRAINED = "Better than the untrained model; not compared with cheaper ways"
_FIELDS = {ADAPTER: "dense.adapter", EMBEDDING: "dense.model", RERANKER: "rerank.model"}


def list_labels(models: Sequence[TrainedModel]) -> dict[str, str]:
    """What a model is called in the select box."""
    return {
        model.id: f"{KIND_WORDS[model.kind].capitalize()} · {model.created[:16].replace('T', ' ')} · {model.id}"
        for model in models
    }


def show_model(model: TrainedModel, dataset: Dataset) -> None:
    """The whole of what is known of a model, the answer above the fold."""
    told = read_evaluation(model, open_workspace())
    if model.fingerprint != dataset.fingerprint:
        st.warning("The dataset changed since this model was trained. What follows is of the earlier data; train it again.")
    rows = told.get("comparisons", [])
    if not rows:
        st.info(
            "This model was not compared on the test queries yet: its run broke off. Start the same training again; it goes on."
        )
    else:
        _show_verdict(model, rows)
    _show_actions(model, told, dataset)
    if told.get("adoption"):
        st.subheader("What it would cost", anchor=False)
        _show_costs(model, told["adoption"])
    left, right = st.columns(2)
    with left:
        _show_training(model)
    with right:
        _show_curve(model, told)
    if rows:
        _show_regressions(model, told, rows[0], dataset)
    _show_details(model)


def _show_verdict(model: TrainedModel, rows: Sequence[Mapping[str, Any]]) -> None:
    decisive = rows[-1]  # against the best cheap rung, where that was measured
    headline = _HEADLINES[decisive["verdict"]].format(kind=KIND_WORDS[model.kind])
    if decisive["verdict"] == "better" and decisive["against"] == "untrained":
        headline = _BETTER_UNTRAINED
    st.subheader(headline, anchor=False)
    for row in rows:
        st.markdown(escape_markdown(tell_row(row)))
    st.plotly_chart(draw_comparisons(rows), key="worth", alt=" ".join(tell_row(row) for row in rows), config=CONFIG)
    st.caption("Diamonds are the change on held-out queries with its 95 % interval; the grey band is too small to matter.")


def tell_row(row: Mapping[str, Any]) -> str:
    """One comparison in a sentence."""
    against = "the untrained model" if row["against"] == "untrained" else "the best cheap rung"
    return (
        f"Against {against}: {row['system']} {row['mean']:.3f}, {row['baseline']} {row['baseline_mean']:.3f} "
        f"({row['measure']}, {row['n']} held-out queries). {row['delta']:+z.3f}, {row['low']:+z.3f} to {row['high']:+z.3f}: "
        f"{VERDICT_WORDS[row['verdict']]}. {count_of(row['wins'], 'query')} better, {row['losses']} worse."
    )


def _show_actions(model: TrainedModel, told: Evaluation, dataset: Dataset) -> None:
    names = make_trained_systems([model])
    with st.container(horizontal=True):
        experiment = told.get("experiment")
        if (
            experiment
            and _is_here(experiment)
            and st.button("Open in Results", key="tuning_results", icon=":material/leaderboard:")
        ):
            go(Link("results", dataset=dataset.name, experiment=experiment, split="test", measure=told["measure"]))
        busy = any(job.kind == ASSESS and job.dataset == dataset.name for job in find_active(open_workspace()))
        if st.button(
            "Let it join the ladder",
            key="tuning_join",
            icon=":material/flag:",
            disabled=busy or model.fingerprint != dataset.fingerprint,
            help="Makes a recommendation with the trained models as ordinary rungs, on the split they were trained with.",
        ):
            open_recommendation(dataset)
        result = TrainingResult(model, told).to_json()
        st.download_button(
            "JSON", json.dumps(result, ensure_ascii=False, indent=2), file_name=f"{model.id}.json", icon=":material/download:"
        )
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown("Deletes the model and what was embedded by it. Experiments that used it keep their results.")
            if st.button("Delete this model", key=f"tuning_delete_{model.id}", type="primary"):
                remove_model(model.id, open_workspace())
                st.rerun()
    st.caption(
        escape_markdown(
            f"Systems that use it: {', '.join(names)}. Systems of your own name it as {_FIELDS[model.kind]}: {model.reference}."
        )
    )


def open_recommendation(dataset: Dataset) -> None:
    """Starts the ladder with the trained rungs and leads to its page."""
    st.session_state[ASSESSING] = open_runner().submit(make_assessment_job(dataset.name, Goals(with_training=True)))
    go(Link("recommendation", dataset=dataset.name))


def _is_here(experiment: str) -> bool:
    try:
        open_experiment(experiment)
    except NotInWorkspace:
        return False
    return True


def _show_costs(model: TrainedModel, adoption: Mapping[str, Any]) -> None:
    sentence = str(adoption["sentence"])
    st.markdown(escape_markdown(sentence[:1].upper() + sentence[1:] + "."))
    before, after = adoption.get("base_ms"), adoption.get("own_ms")
    if before is not None and after is not None:
        st.markdown(escape_markdown(f"Per query: {after:.0f} ms at the median on this machine; untrained {before:.0f} ms."))


def _show_training(model: TrainedModel) -> None:
    st.subheader("Training", anchor=False)
    counts = model.split
    st.markdown(
        escape_markdown(
            f"{count_of(model.data['queries'], 'query')} with {count_of(model.data['positives'], 'pair')} and "
            f"{count_of(model.data['negatives'], 'negative')}, {describe_duration(model.seconds)}; "
            f"{count_of(len(counts['validation']), 'other query')} stopped it."
        )
    )
    if not model.has_learned:
        st.info(NOT_LEARNED)
    if model.curve:
        alt = "Loss while learning and on the validation queries."
        st.plotly_chart(draw_loss(model), key="tuning_loss", alt=alt, config=CONFIG)


def _show_curve(model: TrainedModel, told: Mapping[str, Any]) -> None:
    st.subheader("Would more labels help?", anchor=False)
    curve = told.get("learning_curve")
    if curve is None and model.data["source"] != "labels":
        st.markdown("Not measured: this model learned from a table of examples, not from the labels.")
    elif curve is None:
        st.markdown(
            "Not measured. Tick the learning curve under Settings and start the same training again: it adds what is missing."
        )
    else:
        st.markdown(escape_markdown(curve["words"]))
        st.plotly_chart(draw_learning_curve(curve["points"]), key="tuning_curve", alt=curve["words"], config=CONFIG)
    folds = told.get("folds")
    if folds:
        change = f"{folds['delta']:+z.3f}, {folds['low']:+z.3f} to {folds['high']:+z.3f}"
        words = f"Cross-fitting over {folds['k']} folds, all {folds['n']} judged queries: {change}."
        st.caption(escape_markdown(f"{words} Exploratory: the folds share training data, so its error is above nominal."))


def _show_regressions(model: TrainedModel, told: Mapping[str, Any], row: Mapping[str, Any], dataset: Dataset) -> None:
    """The queries that got worse; a click opens both systems' hits side by side."""
    worse = told.get("regressions", [])
    st.subheader("Queries that got worse", anchor=False, help="Against the untrained model, on the held-out queries.")
    if not worse:
        st.markdown("None of the held-out queries got worse.")
        return
    st.markdown(f"{count_of(len(worse), 'query')} of {row['n']}. Click one to see both systems' hits side by side.")
    frame = pd.DataFrame(
        {
            "Query": [shorten(one["text"], width=160) for one in worse],
            "Before": [one["before"] for one in worse],
            "After": [one["after"] for one in worse],
            "Change": [one["delta"] for one in worse],
        }
    )
    key = f"tuning_worse_{model.id}"
    number = st.column_config.NumberColumn(format="%.3f", width="small")
    event = st.dataframe(
        frame,
        hide_index=True,
        height=38 + 35 * min(len(frame), 8),
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        column_config={"Before": number, "After": number, "Change": number},
        alt=f"{len(worse)} queries that got worse, the worst first.",
    )
    chosen = event["selection"]["rows"]
    if chosen and told.get("experiment") and _is_here(told["experiment"]):
        systems = (str(row["baseline"]), str(row["system"]))
        query = worse[chosen[0]]["query_id"]
        go(Link("queries", dataset=dataset.name, experiment=told["experiment"], split="test", query=query, systems=systems))


def _show_details(model: TrainedModel) -> None:
    with st.expander("How it was trained", icon=":material/receipt_long:"):
        plan = {name: value for name, value in model.plan.items() if value not in ("", 0, False)}
        st.markdown(
            escape_markdown(
                f"{model.id}: {KIND_WORDS[model.kind]} from {model.base} (revision {model.base_revision or 'unknown'}), "
                f"{model.created} UTC, on {model.metrics.get('device', 'cpu')}. "
                + ", ".join(f"{name} {value}" for name, value in plan.items())
                + "."
            )
        )
        show_findings([Finding(check["name"], check["level"], check["sentence"]) for check in model.data["checks"]])
