"""The report as one HTML file that opens anywhere: nothing is fetched, and no text of the data is ever executed."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.metadata
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from core.data.dataset import Dataset
from core.errors import InputError
from core.recommendation.assess import Assessment
from core.report.outline import blocks
from core.report.outline.outline import make_outline
from core.text.acting_signs import spell_acting

_FOLDER = Path(__file__).resolve().parent
_PLOTLY = "plotly/package_data/plotly.min.js"
_WIDE = 5  # columns from which a table is scrolled on a narrow screen rather than squeezed
_KINDS = {"python": "text/x-python", "yaml": "application/yaml", "sh": "text/x-shellscript"}


def render_report(assessment: Assessment, dataset: Dataset) -> str:
    """The whole report as HTML. The same assessment gives the same bytes (on one machine, with the same packages).

    The page's own policy forbids it to fetch anything, and to run any script but the two that are written into it.
    """
    outline = make_outline(assessment, dataset)
    figures = [block.figure for section in outline.sections for block in section.blocks if isinstance(block, blocks.Chart)]
    scripts = [read_plotly(), (_FOLDER / "report.js").read_text(encoding="utf-8")]
    return _open_template().render(
        outline=outline,
        css=(_FOLDER / "report.css").read_text(encoding="utf-8"),
        scripts=scripts,
        allowed=" ".join(f"'sha256-{_hash(script)}'" for script in scripts),
        figures=write_json(figures),
        wide=_WIDE,
    )


def _open_template() -> jinja2.Template:
    """The page, whose every value is escaped by escape() unless it is marked as safe."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else escape(value),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"kind": _name_kind, "data_address": _write_address, "split_excerpt": _split_excerpt}
    return environment.get_template("report.html.jinja")


def write_report(assessment: Assessment, dataset: Dataset, path: str | Path) -> None:
    """Writes render_report() to a file. InputError if it cannot be written there."""
    text, file = render_report(assessment, dataset), Path(path)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}); choose another place for the report", file=file) from error


def read_plotly() -> str:
    """The text of plotly.js from the installed package, which need not be imported for that.

    Raises InputError if the package is not there, or no longer brings the file along.
    """
    try:
        file = Path(str(importlib.metadata.distribution("plotly").locate_file(_PLOTLY)))
        script = file.read_text(encoding="utf-8")
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise InputError(
            "The charts of a report are drawn by plotly.js, and the package plotly does not have it here; install it with "
            "pip install -r requirements.txt"
        ) from error
    if "</script" in script.lower() or "<!--" in script:
        raise InputError("The plotly.js that is installed cannot stand inside a page; install the version in requirements.txt")
    return script


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def escape(text: object) -> Markup:
    """Text as HTML: shown, never executed. Half characters, which no file can hold, become a question mark."""
    return Markup(html.escape(spell_acting(str(text).encode("utf-8", "replace").decode("utf-8")), quote=True))


def write_json(value: Any) -> str:
    """JSON that may stand inside a script element: no < can end it. NaN and infinity become null."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _name_kind(block: blocks.Block) -> str:
    """The class of a block, by which the template finds what draws it."""
    return type(block).__name__


def _write_address(code: blocks.Code) -> str:
    """The text of a file as an address that can be saved."""
    data = base64.b64encode(code.text.encode("utf-8", "replace")).decode("ascii")
    return f"data:{_KINDS[code.language]};charset=utf-8;base64,{data}"


def _split_excerpt(example: blocks.Example) -> list[tuple[str, bool]]:
    """The excerpt in pieces, each with whether it answers the query. Marks may overlap."""
    text, place = example.excerpt, 0
    pieces: list[tuple[str, bool]] = []
    for first, end in example.marks:
        start = max(first, place)
        if end > start:
            pieces += [(text[place:start], False), (text[start:end], True)]
            place = end
    return [*pieces, (text[place:], False)]
