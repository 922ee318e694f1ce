"""What is said of sizes, dimensions and depths that nobody measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import InputError
from core.scaling.curves import Point
from core.scaling.scaling import Scaling, SystemScaling
from core.settings import describe_machine


def make_scaling() -> Scaling:
    """A made-up system: encoding 10 ms, dense search 2 + 0.5 log2(n) ms, reranking 1 + 0.2 x depth ms; p95 is 1.2 times p50.

    At 1,024 documents a search of the index takes 1 + 0.01 x dimensions ms.
    """

    def measure(exponent: int, depth: int) -> Point:
        stages = {"EmbedQueries": 10.0, "RetrieveDense": 2 + 0.5 * exponent, "LateInteraction": 1 + 0.2 * depth}
        p50 = sum(stages.values())
        return Point(2**exponent, depth, p50, 1.2 * p50, 100, stages)

    system = SystemScaling(
        spec={"rerank": {"type": "late_interaction"}},
        reranker="LateInteraction",
        sizes=tuple(measure(exponent, 50) for exponent in (7, 8, 9, 10)),
        depths=(measure(10, 10), measure(10, 25)),
        widths={96: 1.96, 192: 2.92, 384: 4.84},
    )
    return Scaling("corpus", describe_machine(), {"s": system})


def test_estimate_of_more_documents() -> None:
    estimate = make_scaling().estimate("s", documents=4096)
    # 10 + (2 + 0.5 x 12) + (1 + 0.2 x 50)
    assert estimate["stages"] == pytest.approx({"EmbedQueries": 10.0, "RetrieveDense": 8.0, "LateInteraction": 11.0})
    assert estimate["p50"] == pytest.approx(29.0)
    assert estimate["p95"] == pytest.approx(34.8)  # 1.2 x 29
    assert estimate["error"] == pytest.approx(0.0, abs=1e-6)
    # Two steps of a doubling, as 512 to 1,024 was, of at least 10 % each: 29 -+ 5.8
    assert (estimate["low"], estimate["high"]) == (pytest.approx(23.2), pytest.approx(34.8))
    assert not estimate["far"]


def test_estimate_within_the_sizes_is_sure_to_ten_percent() -> None:
    estimate = make_scaling().estimate("s", documents=300)
    assert (estimate["high"] - estimate["p50"]) / estimate["p50"] == pytest.approx(0.1)


def test_the_held_out_error_widens_the_range() -> None:
    # Without the last size the curve says 3 ms + 0.01 per document, 10 where 20 was measured: 50 %.
    sizes = tuple(
        Point(n, 0, ms, ms, 9, {"RetrieveLexical": ms}) for n, ms in ((100, 3.0), (200, 4.0), (400, 6.0), (800, 20.0))
    )
    scaling = Scaling("corpus", {}, {"s": SystemScaling({}, None, sizes)})
    assert scaling.error == {"s": pytest.approx(50.0)}
    estimate = scaling.estimate("s", documents=800)
    assert estimate["high"] == pytest.approx(1.5 * estimate["p50"])
    far = scaling.estimate("s", documents=8_000)  # log2(10) = 3.3 steps of 50 %: nothing is known of the lower end
    assert (far["low"], far["high"] > 2.6 * far["p50"]) == (0.0, True)


def test_estimate_of_other_depths() -> None:
    estimate = make_scaling().estimate("s", documents=1024, depth=100)
    assert estimate["stages"]["LateInteraction"] == pytest.approx(21.0)  # 1 + 0.2 x 100
    assert make_scaling().estimate("s", documents=1024, depth=50) == make_scaling().estimate("s", documents=1024)


def test_estimate_of_other_dimensions() -> None:
    scaling = make_scaling()
    # 7 ms as measured with 384 dimensions, and 0.01 ms for each of 640 more
    assert scaling.estimate("s", documents=1024, dimensions=1024)["stages"]["RetrieveDense"] == pytest.approx(13.4)
    # What dimensions add grows as search does, with log2(n): 8 + 6.4 x 12 / 10
    assert scaling.estimate("s", documents=4096, dimensions=1024)["stages"]["RetrieveDense"] == pytest.approx(15.68)
    # 7 - 0.01 x 256
    assert scaling.estimate("s", documents=1024, dimensions=128)["stages"]["RetrieveDense"] == pytest.approx(4.44)
    assert scaling.estimate("s", documents=1024, dimensions=384) == scaling.estimate("s", documents=1024)


def test_an_estimate_far_from_what_was_measured_says_so() -> None:
    scaling = make_scaling()
    assert not scaling.estimate("s", documents=10_240)["far"]
    assert scaling.estimate("s", documents=10_241)["far"]
    assert not scaling.estimate("s", documents=1024, dimensions=3840, depth=500)["far"]
    assert scaling.estimate("s", documents=1024, dimensions=3841)["far"]
    assert scaling.estimate("s", documents=1024, depth=501)["far"]


def test_dimensions_and_depth_do_not_matter_without_index_and_reranker() -> None:
    sizes = tuple(Point(n, 0, 2.0 + n, 3.0 + n, 9, {"RetrieveLexical": 2.0 + n}) for n in (1, 2, 4))
    scaling = Scaling("corpus", {}, {"s": SystemScaling({}, None, sizes)})
    assert scaling.estimate("s", documents=8, dimensions=9_999, depth=9_999) == scaling.estimate("s", documents=8)
    assert scaling.estimate("s", documents=8)["p50"] == pytest.approx(10.0)


def test_json_gives_an_equal_object() -> None:
    scaling = make_scaling()
    again = Scaling.from_json(json.loads(json.dumps(scaling.to_json(), allow_nan=False)))
    assert again == scaling
    assert again.estimate("s", documents=5000, dimensions=1024) == scaling.estimate("s", documents=5000, dimensions=1024)
    # An older one, from before depths and widths were measured, still gives estimates.
    old = scaling.to_json()
    for kept in ("depths", "widths"):
        del old["systems"]["s"][kept]
    assert Scaling.from_json(old).estimate("s", documents=4096)["p50"] == pytest.approx(29.0)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "0 documents": ({"system": "s", "documents": 0}, "documents is 0; it must be at least 1"),
    "0 dimensions": ({"system": "s", "documents": 1, "dimensions": 0}, "dimensions is 0; it must be at least 1"),
    "depth -1": ({"system": "s", "documents": 1, "depth": -1}, "depth is -1; it must be at least 1"),
    "unknown system": (
        {"system": "t", "documents": 1}, "the latency of 't' was not measured at several sizes; measured are s",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_told(case: str) -> None:
    asked, text = WRONG[case]
    with pytest.raises(InputError) as caught:
        make_scaling().estimate(**asked)
    assert text in str(caught.value)
