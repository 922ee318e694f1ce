"""What every page test shares: a quiet app and empty caches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def quiet_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test opens its own workspace, loads no model and starts no sample run."""
    monkeypatch.setattr("pages.shared.frame.page.start_background", lambda: True)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield
    st.cache_resource.clear()
    st.cache_data.clear()
