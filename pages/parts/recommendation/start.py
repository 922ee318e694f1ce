"""Before there is a recommendation: what it will answer, what it needs, how long it takes; and while it is made."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.data.dataset import Dataset
from core.data.split import DEFAULT_SHARE, LEAST_TUNING
from core.data.write import qrels_template
from core.errors import LadderError
from core.jobs.kinds import ASSESS
from core.jobs.state import CANCELLED, FAILED, INTERRUPTED, Job, find_active, list_jobs
from core.ladder.choose import LEAST_TEST
from core.ladder.goals import Goals
from core.ladder.variants import list_embedding_systems
from core.recommendation.files import find_assessments, has_assessment
from core.records import decode
from core.schema import select_relevant
from pages.shared.forms.goals import ASSESSING, show_goals, start_assessment
from pages.shared.frame.follow_job import describe_seconds, draw_progress
from pages.shared.frame.links import Link, go
from pages.shared.frame.outlook import look_ahead
from pages.shared.frame.services import open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown

_REST = 30.0  # seconds of an assessment beside the encoding: many small runs, then the re-splits
_BUTTON = "Find out what to do first"
_ENOUGH = 2 * LEAST_TEST  # queries with a relevant label, of which half are left to test


@dataclass(frozen=True)
class Material:
    """What there is to decide by. judged: queries with a label; answerable: with a relevant one. tuning, test: about how many
    of the answerable ones choose and judge. given: the data came with this split."""

    queries: int
    judged: int
    answerable: int
    tuning: int
    test: int
    given: bool


def count_material(dataset: Dataset) -> Material:
    """Counts the queries, and how the split will divide those with a relevant label."""
    ids = set(dataset.queries["query_id"])
    judged = set(dataset.judgments["query_id"]) & ids
    relevant = select_relevant(dataset.judgments)
    answerable = set(relevant["query_id"]) & ids
    split = dict(zip(dataset.queries["query_id"], dataset.queries["split"], strict=True))
    given = any(split[query_id] for query_id in judged)
    if given:
        tuning = sum(split[query_id] == "tuning" for query_id in answerable)
        test = sum(split[query_id] == "test" for query_id in answerable)
    else:
        count = len(answerable)
        tuning = min(max(round(DEFAULT_SHARE * count), min(LEAST_TUNING, count)), count // 2)
        test = count - tuning
    return Material(len(ids), len(judged), len(answerable), tuning, test, given)


def follow_own_job() -> None:
    """When the assessment that this browser started is ready, makes it the one that is looked at."""
    job_id = st.session_state.get(ASSESSING)
    if job_id and has_assessment(job_id, open_workspace()):
        del st.session_state[ASSESSING]
        for name in ("split", "measure"):
            st.query_params.pop(name, None)
        st.query_params["experiment"] = job_id
        st.rerun()


def find_running(dataset: str) -> Job | None:
    """The assessment of this dataset that runs or waits, or None."""
    return next((job for job in find_active(open_workspace()) if job.kind == ASSESS and job.dataset == dataset), None)


def show_running(job: Job, *, renewing: bool) -> None:
    """Progress of an assessment, once a second; Results can be read meanwhile."""
    with st.container(border=True):
        told = "A new recommendation is being made; below is the last one." if renewing else "Finding out what to do first."
        st.markdown(f"**{told}** Every rung of the ladder is tried on the tuning queries, then judged once on the others.")
        follow = st.fragment(draw_progress, run_every=1.0)
        follow(job.id, key="cancel_assessment", help="Stops soon; what was computed is kept.")
        if not renewing and st.button("See Results meanwhile", key="see_results", icon=":material/leaderboard:"):
            go(Link("results", dataset=job.dataset))


def show_ended(dataset: str, *, after: str = "") -> None:
    """What became of the dataset's last assessment if it ended badly and nothing newer than `after` (an id) is there."""
    jobs = (job for job in list_jobs(open_workspace()) if job.kind == ASSESS and job.dataset == dataset)
    last = next(jobs, None)
    if last is None or last.id <= after or last.state not in (FAILED, INTERRUPTED, CANCELLED):
        return
    if last.state == FAILED:
        st.error(f"The last run failed. {escape_markdown(last.error or '')}")
    elif last.state == CANCELLED:
        st.info("The last run was cancelled. What was computed is kept: starting again goes on from there.")
    else:
        st.warning("The last run was interrupted: its process ended. Starting again goes on from what is kept.")
    if st.button("Start again", key="assess_again"):
        try:
            start_assessment(last.dataset, decode(last.options, Goals))
        except LadderError as error:
            st.error(escape_markdown(error))


def show_other(view: View, shown: str) -> None:
    """Says so if what is shown is not the chosen experiment's, or not the newest."""
    chosen = view.experiment.id if view.experiment is not None else ""
    newest = next(iter(find_assessments(view.dataset_name, open_workspace())), "")
    if chosen and chosen != shown:
        st.caption("The experiment chosen in the sidebar has no recommendation. This is the dataset's newest one.")
    elif newest > shown:
        st.info("There is a newer recommendation of this dataset.")
        if st.button("Show the newest", key="show_newest"):
            go(Link("recommendation", experiment=newest))


def show_empty(view: View, dataset: Dataset) -> None:
    """The page before the first assessment."""
    st.subheader("Which fix comes first, and is fine-tuning worth it?", anchor=False)
    st.markdown(
        "- Which way of searching to use, and for how many of your queries it finds the answer.\n"
        "- What each cheaper fix gains: other chunks, metadata filters, word matching, rewritten queries, a reranker.\n"
        "- Whether training a model is worth it, how sure all of this is, and what would change the answer."
    )
    material = count_material(dataset)
    ready = show_material(material, dataset)
    place = st.empty()
    if st.button(_BUTTON, type="primary", disabled=not ready, key="assess_start"):
        try:
            start_assessment(dataset.name, Goals())
        except LadderError as error:
            st.error(escape_markdown(error))
    busy = find_active(open_workspace())
    if ready and busy:
        st.caption("Another run is at work; this one starts when that is done.")
    if not ready:
        return
    show_goals(dataset, Goals(), button=_BUTTON)
    place.caption(_say_time(dataset))


def show_material(material: Material, dataset: Dataset) -> bool:
    """What the answer rests on, and the cure where it is too little; returns whether it can be tried at all."""
    if not material.queries:
        st.warning("This dataset has no queries. Add queries.jsonl with real queries, and labels that say what answers them.")
        _offer_data()
        return False
    if not material.judged:
        st.warning(
            f"None of the {material.queries} queries has a label, and without known answers nothing can be told apart. Name "
            f"the documents that answer them in qrels.tsv, or the passages under “evidence” in queries.jsonl, for at least "
            f"{_ENOUGH} queries."
        )
        with st.container(horizontal=True):
            st.download_button(
                "Template for qrels.tsv",
                qrels_template(dataset),
                file_name="qrels.tsv",
                mime="text/tab-separated-values",
                icon=":material/download:",
                help="One example line per query. Replace DOCUMENT_ID by a document that answers it; one line for each.",
            )
            _offer_data()
        return False
    how = "as the data divide them" if material.given else "drawn so that queries which say the same stay together"
    st.markdown(
        f"It needs queries with known answers: {material.answerable} of {material.queries} queries have one. "
        f"About {material.tuning} of them choose, the other {material.test} judge, {how}."
    )
    if material.test < LEAST_TEST:
        cure = "Move more queries to the test side" if material.given else f"Label at least {_ENOUGH} queries"
        st.warning(
            f"Only {material.test} queries are left to judge by; below {LEAST_TEST} nothing can be decided, and the answer "
            f"will be to label more. {cure} first: the real ones people typed, not invented ones."
        )
        _offer_data()
    return True


def _offer_data() -> None:
    if st.button("Open the page Data", key="assess_data", icon=":material/database:"):
        go(Link("data"))


def _say_time(dataset: Dataset) -> str:
    """How long it will take here; counting cuts the documents once."""
    systems = {system.name: system for system in list_embedding_systems()}
    try:
        plan = look_ahead(dataset, systems, "all").plan
    except LadderError as error:
        return escape_markdown(error)
    seconds = _REST + (plan.seconds if plan is not None else 0.0)
    texts = f"{plan.texts:,} texts to embed" if plan is not None and plan.texts else "nothing left to embed"
    return f"Takes about {describe_seconds(seconds)} on this machine ({texts}). You can read Results meanwhile."
