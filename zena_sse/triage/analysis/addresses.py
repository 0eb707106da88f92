"""Addresses in one text: found by the type of a street, read backwards to its name and number.

Words are looked up one by one, so the time is linear in the text whatever it holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import msgspec

from zena_sse.triage.analysis.streetwords import (
    BEFORE_AN_ADDRESS,
    CITIES,
    COMPASS,
    CONTENT,
    DIRECTIONS,
    DWELLINGS,
    ENDS,
    FRONT,
    GREETINGS,
    MONTHS,
    PLACELIKE,
    PLAIN,
    SMALL,
    STOP,
    STREETLIKE,
    STRONG_TYPES,
    SUBURB_TYPES,
    TYPES,
    UNITS,
    WEAK_TYPES,
)

# Longer mails name their address early; a hostile one must stay cheap.
TEXT_LIMIT = 20_000
# Of one text: nobody writes about more streets than a listing page holds.
STREET_LIMIT = 100
# Longer names stand on no sign.
NAME_WORDS, SUBURB_WORDS = 4, 3
# A street alone may be where somebody works or parks; a name without its type may be a person's.
UNNUMBERED, ELIDED = 0.7, 0.5
# A house has up to three digits behind its street; four are a postcode.
POSTCODE = 4

# Amounts and decimals are one token, so that no part of them is taken for the number of a house.
TOKEN = re.compile(
    r"[$£€]\s?[\d.,]+\w*|\d+(?:,\d{3})+(?:\.\d+)?\w*|\d+\.\d+\w*|\w(?:[\w'\u2019]|[-/\u2013](?=\w))*|"
    r"[^\w\s]|\n"
)
NUMBER = re.compile(
    r"(?:\d{1,4}[a-z]?|[a-z]\d{0,3})/\d{1,5}[a-z]?|\d{1,5}[a-z]?(?:[-\u2013]\d{1,5}[a-z]?)?", re.IGNORECASE
)
UNIT = re.compile(r"\d{1,4}[a-z]?|[a-z]\d{0,3}", re.IGNORECASE)
JOINED_UNIT = re.compile(r"^u(?=\d)(\d{1,4})", re.IGNORECASE)
ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)")
YEAR = re.compile(r"(?:19|20)\d\d")
YEAR_BEFORE = frozenset(("in", "since", "from", "until", "by", ","))
# So that a look around never leaves the list.
EDGE = ("",) * 6


class Words(msgspec.Struct):
    """The words and signs of a text, as said and in lower case, with empty ones on either side."""

    said: list[str]
    low: list[str]


class Found(msgspec.Struct):
    """One address as it stands in one text."""

    street: str
    number: str | None
    suburb: str | None
    weight: float
    end: int = 0  # where in the text it ends, in words


def words_of(text: str) -> Words:
    """A text, taken apart."""
    said = [*EDGE, *TOKEN.findall(text[:TEXT_LIMIT]), *EDGE]
    return Words(said, [word.lower() for word in said])


def greeted(words: Words) -> Iterator[str]:
    """Whom the text greets: "12 Tarn Road, Jo" is no suburb."""
    for i, low in enumerate(words.low):
        if low in GREETINGS and words.said[i + 1][:1].isupper():
            yield words.low[i + 1]


def addresses(words: Words, names: frozenset[str]) -> Iterator[Found]:
    """Addresses with the type of their street, and those that need none."""
    taken = after = 0
    for i, low in enumerate(words.low):
        if i < after:
            continue  # "Temple View" behind a street is its suburb
        if low in TYPES:
            one = _street_at(words, i, names)
        elif low[:1].isdigit() and words.said[i + 1][:1].isupper() and NUMBER.fullmatch(low):
            one = _without_type(words, i, names)
        else:
            continue
        if one is not None:
            yield one
            taken, after = taken + 1, one.end
            if taken == STREET_LIMIT:
                return


def _street_at(words: Words, i: int, names: frozenset[str]) -> Found | None:
    """The address around the type at this place, if it is one."""
    low = words.low[i]
    is_described = words.low[i - 1] in TYPES and words.said[i - 1][0].isupper() and words.said[i].islower()
    if is_described or _goes_on(words, i):  # "the Tarn Lane terrace" is a house on Tarn Lane
        return None
    name, before = _name_before(words, i)
    number, after = number_before(words, before), i + 1
    if number is None:
        is_all = words.low[before] in ENDS and words.low[i + 1] in ENDS
        name = _telling_name(name, words.said[i], is_all=is_all)
        number, after = number_behind(words, after)
    elif name and not _is_plausible(words, before, name, words.said[i]):
        return None
    is_suburb = low not in STRONG_TYPES and any(word.lower() in STRONG_TYPES for word in name[1:])
    if not name or is_suburb:  # "71 Tarn Avenue Holly Park": the second type is that of a suburb
        return None
    suffix = []
    if words.low[after] in COMPASS and words.said[after][0].isupper():
        suffix, after = [words.said[after]], after + 1
    number, after = _unit_behind(words, after, number)
    street = titled([*name, TYPES[low], *suffix])
    suburb, after = suburb_at(words, after, names)
    return Found(street, number, suburb, 1.0 if number else UNNUMBERED, after)


def _goes_on(words: Words, i: int) -> bool:
    """Is this type only a part of a name: "Park Road", "St Johns Road", "Dr Tarn lives in ... Lane"?"""
    low, k = words.low[i], i + 1
    is_saint = low in ("st", "mt")
    if is_saint and words.low[k] == ".":
        k += 1
    following = words.low[k]
    is_alike = words.said[k][:1].isupper() or (words.said[i].islower() and following in STRONG_TYPES)
    if following in TYPES and k == i + 1 and is_alike:
        return following not in ("court", "view", "park") or low not in STRONG_TYPES
    if not (is_saint or low in ("dr", "mount", "glen", "cr", "pl")) or not following[:1].isalpha():
        return False
    return following not in STOP and any(
        ahead in STRONG_TYPES or ahead in WEAK_TYPES for ahead in words.low[i + 2 : i + 4]
    )


def _name_before(words: Words, i: int) -> tuple[list[str], int]:
    """The words of the name before a type, and the place before them (of the number, if there is one)."""
    name: list[str] = []
    j = i - 1
    while len(name) <= NAME_WORDS:
        said, low = words.said[j], words.low[j]
        if low == "." and words.low[j - 1] in ("st", "mt"):
            j -= 1
            continue
        if low == "the" and not name and said[0].isupper():
            return [said], j - 1  # "The Esplanade"
        is_numbered = ORDINAL.fullmatch(low) is not None and _is_counted(words.low[j - 1])
        is_first = not name and low in FRONT and words.low[i] in STRONG_TYPES and is_house(words.low[j - 1])
        if not (low[:1].isalpha() or is_numbered) or (_is_no_name(said, low, name) and not is_first):
            break
        name.insert(0, said)
        j -= 1
    return name, j


def _is_counted(before: str) -> bool:
    """ "8 26th Street", "8 West 26th Street"; not "the 26th Street party"."""
    return before[:1].isdigit() or before in DIRECTIONS


def _is_no_name(said: str, low: str, name: list[str]) -> bool:
    if len(said) == 1 and low not in DIRECTIONS:
        return True
    if not name and low in SUBURB_TYPES:
        return False
    if low in CONTENT and said[0].isupper() and not said.isupper():
        return False
    return low in STOP or "/" in low


def number_before(words: Words, j: int) -> str | None:
    """The number that ends here, with its unit: "Unit 4, 27", "4/27", "12 - 14"."""
    low, before = words.low[j], words.low[j - 1]
    if not (low[:1].isdigit() or "/" in low) or not NUMBER.fullmatch(low):
        return None
    if before in MONTHS or before in DWELLINGS:
        return None  # "Flat 2 Tarn Road" says which flat, not which house
    if before in YEAR_BEFORE and YEAR.fullmatch(low):
        return None
    number = JOINED_UNIT.sub(r"\1", plain(words.said[j]))
    unit = "" if "/" in number else _unit_before(words, j)
    return f"{unit}{number}"


def _unit_before(words: Words, j: int) -> str:
    """What precedes the number of a house, with a slash or a dash; empty if nothing does."""
    before, earlier = words.low[j - 1], words.low[j - 2]
    if before in ("-", "\u2013", "/") and earlier[:1].isdigit() and UNIT.fullmatch(earlier):
        return f"{earlier.upper()}{'/' if before == '/' else '-'}"
    k = j - 1 if before in (",", "at", "of", "/", "-", ".") else j
    if joined := JOINED_UNIT.fullmatch(words.low[k - 1]):
        return f"{joined[1]}/"
    label = k - 3 if words.low[k - 2] in (".", "#") and words.low[k - 3] in UNITS else k - 2
    is_unit = words.low[label] in UNITS or words.low[label] == "#"
    return f"{words.low[k - 1].upper()}/" if is_unit and UNIT.fullmatch(words.low[k - 1]) else ""


def plain(number: str) -> str:
    return number.upper().replace("\u2013", "-")


def _telling_name(name: list[str], type_: str, *, is_all: bool) -> list[str]:
    """The name of a street that has no number; empty if its writing does not show that it is one.

    `is_all`: nothing else stands there, as in a subject, so that no capitals are needed.
    """
    low = type_.lower()
    if low == "court" and name and name[-1].lower() in PLAIN:
        return []  # "High Court"
    is_strong, is_capital = low in STRONG_TYPES, type_[0].isupper()
    if name[:1] == ["The"]:
        return name if is_strong and is_capital and not type_.isupper() else []
    first = next((k for k in range(len(name), 0, -1) if not name[k - 1][0].isupper()), 0)
    capitals = name[max(first, len(name) - NAME_WORDS + 1) :]
    if capitals:
        shouts = low in WEAK_TYPES and capitals[0].isupper() and len(capitals[0]) > 1
        is_suburb = low in SUBURB_TYPES and low not in STREETLIKE
        return capitals if (is_capital or is_strong) and not (shouts or is_suburb) else []
    if is_all and low not in SUBURB_TYPES and name and not PLAIN & set(name):
        return name
    is_telling = is_strong and low not in PLACELIKE and bool(name) and len(name[-1]) > 2
    return name[-1:] if is_telling and name[-1] not in PLAIN else []


def _is_plausible(words: Words, j: int, name: list[str], type_: str) -> bool:
    """May a number, this name and this type be an address, although written without capitals?"""
    low = type_.lower()
    if name[0] == "The":
        return type_[0].isupper()
    is_everyday = any(word.lower() in PLAIN and word.lower() not in FRONT for word in name)
    if any(word[0].isupper() for word in name) or (low in STRONG_TYPES and low not in PLACELIKE):
        return not (is_everyday and name[-1].islower())
    is_at_home = words.low[j - 1] in BEFORE_AN_ADDRESS or not words.low[j].isdigit()
    is_odd = len(name) == 1 and len(name[0]) > 5  # the everyday words of that length are known
    return (is_at_home or is_odd) and len(name) <= 2 and not is_everyday


def number_behind(words: Words, i: int) -> tuple[str | None, int]:
    """The number behind the street: "Tarn Street (73)", "Tarn Lane no. 5", "Tarn Lane 58,"."""
    if words.low[i] == "(" and words.low[i + 2] == ")" and is_house(words.low[i + 1]):
        return plain(words.said[i + 1]), i + 3
    k = i + 1 if words.low[i] == "," else i
    if words.low[k] in ("no", "number", "nr", "#"):
        k += 2 if words.low[k + 1] == "." else 1
        return (plain(words.said[k]), k + 1) if is_house(words.low[k]) else (None, i)
    is_last = is_house(words.low[i]) and words.low[i + 1] in ENDS and words.low[i + 1] not in ("-", ":", "(")
    return (plain(words.said[i]), i + 1) if is_last and len(words.low[i]) < POSTCODE else (None, i)


def is_house(low: str) -> bool:
    return low[:1].isdigit() and NUMBER.fullmatch(low) is not None


def _unit_behind(words: Words, i: int, number: str | None) -> tuple[str | None, int]:
    """The unit behind the street: "22 Tarn Steps, Unit 6", "1420 NE Alder Ave #5"."""
    k = i + 1 if words.low[i] == "," else i
    if not (words.low[k] in UNITS or words.low[k] == "#") or not UNIT.fullmatch(words.low[k + 1]):
        return number, i
    if number and "/" not in number and words.low[k + 1][0].isdigit():
        return f"{plain(words.said[k + 1])}/{number}", k + 2
    return number, k + 2


def suburb_at(words: Words, i: int, names: frozenset[str]) -> tuple[str | None, int]:
    """The suburb that stands here, and the place after it: ", Suburb", "in Suburb"; no city, no state."""
    start = i
    if words.low[i] == "." and words.low[i + 1] == ",":
        i += 1
    if words.low[i] in (",", "in"):
        i += 1
    found: list[str] = []
    while len(found) < SUBURB_WORDS and (_is_suburb_word(words, i) or (found and _joins(words, i))):
        if found and words.said[i].isupper() and not found[0].isupper():
            break  # "Southbank VIC 3006"
        found.append(words.said[i])
        i += 1
    after = words.low[i]
    ends = after in ENDS or after in CITIES or after.isdigit() or (after in STOP and words.said[i].islower())
    if not found or not ends or found[0].lower() in names or (len(found) == 1 and found[0].lower() in TYPES):
        return None, start
    suburb = titled(found)
    return (None, start) if suburb.lower() in CITIES else (suburb, i)


def _is_suburb_word(words: Words, i: int) -> bool:
    said = words.said[i]
    is_known = words.low[i] not in STOP or words.low[i] in TYPES  # "Holly Park"
    return is_known and len(said) > 1 and said[0].isupper() and said[-1].isalpha()


def _joins(words: Words, i: int) -> bool:
    return words.said[i] in SMALL and words.said[i + 1][:1].isupper()


def _without_type(words: Words, i: int, names: frozenset[str]) -> Found | None:
    """ "2 The Linhay" within a line, "8 Broadway" only with a suburb behind a comma."""
    number = number_before(words, i)
    if words.said[i + 1] == "The":  # of a building the number may be that of a dwelling
        dwelling = plain(words.said[i]) if words.low[i - 1] in DWELLINGS else None
        return _with_article(words, i, number or dwelling, names)
    if number is None:
        return None
    length = 1 if words.low[i + 2] == "," else 2
    name = words.said[i + 1 : i + 1 + length]
    is_name = all(word[:1].isupper() and word.isalpha() and word.lower() not in STOP for word in name)
    is_typed = name[-1].lower() in TYPES
    if not is_name or is_typed or words.low[i + 1 + length] != "," or " ".join(name).lower() in CITIES:
        return None
    suburb, after = suburb_at(words, i + 1 + length, names)
    return Found(titled(name), number, suburb, 1.0, after) if suburb else None


def _with_article(words: Words, i: int, number: str | None, names: frozenset[str]) -> Found | None:
    said, low = words.said[i + 2], words.low[i + 2]
    if number is None or not said[:1].isupper() or low in STOP or low in TYPES:
        return None
    suburb, after = suburb_at(words, i + 3, names) if words.low[i + 3] == "," else (None, i + 3)
    is_listed = words.low[i - 1] in ("", "\n")  # "2 The Garage" may be the second thing of a list
    return (
        None if is_listed and suburb is None else Found(f"The {titled([said])}", number, suburb, 1.0, after)
    )


def titled(name: Sequence[str]) -> str:
    """Title case, unless the writer's own capitals say otherwise."""
    shouts = all(word.isupper() or not word.isalpha() for word in name[:-1]) and len(name[0]) > 2
    return " ".join(_title(word, shouts=shouts) for word in name)


def _title(word: str, *, shouts: bool) -> str:
    if len(word) <= 2 and word.lower() in DIRECTIONS:
        return word.upper()
    if word in SMALL or not (word.islower() or (word.isupper() and (shouts or len(word) > 3))):
        return word
    return word[:1].upper() + word[1:].lower()


def folded(text: str) -> str:
    """Lower case, without macrons, accents and apostrophes."""
    low = text.lower().replace("'", "").replace("\u2019", "")
    if low.isascii():
        return low
    return "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
