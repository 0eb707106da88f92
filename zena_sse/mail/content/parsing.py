"""From the bytes of a mail to a `Message`; whatever the bytes are, there is one.

The standard library splits the mail into its parts (policy compat32, the one that does not interpret); what
headers and bodies mean is decoded here, since the library's own decoding raises on real mail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Compat32

import msgspec

from zena_sse.mail.content import headers
from zena_sse.mail.content.bodies import split, unflow
from zena_sse.mail.content.decoding import clean, decode, header_text, known_charset, one_line, untransfer
from zena_sse.mail.content.markup import text_of
from zena_sse.mail.content.message import Address, Attachment, Message

# More than anybody reads: a row must stay small, and triage reads every character.
TEXT_LIMIT = 256 * 1024
HTML_LIMIT = 512 * 1024
SUBJECT_LIMIT = 1000
# One hostile mail must not fill a page with files.
ATTACHMENT_LIMIT = 100
# 128 bits: copies are found by it, and nobody gains by making two mails collide.
KEY_CHARACTERS = 32

# What later tells people from machines.
KEPT_HEADERS = (
    "auto-submitted",
    "authentication-results",
    "feedback-id",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "precedence",
    "reply-to",
    "return-path",
    "sender",
    "x-auto-response-suppress",
    "x-mailer",
    "x-spam-flag",
    "x-spam-status",
)
KEPT_LIMIT = 1000
# A digest has some hundred parts, a chain of forwarded mails some levels; 500 levels take 8 s for a megabyte.
DASHED_LINE_LIMIT, BOUNDARY_LIMIT = 5000, 40
# A type and its parameters; the longest honest ones carry a file name.
STRUCTURED_LIMIT = 4096
NAME_LIMIT = 255  # of a file, as file systems have it

CAPITAL = re.compile(r"([A-Z])")
SUBJECT_LINE = re.compile(r"^subject:(.*)$", re.IGNORECASE | re.MULTILINE)
FROM_LINE = re.compile(r"^from:[^@\n]{0,200}?([^\s<>@]{1,100}@[^\s<>@]{1,200})", re.IGNORECASE | re.MULTILINE)

NOBODY = Address("", "")


class Content(msgspec.Struct):
    """What the parts of one mail hold, gathered in their order; `texts` and `htmls` go pairwise."""

    texts: list[str] = msgspec.field(default_factory=list)
    htmls: list[str] = msgspec.field(default_factory=list)
    attachments: list[Attachment] = msgspec.field(default_factory=list)
    defects: list[str] = msgspec.field(default_factory=list)


class BoundedHeaders(Compat32):
    """The library's plain policy, without its quadratic time for parameters in a header of megabytes."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """(name, value) of a header, cut where nobody honest is."""
        name, value = super().header_source_parse(sourcelines)
        structured = name.lower().startswith("content-")
        if structured:
            value = value[:STRUCTURED_LIMIT].replace("\0", "")
            if not value.isascii() and "boundary" not in value.lower():  # a boundary is compared as it is
                value = decode(value.encode("utf-8", "surrogateescape"), None)
            return name, value
        return name, value[: headers.HEADER_LIMIT]


def parse_batch(mails: Iterable[tuple[bytes, datetime]]) -> list[Message]:
    """`parse` for many, as one call of a worker process."""
    return [parse(raw, received) for raw, received in mails]


def parse(raw: bytes, received: datetime) -> Message:
    """The message in these bytes; never raises. `received` is its date if it has none of its own."""
    try:
        return _parse(raw, received)
    except Exception as error:  # the promise: a mail that nobody foresaw costs its text, never a sync
        return unparsed(raw, received, error)


def _parse(raw: bytes, received: datetime) -> Message:
    is_maze = _is_maze(raw)
    part = BytesParser(policy=BoundedHeaders()).parsebytes(raw.lstrip(b"\r\n"), headersonly=is_maze)
    head = _headers(part)
    sender = _sender(head)
    own_id = headers.message_id(_first(head, "message-id"))
    to, cc = headers.addresses(head.get("to", ())), headers.addresses(head.get("cc", ()))
    stated = headers.date(_first(head, "date"))
    subject = header_text(_first(head, "subject"))[:SUBJECT_LIMIT]
    content = Content(defects=["too many parts"] if is_maze else [])
    _gather(part, content, is_root=True)
    body = _body(content)
    parts = split(body, (sender.name, sender.email.partition("@")[0]))
    return Message(
        key=_key(own_id, sender, _first(head, "date"), stated, subject, body),
        message_id=own_id,
        references=headers.references(
            _first(head, "references"),
            _first(head, "in-reply-to"),
            own_id,
            (address.email for address in (sender, *to, *cc)),
        ),
        subject=subject,
        sender=sender,
        to=to,
        cc=cc,
        date=headers.sent_at(stated, headers.received_date(head.get("received", ())), received),
        text=parts.text,
        quoted=parts.quoted,
        signature=parts.signature,
        html="\n".join(filter(None, content.htmls))[:HTML_LIMIT] or None,
        attachments=tuple(content.attachments),
        headers={name: header_text(head[name][0])[:KEPT_LIMIT] for name in KEPT_HEADERS if name in head},
        utc_offset=headers.utc_offset(_first(head, "date")),
        defect=_defect(part, content),
    )


def _is_maze(raw: bytes) -> bool:
    """Would taking it apart cost more than it is worth? Time grows with parts, and with depth times lines."""
    return raw.count(b"\n--") > DASHED_LINE_LIMIT or raw.lower().count(b"boundary=") > BOUNDARY_LIMIT


def _headers(part: Part) -> dict[str, list[str]]:
    """Raw values by lower-case name, in order; undecoded bytes are in surrogateescape."""
    found: dict[str, list[str]] = {}
    for name, value in part.raw_items():
        found.setdefault(name.lower(), []).append(value)
    return found


def _first(head: dict[str, list[str]], name: str) -> str:
    return head[name][0] if name in head else ""


def _sender(head: dict[str, list[str]]) -> Address:
    for name in ("from", "sender", "return-path"):
        if found := headers.addresses(head.get(name, ())):
            return found[0]
    return NOBODY


def _key(
    own_id: str | None, sender: Address, date: str, stated: datetime | None, subject: str, body: str
) -> str:
    """Copies may differ in what servers add; never in who wrote what when."""
    identity = [own_id or "", sender.email, stated.isoformat() if stated else one_line(date)]
    if own_id is None:
        identity += [subject, " ".join(body.split())]
    return hashlib.sha256("\0".join(identity).encode()).hexdigest()[:KEY_CHARACTERS]


def _gather(part: Part, content: Content, *, is_root: bool = False) -> None:
    kind = part.get_content_type()
    if part.is_multipart() and not kind.startswith("message/"):
        inner = Content(attachments=content.attachments, defects=content.defects)
        for child in _children(part):
            _gather(child, inner)
        if kind == "multipart/alternative":  # the same words twice: one text, one page
            inner.texts = ["\n".join(filter(str.strip, inner.texts))]
            inner.htmls = ["\n".join(filter(None, inner.htmls))]
        content.texts += inner.texts
        content.htmls += inner.htmls
    elif _is_body(part, kind, is_root=is_root):
        text = _text(part, kind, content)
        content.texts.append("" if kind == "text/html" else text)
        content.htmls.append(text if kind == "text/html" else "")
    elif len(content.attachments) < ATTACHMENT_LIMIT:
        content.attachments.append(_attachment(part, kind))


def _is_body(part: Part, kind: str, *, is_root: bool) -> bool:
    if is_root:
        return kind.startswith(("text/", "multipart/"))  # a multipart without parts is text after all
    if kind not in ("text/plain", "text/html"):
        return False
    return part.get_content_disposition() != "attachment" and not _file_name(part)


def _text(part: Part, kind: str, content: Content) -> str:
    limit = HTML_LIMIT if kind == "text/html" else TEXT_LIMIT
    data, defect = _data(part, 4 * limit)
    charset = _parameter(part, "charset")
    if charset and known_charset(charset) is None:
        defect = f"unknown charset {charset[:40]!r}"
    if defect:
        content.defects.append(defect)
    text = clean(decode(data, charset))[:limit]
    if kind == "text/plain" and _parameter(part, "format").lower() == "flowed":
        return unflow(text, delete_space=_parameter(part, "delsp").lower() == "yes")
    return text


def _body(content: Content) -> str:
    pairs = zip(content.texts, content.htmls, strict=True)
    texts = (text if text.strip() else text_of(html) for text, html in pairs)
    return clean("\n".join(filter(None, texts))).removeprefix("\ufeff")[:TEXT_LIMIT]


def _attachment(part: Part, kind: str) -> Attachment:
    if part.is_multipart():  # a message in the message
        inner = next(iter(_children(part)), part)
        name = _file_name(part) or header_text(_first(_headers(inner), "subject"))[:NAME_LIMIT]
        return Attachment(name, kind, sum(len(_data(leaf)[0]) for leaf in part.walk()))
    return Attachment(_file_name(part), kind, len(_data(part)[0]))


def _children(part: Part) -> list[Part]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Part)] if isinstance(payload, list) else []


def _data(part: Part, limit: int | None = None) -> tuple[bytes, str | None]:
    """The bytes of a part, and what was wrong with them; of its encoded form only `limit` bytes are read."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    del part["content-transfer-encoding"]  # or the library would undo it, and give up where we do not
    data = part.get_payload(decode=True)
    return untransfer(data[:limit], encoding) if isinstance(data, bytes) else (b"", None)


def _file_name(part: Part) -> str:
    name = _parameter(part, "filename", "content-disposition") or _parameter(part, "name")
    return header_text(name)[:NAME_LIMIT]


def _parameter(part: Part, name: str, header: str = "content-type") -> str:
    """A parameter of a structured header, RFC 2231 undone; empty if there is none that can be read."""
    try:
        value = part.get_param(name, "", header)
    except (ValueError, IndexError, TypeError, AttributeError, LookupError):
        return ""
    if isinstance(value, tuple):
        charset, _, encoded = value
        return clean(decode(encoded.encode("latin-1", "replace"), charset))
    return str(value)


def _defect(part: Part, content: Content) -> str | None:
    """What was wrong, in words; the parser's are the names of its classes."""
    names = (type(defect).__name__ for leaf in part.walk() for defect in leaf.defects)
    found = [CAPITAL.sub(r" \1", name.removesuffix("Defect")).strip().lower() for name in names]
    return "; ".join(dict.fromkeys((*found, *content.defects))) or None


def unparsed(raw: bytes, received: datetime, error: Exception) -> Message:
    """What can be told without a parser, and the bytes for somebody who looks into it."""
    text = clean(decode(raw[:TEXT_LIMIT], None))
    head, _, body = text.partition("\n\n")
    subject = SUBJECT_LINE.search(head)
    sender = FROM_LINE.search(head)
    return Message(
        key=hashlib.sha256(raw).hexdigest()[:KEY_CHARACTERS],
        message_id=None,
        references=(),
        subject=one_line(subject[1])[:SUBJECT_LIMIT] if subject else "",
        sender=Address("", sender[1].lower()) if sender else NOBODY,
        to=(),
        cc=(),
        date=received,
        text=body,
        quoted="",
        signature="",
        html=None,
        attachments=(),
        headers={},
        defect=one_line(f"not readable: {type(error).__name__}: {error}")[:KEPT_LIMIT],
        raw=raw,
    )
