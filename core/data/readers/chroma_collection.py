"""A Chroma collection, read in pages: documents, metadata, vectors as stored. Its embedding function is never run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.data.chroma_client import connect_folder, connect_server, get_version
from core.data.readers.chroma_place import ChromaPlace, Listed, choose, copy_folder
from core.data.readers.corpus import Corpus
from core.data.readers.encoding import replace_surrogates
from core.data.readers.json_values import to_json
from core.errors import InputError, LadderError, first_line
from core.progress import ProgressCallback, ProgressEvent, ignore_progress
from core.settings import DEFAULT_MODEL, ENDPOINT_PREFIX
from core.text.phrases import count_of, first_five

DISTANCES = ("cosine", "l2", "ip")
_VALUES = (str, bool, int, float, list)  # of metadata; sparse vectors are kept there too
PAGE = 2_000  # items that are in memory at once
_ANSWER_SECONDS = 10.0  # until a server has to have said that it is there
# Where people note the model: names of the collection's metadata, likeliest first.
_MODEL_FIELDS = ("embedding_model", "embedding_model_name", "model_name", "model", "embedder", "embeddings")
# Chroma's names of embedding functions whose `model_name` is that of a model of sentence-transformers, and of servers.
_LOCAL_FUNCTIONS = ("sentence_transformer", "huggingface", "instructor")
_DEFAULT_FUNCTIONS = ("default", "onnx_mini_lm_l6_v2")  # both are the model that comes with Chroma
_Page = tuple[list[str], list[Any], list[Any], np.ndarray]  # see read_pages()


@dataclass(frozen=True)
class ChromaCollection:
    """An open collection.

    distance: of its index, "cosine", "l2" (squared) or "ip". dimension: numbers in each vector, 0 while it is empty.
    model: the name that is kept with it, as this program would write it, or "". count: items.
    """

    place: ChromaPlace
    name: str
    distance: str
    dimension: int
    model: str
    count: int
    _collection: Any = field(repr=False)

    def read_pages(self, *, vectors: bool, on_progress: ProgressCallback = ignore_progress) -> Iterator[_Page]:
        """(ids, texts or None, metadata or None, vectors as float32) of at most PAGE items, in the order of the collection.

        vectors: False leaves them where they are, the matrix has no columns then.
        """
        include = ["documents", "metadatas", *(["embeddings"] if vectors else [])]
        for start in range(0, self.count, PAGE):
            on_progress(ProgressEvent(f"reading {start:,} of {self.count:,} items", start, self.count))
            yield self._get(include, limit=PAGE, offset=start)

    def read_sample(self, number: int) -> Iterator[tuple[str, np.ndarray]]:
        """(text, vector) of at most `number` items with a text, evenly over the collection."""
        step = max(1, self.count // number)
        for start in range(0, self.count, step)[:number]:
            _, texts, _, vectors = self._get(["documents", "embeddings"], limit=1, offset=start)
            yield from ((text, vector) for text, vector in zip(texts, vectors, strict=True) if text and text.strip())

    def query(self, vector: np.ndarray, *, depth: int) -> list[str]:
        """Ids of what the collection itself finds first for a vector."""
        with _explained(self.place):
            answer = self._collection.query(query_embeddings=[vector], n_results=depth, include=[])
        return [str(found) for found in answer["ids"][0]]

    def _get(self, include: list[str], *, limit: int, offset: int) -> _Page:
        with _explained(self.place):
            page = self._collection.get(limit=limit, offset=offset, include=include)
        ids = [str(item) for item in page["ids"]]
        matrix = (
            np.asarray(page["embeddings"], dtype=np.float32) if "embeddings" in include else np.zeros((len(ids), 0), np.float32)
        )
        return ids, page.get("documents") or [None] * len(ids), page.get("metadatas") or [None] * len(ids), matrix


@contextmanager
def open_collection(place: ChromaPlace) -> Iterator[ChromaCollection]:
    """The collection at a place, a folder in a copy of it. Raises InputError, with the cure, for all that is in the way."""
    with contextlib.ExitStack() as stack:
        if place.folder is not None:
            copy, chosen = stack.enter_context(copy_folder(place.folder, place))
            with _explained(place):
                client = connect_folder(copy, tenant=chosen.tenant, database=chosen.database)
        else:
            _check_server(place)
            with _explained(place):
                client = connect_server(place.host, place.port, tls=place.tls)
                names = [collection.name for collection in client.list_collections()]
            chosen = choose(place, [Listed(name, client.tenant, client.database) for name in sorted(names)])
        stack.callback(client.close)
        with _explained(place):
            collection = _describe(client, chosen.name, place)
        yield collection


def _describe(client: Any, name: str, place: ChromaPlace) -> ChromaCollection:
    collection = client.get_collection(name, embedding_function=None)
    configuration, metadata = dict(collection.configuration_json or {}), dict(collection.metadata or {})
    index = configuration.get("hnsw") or configuration.get("spann") or {}
    distance = str(metadata.get("hnsw:space") or index.get("space") or "l2")  # l2 is Chroma's default
    if distance not in DISTANCES:
        raise InputError(
            f"ranks by the distance {distance!r}, which is not known here ({', '.join(DISTANCES)}); add its documents as files",
            file=str(place),
        )
    count = int(collection.count())
    first = collection.get(limit=1, include=["embeddings"])["embeddings"] if count else []
    dimension = len(first[0]) if len(first) else 0
    model = _find_model(metadata, configuration.get("embedding_function") or {})
    return ChromaCollection(place, name, distance, dimension, model, count, collection)


def _find_model(metadata: Mapping[str, Any], function: Mapping[str, Any]) -> str:
    """The model that is named in the collection's metadata, else in the configuration of its embedding function."""
    for name in _MODEL_FIELDS:
        value = metadata.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    options = function.get("config")
    named = options.get("model_name") if isinstance(options, Mapping) else None
    kind = str(function.get("name") or "")
    if kind in _DEFAULT_FUNCTIONS:
        return DEFAULT_MODEL
    if not isinstance(named, str) or not named.strip():
        return ""
    return named.strip() if kind in _LOCAL_FUNCTIONS else ENDPOINT_PREFIX + named.strip()


def _check_server(place: ChromaPlace) -> None:
    """chromadb waits without end for what does not answer."""
    import httpx

    url = f"{'https' if place.tls else 'http'}://{place.host}:{place.port}/api/v2/heartbeat"
    try:
        status = httpx.get(url, timeout=_ANSWER_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise InputError(
            f"no Chroma server answers there ({first_line(error)}); check host and port, and that it runs", file=str(place)
        ) from error
    if status in (401, 403):
        raise InputError(
            "the server asks who is there, and this program has no password for it; give a copy of the server's folder",
            file=str(place),
        )
    if status != 200:
        raise InputError(
            f"what answers there is no Chroma server of a version that is read here (status {status}); "
            "bring it up to 0.6 or later, or give a copy of its folder",
            file=str(place),
        )


@contextmanager
def _explained(place: ChromaPlace) -> Iterator[None]:
    """Whatever chromadb raises, as a sentence."""
    try:
        yield
    except LadderError:
        raise
    except Exception as error:  # errors of its own, of httpx, of SQLite, ValueErrors for whatever a file may hold
        cure = (
            "its files are damaged, or of another version; open it with the program that wrote it, and copy it again"
            if place.folder is not None
            else "check the server and its log"
        )
        raise InputError(f"chromadb {get_version()} cannot read it ({first_line(error)}); {cure}", file=str(place)) from error


def read_corpus_of(
    collection: ChromaCollection,
    *,
    vectors: bool = False,
    take: Callable[[list[str], np.ndarray], None] | None = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Corpus:
    """Every item with a text as a document: its id, its text, its metadata. take(texts, vectors) is called page by page.

    What is left out or changed is counted in the warnings. Raises InputError if no item has a text, and if items come or go
    while they are read.
    """
    corpus, seen = Corpus(), set[str]()
    without_text: list[str] = []
    renamed: list[str] = []
    dropped: list[str] = []
    for ids, texts, metadata, matrix in collection.read_pages(vectors=vectors, on_progress=on_progress):
        kept = [row for row, text in enumerate(texts) if text and text.strip()]
        without_text.extend(ids[row] for row in sorted({*range(len(ids))} - {*kept}))
        for row in kept:
            doc_id = " ".join(replace_surrogates(ids[row]).split())
            if doc_id in seen or not doc_id:
                raise InputError(
                    f"gave the item {ids[row]!r} twice: it changes while it is read, or ids differ in white space alone; "
                    "try again, or rename one",
                    file=str(collection.place),
                )
            if doc_id != ids[row]:
                renamed.append(doc_id)
            seen.add(doc_id)
            fields = {replace_surrogates(str(name)): value for name, value in (metadata[row] or {}).items()}
            cleaned = {name: to_json(value) if isinstance(value, _VALUES) else None for name, value in fields.items()}
            dropped.extend(name for name, value in fields.items() if value is not None and cleaned[name] is None)
            corpus.add(doc_id, "", replace_surrogates(texts[row]), {k: v for k, v in cleaned.items() if v is not None})
        if take is not None:
            take(corpus.texts[len(corpus.texts) - len(kept) :], matrix[kept])
    count = len(seen) + len(without_text)
    if count != collection.count:
        raise InputError(
            f"gave {count} of its {collection.count} items: it changes while it is read; try again", file=str(collection.place)
        )
    if not seen:
        raise InputError(
            f"has {count_of(count, 'item')}, none of them with a text; add the documents to it, or load them as files",
            file=str(collection.place),
        )
    corpus.warnings.extend(_note_left_out(without_text, renamed, dropped))
    return corpus


def _note_left_out(without_text: list[str], renamed: list[str], dropped: list[str]) -> Iterator[str]:
    if without_text:
        verbs = "has a vector but no text, and is" if len(without_text) == 1 else "have a vector but no text, and are"
        yield f"{count_of(len(without_text), 'item')} of the collection {verbs} left out: {first_five(without_text)}."
    if renamed:
        yield f"White space in {count_of(len(renamed), 'id')} of the collection was made single spaces: {first_five(renamed)}."
    if dropped:
        verb = "is" if len(dropped) == 1 else "are"
        yield (
            f"{count_of(len(dropped), 'value')} of the items' metadata {verb} left out, being no text, finite number, true or "
            f"false, or list of them: {first_five(dropped)}."
        )


def read_collection(place: ChromaPlace) -> Corpus:
    """The documents of the collection at a place, without its vectors."""
    with open_collection(place) as collection:
        return read_corpus_of(collection)
