"""The rungs: their order is their cost, no two are taken for one another, and an absent one says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.diagnosis.causes import CAUSES, FIXED_CAUSES
from core.diagnosis.headroom import FIXES
from core.ladder.actions import list_actions, title_action
from core.ladder.offer import Offer
from core.ladder.rungs import RUNGS, find_cure, list_cheap_rungs, list_rungs
from core.ladder.rungs.chunking import CHUNKING
from core.ladder.rungs.fine_tuned import FINE_TUNED_ADAPTER, FINE_TUNED_EMBEDDING, FINE_TUNED_RERANKER, pick_training
from core.ladder.rungs.hybrid_search import HYBRID_SEARCH
from core.ladder.rungs.metadata_filters import METADATA_FILTERS
from core.ladder.rungs.query_rewriting import QUERY_REWRITING
from core.ladder.rungs.reranking import RERANKING, SUGGESTED_RERANKER
from core.ladder.rungs.rung import Rung
from core.stages.chunk import Recursive
from core.stages.rerank import CrossEncoderRerank
from core.stages.rewrite import Feedback, Glossary
from core.systems.named import make_named_systems
from core.systems.system import System
from core.systems.trained import KINDS

NAMED = make_named_systems()
DENSE, HYBRID = NAMED["dense"], NAMED["hybrid-rrf"]


def test_the_order_of_the_rungs() -> None:
    """Results on disk hold these names."""
    assert list(RUNGS) == [
        "chunking", "metadata_filters", "hybrid_search", "query_rewriting", "reranking",
        "fine_tuned_reranker", "fine_tuned_adapter", "fine_tuned_embedding",
    ]  # fmt: skip
    assert list_rungs() == [*list_cheap_rungs(), FINE_TUNED_RERANKER, FINE_TUNED_ADAPTER, FINE_TUNED_EMBEDDING]


def test_a_rung_stands_under_its_name_and_has_a_title_of_its_own() -> None:
    assert all(rung.name == name for name, rung in RUNGS.items())
    assert len({rung.title for rung in list_rungs()}) == len(RUNGS)


def test_every_kind_of_model_has_its_rung() -> None:
    trained = [rung for rung in list_rungs() if rung.is_trained]
    assert sorted(rung.trained_kind for rung in trained) == sorted(KINDS)
    assert len({rung.proven_title for rung in trained}) == len(trained)


def test_every_action_has_a_title_and_rungs_that_share_one_agree_on_it() -> None:
    for rung in list_rungs():
        assert title_action(rung.action) == rung.action_title
    assert title_action("embeddings_enough") == "Embeddings are enough"
    assert title_action("of_an_older_version") == "of_an_older_version"
    assert all(list_actions().values())


def test_each_cause_has_one_cure_and_those_that_a_fix_proves_a_fix() -> None:
    """What no retrieval cures is the corpus' fault."""
    cured = [rung.cures for rung in list_rungs() if rung.cures]
    assert sorted(cured) == sorted(set(CAUSES) - {"not_in_corpus"})
    assert find_cure("not_in_corpus") is None and find_cure("") is None
    assert find_cure("exact_terms") is HYBRID_SEARCH and find_cure("representation") is FINE_TUNED_EMBEDDING
    assert {rung.cures for rung in list_rungs() if rung.isolate is not None} == set(FIXED_CAUSES)


def test_a_perfect_fix_has_one_real_counterpart_at_most() -> None:
    real = [rung.headroom for rung in list_rungs() if rung.headroom]
    assert len(set(real)) == len(real) and set(real) < set(FIXES)


def test_an_absent_rung_says_why() -> None:
    assert "Add filters" in METADATA_FILTERS.absence
    assert {rung.absence for rung in list_cheap_rungs() if rung is not METADATA_FILTERS} == {CHUNKING.absence}
    trained = [rung for rung in list_rungs() if rung.is_trained]
    assert len({rung.absence for rung in trained}) == len(trained), "each names the model to train"
    assert all(f"--kind {rung.trained_kind}" in rung.absence for rung in trained)


def test_the_work_of_adopting_it_once() -> None:
    assert CHUNKING.one_time(DENSE, 1234) == "embed and index 1,234 chunks anew"
    assert CHUNKING.one_time(DENSE, 0) == "embed and index the corpus anew"
    assert RERANKING.one_time(NAMED["dense-rerank"], 5) == "keep token vectors of the chunks"
    crossed = replace(DENSE, rerank=CrossEncoderRerank())
    assert RERANKING.one_time(crossed, 5) == "load a reranking model"


def test_a_weak_reranker_alone_is_told() -> None:
    crossed = replace(DENSE, rerank=CrossEncoderRerank())
    assert SUGGESTED_RERANKER in RERANKING.note([NAMED["dense-rerank"]])
    assert RERANKING.note([NAMED["dense-rerank"], crossed]) == ""


@pytest.mark.parametrize(("given", "read", "lost"), [(True, (), 2), (False, ("v",), 1), (True, ("v",), 3)])
def test_a_filter_risks_the_answers_that_it_throws_away(given: bool, read: tuple[str, ...], lost: int) -> None:
    system = replace(DENSE, filter=given, infer_filters=read)
    metadata = {"lost_by_own_filter": ["q1", "q2"], "thrown_away": ["q3"]}
    assert f"on the test queries that happens to {lost}." in METADATA_FILTERS.risk(system, metadata)


def test_a_rungs_change_alone_on_another_system() -> None:
    def isolate(rung: Rung, system: System, chosen: System) -> System:
        assert rung.isolate is not None
        return rung.isolate(system, DENSE, chosen, Offer())

    small = replace(DENSE, chunk=Recursive(size=64))
    assert isolate(CHUNKING, HYBRID, small) == replace(HYBRID, chunk=small.chunk)
    filtered = replace(small, filter=True)
    assert isolate(METADATA_FILTERS, HYBRID, filtered) == replace(HYBRID, filter=True), "not the chunks below it"
    words = isolate(HYBRID_SEARCH, HYBRID, HYBRID)
    assert (words.dense, words.fuse, words.chunk, words.lexical) == (None, None, None, HYBRID.lexical)
    assert isolate(HYBRID_SEARCH, NAMED["bm25"], HYBRID) == NAMED["bm25"], "nothing but words already"
    glossary, feedback = Glossary(groups=(("a", "b"),)), Feedback()
    own = replace(HYBRID, rewrite=(glossary,))
    rewritten = replace(DENSE, rewrite=(feedback,))
    assert isolate(QUERY_REWRITING, own, rewritten).rewrite == (glossary, feedback), "behind what it has"
    assert isolate(QUERY_REWRITING, rewritten, rewritten) == rewritten, "never twice"


def test_the_gap_says_which_training_it_speaks_for() -> None:
    assert pick_training(ranked_low=0.2, not_found=0.2) is FINE_TUNED_RERANKER
    assert pick_training(ranked_low=0.1, not_found=0.2) is FINE_TUNED_EMBEDDING
