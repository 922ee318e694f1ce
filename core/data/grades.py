"""Grades: how they are written, from which one on a document is relevant, and what tools see that take whole ones alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from core.text.phrases import count_of, first_five

HIGHEST_GRADE = 2**20  # above it nDCG and AP lose their arithmetic; no collection comes near
MOST_DECIMALS = 6  # that measures tell apart
_MOST_LEVELS = 4  # the highest grade of TREC's and the like, where 1 is relevant
Grade = int | float


def spell_grade(grade: Grade) -> str:
    """The grade as a file has it: "1" for 1.0, else all its decimals."""
    return str(int(grade)) if float(grade).is_integer() else repr(float(grade))


def to_grade(number: float) -> Grade:
    """The number as a grade: an int where it is whole."""
    return int(number) if float(number).is_integer() else float(number)


def choose_threshold(grades_of: Iterable[Sequence[Grade]]) -> Grade:
    """The grade from which on a document counts as relevant where nobody says. grades_of: those of each query.

    1 where all grades are whole numbers. Decimal grades have no such number: half the highest of all, or less where a query
    has nothing above that, so that no query with a grade above 0 goes unmeasured.
    """
    known = list(grades_of)
    if all(float(grade).is_integer() for grades in known for grade in grades):
        return 1
    best = [max(grades) for grades in known]
    return to_grade(min(max(best) / 2, *(grade for grade in best if grade > 0)))


def count_decimals(grades: Iterable[Grade]) -> int:
    """Decimals of the grade that has most."""
    distinct = {grade for grade in grades if not float(grade).is_integer()}
    return max((-int(Decimal(repr(float(grade))).normalize().as_tuple().exponent) for grade in distinct), default=0)


def count_kept_decimals(grades: Sequence[Grade]) -> int:
    """Decimals of the grades that measures tell apart: fewer than there are where they are many, or the grades high."""
    return len(str(find_scale(grades))) - 1


def find_scale(grades: Sequence[Grade]) -> int:
    """The smallest power of ten that makes all grades whole; at most 10^MOST_DECIMALS, and none that lifts one above
    HIGHEST_GRADE."""
    scale, highest = 10 ** min(count_decimals(grades), MOST_DECIMALS), max(grades, default=0)
    while scale > 1 and highest * scale > HIGHEST_GRADE:
        scale //= 10
    return scale


def describe_grades(grades_of: Mapping[str, Sequence[Grade]], relevant_from: Grade, *, said: bool) -> list[str]:
    """Notes on grades that are no whole numbers, and on a threshold that somebody set. grades_of: those of each query. said:
    somebody said from which grade on documents are relevant."""
    grades = [grade for found in grades_of.values() for grade in found]
    decimals, kept, threshold = count_decimals(grades), count_kept_decimals(grades), spell_grade(relevant_from)
    notes = []
    if said:
        notes.append(f"Documents count as relevant from grade {threshold} on, as was said.")
    elif decimals:
        notes.append(
            f"The grades have decimals and nothing says which are relevant: documents count as relevant from grade {threshold} "
            "on (half the highest grade, or less where a query has none above that). Change it on the page Data or with "
            "--relevant-from."
        )
    elif _is_doubtful(grades):
        lowest = min(grade for grade in grades if grade >= relevant_from)
        notes.append(
            f"The grades go up to {spell_grade(max(grades))}, and documents count as relevant from grade {threshold} on, "
            f"also those of grade {spell_grade(lowest)}. Change it on the page Data or with --relevant-from."
        )
    if decimals > kept:
        notes.append(f"The grades have up to {decimals} decimals; nDCG reads them rounded to {kept}.")
    below = [query_id for query_id, found in grades_of.items() if 0 < max(found) < relevant_from]
    if below:
        verb = "has" if len(below) == 1 else "have"
        notes.append(
            f"{count_of(len(below), 'query')} {verb} no document of grade {threshold} or more, only lower grades: "
            f"{first_five(below)}."
        )
    return notes


def _is_doubtful(grades: Sequence[Grade]) -> bool:
    """Whether the lowest grades above 0 may well say "not relevant": of stars, school marks and percentages they do."""
    highest, lowest = max(grades, default=0), min(grades, default=0)
    return highest > _MOST_LEVELS or (highest > 2 and lowest >= 1 and highest > lowest)


def to_whole_grades(grades: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, int]:
    """(whole grades, int64; the least of them that is relevant) with which measures give what they would with these.

    nDCG with linear gains is the same at every scale; measures of relevant or not ask for the least relevant grade. relevant:
    bool, one a grade, true from some grade on. Rounding moves no grade across that line.
    """
    scale = find_scale(grades.tolist())
    whole = np.rint(grades.astype(float) * scale).astype(np.int64) if scale > 1 or grades.dtype.kind == "f" else grades
    if scale == 1 and np.array_equal(relevant, whole >= 1):
        return whole, 1
    whole = np.where(relevant, np.maximum(whole, 1), whole)
    least = int(whole[relevant].min()) if relevant.any() else int(whole.max(initial=0)) + 1
    return np.where(relevant, whole, np.minimum(whole, least - 1)), least
