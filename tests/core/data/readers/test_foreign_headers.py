"""Columns that are called something in another language are known as those in English are."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.guesses import Guess, guess_head
from core.data.readers.table_files import read_head
from core.data.readers.understand import understand
from tests.support.layouts import write_files

_TEXT = "eine rote Lampe aus Holz"
_HAN = "木制的红色台灯放在桌子上"


def guess(folder: Path, text: str) -> Guess:
    write_files(folder, {"t.csv": text})
    return guess_head("t.csv", read_head(folder / "t.csv"))


@pytest.mark.parametrize(
    ("lines", "role", "mapping"),
    [
        (f"文档编号,标题,正文\nd1,灯,{_HAN}\nd2,桌,{_HAN}", "corpus", {"id": "文档编号", "title": "标题", "text": "正文"}),
        (f"編號,標題,內容\nd1,灯,{_HAN}\nd2,桌,{_HAN}", "corpus", {"id": "編號", "title": "標題", "text": "內容"}),
        (
            f"文書番号,タイトル,本文\nd1,灯,{_HAN}\nd2,桌,{_HAN}",
            "corpus",
            {"id": "文書番号", "title": "タイトル", "text": "本文"},
        ),
        (
            f"Номер,Название,Текст\n1,Лампа,{_TEXT}\n2,Стол,{_TEXT}",
            "corpus",
            {"id": "Номер", "title": "Название", "text": "Текст"},
        ),
        (f"Numéro,Titre,Texte\n1,a,{_TEXT}\n2,b,{_TEXT}", "corpus", {"id": "Numéro", "title": "Titre", "text": "Texte"}),
        (
            f"Número,Título,Conteúdo\n1,a,{_TEXT}\n2,b,{_TEXT}",
            "corpus",
            {"id": "Número", "title": "Título", "text": "Conteúdo"},
        ),
        (f"id,titolo,testo\n1,a,{_TEXT}\n2,b,{_TEXT}", "corpus", {"id": "id", "title": "titolo", "text": "testo"}),
        (f"Nummer;Titel;Inhoud\n1;a;{_TEXT}\n2;b;{_TEXT}", "corpus", {"id": "Nummer", "title": "Titel", "text": "Inhoud"}),
        ("Frage;Antwort\nWo ist sie?;Im Flur.\nUnd er?;Dort.", "queries", {"text": "Frage", "answer": "Antwort"}),
        ("Domanda;Risposta\nDove?;Qui.\nE lui?;Li.", "queries", {"text": "Domanda", "answer": "Risposta"}),
        ("问题编号,问题,答案\nq1,灯在哪里,桌上\nq2,谁,我", "queries", {"id": "问题编号", "text": "问题", "answer": "答案"}),
        ("Вопрос,Ответ\nГде лампа?,Там.\nКто?,Он.", "queries", {"text": "Вопрос", "answer": "Ответ"}),
        (
            "Nr;Dokument;Bewertung\n1;d1;2\n1;d2;0\n2;d1;1",
            "judgments",
            {"query_id": "Nr", "doc_id": "Dokument", "relevance": "Bewertung"},
        ),
        (
            "id_requete;id_document;pertinence\nq1;d1;1\nq2;d2;0",
            "judgments",
            {"query_id": "id_requete", "doc_id": "id_document", "relevance": "pertinence"},
        ),
        (
            "查询编号,文档编号,相关性\nq1,d1,1\nq2,d2,0",
            "judgments",
            {"query_id": "查询编号", "doc_id": "文档编号", "relevance": "相关性"},
        ),
        (
            "質問番号,文書番号,関連度\nq1,d1,1\nq2,d2,0",
            "judgments",
            {"query_id": "質問番号", "doc_id": "文書番号", "relevance": "関連度"},
        ),
        (
            "запрос,документ,оценка\nлампа,d1,1\nстол,d2,0",
            "judgments",
            {"query_id": "запрос", "doc_id": "документ", "relevance": "оценка"},
        ),
    ],
)
def test_names_of_other_languages(tmp_path: Path, lines: str, role: str, mapping: dict[str, str]) -> None:
    found = guess(tmp_path, lines + "\n")
    assert (found.role, dict(found.mapping), found.sure) == (role, mapping, True)


def test_what_nobody_knows_is_asked_and_a_dataset_in_chinese_loads(tmp_path: Path) -> None:
    folder = write_files(
        tmp_path,
        {
            "语料.csv": f"文档编号,标题,正文\nd1,灯,{_HAN}\nd2,桌,{_HAN}\n",
            "查询.csv": "查询编号,查询\nq1,灯在哪里\n",
            "相关性.csv": "查询编号,文档编号,评分\nq1,d1,2\nq1,d2,0\n",
        },
    )
    dataset = load_dataset(folder)
    assert dataset.judgments.to_numpy().tolist() == [["q1", "d1", 2], ["q1", "d2", 0]]
    assert dataset.queries["text"].tolist() == ["灯在哪里"] and dataset.documents["title"].tolist() == ["灯", "桌"]
    write_files(folder, {"qrels.csv": "xa,xb\nfoo bar,q1\nfoo,q1\n"})
    asked = understand(folder, ["语料.csv", "查询.csv", "qrels.csv"]).questions
    what = "qrels.csv: say whether it holds documents, queries, judgments or none, and which columns are what (xa, xb)."
    assert [question.sentence for question in asked] == [what]
