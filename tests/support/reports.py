"""Assessments whose every text is hostile, for tests of what a report does with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from core.data.dataset import Dataset
from core.recommendation.assess import Assessment

ATTACK = (
    "</script><script>window.hacked = 1</script><img src=http://example.com/x.png onerror=window.hacked=1> "
    "![x](http://example.com/y.png) [a](javascript:alert(1)) <b>b</b> `c` **d** _e_ | f $g$ & &lt; http://example.com/z"
)


def make_hostile(assessment: Assessment, dataset: Dataset) -> tuple[Assessment, Dataset]:
    """The two with ATTACK put before every text that a user could have written, and every sentence that could quote one.

    Names of systems, documents' and queries' ids stay, since other parts refer to them.
    """
    said = assessment.recommendation
    sentences = {
        name: tuple(ATTACK + item for item in getattr(said, name)) or (ATTACK,)
        for name in ("reasons", "costs", "risks", "next", "changes", "flags")
    }
    recommendation = dataclasses.replace(
        said,
        **sentences,  # type: ignore[arg-type]
        sentence=ATTACK + said.sentence,
        how_sure=ATTACK,
        fine_tuning={**said.fine_tuning, "reason": ATTACK},
        ruled_out=tuple({**one, "why": ATTACK, "title": ATTACK} for one in said.ruled_out),
        suspects=(ATTACK, *said.suspects),
        fixes=tuple(dict.fromkeys([*said.fixes, *dataset.queries["query_id"].iloc[-1:]])),
    )
    slices = assessment.analysis.slices.assign(slice="tag: " + ATTACK)
    texts = dataset.documents.assign(title=ATTACK + dataset.documents["title"], text=ATTACK + dataset.documents["text"])
    queries = dataset.queries.assign(text=ATTACK + dataset.queries["text"])
    experiment = dataclasses.replace(assessment.experiment, dataset={**assessment.experiment.dataset, "name": ATTACK})
    hostile = dataclasses.replace(
        assessment,
        recommendation=recommendation,
        experiment=experiment,
        ladder=tuple(_spoil(row) for row in assessment.ladder),
        analysis=dataclasses.replace(assessment.analysis, slices=slices),
        split={**assessment.split, "warnings": [ATTACK]},
        errors={ATTACK: ATTACK},
    )
    return hostile, dataclasses.replace(dataset, documents=texts, queries=queries, warnings=(ATTACK,))


def _spoil(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{name: ATTACK + row[name] for name in ("title", "what", "one_time", "why_not", "note") if name in row}}
