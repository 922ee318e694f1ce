"""Reads damaged and hostile inputs of every kind: python tools/fuzz.py --seed 1 --count 10000

Each input is a small valid file with a few changes (tools/fuzz_inputs.py), made from the seed and its number alone. Children
with limits of memory and time read them as the product does, many each; one that dies, or that keeps much memory of what it
has read, is replaced. What a child dies of that had read others before is tried once more in a fresh one. An input is

    read       the reader returned what can be written and read back
    refused    InputError, in one line
    traceback  any other error, or a sentence that is none
    stalled    more than --seconds of processor time
    killed     the child died: out of memory, or a fault in a library

Of the last three the inputs are kept in --keep, with what was said; --only NUMBER reads one again. There is none: exit code 0.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from core.errors import InputError
from core.settings import quieten_libraries
from tools.fuzz_inputs import DATASET, MOST, list_kinds, make_input

OUTCOMES = ("read", "refused", "traceback", "stalled", "killed")
SECONDS, MEGABYTES = 5.0, 300  # promised for an input of up to MOST bytes
_LONGEST_SENTENCE = 1_500
_KEPT = 0.2  # share of the memory for an input that a child may keep of those before
_PATIENCE = 24  # times the limit of processor time that reading may take by the clock: the machine may be busy


def kind_of(number: int) -> str:
    """The kinds take turns."""
    kinds = list(list_kinds())
    return kinds[number % len(kinds)]


def draw(seed: int, number: int) -> bytes:
    """The content of an input."""
    kind = kind_of(number)
    return make_input(kind, list_kinds()[kind], random.Random(f"{seed} {number}"))


# What reads an input, in a child.


def read(kind: str, data: bytes, folder: Path) -> None:
    """Reads an input as the product does; raises what that raises, AssertionError if what was read cannot be kept."""
    readers: dict[str, Callable[[Path, bytes], None]] = {
        "zip": _read_zip,
        "config.yaml": _read_config,
        "shards": _read_shards,
        "examples.csv": _read_examples,
        "prices.csv": _read_prices,
    }
    if kind in DATASET:
        _read_dataset(kind, data, folder)
    elif kind.startswith("table."):
        _read_table(folder / kind, data)
    elif kind in readers:
        readers[kind](folder, data)
    else:
        _read_document(folder / f"input{kind}", data)


def _keep(dataset: Any, folder: Path) -> None:
    """Writes a dataset and reads it back: it must be the same."""
    from core.data.load import load_dataset
    from core.data.write import write_dataset

    write_dataset(dataset, folder)
    try:
        again = load_dataset(folder, name=dataset.name)
    except InputError as error:
        raise AssertionError("what was read and written cannot be read back") from error
    assert again.fingerprint == dataset.fingerprint, "what was read is not what is read back"


def _read_dataset(name: str, data: bytes, folder: Path) -> None:
    from core.data.load import load_dataset

    for other, text in DATASET.items():
        (folder / other).write_text(text, encoding="utf-8")
    (folder / name).write_bytes(data)
    _keep(load_dataset(folder), folder.with_name("kept"))


def _read_zip(folder: Path, data: bytes) -> None:
    from core.data.load import load_dataset

    (folder / "mine.zip").write_bytes(data)
    _keep(load_dataset(folder / "mine.zip"), folder.with_name("kept"))


def _read_table(path: Path, data: bytes) -> None:
    """As what it looks like, and as each of the three parts of a dataset."""
    from core.data.load import load_dataset
    from core.data.readers.columns import TableUse
    from core.data.readers.guesses import guess_columns
    from core.data.readers.table_files import read_head

    path.write_bytes(data)
    corpus = path.with_name("documents.csv")
    corpus.write_text("id,text\na,One fish. Two fish.\nb,Blue whale.\n", encoding="utf-8")
    documents = TableUse(corpus.name, "corpus", {"id": "id", "text": "text"})
    refused: list[InputError] = []
    for role in ("", "corpus", "queries", "judgments"):
        try:
            told: list[TableUse] = []
            if role:
                head = read_head(path)
                header = head.header is None or head.header.present
                columns = guess_columns(path.name, head, role=role)
                use = TableUse(path.name, role, columns, header=header, all_relevant="relevance" not in columns)
                told = [use] if role == "corpus" else [documents, use]
            _keep(load_dataset(path.parent, told=told), path.parent.with_name(f"{path.parent.name}-{role or 'guessed'}"))
        except InputError as error:
            refused.append(error)
    if len(refused) == 4:
        raise refused[0]


def _read_shards(folder: Path, data: bytes) -> None:
    from core.data.load import load_dataset

    (folder / "data").mkdir()
    (folder / "data" / "train-00000-of-00001.parquet").write_bytes(data)
    _keep(load_dataset(folder), folder.with_name("kept"))


def _read_config(folder: Path, data: bytes) -> None:
    from core.systems.yaml_files import read_systems, read_systems_file, write_systems

    (folder / "config.yaml").write_bytes(data)
    systems = read_systems_file(folder / "config.yaml")
    assert read_systems(write_systems(list(systems.values()))) == systems, "systems are not read back"


def _read_examples(folder: Path, data: bytes) -> None:
    from core.training.uploads import read_examples

    (folder / "examples.csv").write_bytes(data)
    read_examples(folder / "examples.csv")


def _read_prices(folder: Path, data: bytes) -> None:
    from core.costs.prices import read_table

    (folder / "prices.csv").write_bytes(data)
    read_table(folder / "prices.csv")


def _read_document(path: Path, data: bytes) -> None:
    from core.data.load import load_dataset

    path.write_bytes(data)
    if path.suffix == ".jsonl":  # a table, if it were alone
        path.with_name("other.txt").write_text("Text.", encoding="utf-8")
    _keep(load_dataset(path.parent), path.parent.with_name("kept"))


@contextlib.contextmanager
def _timed(seconds: float) -> Iterator[None]:
    """The process is ended by a signal after so much processor time, also within a library, or if it waits for what never
    comes."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _judge(error: InputError) -> str:
    """ "" if the error is one sentence that can be shown, else what is wrong with it."""
    sentence = str(error)
    if not sentence.strip() or "\n" in sentence or len(sentence) > _LONGEST_SENTENCE:
        return f"a sentence of {len(sentence)} characters: {sentence[:300]!r}"
    try:
        sentence.encode("utf-8")
    except UnicodeEncodeError:
        return f"a sentence that cannot be printed: {sentence[:300]!r}"
    return ""


def try_one(kind: str, data: bytes, *, seconds: float) -> tuple[str, str]:
    """(outcome, what was said) of an input that this process lives to tell about."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            inside = Path(folder, "input")
            inside.mkdir()
            with _timed(seconds):
                read(kind, data, inside)
        except InputError as error:
            wrong = _judge(error)
            return ("traceback", wrong) if wrong else ("refused", str(error).replace(folder, ""))
        except MemoryError:
            return "killed", traceback.format_exc()
        except Exception:  # what is looked for
            return "traceback", traceback.format_exc()
    return "read", ""


def be_child(seed: int, *, kinds: Sequence[str], seconds: float, megabytes: int) -> None:
    """Reads numbers from standard input and answers each with a line of JSON, in a process that keeps to the limits."""
    quieten_libraries()
    warnings.simplefilter("ignore")
    for number, (kind, make) in enumerate(list_kinds().items()):  # what is imported and made once counts for no input
        if kind in kinds:
            outcome, said = try_one(kind, make(), seconds=120)
            if outcome != "read":
                raise SystemExit(f"the valid {kind} is {outcome}: {said}")
            draw(seed, number)
    taken, room = _measure_memory(), megabytes * 1_000_000
    limit = taken + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", flush=True)
    for line in sys.stdin:
        number = int(line)
        outcome, said = try_one(kind_of(number), draw(seed, number), seconds=seconds)
        print(json.dumps([outcome, said, _measure_memory() - taken > _KEPT * room]), flush=True)


def _measure_memory() -> int:
    """Bytes of addresses that this process has taken, which is what its limit counts."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


# What starts the children and counts.


@dataclass
class Child:
    """A process that reads inputs, with the one in hand. before: how many it has read. is_spent: it is to be replaced."""

    process: subprocess.Popen[str]
    number: int = -1
    before: int = 0
    is_spent: bool = False

    @classmethod
    def start(cls, options: argparse.Namespace) -> Child:
        """Waits until it can read."""
        command = [sys.executable, __file__, "--child", "--seed", str(options.seed)]
        command += ["--seconds", str(options.seconds), "--megabytes", str(options.megabytes), "--kinds", *options.kinds]
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "ARROW_IO_THREADS", "OPENBLAS_NUM_THREADS")}
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if options.only is None else None,
            text=True,
            env={**os.environ, **threads},
        )
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            process.wait()
            raise SystemExit(process.stderr.read() if process.stderr else "a child did not start")
        return cls(process)

    @property
    def answers(self) -> IO[str]:
        """Where its answers come from."""
        assert self.process.stdout is not None
        return self.process.stdout

    def give(self, number: int) -> None:
        """Hands it the next input."""
        assert self.process.stdin is not None
        self.number = number
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()

    def take(self) -> tuple[str, str]:
        """What became of its input; if it died of it, by what."""
        line = self.answers.readline()
        if line:
            outcome, said, self.is_spent = json.loads(line)
            return str(outcome), str(said)
        self.is_spent = True
        code = self.process.wait()
        said = f"exit code {code}\n" + (self.process.stderr.read()[-3_000:] if self.process.stderr else "")
        return ("stalled" if code in (-signal.SIGPROF, -signal.SIGALRM) else "killed"), said

    def end(self) -> None:
        """Ends it and waits for it."""
        self.process.kill()
        self.process.communicate()


def run(options: argparse.Namespace) -> int:
    """Reads the inputs, prints the counts, keeps what must not be; returns the exit code."""
    wanted = [options.only] if options.only is not None else range(options.first, options.first + options.count)
    numbers = iter([number for number in wanted if kind_of(number) in options.kinds])
    counts: dict[str, Counter[str]] = {}
    children = [Child.start(options) for _ in range(options.jobs)]
    started = time.monotonic()
    busy = [child for child in children if _give_next(child, numbers)]
    for child in children[len(busy) :]:
        child.end()
    while busy:
        ready, _, _ = select.select([child.answers for child in busy], [], [])
        for child in [child for child in busy if child.answers in ready]:
            outcome, said = child.take()
            busy.remove(child)
            if outcome == "killed" and child.before:  # perhaps of what it had read before
                child.end()
                busy.append(Child.start(options))
                busy[-1].give(child.number)
                continue
            kind = kind_of(child.number)
            counts.setdefault(kind, Counter())[outcome] += 1
            if outcome not in ("read", "refused"):
                name = f"seed{options.seed}-{child.number}-{outcome}"
                _keep_input(options.keep / f"{name}-{kind.lstrip('.')}", draw(options.seed, child.number), said)
                last = said.strip().splitlines()[-1:]
                print(f"{outcome}: {kind}, --seed {options.seed} --only {child.number}: {last}"[:300], file=sys.stderr)
            if options.only is not None:
                print(f"{kind}: {outcome}\n{said}")
            child.before += 1
            if child.is_spent:
                child.end()
            following = Child.start(options) if child.is_spent else child
            if _give_next(following, numbers):
                busy.append(following)
            else:
                following.end()
    print(format_counts(counts, seed=options.seed, seconds=time.monotonic() - started))
    return 1 if any(count[outcome] for count in counts.values() for outcome in OUTCOMES[2:]) else 0


def _give_next(child: Child, numbers: Iterator[int]) -> bool:
    number = next(numbers, None)
    if number is not None:
        child.give(number)
    return number is not None


def _keep_input(file: Path, data: bytes, said: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    file.with_name(f"{file.name}.said.txt").write_text(said, encoding="utf-8", errors="backslashreplace")


def format_counts(counts: dict[str, Counter[str]], *, seed: int, seconds: float) -> str:
    """A line a kind, a column an outcome, their sums below."""
    total = sum(counts.values(), Counter[str]())
    rows = [(kind, counts[kind]) for kind in sorted(counts)] + [("all", total)]
    lines = [" ".join([f"{'':14}", *(f"{outcome:>10}" for outcome in OUTCOMES)])]
    lines += [" ".join([f"{kind:14}", *(f"{count[outcome]:>10,}" for outcome in OUTCOMES)]) for kind, count in rows]
    return "\n".join([*lines, f"seed {seed}: {total.total():,} inputs of at most {MOST:,} bytes in {seconds:.0f} s"])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="read this input alone and show what was said")
    parser.add_argument("--kinds", nargs="+", choices=list(list_kinds()), default=list(list_kinds()), metavar="KIND")
    parser.add_argument("--jobs", type=int, default=2, help="how many children read")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="processor time for an input")
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="memory for an input, beside what the program takes")
    parser.add_argument("--keep", type=Path, default=Path("artifacts/fuzz"), help="where offending inputs are kept")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        be_child(options.seed, kinds=options.kinds, seconds=options.seconds, megabytes=options.megabytes)
        return 0
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
