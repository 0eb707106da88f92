"""Header values as they are really sent: addresses, ids, dates."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime, parsedate_tz

from zena_sse.mail.content.decoding import header_text, one_line
from zena_sse.mail.content.message import Address

# A header is scanned this far: the longest honest one (a few hundred recipients) fits.
HEADER_LIMIT = 64 * 1024
# More recipients than a person writes to; a message must stay cheap to keep and to send.
ADDRESS_LIMIT = 200
# Longer names carry an advertisement, not a name.
NAME_LIMIT = 200
# The root and the nearest ancestors place a message; the middle of a very long chain adds nothing.
REFERENCE_LIMIT = 50
# RFC 5322 allows lines of 998; ids longer than this are replaced by their hash, so that they still match.
ID_LIMIT = 250

# What is opened and not closed runs to the end: a second try from the next character would be quadratic.
QUOTED = r'"(?:[^"\\]|\\.?)*(?:"|\Z)'
COMMENT = r"\((?:[^()\\]|\\.?)*(?:\)|(?=\()|\Z)"
TOKEN = re.compile(rf'{QUOTED}|{COMMENT}|<[^<>]*>|[,;]|[^",;<>()]+|.', re.DOTALL)
# Bounded, or a long word without @ would take quadratic time.
EMAIL = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,128}@[^\s\"(),:;<>@\\]{1,255}")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
NAMED_SENDER = re.compile(r"\bfrom\b[^<>@]{0,100}<[^<>]*>", re.IGNORECASE)
BRACKETED = re.compile(r"<([^<>]*)>")


def addresses(values: Iterable[str]) -> tuple[Address, ...]:
    """Everybody named in these raw header values, each address once."""
    found: dict[str, Address] = {}
    for value in values:
        for address in _addresses(value[:HEADER_LIMIT]):
            found.setdefault(address.email, address)
            if len(found) == ADDRESS_LIMIT:
                return tuple(found.values())
    return tuple(found.values())


def _addresses(value: str) -> Iterator[Address]:
    if value.count('"') % 2:
        value = value.replace('"', "")  # an open quote would swallow everybody after it
    found = list(_split(value))
    if not found and "=?" in value:
        return _split(header_text(value))  # some encode the whole header, address and all
    return iter(found)


def _split(value: str) -> Iterator[Address]:
    name, comment, email = "", "", ""
    for piece in (*TOKEN.findall(value), ","):
        if piece in ",;":
            email, name = (email, name) if email else _bare(name)
            if email:
                yield Address(_name(name.strip() or comment), one_line(email.lower()))
                name, comment, email = "", "", ""
            elif piece == "," and name:
                name += ", "  # `Doe, Jane <jane@...>` without the quotes it needs
            else:
                name = ""
        elif piece[0] == "<" and len(piece) > 1:
            email = _inside(piece[1:-1])
        elif piece[0] == "(" and len(piece) > 1:
            comment = piece.strip("()")
        elif piece[0] == '"':
            name += ESCAPED.sub(r"\1", piece.strip('"'))
        else:
            name += piece


def _inside(angle: str) -> str:
    found = EMAIL.findall(angle)
    return found[-1] if found else "".join(angle.split())


def _bare(text: str) -> tuple[str, str]:
    """(address, name) in a text without angle brackets."""
    if "@" not in text or (found := EMAIL.search(text)) is None:
        return "", text
    return found[0], text[: found.start()].rpartition(":")[2]


def _name(raw: str) -> str:
    return header_text(raw)[:NAME_LIMIT].strip(" ,'\"")


def message_id(value: str) -> str | None:
    """The id in a Message-ID header, without angle brackets; None if there is none."""
    found = ids(value)
    if found:
        return found[0]
    bare = "".join(one_line(value[:HEADER_LIMIT]).split()).strip("<>")
    return _bounded(bare) if bare else None


def ids(value: str) -> list[str]:
    """Every id in angle brackets, in order."""
    inside = (one_line(found).replace(" ", "") for found in BRACKETED.findall(value[:HEADER_LIMIT]))
    return [_bounded(found) for found in inside if found]


def _bounded(identifier: str) -> str:
    if len(identifier) <= ID_LIMIT:
        return identifier
    return "sha256:" + hashlib.sha256(identifier.encode()).hexdigest()


def references(chain: str, parent: str, own: str | None, mailboxes: Iterable[str]) -> tuple[str, ...]:
    """The ancestors, oldest first: References, then In-Reply-To.

    Old clients write prose into In-Reply-To ("Message from Jane <jane@...> of Monday"): an address taken for
    an id would make one thread of all her mail. `mailboxes` are addresses known not to be ids.
    """
    found = dict.fromkeys(ids(chain) + ids(NAMED_SENDER.sub("", parent[:HEADER_LIMIT])))
    for other in (own, *mailboxes):
        found.pop(other or "", None)
    ordered = tuple(found)
    if len(ordered) <= REFERENCE_LIMIT:
        return ordered
    return ordered[:1] + ordered[1 - REFERENCE_LIMIT :]


def date(value: str) -> datetime | None:
    """A Date header in UTC; None if it is none. Without a zone it is taken as UTC (RFC 5322, section 3.3)."""
    try:
        parts = parsedate_tz(value[:200])
        if parts is None:
            return None
        year, month, day, hour, minute, second = parts[:6]
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return moment - timedelta(seconds=parts[9] or 0)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


# Kiribati is 14 hours ahead, Baker Island 12 behind; what is beyond is no clock.
EASTERNMOST, WESTERNMOST = 14 * 60, -12 * 60


def utc_offset(value: str) -> int | None:
    """The minutes east of UTC that a Date header states; None without one or with -0000 (RFC 5322, 3.3)."""
    try:
        offset = parsedate_to_datetime(value[:200]).utcoffset()
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    minutes = None if offset is None else int(offset.total_seconds()) // 60
    return minutes if minutes is not None and WESTERNMOST <= minutes <= EASTERNMOST else None


def received_date(values: Iterable[str]) -> datetime | None:
    """When the nearest server took it: the first Received header whose date can be read."""
    for value in values:
        if moment := date(value[:HEADER_LIMIT].rpartition(";")[2].strip()):
            return moment
    return None


# No mail is older than mail; and a clock that is years ahead is no clock.
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=3650)
# Against the server's stamp a sender's date may be late by a slow queue, or early by a wrong clock.
EARLY, LATE = timedelta(days=2), timedelta(days=400)


def sent_at(stated: datetime | None, arrived: datetime | None, received: datetime) -> datetime:
    """The best date: the sender's if it can be true, else the server's, else when we got it."""
    plausible = [moment for moment in (arrived, stated) if moment and EARLIEST <= moment <= received + AHEAD]
    if not plausible:
        return received
    if len(plausible) == 2 and not -LATE <= plausible[1] - plausible[0] <= EARLY:
        return plausible[0]
    return plausible[-1]
