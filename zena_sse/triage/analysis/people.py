"""The people outside in a thread: who writes, is written to or is named; their best name and their phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from zena_sse.mail.content.message import Address, Message
from zena_sse.triage.analysis.findings import Contact
from zena_sse.triage.analysis.phones import international, likely_region, numbers


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nobody has more people in one matter; a hostile mail may.
PEOPLE_LIMIT = 60
TEXT_LIMIT = 40_000
# What is read of a line on either side of an address; only programs write longer ones.
LINE = 200

EMAIL = re.compile(r"(?<![\w.+-])[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
MACHINE = re.compile(
    r"(?:^|[._+-])(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|bounces?|notifications?|"
    r"unsubscribe|alerts?|auto[-_.]?(?:reply|mail|confirm)|newsletters?|mailing|abuse|listserv|subscribe)"
    r"(?:$|[._+-])|^noreply|noreply$|^(?:enquiry|enquiries|lead|leads|reply|case|ticket|ref)[._+-]?\d+"
)
ROLE = _words(
    """info sales admin office hello enquiries enquiry contact reception rentals lettings accounts support
    team mail marketing help service trust property residential all everyone staff careers hr"""
)
# Where anybody may have an address: colleagues are not known by it.
FREEMAIL = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|icloud|me|mac|aol|proton(?:mail)?|gmx|xtra|"
    r"slingshot|bigpond|optusnet|btinternet|sky|talktalk|virginmedia|eircom|shaw|rogers|telus|sympatico|"
    r"comcast|verizon|fastmail|zoho)\."
)
DISCLAIMED = re.compile(
    r"unsubscribe|opt[ -]out|intended recipient|confidential|privacy|in error|preferences|spam|abuse|"
    r"manage your",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"^[> \t*]*(from|to|cc|reply-to|sender|von|de|an)\*?[ \t]?:\*?[ \t]*(.{3,400})$",
    re.IGNORECASE | re.MULTILINE,
)
WROTE = re.compile(
    r"([^\n<>]{0,120}?)<\s*([\w.+'-]{1,64}@[\w.-]{3,120})\s*>[^\n]{0,40}\b(?:wrote|schrieb|a \u00e9crit|"
    r"escribi\u00f3)\b"
)
LISTED = re.compile(
    r"\"?([^\"<>,;@\[\]\n]{0,80}?)\"?\s*[<\[(]?(?:mailto:)?([\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"
)
# "Wed, 4 Nov 2026 at 9:12 am" before a name in an attribution.
DATED = re.compile(
    r"^.*(?:\d{1,2}[:.h]\d\d(?:[:.]\d\d)?(?:\s?[ap]\.?m\.?)?(?:\s?\([^)]*\)|\s[A-Z+-][\w+:-]{1,5})?|"
    r"20\d\d),?\s*",
    re.IGNORECASE,
)

NAME = r"[A-Z\u00c0-\u00de\u0100-\u017f][\w'\u2019-]*"
# What may stand between a name and the address: "Jo Tarn (jo@", "she is Jo at Tarn Homes, jo@", "Jo on jo@".
NAME_BEFORE = re.compile(
    rf"({NAME}(?:\s+(?:{NAME}|de|van|der|von|la|le|o'))*(?:\s+{NAME})?)"
    rf"(?:\s+(?:at|of|from|@)\s+(?:the\s+)?{NAME}(?:\s+(?:&\s+)?{NAME}){{0,3}})?"
    r"[\s,:(<\[\u2013-]*(?:(?:on|at|via|by|is|e-?mail(?:\s+is)?|address(?:\s+is)?|his|her|their|e|"
    r"cc)[\s:,.]+){0,3}[<(\[]?$"
)
# What begins a sentence or a line and is no name.
NO_NAME = _words(
    """the a an my our your his her their please email e-mail mail contact call phone ring text txt mobile
    mob cell ph tel m p t e w direct office ddi dd send cc copy to from on or and with for if at also i
    it he she they we you this that address attn hi hello dear kind regards cheers thanks best yours
    sincerely faithfully many warm details urgent anything everything what who let reply write try use
    just best not new home work landline ask see re fw fwd subject date sent"""
)
SIGNATURE_END = re.compile(
    r"\b(?:regards|sincerely|faithfully|thanks|cheers|wishes|best|yours|truly|nui|thank you|sent from)\b",
    re.IGNORECASE,
)
PERSON_LINE = re.compile(
    rf"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s+)?({NAME}\.?(?:\s+(?:{NAME}\.?|de|van|der|von|la|"
    rf"le)){{1,3}})\s*(?:$|[,|\u00b7\u2022(/\u2013]|\s-\s)"
)
BUSINESS = re.compile(
    r"\b(?:realty|estate|property|properties|lawyers?|solicitors?|limited|ltd|llp|llc|inc|group|agents?|"
    r"law|legal|partners|associates|road|street|ave|avenue|iphone|outlook|android|team|conveyancing|"
    r"finance|mortgages?|bank|council|co|company|partner|director|manager|consultant|salesperson|executive|"
    r"assistant|secretary|paralegal)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]{2,}")
OTHERS = re.compile(
    r"\b(?:his|her|their|him|them|he's|she's|they're|he\s+is|she\s+is|whose|wife's|husband's|mum's|dad's|"
    r"brother's|sister's|\w+'s\s+(?:number|mobile|cell|phone|mob|no))\b[^.\n]{0,30}$",
    re.IGNORECASE,
)
NAMED_BEFORE = re.compile(
    rf"({NAME})(?:\s+{NAME}){{0,2}}(?:'s)?(?:\s+at\s+{NAME}(?:\s+{NAME}){{0,2}})?\s*(?:,|:|\(|-|\u2013|on|"
    rf"at|is|=|m:?|mob:?|ph:?)*\s*\(?$"
)


class _Person(msgspec.Struct):
    """What is known of one address so far."""

    email: str
    display: str = ""
    signed: str = ""
    near: str = ""
    phone: str | None = None

    @property
    def name(self) -> str:
        if self.display and (" " in self.display or not self.signed):
            return self.display
        same = (
            self.signed.casefold().startswith(self.display.casefold().split(" ")[0]) if self.display else True
        )
        return (self.signed if same else self.display) or self.near or _readable(self.email)


# The person with this address, made if need be; None if it is nobody's.
Finder = Callable[[str], _Person | None]


def contacts(
    messages: Sequence[Message], own: frozenset[str], *, region: str | None = None
) -> tuple[Contact, ...]:
    """Everybody outside who writes, is written to or is named with an address, in the order they appear.

    `own` are the user's addresses. `region` is the country of their numbers (ISO 3166), guessed if not said.
    """
    people: dict[str, _Person] = {}
    ordered = sorted(messages, key=lambda message: message.date)
    home = region or _region(ordered)
    offices = frozenset(_domain(email) for email in own if not FREEMAIL.match(_domain(email)))

    writers = {message.sender.email for message in ordered}

    def find(email: str) -> _Person | None:
        email = email.lower().strip(".'")
        if email in people:
            return people[email]
        is_colleague = _domain(email) in offices  # of the own office only those count who write
        if (
            email in own
            or (is_colleague and email not in writers)
            or not _is_somebody(email, is_colleague=is_colleague)
        ):
            return None
        return people.setdefault(email, _Person(email)) if len(people) < PEOPLE_LIMIT else None

    for message in ordered:
        for address in (message.sender, *message.to, *message.cc):
            if found := find(address.email):
                found.display = _better(found.display, _name(address))
        writer = people.get(message.sender.email)
        if writer:
            _read_own(writer, message, home)
        _read_named(message, find, writer, home)
    return tuple(Contact(found.name, found.email, found.phone) for found in people.values())


def _domain(email: str) -> str:
    return email.rpartition("@")[2]


def _is_somebody(email: str, *, is_colleague: bool) -> bool:
    """A person's address, or a firm's; not a machine's, nor what the own office shares."""
    local, _, domain = email.partition("@")
    if "." not in domain or not local or MACHINE.search(local):
        return False
    return not (is_colleague and local in ROLE)


def _region(messages: Iterable[Message]) -> str | None:
    written = [
        part[start:end]
        for m in messages
        for part in (m.text, m.signature, m.quoted)
        for start, end in numbers(part)
    ]
    if not written:
        return None
    return likely_region(written, [m.utc_offset for m in messages if m.utc_offset is not None])


# --- names ---


def _name(address: Address) -> str:
    """A display name as people are called; empty if it is none."""
    name = " ".join(address.name.split()).strip("'\" ")
    if "@" in name or not any(map(str.isalpha, name)):
        return ""
    name = re.sub(r"\s*(?:\((?:via|through)[^)]*\)|\b(?:via|through)\s.*)$", "", name)
    if name.count(",") == 1 and not BUSINESS.search(name):
        last, _, first = name.partition(",")
        if len(last.split()) <= 2 and first.strip() and len(first.split()) <= 2:
            name = f"{first.strip()} {last.strip()}"
    if name.islower() or (name.isupper() and len(name) > 4):
        name = _capitalised(name)
    return name


def _capitalised(name: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: word[0].capitalize(), name)


def _better(one: str, other: str) -> str:
    """The fuller of two names; the first, if neither is."""
    return other if len(other.split()) > len(one.split()) and len(other) > len(one) else one or other


def _readable(email: str) -> str:
    words = re.split(r"[._+-]+", email.partition("@")[0])
    letters = [re.sub(r"\d+$", "", word) for word in words]
    return _capitalised(" ".join(filter(None, letters))) or email


def _signed_name(signature: str) -> str:
    """The name at the head of a card."""
    for line in signature.split("\n", 8)[:8]:
        tidy = line.strip(" ,*_-\u2013")
        if not tidy or SIGNATURE_END.search(tidy):
            continue
        found = PERSON_LINE.match(tidy)
        if found and not BUSINESS.search(found[1]):
            return _capitalised(found[1]) if found[1].isupper() else found[1]
    return ""


# --- what a message tells ---


def _read_own(writer: _Person, message: Message, home: str | None) -> None:
    """Their name and number from their own signature and words; a later one replaces it."""
    if not writer.signed:
        writer.signed = _signed_name(message.signature)
    tokens = _tokens(writer)
    phone = _card_phone(message.signature) or _own_phone(message.text[:TEXT_LIMIT], tokens)
    if phone:
        writer.phone = international(phone, home)


def _tokens(person: _Person) -> frozenset[str]:
    """The words of somebody's name."""
    return frozenset(
        WORD.findall(f"{person.display} {person.signed} {person.email.partition('@')[0]}".casefold())
    )


def _card_phone(signature: str) -> str | None:
    """The number on a card: a mobile before others, the first otherwise."""
    found = [
        (signature[start:end], signature[max(0, start - 12) : start]) for start, end in numbers(signature)
    ]
    mobile = next(
        (
            number
            for number, before in found
            if re.search(r"\b(?:m|mob|mobile|cell|c)\b[\s:.|]*\(?$", before, re.IGNORECASE)
        ),
        None,
    )
    return mobile or (found[0][0] if found else None)


def _own_phone(text: str, tokens: frozenset[str]) -> str | None:
    """The last number that the writer gives as their own."""
    own = None
    for start, end in numbers(text):
        if _is_signed(text, start, tokens) or _is_own(
            text[max(0, start - 60) : start], text[end : end + 40], tokens
        ):
            own = text[start:end]
    return own


def _is_signed(text: str, start: int, tokens: frozenset[str]) -> bool:
    """Does the number stand on a line of a card, with or below the writer's name?"""
    lines = text[max(0, start - 160) : start].rsplit("\n", 3)[-3:]
    card = [line for line in lines if line.strip()][-2:]
    return any(len(line) < 60 and tokens & frozenset(WORD.findall(line.casefold())) for line in card)


def _is_own(before: str, after: str, tokens: frozenset[str]) -> bool:
    """Whose number is it? Somebody else's if they are named right before, or their address is."""
    line = before.rpartition("\n")[2]
    if OTHERS.search(line) or (EMAIL.search(line[-45:]) and line.strip() != ""):
        return False
    named = NAMED_BEFORE.search(line)
    if named and named[1].casefold() not in NO_NAME and named[1].casefold() not in tokens:
        return re.search(r"\b(?:my|me|i'm|i am)\b", line, re.IGNORECASE) is not None and not re.match(
            r"\s*\(?(?:his|her|their)\b", after
        )
    return True


def _read_named(message: Message, find: Finder, writer: _Person | None, home: str | None) -> None:
    """Those whom a text names with an address, and those of forwarded headers."""
    text = message.text[:TEXT_LIMIT]
    if "@" in text:
        for found in islice(EMAIL.finditer(text), PEOPLE_LIMIT):
            _read_mention(text, found, find, writer, home)
    quoted = message.quoted[:TEXT_LIMIT]
    if "@" in quoted:
        _read_quoted(quoted, find, home)


def _read_quoted(quoted: str, find: Finder, home: str | None) -> None:
    """Names of forwarded headers; below somebody's own, the number they sign with."""
    speaker: _Person | None = None
    since = 0
    for heard in sorted(islice(_quoted_people(quoted), 4 * PEOPLE_LIMIT), key=lambda one: one.start):
        _read_quoted_phone(quoted[since : heard.start], speaker, home)
        other = find(heard.email)
        if other:
            other.display = _better(other.display, _name(Address(heard.name, heard.email)))
        speaker, since = (other, heard.end) if heard.speaks else (speaker, heard.end)
    _read_quoted_phone(quoted[since:], speaker, home)


def _read_quoted_phone(block: str, speaker: _Person | None, home: str | None) -> None:
    if speaker is None or speaker.phone is not None:
        return
    tokens = _tokens(speaker)
    for start, end in numbers(block):
        if _is_signed(block, start, tokens):
            speaker.phone = international(block[start:end], home)
            return


def _read_mention(
    text: str, found: re.Match[str], find: Finder, writer: _Person | None, home: str | None
) -> None:
    said = text[max(0, found.start() - LINE) : found.start()].rpartition("\n")[2]
    line = said + text[found.start() : found.end() + LINE].partition("\n")[0]
    if DISCLAIMED.search(line) or "://" in said[-60:]:
        return
    other = find(found[0])
    if other is None:
        return
    before = text[max(0, found.start() - 80) : found.start()]
    named = NAME_BEFORE.search(before.replace("\n", " "))
    if named and not other.near:
        other.near = _plain_name(named[1])
    after = text[found.end() : found.end() + 40]
    if other is not writer and other.phone is None:
        for start, end in numbers(after):
            if not EMAIL.search(after, 0, start) and "\n\n" not in after[:start]:
                other.phone = international(after[start:end], home)
            break
        else:
            for start, end in numbers(before):
                if len(before) - end < 12 and "\n\n" not in before[end:]:
                    other.phone = international(before[start:end], home)


def _plain_name(words: str) -> str:
    kept = words.split()
    while kept and kept[0].casefold().strip("'s") in NO_NAME | {""}:
        kept.pop(0)
    return " ".join(kept[-3:])


class _Heard(msgspec.Struct):
    """Somebody in the headers of a quote; `speaks` if what follows is theirs."""

    name: str
    email: str
    start: int
    end: int
    speaks: bool


def _quoted_people(quoted: str) -> Iterator[_Heard]:
    """Those of forwarded headers and of "Jane <jane@...> wrote:"."""
    for field in FIELD.finditer(quoted):
        for name, email in LISTED.findall(field[2]):
            yield _Heard(
                name.strip(" '\">*"),
                email,
                field.start(),
                field.end(),
                field[1].lower() in ("from", "von", "de"),
            )
    for found in WROTE.finditer(quoted):
        yield _Heard(DATED.sub("", found[1]).strip(" ,>'\""), found[2], found.start(), found.end(), True)
