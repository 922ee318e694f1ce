"""Systems of one's own beside the recommendation: tuning scores as often as one likes, and checks on the test queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.dataset import Dataset
from core.data.split import keep_judged
from core.errors import InputError, LadderError
from core.evaluation.measures import MEASURES
from core.evaluation.verdicts import VERDICT_WORDS
from core.jobs.kinds import CHECK, SCORE
from core.jobs.kinds.check import make_check_job
from core.jobs.kinds.score import make_scores_job
from core.jobs.state import FAILED, Job, find_active, list_jobs
from core.recommendation.assess import Assessment
from core.recommendation.files import find_assessments
from core.recommendation.own_systems import (
    CHECKS_FILE,
    SCORES_FILE,
    Check,
    check_unchanged,
    get_recommended,
    identify,
    list_checks,
    read_scores,
)
from core.report.figures.ladder import SHAPES
from core.systems.available import list_own_systems, list_systems
from core.systems.system import System
from pages.shared.frame.address import follow_link, keep_in_link
from pages.shared.frame.follow_job import show_waiting
from pages.shared.frame.links import Link, go
from pages.shared.frame.outlook import describe_outlook, look_ahead
from pages.shared.frame.services import open_dataset, open_runner, open_workspace
from pages.shared.frame.state import View
from pages.shared.frame.text import escape_markdown, shorten

TITLE, ANCHOR = "Your own systems", "your-own-systems"
_KEY = "tuned"  # the select's, and its name in the link
_HELP = (
    "The tuning queries are for trying things out. The test queries stay closed while you do, so that they can still prove "
    "something afterwards."
)
_FOR_GOOD = (
    "A check cannot be deleted. The test queries have been looked at, and that cannot be undone: whoever drops the checks that "
    "showed nothing keeps the lucky ones, and chance then passes for proof. All checks count together; with each one a "
    "difference has to be clearer, for the earlier ones too."
)


def offer_scores(dataset: str, system: str, *, key: str) -> None:
    """A short link from a saved system to its tuning score, where the dataset has a recommendation to compare it with."""
    if not dataset or not find_assessments(dataset, open_workspace()):
        return
    words = "How it does on the tuning queries, beside the recommended system; the test queries stay closed."
    if st.button("See its tuning score", key=key, type="tertiary", icon=":material/arrow_forward:", help=words):
        go(Link("recommendation", dataset=dataset, tuned=system))


def point_to_checks() -> None:
    """At the top of the page, for someone who came to see the tuning score of a system: where it stands."""
    asked = follow_link(_KEY)
    if asked:
        name = escape_markdown(shorten(asked[-1], width=60))
        st.info(f"The tuning score of {name} stands at the end of this page: [{TITLE}](#{ANCHOR})")


def show_checks(view: View, assessment: Assessment) -> None:
    """The section: choose systems, score them on the tuning queries, check single ones on the test queries."""
    st.subheader(TITLE, anchor=ANCHOR, help=_HELP)
    split = assessment.split
    st.markdown(
        f"The recommended system was chosen on {split['tuning']} tuning queries and judged on {split['test']} test queries. "
        "Try others on the tuning queries, as often as you like."
    )
    try:
        dataset = open_dataset(view.dataset_name)
        known, own = list_systems(open_workspace()), list_own_systems(open_workspace())
        checks = _list_checks(assessment.id, _when(assessment, CHECKS_FILE))
    except LadderError as error:
        st.error(escape_markdown(error))
        return
    open_to_all = _is_unchanged(assessment, dataset)
    chosen = choose_systems(known, own)
    job = find_job(assessment)
    if chosen:
        scores = _read_scores(assessment.id, _when(assessment, SCORES_FILE), tuple(map(identify, chosen)), assessment, chosen)
        done = {check.key: check for check in checks}
        show_scores(scores, chosen, assessment, done)
        if open_to_all and job is None:
            ask_scores(scores, chosen, assessment, dataset)
            ask_checks(scores, chosen, assessment, done)
    elif not own:
        st.caption("You have none of your own yet: save one on the page Try, or copy and change one on the page Experiment.")
    if job is not None:
        show_waiting(job, [name for name in job.system_names if name not in job.ready])
    else:
        _show_failed(assessment)
    show_list(checks, known)


def _is_unchanged(assessment: Assessment, dataset: Dataset) -> bool:
    try:
        check_unchanged(assessment, dataset)
    except InputError as error:
        st.warning(escape_markdown(f"Nothing can be scored or checked: {error}."))
        return False
    return True


def _when(assessment: Assessment, name: str) -> int:
    """When a file of the assessment was last written; names its state for the caches."""
    file = Path(open_workspace().experiments / assessment.id / name)
    return file.stat().st_mtime_ns if file.exists() else 0


@st.cache_data(max_entries=16, show_spinner=False)
def _list_checks(assessment_id: str, written: int) -> list[Check]:
    return list_checks(assessment_id, open_workspace())


@st.cache_data(max_entries=32, show_spinner=False)
def _read_scores(
    assessment_id: str, written: int, keys: tuple[str, ...], _assessment: Assessment, _systems: Sequence[System]
) -> pd.DataFrame:
    return read_scores(_assessment, _systems, workspace=open_workspace()).assign(system_key=["", *keys])


@st.cache_resource(max_entries=4, show_spinner=False)
def _keep_judged(fingerprint: str, _dataset: Dataset) -> Dataset:
    return keep_judged(_dataset)


def choose_systems(known: Mapping[str, System], own: Mapping[str, System]) -> list[System]:
    """The systems to look at, from the link (?tuned=...) or the select; at first the user's own."""
    asked = follow_link(_KEY) or []
    unknown = [name for name in asked if name not in known]
    if unknown:
        st.warning(f"This system is not here: {escape_markdown(shorten(', '.join(unknown)))}. Choose from those below.")
    before = st.session_state.get(_KEY, list(own)[:8])
    wanted = [name for name in dict.fromkeys([*before, *asked]) if name in known]
    if st.session_state.get(_KEY) != wanted:
        st.session_state[_KEY] = wanted
    chosen = st.multiselect(
        "Systems to score on the tuning queries",
        [*own, *(name for name in known if name not in own)],
        key=_KEY,
        persist_state="session",
        select_all=False,
        placeholder="Choose systems",
        format_func=lambda name: f"{name} (yours)" if name in own else name,
        help="Yours first, then those that come with the product.",
    )
    keep_in_link(_KEY, chosen)
    return [known[name] for name in chosen]


def find_job(assessment: Assessment) -> Job | None:
    """The job that scores or checks for this assessment now."""
    return next((job for job in find_active(open_workspace()) if _is_for(job, assessment)), None)


def _is_for(job: Job, assessment: Assessment) -> bool:
    return job.kind in (SCORE, CHECK) and job.options.get("assessment") == assessment.id


def _show_failed(assessment: Assessment) -> None:
    """Why the newest of these jobs failed, if nothing was done since."""
    last = next(iter(list_jobs(open_workspace())), None)
    if last is not None and _is_for(last, assessment) and last.state == FAILED:
        st.error(escape_markdown(last.error or "The last run failed."))


def show_scores(scores: pd.DataFrame, chosen: Sequence[System], assessment: Assessment, done: Mapping[str, Check]) -> None:
    """The table of tuning scores, the recommended system first."""
    recommended = get_recommended(assessment)
    same = identify(recommended)

    def say(key: str) -> str:
        return "✓ checked" if key in done else "the recommended one" if key == same else "not checked"

    shown = scores[["system", "mean", "delta", "delta_low", "delta_high", "n"]].assign(
        test=["the recommended one", *map(say, scores["system_key"][1:])]
    )
    shown.loc[shown.index[0], ["delta", "delta_low", "delta_high"]] = np.nan  # it is what the others are compared with
    number, measure = st.column_config.NumberColumn, assessment.primary
    name = escape_markdown(recommended.name)
    interval = (
        f"95 % interval of the difference to {name}, query by query, wide enough for all systems at once. If it contains 0, "
        "the tuning queries cannot tell."
    )
    config: dict[str, Any] = {
        "system": st.column_config.TextColumn("System", pinned=True, help="The recommended system stands first."),
        "mean": number("Score", format="%.3f", help=_say_measure(measure, "tuning")),
        "delta": number("Difference", format="%+.3f", help=f"Score minus that of {name}, over the same queries."),
        "delta_low": number("Low", format="%+.3f", help=interval),
        "delta_high": number("High", format="%+.3f", help=interval),
        "n": number("n", format="%d", help="Tuning queries measured."),
        "test": st.column_config.TextColumn("On test", help="Whether it was checked on the test queries; see below."),
    }
    alt = f"Scores of {len(chosen)} systems and the recommended one on the tuning queries."
    st.dataframe(shown, column_config=config, hide_index=True, placeholder="–", alt=alt, key="tuning_scores")
    st.caption(
        f"Scores on tuning queries flatter what was chosen on them, and {name} was. Only the test queries can prove anything."
    )
    for system, error in zip(scores["system"], scores["error"], strict=True):
        if error:
            st.warning(f"No score: **{escape_markdown(shorten(system))}**. {escape_markdown(error)}")


def _say_measure(measure: str, split: str) -> str:
    return f"{escape_markdown(measure)} on the {split} queries: {MEASURES[measure].plain_name}."


def ask_scores(scores: pd.DataFrame, chosen: Sequence[System], assessment: Assessment, dataset: Dataset) -> None:
    """The button that scores what has no score yet, with the time that it will take."""
    missing = [system for system, mean in zip(chosen, scores["mean"][1:], strict=True) if pd.isna(mean)]
    if not missing:
        return
    wanted = {system.name: system for system in missing}

    def start() -> None:  # a callback runs before the page is drawn, so that the sidebar follows the job from the start
        open_runner().submit(make_scores_job(dataset.name, assessment.id, wanted))

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Score on the tuning queries", type="primary", key="score_on_tuning", on_click=start)
        try:
            ahead = look_ahead(_keep_judged(dataset.fingerprint, dataset), wanted, "all")
            st.caption(escape_markdown(describe_outlook(ahead)), width="content")
        except LadderError as error:
            st.caption(escape_markdown(error))


def ask_checks(scores: pd.DataFrame, chosen: Sequence[System], assessment: Assessment, done: Mapping[str, Check]) -> None:
    """A button for every system that has a score and no check, each with its warning before it opens the test queries."""
    closed = {*done, identify(get_recommended(assessment))}
    ready: dict[str, System] = {}
    for system, key, mean in zip(chosen, scores["system_key"][1:], scores["mean"][1:], strict=True):
        if key not in closed and not pd.isna(mean):
            ready.setdefault(key, system)
    if not ready:
        return

    def start(system: System) -> None:
        open_runner().submit(make_check_job(str(assessment.experiment.dataset["name"]), assessment.id, system))

    with st.container(horizontal=True, gap="small"):
        for key, system in ready.items():
            with st.popover(f"Check on test: {escape_markdown(shorten(system.name, width=40))}"):
                st.markdown(escape_markdown(warn(system.name, assessment, len(done))))
                for warning in assessment.split["warnings"]:
                    st.warning(escape_markdown(warning))
                name = f"check_on_test_{key[:16]}"
                st.button("Check on test", type="primary", key=name, on_click=start, args=(system,))


def warn(system: str, assessment: Assessment, count: int) -> str:
    """What a check costs. Plain text."""
    sofar = {0: "None was made so far.", 1: "One was made so far."}.get(count, f"{count} were made so far.")
    return (
        f"This compares {system} with {assessment.recommendation.system} on the {assessment.split['test']} test queries. Each "
        "look at them weakens what they can prove: with every check a difference has to be clearer to count, for the systems "
        f"checked before too. {sofar} The result is exploratory, it cannot be deleted, and the recommendation stays as it is."
    )


def show_list(checks: Sequence[Check], known: Mapping[str, System]) -> None:
    """All checks made so far, corrected for their number."""
    st.markdown(f"**{describe_count(len(checks))}**", help=_FOR_GOOD)
    if not checks:
        return
    number, text, first = st.column_config.NumberColumn, st.column_config.TextColumn, checks[0]
    name, measure = escape_markdown(first.recommended), str(first.comparison["measure"])
    interval = f"95 % interval of the difference to {name}, query by query, wide enough for all checks; the verdict reads it."
    config: dict[str, Any] = {
        "System": text(pinned=True, help="As it was when it was checked."),
        "Verdict": text(
            help=f"Compared with {name}, corrected for all checks. “Cannot tell” means that this many test queries are too few."
        ),
        "Score": number(format="%.3f", help=_say_measure(measure, "test")),
        "Difference": number(format="%+.3f", help=f"Score minus that of {name} ({first.recommended_mean:.3f}), same queries."),
        "Low": number(format="%+.3f", help=interval),
        "High": number(format="%+.3f", help=interval),
        "p": number(format="%.4f", help="How often chance alone gives such a difference, if this were the only check."),
        "p corrected": number(format="%.4f", help="The same for all checks together. It grows as more are made."),
        "Better / same / worse": text(help=f"Test queries on which it does better than {name}, the same, or worse."),
        "n": number(format="%d", help="Test queries measured."),
        "Detectable": number(format="%.3f", help="Smallest difference that so many queries and checks can usually show."),
        "Queries to settle": number(format="%d", help="Test queries at which the difference would be known closely enough."),
        "Checked": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }
    alt = f"{describe_count(len(checks))} Verdicts compared with {first.recommended}."
    st.dataframe(make_list(checks, known), column_config=config, hide_index=True, placeholder="–", alt=alt, key="checks")
    better = [check.system for check in checks if check.comparison["verdict"] == "better"]
    if better:
        names = escape_markdown(", ".join(shorten(one, width=40) for one in better))
        st.info(
            f"{names} did better here than {name}. That is a lead, not a verdict: confirm it on queries that nobody has looked "
            "at yet. The recommendation above stays as it was."
        )


def describe_count(count: int) -> str:
    """ "3 systems were checked on the test queries; exploratory." """
    if not count:
        return "No system was checked on the test queries yet."
    return f"{count} {'system was' if count == 1 else 'systems were'} checked on the test queries; exploratory."


def make_list(checks: Sequence[Check], known: Mapping[str, System]) -> pd.DataFrame:
    """The checks as a table to show, one row each, oldest first."""
    rows = []
    for check in checks:
        row, now = check.comparison, known.get(check.system)
        as_then = "" if now is not None and identify(now) == check.key else " (as it was then)"
        rows.append(
            {
                "System": f"{check.system}{as_then}",
                "Verdict": f"{SHAPES[row['verdict']]} {VERDICT_WORDS[row['verdict']]}",
                "Score": check.mean,
                "Difference": row["delta"],
                "Low": row["low"],
                "High": row["high"],
                "p": max(row["p_t"], row["p_randomization"]),
                "p corrected": row["p_adjusted"],
                "Better / same / worse": f"{row['wins']} / {row['ties']} / {row['losses']}",
                "n": row["n"],
                "Detectable": row["mde"],
                "Queries to settle": row["queries_needed"],
                "Checked": pd.Timestamp(check.checked),
            }
        )
    return pd.DataFrame(rows)
