"""Figures and sentences about index versions, and the list of facts that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.text.phrases import describe_duration
from core.versions.version import Version
from pages.shared.frame.text import escape_html, show_html

NEVER_MEASURED = "It was never measured on test queries."


def show_facts(facts: Mapping[str, str]) -> None:
    """Names and values side by side, as many in a row as there is room for."""
    cells = "".join(f"<div><dt>{escape_html(name)}</dt><dd>{escape_html(value)}</dd></div>" for name, value in facts.items())
    show_html(f'{_STYLE}<dl class="facts">{cells}</dl>')


def say_time(moment: str) -> str:
    """ "2026-01-31 10:20 UTC" of an ISO time."""
    return f"{moment[:16].replace('T', ' ')} UTC"


def say_size(size: float) -> str:
    """Bytes as "1.4 MB" or "46 kB"."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{max(size / 1e3, 1):.0f} kB"


def say_usd(amount: float) -> str:
    """Two digits of small amounts: "$12.50", "$0.012", "$0.00002"."""
    if amount >= 0.995:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 0.001 else "$" + f"{float(f'{amount:.2g}'):.6f}".rstrip("0").rstrip(".")


def say_seconds(seconds: float) -> str:
    """Two digits below ten seconds, else "12 s", "4 min"."""
    return f"{seconds:.2f} s" if seconds < 9.995 else describe_duration(seconds)


def say_evaluation(version: Version, told: Mapping[str, Any] | None) -> str:
    """What the test queries said of a version when that was last asked, in a sentence."""
    if told is not None:
        return str(told["sentence"])
    if version.parent:
        return f"Refreshed from {version.parent}: the system is the same, so it was not measured anew."
    return NEVER_MEASURED


def mark_evaluation(version: Version, told: Mapping[str, Any] | None) -> str:
    """The same in two words with a shape."""
    if told is None:
        return "= refreshed" if version.parent else "? not measured"
    if told["passed"]:
        return "✓ passes"
    return "? cannot tell" if str(told["sentence"]).startswith("Cannot tell") else "✗ does not pass"


# Only the text's own colour, so that both themes work.
_STYLE = """<style>
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.6rem 1.2rem; }
dl.facts { margin: 0 !important; padding: 0 !important; }  /* Streamlit's own rule for lists is more specific */
.facts dt { font-size: 0.8rem; opacity: 0.75; }
.facts dd { margin: 0; font-size: 0.95rem; overflow-wrap: anywhere; }
</style>"""
