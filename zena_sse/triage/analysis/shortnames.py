"""Streets that are known, named in short: "9 Tarn", "the Tarn place", "no. 46"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from zena_sse.triage.analysis.addresses import (
    ELIDED,
    Found,
    Words,
    folded,
    is_house,
    number_before,
    number_behind,
    plain,
    suburb_at,
)
from zena_sse.triage.analysis.streetwords import (
    BEFORE_AN_ADDRESS,
    ENDS,
    PLACELIKE,
    PLAIN,
    STOP,
    SUBURB_TYPES,
    TYPES,
    WEAK_TYPES,
)


def lone_numbers(words: Words) -> Iterator[str]:
    """ "walked past no. 46", "number 12 is": a house whose street is named elsewhere."""
    for i, low in enumerate(words.low):
        if low not in ("no", "number", "nr") or words.low[i - 1] not in BEFORE_AN_ADDRESS:
            continue
        k = i + 2 if words.low[i + 1] == "." else i + 1
        if (low == "number" or k == i + 2) and is_house(words.low[k]):
            after = words.low[k + 1]
            if after in ENDS or after in STOP:
                yield plain(words.said[k])


def untyped(words: Words, streets: Mapping[str, str], names: frozenset[str]) -> Iterator[Found]:
    """Known streets (by key), named without their type: "9 Tarn", "the Tarn place"."""
    by_first: dict[str, list[tuple[list[str], str]]] = {}
    for key, street in streets.items():
        name = _name_of(key.split())
        by_first.setdefault(name[0], []).append((name, street))
    for i, low in enumerate(words.low):
        for name, street in by_first.get(folded(low), ()):
            one = _untyped_at(words, i, name, street, names)
            if one is not None:
                yield one
                break


def _name_of(key: list[str]) -> list[str]:
    return key[:-1] if len(key) > 1 and key[-1] in TYPES and key[0] != "the" else key


def _untyped_at(words: Words, i: int, name: list[str], street: str, names: frozenset[str]) -> Found | None:
    end = i + len(name)
    if [folded(word) for word in words.low[i:end]] != name:
        return None
    type_ = words.low[end] if name[-1] not in TYPES else ""
    is_typed = type_ in TYPES
    is_missed = is_typed and (
        _is_passed_over(words.said[end]) or (len(name) > 1 and words.said[end].islower())
    )
    if is_typed and not (is_missed and street.endswith(f" {TYPES[type_]}")):
        return None  # found already, or another street
    number = number_before(words, i - 1) or (None if is_typed else number_behind(words, end)[0])
    if not (number or is_typed or _is_telling(words.said[i:end], name)):
        return None
    suburb = suburb_at(words, end, names)[0] if number and not is_typed else None
    return Found(street, number, suburb, ELIDED)


def _is_passed_over(type_: str) -> bool:
    """Is this a type with which, for want of capitals or a number, no unknown street is found?"""
    low = type_.lower()
    return low in SUBURB_TYPES or (type_.islower() and (low in WEAK_TYPES or low in PLACELIKE))


def _is_telling(said: Sequence[str], name: list[str]) -> bool:
    """Does the bare name alone show that the street is meant?"""
    if name[0] == "the":
        return said[0][0].isupper() and said[-1][0].isupper()
    is_everyday = name[0] in STOP or name[0] in PLAIN or name[0] in TYPES
    return not is_everyday and (said[0][0].isupper() or len(name[0]) > 5 or len(name) > 1)
