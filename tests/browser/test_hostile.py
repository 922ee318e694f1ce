"""A workspace that is hostile in every name and text, on all pages: nothing of it runs, is fetched or rendered."""

from __future__ import annotations

import ast
import contextlib
import csv
import dataclasses
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from core.export.program.write import write_program
from core.jobs.state import INTERRUPTED, find_active
from core.systems.yaml_files import read_systems
from core.versions.version import read_live
from core.workspace import Workspace
from tests.support.app import build_environment, run_app
from tests.support.browser import open_fresh_page, settle
from tests.support.hostile import ALL
from tests.support.hostile_workspace import (
    DATASET,
    LABELLED,
    OWN,
    TEXT,
    make_hostile_workspace,
    make_own_system,
    write_hostile_job,
)
from tests.support.jobs import wait_until

HOSTILE_SEED = "1"  # draws a split whose learning queries hold the hostile one
MAIN = "[data-testid=stMain]"
# What ran, what would be fetched or followed, what became type, a formula, a picture, a symbol or a block, what turns the text
# after it around, and what broke.
FOUND = """() => [
    window.hacked ?? null,
    [...document.querySelectorAll('a, img, iframe, object, embed, script, link, form, image, use')]
        .map(e => e.src || e.action || e.href?.baseVal || e.href || '')
        .filter(a => /^javascript:/i.test(a) || /\\/\\/([a-e]\\.example|example\\.com)|\\/x(\\.png)?$/.test(a)),
    [...document.querySelectorAll(
        'b, strong, tspan[style*=bold], code, em, .katex, span[style*=color], [data-testid=stIconMaterial], h1, h2, h3, li, pre'
    )].map(e => e.textContent.trim())
        .filter(t => /^(bold|code|z|a|b|warm|home)$|^(heading|item|import os)\\b/.test(t)),
    document.querySelector('[data-testid=stMain]')?.innerText.match(/[\u202a-\u202e\u2066-\u2069].*/) ?? [],
    [...document.querySelectorAll('[data-testid=stException]')].map(e => e.textContent),
]"""
NOTHING = [None, [], [], [], []]
OPEN = f"""() => {{
    const shut = document.querySelectorAll('{MAIN} details:not([open]) > summary');
    shut.forEach(summary => summary.click());
    return shut.length;
}}"""
# As when somebody goes back or forth to an address.
FOLLOW = "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate', {state: {}})); }"
# Begins work, or deletes: pressed in the end, where it ends soon.
LATER = re.compile(
    r"Start|Run again|Measure|Promote|Refresh|Build|Find out|Recommend within|Let it join|Score on|Check on|Roll back|Resume"
    r"|Delete|Yes,|Remove|Discard|Mend|shipped prices|Cancel"
)


TITLES = {name: name.capitalize() for name in ("recommendation", "diagnosis", "results", "queries", "try", "data", "experiment",
          "versions")} | {"fine_tuning": "Fine-tuning", "cost_latency": "Cost & latency"}  # fmt: skip


@dataclass(frozen=True)
class Stop:
    """A page as a link opens it. sign: what is there once it is drawn; says: what it has to say, as text. fill: label of a
    field -> what is typed there."""

    page: str
    link: dict[str, str]
    sign: str
    says: tuple[str, ...] = ()
    fill: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/{self.page}?{urlencode(self.link, quote_via=quote)}"


class Walk:
    """Goes over pages of the app. read: page -> all that could be read on it; saved: downloads by their button; pressed: (page,
    button) that were; later: those that LATER names."""

    def __init__(self, page: Page, url: str, folder: Path) -> None:
        self.page, self.url, self.folder = page, url, folder
        self.read: dict[str, str] = {}
        self.saved: dict[str, Path] = {}
        self.pressed: set[tuple[str, str]] = set()
        self.later: set[tuple[str, str]] = set()
        self.hovered = ""
        self.place = ""

    def open(self, stop: Stop) -> None:
        """The page as its link shows it. All in one visit: loading Streamlit itself costs more than all else."""
        self.place = stop.page
        if not self.read:
            self.page.goto(self.url + stop.path)
        else:
            self._follow(stop.path)
        self.page.locator(MAIN).locator(stop.sign).first.wait_for()
        self.settle()

    def _follow(self, path: str) -> None:
        title = TITLES[path.partition("?")[0].removeprefix("/")]
        self.page.evaluate(FOLLOW, path)
        self.page.get_by_role("heading", name=title, exact=True).wait_for()
        self.settle()

    def use_page(self, stop: Stop) -> None:
        """Every part of the page, and what can be used on it without harm."""
        self.open(stop)
        self._use_part(stop.fill)
        used: set[tuple[str, str]] = set()
        while todo := [choice for choice in self._list_choices() if choice not in used]:
            used.add(todo[0])
            if self._turn_to(*todo[0]):
                self._use_part(stop.fill)
        for text in stop.says:
            assert text in self.read[stop.page], (stop.page, text, self.read[stop.page])

    def settle(self) -> None:
        """Until nothing moves, and nothing is waited for."""
        settle(self.page)
        if self.page.locator(f"{MAIN} [data-testid=stSpinner]").count():
            self.page.locator(f"{MAIN} [data-testid=stSpinner]").first.wait_for(state="detached")
            settle(self.page)

    def _all(self, selector: str) -> Locator:
        return self.page.locator(MAIN).locator(f"{selector} >> visible=true")

    def _list_choices(self) -> list[tuple[str, str]]:
        """(group, choice) of what turns from part to part."""
        found: list[list[str]] = self.page.evaluate(
            """main => [...document.querySelectorAll(`${main} [data-testid=stButtonGroup]`)].flatMap(
                group => [...group.querySelectorAll('button')].map(button => [
                    group.closest('[data-testid=stElementContainer]').className.match(/st-key-\\S+/)?.[0] ?? '',
                    button.textContent.trim()]))""",
            MAIN,
        )
        return [(group, choice) for group, choice in found]

    def _turn_to(self, group: str, choice: str) -> bool:
        button = self._all(f".{group} button").filter(has_text=re.compile(f"^{re.escape(choice)}$")).first
        if button.get_attribute("aria-checked") == "true" or not button.is_enabled():
            return False
        button.click()
        self.settle()
        return True

    def _use_part(self, fill: dict[str, str]) -> None:
        self.look()
        for label, text in fill.items():
            place = self.page.locator(MAIN).get_by_label(label, exact=True)
            if place.count() and place.first.input_value() != text:
                place.first.fill(text)
                place.first.press("Enter")
                self.settle()
                self.look()
        self._point_at_charts()
        self._download()
        self._open_popovers()
        self._upload()
        self._press_buttons()

    def look(self) -> None:
        """Opens what is folded, keeps what can be read; nothing of it may act."""
        if self.page.evaluate(OPEN):
            self.settle()
        self.read[self.place] = self.read.get(self.place, "") + self.page.locator(MAIN).inner_text()
        self.check(self.place)

    def check(self, place: str) -> None:
        """Nothing acts on what the browser shows now."""
        assert self.page.evaluate(FOUND) == NOTHING, place

    def _point_at_charts(self) -> None:
        for chart in self._all(".js-plotly-plot").all():
            chart.scroll_into_view_if_needed()
            for mark in (".point", ".xtick", ".ytick"):
                box = chart.locator(mark).first.bounding_box() if chart.locator(mark).count() else None
                if box is not None:
                    self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                    self.page.wait_for_timeout(150)  # Plotly notices what is hovered after a moment
                    self.hovered += " ".join(chart.locator(".hoverlayer").all_text_contents())
            self.check(f"{self.place}, a chart")

    def _download(self) -> None:
        for button in self._all("[data-testid=stDownloadButton] button:enabled").all():
            if (label := button.inner_text().strip()) not in self.saved:
                with self.page.expect_download() as download:
                    button.click()
                self.saved[label] = self.folder / f"{len(self.saved)}-{Path(download.value.suggested_filename).name}"
                download.value.save_as(self.saved[label])
                self.settle()

    def _open_popovers(self) -> None:
        """Popovers and lists of choices, each once."""
        for button in self._all(":is([data-testid=stPopover] button, [data-testid=stSelectbox] [role=combobox])").all():
            kind = self.place, f"list {button.get_attribute('aria-label') or button.text_content()}"
            if kind not in self.pressed:
                self.pressed.add(kind)
                self._open_popover(button)
                self.check(", ".join(kind))
                self.page.keyboard.press("Escape")

    def _open_popover(self, button: Locator) -> None:
        button.scroll_into_view_if_needed()
        for _ in range(5):  # one that is scrolled away, or drawn anew, closes again
            if button.get_attribute("role") == "combobox":
                button.press("ArrowDown")
            else:
                button.click()
            with contextlib.suppress(PlaywrightTimeout):
                self.page.locator("[data-testid=stPopoverBody], [role=listbox]").first.wait_for(timeout=2_000)
                return
        raise AssertionError(f"{self.place}: nothing opens")

    def _upload(self) -> None:
        """A file of a hostile name and content into every box; what comes of it, a preview or a sentence, is shown."""
        for box in self._all("[data-testid=stFileUploader]").all():
            place = box.locator("input[type=file]")
            kinds = (place.get_attribute("accept") or ".csv").split(",")
            name = f"{DATASET.replace('/', '')}{kinds[0].strip()}"
            if (self.place, kinds[0]) not in self.pressed:
                self.pressed.add((self.place, kinds[0]))
                place.set_input_files({"name": name, "mimeType": "text/plain", "buffer": f"a {ALL},b\n{ALL},1\n".encode()})
                self.settle()
                self.look()

    def _press_buttons(self) -> None:
        """All buttons that neither begin work nor delete, one of each kind."""
        here = urlsplit(self.page.url)
        while button := self._find_button():
            self.press(button)
            if urlsplit(self.page.url).path != here.path:
                self._follow(f"{here.path}?{here.query}")

    def _find_button(self) -> Locator | None:
        for button in self._all("[data-testid=stButton] button:enabled").all():
            kind = self.place, self._name(button)
            if LATER.search(kind[1]):
                self.later.add(kind)
            elif kind not in self.pressed:
                return button
        return None

    def _name(self, button: Locator) -> str:
        """Its label; buttons that show something of the data have one name together."""
        label = " ".join(button.inner_text().split())
        return "hostile" if re.search(r"[<`\\=\u202e]|://", label) else label

    def begin(self, name: str) -> None:
        """A button that begins work or deletes, or the popover that it is in."""
        buttons = self.page.locator("[data-testid=stPopoverBody] button >> visible=true").filter(has_text=name)
        if not buttons.count():
            buttons = self._all(":is([data-testid=stButton] button:enabled, [data-testid=stPopover] button)").filter(
                has_text=name
            )
        button = buttons.first
        if button.get_attribute("data-testid") == "stPopoverButton":
            self._open_popover(button)
        else:
            button.click()
        self.settle()

    def press(self, button: Locator) -> None:
        """One button, and a look at what comes of it."""
        self.pressed.add((self.place, self._name(button)))
        place = self.page.url
        button.click()
        self.settle()
        if urlsplit(self.page.url).path == urlsplit(place).path:
            self.look()
        self.check(f"{self.place}, {place}")


PAGES = (
    Stop("recommendation", {"dataset": LABELLED}, ".example", (ALL[:40], "Could not run: <script>")),
    Stop("diagnosis", {"dataset": LABELLED}, ".js-plotly-plot", ("No result: <script>", "both texts hold “<script>")),
    Stop(
        "fine_tuning", {"dataset": LABELLED}, ".js-plotly-plot",
        ("The last training failed. <script>", "rung: <script>", "on <script>", "✓ <script>", "Test queries kept apart"),
        {"Seed": HOSTILE_SEED},
    ),
    Stop("cost_latency", {"dataset": DATASET}, "h1"),
    Stop("results", {"dataset": DATASET}, ".js-plotly-plot"),
    Stop("queries", {"dataset": DATASET, "query": ALL, "systems": ALL}, ".hits"),
    Stop("try", {"dataset": DATASET, "try_systems": "bm25", "q": f"markup {ALL}"}, "article"),
    Stop("data", {"dataset": DATASET, "data_doc": ALL, "data_query": ALL}, "h1"),
    Stop("experiment", {"dataset": DATASET}, "h2, h3"),
    Stop(
        "versions", {"dataset": DATASET}, "h2, h3",
        ("Promoting <script>", "Does not pass: <script>", "1 added, 0 changed, 0 deleted", OWN[:40]), {"Query": "topic3"},
    ),
)  # fmt: skip
# Work for models, or in a process of its own, which takes long.
LONG = re.compile("Start training|Let it join|^Start$|Measure|Promote|Recommend within|Find out|Score on|Build beside")


def check_file(file: Path, walk: Walk) -> None:
    """What was downloaded is still what it is, and nothing in it acts where it is opened."""
    text = file.read_text(encoding="utf-8-sig") if file.suffix != ".zip" else ""
    if file.suffix == ".csv":
        cells = [cell for row in csv.reader(text.splitlines(keepends=True)) for cell in row]
        assert not [cell for cell in cells if re.match(r"[=+@\t\r]", cell)], file.name
        assert any("<" in cell for cell in cells), file.name
    elif file.suffix == ".py":
        check_program(text)
    elif file.suffix == ".yaml":
        systems = read_systems(text, file=file.name)  # one of them comes with the product
        assert all(system.description == TEXT for name, system in systems.items() if name != "dense"), file.name
    elif file.suffix in (".html", ".md"):
        if file.suffix == ".md":  # with HTML let through, as many do that show Markdown
            text = f"<!doctype html><meta charset=utf-8>{MarkdownIt('commonmark', {'html': True}).enable('table').render(text)}"
            file = file.with_suffix(".md.html")
            file.write_text(text, encoding="utf-8")
        walk.page.goto(file.as_uri())
        walk.page.wait_for_load_state()
        walk.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        walk.check(file.name)
        assert "<script>window.hacked" in walk.page.locator("body").inner_text()


def check_program(text: str) -> None:
    """Code that is the same whatever the description says, and holds it as a constant."""
    tree = ast.parse(text)
    values = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)
              if isinstance(node.targets[0], ast.Name)}  # fmt: skip
    assert ast.literal_eval(values["DESCRIPTION"]) == TEXT
    assert not any(isinstance(node, ast.Name) and node.id == "os" for node in ast.walk(tree))


def run_program(folder: Path, corpus: Path) -> None:
    """The program of a system with a hostile name, over the hostile corpus: it finds what it is asked for."""
    own = make_own_system()
    assert own.lexical is not None
    system = dataclasses.replace(own, lexical=dataclasses.replace(own.lexical, language="en"))
    program = folder / "program.py"
    program.write_text(write_program(system, dataset_name=DATASET), encoding="utf-8")
    command = [sys.executable, str(program), str(corpus), "Topic3"]
    done = subprocess.run(command, cwd=folder, env=build_environment(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "d3 http://d.example/y" in done.stdout, done.stderr


def list_work(version: str) -> list[tuple[Stop, tuple[str, ...]]]:
    """What begins work that ends soon, and what deletes: (link, buttons one after the other). version: one that is not live."""

    def stop(page: str, part: str, **link: str) -> Stop:
        return Stop(page, {"dataset": DATASET, f"{page.split('_', maxsplit=1)[0]}_part": part, **link}, "h1")

    return [
        (stop("experiment", "Run"), ("Start again", "Run again")),
        (stop("versions", "Up to date?"), ("Refresh now", "Roll back to")),
        (stop("versions", "Versions", version=version), ("Remove", "Remove this version")),
        (Stop("fine_tuning", {"dataset": LABELLED}, ".js-plotly-plot"), ("Delete", "Delete this model")),
        (stop("cost_latency", "Prices"), ("Back to the shipped prices",)),
        (stop("experiment", "History"), ("Delete", "Delete it")),
        (Stop("data", {"dataset": DATASET, "data_view": "Overview"}, "h1"), ("Remove this dataset", "Yes, delete it")),
    ]


def begin_and_delete(walk: Walk, store: Workspace, work: list[tuple[Stop, tuple[str, ...]]]) -> None:
    """The work, after a comparison of another machine was seen at work, and broke off."""
    first = work[0][0]
    write_hostile_job(store)
    walk.open(first)
    walk.look()
    assert "Started by the app (process" in walk.read["experiment"]
    write_hostile_job(store, state=INTERRUPTED)
    for stop, buttons in work:
        walk.open(stop)
        for name in buttons:
            walk.begin(name)
            wait_until(lambda: not find_active(store), every=0.2)
            walk.settle()
            if walk.page.locator("[data-testid=stPopoverBody]").count():
                walk.check(name)  # what looks further would close it
            else:
                walk.look()
    assert not (store.datasets / DATASET).exists()


def test_nothing_of_a_hostile_workspace_acts_on_any_page(chromium: Browser, workspace: Path, tmp_path: Path) -> None:
    """The page fails the test if the browser asks another machine."""
    _, live_before = make_hostile_workspace(workspace)
    work = list_work(live_before)
    store, said = Workspace(workspace), list[str]()
    run_program(tmp_path, store.datasets / DATASET / "corpus.jsonl")
    with run_app(workspace) as app, open_fresh_page(chromium) as page:
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        walk = Walk(page, app.url, tmp_path)
        for stop in PAGES:
            walk.use_page(stop)
            assert "<" in walk.read[stop.page], stop.page
        assert read_live(DATASET, store).previous == (live_before,), "looking changes nothing"
        begin_and_delete(walk, store, work)
        done = {name for _, buttons in work for name in buttons}
        left = {name for _, name in walk.later if not LONG.search(name) and not any(one in name for one in done)}
        assert not left, "a button is neither pressed nor named here"
        assert "<script>" in walk.hovered and said == []
        assert {file.suffix for file in walk.saved.values()} >= {".html", ".md", ".py", ".yaml", ".csv", ".zip", ".json"}
        for file in walk.saved.values():
            check_file(file, walk)
        page.set_content("<main data-testid=stMain><b>bold</b><a href='javascript:1'>l</a><h2>heading</h2>\u202e12</main>")
        assert page.evaluate(FOUND) == [None, ["javascript:1"], ["bold", "heading"], ["\u202e12"], []], "it can be seen"
