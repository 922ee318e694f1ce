"""The sample corpora that come with the product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.readers.encoding import read_text
from core.settings import SAMPLES


@dataclass(frozen=True)
class Sample:
    """A bundled corpus. title and description are the first heading and the first paragraph of its README.md."""

    name: str
    title: str
    description: str
    path: Path


def list_samples() -> list[Sample]:
    """The sub-folders of sample_corpora/ that hold a corpus.jsonl, by name; empty if there are none."""
    if not SAMPLES.is_dir():
        return []
    return [_describe(path.parent) for path in sorted(SAMPLES.glob("*/corpus.jsonl"))]


def _describe(folder: Path) -> Sample:
    title, lines = "", list[str]()
    readme = folder / "README.md"
    for line in read_text(readme).split("\n") if readme.is_file() else []:
        if line.startswith("#"):
            title = title or line.strip("# ")
            if lines:
                break
        elif line.strip():
            lines.append(line.strip())
        elif lines:
            break
    return Sample(folder.name, title or folder.name.replace("_", " "), " ".join(lines), folder)
