"""The fields of documents, queries and judgments, and which columns of a table hold them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.errors import InputError

ColumnMapping = Mapping[str, str]


def _names(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# role -> canonical field -> column names that suggest it, likeliest first, as simplify() writes them
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "corpus": {
        "id": _names(
            "id docid documentid docno corpusid passageid pid uid uuid key did chunkid textid articleid productid itemid "
            "nodeid sku asin identifier url uri nr"
        ),
        "title": _names("title headline heading subject name doctitle titel titre titulo überschrift"),
        "text": _names(
            "text body content contents passage pagecontent document abstract segment chunk chunktext passagetext documenttext "
            "fulltext description paragraph markdown summary "
            "inhalt volltext beschreibung contenu texte contenido texto"
        ),
        "metadata": _names("metadata meta"),
    },
    "queries": {
        "id": _names("id queryid qid questionid topicid uid uuid key num topic number nr"),
        "text": _names(
            "text query question querytext title topic questiontext userinput utterance searchterm searchquery "
            "keyword keywords frage suchanfrage anfrage suchbegriff pregunta consulta requête"
        ),
        "filter": _names("filter filters"),
        "tags": _names("tags tag labels category"),
        "answer": _names(
            "answer expectedanswer groundtruth reference generationgt goldanswer referenceanswer answers expectedoutput "
            "antwort réponse respuesta"
        ),
        "evidence": _names("evidence"),
        "relevant": _names(
            "retrievalgt relevant relevantids relevantdocs relevantdocids relevantdocuments relevantdocumentids relevantdoc "
            "relevantdocid positiveids positivedocids positivepassages positivectxs goldids golddocids goldcontextids "
            "referencecontextids expectedids expecteddocids qrels"
        ),
    },
    "judgments": {
        "query_id": _names(
            "queryid qid query questionid topicid topic question querytext searchterm searchquery frage "
            "suchanfrage anfrage suchbegriff pregunta consulta requête"
        ),
        "query_text": _names("query querytext question questiontext frage"),
        "doc_id": _names(
            "docid corpusid documentid docno passageid pid document doc did productid chunkid itemid articleid sku asin "
            "relevantdocid url uri dokument documento"
        ),
        "relevance": _names(
            "relevance rating grade gain label judgment judgement rel relevant score qrel stars relevanz bewertung "
            "pertinence relevancia"
        ),
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {"corpus": ("text",), "queries": ("text",), "judgments": ("query_id", "doc_id")}
NAMES = frozenset(name for fields in FIELDS.values() for names in fields.values() for name in names)
NOUNS = {"corpus": "documents", "queries": "queries", "judgments": "judgments"}
_GRADE_WORDS = ("relevance", "relevancy", "rating", "grade", "gain", "label", "judgment", "judgement", "relevant", "score")
_ID_ENDINGS = ("nummer", "number", "id", "nr", "no", "key", "code", "ref")  # "anfrage_id", "Dokumentnummer"
_OF_A_SYSTEM = {"bm25", "model", "predicted", "prediction", "similarity", "distance", "cosine", "rank", "position", "retrieval"}


def simplify(name: str) -> str:
    """A name in lower case with letters and digits only: "Query_ID" gives "queryid"."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def cut_id_ending(name: str) -> str:
    """What a simplified name says that something is an id of: "anfragenummer" gives "anfrage"; "" if it says nothing."""
    return next((name.removesuffix(ending) for ending in _ID_ENDINGS if name.endswith(ending)), "")


def is_grade_name(column: str) -> bool:
    """Whether a column's name says that it holds grades: "esci_label", "Rating (0-3)", "relevance_gt", not "bm25_score"."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower())
    if _OF_A_SYSTEM.intersection(words):
        return False
    return any(word.rstrip("s") in _GRADE_WORDS for word in words) or (len(words) > 1 and words[-1] == "gt")


def fields_of(role: str) -> dict[str, tuple[str, ...]]:
    """The fields of a role with the names that suggest them. Raises InputError for a role that tables do not have."""
    if role not in FIELDS:
        raise InputError(f'"{role}" is not a role of a table; the roles are {", ".join(FIELDS)}')
    return FIELDS[role]


@dataclass(frozen=True)
class TableUse:
    """How one table is read.

    file: its path below the folder, with "/". role: "corpus", "queries", "judgments", or "" for not at all.
    columns: field -> column; a field mapped to "" has none. header: whether the first line of CSV and the like names the
    columns; without one they are column_1, column_2 …  all_relevant: of judgments without a column of grades, that each row
    counts as 1. grades: what words in the column of grades stand for.
    """

    file: str
    role: str
    columns: ColumnMapping = field(default_factory=dict)
    header: bool = True
    all_relevant: bool = False
    grades: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> dict[str, str]:
        """Field -> column, of the fields that have one."""
        return {name: column for name, column in self.columns.items() if column}


def check_mapping(mapping: ColumnMapping, *, role: str) -> str | None:
    """Why this mapping cannot be loaded, as a sentence for the user, or None if it can.

    Ids of a corpus and of queries need no column: then rows are numbered from 1. Without a relevance column every
    judgment is 1.
    """
    problem = find_problem(mapping, role=role)
    return problem[1] if problem else None


def find_problem(mapping: ColumnMapping, *, role: str) -> tuple[str, str] | None:
    """(the field, what is wrong with it) of the first field that keeps a mapping from being loaded, or None."""
    fields = fields_of(role)
    used = {name: column for name, column in mapping.items() if column}
    unknown = [name for name in used if name not in fields]
    if unknown:
        return unknown[0], f'"{unknown[0]}" is not a field of {role}; the fields are {", ".join(fields)}.'
    for name in REQUIRED[role]:
        if name not in used:
            return name, f"Choose the column that holds the {name.replace('_id', ' id')} of the {role}."
    for name, column in used.items():
        other = next((another for another in used if another != name and used[another] == column), None)
        if other is not None:
            return name, f'The column "{column}" is used for both {name} and {other}; choose another one for one of them.'
    return None
