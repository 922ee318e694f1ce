"""The split: seeded, stratified, and nothing that says the same on both sides."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from core.data.split import group_queries, make_split
from core.errors import InputError
from core.schema import EVIDENCE, QUERIES, empty
from core.text.same_text import normalise_text

NO_EVIDENCE = empty(EVIDENCE)


def make_queries(
    texts: list[str], *, splits: list[str] | None = None, tags: list[tuple[str, ...]] | None = None
) -> pd.DataFrame:
    size = len(texts)
    ids = [f"q{number}" for number in range(size)]
    rows = zip(ids, texts, splits or [""] * size, [{}] * size, tags or [()] * size, [""] * size, strict=True)
    return pd.DataFrame(list(rows), columns=QUERIES)


def make_evidence(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=EVIDENCE)


HUNDRED = make_queries([f"question number {n}" for n in range(100)], tags=[("a",) if n < 80 else ("b",) for n in range(100)])


def test_thirty_percent_tune_and_every_query_is_on_one_side() -> None:
    split = make_split(HUNDRED, NO_EVIDENCE)
    assert (len(split.tuning), len(split.test), split.groups) == (30, 70, 100)
    assert sorted([*split.tuning, *split.test]) == sorted(HUNDRED["query_id"])


def test_tags_keep_their_share() -> None:
    tuning = set(make_split(HUNDRED, NO_EVIDENCE).tuning)
    assert len(tuning & {f"q{n}" for n in range(80)}) == 24  # 30 % of 80
    assert len(tuning & {f"q{n}" for n in range(80, 100)}) == 6  # 30 % of 20


def test_the_seed_decides() -> None:
    assert make_split(HUNDRED, NO_EVIDENCE, seed=1) == make_split(HUNDRED, NO_EVIDENCE, seed=1)
    assert make_split(HUNDRED, NO_EVIDENCE, seed=1).tuning != make_split(HUNDRED, NO_EVIDENCE, seed=2).tuning


def test_at_least_twenty_tune_but_never_more_than_half() -> None:
    assert len(make_split(HUNDRED.head(50), NO_EVIDENCE).tuning) == 20  # 30 % would be 15
    small = make_split(HUNDRED.head(30), NO_EVIDENCE)
    assert len(small.tuning) == 15
    assert small.warnings == ("Only 15 queries are left for tuning; choices made on so few are unsure. Label more queries.",)


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="it must lie between 0 and 1"):
        make_split(HUNDRED, NO_EVIDENCE, share=share)


def test_equal_texts_equal_spans_and_near_vectors_are_one_group() -> None:
    queries = make_queries(["Reset the hub?", "reset  the HUB", "lost code", "forgot pin", "battery", "cell", "alone"])
    evidence = make_evidence(("q2", "d", 10, 30), ("q3", "d", 29, 40), ("q4", "d", 40, 50), ("q6", "e", 10, 30))
    vectors = np.eye(7)
    vectors[5] = [0, 0, 0, 0, 0.96, 0.28, 0]  # cosine .96 with "battery"; length 1
    groups = group_queries(queries, evidence, vectors=vectors)
    # q2 and q3 overlap by one character; q3 and q4 only touch, q6 lies in another document
    assert groups["q0"] == groups["q1"]
    assert groups["q2"] == groups["q3"]
    assert groups["q4"] == groups["q5"]
    assert len({groups[name] for name in ("q0", "q2", "q4", "q6")}) == 4


def test_groups_never_straddle() -> None:
    """Fifty pairs of the same text: whatever the seed, both twins lie on one side."""
    queries = make_queries([f"text {n // 2}" for n in range(100)])
    for seed in range(5):
        tuning = set(make_split(queries, NO_EVIDENCE, seed=seed).tuning)
        assert len(tuning) == 30
        assert all((f"q{n}" in tuning) == (f"q{n + 1}" in tuning) for n in range(0, 100, 2))


def test_a_given_split_is_kept_and_its_leaks_are_named() -> None:
    queries = make_queries(["reset hub", "Reset hub!", "other"], splits=["tuning", "test", "test"])
    split = make_split(queries, NO_EVIDENCE, least=1)
    assert (split.tuning, split.test, split.given) == (("q0",), ("q1", "q2"), True)
    assert split.warnings == (
        "1 test query says the same as a tuning query or rests on the same text (q1): "
        "results on them flatter whatever was tuned. Move them to one side of the split.",
    )
    clean = make_queries(["reset hub", "battery", "other"], splits=["tuning", "test", "test"])
    assert make_split(clean, NO_EVIDENCE, least=1).warnings == ()
    assert make_split(clean, NO_EVIDENCE).warnings[0].startswith("Only 1 query is left for tuning")


def test_every_tag_gives_its_share_to_tuning() -> None:
    """Ten tags of nine queries: 30 % of nine is 2.7, so each gives two or three, whatever its place in the alphabet."""
    tags = [(f"t{n % 10}",) for n in range(90)]
    queries = HUNDRED.head(90).assign(tags=pd.Series(tags, dtype=object))
    drawn = [make_split(queries, NO_EVIDENCE, seed=seed) for seed in range(20)]
    for split in drawn:
        assert len(split.tuning) == 27
        counts = Counter(int(query[1:]) % 10 for query in split.tuning)
        assert set(counts.values()) == {2, 3} and len(counts) == 10
    assert len({split.tuning for split in drawn}) == 20
    assert len({tuple(sorted(Counter(int(q[1:]) % 10 for q in split.tuning).items())) for split in drawn}) > 1


def test_queries_with_tags_of_their_own_are_drawn_at_random() -> None:
    queries = HUNDRED.assign(tags=pd.Series([(f"own {n}",) for n in range(100)], dtype=object))
    assert len({make_split(queries, NO_EVIDENCE, seed=seed).tuning for seed in range(20)}) == 20


def test_normalised_text() -> None:
    assert normalise_text("  KH-4012:  What now?\n") == "kh 4012 what now"
    assert normalise_text("富士山は 高い。") == normalise_text("富士山は高い")


def test_redraw_ignores_the_split_that_came_with_the_data() -> None:
    given = HUNDRED.assign(split=["tuning" if n < 50 else "test" for n in range(100)])
    assert make_split(given, NO_EVIDENCE).given
    drawn = make_split(given, NO_EVIDENCE, redraw=True, seed=3)
    assert not drawn.given
    assert len(drawn.tuning) == 30  # 30 % of 100, not the 50 that were given
    assert drawn == make_split(HUNDRED, NO_EVIDENCE, seed=3), "as if none had been given"
    assert drawn.tuning != make_split(given, NO_EVIDENCE, redraw=True, seed=4).tuning


def test_known_groups_are_taken_as_they_are() -> None:
    """Five groups of twenty that nothing in the texts would show."""
    groups = {f"q{n}": n // 20 for n in range(100)}
    for seed in range(5):
        split = make_split(HUNDRED, NO_EVIDENCE, groups=groups, seed=seed)
        assert split.groups == 5
        assert len(split.tuning) == 20  # a second group would make 40, more than the 30 wanted
        assert len({groups[query_id] for query_id in split.tuning}) == 1


def test_known_groups_find_the_leaks_of_a_given_split() -> None:
    given = HUNDRED.head(4).assign(split=["tuning", "test", "tuning", "test"])
    together = make_split(given, NO_EVIDENCE, groups={"q0": 0, "q1": 0, "q2": 1, "q3": 2}, least=2)
    assert len(together.warnings) == 1 and "q1" in together.warnings[0] and "q3" not in together.warnings[0]
    assert make_split(given, NO_EVIDENCE, groups={"q0": 0, "q1": 1, "q2": 0, "q3": 2}, least=2).warnings == ()


def test_equal_groups_give_equal_splits_however_they_are_numbered() -> None:
    """Seeded by the order of the queries, not by the numbers that groups happen to have."""
    computed = make_split(HUNDRED, NO_EVIDENCE, groups=group_queries(HUNDRED, NO_EVIDENCE), seed=5)
    assert computed == make_split(HUNDRED, NO_EVIDENCE, seed=5)
    renumbered = {f"q{n}": 1000 - n for n in range(100)}
    assert make_split(HUNDRED, NO_EVIDENCE, groups=renumbered, seed=5) == computed


def test_a_group_that_is_larger_than_the_share_goes_to_test_whole() -> None:
    groups = {f"q{n}": 0 if n < 60 else n for n in range(100)}
    split = make_split(HUNDRED, NO_EVIDENCE, groups=groups)
    assert set(split.tuning) <= {f"q{n}" for n in range(60, 100)}
    assert len(split.tuning) == 30
