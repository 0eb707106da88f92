"""How mails end: signatures, sign-offs, disclaimers, list footers, and what phones add.

Judged carefully: what is taken for a signature is not read for tasks and promises. A block counts only if it
is short and reads like a card; when in doubt the lines stay text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int]

# Netiquette asks for 4 lines, companies write 15; more is not a signature but text under a line of dashes.
SIGNATURE_LINES = 25
DELIMITER = re.compile(r"\s*(--|\u2014)\s*")
RULE = re.compile(r"\s*[_=*-]{5,}\s*")
FOOTER_WORDS = re.compile(
    r"confidential|privileged|disclaimer|intended (recipient|for|only)|mailing list|listinfo|unsubscribe|"
    r"virus|vertraulich|confidentiel|environment before printing|registered (office|in)",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"\s*(confidentiality (notice|note)|disclaimer|important notice)\b|"
    r"\s*(this|the information in this) (e-?mail|message|communication)\b.{0,80}"
    r"\b(confidential|privileged|intended)",
    re.IGNORECASE,
)
PHONE_ADDS = re.compile(
    r"\s*(sent (from|via|using) (my |an? )?\w[\w .,'+-]{1,40}|get outlook for \w+.*|sent from yahoo mail.*|"
    r"(von|gesendet von) (meinem|mein) .{1,40}|envoyé (de|depuis) mon .{1,40}|enviado desde mi .{1,40}|"
    r"inviato da(l mio)? .{1,40}|verzonden vanaf mijn .{1,40}|sendt fra min .{1,40}|skickat från min .{1,40}|"
    r"从我的.{1,20}发送|发自我的.{1,20})\.?\s*",
    re.IGNORECASE,
)

CLOSINGS = frozenset(
    """
    regards|best|cheers|thanks|thanks again|many thanks|thank you|thanks so much|thanks a lot|thx|ta
    thank you very much|thanks in advance|thanks and regards|yours|yours truly|sincerely yours|respectfully
    take care|talk soon|speak soon|all the best|with thanks|br|rgds|kr|lg|mfg|mvh|vh|love|xx|x
    ngā mihi nui|nga mihi nui|ngā mihi|nga mihi|noho ora mai|arohanui|cordialement|bien cordialement
    bien à vous|cordially|salutations|saludos|un saludo|atentamente|saludos cordiales|saluti
    cordiali saluti|distinti saluti|groeten|pozdrawiam|z poważaniem|atenciosamente|abraços
    祝好|此致|谢谢|ありがとうございます|よろしくお願いします
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
) - {""}
CLOSING_ENDS = re.compile(
    "regards|wishes|sincerely|faithfully|truly|greetings|grüssen?|gruss|gruessen?|groete?n?|hilsen|hälsningar"
)
# A sign-off is a phrase, not a sentence.
CLOSING_WORDS = 5

# Below a sign-off stand name, title, company, address, phones, a link.
CARD_LINES, CARD_WIDTH, CARD_WORDS = 10, 90, 12
# "Can you send the LIM by Friday." below "Thanks" is no address line.
SENTENCE_WORDS = 4
POSTSCRIPT = re.compile(r"\s*p\.?\s?s\b[.:,]?", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]+")
# After the name at the head of a card: nothing, or what separates it from a title or a phone.
AFTER_NAME = re.compile(r"\s*([,|·•(/+&\d\u2013-]|and\b|x+$|$|(?-i:[A-Z]{2,8}\b))", re.IGNORECASE)


def footers(lines: Sequence[str]) -> list[Span]:
    """(start, end) of everything a program put under the words, in one stretch of own lines."""
    found: list[Span] = []
    last = [(position, line) for position, line in enumerate(lines) if line][-SIGNATURE_LINES:]
    for i, (position, line) in enumerate(last):
        if PHONE_ADDS.fullmatch(line):
            found.append((position, position + 1))
        elif _starts_footer([line for _, line in last[i:]]):
            return [*found, (position, len(lines))]
    return found


def _starts_footer(lines: Sequence[str]) -> bool:
    if DELIMITER.fullmatch(lines[0]):
        return True
    return bool(RULE.fullmatch(lines[0]) or DISCLAIMER.match(lines[0])) and any(
        map(FOOTER_WORDS.search, lines)
    )


def sign_off(lines: Sequence[str], names: Sequence[str]) -> Span | None:
    """(start, end) of "Kind regards, Jane, 021 ..." at the end of these lines; a postscript stays text."""
    end = next((i for i in range(len(lines) - 1, -1, -1) if lines[i]), -1) + 1
    for i in range(max(0, end - CARD_LINES), end):
        if POSTSCRIPT.match(lines[i]):
            end = i
            break
    tokens = frozenset(word.casefold() for name in names for word in WORD.findall(name))
    for start in range(max(0, end - CARD_LINES), end):
        heads = _is_closing(lines[start]) or _is_named(lines[start], tokens)
        if heads and all(_is_card_line(line) for line in lines[start + 1 : end]):
            return start, end
    return None


def _is_closing(line: str) -> bool:
    phrase = line.strip(" ,.!-\u2013~*").casefold().replace("\u2019", "'")
    if phrase in CLOSINGS:
        return True
    words = phrase.split()
    return 0 < len(words) <= CLOSING_WORDS and CLOSING_ENDS.fullmatch(words[-1]) is not None


def _is_named(line: str, tokens: frozenset[str]) -> bool:
    """The line begins with the sender's name or initials, and says little else."""
    if len(line) > CARD_WIDTH or not tokens:
        return False
    end, known = 0, False
    for word in WORD.finditer(line):
        is_initial = word[0].isupper() and len(word[0]) == 1
        is_known = _is_known(word[0], tokens)
        if line[end : word.start()].strip(" .-'") or not (is_known or is_initial):
            break
        end, known = word.end(), known or is_known
    return known and AFTER_NAME.match(line, end + (line[end : end + 1] == ".")) is not None


def _is_known(word: str, tokens: frozenset[str]) -> bool:
    folded = word.casefold()
    if folded in tokens:
        return True
    initials = {token[0] for token in tokens}
    return word.isupper() and len(word) <= 3 and set(folded) <= initials


def _is_card_line(line: str) -> bool:
    words = len(line.split())
    if len(line) > CARD_WIDTH or words > CARD_WORDS or line.endswith("?"):
        return False
    is_sentence = line.endswith((".", "!", ":")) or (line[:1].islower() and "." not in line)
    return not is_sentence or words < SENTENCE_WORDS
