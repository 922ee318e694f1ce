"""What can be said of the sides before anything is run: from a dataset's texts, one model's tokenizer and its words."""

from __future__ import annotations

from core.data.dataset import Dataset
from core.data.languages import detect_languages, make_analyzer
from core.diagnosis.sides import Sides, WordSide, count_wordless, measure_model
from core.text.tokens import Tokenizer

_MOST = 3_000_000  # characters of documents that are searched for words of queries: a few seconds


def foresee_sides(dataset: Dataset, model: str, tokenizer: Tokenizer) -> Sides:
    """What the model will read of the dataset, and for how many queries word matching will return nothing.

    Of the words nothing is said where there are no queries, or so much text that looking for them takes long.
    """
    documents = dataset.indexed_documents
    texts = [f"{title}\n{text}" for title, text in zip(documents["title"], documents["text"], strict=True)]
    queries = dataset.queries["text"].tolist()
    side = measure_model(model, tokenizer, documents=texts, queries=queries, languages=detect_languages(dataset))
    unmatched = list_unmatched(dataset, texts) if queries else None
    if unmatched is None:
        return Sides(models=(side,))
    words = WordSide(len(queries), len(unmatched), wordless=count_wordless(unmatched))
    return Sides(models=(side,), words=(words,))


def list_unmatched(dataset: Dataset, texts: list[str]) -> list[str] | None:
    """Queries none of whose terms stands in a document, as word matching forms them; None after three million characters.

    Documents are read only until every query has found one, mostly the first few.
    """
    analyzer = make_analyzer(dataset)
    waiting = [(text, set(analyzer.ask(text))) for text in dataset.queries["text"]]
    read = 0
    for text in texts:
        if read > _MOST or not waiting:
            break
        made = [analyzer.index(text, language) for language in analyzer.languages]
        terms = {term for one in made for term in (*one.terms, *one.apart)}
        waiting = [(text, asked) for text, asked in waiting if not asked & terms]
        read += len(text)
    return None if read > _MOST and waiting else [text for text, _ in waiting]
