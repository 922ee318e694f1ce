"""Texts that are hard to cut into chunks, and to count."""

from __future__ import annotations

NASTY = {
    "prose": "One two three. Four five! Six seven? Eight, nine (ten). " * 30,
    "no space": "a" * 5000,
    "long words": ("Antidisestablishmentarianism" * 3 + " ") * 20 + "Donaudampfschiff" * 40,
    "unknown word": "x" * 130 + "." + "y" * 99 + " " + "z" * 3000,
    "blank lines": "\n" * 50 + "first\n\n\n\n\nsecond" + "\n \t\n" * 40 + "third" + " \n" * 30,
    "tabs": "a\tb\t\tc\n\td\te" * 80,
    "CRLF": "Line one.\r\nLine two.\r\n\r\nParagraph two\r\ngoes on.\r\n" * 20,
    "old Mac": "Line one.\rLine two.\r\rNext.\r" * 20,
    "Japanese": "日本語のテキストです。空白はありません！「はい。」と言った。" * 20,
    "Korean": "한국어 문장입니다. 또 하나의 문장. " * 30,
    "Thai": "ภาษาไทยไม่มีช่องว่างระหว่างคำ" * 20,
    "emoji": "👩‍👩‍👧 ok 🇩🇪🇫🇷 \U0001f44d\U0001f3fd. " * 30 + "👩‍👩‍👧" * 60,
    "combining": "e\u0301a\u0308 \u0301x Ünï çödé ﬁne İstanbul ŞŞ ß½ " * 30,
    "invisible": "\u200b\ufeff zero\u200bwidth \u00ad soft\u00adhyphen \u2028 next\u2029para\u00a0nbsp " * 30,
    "control": "a\x00b \x0c page\x0btab \x1c\x85 \x7f " * 30,
    "special": "[CLS] [SEP] [MASK] [PAD] text " * 40,
    "markdown": "# Top\n\nIntro text here.\n\n## Sub\n```\n# not a heading\n```\n"
    + "word " * 300
    + "\n### Deep\n| a | b |\n|---|---|\n",
    "code": "def f(x):\n    return {'a': [1, 2, 3], \"b\": x.y.z}\n\n" * 40,
    "punctuation": "...!!!???;;;---" * 60,
    "nothing visible to the model": "\u200b",
    "one letter": "x",
    "white space around": " \n\t hello \r\n ",
}
