"""The bundled sample corpora, and names or paths as the user types them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Dataset
from core.data.load import load_dataset
from core.data.readers.encoding import read_text
from core.errors import InputError

SAMPLES_FOLDER = Path(__file__).resolve().parents[2] / "sample_corpora"


@dataclass(frozen=True)
class Sample:
    """A bundled corpus. title and description are the first heading and the first paragraph of its README.md."""

    name: str
    title: str
    description: str
    path: Path


def list_samples() -> list[Sample]:
    """The sub-folders of sample_corpora/ that hold a corpus.jsonl, by name; empty if there are none."""
    if not SAMPLES_FOLDER.is_dir():
        return []
    return [_describe(path.parent) for path in sorted(SAMPLES_FOLDER.glob("*/corpus.jsonl"))]


def resolve_dataset(name_or_path: str) -> Path:
    """The folder of a sample with this name, else the existing folder or zip with this path.

    Raises InputError that lists the samples if there is neither.
    """
    samples = {sample.name: sample.path for sample in list_samples()}
    if name_or_path in samples:
        return samples[name_or_path]
    path = Path(name_or_path).expanduser()
    if name_or_path and path.exists():
        return path
    names = ", ".join(samples) or "none are installed"
    raise InputError(
        f'"{name_or_path}" is neither a sample nor an existing folder or zip; samples: {names}; '
        "give one of these names or the path of a dataset"
    )


def load(name_or_path: str) -> Dataset:
    """Loads a sample by name, or a dataset by path. Raises InputError as resolve_dataset and load_dataset do."""
    return load_dataset(resolve_dataset(name_or_path))


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
