"""A dataset that is hostile in every name and text, on all pages: nothing of it runs, is fetched or rendered."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page

from core.data.load import load_dataset
from core.experiment.compare import compare
from core.experiment.history import save_experiment
from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.systems.system import System
from core.workspace import Workspace
from tests.support.app import run_app
from tests.support.browser import open_fresh_page, settle
from tests.support.hostile import ALL, TRICKS

PAGES = (
    "recommendation", "diagnosis", "fine_tuning", "cost_latency", "results", "queries", "try", "data", "experiment", "versions"
)  # fmt: skip
# Links and pictures whose address comes from the data, and bold type in the middle of it.
FOUND = """() => [
    window.hacked ?? null,
    [...document.querySelectorAll('a, img, iframe, object, embed, script, link')].map(e => e.src || e.href || '')
        .filter(a => /^javascript:/i.test(a) || /\\/\\/[a-e]\\.example/.test(a)),
    [...document.querySelectorAll('b, strong, code, em, .katex')].map(e => e.textContent)
        .filter(t => /^(bold|code|z|warm)$/.test(t)),
]"""


def write_hostile(folder: Path) -> Path:
    """Eight documents and as many queries; every id, title, text, tag and metadata field and value holds tricks."""
    (folder / "qrels").mkdir(parents=True)
    documents, queries, labels = [], [], ["query-id\tcorpus-id\tscore"]
    for number in range(8):
        trick = TRICKS[number % len(TRICKS)]
        doc_id, query_id = f"d{number} {trick}", f"q{number} {trick}"
        text = f"Topic{number} {ALL}"
        documents.append(
            {"_id": doc_id, "title": text, "text": f"{text}\n\n# {ALL}", "metadata": {ALL: ALL, f"field {trick}": trick}}
        )
        queries.append({"_id": query_id, "text": text, "tags": [trick], "filter": {f"field {trick}": trick}})
        labels.append(f"{query_id}\t{doc_id}\t1")
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return folder


def use_everything(page: Page) -> None:
    """Opens what can be opened and looks at what can be pointed at."""
    page.evaluate("document.querySelectorAll('[data-testid=stMain] details:not([open]) > summary').forEach(s => s.click())")
    settle(page)
    for chart in page.locator(".js-plotly-plot").all()[:3]:
        box = chart.bounding_box()
        if box is not None:
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.wait_for_timeout(100)


def test_nothing_of_a_hostile_dataset_acts_on_any_page(chromium: Browser, workspace: Path) -> None:
    store = Workspace(workspace)
    dataset = load_dataset(write_hostile(store.datasets / "hostile"), name="hostile")
    known = make_named_systems()
    own = System(f"mine {ALL[:40]}", ALL, lexical=known["bm25"].lexical)
    save_own_system(own, store)
    systems = {"bm25": known["bm25"], "bm25-filtered": known["bm25-filtered"], own.name: own}
    save_experiment(compare(dataset, systems, workspace=store, name=ALL), store)
    with run_app(workspace) as app, open_fresh_page(chromium) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        for name in PAGES:
            page.goto(f"{app.url}/{name}?dataset=hostile&query={quote(ALL)}&systems={quote(ALL)}")
            page.locator("[data-testid=stMain] h1").wait_for()
            settle(page)
            use_everything(page)
            assert page.evaluate(FOUND) == [None, [], []], name
        assert dialogs == []
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<b>bold</b><a href=\\'javascript:1\\'>l</a>')")
        assert page.evaluate(FOUND) == [None, ["javascript:1"], ["bold"]], "what was looked for can be seen"
