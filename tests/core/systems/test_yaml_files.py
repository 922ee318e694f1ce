"""Systems as YAML: short spellings, and what is said about a wrong one."""

from __future__ import annotations

import pytest

from core.errors import InputError
from core.stages.chunk import Recursive
from core.stages.rewrite import Feedback
from core.systems.system import Dense, Lexical, System
from core.systems.yaml_files import read_systems


def test_short_spellings() -> None:
    first = "- {name: a, chunk: recursive, dense: true, lexical: false, rewrite: [null, prf]}"
    systems = read_systems(f"{first}\n- {{name: b, lexical: true, filter: yes}}")
    assert systems["a"] == System("a", chunk=Recursive(), dense=Dense(), rewrite=(Feedback(),))
    assert systems["b"] == System("b", lexical=Lexical(), filter=True)
    assert read_systems("systems: []") == {}


DENSE = "name: x, chunk: recursive, dense: true"
FUSE = "name: x, chunk: recursive, dense: true, lexical: true"
WRONG = [
    (
        "[",
        "s.yaml, line 1: cannot be read as YAML (did not find expected node content); correct it there",
    ),
    (
        "a: 1\n b: 2",
        "s.yaml, line 2: cannot be read as YAML (mapping values are not allowed in this context); correct it there",
    ),
    ("", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("text", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("[1]", "s.yaml: should hold a list of systems, each starting with `- name: ...`"),
    ("[{dense: true}]", "s.yaml: a system has no `name`; give each one a name"),
    ("[{name: ' ', dense: true}]", "s.yaml: a system needs a name"),
    (f"[{{{DENSE}}}, {{{DENSE}}}]", "s.yaml: has two systems named 'x'; names must differ"),
    (
        f"[{{{DENSE}, size: 3}}]",
        "s.yaml: system 'x' has the unknown field 'size'; it can have chunk, dense, description, filter, fuse, "
        "infer_filters, lexical, name, rerank, rewrite",
    ),
    ("[{name: x}]", "s.yaml: system 'x' retrieves nothing: give it `dense`, `lexical` or both"),
    ("[{name: x, dense: true}]", "s.yaml: system 'x' needs `chunk`, for example chunk: {type: recursive, size: 200}"),
    (
        "[{name: x, lexical: true, rerank: late_interaction}]",
        "s.yaml: system 'x' needs `chunk`, for example chunk: {type: recursive, size: 200}",
    ),
    (f"[{{{FUSE}}}]", "s.yaml: system 'x': `fuse` joins a dense and a lexical side; give all three or only one side"),
    (
        f"[{{{DENSE}, fuse: rrf}}]",
        "s.yaml: system 'x': `fuse` joins a dense and a lexical side; give all three or only one side",
    ),
    (f"[{{{FUSE}, fuse: sum}}]", "s.yaml: system 'x': fuse has the type 'sum'; it can be rrf, weighted"),
    (f"[{{{FUSE}, fuse: {{type: [rrf]}}}}]", "s.yaml: system 'x': fuse has the type ['rrf']; it can be rrf, weighted"),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, q: 1}}}}]",
        "s.yaml: system 'x': fuse of type rrf has no field 'q'; it has depth, k, level",
    ),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: six}}}}]", "s.yaml: system 'x': fuse.k is 'six'; it should be a whole number"),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: 1.5}}}}]", "s.yaml: system 'x': fuse.k is 1.5; it should be a whole number"),
    (f"[{{{FUSE}, fuse: {{type: rrf, k: true}}}}]", "s.yaml: system 'x': fuse.k is True; it should be a whole number"),
    (
        f"[{{{FUSE}, fuse: {{type: weighted, dense_share: .nan}}}}]",
        "s.yaml: system 'x': fuse.dense_share is nan; it should be a number",
    ),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, level: chunk}}}}]",
        "s.yaml: system 'x': fusing chunks needs lexical: {over: chunks}",
    ),
    (
        f"[{{{FUSE}, fuse: {{type: rrf, level: word}}}}]",
        "s.yaml: system 'x': fuse.level is 'word'; it can be document or chunk",
    ),
    ("[{name: x, lexical: {over: words}}]", "s.yaml: system 'x': lexical.over is 'words'; it can be documents or chunks"),
    ("[{name: x, lexical: {stem: 1}}]", "s.yaml: system 'x': lexical.stem is 1; it should be true or false"),
    ("[{name: x, lexical: 3}]", "s.yaml: system 'x': lexical is 3; it should be a mapping such as {type: lexical}"),
    ("[{name: x, chunk: recursive, dense: {model: 3}}]", "s.yaml: system 'x': dense.model is 3; it should be text"),
    (f"[{{{DENSE}, filter: 1}}]", "s.yaml: system 'x': filter is 1; it can be true or false"),
    *(
        (
            f"[{{{DENSE}, infer_filters: {written}}}]",
            f"s.yaml: system 'x': infer_filters is {found}; it should be a list of metadata fields, such as [product, version]",
        )
        for written, found in (
            ("product", "'product'"),
            ("true", "True"),
            ("[1]", "[1]"),
            ("['']", "['']"),
            ("{a: 1}", "{'a': 1}"),
        )
    ),
    (f"[{{{DENSE}, rewrite: [stems]}}]", "s.yaml: system 'x': rewrite has the type 'stems'; it can be glossary, prf"),
    (
        f"[{{{DENSE}, rewrite: [{{type: glossary, groups: [wifi, wlan]}}]}}]",
        "s.yaml: system 'x': rewrite.groups is ['wifi', 'wlan']; it should be a list of lists of text, "
        "such as [[wifi, wireless]]",
    ),
    (
        f"[{{{DENSE}, rewrite: [{{type: glossary, groups: wifi}}]}}]",
        "s.yaml: system 'x': rewrite.groups is 'wifi'; it should be a list of lists of text, such as [[wifi, wireless]]",
    ),
    (
        "[{name: x, chunk: {type: recursive, size: 0}, dense: true}]",
        "s.yaml: system 'x': chunk: recursive: size must be a whole number of at least 1 (tokens), found 0; 200 is usual.",
    ),
    (
        "[{name: x, chunk: {type: recursive, tokenizer: y}, dense: true}]",
        "s.yaml: system 'x': chunk of type recursive has no field 'tokenizer'; it has overlap, prefix, size",
    ),
    (f"[{{{DENSE}, rerank: {{type: cross_encoder, revision: y}}}}]", "has no field 'revision'; it has depth, mixed, model"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_said_about_a_wrong_system(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_systems(text, file="s.yaml")
    assert str(error.value) == message or (not message.startswith("s.yaml") and str(error.value).endswith(message))
