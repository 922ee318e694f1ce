"""A line of a cost sheet: a product of factors, so that the arithmetic that is shown is the arithmetic that is done."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from core.costs.prices import Price

ONCE, MONTHLY = "once", "monthly"
_DIGITS = 6  # of a factor that is shown: a reader who multiplies gets the line's value


@dataclass(frozen=True)
class Factor:
    """value [unit] (words). per: the value is for so many units (a price per million tokens). divides: the line is divided
    by it. price_id: the row of the price table that the value was read from, "" for other numbers."""

    words: str
    value: float
    unit: str
    price_id: str = ""
    per: float = 1.0
    divides: bool = False

    @property
    def amount(self) -> float:
        """What the line is multiplied by."""
        amount = self.value / self.per
        return 1.0 / amount if self.divides else amount

    def describe(self) -> str:
        """ "1,400 documents", "1.08 (overlap)", "$0.02 / 1M tokens"."""
        if self.price_id:
            return f"${self.value:.10g} / {self.unit}"
        parts = [format_number(self.value), self.unit, f"({self.words})" if self.words else ""]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Line:
    """One cost in USD. name: a short key that is the same in every sheet. words: what is paid for, and what is assumed.
    factors: the first one does not divide. when: ONCE or MONTHLY. per_query: whether it grows with every query."""

    name: str
    words: str
    factors: tuple[Factor, ...]
    when: str
    per_query: bool = False

    @property
    def value(self) -> float:
        """USD: the product of the factors."""
        return math.prod(factor.amount for factor in self.factors)

    @property
    def arithmetic(self) -> str:
        """ "1,400 documents × 212 tokens × 1.08 (overlap) × $0.02 / 1M tokens = $0.0064"."""
        signs = ["" if number == 0 else " ÷ " if factor.divides else " × " for number, factor in enumerate(self.factors)]
        text = "".join(sign + factor.describe() for sign, factor in zip(signs, self.factors, strict=True))
        return f"{text} = {format_money(self.value)}"

    def to_json(self) -> dict[str, Any]:
        """The fields, the value in USD and its arithmetic."""
        return {
            **asdict(self),
            "factors": [asdict(f) for f in self.factors],
            "value": self.value,
            "arithmetic": self.arithmetic,
        }


def price_factor(price: Price) -> Factor:
    """The last factor of most lines."""
    return Factor(price.item, price.price_usd, price.unit, price.id, per=price.per)


def format_number(value: float) -> str:
    """Whole numbers in full, others with six digits: "1,400", "212.357", "0.00000123"."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    if value == round(value) or decimals <= 0:
        return f"{value:,.0f}"
    return f"{value:,.{decimals}f}".rstrip("0").rstrip(".")


def format_money(value: float) -> str:
    """ "$1,234.50"; below a dollar two digits that say something: "$0.0064"; "$0" for nothing."""
    if not value:
        return "$0"
    sign, amount = ("-" if value < 0 else ""), abs(value)
    decimals = 2 if amount >= 0.1 else min(12, 1 - math.floor(math.log10(amount)))
    return f"{sign}${amount:,.{decimals}f}"
