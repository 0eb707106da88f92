"""The properties a thread is about: the addresses of its texts, weighed and joined; and how one is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zena_sse.triage.analysis.addresses import Found, addresses, folded, greeted, words_of
from zena_sse.triage.analysis.findings import Mention
from zena_sse.triage.analysis.shortnames import lone_numbers, untyped
from zena_sse.triage.analysis.streetwords import TYPES

# A second mention in the same text tells less than the first one.
REPEATED = 0.1

# What makes a property one: the key of its street, and its number in lower case.
Key = tuple[str, str | None]
Groups = dict[Key, list[Found]]


def street_key(street: str) -> str:
    """What a street is the same by, however it is written: "Tārn Ave" and "tarn avenue"."""
    words = folded(street).replace(".", " ").replace("-", " ").split()
    if len(words) > 1 and words[-1] in TYPES:
        words[-1] = TYPES[words[-1]].lower()
    elif len(words) > 2 and words[-2] in TYPES:  # "Queen St West"
        words[-2] = TYPES[words[-2]].lower()
    return " ".join("st" if word == "saint" else "mount" if word == "mt" else word for word in words)


def property_key(number: str | None, street: str) -> str:
    """What a property is the same by; without a number it is the street's."""
    return f"{_number_key(number)} {street_key(street)}" if number else street_key(street)


def _number_key(number: str) -> str:
    """A unit before a larger number is written 4/27, in Canada 1204-71; 12-14 are two houses."""
    low = number.lower().replace(" ", "")
    first, dash, second = low.partition("-")
    is_unit = dash and first.isdigit() and second.isdigit() and int(first) > int(second)
    return f"{first}/{second}" if is_unit else low


def shown(number: str | None, street: str, suburb: str | None) -> str:
    """As people write it on an envelope, without the city."""
    line = f"{number} {street}" if number else street
    return f"{line}, {suburb}" if suburb else line


def mentions(texts: Sequence[tuple[str, float]], known: Iterable[str] = ()) -> tuple[Mention, ...]:
    """The properties that these texts with their weights are about, the likeliest first.

    `known` are streets the user has to do with: only their names are recognised without a type ("the Tarn
    place").
    """
    read = [(words_of(text), weight) for text, weight in texts]
    names = frozenset(name for words, _ in read for name in greeted(words))
    found: list[Found] = []
    for words, weight in read:
        found += _weighed(addresses(words, names), weight)
    streets = {street_key(one.street): one.street for one in found}
    streets |= {key: street for street in known if (key := street_key(street)) and key not in streets}
    found = [_with_type(one, streets) for one in found]
    for words, weight in read:
        found += _weighed(untyped(words, streets, names), weight)
    groups = _grouped(found)
    return tuple(_ordered(groups, {number for words, _ in read for number in lone_numbers(words)}))


def _with_type(one: Found, streets: dict[str, str]) -> Found:
    """ "9 Tarn, Parkside" is 9 Tarn Road if that street is known; then the words behind it are no suburb."""
    key = street_key(one.street)
    longer = next((streets[other] for other in streets if other.rpartition(" ")[0] == key), None)
    if " " in key or longer is None:
        return one
    return Found(longer, one.number, None, one.weight)


def _weighed(found: Iterable[Found], weight: float) -> list[Found]:
    """With the weight of their text; again in the same text, an address counts for little."""
    out: list[Found] = []
    seen: set[str] = set()
    for one in found:
        key = property_key(one.number, one.street)
        one.weight *= weight * (REPEATED if key in seen else 1)
        seen.add(key)
        out.append(one)
    return out


def _grouped(found: Iterable[Found]) -> Groups:
    """By property, with what is the same house written differently in one group."""
    groups: Groups = {}
    for one in found:
        groups.setdefault((street_key(one.street), one.number and _number_key(one.number)), []).append(one)
    _cut_names(groups)
    _join_types(groups)
    _join_units(groups)
    _take_in_streets(groups)
    return groups


def _score(group: Iterable[Found]) -> float:
    return sum(one.weight for one in group)


def _cut_names(groups: Groups) -> None:
    """ "Reply Tarn Street" is "Tarn Street" if that is named as well."""
    written = {key[0]: group[0].street for key, group in groups.items()}
    for street in [street for street, number in groups if number is None]:
        shorter = next((other for other in written if street.endswith(f" {other}")), None)
        if shorter is not None:
            _move(groups, (street, None), (shorter, None), written[shorter])


def _move(groups: Groups, old: Key, new: Key, street: str) -> None:
    moved = [Found(street, one.number, one.suburb, one.weight) for one in groups.pop(old)]
    groups.setdefault(new, []).extend(moved)


def _join_types(groups: Groups) -> None:
    """Who writes 9 Tarn Street once and 9 Tarn Terrace or 9 Tarn Street North three times means one house."""
    heaviest: dict[Key, Key] = {}
    for key in sorted(
        (key for key in groups if key[1]), key=lambda key: (-len(key[0].split()), -_score(groups[key]))
    ):
        like = (
            other for other in heaviest.values() if other[1] == key[1] and other[0].startswith(f"{key[0]} ")
        )
        longer = next(like, None)
        kept = longer or heaviest.setdefault((key[0].rpartition(" ")[0], key[1]), key)
        if kept != key:
            _move(groups, key, kept, groups[kept][0].street)


def _join_units(groups: Groups) -> None:
    """27 Tarn Road is 4/27 Tarn Road where that is the only unit named."""
    for street, number in [(street, number) for street, number in groups if number and "/" not in number]:
        units = [key for key in groups if key[0] == street and key[1] and key[1].endswith(f"/{number}")]
        if len(units) == 1:
            groups[units[0]] += groups.pop((street, number))


def _take_in_streets(groups: Groups) -> None:
    """A street alone belongs to the house on it that is named most."""
    for street in [street for street, number in groups if number is None]:
        houses = [key for key in groups if key[0] == street and key[1] is not None]
        if houses:
            best = max(houses, key=lambda key: _score(groups[key]))
            groups[best] += groups.pop((street, None))


def _ordered(groups: Groups, lone: set[str]) -> Iterator[Mention]:
    """The heaviest first. "No. 46" belongs to the only street, if that is named without a number."""
    given = next(iter(lone)) if len(lone) == len(groups) == 1 else None
    for group in sorted(groups.values(), key=lambda group: -_score(group)):
        suburb = next((one.suburb for one in group if one.suburb), None)
        yield Mention(_best_written(group), _best_number(group) or given, suburb)


def _best_number(group: Sequence[Found]) -> str | None:
    """The most complete one: a part of the group may name only the street, or the house without the unit."""
    written = [one.number for one in group if one.number]
    return max(written, key=lambda number: "/" in _number_key(number)) if written else None


def _best_written(group: Sequence[Found]) -> str:
    """The writing with macrons, else the one of the heaviest text."""
    return max(group, key=lambda one: (not one.street.isascii(), one.weight)).street
