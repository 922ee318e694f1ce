"""The workspace: how large it is, what is damaged or was left behind in it, and mending that."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.doctor.examine import Examination, examine, mend
from core.doctor.finding import ACT_WORDS, ASIDE, DROP_ROWS, SET_ASIDE, Finding
from core.text.phrases import count_of
from pages.parts.experiment.history import describe_bytes
from pages.shared.frame.services import open_workspace
from pages.shared.frame.text import escape_markdown

_FOUND, _DONE = "_workspace_found", "_workspace_done"
_SHOWN = 8  # sentences on what was done
_WIDTHS = {"Kind": 85, "File or folder": 235, "What": 260, "Mending": 275}  # pixels
_MENDING = {SET_ASIDE: "set aside", DROP_ROWS: "rows dropped"}  # as ACT_WORDS, shorter: a cell shows one line


def show_workspace() -> None:
    """The part "Workspace" of the page: looks on request, since every file is read."""
    st.markdown(
        "Looks at all that is kept: how much room each kind takes, what is damaged, what an ended process has left behind, "
        "what was set aside. Documents and queries are looked at when they are opened. Nothing is changed before you say so."
    )
    done = st.session_state.pop(_DONE, ())
    if done:
        rest = [f"… and {len(done) - _SHOWN} more"] if len(done) > _SHOWN else []
        st.success("\n".join(f"- {escape_markdown(sentence)}" for sentence in (*done[:_SHOWN], *rest)))
    if st.button("Check the workspace", type="primary", key="workspace_check"):
        with st.spinner("Reading every file…"):
            st.session_state[_FOUND] = examine(open_workspace())
    found: Examination | None = st.session_state.get(_FOUND)
    if found is not None:
        _show_findings(found)
        _show_sizes(found)
    st.caption(escape_markdown(f"{open_workspace().folder} · the same on the command line: python -m core doctor"))


def _show_findings(found: Examination) -> None:
    for note in found.notes:
        st.info(escape_markdown(note))
    if found.is_healthy:
        st.success("Nothing is wrong with this workspace.")
    if not found.findings:
        return
    st.subheader(count_of(len(found.troubles), "finding") if found.troubles else "Not used")
    rows = [
        {
            "Kind": finding.kind,
            "File or folder": finding.path,
            "What": finding.what,
            "Mending": _MENDING.get(finding.act, ACT_WORDS[finding.act]) + (f"; {finding.cure}" if finding.cure else ""),
            "Frees": finding.bytes,
        }
        for finding in found.findings
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) < 10 else 388,
        column_config={
            **{name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()},
            "Frees": st.column_config.NumberColumn(format="bytes", width=80),
        },
        alt=f"What was found in the workspace: {len(rows)} rows",
    )
    if any(finding.kind == ASIDE for finding in found.findings):
        st.caption("What was set aside is kept so that you can look at it; mending removes it.")
    chosen: tuple[Finding, ...] = ()
    with st.container(horizontal=True):
        if _offer(
            found.troubles,
            "Mend",
            f"What was left behind or set aside is removed ({_describe_freed(found.troubles)}), what is damaged is set "
            "aside in the folder damaged/ and made again where that is possible. What a running job uses stays.",
            button="Mend it",
            key="workspace_mend",
            icon=":material/healing:",
        ):
            chosen = found.troubles
        if _offer(
            found.unused,
            "Remove what is not used",
            f"{_describe_freed(found.unused)} were made for data that no dataset, experiment or version has any more, "
            "or by models that no system names. If these come back, it all has to be made again, which may take hours.",
            button="Remove it",
            key="workspace_remove",
            icon=":material/delete:",
        ):
            chosen = found.unused
    if chosen:
        _mend(chosen)


def _offer(findings: tuple[Finding, ...], label: str, words: str, *, button: str, key: str, icon: str) -> bool:
    """A button that says what would happen, and asks once more; nothing where there is nothing to do."""
    if not findings:
        return False
    with st.popover(label, icon=icon):
        st.markdown(words)
        return st.button(button, type="primary", key=key)


def _describe_freed(findings: tuple[Finding, ...]) -> str:
    return describe_bytes(sum(finding.bytes for finding in findings))


def _mend(findings: tuple[Finding, ...]) -> None:
    """Mends under a bar, and looks again."""
    bar = st.progress(0.0, "Mending…")

    def show(done: int, path: str) -> None:
        bar.progress(done / len(findings), escape_markdown(f"{done + 1} of {len(findings)}: {path}"))

    done = mend(findings, open_workspace(), on_progress=show)
    st.session_state[_DONE] = done or ("Nothing was left to mend.",)
    st.toast(f"{len(done)} of {len(findings)} mended.", icon=":material/healing:")
    bar.progress(1.0, "Reading every file again…")
    st.session_state[_FOUND] = examine(open_workspace())
    st.rerun()


def _show_sizes(found: Examination) -> None:
    st.subheader("Room on the disk")
    rows = [{"Kind": kind, "Size": size} for kind, size in found.sizes.items()]
    st.dataframe(
        pd.DataFrame(rows, columns=["Kind", "Size"]),
        hide_index=True,
        height="content",
        column_config={"Size": st.column_config.NumberColumn(format="bytes")},
        alt=f"Room that each kind of file takes: {len(rows)} rows",
    )
