"""TREC's topic files: queries between <top> and </top> with fields that nothing closes, or as XML elements."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from core.errors import InputError

ITERATIONS = {"0", "Q0", "q0"}  # what stands in the second column of judgments and runs
_BEGINNING = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?><!--.*?-->\s*)*+(?:<topics?\b[^>]*>\s*)?<(top|topic)\b", re.DOTALL | re.IGNORECASE
)
_TOPIC = re.compile(r"<(top|topic)\b([^<>]*)>(.*?)</top(?:ic)?>", re.DOTALL | re.IGNORECASE)
_END = re.compile(r"</top(?:ic)?>", re.IGNORECASE)
_FIELD = re.compile(r"<(\w+)>([^<]*)")
_NUMBER = re.compile(r"\b(?:number|num|id)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
# What stands again in front of a field's text: "<num> Number: 301"
_LABELS = {"num": "number", "desc": "description", "narr": "narrative", "title": "topic", "dom": "domain"}


def is_topics(text: str) -> bool:
    """Whether a text is a file of topics."""
    return _BEGINNING.match(text[:5_000]) is not None


def read_topics(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line, {field: text}) for each topic, its number as "num".

    Raises InputError for a topic without a number, and for a beginning that nothing ends.
    """
    end = 0
    ends = [match.end() for match in _END.finditer(text)]
    found = list(_TOPIC.finditer(text, 0, ends[-1])) if ends else []  # what nothing ends would be followed to the file's end
    begun = len(re.findall(r"<top(?:ic)?\b", text, re.IGNORECASE))
    line = 1
    for topic in found:
        line += text.count("\n", end, topic.start())
        end = topic.start()
        fields = {}
        number = _NUMBER.search(topic[2])
        if number:
            fields["num"] = number[1].strip()
        for name, value in _FIELD.findall(topic[3]):
            label = _LABELS.get(name.lower(), name.lower())
            plain = " ".join(html.unescape(value).split())
            cleaned = re.sub(rf" ?(?:{label}|{name}) ?:", "", plain, count=1, flags=re.IGNORECASE)
            fields.setdefault(name.lower(), " ".join(cleaned.split()))
        if not fields.get("num"):
            raise InputError("the topic has no number; add <num>", file=path, line=line)
        yield line, fields
    if begun != len(found):
        raise InputError(f"{begun} topics begin, but {len(found)} end with </top>; correct the file", file=path, line=line)
