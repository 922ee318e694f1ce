"""Uploads: nothing outside the target, nothing half-written, and what each of them is."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.kinds import SHOWN
from core.data.readers.uploads import UploadKind, inspect_upload, save_upload
from core.errors import InputError

CORPUS = b'{"_id": "a", "text": "x"}\n'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with nothing in it, whatever other fixtures put into tmp_path."""
    path = tmp_path / "here"
    path.mkdir()
    return path


def test_save_upload_of_a_folder_and_of_a_zip(here: Path) -> None:
    files = [("mine/corpus.jsonl", CORPUS), ("mine/qrels/test.tsv", io.BytesIO(b"q 0 a 1\n"))]
    folder = save_upload(files, here / "one")
    assert folder == here / "one"
    assert inspect_upload(folder).files == ("corpus.jsonl", "qrels/test.tsv")
    with zipfile.ZipFile(here / "a.zip", "w") as archive:
        archive.writestr("x/guide.md", b"# G")
    packed = (here / "a.zip").read_bytes()
    folder = save_upload([("a.zip", packed)], here / "two")
    assert load_dataset(folder).documents["doc_id"].tolist() == ["guide.md"]
    assert sorted(entry.name for entry in here.iterdir()) == ["a.zip", "one", "two"]


def test_bad_uploads_leave_nothing(here: Path) -> None:
    cases = [
        ([], "no files were uploaded; choose files, a folder or a zip"),
        (
            [("../a", b"x")],
            'the file name "../a" leads outside the upload; rename the file and upload it again',
        ),
        ([("a", b"x"), ("a", b"y")], 'the file "a" was uploaded twice; upload it once'),
        (
            [("a.zip", b"x")],
            "a.zip: is not a whole, readable zip (File is not a zip file); pack or upload it again",
        ),
    ]
    for files, message in cases:
        with pytest.raises(InputError) as error:
            save_upload(files, here / "out")
        assert str(error.value) == message
        assert list(here.iterdir()) == []


def test_inspect_upload_tells_the_kinds_apart(here: Path) -> None:
    cases = {
        "dataset": (["corpus.jsonl", "README.md"], UploadKind.DATASET, ("corpus.jsonl",), "A dataset: corpus.jsonl."),
        "docs": (
            ["a.md", "sub/b.pdf", "queries.jsonl", "x.csv"],
            UploadKind.DOCUMENTS,
            ("a.md", "sub/b.pdf"),
            "2 files with text, and 1 table: x.csv.",
        ),
        "tables": (
            ["README.md", "a.csv", "queries.jsonl"],
            UploadKind.TABLES,
            ("a.csv", "queries.jsonl"),
            "2 tables: a.csv, queries.jsonl; say which is what.",
        ),
        "readme": (["README.md"], UploadKind.DOCUMENTS, ("README.md",), "1 file with text."),
        "other": (
            ["a.png"],
            UploadKind.UNKNOWN,
            ("a.png",),
            f"Nothing that can be loaded; expected corpus.jsonl, documents ({SHOWN}) or tables (.csv .tsv .jsonl .parquet). "
            "1 file (images) was not read: a.png; if they hold text that should be found, run OCR and give the text or PDF.",
        ),
    }
    for name, (files, kind, expected, message) in cases.items():
        for file in files:
            (here / name / file).parent.mkdir(parents=True, exist_ok=True)
            (here / name / file).write_text("x")
        upload = inspect_upload(here / name)
        assert (upload.kind, upload.files, upload.message) == (kind, expected, message)
