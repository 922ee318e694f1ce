"""The fields of documents, queries and judgments, and which columns of a table hold them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.errors import InputError

ColumnMapping = Mapping[str, str]


def simplify(name: str) -> str:
    """A name in lower case with letters and digits only, without accents: "Query_ID" gives "queryid"."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in plain if sign.isalnum()))


def _names(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(simplify, words.split())))


# What people call things in German, French, Spanish, Italian, Portuguese, Dutch, Russian, Chinese, Japanese and Korean
_ANY_ID = (
    "nr nummer kennung numéro identifiant número identificador numero identificativo identificatie номер идентификатор "
    "编号 序号 編號 序號 番号 번호"
)
_TITLES = (
    "titel überschrift betreff titre intitulé título titulo titolo oggetto заголовок название "
    "标题 题目 標題 題目 タイトル 題名 見出し 件名 제목"
)
_TEXTS = (
    "inhalt volltext beschreibung absatz abschnitt artikeltext dokumenttext contenu texte corps paragraphe contenido texto "
    "cuerpo párrafo descripción contenuto testo paragrafo descrizione conteúdo corpo parágrafo descrição inhoud tekst alinea "
    "текст содержание абзац описание 正文 内容 文本 段落 摘要 內容 本文 テキスト 본문 내용 텍스트"
)
_DOCUMENTS = (
    "dokument documento documento документ passage passaggio pasaje passagem 文档 文章 文件 文檔 文書 ドキュメント 문서 "
    "artikel article artículo articolo artigo produkt produit producto prodotto produto product"
)
_DOCUMENT_IDS = "文档编号 文件编号 文章编号 段落编号 文檔編號 文件編號 文書番号 記事番号 문서번호"
_QUERIES = (
    "frage suchanfrage anfrage suchbegriff suchwort requête recherche pregunta consulta búsqueda domanda ricerca "
    "pergunta vraag zoekvraag zoekterm zoekopdracht запрос вопрос "
    "查询 问题 检索词 搜索词 查询文本 问题文本 查詢 問題 質問 クエリ 検索語 질문 질의 쿼리 검색어"
)
_QUERY_IDS = "查询编号 问题编号 查詢編號 問題編號 質問番号 クエリ番号 질문번호 쿼리번호"
_ANSWERS = "antwort réponse respuesta risposta resposta antwoord ответ 答案 回答 参考答案 答え 답변 정답"
_GRADES = (
    "relevanz bewertung einstufung urteil pertinence évaluation jugement relevancia calificación puntuación valoración "
    "rilevanza valutazione punteggio giudizio pertinenza relevância avaliação pontuação nota relevantie beoordeling waardering "
    "релевантность оценка "
    "相关性 相关度 评分 等级 标签 分数 相關性 相關度 評分 関連度 適合度 評価 スコア ラベル 관련도 점수 평가"
)

# role -> canonical field -> column names that suggest it, likeliest first, as simplify() writes them
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "corpus": {
        "id": _names(
            "id docid documentid docno corpusid passageid pid uid uuid key did chunkid textid articleid productid itemid "
            f"nodeid sku asin identifier url uri {_DOCUMENT_IDS} {_ANY_ID}"
        ),
        "title": _names(f"title headline heading subject name doctitle {_TITLES}"),
        "text": _names(
            "text body content contents passage pagecontent document abstract segment chunk chunktext passagetext documenttext "
            f"fulltext description paragraph markdown summary {_TEXTS} dokument documento документ 文档 文章 文檔 文書 문서"
        ),
        "metadata": _names("metadata meta"),
    },
    "queries": {
        "id": _names(f"id queryid qid questionid topicid uid uuid key num topic number {_QUERY_IDS} {_ANY_ID}"),
        "text": _names(
            "text query question querytext title topic questiontext userinput utterance searchterm searchquery "
            f"keyword keywords {_QUERIES}"
        ),
        "filter": _names("filter filters"),
        "tags": _names("tags tag labels category"),
        "answer": _names(
            "answer expectedanswer groundtruth reference generationgt goldanswer referenceanswer answers expectedoutput "
            f"{_ANSWERS}"
        ),
        "evidence": _names("evidence"),
        "relevant": _names(
            "retrievalgt relevant relevantids relevantdocs relevantdocids relevantdocuments relevantdocumentids relevantdoc "
            "relevantdocid positiveids positivedocids positivepassages positivectxs goldids golddocids goldcontextids "
            "referencecontextids expectedids expecteddocids qrels"
        ),
        "split": _names("split datasetsplit subset partition"),
    },
    "judgments": {
        "query_id": _names(
            f"queryid qid query questionid topicid topic question querytext searchterm searchquery {_QUERY_IDS} {_QUERIES}"
        ),
        "query_text": _names("query querytext question questiontext frage"),
        "doc_id": _names(
            "docid corpusid documentid docno passageid pid document doc did productid chunkid itemid articleid sku asin "
            f"relevantdocid url uri {_DOCUMENT_IDS} {_DOCUMENTS}"
        ),
        "relevance": _names(f"relevance rating grade gain label judgment judgement rel relevant score qrel stars {_GRADES}"),
        "split": _names("split datasetsplit subset partition"),
    },
}
# The names of columns that hold what somebody asks
ASKING = frozenset(_names(f"query question querytext questiontext userinput searchterm searchquery {_QUERIES}"))
# The names that do not say of what something is the id
ANY_ID = frozenset(_names(f"id identifier key uid uuid {_ANY_ID}"))
REQUIRED: dict[str, tuple[str, ...]] = {"corpus": ("text",), "queries": ("text",), "judgments": ("query_id", "doc_id")}
NAMES = frozenset(name for fields in FIELDS.values() for names in fields.values() for name in names)
NOUNS = {"corpus": "documents", "queries": "queries", "judgments": "judgments"}
_GRADE_WORDS = frozenset(_names(f"relevance relevancy rating grade gain label judgment judgement relevant score {_GRADES}"))
_ID_ENDINGS = ("nummer", "number", "id", "nr", "no", "key", "code", "ref", "编号", "編號", "番号", "번호")  # "Dokumentnummer"
_ID_BEGINNINGS = ("identifiant", "identificador", "identificativo", "id", "numero", "num", "nr", "номер", "идентификатор")
_OF = ("", "del", "de", "du", "do", "da", "di")  # "identifiant du document"
_OF_A_SYSTEM = {"bm25", "model", "predicted", "prediction", "similarity", "distance", "cosine", "rank", "position", "retrieval"}


def cut_id_ending(name: str) -> str:
    """What a simplified name says that something is an id of: "anfragenummer" gives "anfrage"; "" if it says nothing."""
    return next((name.removesuffix(ending) for ending in _ID_ENDINGS if name.endswith(ending)), "")


def is_id_of(name: str, known: Collection[str]) -> bool:
    """Whether a simplified name says that something is the id of one of these: "Dokumentnummer", "id_documento"."""
    behind = [name.removeprefix(one) for one in _ID_BEGINNINGS if name.startswith(one)]
    return cut_id_ending(name) in known or any(one.removeprefix(of) in known for one in behind for of in _OF)


def is_grade_name(column: str) -> bool:
    """Whether a column's name says that it holds grades: "esci_label", "Rating (0-3)", "relevance_gt", not "bm25_score"."""
    words = [simplify(word) for word in re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))]
    if _OF_A_SYSTEM.intersection(words):
        return False
    return any(word.removesuffix("s") in _GRADE_WORDS or word in _GRADE_WORDS for word in words) or (
        len(words) > 1 and words[-1] == "gt"
    )


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
