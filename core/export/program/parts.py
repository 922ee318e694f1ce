"""The pieces of the Python program that a report gives away; core.export.program.write chooses and joins them.

They are text, not code of this project: the program runs on its own, so nothing here may be imported there. Each is a Jinja
template whose holes are names in angle quotes («size»). Together the methods make one class, Search.
"""

from __future__ import annotations

# Embedding and the index.
EMBED_MODEL = '''
    def embed(self, texts: list[str], role: str) -> np.ndarray:
        """Unit vectors of queries or documents."""
        encode = self.model.encode_query if role == "query" else self.model.encode_document
        return np.asarray(encode(texts, normalize_embeddings=True, show_progress_bar=False))
'''
EMBED_PROMPT = '''
    def embed(self, texts: list[str], role: str) -> np.ndarray:
        """Unit vectors of queries or documents; a prompt of ours stands in place of the model's own."""
        prompt = PROMPTS[role]
        encode = self.model.encode_query if role == "query" else self.model.encode_document
        if prompt is None:
            return np.asarray(encode(texts, normalize_embeddings=True, show_progress_bar=False))
        sent = [prompt + text for text in texts]
        return np.asarray(self.model.encode_document(sent, prompt="", normalize_embeddings=True, show_progress_bar=False))
'''
EMBED_ENDPOINT = '''
    def embed(self, texts: list[str], role: str) -> np.ndarray:
        """Unit vectors from an OpenAI-compatible endpoint: EMBEDDINGS_BASE_URL, and EMBEDDINGS_API_KEY if it asks for one."""
        body = {"model": MODEL, "input": [(PROMPTS[role] or "") + text for text in texts], "encoding_format": "float"}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('EMBEDDINGS_API_KEY', '')}"}
        url = os.environ["EMBEDDINGS_BASE_URL"].rstrip("/") + "/embeddings"
        request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            data = sorted(json.load(answer)["data"], key=lambda item: item["index"])
        vectors = np.array([item["embedding"] for item in data], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
'''

OPEN_INDEX = '''
    def open_index(self, folder: str) -> Any:
        """The Chroma collection of all passages, built on first use and completed if that was interrupted."""
        passages = [passage for chunk in self.chunks for passage in chunk["passages"]]
        owners = [self.documents[self.chunks[chunk]["document"]]["id"] for chunk in self.chunk_of]
        # The name is made of the content, so that a changed corpus gets a new collection.
        content = json.dumps([MODEL, «prompts»owners, passages])
        name = "passages-" + hashlib.sha256(content.encode()).hexdigest()[:32]
        client = chromadb.PersistentClient(path=folder, settings=Settings(anonymized_telemetry=False))
        hnsw = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
        index = client.get_or_create_collection(name, configuration={"hnsw": hnsw}, embedding_function=None)
        for start in range(index.count(), len(passages), BATCH):
            rows = range(start, min(start + BATCH, len(passages)))
            index.add(
                ids=[str(row) for row in rows],
                embeddings=self.embed([passages[row] for row in rows], "document"),
                metadatas=[{"document": owners[row]} for row in rows],
            )
        return index
'''

SEARCH_DENSE = '''
    def search_dense(self, vector: np.ndarray, allowed: set[int] | None) -> Run:
        """Chunks by the cosine of their best passage, down to the hundredth document or deeper."""
        where: list[dict[str, Any] | None] = [None]
        if allowed is not None:  # few enough at once for Chroma
            ids = [self.documents[number]["id"] for number in sorted(allowed)]
            where = [{"document": {"$in": ids[start : start + 10_000]}} for start in range(0, len(ids), 10_000)]
        reach = 3 * DEPTH
        while True:
            best: dict[int, float] = {}
            for part in where:
                found = self.index.query(
                    query_embeddings=[vector], n_results=min(reach, len(self.chunk_of)), where=part, include=["distances"]
                )
                for passage, distance in zip(found["ids"][0], found["distances"][0], strict=True):
                    chunk = self.chunk_of[int(passage)]
                    best[chunk] = max(best.get(chunk, -1.0), 1.0 - distance)
            run = sort_run([(score, chunk, self.chunks[chunk]["document"]) for chunk, score in best.items()])
            if reach >= len(self.chunk_of) or len({document for *_, document in run}) >= DEPTH:
                return run
            reach *= 4
'''

# Word matching.
STOP_WORDS_SET = '''

STOP_WORDS = frozenset(
    """
«stop_words»
    """.split()
)
'''
TOKENIZE = '''
WORD = re.compile(r"[^\\W_]+(?:[-_.:/][^\\W_]+)*")
«stemmer»

def tokenize(text: str) -> list[str]:
    """Lower-case terms; codes such as KH-4012 and names such as hub.yaml whole and in parts."""
    terms = []
    for word in WORD.findall(text.lower()):
        parts = re.findall(r"[^\\W_]+", word)
        if len(parts) > 1 and re.search(r"[_.:]|\\d", word):
            terms.append(word)
        terms.extend(«stem» for part in parts«stop»)
    return terms
'''
STEMMER = 'stem = Stemmer.Stemmer("english").stemWord\n'

LEXICAL_DOCUMENTS = """
    def list_units(self) -> list[tuple[int | None, int, str]]:
        \"\"\"What words are matched with: whole documents, as (no chunk, document, text).\"\"\"
        return [
            (None, number, "\\n".join(part for part in (document["title"], document["text"].strip()) if part))
            for number, document in enumerate(self.documents)
        ]
"""
LEXICAL_CHUNKS = '''
    def list_units(self) -> list[tuple[int | None, int, str]]:
        """What words are matched with: chunks, as (chunk, document, text)."""
        return [(place, chunk["document"], "\\n".join(chunk["passages"])) for place, chunk in enumerate(self.chunks)]
'''
SEARCH_WORDS = '''
    def search_words(self, weights: dict[str, float], allowed: set[int] | None) -> Run:
        """Units by BM25, if they share a term with the query. weights: of the query's terms."""
        scores = np.zeros(len(self.units))
        for term, weight in weights.items():
            scores += weight * np.asarray(self.bm25.get_scores([term]))
        return sort_run(
            [
                (float(scores[place]), chunk, document)
                for place, (chunk, document, _) in enumerate(self.units)
                if (allowed is None or document in allowed) and not weights.keys().isdisjoint(self.bm25.doc_freqs[place])
            ]
        )
'''

# Rewriting.
GLOSSARY = '''
    def add_synonyms(self, query: str) -> str:
        """The query with the other terms of every group that it names one of."""
        for groups in GLOSSARIES:
            added: list[str] = []
            for group in groups:
                named = [term for term in group if re.search(rf"(?<!\\w){re.escape(term)}(?!\\w)", query, re.I)]
                added += [term for term in group if named and term not in named and term not in added]
            query = " ".join([query, *added])
        return query
'''
ROCCHIO = '''
    def move_vector(self, vector: np.ndarray, run: Run) -> np.ndarray:
        """The query's vector, moved towards the mean of its first «chunks» chunks (Rocchio)."""
        if not run:
            return vector
        means = []
        for _, chunk, _ in run[:«chunks»]:
            rows = [str(row) for row, owner in enumerate(self.chunk_of) if owner == chunk]
            means.append(np.mean(self.index.get(ids=rows, include=["embeddings"])["embeddings"], axis=0))
        moved = vector + «dense_weight» * np.mean(means, axis=0)
        return moved / np.linalg.norm(moved)
'''
RM3 = '''
    def add_terms(self, weights: dict[str, float], run: Run) -> dict[str, float]:
        """The query's terms mixed with the «terms» that stand out in its first «documents» units (RM3)."""
        first = run[:«documents»]
        if not first:
            return weights
        total = sum(score for score, *_ in first)
        place_of = {(chunk, document): place for place, (chunk, document, _) in enumerate(self.units)}
        model: dict[str, float] = {}
        for score, chunk, document in first:
            counts = self.bm25.doc_freqs[place_of[chunk, document]]
            share = (score / total if total > 0 else 1 / len(first)) / sum(counts.values())
            for term, count in counts.items():
                model[term] = model.get(term, 0.0) + share * count
        best = sorted(model.items(), key=lambda item: -item[1])[:«terms»]
        known = {term: weight for term, weight in weights.items() if term in self.bm25.idf}
        mixed = {term: «original» * weight / max(sum(known.values()), 1.0) for term, weight in known.items()}
        for term, weight in best:
            mixed[term] = mixed.get(term, 0.0) + «lexical_weight» * weight / sum(weight for _, weight in best)
        return mixed
'''

# Filters.
MATCH = '''
def matches(value: Any, condition: Any) -> bool:
    """Whether a metadata value meets a condition: a value, a list of values, or {"gte": low, "lte": high}."""
    if isinstance(value, list):
        return any(matches(item, condition) for item in value)
    if isinstance(condition, list):
        return any(matches(value, item) for item in condition)
    if isinstance(condition, dict):
        if any(kind(value) != kind(end) for end in condition.values()):
            return False
        return bool(condition.get("gte", value) <= value <= condition.get("lte", value))
    return kind(value) == kind(condition) and bool(value == condition)


def kind(value: Any) -> type:
    """Text, numbers and true/false never match one another: 3.1 is not "3.1"."""
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
'''
FIND_ALLOWED = '''
    def find_allowed(self, conditions: dict[str, Any]) -> set[int] | None:
        """The documents whose metadata meets every condition; None if there is no condition."""
        if not conditions:
            return None
        return {
            number
            for number, document in enumerate(self.documents)
            if all(matches(document["metadata"].get(field), wanted) for field, wanted in conditions.items())
        }
'''
INFER = '''
    def collect_values(self) -> dict[str, dict[str, list[Any]]]:
        """Per field the values that a query can name, by the way it would write them."""
        found: dict[str, dict[str, list[Any]]] = {}
        for field in INFER_FIELDS:
            spelled: dict[str, list[Any]] = {}
            for document in self.documents:
                value = document["metadata"].get(field)
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, bool) or not isinstance(item, str | int | float):
                        continue
                    text = " ".join(item.split()).casefold() if isinstance(item, str) else repr(item)
                    if item not in spelled.setdefault(text, []):
                        spelled[text].append(item)
            # Bare numbers stand in queries for many reasons: they count only among versions, or if all of them are years.
            numbers = [t for t, same in spelled.items() if t.isdecimal() or any(not isinstance(v, str) for v in same)]
            versions = [t for t in spelled if re.fullmatch(r"v?\\d+(\\.\\d+)+", t)]
            trusted = all(re.fullmatch(r"(19|20)\\d\\d", t) for t in numbers) or 2 * len(versions) >= len(spelled)
            found[field] = {
                text: same
                for text, same in spelled.items()
                if 2 <= len(text) <= 80
                and (trusted or text not in numbers)
                and not all(word in STOP_WORDS for word in re.findall(r"\\w+", text))
            }
        return found

    def read_filter(self, query: str) -> dict[str, Any]:
        """The filter that a query's words ask for: values that stand in it as whole words, the longest first."""
        conditions: dict[str, Any] = {}
        for field, spelled in self.values.items():
            asked, named = " ".join(query.split()).casefold(), []
            for text in sorted(spelled, key=lambda text: (-len(text), text)):
                pattern = rf"(?<!\\d\\.)(?:(?<!\\w)|(?<=(?<!\\w)v)(?=\\d)){re.escape(text)}(?!\\w)(?!\\.\\d)"
                for match in re.finditer(pattern, asked):
                    named.append((match.start(), text))
                asked = re.sub(pattern, lambda match: "\\n" * len(match[0]), asked)
            values = [value for text in dict.fromkeys(text for _, text in sorted(named)) for value in spelled[text]]
            if values:
                conditions[field] = values[0] if len(values) == 1 else values
        return conditions
'''

# Fusing.
FUSE_RRF = '''
def fuse(*runs: Run) -> Run:
    """One run of several: score = sum of 1 / («k» + rank)."""
    scores: dict[Any, float] = {}
    stands: dict[Any, Hit] = {}
    for run in runs:
        for rank, hit in enumerate(«units», start=1):
            scores[«key»] = scores.get(«key», 0.0) + 1.0 / («k» + rank)
            stands.setdefault(«key», hit)  # the first run's chunk stands for a document
    return sort_run([(score, *stands[key][1:]) for key, score in scores.items()])
'''
FUSE_WEIGHTED = '''
def fuse(*runs: Run) -> Run:
    """One run of a dense and a lexical one: score = «dense_share» dense + «lexical_share» lexical, each scaled to 0-1."""
    scores: dict[Any, float] = {}
    stands: dict[Any, Hit] = {}
    for run, share in zip(runs, («dense_share», «lexical_share»), strict=True):
        head = «units»
        low, high = min((hit[0] for hit in head), default=0.0), max((hit[0] for hit in head), default=0.0)
        for hit in head:
            scaled = (hit[0] - low) / (high - low) if high > low else 1.0
            scores[«key»] = scores.get(«key», 0.0) + share * scaled
            stands.setdefault(«key», hit)  # the first run's chunk stands for a document
    return sort_run([(score, *stands[key][1:]) for key, score in scores.items()])
'''

# Reranking.
PASSAGES_OF = '''
    def passages_of(self, hit: Hit) -> list[str]:
        """The passages that a hit is scored by: its chunk's, or those of all chunks of its document."""
        _, place, document = hit
        if place is not None:
            return self.chunks[place]["passages"]
        return [passage for chunk in self.chunks if chunk["document"] == document for passage in chunk["passages"]]
'''
RERANK_CROSS = '''
    def rerank(self, query: str, run: Run) -> Run:
        """The first «depth» hits by a cross-encoder; the others follow in their order."""
        head, tail = run[:«depth»], run[«depth»:]
        if not head:
            return run
        pairs = [(query, "\\n".join(self.passages_of(hit))) for hit in head]
        scores = np.asarray(self.reranker.predict(pairs, batch_size=1, show_progress_bar=False), dtype=float)
«mix»        scored = [(float(score), *hit[1:]) for score, hit in zip(scores, head, strict=True)]
        return sort_run(scored) + lower(tail, float(scores.min()))
'''
MIX_FIRST = """        scores = standardise(np.array([hit[0] for hit in head])) + standardise(scores)
"""
RERANK_LATE = '''
    def rerank(self, query: str, run: Run) -> Run:
        """The first «depth» hits by late interaction: for each token of the query its best token in the hit, summed up.

        Token vectors are computed here for every query; keep them beside the index if that is too slow.
        """
        head, tail = run[:«depth»], run[«depth»:]
        if not head:
            return run
        asked = self.embed_tokens([query], "query")[0]
        sums = []
        for hit in head:
            tokens = np.concatenate(self.embed_tokens(self.passages_of(hit), "document"))
            sums.append((asked @ tokens.T).max(axis=1).sum())
        scores = standardise(np.array([hit[0] for hit in head])) + standardise(np.array(sums))
        scored = [(float(score), *hit[1:]) for score, hit in zip(scores, head, strict=True)]
        return sort_run(scored) + lower(tail, float(scores.min()))

    def embed_tokens(self, texts: list[str], role: str) -> list[np.ndarray]:
        """The unit vectors of each text's tokens."""
        encode = self.«late_model».encode_query if role == "query" else self.«late_model».encode_document
        found = []
        for item in encode(texts, output_value=None, show_progress_bar=False):
            vectors = item["token_embeddings"].float().cpu().numpy()
            vectors = vectors[item["attention_mask"].bool().cpu().numpy()[: len(vectors)]]
            found.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        return found
'''
STANDARDISE = '''

def standardise(scores: np.ndarray) -> np.ndarray:
    """(scores - mean) / standard deviation; zeros where all are equal."""
    return (scores - scores.mean()) / scores.std() if scores.std() > 0 else np.zeros(len(scores))
'''
LOWER = '''

def lower(tail: Run, floor: float) -> Run:
    """The rest of a run below everything that was scored anew."""
    return [(floor - 1.0 - place, chunk, document) for place, (_, chunk, document) in enumerate(tail)]
'''

RUNS = '''
Hit = tuple[float, "int | None", int]  # score, number of the chunk (None: the whole document), number of the document
Run = list[Hit]


def sort_run(hits: Run) -> Run:
    """Best first; equal scores in the order of the documents' ids."""
    return sorted(hits, key=lambda hit: (-hit[0], hit[2], -1 if hit[1] is None else hit[1]))


def best_of_documents(run: Run) -> Run:
    """Each document once, at its best hit's place, a hundred at most."""
    best: dict[int, Hit] = {}
    for hit in run:
        best.setdefault(hit[2], hit)
    return list(best.values())[:DEPTH]
'''

MAIN = """
def main() -> None:
    parser = argparse.ArgumentParser(description="Searches a corpus.")
    parser.add_argument("corpus", help="corpus.jsonl")
    parser.add_argument("query", nargs="+", help="one or more queries, each in quotes")
«filter_option»    parser.add_argument("--first", type=int, default=5, help="how many hits to show (default: 5)")
«index_option»    options = parser.parse_args()
    search = Search(«search_arguments»)
    for query in options.query:
        print(query)
        for rank, (score, document, text) in enumerate(search.answer(query«answer_arguments»)[: options.first], start=1):
            print(f"{rank:3}. {score:8.4f}  {document['id']}  {document['title']}")
            print(f"     {' '.join(text.split())[:200]}")


if __name__ == "__main__":
    main()
"""
FILTER_OPTION = (
    """    parser.add_argument("--filter", type=json.loads, default={}, help='such as {"version": ["3.1", "3.2"]}')\n"""
)
INDEX_OPTION = """    parser.add_argument("--index", default="index", help="folder of the index (default: index)")\n"""
