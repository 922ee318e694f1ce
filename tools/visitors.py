"""make visitors: how much a running job slows the pages, and what ten sessions at once see, as ratios measured in one run.

A visitor is a light client that speaks Streamlit's own protocol: what is timed is the server's work, not a browser's
JavaScript. It asks again for what a page refreshes by itself, as a browser does. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from core.data.catalog import open_dataset
from core.data.load import load_dataset
from core.experiment.compare import compare
from core.experiment.history import save_experiment
from core.jobs.state import cancel_job, find_active, list_jobs, read_job
from core.settings import SAMPLES
from core.systems.named import make_named_systems
from core.systems.system import Lexical
from core.workspace import Workspace
from tests.support.app import AppServer, run_app

PATIENCE = 300.0
_LOADS = 5  # of a page, one after another in turn with the others
DATASETS = ("first", "second", "third")  # letters alone: in the text of a page the rest is escaped


class Visitor:
    """One session of the app. Use it as a context: it keeps the page that it opened last alive meanwhile."""

    def __init__(self, server: AppServer) -> None:
        self.server = server
        self.text: list[str] = []  # all messages of the page that was opened last, as text
        self.faults: list[str] = []
        self.buttons: dict[str, str] = {}  # label -> widget
        self._query, self._page = "", ""
        self._repeats: dict[str, tuple[float, float]] = {}  # fragment -> interval, when it is due
        self._finished, self._over = threading.Event(), threading.Event()
        self._guard = threading.Lock()

    def __enter__(self) -> Visitor:
        address = self.server.url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: ClientConnection = connect(
            address, max_size=None, open_timeout=PATIENCE, ping_timeout=PATIENCE, proxy=None
        )
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._repeat)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._socket.close()
        for thread in self._threads:
            thread.join()

    def open(self, page: str, **query: str) -> float:
        """Seconds until the page is drawn."""
        self._page, self._query = page, "&".join(f"{key}={value}" for key, value in query.items())
        return self._ask()

    def press(self, label: str) -> float:
        """Seconds until the page is drawn anew after a click."""
        return self._ask(self.buttons[label])

    def _ask(self, widget: str = "") -> float:
        with self._guard:
            self._finished.clear()
            self._repeats.clear()
            self.text, started = [], time.perf_counter()
        self._send(widget=widget)
        if not self._finished.wait(PATIENCE):
            self.faults.append(f"{self._page} was not drawn within {PATIENCE:.0f} s")
        return time.perf_counter() - started

    def _send(self, *, widget: str = "", fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name = self._query, self._page
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        if widget:
            state.widget_states.widgets.add(id=widget, trigger_value=True)
        self._socket.send(message.SerializeToString())

    def _repeat(self) -> None:
        while not self._over.wait(0.1):
            now = time.monotonic()
            with self._guard:
                due = [fragment for fragment, (_, when) in self._repeats.items() if when <= now]
                for fragment in due:
                    interval, _ = self._repeats[fragment]
                    self._repeats[fragment] = interval, now + interval
            for fragment in due:
                with contextlib.suppress(ConnectionClosed):
                    self._send(fragment=fragment)

    def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for payload in self._socket:
                self._hear(ForwardMsg.FromString(payload if isinstance(payload, bytes) else payload.encode()))

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            with self._guard:
                rerun = message.auto_rerun
                self._repeats[rerun.fragment_id] = rerun.interval, time.monotonic() + rerun.interval
        elif kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                self._finished.set()
            elif message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.faults.append(f"{self._page} cannot be run")
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if element.WhichOneof("type") == "exception":
                self.faults.append(f"{self._page}: {element.exception.message}")
            elif element.WhichOneof("type") == "button":
                self.buttons[element.button.label] = element.button.id
            self.text.append(str(element))


def write_many(folder: Path, *, documents: int, seed: int) -> None:
    """A dataset whose documents are made of the sample's sentences in another order: no text is in a cache."""
    sample, draw = load_dataset(SAMPLES / "product_docs"), random.Random(seed)
    sentences = [one.strip() for text in sample.documents["text"] for one in str(text).split(".") if one.strip()]
    folder.mkdir(parents=True)
    rows = [{"_id": f"d{number}", "text": ". ".join(draw.sample(sentences, 12)) + "."} for number in range(documents)]
    queries = [{"_id": f"q{number}", "text": draw.choice(sentences)} for number in range(40)]
    _write_lines(folder / "corpus.jsonl", rows)
    _write_lines(folder / "queries.jsonl", queries)
    labels = [f"{query['_id']}\t{draw.choice(rows)['_id']}\t1" for query in queries]
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(labels) + "\n", encoding="utf-8")


def _write_lines(file: Path, rows: Sequence[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def compare_before(dataset: str, store: Workspace) -> None:
    """Something to look at: the pages show this experiment, whatever runs."""
    words = make_named_systems()["bm25"]
    other = dataclasses.replace(words, name="bm25-all-words", lexical=Lexical(stop_words=False))
    systems = {system.name: system for system in (words, other)}
    made = compare(open_dataset(dataset, store), systems, workspace=store, experiment_id=_name_experiment(dataset))
    save_experiment(made, store)


def _name_experiment(dataset: str) -> str:
    return f"before-{dataset}"


def look_at(dataset: str) -> dict[str, str]:
    """The query of a link to the finished experiment."""
    return {"dataset": dataset, "experiment": _name_experiment(dataset)}


def wait_for(words: str, store: Workspace) -> None:
    """Waits until a running job says so."""
    deadline = time.monotonic() + PATIENCE
    while not any(words in job.label for job in find_active(store)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no job says {words!r}: {[job.label for job in list_jobs(store)]}")
        time.sleep(0.1)


def cancel_all(store: Workspace) -> float:
    """Cancels all jobs; seconds until the last has ended."""
    started = time.monotonic()
    ids = [job.id for job in find_active(store)]
    for job_id in reversed(ids):
        cancel_job(job_id, store)
    while any(read_job(job_id, store).is_active for job_id in ids):
        time.sleep(0.05)
    return time.monotonic() - started


def measure_slowing(server: AppServer, store: Workspace, pages: Sequence[str], rounds: int) -> None:
    """Each page beside nothing and beside a comparison that embeds, in turn."""
    times: dict[tuple[str, bool], list[float]] = {(page, busy): [] for page in pages for busy in (False, True)}
    with Visitor(server) as starter, Visitor(server) as visitor:
        for page in pages:  # what is computed once is not to be timed
            visitor.open(page, **look_at(DATASETS[0]))
        for number in range(rounds):
            for busy in (False, True):
                if busy:
                    starter.open("experiment", dataset=DATASETS[0])
                    starter.press("Start")
                    wait_for("embedding", store)
                for page in [*pages] * _LOADS:
                    times[page, busy].append(visitor.open(page, **look_at(DATASETS[0])))
                if busy:
                    print(f"round {number + 1}: cancelled within {cancel_all(store):.1f} s", flush=True)
        ratios = []
        for page in pages:
            idle, busy_time = (statistics.median(times[page, busy]) for busy in (False, True))
            ratios.append(busy_time / idle)
            print(f"{page:15} alone {idle:6.2f} s, beside a comparison {busy_time:6.2f} s: {ratios[-1]:.2f}")
        print(f"median ratio {statistics.median(ratios):.2f}, largest {max(ratios):.2f}")
        print(f"faults: {visitor.faults + starter.faults}")


def open_at_once(server: AppServer, visits: Sequence[Sequence[tuple[str, dict[str, str]]]]) -> tuple[list[float], list[str]]:
    """Every visitor opens its pages one after another, all visitors at once: seconds of each load, and faults."""
    seconds: list[float] = []
    faults: list[str] = []

    def visit(plan: Sequence[tuple[str, dict[str, str]]]) -> None:
        with Visitor(server) as visitor:
            for page, query in plan:
                seconds.append(visitor.open(page, **query))
                others = {name for name in DATASETS if any(f'"Dataset {name}.' in text for text in visitor.text)}
                if others - set(query.values()):
                    faults.append(f"{page} of {query} shows {others}")
            faults.extend(visitor.faults)

    threads = [threading.Thread(target=visit, args=(plan,)) for plan in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds, faults


def measure_ten(server: AppServer, empty: AppServer, store: Workspace, pages: Sequence[str]) -> None:
    """Thirty loads by ten visitors: of an empty page, of ours, and of ours while two comparisons and a recommendation
    run or wait."""
    turn = itertools.cycle(pages)
    visits = [[(next(turn), look_at(DATASETS[number % 3])) for _ in range(3)] for number in range(10)]

    def tell(what: str, told: tuple[list[float], list[str]]) -> float:
        middle = statistics.median(told[0])
        print(
            f"{what}: {len(told[0])} loads, median {middle:.2f} s, longest {max(told[0]):.2f} s; faults: {told[1]}", flush=True
        )
        return middle

    open_at_once(server, visits)
    first = tell("an empty page", open_at_once(empty, [[("", {})] * 3] * 10))
    alone = tell("pages, nothing runs", open_at_once(server, visits))
    with contextlib.ExitStack() as stack:
        starters = [stack.enter_context(Visitor(server)) for _ in range(3)]
        for starter, page, button, dataset in zip(
            starters, ("experiment", "experiment", "recommendation"), ("Start", "Start", "Find out what to do first"), DATASETS,
            strict=True,
        ):  # fmt: skip
            starter.open(page, dataset=dataset)
            starter.press(button)
        wait_for("embedding", store)
        for job in find_active(store):
            print(f"   {job.title}: {job.label}")
        busy = tell("pages, three jobs", open_at_once(server, visits))
        print(f"   cancelled within {cancel_all(store):.1f} s; faults of those who started: {[s.faults for s in starters]}")
    print(f"pages : empty page {alone / first:.1f}; beside jobs : alone {busy / alone:.2f}")


@contextlib.contextmanager
def run_empty(folder: Path) -> Iterator[AppServer]:
    """An app that says one word."""
    script = folder / "empty.py"
    script.write_text('import streamlit as st\nst.write("empty")\n', encoding="utf-8")
    with run_app(folder / "nothing", script=script) as server:
        yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=4_000, help="in each of three datasets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("slowing", "ten"))
    parser.add_argument("--pages", nargs="+", default=sorted(file.stem for file in (ROOT / "pages").glob("*.py")))
    options = parser.parse_args()
    pages: list[str] = options.pages
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        for number, name in enumerate(DATASETS):
            write_many(workspace / "datasets" / name, documents=options.documents, seed=number)
        store = Workspace(workspace)
        for dataset in DATASETS:
            compare_before(dataset, store)
        (store.jobs / "first-run.once").touch()
        with run_app(workspace) as server:
            if options.only != "ten":
                measure_slowing(server, store, pages, options.rounds)
            if options.only != "slowing":
                with run_empty(Path(folder)) as empty:
                    measure_ten(server, empty, store, pages)
            print("exceptions in the log:", server.read_log().count("Traceback"))


if __name__ == "__main__":
    main()
