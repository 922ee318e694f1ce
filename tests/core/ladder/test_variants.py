"""The rungs' variants: all of them can be built, no two share a name, and the grid of weights reaches from side to side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.experiment.measurer import Measurer
from core.ladder.names import describe_system, name_variant
from core.ladder.offer import Offer
from core.ladder.rungs import list_cheap_rungs, list_rungs
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.query_rewriting import QUERY_REWRITING
from core.ladder.rungs.reranking import RERANKING
from core.ladder.rungs.rung import Rung
from core.ladder.variants import make_baseline, propose_variants, search_words_alone
from core.schema import to_document_run
from core.stages.fuse import WeightedFusion
from core.stages.rewrite import Glossary
from core.systems.build import build, make_sources
from core.systems.named import make_named_systems
from core.systems.system import Lexical, System
from core.systems.yaml_files import read_systems, write_systems
from tests.support.assessments import AxisModels, write_labelled_dataset
from tests.support.models import make_resources

SYNONYMS = Glossary(groups=(("battery", "accumulator"),))
EVERYTHING = Offer(has_filters=True, infer_fields=("product",), glossaries=(SYNONYMS,), rerankers=("a/small", "a/big"))
OFFERS = {"documents": EVERYTHING, "evidence": replace(EVERYTHING, by_evidence=True), "nothing": (NOTHING := Offer())}
NAMED = make_named_systems()


def climb_all(offer: Offer, *, choose: int) -> list[System]:
    """Every variant of every rung, each rung stacked on the variant number `choose` (from the end if below 0) before it."""
    incumbent, found = make_baseline(), [make_baseline()]
    for rung in list_cheap_rungs():
        variants = propose_variants(rung, incumbent, offer)
        found += variants
        if variants:
            incumbent = variants[choose if abs(choose) < len(variants) else 0]
    return found


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
@pytest.mark.parametrize("choose", [0, 1, 2, -1])
def test_every_variant_can_be_built_under_a_name_of_its_own(offer: Offer, choose: int) -> None:
    systems = climb_all(offer, choose=choose)
    names = [system.name for system in systems]
    assert len(set(names)) == len(names)
    documents, queries = make_sources("corpus", "queries")
    keys = {build(system, documents=documents, queries=queries).key for system in systems}
    assert len(keys) == len(systems), "no two of them are the same search under two names"


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
def test_variants_survive_yaml(offer: Offer) -> None:
    systems = climb_all(offer, choose=-1)
    assert list(read_systems(write_systems(systems)).values()) == systems


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS.keys())
def test_a_named_system_keeps_its_name_and_no_other_takes_it(offer: Offer) -> None:
    for choose in (0, 1, -1):
        for system in climb_all(offer, choose=choose):
            if system.name in NAMED:
                assert system == NAMED[system.name]
            else:
                assert not any(replace(system, name=n.name, description=n.description) == n for n in NAMED.values())


def test_variants_meet_the_named_systems() -> None:
    def names(rung: Rung, incumbent: str, offer: Offer = NOTHING) -> list[str]:
        return [system.name for system in propose_variants(rung, NAMED[incumbent], offer)]

    assert {"dense-chunk128", "dense-chunk64", "dense-whole", "dense-parent", "dense-window"} < set(names(CHUNKING, "dense"))
    assert names(METADATA_FILTERS, "dense", Offer(has_filters=True)) == ["dense-filtered"]
    assert names(HYBRID_SEARCH, "dense")[0] == "hybrid-rrf"
    assert "hybrid-weighted" in names(HYBRID_SEARCH, "dense")
    assert names(HYBRID_SEARCH, "dense-filtered")[0] == "hybrid-filtered"
    assert names(QUERY_REWRITING, "hybrid-rrf")[0] == "hybrid-prf"
    assert "dense-rerank" in names(RERANKING, "dense")
    assert "hybrid-rerank" in names(RERANKING, "hybrid-rrf")


def test_a_name_does_not_depend_on_the_way_there() -> None:
    """Chunking first or fusion first: the same system, one name."""
    chunked = propose_variants(CHUNKING, make_baseline(), Offer())[1]
    fused = propose_variants(HYBRID_SEARCH, make_baseline(), Offer())[2]
    one = name_variant(replace(chunked, lexical=fused.lexical, fuse=fused.fuse))
    other = name_variant(replace(fused, chunk=chunked.chunk))
    assert one == other


def test_variants_change_their_rung_alone() -> None:
    changes = {
        CHUNKING: {"chunk"},
        METADATA_FILTERS: {"filter", "infer_filters"},
        HYBRID_SEARCH: {"lexical", "fuse"},
        QUERY_REWRITING: {"rewrite"},
        RERANKING: {"rerank"},
    }
    parts = ("chunk", "dense", "lexical", "filter", "infer_filters", "rewrite", "fuse", "rerank")
    for rung, allowed in changes.items():
        for system in propose_variants(rung, make_baseline(), EVERYTHING):
            changed = {part for part in parts if getattr(system, part) != getattr(make_baseline(), part)}
            assert changed and changed <= allowed, (rung.name, system.name)
            assert rung.describe(system)


def test_what_is_offered_depends_on_the_data() -> None:
    base = make_baseline()
    assert propose_variants(METADATA_FILTERS, base, Offer()) == []
    (given,) = propose_variants(METADATA_FILTERS, base, Offer(has_filters=True))
    assert (given.filter, given.infer_filters) == (True, ())
    (read,) = propose_variants(METADATA_FILTERS, base, Offer(infer_fields=("product",)))
    assert (read.filter, read.infer_filters) == (False, ("product",))
    assert len(propose_variants(METADATA_FILTERS, base, EVERYTHING)) == 2
    glossary = propose_variants(QUERY_REWRITING, base, EVERYTHING)[0]
    assert glossary.rewrite == (SYNONYMS,), "the user's own glossary is the cheapest and comes first"
    assert all(SYNONYMS not in system.rewrite for system in propose_variants(QUERY_REWRITING, base, Offer()))
    rerankers = propose_variants(RERANKING, base, EVERYTHING)
    assert {getattr(system.rerank, "model", None) for system in rerankers} >= {"a/small", "a/big"}
    for rung in list_rungs():
        if rung.is_trained:
            assert propose_variants(rung, base, EVERYTHING) == []


def test_units_of_a_hybrid_follow_what_is_measured() -> None:
    for system in propose_variants(HYBRID_SEARCH, make_baseline(), Offer()):
        assert system.lexical == Lexical(over="documents") and system.fuse.level == "document"
    for system in propose_variants(HYBRID_SEARCH, make_baseline(), Offer(by_evidence=True)):
        assert system.lexical == Lexical(over="chunks") and system.fuse.level == "chunk"


def test_words_alone_keep_the_filter_and_nothing_of_the_embeddings() -> None:
    filtered = replace(make_baseline(), filter=True)
    assert search_words_alone(make_baseline(), Offer()).name == "bm25"
    assert search_words_alone(filtered, Offer()).name == "bm25-filtered"
    over_chunks = search_words_alone(filtered, Offer(by_evidence=True))
    assert (over_chunks.dense, over_chunks.chunk, over_chunks.filter) == (None, filtered.chunk, True)


def test_descriptions_are_sentences() -> None:
    for system in climb_all(EVERYTHING, choose=0):
        if system.name not in NAMED:
            assert system.description == describe_system(system)
            assert system.description.endswith(".") and "None" not in system.description


@pytest.fixture(scope="module")
def measurer(tmp_path_factory: pytest.TempPathFactory) -> Measurer:
    folder = tmp_path_factory.mktemp("variants")
    dataset: Dataset = load_dataset(write_labelled_dataset(folder / "data"), name="labelled")
    return Measurer(dataset, primary="nDCG@10", resources=make_resources(folder / "workspace", AxisModels()))


@pytest.mark.parametrize(("share", "side"), [(1.0, "dense"), (0.0, "bm25")])
def test_the_grid_of_weights_reaches_from_embeddings_alone_to_words_alone(measurer: Measurer, share: float, side: str) -> None:
    """All weight on one side gives that side's order (its last, whose scaled score is 0, are level with what it misses)."""
    variants = propose_variants(HYBRID_SEARCH, make_baseline(), Offer())
    weights = [system.fuse.dense_share for system in variants if isinstance(system.fuse, WeightedFusion)]
    assert (max(weights), min(weights)) == (1.0, 0.0) and len(weights) >= 5
    (system,) = [s for s in variants if isinstance(s.fuse, WeightedFusion) and s.fuse.dense_share == share]
    fused = to_document_run(measurer.run(system))
    alone = to_document_run(measurer.run(NAMED[side]))
    compared = 0
    for query_id, hits in alone.groupby("query_id"):
        lowest = hits["score"].min()
        first = hits.loc[hits["score"] > lowest, "doc_id"].tolist()
        found = fused.loc[fused["query_id"] == query_id, "doc_id"].tolist()
        assert found[: len(first)] == first
        compared += len(first)
    assert compared > 200


def test_both_ends_of_the_grid_measure_as_their_side(measurer: Measurer) -> None:
    by_share = {
        system.fuse.dense_share: measurer.values(system)
        for system in propose_variants(HYBRID_SEARCH, make_baseline(), Offer())
        if isinstance(system.fuse, WeightedFusion)
    }
    dense, words = measurer.values(make_baseline()), measurer.values(NAMED["bm25"])
    easy = [query_id for query_id in dense.index if query_id.startswith(("q-easy", "q-code"))]  # scores that are clear of 0
    pd.testing.assert_series_equal(by_share[1.0][easy], dense[easy])
    pd.testing.assert_series_equal(by_share[0.0][easy], words[easy])


def test_where_the_fixture_is_written(tmp_path: Path) -> None:
    """The data of this file: what write_labelled_dataset() promises of its queries."""
    dataset = load_dataset(write_labelled_dataset(tmp_path / "data"), name="labelled")
    assert len(dataset.queries) >= 45
    assert set(dataset.judgments["query_id"]) == set(dataset.queries["query_id"])
    assert dataset.queries["text"].is_unique
