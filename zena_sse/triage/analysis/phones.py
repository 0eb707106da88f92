"""Telephone numbers in what people write: found by their shape, read by `phonenumbers` as of a country."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import phonenumbers

# A mail has a handful; more is a list somebody pasted.
NUMBER_LIMIT = 50
# E.164 allows 15 digits; fewer than 7 are no number that can be dialled from outside.
LEAST_DIGITS, MOST_DIGITS = 7, 15
# A signature and the words of a mail; a hostile one must stay cheap.
TEXT_LIMIT = 20_000
# Not inside a word, a price, a longer number, an address of the web. Abroad also single digits stand apart.
BREAK = r"(?:[ \u00a0]{1,2}|[.\u2013-]|\) ?-?| \(0\) ?)?"
SHAPE = re.compile(
    r"(?<![\w$£€.@#=+-])(?<!\d )(?<![^\d\s]/)"
    rf"(\+\(?\d{{1,3}}(?:{BREAK}\(?\d{{1,8}}){{1,7}}|\(?\d{{1,4}}(?:{BREAK}\(?\d{{2,8}}){{1,5}})"
    r"(?![\w@%]|[-.]\d| ?m2\b)"
)
DIGITS = re.compile(r"\d")
# Numbers with a meaning of their own; ACN, BSB, references and times stand behind their names.
LABELLED = re.compile(
    r"(?:\b(?:acc(?:ount|t)?|a/c|bsb|acn|abn|gst|iban|swift|nzbn|vat|ref(?:erence)?|invoice|inv|order|"
    r"claim|policy|lot|dp|case|licen[cs]e|reg|registration|receipt|ticket|booking|title|sort\s+code|code|"
    r"fax|f|facsimile|zoom|meeting|passcode|room|pin)\b\.?\s*(?:no\.?|number|is|id|#|"
    r"number\s+is)?\s*[:.#]?\s*|\$\s?|\bfax\b[^\d\n]{0,12})$",
    re.IGNORECASE,
)
DATE = re.compile(
    r"\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d\d)|(?:19|20)\d\d[-./]\d\d[-./]\d\d.*|20\d\d\s?[-\u2013]\s?20\d\d"
)

# Mobile and landline numbers as each country writes them: how many digits after which beginning.
NATIONAL = (
    ("GB", re.compile(r"0(?:7\d{9}|1\d{8,9}|2[03489]\d{8}|3\d{9}|8\d{8,9})")),
    ("AU", re.compile(r"0(?:4\d{8}|[2378][4-9]\d{7})|1[38]00\d{6}|13\d{4}")),
    ("NZ", re.compile(r"02(?:[0-2]|[6-9])\d{5,8}|0[34679]\d{7}|0[58]0[08]\d{5,7}")),
    ("IE", re.compile(r"08[3-9]\d{7}|01\d{7}|0(?:2[1-9]|4\d|5\d|6\d|7\d|9\d)\d{5,7}|1[38]50\d{6}")),
    ("US", re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")),
)
# Nobody else's: in New Zealand, Britain and Ireland no such number is as long.
AUSTRALIAN_MOBILE = re.compile(r"04\d{8}")
COUNTRY_CODES = {"64": "NZ", "61": "AU", "44": "GB", "353": "IE", "1": "US"}
# What the sender's clock says of the country, minutes east of UTC; each only tips the balance.
OFFSETS = {
    **dict.fromkeys((720, 765, 780, 825), ("NZ",)),
    **dict.fromkeys((480, 525, 570, 600, 630, 660), ("AU",)),
    **dict.fromkeys((0, 60), ("GB", "IE")),
    **dict.fromkeys(range(-600, -149, 30), ("US",)),
}


def numbers(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of what looks like telephone numbers."""
    if len(DIGITS.findall(text, 0, TEXT_LIMIT)) < LEAST_DIGITS:
        return
    count = 0
    for found in SHAPE.finditer(text, 0, TEXT_LIMIT):
        written = found[1]
        digits = sum(map(str.isdigit, written))
        if not LEAST_DIGITS <= digits <= MOST_DIGITS or DATE.fullmatch(written):
            continue
        if written[0] not in "+(0" and not _starts_without_zero(written):
            continue
        if LABELLED.search(text[max(0, found.start() - 30) : found.start()].rpartition("\n")[2]):
            continue
        yield found.start(), found.end()
        count += 1
        if count == NUMBER_LIMIT:
            return


def _starts_without_zero(written: str) -> bool:
    """North American numbers, free ones of Australia, and country codes without a plus."""
    digits = "".join(filter(str.isdigit, written))
    is_american = len(digits) in (10, 11) and NATIONAL[-1][1].fullmatch(digits) is not None
    is_free = digits[:4] in ("1300", "1800", "1850", "1350") and len(digits) == 10
    is_abroad = written.startswith(("64 ", "61 ", "44 ", "353 ")) and len(digits) >= 10
    return (is_american and digits != written) or is_free or is_abroad


def likely_region(written: Iterable[str], offsets: Iterable[int] = ()) -> str | None:
    """The country most of these numbers are written in; the clocks of the senders decide between equals."""
    votes: Counter[str] = Counter()
    for number in written:
        digits = "".join(filter(str.isdigit, number))
        if number.lstrip("( ").startswith("+"):
            code = next((code for code in COUNTRY_CODES if digits.startswith(code)), None)
            if code:
                votes[COUNTRY_CODES[code]] += 1
            continue
        for region, shape in NATIONAL:
            if shape.fullmatch(digits):
                votes[region] += 2
                votes[region] += region == "NZ" and digits.startswith("02") and not _is_grouped(number, 2)
    clocks = Counter(region for offset in offsets for region in OFFSETS.get(offset, ()))
    if not votes and not clocks:
        return None
    return max(
        votes | clocks,
        key=lambda region: (min(votes[region], 6) + 3 * bool(clocks[region]), votes[region], region),
    )


def _is_grouped(number: str, length: int) -> bool:
    """Is the area code set apart, as in "02 9555 0101" but not "021 555 0101"?"""
    return re.match(rf"\(?\d{{{length}}}\D", number) is not None


def international(written: str, region: str | None) -> str:
    """The number as it is dialled from abroad, grouped as it is usual or as it was; as written if unknown."""
    tidy = " ".join(written.split())
    home = _home(tidy, region)
    if home is None and not tidy.startswith("+"):
        return tidy
    try:
        number = phonenumbers.parse(tidy, home)
    except phonenumbers.NumberParseException:
        return tidy
    shown = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    digits = "".join(filter(str.isdigit, tidy))
    is_same = "".join(filter(str.isdigit, shown))[-8:] == digits[-8:]
    return shown if is_same and phonenumbers.is_possible_number(number) else tidy


def _home(number: str, region: str | None) -> str | None:
    """The country whose number this is: the likely one if it can be one of it, else the only one it fits."""
    digits = "".join(filter(str.isdigit, number))
    fitting = [name for name, shape in NATIONAL if shape.fullmatch(digits)]
    if region in fitting or not fitting:
        return region
    if AUSTRALIAN_MOBILE.fullmatch(digits):
        return "AU"
    return fitting[0] if len(fitting) == 1 else None
