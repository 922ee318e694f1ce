"""python -m core versions, promote, rollback, refresh: the index that answers, the next one, and the way back."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

from core.cli.commands import COMMANDS
from core.cli.job import run_and_show
from core.cli.lookup import open_dataset, open_workspace, pick_systems
from core.cli.terminal import (
    DATASET_HELP,
    add_output_options,
    check_target,
    print_warnings,
    print_words,
    write_result,
)
from core.data.catalog import find_dataset
from core.data.dataset import Dataset
from core.errors import InputError
from core.graph.resources import Resources
from core.jobs.kinds.versions import make_version_job
from core.systems.available import list_available
from core.systems.system import System
from core.text.phrases import count_of, describe_duration
from core.versions.build import VersionPlan, plan_version
from core.versions.contents import open_version
from core.versions.promote import BARS, Bar
from core.versions.refresh import look_for_changes
from core.versions.request import BUILD, PROMOTE, REFRESH, VersionRequest
from core.versions.version import (
    Version,
    discard_unfinished,
    list_datasets_with_versions,
    list_unfinished,
    list_versions,
    load_version,
    measure_size,
    prune_versions,
    read_evaluation,
    read_live,
    remove_version,
    rollback,
)
from core.workspace import Workspace

_HITS = 5  # shown of a typed query


def add_versions_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    _add_shared_options(parser, "versions", run_versions)
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--plan", metavar="SYSTEM", help="say what building the index of a system takes, and build nothing")
    task.add_argument("--build", metavar="SYSTEM", help="build it beside the live one; `promote` lets it answer")
    task.add_argument("--query", metavar="TEXT", help="ask the live version")
    task.add_argument("--remove", metavar="VERSION", help="delete a version that is not live, or what a build has left")
    task.add_argument("--keep", type=int, metavar="N", help="delete all but the live one and the N before it")


def add_promote_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    _add_shared_options(parser, "promote", run_promote)
    parser.add_argument("version", metavar="VERSION", help="id from `versions`")
    parser.add_argument("--bar", choices=BARS, default=BARS[0], help="what it has to be on the test queries (%(default)s)")
    parser.add_argument(
        "--min-gain", type=float, default=Bar.min_gain, metavar="X", help="smallest useful difference (%(default)s)"
    )
    parser.add_argument("--measure", default="", metavar="NAME", help="measure of the bar (default: as the data allow)")
    parser.add_argument("--least", type=float, metavar="X", help="mean that it must reach besides")
    parser.add_argument("--anyway", action="store_true", help="also if it does not pass; the log will say so")


def add_rollback_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    _add_shared_options(parser, "rollback", run_rollback)


def add_refresh_options(parser: argparse.ArgumentParser) -> None:
    """The command's options, and what runs it."""
    _add_shared_options(parser, "refresh", run_refresh)
    parser.add_argument("--dry-run", action="store_true", help="say what changed, and do nothing")


def _add_shared_options(parser: argparse.ArgumentParser, command: str, run: Callable[[argparse.Namespace], int]) -> None:
    words = COMMANDS[command].words
    parser.description = words[:1].upper() + words[1:] + "."
    parser.add_argument("dataset", metavar="DATASET", help=DATASET_HELP)
    add_output_options(parser)
    parser.set_defaults(run=run)


def run_versions(options: argparse.Namespace) -> int:
    """versions DATASET: without a task the list."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    if options.plan:
        dataset = open_dataset(options.dataset, workspace)
        plan = plan_version(dataset, find_system(options.plan, dataset.name, workspace), Resources(workspace))
        return finish(plan.to_json(), format_plan(plan), options)
    if options.build:
        dataset = open_dataset(options.dataset, workspace)
        print_warnings(dataset)
        request = VersionRequest(BUILD, system=find_system(options.build, dataset.name, workspace).to_spec())
        made = run_request(dataset, request, workspace)
        return finish(made, format_built(made), options)
    name = find_name(options.dataset, workspace)
    if options.query:
        found = ask_live(name, options.query, workspace)
        return finish(found, format_hits(found), options)
    if options.remove:
        words = remove(options.remove, name, workspace)
        return finish({"removed": options.remove}, words, options)
    if options.keep is not None:
        gone = prune_versions(name, workspace, keep=options.keep)
        return finish({"removed": gone}, f"{count_of(len(gone), 'version')} removed. {' '.join(gone)}".strip(), options)
    told = describe_versions(name, workspace)
    return finish(told, format_versions(told), options)


def run_promote(options: argparse.Namespace) -> int:
    """promote DATASET VERSION: exit code 1 if it does not pass."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    bar = Bar(options.bar, min_gain=options.min_gain, measure=options.measure, least=options.least)
    dataset = open_dataset(options.dataset, workspace)
    print_warnings(dataset)
    request = VersionRequest(PROMOTE, version=options.version, bar=bar, anyway=options.anyway)
    told = run_request(dataset, request, workspace)
    words = f"{options.version} is live." if told["promoted"] else f"{options.version} is not promoted."
    finish(told, f"{told['sentence']}\n{words}", options)
    return 0 if told["promoted"] else 1


def run_rollback(options: argparse.Namespace) -> int:
    """rollback DATASET: the version before answers again."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    name = find_name(options.dataset, workspace)
    before = read_live(name, workspace).version
    live = rollback(name, workspace)
    return finish({"live": live.version, "before": before}, f"{live.version} is live again, instead of {before}.", options)


def run_refresh(options: argparse.Namespace) -> int:
    """refresh DATASET: brings the live version up to date, or only says what changed."""
    workspace = open_workspace(options.workspace)
    check_target("--json", options.json)
    dataset = open_dataset(options.dataset, workspace)
    print_warnings(dataset)
    if options.dry_run:
        version, changes = look_for_changes(dataset, Resources(workspace))
        told = {"version": version.id, "changes": changes.to_json()}
        return finish(told, f"Against {version.id}: {format_changes(changes.to_json())}.", options)
    told = run_request(dataset, VersionRequest(REFRESH), workspace)
    return finish(told, format_refreshed(told), options)


def run_request(dataset: Dataset, request: VersionRequest, workspace: Workspace) -> dict[str, Any]:
    """The request as a job of this process, with its progress."""
    told: dict[str, Any] = run_and_show(make_version_job(dataset.name, request), dataset, workspace)
    return told


def finish(told: dict[str, Any], words: str, options: argparse.Namespace) -> int:
    """Writes the JSON, prints the words (to standard error if the JSON goes to standard output)."""
    if options.json is not None:
        write_result(told, options.json)
    print_words(words, options.json)
    return 0


def find_name(dataset: str, workspace: Workspace) -> str:
    """The dataset's name; also of one that was removed, as long as it has versions. InputError lists what there is."""
    if dataset in list_datasets_with_versions(workspace):
        return dataset
    return find_dataset(dataset, workspace).name


def find_system(name: str, dataset: str, workspace: Workspace) -> System:
    """InputError lists what there is."""
    return pick_systems([name], list_available(workspace, dataset=dataset))[name]


def describe_versions(dataset: str, workspace: Workspace) -> dict[str, Any]:
    """The JSON of `versions`: {dataset, live, previous, log, versions: [...], unfinished: [...]}."""
    live = read_live(dataset, workspace)
    rows = [describe_version(version, workspace) for version in list_versions(dataset, workspace)]
    unfinished = [{"id": version.id, "system": version.name, "created": version.created} for version in
                  list_unfinished(dataset, workspace)]  # fmt: skip
    return {"dataset": dataset, **dataclasses.asdict(live), "live": live.version, "versions": rows, "unfinished": unfinished}


def describe_version(version: Version, workspace: Workspace) -> dict[str, Any]:
    """The JSON of one version: its fields, {chunking, bytes, is_live, evaluation}."""
    return {
        **dataclasses.asdict(version),
        "chunking": version.chunking,
        "bytes": measure_size(version, workspace),
        "is_live": read_live(version.dataset, workspace).version == version.id,
        "evaluation": read_evaluation(version, workspace),
    }


def format_versions(told: dict[str, Any]) -> str:
    """A line for each version, the live one marked by >; then what is unfinished."""
    if not told["versions"] and not told["unfinished"]:
        return f"No index version of {told['dataset']} yet. Build one: python -m core versions {told['dataset']} --build dense"
    width = max([len(row["id"]) for row in told["versions"]], default=10)
    lines = [f"  {'version':{width}} {'model':24} {'chunking':24} {'documents':>9} {'passages':>8} {'MB':>7}  built"]
    for row in told["versions"]:
        mark = ">" if row["is_live"] else " "
        when = row["created"][:16].replace("T", " ")
        model = row["model"] or "word matching"
        lines.append(
            f"{mark} {row['id']:{width}} {model:24} {row['chunking']:24} {row['documents']:>9,} {row['passages']:>8,} "
            f"{row['bytes'] / 1e6:>7.1f}  {when}"
        )
    live = f"> answers now; before it {told['previous'][-1]}" if told["previous"] else "> answers now"
    lines.append(live if told["live"] else "None is live yet: python -m core promote " + told["dataset"] + " VERSION")
    lines += [
        f"Unfinished: {row['id']}. The same --build goes on; --remove {row['id']} discards it." for row in told["unfinished"]
    ]
    return "\n".join(lines)


def format_plan(plan: VersionPlan) -> str:
    """What building a version would take, in seconds, dollars and MB."""
    if plan.exists:
        return f"{plan.id} is built already; promote it with: python -m core promote {plan.dataset} {plan.id}"
    took = f"{describe_duration(plan.embed_seconds)} to embed and {describe_duration(plan.index_seconds)} to index"
    return (
        f"{plan.id}: {plan.documents:,} documents, {plan.passages:,} passages, of which {plan.texts:,} have to be embedded.\n"
        f"Takes about {took} here (${plan.usd:.4f} for the machine), "
        f"and {plan.disk_bytes / 1e6:.1f} MB on disk beside the live version.\n"
        f"Before it answers, `promote` measures it on about {plan.test_queries} test queries: by default it must be "
        f"{Bar().describe()}."
    )


def format_built(made: dict[str, Any]) -> str:
    """What a build has made, and whether it answers already."""
    work = made["work"]
    return (
        f"{made['id']}: {made['documents']:,} documents, {made['passages']:,} passages, {made['bytes'] / 1e6:.1f} MB; "
        f"{work['encoded_texts']:,} texts embedded, {describe_duration(work['seconds'])}.\n"
        + ("It is live." if made["is_live"] else f"Not live yet: python -m core promote {made['dataset']} {made['id']}")
    )


def format_changes(changes: dict[str, Any]) -> str:
    """ "2 documents added, 1 changed, 0 deleted (3.0% of 100)" """
    added, changed, deleted = (len(changes[name]) for name in ("added", "changed", "deleted"))
    share = f"{changes['share']:.1%} of {changes['before']:,}"
    return f"{count_of(added, 'document')} added, {changed} changed, {deleted} deleted ({share})"


def format_refreshed(told: dict[str, Any]) -> str:
    """What a refresh did, what each percent of the documents cost, and what retraining as often would."""
    if not (told["changes"]["added"] or told["changes"]["changed"] or told["changes"]["deleted"]):
        return f"Nothing changed; {told['version']} is up to date."
    refresh, again = told["refresh"], told["retraining"]
    basis = "as measured" if again["measured"] else "estimated"
    took = f"{refresh['seconds']:.1f} s ({told['load_seconds']:.1f} s of it to load the model)"
    each = f"{refresh['seconds_per_percent']:.2f} s (${refresh['usd_per_percent']:.6f})"
    return (
        f"{format_changes(told['changes'])}.\n"
        f"{count_of(told['encoded_texts'], 'text')} embedded, {count_of(told['passages_added'], 'passage')} added, "
        f"{told['passages_removed']} removed, in {took}: {each} for each percent of the documents.\n"
        f"Training an embedding model as often would take {describe_duration(again['seconds'])} each time ({basis}; "
        f"{describe_duration(again['embed_seconds'])} of it to embed everything anew), ${again['usd']:.4f}.\n"
        f"{told['version']} is live."
    )


def ask_live(dataset: str, text: str, workspace: Workspace) -> dict[str, Any]:
    """{version, seconds, hits: [{rank, doc_id, score, title, text}]} of a typed query. InputError if nothing is live."""
    live = read_live(dataset, workspace).version
    if not live:
        raise InputError(f"no version of {dataset} is live; build one with `versions {dataset} --build SYSTEM` and promote it")
    version = load_version(live, dataset, workspace)
    search = open_version(version, workspace)
    answer = search.search([text], {version.name: version.read_system()}, depth=_HITS)[version.name]
    if answer.error:
        raise InputError(answer.error)
    by_id = search.dataset.documents.set_index("doc_id")
    hits = [
        {"rank": int(row.rank), "doc_id": row.doc_id, "score": float(row.score), "title": by_id.at[row.doc_id, "title"],
         "text": by_id.at[row.doc_id, "text"][int(row.start) : int(row.end)]}
        for row in answer.documents.itertuples()
    ]  # fmt: skip
    return {"version": version.id, "seconds": answer.seconds, "hits": hits}


def format_hits(found: dict[str, Any]) -> str:
    """The hits of a typed query, two lines each."""
    lines = [f"{found['version']}, {1000 * found['seconds']:.0f} ms"]
    for hit in found["hits"]:
        text = " ".join(hit["text"].split())
        lines.append(f"{hit['rank']}. {hit['doc_id']}  {hit['title']}\n   {text[:160]}{'…' if len(text) > 160 else ''}")
    return "\n".join(lines) if found["hits"] else lines[0] + "\nNo hit."


def remove(version_id: str, dataset: str, workspace: Workspace) -> str:
    """Deletes a version, or what a build that broke off has left."""
    if version_id in {version.id for version in list_unfinished(dataset, workspace)}:
        discard_unfinished(version_id, dataset, workspace)
        return f"What the build of {version_id} had left is removed."
    remove_version(version_id, dataset, workspace)
    return f"{version_id} is removed."


OPTIONS = {
    "versions": add_versions_options,
    "promote": add_promote_options,
    "rollback": add_rollback_options,
    "refresh": add_refresh_options,
}
