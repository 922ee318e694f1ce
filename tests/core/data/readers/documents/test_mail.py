"""E-mails: head, text, attached files, messages in messages."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from core.data.load import load_dataset
from core.data.readers.documents.kind import Extracted
from core.data.readers.documents.mail import read_mail, read_mailbox
from core.data.readers.documents.reading import Reading
from core.errors import InputError


def read(data: bytes) -> Extracted:
    return read_mail(data, Path("x.eml"), Reading())[0]


def make_message(text: str, subject: str = "Pümpe") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Ann <ann@example.org>", "bo@example.org"
    message["Date"] = "Mon, 02 Sep 2024 10:30:00 +0200"
    message.set_content(text)
    return message


def test_head_text_and_attachments() -> None:
    message = make_message("Please oil it.\n")
    message.add_alternative("<p>Please <b>oil</b> it.</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Pläne.pdf")
    extracted = read(bytes(message))
    assert (extracted.title, extracted.text) == ("Pümpe", "Please oil it.")
    assert extracted.metadata == {
        "from": "Ann <ann@example.org>",
        "to": "bo@example.org",
        "date": "2024-09-02T10:30:00+02:00",
    }
    assert [(note.what, note.detail) for note in extracted.notes] == [("files attached to e-mails were not read", "Pläne.pdf")]


def test_html_where_the_plain_part_says_nothing() -> None:
    message = make_message("See HTML.")
    message.add_alternative("<table><tr><td>Part<td>E7</table><p>Order it before the end of the week.", subtype="html")
    assert read(bytes(message)).text == "Part | E7\n\nOrder it before the end of the week."


def test_what_is_attached_beside_the_html_alone_is_named() -> None:
    """As Apple's program writes it: the files stand in one of the alternatives. A picture within the HTML is no such file."""
    message = make_message("Please oil the pump.\n")
    message.add_alternative("<p>Please oil the pump.</p>", subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"GIF", maintype="image", subtype="gif", cid="<logo>")
    html.make_mixed()
    html.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="manual.pdf")
    extracted = read(bytes(message))
    assert extracted.text == "Please oil the pump."
    assert [note.detail for note in extracted.notes] == ["manual.pdf"]


def test_a_mailbox_is_a_document_a_message(tmp_path: Path) -> None:
    first = bytes(make_message("Since 1999:\n\n>From here on it leaks.\n", "Leak"))
    messages = [first, b"no head", bytes(make_message("Oil it.\n", "Oil"))]
    mailbox = b"".join(b"From ann@example.org Mon Sep  2 10:30:00 2024\n" + message + b"\n\n" for message in messages)
    (tmp_path / "inbox.mbox").write_bytes(mailbox)
    dataset = load_dataset(tmp_path)
    assert dataset.documents["doc_id"].tolist() == ["inbox.mbox#1", "inbox.mbox#3"]
    assert dataset.documents["title"].tolist() == ["Leak", "Oil"]
    assert dataset.documents["text"].tolist() == ["Since 1999:\n\nFrom here on it leaks.", "Oil it."]
    assert dataset.warnings == ("1 file: messages that hold no text or cannot be read: inbox.mbox (1 of 3: 2).",)
    with pytest.raises(InputError, match=r'does not begin with "From " as a mailbox does'):
        read_mailbox(b"From " + b"9" * 1_000_000, Path("x.mbox"), Reading())


def test_a_forwarded_message_is_read() -> None:
    outer = make_message("See below.", "Fwd")
    outer.add_attachment(make_message("Inner words."))
    assert read(bytes(outer)).text.startswith("See below.\n\nsubject: Pümpe\nfrom: Ann <ann@example.org>\n")
    assert read(bytes(outer)).text.endswith("\n\nInner words.")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Subject: a\nContent-Type: text/plain; charset=unknown-8bit\n\ncaf\xe9", "café"),
        (b"Subject: a\nContent-Type: text/plain; charset=latin-1\n\ncaf\xe9", "café"),
        (b"Subject: only this\n\n", "only this"),
        (b"Subject: a\nDate: never\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nbody", "body"),
    ],
)
def test_messages_that_break_rules(data: bytes, text: str) -> None:
    assert read(data).text == text


def test_no_message() -> None:
    with pytest.raises(InputError, match=r"x.eml: is not an e-mail: it has no head; rename it to .txt if it is text"):
        read(b"just words\n")
