"""The last parts of the report: how it was measured, all numbers, the system to take along, and where it comes from."""

from __future__ import annotations

from core.data.dataset import Dataset
from core.errors import InputError
from core.export.program.write import FILE_NAME, write_program
from core.ladder.goals import RARELY
from core.ladder.rows import list_comparisons, word_verdict
from core.recommendation.assess import Assessment
from core.report.outline.blocks import Bullets, Code, Fact, Section, Table, Text, make_section
from core.report.outline.limits import list_limits
from core.report.outline.provenance import list_versions, write_command
from core.systems.build import resolve_language
from core.systems.system import System
from core.systems.yaml_files import from_spec, write_systems
from core.text.phrases import count_of, join_words


def write_method(assessment: Assessment) -> Section | None:
    """How the queries were split, what was wanted, and what the report does not say."""
    split, goals = assessment.split, assessment.goals
    drawn = "The split came with the data." if split["given"] else "The split was drawn at random, with a fixed seed."
    together = (
        f"The {split['tuning'] + split['test']:,} queries form {count_of(split['groups'], 'group')}: queries that say the same "
        "or rest on the same text are on the same side of the split."
    )
    if split["given"]:
        together = ""
    wanted = [
        f"Measure that chooses: {assessment.primary}.",
        f"Smallest useful gain: {goals.min_gain:g}.",
        f"Target: {goals.target[0]} {goals.target[1]:g}." if goals.target else "No target was set.",
        f"Latency limit: {goals.max_latency_ms:g} ms for 95 of 100 queries." if goals.max_latency_ms is not None else "",
        f"Cost limit: ${goals.max_monthly_usd:,.2f} a month." if goals.max_monthly_usd is not None else "",
        f"Facts change {goals.facts_change}." if goals.facts_change != RARELY else "",
        f"Cross-encoders to try: {join_words(goals.rerankers)}." if goals.rerankers else "",
    ]
    return make_section(
        "method",
        "How it was measured, and its limits",
        [
            Bullets(
                tuple(
                    part
                    for part in (
                        f"{split['tuning']:,} tuning queries, on which everything was chosen; {split['test']:,} test queries, "
                        "opened only once, at the end.",
                        f"{drawn} {together}".strip(),
                        *split["warnings"],
                        *wanted,
                    )
                    if part
                )
            ),
            Fact("Limits", ""),
            Bullets(tuple(list_limits(assessment))),
        ],
    )


def write_numbers(assessment: Assessment) -> Section | None:
    """All numbers, for those who want to check."""
    columns = (
        "Against",
        "System",
        "Change",
        "95 % interval",
        "p, corrected",
        "+ / = / −",
        "Shows from",
        "Settled by",
        "Verdict",
    )
    pairs = [
        (
            pair["baseline"],
            pair["system"],
            f"{pair['delta']:+z.3f}",
            f"{pair['low']:+z.3f} to {pair['high']:+z.3f}",
            f"{pair['p_adjusted']:.4f}",
            f"{pair['wins']} / {pair['ties']} / {pair['losses']}",
            _number(pair["mde"]),
            f"{pair['queries_needed']:,}" if pair["queries_needed"] is not None else "",
            word_verdict(pair),
        )
        for pair in list_comparisons(assessment.comparisons, assessment.ladder)
    ]
    names = dict.fromkeys([assessment.primary, "nDCG@10", "Success@1", "Success@5", "R@100"])
    systems = []
    for system in assessment.experiment.systems:
        cells = [_number(system.measures[name]["mean"]) if name in system.measures else "" for name in names]
        slow = f"{system.latency_ms['p95']:.0f}" if system.latency_ms else ""
        systems.append((system.name, *cells, slow))
    return make_section(
        "numbers",
        "All numbers",
        [
            Table(
                columns=columns,
                rows=tuple(pairs),
                caption=(
                    f"Every rung against the system below it, in {assessment.primary}. “+ / = / −”: queries that gain, "
                    "stay and lose. “Shows from”: smallest difference that shows. “Settled by”: test queries after which "
                    "it is certain whether the difference is useful."
                ),
                numbers=(2, 3, 4, 5, 6, 7),
                small=True,
            ),
            Table(
                columns=("System", *names, "ms, 95 of 100 queries"),
                rows=tuple(systems),
                caption="Means of all systems on the test queries.",
                numbers=tuple(range(1, len(names) + 2)),
                small=True,
            ),
        ],
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def write_system(assessment: Assessment, dataset: Dataset) -> Section | None:
    """The recommended system as settings and as a program."""
    system = find_system(assessment)
    return make_section(
        "system",
        f"The system: {system.name}",
        [
            Text("As settings, which the command line and the page Experiment read:", "intro"),
            Code(write_systems([system]), "system.yaml", "yaml"),
            *_show_program(resolve_language(system, dataset), assessment, dataset),
        ],
    )


def _show_program(system: System, assessment: Assessment, dataset: Dataset) -> list[Text | Code]:
    """The program, or why there is none: the rest of a report stands without it."""
    try:
        name = str(assessment.experiment.dataset["name"])
        program = write_program(system, dataset_name=name, leave_out_query=dataset.asks_by_document)
    except InputError as error:
        return [Text(str(error), "intro")]
    intro = Text("As a program of its own, which needs nothing of this tool:", "intro")
    return [intro, Code(program, FILE_NAME, "python", folded=True)]


def write_origin(assessment: Assessment, dataset: Dataset) -> Section | None:
    """The command that repeats it, the data's fingerprints, and the versions of packages."""
    facts = assessment.experiment.dataset
    counts = f"{facts['documents']:,} documents, {facts['queries']:,} queries, {facts['judgments']:,} labels"
    counts += f", {facts['evidence']:,} passages of evidence" if facts["evidence"] else ""
    rows = [
        ("Data", f"{facts['name']}: {counts}"),
        ("Fingerprint of the data", facts["fingerprint"]),
        ("Fingerprint of the corpus", facts["corpus_fingerprint"]),
        ("Measured", assessment.experiment.created),
        ("Experiment", assessment.id),
        ("Seed", str(assessment.goals.seed)),
        *list_versions(),
    ]
    return make_section(
        "origin",
        "Where this comes from",
        [
            Text("The command that repeats it:", "intro"),
            Code(write_command(assessment) + "\n", "repeat.sh", "sh"),
            Bullets(tuple(dataset.warnings)),
            Table(columns=("", ""), rows=tuple((name, str(value)) for name, value in rows), small=True),
        ],
    )


def find_system(assessment: Assessment) -> System:
    """The recommended system as it was run."""
    name = assessment.recommendation.system
    return from_spec(next(system.spec for system in assessment.experiment.systems if system.name == name))
