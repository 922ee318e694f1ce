"""A workspace in which every name and text that could be somebody else's is hostile, for what shows or writes them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from core.costs.prices import Price, PriceTable, read_shipped, write_prices
from core.data.catalog import open_dataset
from core.experiment.compare import compare
from core.experiment.history import edit_experiment, save_experiment
from core.jobs.kinds import COMPARE, TRAIN, VERSIONS
from core.jobs.state import FAILED, Job
from core.recommendation.assess import Assessment
from core.recommendation.files import save_assessment
from core.records import encode
from core.systems.available import save_own_system
from core.systems.named import make_named_systems
from core.systems.system import System
from core.systems.trained import TrainedModel, save_model
from core.trained_model.evaluation_file import read_evaluation, write_evaluation
from core.versions.request import PROMOTE, VersionRequest
from core.workspace import Workspace
from tests.support.assessments import HOSTILE_QUERY, make_assessment
from tests.support.hostile import ALL, LINES, TRICKS
from tests.support.jobs import write_running
from tests.support.once import make_once
from tests.support.trained import DATASET as LABELLED
from tests.support.trained import REQUEST, make_trained
from tests.support.versions import put_live, resources_of, write_failed_evaluation

# Its own data, under a name that a folder can have; the hostile assessment and model belong to LABELLED, whose queries hold
# some markup.
DATASET = "=1+1 <img src=x onerror=window.hacked=6> ![i](x) [l](javascript:window.hacked=7) <b>bold $z$ `code` :red[warm]"
OWN = f"<b>bold</b> {ALL[:40]}"
TEXT = f"{ALL} {LINES}"
_PAIRS = tuple(f"{first} {second}" for first, second in zip(TRICKS[::2], TRICKS[1::2], strict=True))


def make_hostile_workspace(workspace: Path) -> tuple[TrainedModel, str]:
    """(the ordinary model, beside which there is a newer, hostile one; the version that was live before). Made once a run, then
    copied into the workspace."""
    made, told = make_once(_make)
    shutil.copytree(made, workspace, dirs_exist_ok=True)
    return told


def write_hostile_dataset(folder: Path) -> Path:
    """As many documents and queries as pairs of tricks, and their labels; every id, title, text, tag, metadata field and value
    holds tricks."""
    folder.mkdir(parents=True)
    documents: list[dict[str, Any]] = []
    queries: list[dict[str, Any]] = []
    labels = ["query-id\tcorpus-id\tscore"]
    for number, pair in enumerate(_PAIRS):
        document, query, field, text = f"d{number} {pair}", f"q{number} {pair}", f"field {pair}", f"Topic{number} {TEXT}"
        metadata = {ALL: TEXT, field: pair}
        documents.append({"_id": document, "title": text, "text": f"{text}\n\n# {TEXT}", "metadata": metadata})
        queries.append({"_id": query, "text": text, "tags": [pair], "filter": {field: pair}})
        labels.append(f"{query}\t{document}\t1")
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "qrels.tsv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return folder


def make_own_system() -> System:
    """Word matching, which needs no model, under a hostile name."""
    return System(OWN, TEXT, lexical=make_named_systems()["bm25"].lexical)


def write_hostile_job(store: Workspace, **changes: Any) -> Job:
    """A comparison of another machine, as it runs: every page draws it once a second."""
    options = {"title": ALL, "label": TEXT, "systems": (make_own_system().to_spec(),), "host": ALL, **changes}
    return write_running(store, COMPARE, id="20990101-000000-cccc", dataset=DATASET, **options)


def _make(workspace: Path) -> tuple[TrainedModel, str]:
    store = Workspace(workspace)
    _, assessment = make_assessment(workspace)
    save_assessment(_spoil(assessment), store)
    _, model = make_trained(workspace)
    _add_hostile_model(model, store)
    row = Price("hostile", f"={ALL}", "cpu_hour", "vCPU-hour", 1.0, TEXT, "2026", TEXT)
    write_prices(PriceTable((*read_shipped().prices, row)), store)
    folder = write_hostile_dataset(store.datasets / DATASET)
    dataset, known, own = open_dataset(DATASET, store), make_named_systems(), make_own_system()
    save_own_system(own, store)
    systems = {"bm25": known["bm25"], "bm25-filtered": known["bm25-filtered"], own.name: own}
    experiment = compare(dataset, systems, workspace=store, name=ALL)
    save_experiment(experiment, store)
    edit_experiment(experiment.id, store, note=TEXT)
    resources = resources_of(workspace)
    first = put_live(dataset, known["bm25"], resources)
    version = put_live(dataset, dataclasses.replace(own, filter=True), resources)
    write_failed_evaluation(version, store, against=ALL, sentence=f"Does not pass: {TEXT}")
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as out:  # so that nothing is up to date
        out.write(json.dumps({"_id": ALL, "title": TEXT, "text": TEXT}) + "\n")
    request = encode(VersionRequest(PROMOTE, version=ALL))
    ended = {"state": FAILED, "error": TEXT, "title": ALL}
    write_running(store, VERSIONS, id="20990101-000000-aaaa", dataset=DATASET, options=request, **ended)
    write_running(store, TRAIN, id="20990101-000000-bbbb", dataset=LABELLED, options=encode(REQUEST), **ended)
    return model, first.id


def _spoil(assessment: Assessment) -> Assessment:
    """Every sentence, and every name that is shown and not looked up; the baseline fails the query that holds markup."""
    said, analysis = assessment.recommendation, assessment.analysis
    advice = dataclasses.replace(
        said, sentence=TEXT, how_sure=TEXT, reasons=(TEXT,), flags=(TEXT,), next=(TEXT,), costs=(TEXT,), risks=(TEXT,),
        changes=(TEXT,), fixes=(HOSTILE_QUERY,), suspects=(HOSTILE_QUERY,),
        ruled_out=({"rung": "chunking", "title": TEXT, "system": ALL, "why": TEXT},),
        stability={**dataclasses.asdict(said)["stability"], "deciding": [HOSTILE_QUERY]},
        fine_tuning={"answer": TEXT, "reason": TEXT, "kind": ""},
    )  # fmt: skip
    failures = analysis.failures.copy()
    failures.loc[0, "query_id"] = HOSTILE_QUERY
    failures.loc[0, "evidence"] = f"The answer is at rank 9 of dense; both texts hold “{TEXT}”."
    hostile = dataclasses.replace(
        analysis,
        failures=failures,
        slices=analysis.slices.assign(slice=analysis.slices["slice"].replace("tag: code", f"tag: {ALL}")),
        members={**analysis.members, f"tag: {ALL}": analysis.members["tag: code"]},
        metadata={
            **analysis.metadata,
            "fields": [{**row, "field": ALL} for row in analysis.metadata["fields"]],
            "recommended": [ALL],
        },
    )
    experiment = dataclasses.replace(
        assessment.experiment,
        name=ALL,
        systems=tuple(
            dataclasses.replace(system, spec={**system.spec, "description": TEXT}) for system in assessment.experiment.systems
        ),
    )
    return dataclasses.replace(
        assessment,
        recommendation=advice,
        ladder=tuple({**row, "title": f"{row['title']} {ALL}", "one_time": TEXT, "why_not": TEXT, "note": TEXT}
                     for row in assessment.ladder),
        analysis=hostile,
        experiment=experiment,
        split={**assessment.split, "warnings": [TEXT]},
        errors={ALL: TEXT},
    )  # fmt: skip


def _add_hostile_model(model: TrainedModel, store: Workspace) -> None:
    """The newest model: everything in it that stems from data holds tricks."""
    told = read_evaluation(model, store)
    hostile = dataclasses.replace(
        model,
        id="adapter-00000000ff",
        created="2099-01-01T10:20:30+00:00",
        metrics={**model.metrics, "device": TEXT},
        data={**model.data, "checks": [{**check, "sentence": TEXT} for check in model.data["checks"]]},
    )
    save_model(hostile, store)
    changes = {
        "comparisons": [{**row, "system": ALL, "baseline": ALL} for row in told["comparisons"]],
        "regressions": [{**row, "query_id": HOSTILE_QUERY, "text": f"markup {TEXT}"} for row in told["regressions"]],
        "adoption": {**told["adoption"], "sentence": TEXT},
        "learning_curve": {**told["learning_curve"], "words": TEXT},
    }
    write_evaluation(hostile, store, **{**told, **changes})
