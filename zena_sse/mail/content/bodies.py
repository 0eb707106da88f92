"""A plain body taken apart: the sender's own words, what they quote, how they sign.

Every line of the body lands in exactly one of the three, unchanged, so nothing is ever lost; and the passes
are linear, each line judged by patterns without nested repetition, so no body can make them slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from zena_sse.mail.content.signatures import footers, sign_off

# `>` alone, or behind initials as some clients write it (`JD> `).
QUOTE = re.compile(r"\s*(?:[A-Z]{1,4})?>")

# "On Mon, 9 Nov 2026 at 8:20 am, Jane <jane@...> wrote:" and its like.
WROTE = re.compile(
    r"\b(wrote|writes|said|schrieb|a écrit|écrit|escribió|ha scritto|scrive|schreef|skrev|escreveu|kirjoitti|"
    r"napisał|napisał\(a\)|napsal|написал|пишет|quoting)\b|写道|寫道|書きました|작성",
    re.IGNORECASE,
)
OPENER = re.compile(
    r"\s*(on|am|le|el|il|op|den|em|dnia|w dniu|dne|på|quoting|at|in|vào|\d{1,4}[./年-])\b|\s*\d{4}年",
    re.IGNORECASE,
)
# A sentence can end in "he wrote:" too; an attribution also says when, or who by address.
WHEN = re.compile(r"\d[:.h]\d\d|\b(19|20)\d\d\b|@")
COLONS = (":", "\uff1a")
# Longer attributions are prose.
ATTRIBUTION_LINES, ATTRIBUTION_LIMIT = 3, 300

SEPARATOR = re.compile(
    r"\s*[-_=*]{2,} ?(original message|original appointment|forwarded message|forwarded by .{1,80}|"
    r"ursprüngliche nachricht|weitergeleitete nachricht|message d'origine|message original|message transféré|"
    r"mensaje original|mensaje reenviado|mensagem original|mensagem encaminhada|messaggio originale|"
    r"messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht|oprindelig meddelelse|"
    r"ursprungligt meddelande|opprinnelig melding|转发邮件|原始邮件|邮件原件)( from .{1,80})? ?[-_=*]{2,}\s*|"
    r"\s*(begin forwarded message|anfang der weitergeleiteten nachricht|début du message réexpédié|"
    r"inizio messaggio inoltrato|inicio del mensaje reenviado):\s*",
    re.IGNORECASE,
)
FROM = re.compile(
    r"\s*\*?(from|von|de|da|van|fra|från|od|lähettäjä|发件人|寄件者|差出人)\*?\s?[:\uff1a]\*?\s*\S",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"\s*\*?(sent|date|to|subject|cc|reply-to|gesendet|datum|an|betreff|envoyé|à|objet|"
    r"enviado( el)?|para|asunto|fecha|"
    r"inviato|a|oggetto|data|verzonden|aan|onderwerp|sendt|til|emne|dato|skickat|till|ämne|lähetetty|"
    r"发送时间|收件人|主题|抄送|送信日時|宛先|件名)\*?\s?[:\uff1a]",
    re.IGNORECASE,
)
RULE = re.compile(r"\s*[-_=*]{5,}\s*")
# Lines after "From:" in which the other fields must stand; long recipient lists wrap.
FIELD_WINDOW = 8


class Body(NamedTuple):
    """The three parts of a body; each is whole lines of it, in order."""

    text: str
    quoted: str
    signature: str


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Paragraphs of a format=flowed text as its sender typed them (RFC 3676, section 4)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        level = len(line) - len(content)
        content = content.removeprefix(" ")
        if paragraph and level != depth:
            out.append(_requoted(depth, paragraph))
            paragraph = []
        depth = level
        flows = content.endswith(" ") and content != "-- "
        paragraph.append(content[:-1] if flows and delete_space else content)
        if not flows:
            out.append(_requoted(depth, paragraph))
            paragraph = []
    if paragraph:
        out.append(_requoted(depth, paragraph))
    return "\n".join(out)


def _requoted(depth: int, paragraph: list[str]) -> str:
    text = "".join(paragraph)
    return f"{'>' * depth} {text}" if depth else text


def split(body: str, names: Sequence[str] = ()) -> Body:
    """Take a body apart. `names` are the sender's, so that a bare name at the end is seen as a signature."""
    lines = [line.rstrip() for line in body.split("\n")]
    quoted = _quoted(lines)
    signed = _signed(lines, quoted, names)
    if not any(line and not q and not s for line, q, s in zip(lines, quoted, signed, strict=True)):
        signed = [False] * len(lines)  # "Thanks, Jane" may be all there is to say
    own = [not (q or s) for q, s in zip(quoted, signed, strict=True)]
    return Body(_joined(lines, own), _joined(lines, quoted), _joined(lines, signed))


def _joined(lines: list[str], chosen: list[bool]) -> str:
    """The chosen lines; where others stood between them, an empty line."""
    out: list[str] = []
    gap = False
    for line, wanted in zip(lines, chosen, strict=True):
        if wanted:
            if gap and line and out and out[-1]:
                out.append("")
            out.append(line)
        gap = not wanted
    return "\n".join(out).strip("\n")


def _quoted(lines: list[str]) -> list[bool]:
    quoted = [QUOTE.match(line) is not None for line in lines]
    first_own = len(lines)
    position = 0
    while position < len(lines):
        end = position + 1
        if lines[position] and not quoted[position]:
            if block := _introduction(lines, quoted, position, first_own):
                start, end = block
                quoted[start:end] = [True] * (end - start)
            else:
                first_own = min(first_own, position)
        position = end
    return quoted


def _introduction(
    lines: list[str], quoted: list[bool], position: int, first_own: int
) -> tuple[int, int] | None:
    """(start, end) of what introduces a quote, with the quote if nothing marks it; None if nothing does."""
    if SEPARATOR.fullmatch(lines[position]):
        after = _next(lines, position + 1)
        return position, _quote_end(lines, quoted, _fields_end(lines, after, least=0) or position + 1)
    if end := _fields_end(lines, position):
        start = position
        while start and (not lines[start - 1] or RULE.fullmatch(lines[start - 1])):
            start -= 1
        return start, _quote_end(lines, quoted, end)
    return _attribution(lines, quoted, position, first_own) if lines[position].endswith(COLONS) else None


def _attribution(
    lines: list[str], quoted: list[bool], position: int, first_own: int
) -> tuple[int, int] | None:
    first = _attribution_start(lines, position)
    if first is not None:
        # Below an answer all the rest is the quote; with nothing above, the answer stands somewhere below.
        return first, _quote_end(lines, quoted, position + 1) if first_own < first else position + 1
    follows = _next(lines, position + 1)
    if follows - position <= 2 and follows < len(lines) and quoted[follows] and WROTE.search(lines[position]):
        return position, position + 1  # right above marked lines, "Jane said:" is enough
    return None


def _quote_end(lines: list[str], quoted: list[bool], start: int) -> int:
    """Where the quote after its introduction ends: at once if its lines are marked, else with the mail."""
    follows = _next(lines, start)
    return start if follows < len(lines) and quoted[follows] else len(lines)


def _next(lines: list[str], position: int) -> int:
    return next((i for i in range(position, len(lines)) if lines[i]), len(lines))


def _fields_end(lines: list[str], position: int, least: int = 2) -> int | None:
    """Where a block of From: and `least` fields like Sent:, To:, Subject: ends that starts here, if any."""
    if position >= len(lines) or not FROM.match(lines[position]):
        return None
    window = range(position + 1, min(position + 1 + FIELD_WINDOW, len(lines)))
    fields = [i for i in window if FIELD.match(lines[i])]
    return max((position, *fields)) + 1 if len(fields) >= least else None


def _attribution_start(lines: list[str], end: int) -> int | None:
    """The first line of an attribution, wrapped or not, that ends on this one; None if it is none."""
    joined = ""
    for start in range(end, max(-1, end - ATTRIBUTION_LINES), -1):
        if not lines[start]:
            return None
        joined = f"{lines[start]} {joined}"
        if len(joined) > ATTRIBUTION_LIMIT:
            return None
        if OPENER.match(joined) and WROTE.search(joined) and WHEN.search(joined):
            return start
    return None


def _signed(lines: list[str], quoted: list[bool], names: Sequence[str]) -> list[bool]:
    """Which lines are signature: footers anywhere, a sign-off only where the sender's words end."""
    signed = [False] * len(lines)
    last: tuple[int, int] | None = None
    for start, end in _own_runs(lines, quoted):
        for first, after in footers(lines[start:end]):
            signed[start + first : start + after] = [True] * (after - first)
        words = next((i for i in range(start, end) if lines[i] and not signed[i]), None)
        if words is not None:
            last = start, next((i for i in range(words, end) if signed[i]), end)
    if last and (block := sign_off(lines[slice(*last)], names)):
        signed[last[0] + block[0] : last[0] + block[1]] = [True] * (block[1] - block[0])
    return signed


def _own_runs(lines: list[str], quoted: list[bool]) -> Iterator[tuple[int, int]]:
    """(start, end) of each stretch of unquoted lines."""
    start = 0
    for is_quote, run in groupby(quoted):
        end = start + len(list(run))
        if not is_quote and any(lines[start:end]):
            yield start, end
        start = end
