"""make bench: how fast the product is, as ratios measured in one run on this machine.

Uses Cranfield if it lies at ../shared/data/cranfield, else the sample product_docs. Takes several minutes: texts are
encoded twice, once by the product and once by the bare model for comparison. Nothing here is a test.
`--only scaling` (or another part) runs one part alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.data.load import load_dataset
from core.graph.execute import Execution
from core.graph.resources import Models, Resources
from core.ladder.variants import list_embedding_systems
from core.live.search import LiveSearch
from core.scaling.measure import measure_scaling
from core.scaling.scaling import Scaling
from core.schema import list_passages
from core.settings import DEFAULT_MODEL, SAMPLES
from core.stages.embed import load_encoder
from core.stages.index_lexical import IndexBm25, build_index, encode_terms
from core.stages.retrieve import score_terms
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import System
from core.text.words import Analyzer
from core.versions.contents import open_version
from core.versions.version import load_version
from core.workspace import Workspace

SYSTEMS = ("dense", "dense-chunk128", "bm25", "hybrid-rrf", "hybrid-weighted", "dense-filtered")
_RUN = (
    "import sys; from core.cli.main import main; code = main(sys.argv[1:]); "
    "print('torch' in sys.modules, file=sys.stderr); sys.exit(code)"
)


PARTS = ("compare", "recommend", "training", "refresh", "query", "scaling", "start", "lexical")
COLD = PARTS[:4]  # each in an empty workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=None, help="a folder; default Cranfield if present, else product_docs")
    parser.add_argument("--skip-cold", action="store_true", help="leave the slow part out")
    parser.add_argument("--only", choices=PARTS, default=None, help="run one part alone")
    parser.add_argument(
        "--workspace", type=Path, default=None, help="where query and scaling find vectors; default an empty one"
    )
    options = parser.parse_args()
    cranfield = ROOT.parent / "shared" / "data" / "cranfield"
    dataset = options.dataset or (cranfield if cranfield.is_dir() else SAMPLES / "product_docs")
    parts = [options.only] if options.only else [part for part in PARTS if not (options.skip_cold and part in COLD)]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        warm = options.workspace or workspace / "ws"
        print(f"dataset {dataset.name}, systems {', '.join(SYSTEMS)}")
        if "compare" in parts:
            bench_compare(dataset, workspace)
        if "recommend" in parts:
            bench_recommend(Path(tempfile.mkdtemp(dir=folder)))
        if "training" in parts:
            bench_training(dataset, Path(tempfile.mkdtemp(dir=folder)))
        if "refresh" in parts:
            bench_refresh(dataset, Path(tempfile.mkdtemp(dir=folder)))
        if "query" in parts:
            bench_query(dataset, warm)
        if "scaling" in parts:
            bench_scaling(dataset, warm)
        if "start" in parts:
            bench_start(dataset, warm)
    if "lexical" in parts:
        bench_lexical()


def bench_compare(dataset: Path, workspace: Path) -> None:
    """Cold run against the encoding of its texts by themselves; then the same command again."""
    seconds, torch, result = run_compare(dataset, workspace)
    cold = result["timings"]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"cold run: {seconds:.1f} s, {cold['encoded_texts']} texts encoded in {cold['encode_seconds']:.1f} s")
    print(f"peak memory of the cold run: {children.ru_maxrss / 1e6:.2f} GB (at most 2)")
    bare = encode_alone(dataset, [make_named_systems()[name] for name in SYSTEMS])
    print(f"the same texts encoded by the bare model: {bare:.1f} s")
    print(f"RATIO cold run / encoding alone: {seconds / bare:.2f} (at most 1.3)")
    seconds, torch, result = run_compare(dataset, workspace)
    again = result["timings"]
    print(f"the same command again: {seconds:.1f} s (at most 6), {again['encoded_texts']} texts encoded, torch: {torch}")
    print(f"RATIO again / cold run steps: {again['nodes_run']} of {again['nodes_run'] + again['nodes_cached']} steps run")
    for system in result["systems"]:
        loss = system["index"].get("index_loss")
        measured = system["measures"].get("nDCG@10", {}).get("mean")
        print(f"  {system['name']}: nDCG@10 {measured}, index loss {loss}, latency p95 {system['latency_ms']['p95']:.1f} ms")


def bench_recommend(workspace: Path) -> None:
    """The ladder on the sample from an empty workspace, against the encoding of its texts by themselves; then again."""
    dataset = SAMPLES / "product_docs"
    seconds, _, result = run_command(["recommend", str(dataset)], workspace)
    bare = encode_alone(dataset, list_embedding_systems())
    print(f"recommend product_docs, cold: {seconds:.1f} s; its distinct texts by the bare model: {bare:.1f} s")
    print(f"RATIO (cold - 30 s) / encoding alone: {(seconds - 30) / bare:.2f} (at most 1.5)")
    print(f"  {result['recommendation']['sentence']}")
    seconds, torch, _ = run_command(["recommend", str(dataset)], workspace)
    print(f"the same again: {seconds:.1f} s (at most 10), torch: {torch}")


def bench_training(dataset: Path, workspace: Path) -> None:
    """Each kind of training against encoding the corpus once, both in the same process; then the same request again."""
    for kind in ("embedding", "reranker", "adapter"):
        seconds, _, result = run_command(["train", str(dataset), "--kind", kind, "--quick"], workspace)
        row, encoding = result["comparison"], result["adoption"]["encode_seconds"]
        if kind == "embedding":  # its comparison embeds the corpus once, with the new model
            once = encoding
        trained = f"{result['training_seconds']:.1f} s of training on {result['pairs']} pairs"
        print(f"train --kind {kind}: {trained}, {seconds:.1f} s in all")
        print(f"RATIO training / encoding the corpus once: {result['training_seconds'] / once:.2f} (at most 10)")
        print(f"  {row['measure']} {row['delta']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f}), n = {row['n']}")
    seconds, torch, _ = run_command(["train", str(dataset), "--kind", "embedding", "--quick"], workspace)
    print(f"the same training again: {seconds:.1f} s, torch: {torch}")


def bench_refresh(dataset: Path, folder: Path) -> None:
    """One percent of the documents changed: a refresh against the cold indexing; then its results against a full rebuild's."""
    corpus = Path(shutil.copytree(dataset, folder / dataset.name))
    live, rebuilt = (Path(tempfile.mkdtemp(dir=folder)) for _ in range(2))
    cold, _, built = run_command(["versions", str(corpus), "--build", "dense"], live)
    run_command(["promote", str(corpus), built["id"], "--bar", "any"], live)
    lines = (corpus / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    for number in random.Random(0).sample(range(len(lines)), max(1, len(lines) // 100)):
        record = json.loads(lines[number])
        lines[number] = json.dumps({**record, "text": f"{record['text']} Revised in the light of remark {number}."})
    (corpus / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    warm, _, refreshed = run_command(["refresh", str(corpus)], live)
    print(
        f"refresh of {len(refreshed['changes']['changed'])} of {refreshed['changes']['before']} documents: {warm:.1f} s, "
        f"{refreshed['load_seconds']:.1f} s of it to load the model; cold: {cold:.1f} s"
    )
    print(f"  texts embedded: {refreshed['encoded_texts']}, passages added: {refreshed['passages_added']}")
    working = [took["seconds"] - took["load_seconds"] for took in (refreshed, built["work"])]
    print(f"RATIO refresh / cold indexing: {working[0] / working[1]:.3f} (at most 0.05), without loading the model in either;")
    print(f"  whole commands, each with its start: {warm / cold:.3f}")
    _, _, full = run_command(["versions", str(corpus), "--build", "dense"], rebuilt)
    data = load_dataset(corpus)
    runs = []
    for version_id, place in ((refreshed["version"], live), (full["id"], rebuilt)):
        workspace = Workspace(place / "ws")
        version = load_version(version_id, data.name, workspace)
        found = open_version(version, workspace).search(data.queries["text"].tolist(), {version.name: version.read_system()})
        runs.append(found[version.name].run)
    same = all(runs[0][name].equals(runs[1][name]) for name in ("query_id", "chunk_id", "rank"))
    largest = float(np.abs(runs[0]["score"].to_numpy() - runs[1]["score"].to_numpy()).max()) if same else float("nan")
    print(
        f"exact search after the refresh and after a full rebuild: the same hits {same}, largest score difference {largest:.1e}"
    )


def bench_start(dataset: Path, workspace: Path) -> None:
    """What commands cost on data that they have seen, in CPU time, against importing pandas."""
    compare = ["-m", "core", "compare", str(dataset), "--systems", *SYSTEMS, "--workspace", str(workspace)]
    measure_cpu(compare)  # now everything is cached
    pandas = min(measure_cpu(["-c", "import pandas"]) for _ in range(3))
    for name, arguments, most in (("--help", ["-m", "core", "--help"], 0.5), ("compare, again", compare, 3.0)):
        ratio = min(measure_cpu(arguments) for _ in range(3)) / pandas
        print(f"RATIO {name} / import pandas, CPU time: {ratio:.2f} (at most {most:g})")


def measure_cpu(arguments: Sequence[str]) -> float:
    """CPU seconds of a Python process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_compare(dataset: Path, workspace: Path) -> tuple[float, bool, dict]:
    return run_command(["compare", str(dataset), "--systems", *SYSTEMS], workspace)


def run_command(arguments: Sequence[str], workspace: Path) -> tuple[float, bool, dict]:
    """A command in a process of its own: seconds in all, whether torch was imported, the JSON."""
    file = workspace / "result.json"
    command = [sys.executable, "-c", _RUN, *arguments, "--workspace", str(workspace / "ws"), "--json", str(file)]
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    seconds = time.perf_counter() - started
    return seconds, done.stderr.strip().endswith("True"), json.loads(file.read_text(encoding="utf-8"))


def encode_alone(dataset: Path, systems: Sequence[System]) -> float:
    """Seconds that the bare model takes for the systems' distinct passages and the queries, longest first, with loading."""
    loaded = load_dataset(dataset)
    resources = Resources(Workspace(Path(tempfile.mkdtemp())))
    documents, queries = make_sources(loaded.corpus_fingerprint, "bench")
    execution = Execution({documents.key: loaded.indexed_documents, queries.key: loaded.queries}, resources, use_disk=False)
    texts: set[str] = set()
    for system in systems:
        for node in build(system, documents=documents, queries=queries).walk():
            if node.gives == "chunks" and system.dense is not None:
                texts.update(list_passages(execution.output(node)))
    asked = sorted(set(loaded.queries["text"]), key=len, reverse=True)
    ordered = sorted(texts, key=len, reverse=True)
    started = time.perf_counter()
    encoder = load_encoder(DEFAULT_MODEL)
    encoder.encode(ordered, role="document")
    encoder.encode(asked, role="query")
    return time.perf_counter() - started


def bench_query(dataset: Path, workspace: Path) -> None:
    """One typed query through all six systems from warm indexes."""
    loaded = load_dataset(dataset)
    search = LiveSearch(loaded, Workspace(workspace), Models())
    systems = {name: make_named_systems()[name] for name in SYSTEMS}
    texts = loaded.queries["text"].tolist()[:60]
    for text in texts[:5]:
        search.search([text + " please"], systems)
    seconds = []
    for text in texts:
        started = time.perf_counter()
        search.search([text + " exactly"], systems)  # a text that is in no cache
        seconds.append(time.perf_counter() - started)
    p50, p95 = np.percentile(1000 * np.array(seconds), [50, 95])
    print(f"typed query, {len(SYSTEMS)} systems, warm: p50 {p50:.0f} ms, p95 {p95:.0f} ms (at most 300)")


def bench_scaling(dataset: Path, workspace: Path) -> None:
    """Latency over all documents, estimated from measurements on a quarter of them at most, against what is measured."""
    systems = {name: make_named_systems()[name] for name in ("dense", "bm25", "hybrid-rrf")}
    shares = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
    measured = measure_scaling(load_dataset(dataset), systems, workspace=Workspace(workspace), sizes=shares)
    smaller = {name: dataclasses.replace(system, sizes=system.sizes[:-1]) for name, system in measured.systems.items()}
    fitted = Scaling(measured.corpus_fingerprint, measured.machine, smaller)
    for name, system in measured.systems.items():
        whole = system.sizes[-1]
        estimate = fitted.estimate(name, documents=whole.documents)
        ratio = f"{estimate['p50'] / whole.p50:.2f} (0.7 to 1.3)"
        print(f"RATIO estimate / measured at 4 x the documents: {name} {ratio}")
        stages = (f"{stage} {ms:.2f} / {whole.stages[stage]:.2f}" for stage, ms in estimate["stages"].items())
        print(
            f"  {whole.documents} documents, p50 {estimate['p50']:.1f} / {whole.p50:.1f} ms, n = {whole.n}: {', '.join(stages)}"
        )
        print(f"  expected {estimate['low']:.1f} to {estimate['high']:.1f} ms; held-out error {estimate['error']:.1f} %")


def bench_lexical(*, documents: int = 11_000, queries: int = 100) -> None:
    """One sparse product for all queries against get_scores for each, over made-up texts with Zipf-like words."""
    import pandas as pd
    from rank_bm25 import BM25Okapi

    draw = random.Random(0)
    words = [f"word{number}" for number in range(30_000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]
    analyzer = Analyzer()
    texts = [" ".join(draw.choices(words, weights, k=100)) for _ in range(documents)]
    asked = [" ".join(draw.choices(words, weights, k=12)) for _ in range(queries)]
    made = [analyzer.index(text, "en") for text in texts]
    tokens = [terms for terms, _ in made]
    chunks = pd.DataFrame({"chunk_id": [str(n) for n in range(documents)], "doc_id": [str(n) for n in range(documents)]})
    index = build_index(tokens, chunks, IndexBm25(languages=("en",)), analyzer, apart=[apart for _, apart in made])
    started = time.perf_counter()
    fast = score_terms(encode_terms(asked, index), index)
    ours = time.perf_counter() - started
    reference = BM25Okapi(tokens)
    started = time.perf_counter()
    slow = np.stack([reference.get_scores(list(analyzer.ask(text).elements())) for text in asked])
    theirs = time.perf_counter() - started
    difference = float(np.abs(fast - slow).max())
    print(f"lexical scoring, {queries} queries x {documents} documents: {ours:.3f} s against {theirs:.1f} s of get_scores")
    print(f"RATIO get_scores / ours: {theirs / ours:.0f} (at least 40); largest difference of a score {difference:.1e}")


if __name__ == "__main__":
    main()
