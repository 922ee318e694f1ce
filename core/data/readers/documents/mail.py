"""E-mails (.eml, and mailboxes of many, .mbox): the subject is the title, sender, receivers and date are metadata, the text is
the message's own."""

from __future__ import annotations

import contextlib
import email
import re
from dataclasses import replace
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from pathlib import Path

from core.data.readers.documents.kind import Extracted, Note, join_blocks
from core.data.readers.documents.reading import Reading
from core.data.readers.documents.web_page import extract_page
from core.errors import InputError
from core.text.phrases import first_five

_DEEPEST = 20  # messages in messages
_MAX_PARTS = 10_000  # each takes the library a tenth of a millisecond and more
_LONGEST = 20_000  # characters of one field of the head: what reads them takes time by their square


_BEGINNING = re.compile(rb"(?:\A|\n\r?\n)From (?=[^\n]*\d{4})[^\n]*+\n")  # behind an empty line, and with a year in it
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)


class _ShortHeads(Compat32):
    """Cuts fields of the head. The library's newer policy parses addresses in a way that takes minutes for a long field."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST]


_SHORT_HEADS = _ShortHeads()
_WHOLE = Reading(keep_navigation=True)  # an e-mail has no menus


def read_mail(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """One document; messages that were forwarded as a part are read too, attached files are named in a note.

    Raises InputError if it is no e-mail.
    """
    if data.count(b"\n--") > _MAX_PARTS:
        raise InputError(f"has more than {_MAX_PARTS:,} parts; save the text that you need as .txt", file=path)
    try:
        message = email.message_from_bytes(data, policy=_SHORT_HEADS)
        subject, metadata = _read_head(message)
        attached: list[str] = []
        text = join_blocks(_read_parts(message, attached, depth=0))
    except Exception as error:  # the library lets errors of many types through for malformed heads; none may reach the user raw
        raise InputError(
            f"is not a readable e-mail ({type(error).__name__}); save it again as .eml or as .txt", file=path
        ) from error
    if not message.keys():
        raise InputError("is not an e-mail: it has no head; rename it to .txt if it is text", file=path)
    notes = (Note("files attached to e-mails were not read", ", ".join(attached)),) if attached else ()
    return [Extracted(text=text or subject, title=subject, metadata=metadata, notes=notes)]


def read_mailbox(data: bytes, path: Path, reading: Reading) -> list[Extracted]:
    """A document for every message, those that cannot be read named in a note. Raises InputError if there is none."""
    before, *messages = _BEGINNING.split(data)
    if before.strip() or not messages:
        raise InputError('does not begin with "From " as a mailbox does; rename it to .eml or .txt if it is that', file=path)
    documents, unread = [], []
    for number, message in enumerate(messages, start=1):
        try:
            [document] = read_mail(_ESCAPED.sub(rb"\1", message), path, reading)
        except InputError:
            unread.append(f"{number}")
        else:
            documents += [replace(document, part=f"{number}")] if document.text.strip() else []
            unread += [] if document.text.strip() else [f"{number}"]
    if unread and documents:
        note = Note("messages that hold no text or cannot be read", f"{len(unread)} of {len(messages)}: {first_five(unread)}")
        documents[0] = replace(documents[0], notes=(*documents[0].notes, note))
    return documents


def _read_head(message: Message) -> tuple[str, dict[str, str]]:
    fields = {name: _show_field(message, name) for name in ("from", "to", "cc", "date")}
    with contextlib.suppress(ValueError, TypeError, OverflowError):  # else it stays as it is written
        fields["date"] = parsedate_to_datetime(fields["date"]).isoformat() if fields["date"] else ""
    return _show_field(message, "subject"), {name: value for name, value in fields.items() if value}


def _show_field(message: Message, name: str) -> str:
    return _decode_words(message.get(name, ""))


def _decode_words(value: str) -> str:
    """What a head says, letters that are no ASCII written as "=?utf-8?B?…?=" decoded."""
    try:
        text = str(make_header(decode_header(value)))
    except (LookupError, ValueError, HeaderParseError):
        text = str(value)
    return " ".join(text.split())


def _read_parts(part: Message, attached: list[str], *, depth: int) -> list[str]:
    kind = part.get_content_type()
    name = _decode_words(part.get_filename() or "")
    if depth > _DEEPEST:
        attached.append(name or kind)
        return []
    if part.is_multipart():
        payload = part.get_payload()
        parts = [inside for inside in payload if isinstance(inside, Message)] if isinstance(payload, list) else []
        if kind == "multipart/alternative" and parts:
            return _read_best(parts, attached, depth=depth)
        if kind == "message/rfc822" and parts:
            subject, fields = _read_head(parts[0])
            head = [f"{key}: {value}" for key, value in (("subject", subject), *fields.items()) if value]
            return ["\n".join(head), *_read_parts(parts[0], attached, depth=depth + 1)]
        return [text for inside in parts for text in _read_parts(inside, attached, depth=depth + 1)]
    if part.get_content_maintype() == "image" and part.get("Content-ID") and part.get_content_disposition() != "attachment":
        return []  # a picture within the HTML
    if part.get_content_maintype() != "text" or part.get_content_disposition() == "attachment":
        attached.append(name or kind)
        return []
    text = _decode(part)
    return [extract_page(text, _WHOLE).text if kind == "text/html" else text.strip()]


def _read_best(parts: list[Message], attached: list[str], *, depth: int) -> list[str]:
    """Of the same message in several forms the plain text; another if that one says next to nothing."""
    ranked = sorted(parts, key=lambda part: part.get_content_type() != "text/plain")
    forms: list[tuple[list[str], list[str]]] = []
    for part in ranked:
        unread: list[str] = []
        forms.append((_read_parts(part, unread, depth=depth + 1), unread))
    longest = max(len("".join(texts)) for texts, _ in forms)
    texts = next(texts for texts, _ in forms if 4 * len("".join(texts)) >= longest)
    attached += dict.fromkeys(name for _, unread in forms for name in unread)  # Apple's stand beside the HTML alone
    return texts


def _decode(part: Message) -> str:
    data = part.get_payload(decode=True)
    content = data if isinstance(data, bytes) else b""
    for charset in (part.get_content_charset() or "utf-8", "utf-8"):
        try:
            return content.decode(charset).replace("\r\n", "\n")
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", errors="replace").replace("\r\n", "\n")
