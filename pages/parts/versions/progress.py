"""Changing index versions: jobs that build, refresh and promote, what became of them, what broke off, quick switches."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.jobs.kinds import VERSIONS
from core.jobs.kinds.versions import make_version_job
from core.jobs.state import CANCELLED, DONE, FAILED, INTERRUPTED, Job, find_active, find_same, list_jobs
from core.records import decode
from core.systems.yaml_files import from_spec
from core.versions.request import BUILD, PROMOTE, REFRESH, VersionRequest
from core.versions.version import (
    REFRESHED,
    Version,
    discard_unfinished,
    is_building,
    list_unfinished,
    load_version,
    name_version,
    read_evaluation,
    read_live,
    remove_version,
    rollback,
)
from pages.shared.frame.follow_job import draw_progress
from pages.shared.frame.services import open_runner, open_workspace
from pages.shared.frame.text import escape_markdown

VERSION, PART = "version", "versions_part"  # what the page shows: keys of its widgets, and parameters of its link
NOW, ALL, ANOTHER, ASK = PARTS = ("Up to date?", "Versions", "Build another", "Ask it")
_TROUBLE = "_versions_trouble"  # why something could not be done
_STARTED = "_versions_job"  # the job that this browser started last
_TURNED = "_versions_turned"  # the build whose version this browser was led to


def begin_change(dataset: str, request: VersionRequest) -> None:
    """For a button's on_click: starts the job, or joins the same one if it runs already."""
    try:
        st.session_state[_STARTED] = open_runner().submit(make_version_job(dataset, request))
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)


def go_back(dataset: str, target: str) -> None:
    """For a button's on_click: back to the version that the button named, at once."""
    workspace = open_workspace()
    try:
        if read_live(dataset, workspace).previous[-1:] != (target,):
            st.session_state[_TROUBLE] = "The live version was changed meanwhile, so nothing was done. Look again below."
            return
        rollback(dataset, workspace)
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)
        return
    _forget_outcome()
    st.toast(f"{escape_markdown(target)} answers again.", icon=":material/undo:")


def remove(dataset: str, version_id: str) -> None:
    """For a button's on_click: deletes a version that is not live."""
    try:
        remove_version(version_id, dataset, open_workspace())
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)
        return
    _forget_outcome()
    st.toast(f"{escape_markdown(version_id)} is removed.")


def discard(dataset: str, version_id: str) -> None:
    """For a button's on_click: deletes what a build that broke off has left."""
    try:
        discard_unfinished(version_id, dataset, open_workspace())
    except LadderError as error:
        st.session_state[_TROUBLE] = str(error)


def turn_to(version_id: str) -> None:
    """Shows a version; before its widgets are drawn."""
    st.session_state[VERSION], st.session_state[PART] = version_id, ALL


def show_trouble() -> None:
    """Why what was just asked for could not be done, once."""
    if st.session_state.get(_TROUBLE):
        st.error(escape_markdown(st.session_state.pop(_TROUBLE)))


def is_running(dataset: str, request: VersionRequest) -> bool:
    """Whether just this is being done, or waits."""
    return find_same(make_version_job(dataset, request), open_workspace()) is not None


def find_last(dataset: str) -> Job | None:
    """The newest job on the dataset's versions, whatever became of it."""
    return next((job for job in list_jobs(open_workspace()) if job.kind == VERSIONS and job.dataset == dataset), None)


def _forget_outcome() -> None:
    """What a job said of the live version no longer holds."""
    st.session_state.pop(_STARTED, None)


def follow_change(dataset: Dataset) -> None:
    """When the build that this browser started is done, shows its version, once."""
    job_id = st.session_state.get(_STARTED)
    last = find_last(dataset.name)
    if last is None or last.id != job_id or last.state != DONE or st.session_state.get(_TURNED) == job_id:
        return
    st.session_state[_TURNED] = job_id
    request = decode(last.options, VersionRequest)
    if request.action == BUILD:
        turn_to(_name_built(request, dataset))


def _name_built(request: VersionRequest, dataset: Dataset) -> str:
    return name_version(from_spec(request.system), dataset.corpus_fingerprint)


def show_running(dataset: Dataset) -> None:
    """What is done to the dataset's versions now, once a second; else what became of the last."""
    active = [job for job in find_active(open_workspace()) if job.kind == VERSIONS and job.dataset == dataset.name]
    for job in active:
        with st.container(border=True):
            st.markdown(f"**{escape_markdown(describe_request(job))}**")
            st.fragment(draw_progress, run_every=1.0)(
                job.id,
                key="versions_cancel",
                help="Stops after the current batch; what was embedded is kept, and the live version goes on answering.",
            )
    if not active:
        _show_ended(dataset)


def describe_request(job: Job) -> str:
    """ "Building the index of dense" """
    words = decode(job.options, VersionRequest).describe()
    return words[:1].upper() + words[1:]


def _show_ended(dataset: Dataset) -> None:
    last = find_last(dataset.name)
    if last is None:
        return
    what = escape_markdown(describe_request(last))
    if last.state == FAILED:
        st.error(f"{what} failed. {escape_markdown(last.error or '')}")
    elif last.state == CANCELLED:
        st.info(f"{what} was cancelled. What was embedded is kept; nothing else changed.")
    elif last.state == INTERRUPTED:
        st.warning(f"{what} was interrupted: its process ended. What was embedded is kept; start it again, and it goes on.")
    elif last.state == DONE and last.id == st.session_state.get(_STARTED):
        good, words = _describe_outcome(decode(last.options, VersionRequest), dataset)
        if words:
            (st.success if good else st.warning)(escape_markdown(words))


def _describe_outcome(request: VersionRequest, dataset: Dataset) -> tuple[bool, str]:
    """Whether a finished job came out as it was wished, and a sentence, as things stand on disk now."""
    workspace = open_workspace()
    live = read_live(dataset.name, workspace)
    if request.action == REFRESH:
        entry = live.log[-1] if live.log else {}
        if entry.get("what") == REFRESHED and entry["version"] == live.version:
            return True, f"Refreshed: {entry['note']}. {live.version} answers now."
        return True, f"Nothing had changed; {live.version} is up to date."
    version_id = request.version if request.action == PROMOTE else _name_built(request, dataset)
    try:
        version = load_version(version_id, dataset.name, workspace)
    except LadderError:  # removed since, or built over documents that changed since
        return True, ""
    if request.action == BUILD:
        if version_id == live.version:
            return True, f"{version_id} is built, and it is the live one."
        return True, f"{version_id} is built. It answers once it is promoted, below."
    told = read_evaluation(version, workspace) or {"passed": False, "sentence": "It was not measured."}
    if version_id == live.version:
        return True, f"{version_id} is live now{'' if told['passed'] else ', without passing'}."
    return False, f"{version_id} is not live. {told['sentence']}"


def show_unfinished(dataset: Dataset) -> None:
    """Builds that broke off: go on, or discard."""
    workspace = open_workspace()
    if any(job.kind == VERSIONS and job.dataset == dataset.name for job in find_active(workspace)):
        return  # it may be the one that is at work now
    for version in list_unfinished(dataset.name, workspace):
        with st.container(border=True):
            begun = version.created[:16].replace("T", " ")
            what = "refresh to" if version.parent else "build of"
            st.markdown(f"**Unfinished {what} {escape_markdown(version.id)}**, begun {begun} UTC. What was embedded is kept.")
            if is_building(version.id, dataset.name, workspace):
                st.caption("Another process is at work on it.")
                continue
            request = _make_request(version, dataset)
            if request is None:
                st.caption("The documents or the model changed since, so that it cannot go on. Discard it and start again.")
            with st.container(horizontal=True):
                if request is not None:
                    st.button(
                        "Resume",
                        key=f"versions_resume_{version.id}",
                        type="primary",
                        icon=":material/play_arrow:",
                        on_click=begin_change,
                        args=(dataset.name, request),
                    )
                st.button(
                    "Discard",
                    key=f"versions_discard_{version.id}",
                    on_click=discard,
                    args=(dataset.name, version.id),
                    help="Deletes its files. Texts that it embedded stay in the cache.",
                )


def _make_request(version: Version, dataset: Dataset) -> VersionRequest | None:
    """What goes on with an unfinished version; None if the same can no longer come of it."""
    try:
        same = name_version(version.read_system(), dataset.corpus_fingerprint) == version.id
    except LadderError:
        return None
    if not same:
        return None
    if version.parent and version.parent == read_live(dataset.name, open_workspace()).version:
        return VersionRequest(REFRESH)
    return VersionRequest(BUILD, system=version.system)
