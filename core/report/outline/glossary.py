"""What the words of a report mean, for people who were not in the room."""

from __future__ import annotations

from core.evaluation.measures import PRIMARY, explain_measure
from core.recommendation.assess import Assessment

_SEARCH_TERMS = (
    ("Corpus, document, query", "The texts that are searched, one of them, and what somebody types to find something in them."),
    ("Label", "Somebody noted which documents, or which passages in them, answer a query. Everything here is measured by it."),
    ("Chunk", "A piece of a document. Documents are cut into chunks since a model reads only so much at once."),
    ("Token", "A word or a part of one, as the model counts them."),
    (
        "Embeddings (dense)",
        "A model turns texts into lists of numbers that are close for texts of like meaning. The search takes the closest.",
    ),
    ("Word matching (BM25, lexical)", "The search counts the query's words in the documents; rare words weigh more."),
    ("Hybrid search", "Both of them, with their results merged."),
    ("Metadata filter", "Only documents with a certain version, product or the like are searched."),
    ("Query rewriting", "The query is enriched, from its own first hits or from a list of synonyms, before it is searched."),
    ("Reranking", "A second, slower look puts the first hits into a better order."),
    ("Cross-encoder", "A model for reranking that reads query and hit together. Slow, and usually the best reranker."),
    ("Late interaction", "A cheaper way of reranking, which compares query and hit token by token."),
    ("Fine-tuning", "Training a model further on examples of your own. It needs examples, machines and upkeep."),
)
_PROOF_TERMS = (
    ("Baseline", "Embeddings alone with chunks of 200 tokens: what a first set-up usually does."),
    ("Ladder, rung", "The fixes in the order of their cost. Each is tried on top of those that were kept before it."),
    (
        "Tuning and test queries",
        "The queries were split. On the tuning queries everything was chosen; on the test queries, opened only once, it "
        "was judged. So luck in choosing does not count as gain.",
    ),
    (
        "95 % interval",
        "From where to where the true value may lie, given so few queries. If 0 is inside, the difference may be nothing.",
    ),
    (
        "p, corrected",
        "How often a difference this large would come from chance alone, raised because several rungs were judged at once. "
        "The larger of two tests counts (paired t, and random signs); below 0.05 a difference is called real.",
    ),
    ("better, worse", "A real difference of at least the smallest useful gain."),
    ("better, but too little to matter", "Real, but smaller than the smallest useful gain."),
    ("cannot be judged", "Word matching found nothing, or the model cannot read the texts, so the difference says nothing."),
    ("no useful difference", "The interval shows that any difference is smaller than the smallest useful gain."),
    ("cannot tell", "None of these: there are too few queries to say."),
    ("Smallest useful gain", "A smaller gain is not worth the work. Who asks for the recommendation sets it."),
    ("Smallest difference that shows", "With so many queries a smaller one is likely to be missed (power 0.8, corrected)."),
    (
        "Headroom",
        "What a fix could gain at best, if it always chose right. A limit, not a forecast; what luck alone gives is taken off.",
    ),
    ("Re-split", "The queries are split anew at random, the ladder is climbed again, and it is noted what comes out."),
    ("Fingerprint", "A short code that changes with the data. Equal fingerprints mean equal data."),
)


def list_terms(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """(term, meaning), the measures that this report uses first."""
    target = assessment.goals.target
    measures = dict.fromkeys([assessment.primary, target[0] if target else PRIMARY, "Success@5", "R@100"])
    explained = [(name, explain_measure(name)) for name in measures if explain_measure(name)]
    return (*explained, *_SEARCH_TERMS, *_PROOF_TERMS)
