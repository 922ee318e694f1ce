"""Live search on a page: indexes that get warm in the background, answers that are kept, and what they have in common."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.data.dataset import Dataset
from core.errors import LadderError
from core.jobs.state import find_active
from core.live.search import LOADING_MODEL, LiveSearch
from core.live.typed_query import Answer
from core.live.warm import Background
from core.stages.fuse import WeightedFusion
from core.systems.system import System
from pages.shared.frame.follow_job import describe_job, describe_seconds
from pages.shared.frame.services import open_dataset, open_search, open_workspace
from pages.shared.frame.text import escape_html, escape_markdown, shorten, show_html
from pages.shared.show.cards import Hit

_guard = threading.Lock()
_SHORT_WAIT = 0.4  # seconds that a page waits for word matching, which is mostly ready by then
_NAMED = 3  # titles named in a sentence


@st.cache_resource(show_spinner=False)
def _open_all() -> dict[str, Background]:
    return {}


def open_live(dataset: Dataset) -> Background:
    """The warm indexes of a dataset; what was still being prepared of an older state of it is stopped."""
    known, search = _open_all(), open_search(dataset)
    with _guard:  # two sessions that come at once are to share it
        previous = known.get(dataset.name)
        if previous is not None and previous.search is search:
            return previous
        if previous is not None:
            previous.cancel()
        known[dataset.name] = Background(search)
        return known[dataset.name]


def describe_corpus() -> str:
    """The line under the title: what is searched."""
    view = st.session_state.get("_view")
    if view is None or not view.dataset_name:
        return "No dataset is loaded yet."
    try:
        count = len(open_dataset(view.dataset_name).indexed_documents)
    except LadderError:
        return f"Dataset {view.dataset_name}."
    return f"Searching the {count:,} documents of {view.dataset_name}. No labels are needed here."


def adjust(
    system: System,
    *,
    dense_share: float | None = None,
    fuse_depth: int | None = None,
    rerank_depth: int | None = None,
    filtered: bool = False,
) -> System:
    """The system with these settings where it has them; None leaves a setting as it is."""
    fuse, rerank = system.fuse, system.rerank
    if dense_share is not None and isinstance(fuse, WeightedFusion):
        fuse = dataclasses.replace(fuse, dense_share=dense_share)
    if fuse_depth is not None and fuse is not None:
        fuse = dataclasses.replace(fuse, depth=fuse_depth)
    if rerank_depth is not None and rerank is not None:
        rerank = dataclasses.replace(rerank, depth=rerank_depth)
    return dataclasses.replace(system, fuse=fuse, rerank=rerank, filter=system.filter or filtered)


def describe_changes(before: System, after: System) -> str:
    """ "dense share 0.55, 30 reranked, filtered": how a system differs from the one of its name; "" if it does not."""
    changes = []
    if isinstance(after.fuse, WeightedFusion) and after.fuse.dense_share != before.fuse.dense_share:
        changes.append(f"dense share {after.fuse.dense_share:.2f}")
    if after.fuse is not None and after.fuse.depth != before.fuse.depth:
        changes.append(f"{after.fuse.depth} fused")
    if after.rerank is not None and after.rerank.depth != before.rerank.depth:
        changes.append(f"{after.rerank.depth} reranked")
    if after.filter and not before.filter:
        changes.append("filtered")
    return ", ".join(changes)


def get_ready(warm: Background, systems: Mapping[str, System]) -> dict[str, System]:
    """The systems that answer now; the others are being prepared in the background from here on."""
    warm.start(systems, busy=_describe_other_work)
    if any(system.dense is None for system in systems.values()) and not warm.search.is_ready(systems):
        warm.wait_for_words(_SHORT_WAIT)
    return warm.search.find_ready(systems)


def _describe_other_work() -> str | None:
    active = find_active(open_workspace())
    return describe_job(active[0]) if active else None


def show_preparing(warm: Background, systems: Mapping[str, System]) -> None:
    """What the systems that are not ready wait for, once a second; draws the page anew when one becomes ready."""
    state = _state_of(warm, systems)

    def draw() -> None:
        if _state_of(warm, systems) != state:
            st.rerun(scope="app")
        warm.start(systems, busy=_describe_other_work)
        for label, names in _group_waiting(warm, systems).items():
            event = warm.describe(systems[names[0]])
            left = f", {describe_seconds(event.seconds_left)} left" if event.seconds_left is not None else ""
            words = "loading the embedding model, a few seconds" if label == LOADING_MODEL else f"{label}{left}"
            st.progress(event.share, text=escape_markdown(f"{', '.join(shorten(n, width=30) for n in names)}: {words}"))

    ready, errors = state
    if len(ready) + len(errors) < len(systems):
        st.fragment(draw, run_every=1.0)()


def _state_of(warm: Background, systems: Mapping[str, System]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(warm.search.find_ready(systems)), tuple(warm.find_errors(systems))


def _group_waiting(warm: Background, systems: Mapping[str, System]) -> dict[str, list[str]]:
    ready, errors = _state_of(warm, systems)
    groups: dict[str, list[str]] = {}
    for name, system in systems.items():
        if name not in ready and name not in errors:
            groups.setdefault(warm.describe(system).label, []).append(name)
    return groups


@st.cache_resource(show_spinner=False, max_entries=64)
def _answer(key: str, _search: LiveSearch, _systems: Mapping[str, System]) -> dict[str, Answer]:
    texts, chosen, _, _ = json.loads(key)
    return _search.search(texts, _systems, filter=chosen)


def answer(
    warm: Background, texts: Sequence[str], systems: Mapping[str, System], chosen: Mapping[str, Any]
) -> dict[str, Answer]:
    """The systems' answers, kept so that opening a card or turning a page asks no system again."""
    specs = [system.to_spec() for system in systems.values()]
    key = json.dumps([list(texts), dict(chosen), warm.search.dataset.fingerprint, specs])
    answers = _answer(key, warm.search, systems)
    if any(one.error for one in answers.values()):
        _answer.clear(key, warm.search, systems)  # an endpoint may be back the next time
    return answers


def describe_common(hits: Mapping[str, Sequence[Hit]]) -> list[tuple[str, list[str]]]:
    """What the systems' hits have in common, in words: [(sentence start, titles), ...], as plain text."""
    found = {name: {hit.doc_id for hit in own} for name, own in hits.items() if own}
    if len(found) < 2:
        return []
    titles = {hit.doc_id: hit.title.strip() or hit.doc_id for own in hits.values() for hit in own}
    shared = set.intersection(*found.values())
    order = list(dict.fromkeys(hit.doc_id for own in hits.values() for hit in own))
    count = "both" if len(found) == 2 else f"all {len(found)}"
    if all(own == shared for own in found.values()):
        firsts = {own[0].doc_id for own in hits.values() if own}
        same_first = "with the same one first" if len(firsts) == 1 else "but not with the same one first"
        return [(f"The hits are the same in {count} systems, {same_first}.", [])]
    lines = [(f"In {count}:" if shared else f"No document is among the hits of {count}.", [d for d in order if d in shared])]
    for name, own in found.items():
        others = set[str]().union(*(other for key, other in found.items() if key != name))
        lines.append((f"Only {name}:", [doc for doc in order if doc in own - others]))
    return [(start, [titles[doc] for doc in docs]) for start, docs in lines if docs or not start.endswith(":")]


def show_common(hits: Mapping[str, Sequence[Hit]]) -> None:
    """Draws describe_common()."""
    rows = []
    for start, titles in describe_common(hits):
        named = " · ".join(escape_html(shorten(title, width=70)) for title in titles[:_NAMED])
        more = f" · and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
        rows.append(f"<div><strong>{escape_html(start)}</strong> {named}{more}</div>")
    if rows:
        show_html(f'<div style="font-size: 0.9rem; line-height: 1.6; overflow-wrap: anywhere">{"".join(rows)}</div>')


def list_examples(dataset: Dataset, *, count: int = 3) -> list[str]:
    """Queries to try: the dataset's own, short ones from all over it; titles of documents if it has none."""
    texts = dataset.queries["text"].tolist() or dataset.indexed_documents["title"].tolist()
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    step = max(1, len(texts) // count)
    groups = [texts[start : start + step] for start in range(0, step * count, step)]
    return [min(group, key=lambda text: abs(len(text) - 45)) for group in groups if group]


def find_labelled(dataset: Dataset, text: str) -> Any:
    """The dataset's query with this text as {query_id, filter}, or None; white space and case do not count."""
    wanted = " ".join(text.split()).casefold()
    for query_id, known, conditions in zip(
        dataset.queries["query_id"], dataset.queries["text"], dataset.queries["filter"], strict=True
    ):
        if " ".join(known.split()).casefold() == wanted:
            return {"query_id": query_id, "filter": dict(conditions or {})}
    return None
