"""Links between pages. A link is only built here; the sidebar and the pages read the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.shared.frame.page import list_pages

_SIDEBAR = ("dataset", "experiment", "split", "measure")


@dataclass(frozen=True)
class Link:
    """A page with its parameters; None leaves a parameter as it is. Parameter names are unique across pages."""

    page: str
    dataset: str | None = None
    experiment: str | None = None
    split: str | None = None
    measure: str | None = None
    query: str | None = None
    systems: tuple[str, ...] | None = None
    tuned: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """name -> value of every parameter that the link sets."""
        named = {
            "dataset": self.dataset,
            "experiment": self.experiment,
            "split": self.split,
            "measure": self.measure,
            "query": self.query,
            "systems": ",".join(self.systems) if self.systems else None,
            "tuned": self.tuned,
        }
        return {name: value for name, value in named.items() if value is not None}


def go(link: Link) -> None:
    """Switches to the link's page with its parameters; sidebar choices that it does not name stay as they are."""
    kept = {name: st.query_params[name] for name in _SIDEBAR if name in st.query_params}
    pages = {page.url_path: page for group in list_pages().values() for page in group}
    st.switch_page(pages[link.page], query_params={**kept, **link.parameters})
