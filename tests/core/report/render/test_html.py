"""The HTML report: one file that fetches nothing, runs nothing of the data, and is the same each time."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.data.dataset import Dataset
from core.errors import InputError
from core.recommendation.assess import Assessment
from core.recommendation.files import load_assessment
from core.report.render.html import escape, read_plotly, render_report, write_json, write_report
from core.workspace import Workspace
from tests.support.app import REPOSITORY
from tests.support.assessments import make_assessment
from tests.support.reports import ATTACK, make_hostile

DRAWN = "document.querySelectorAll('.chart:not([data-drawn])').length == 0"


class Collector(HTMLParser):
    """Tags, addresses, and texts outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.handlers: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "poster", "data"):
                self.addresses.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.texts.append(data)


@pytest.fixture
def made(workspace: Path) -> tuple[Dataset, Assessment]:
    return make_assessment(workspace)


@pytest.fixture
def hostile(made: tuple[Dataset, Assessment]) -> str:
    assessment, dataset = make_hostile(made[1], made[0])
    return render_report(assessment, dataset)


def test_one_file_that_needs_nothing_else(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    text = render_report(assessment, dataset)
    found = Collector(text)
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    assert not {"img", "link", "iframe", "object", "embed", "base"} & set(found.tags)
    assert found.tags.count("script") == 3  # the figures, plotly.js once, and what draws
    assert text.count(read_plotly()) == 1
    links = {address[1:] for address in found.addresses if address.startswith("#")}
    assert links and links <= set(re.findall(r'<section id="([a-z]+)"', text))


def test_same_assessment_same_bytes(made: tuple[Dataset, Assessment], workspace: Path) -> None:
    dataset, assessment = made
    again = load_assessment(assessment.id, Workspace(workspace))
    assert again is not assessment
    assert render_report(assessment, dataset) == render_report(again, dataset)


def test_texts_of_the_data_are_shown_and_never_executed(hostile: str) -> None:
    found = Collector(hostile)
    assert not {"img", "iframe"} & set(found.tags)
    assert found.tags.count("script") == 3 and not found.handlers
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    assert "".join(found.texts).count(ATTACK) > 20  # the very signs, as text


def test_texts_of_the_data_are_no_templates(made: tuple[Dataset, Assessment]) -> None:
    dataset, assessment = made
    name = "{{ 7 * 7 }} {% raw %} {# note #} {{ unknown }}"
    facts = {**assessment.experiment.dataset, "name": name}
    named = dataclasses.replace(assessment, experiment=dataclasses.replace(assessment.experiment, dataset=facts))
    assert f"<h1>Searching {name}: what to do first</h1>" in render_report(named, dataset)


def test_nothing_but_our_scripts_may_run(hostile: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', hostile)
    assert policy
    scripts = re.search(r"script-src ([^;]+)", policy[1])
    assert scripts and scripts[1].count("'sha256-") == 2 and "unsafe" not in scripts[1]
    assert policy[1].startswith("default-src 'none'") and "http" not in policy[1]


def test_writing_says_what_is_wrong(made: tuple[Dataset, Assessment], tmp_path: Path) -> None:
    dataset, assessment = made
    file = tmp_path / "report.html"
    write_report(assessment, dataset, file)
    assert file.read_text(encoding="utf-8") == render_report(assessment, dataset)
    with pytest.raises(InputError, match=r"nowhere.*cannot be written.*choose another place"):
        write_report(assessment, dataset, tmp_path / "nowhere" / "report.html")


def test_without_plotly_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", lack)
    with pytest.raises(InputError, match=r"plotly.*pip install"):
        read_plotly()


def test_plotly_is_read_but_not_imported() -> None:
    code = "import sys; from core.report.render.html import read_plotly; print(len(read_plotly()), 'plotly' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    size, imported = done.stdout.split()
    assert int(size) > 1_000_000 and imported == "False"


def test_escaping() -> None:
    assert escape("<a href='x'>\"&\ud800") == "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;?"
    assert write_json({"a": ["</script>", float("nan"), 1.5, "é"]}) == r'{"a":["\u003c/script\u003e",null,1.5,"\u00e9"]}'
