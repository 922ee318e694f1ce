"""What a tokenizer makes of letters: of texts in many languages for the bundled model, and of made-up tokenizers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.text.reading import HAN, Legibility, find_known_scripts, find_script, measure_reading
from core.text.tokens import Tokenizer, load_tokenizer

READ = {
    "English": "The boundary layer over a flat plate becomes turbulent when the Reynolds number is large enough.",
    "German": "Die Grenzschicht über einer ebenen Platte wird turbulent, wenn die Reynoldszahl groß genug ist.",
    "Turkish": "Düz bir levha üzerindeki sınır tabaka, Reynolds sayısı yeterince büyük olduğunda türbülanslı hale gelir.",
    "Vietnamese": "Lớp biên trên tấm phẳng trở nên rối khi số Reynolds đủ lớn, nhân viên cần đăng ký nghỉ phép trước ba ngày.",
    "source code": "static int xfs_btree_lshift(struct xfs_btree_cur *cur, int *stat) { union xfs_btree_key *rkp = NULL; }",
    "part numbers": "SKF 6205-2RSH/C3; M8x25 DIN 912 A2-70; XKQ-TRB BMR-PLV ZNT-QWX; P/N 4F2-GHX-BRT-TTQ; QXTR-BVKM ZPLW-HHGF",
    "log lines": "E0131 23:59:59.123 pod_workers.go:191] CrashLoopBackOff ECONNREFUSED 10.0.0.12:8443 nginx-6799fc88d8-2xk7p",
    "chemistry": "NaOH, HCl, CH3COOH; CC(C)Cc1ccc(cc1)C(C)C(=O)O; dichlorodiphenyltrichloroethane; α-helix, β-sheet and Δψ",
    "notes of a clinic": "Pt c/o SOB, hx of CHF, CABG x3; rx furosemide PO BID; f/u w/ ECG, BNP, CXR",
    "variables": "Let f: X → Y; for all x in X and y in Y, if f(x) = y then x + y = z",
}
UNREAD = {
    "Arabic": "يجب على الموظفين تقديم طلب الإجازة السنوية قبل ثلاثة أيام من موعدها في النظام.",
    "Cyrillic": "Сотрудники должны подать заявление на ежегодный отпуск в системе за три дня до его начала.",
    "Greek": "Οι εργαζόμενοι πρέπει να υποβάλουν αίτηση για ετήσια άδεια τρεις ημέρες νωρίτερα στο σύστημα.",
    "Hebrew": "על העובדים להגיש בקשה לחופשה שנתית שלושה ימים מראש במערכת.",
    "Devanagari": "कर्मचारियों को वार्षिक अवकाश के लिए तीन दिन पहले सिस्टम में आवेदन करना होगा।",
    "Thai": "พนักงานต้องยื่นคำขอลาพักร้อนล่วงหน้าสามวันในระบบ",
    "Korean": "직원은 연차 휴가를 사흘 전에 시스템에서 신청해야 합니다. 영수증 사진을 첨부해 주세요.",
    "Chinese": "员工请年假需要提前三天在系统里申请。报销差旅费时请上传发票原件的照片。",
    "Japanese": "従業員は年次休暇を三日前までにシステムで申請する必要があります。領収書の写真を添付してください。",
}
RUSSIAN = UNREAD["Cyrillic"]


@pytest.fixture(scope="module")
def bundled() -> Tokenizer:
    return load_tokenizer("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", READ)
def test_the_english_model_is_not_said_to_be_unable_to_read_what_has_latin_letters(name, bundled):
    reading = measure_reading([READ[name]], bundled)
    assert reading.scripts[0].script == "Latin"
    assert reading.unread == 0.0


@pytest.mark.parametrize("name", UNREAD)
def test_the_english_model_cannot_read_other_scripts(name, bundled):
    reading = measure_reading([UNREAD[name]], bundled)
    assert [script.script for script in reading.scripts] == [HAN if name in ("Chinese", "Japanese") else name]
    assert reading.unread == 1.0


def test_letters_are_told_apart_by_how_they_fail(bundled):
    """ "Arabic letters are all in the vocabulary, one by one; Thai has none; English words are mostly tokens of their own."""
    arabic, thai, english = (
        measure_reading([text], bundled).scripts[0] for text in (UNREAD["Arabic"], UNREAD["Thai"], READ["English"])
    )
    assert (arabic.unknown, arabic.letters_per_token) == (0.0, 1.0)
    assert arabic.spelled == 1.0
    assert (thai.unknown, thai.spelled, thai.letters_per_token) == (1.0, 0.0, 0.0)
    assert (english.unknown, english.spelled) == (0.0, 0.0)
    assert english.letters_per_token == pytest.approx(80 / 16)  # 80 letters; 15 words in 16 tokens, "Re" and "##ynolds"


def test_a_mixed_text_is_measured_script_by_script(bundled):
    reading = measure_reading(["abcd word " * 4, RUSSIAN], bundled)
    russian = sum(sign.isalpha() for sign in RUSSIAN)
    shares = {script.script: script.share for script in reading.scripts}
    assert shares == pytest.approx({"Cyrillic": russian / (russian + 32), "Latin": 32 / (russian + 32)})
    assert reading.unread == pytest.approx(shares["Cyrillic"])


def test_what_is_no_word_is_not_counted(bundled):
    """Strings with a digit, and letters that stand alone: α, x and й are spelled in every text about them."""
    assert measure_reading(["ERR-4012 6205-2RSH яж1", "12 + 3 = 15", ""], bundled) == Legibility(texts=3, of=3)
    alone = measure_reading(["α + β й x"], bundled)
    assert [script.spelled for script in alone.scripts] == [0.0, 0.0, 0.0]
    assert measure_reading([], bundled) == Legibility()


def test_long_texts_are_sampled_and_it_is_said(bundled):
    texts = [f"{'word ' * 3}{RUSSIAN if number % 2 else READ['English']}" for number in range(2_500)]
    reading = measure_reading(texts, bundled)
    assert (reading.texts, reading.of) == (834, 2_500)  # every third
    whole = measure_reading(texts[:6], bundled)
    assert reading.unread == pytest.approx(whole.unread, abs=0.01)


@dataclass
class MadeUpTokenizer:
    """Cuts words into pieces of `size` letters; of letters in `unknown` none is known. words: of the vocabulary."""

    size: int
    unknown: str = ""
    bytes_each: int = 1
    words: list[str] = field(default_factory=list)

    def pieces(self, texts: list[str]) -> list[list[tuple[int, int, bool]]]:
        return [
            [
                (start, min(start + self.size, len(text)), not set(text[start : start + self.size]) & set(self.unknown))
                for start in range(1, len(text), self.size)  # behind the space
                for _ in range(self.bytes_each)
            ]
            for text in texts
        ]

    @property
    def scripts(self) -> frozenset[str]:
        return find_known_scripts(self.words)


def test_one_chinese_sign_a_token_is_how_chinese_is_read():
    """Models for Chinese know each sign; one that takes a byte a token knows none, and one without the signs neither."""
    text = "员工请年假需要提前三天"
    known, spelled, unknown = (
        measure_reading([text], tokenizer).scripts[0]
        for tokenizer in (MadeUpTokenizer(1), MadeUpTokenizer(1, bytes_each=3), MadeUpTokenizer(1, unknown=text))
    )
    assert (known.readable, known.spelled, known.letters_per_token) == (True, 0.0, 1.0)
    assert (spelled.readable, spelled.spelled) == (False, 1.0)
    assert (unknown.readable, unknown.unknown) == (False, 1.0)


def test_a_vocabulary_of_many_scripts_reads_what_it_spells():
    """Large multilingual models spell rarer scripts letter by letter, and were trained on them all the same."""
    many = [word for word in ("слово", "كلمة", "คำ", "word") for _ in range(100)]
    assert find_known_scripts(many) == {"Cyrillic", "Arabic", "Thai", "Latin"}
    assert find_known_scripts(many[:150]) == {"Cyrillic"}  # 50 words are too few
    assert find_known_scripts(["а", "б", "aб"] * 100) == frozenset()  # single letters, and two scripts in a token
    greek = [UNREAD["Greek"]]
    assert not measure_reading(greek, MadeUpTokenizer(1, words=many[:200] + many[300:])).scripts[0].readable
    assert measure_reading(greek, MadeUpTokenizer(1, words=many)).scripts[0].readable
    unknown = MadeUpTokenizer(1, unknown=greek[0], words=many)
    assert not measure_reading(greek, unknown).scripts[0].readable  # what is unknown no vocabulary reads


def test_half_of_the_letters_decides():
    """Pieces of two: "дом" is до, м (one of three letters alone); pieces of one: all. In between, by words of both kinds."""
    assert measure_reading(["дом"], MadeUpTokenizer(2)).scripts[0].spelled == pytest.approx(1 / 3)
    assert measure_reading(["дом"], MadeUpTokenizer(2)).unread == 0.0
    assert measure_reading(["дом"], MadeUpTokenizer(1)).unread == 1.0


@pytest.mark.parametrize(
    ("sign", "script"),
    [
        ("a", "Latin"), ("ß", "Latin"), ("Ａ", "Latin"), ("ж", "Cyrillic"), ("ا", "Arabic"), ("ी", "Devanagari"),
        ("ี", "Thai"), ("中", HAN), ("の", HAN), ("カ", HAN), ("ｶ", HAN), ("ー", HAN), ("한", "Korean"),
        ("1", ""), ("-", ""), ("\u0301", ""), ("µ", ""), ("𝛼", ""), ("ª", ""),
    ],
)  # fmt: skip
def test_scripts(sign, script):
    assert find_script(sign) == script
