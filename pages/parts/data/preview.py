"""What was understood of data, before it is loaded: how much, how it begins, in which languages, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.data.grades import spell_grade
from core.data.languages import describe_languages
from core.data.preview import FirstDocument, FirstLabel, FirstQuery, Preview
from pages.shared.frame.text import escape_html, escape_markdown, show_html

_NOTES = 4  # shown before the others go behind an expander
_STYLE = """<style>
.lad-first {border-left: 3px solid rgba(128, 128, 128, .35); padding: 0 0 0 .75rem; margin: 0 0 .75rem;
  overflow-wrap: anywhere; line-height: 1.5}
.lad-first small {opacity: .75}
</style>"""


def show_preview(preview: Preview) -> None:
    """All of it."""
    st.markdown(f"**Understood: {escape_markdown(preview.describe())}.**")
    if preview.languages:
        st.markdown(f"The documents are in {describe_languages(preview.dataset)}.")
    show_notes(preview.notes, "Left out or taken for granted")
    left, right = st.columns(2)
    with left:
        st.markdown("**First documents**")
        show_html(_STYLE + "".join(map(_draw_document, preview.documents)))
    with right:
        st.markdown("**First queries and their documents**")
        if preview.queries:
            show_html(_STYLE + "".join(map(_draw_query, preview.queries)))
        else:
            st.caption("There are none. They can be added later; without them nothing can be measured.")


def show_notes(notes: Sequence[str], title: str) -> None:
    """Sentences under a title, in full; where they are many, most of them behind an expander."""
    if not notes:
        return
    st.markdown(f"**{title}**")
    st.markdown(_list(notes[:_NOTES]))
    if len(notes) > _NOTES:
        with st.expander(f"{len(notes) - _NOTES} more"):
            st.markdown(_list(notes[_NOTES:]))


def _list(notes: Sequence[str]) -> str:
    return "\n".join(f"- {escape_markdown(note)}" for note in notes)


def _draw_document(document: FirstDocument) -> str:
    fields = " · ".join(f"{escape_html(name)}: {escape_html(value)}" for name, value in document.metadata)
    fields += f" · {document.more} more" if document.more else ""
    title = f"<b>{escape_html(document.title)}</b> " if document.title else ""
    begins = escape_html(document.beginning) or "<i>no text</i>"
    return (
        f'<div class="lad-first">{title}<small>{escape_html(document.doc_id)}</small><br>{begins}'
        + (f"<br><small>{fields}</small>" if fields else "")
        + "</div>"
    )


def _draw_query(query: FirstQuery) -> str:
    labels = "".join(f"<br><small>{_draw_label(label)}</small>" for label in query.labels)
    labels = labels or "<br><small>no judgment</small>"
    more = f"<br><small>{query.more:,} more</small>" if query.more else ""
    asked = f"<b>{escape_html(query.text)}</b> <small>{escape_html(query.query_id)}</small>"
    return f'<div class="lad-first">{asked}{labels}{more}</div>'


def _draw_label(label: FirstLabel) -> str:
    words = "✓ relevant" if label.relevant else "✗ not relevant"
    title = "not in the corpus" if label.title is None else label.title
    return f"{words} ({spell_grade(label.grade)}) · {escape_html(label.doc_id)} · {escape_html(title)}"
