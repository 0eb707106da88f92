"""Whom and which property a question names, of those the user's mail knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from zena_sse.ask.embedded.words import Word, empty_words, senses, words_of

# Kinds of street, which people leave out or write in short.
STREET_TYPES = {
    short: kind
    for kind, shorts in {
        "street": ("st",), "road": ("rd",), "avenue": ("ave", "av"), "drive": ("dr",), "lane": ("ln",),
        "place": ("pl",), "close": ("cl",), "court": ("ct",), "crescent": ("cres",), "terrace": ("tce",),
        "way": (), "grove": ("gr",), "gardens": ("gdns",), "parade": ("pde",), "boulevard": ("blvd",),
        "highway": ("hwy",), "rise": (), "square": ("sq",), "mews": (), "quay": (), "row": (), "steps": (),
        "walk": (), "hill": (), "view": (),
    }.items()
    for short in (kind, *shorts)
}  # fmt: skip
# A name of fewer letters is found in too many words.
SHORTEST = 3


class House(msgspec.Struct, frozen=True):
    """A property that the user's mail knows."""

    property_id: str
    number: str
    street: str
    suburb: str | None

    @property
    def shown(self) -> str:
        """Number and street, as people write it."""
        return f"{self.number} {self.street}".strip()


class Person(msgspec.Struct, frozen=True):
    """Somebody the user's mail knows."""

    contact_id: str
    name: str
    email: str
    phone: str | None
    role: str | None


class Named(msgspec.Struct, frozen=True):
    """What a question names, and the places of its words that do."""

    houses: tuple[House, ...] = ()
    people: tuple[Person, ...] = ()
    spent: frozenset[int] = frozenset()


def find_named(words: Sequence[Word], text: str, houses: Iterable[House], people: Iterable[Person]) -> Named:
    """The houses and people that these words of a text name, the surest alone."""
    found_houses, by_house = _houses(words, houses)
    found_people, by_people = _people(words, text, people, by_house)
    return Named(found_houses, found_people, frozenset(by_house | by_people))


def _houses(words: Sequence[Word], houses: Iterable[House]) -> tuple[tuple[House, ...], set[int]]:
    """Houses by street, the surest alone: with the number and the kind of street that the words say."""
    plain = [word.plain.rstrip(",") for word in words]
    streets: dict[str, list[House]] = {}
    for house in houses:
        streets.setdefault(" ".join(words_plain(house.street)), []).append(house)
    found: list[tuple[int, House]] = []
    spent: set[int] = set()
    for street, group in streets.items():
        name, kind = _street_name(street.split()), STREET_TYPES.get(street.split()[-1])
        for at in _runs(plain, name):
            span = set(range(at, at + len(name)))
            said = STREET_TYPES.get(plain[at + len(name)]) if at + len(name) < len(plain) else None
            if said is None and not _is_telling(name):
                continue
            number = _number_before(words, plain, at)
            exact = [h for h in group if number and _number(h)[-len(number) :] == [plain[i] for i in number]]
            sureness = 2 * bool(exact) + (said is None or said == kind)
            found += [(sureness, house) for house in (exact or group)]
            spent |= span | ({at + len(name)} if said else set()) | (set(number) if exact else set())
    if not found:
        return _by_suburb(plain, [house for group in streets.values() for house in group])
    best = max(sureness for sureness, _ in found)
    return tuple(dict.fromkeys(house for sureness, house in found if sureness == best)), spent


def _number_before(words: Sequence[Word], plain: Sequence[str], at: int) -> list[int]:
    """Where the number stands that goes with a street: `2`, `14`, and the letter of `12B`."""
    places: list[int] = []
    for i in range(at - 1, max(-1, at - 5), -1):
        letter = (
            len(plain[i]) == 1 and i > 0 and words[i - 1].end == words[i].start and plain[i - 1].isdigit()
        )
        if not (plain[i].isdigit() or letter):
            break
        places.insert(0, i)
    return places


def _by_suburb(plain: Sequence[str], houses: Iterable[House]) -> tuple[tuple[House, ...], set[int]]:
    found: list[House] = []
    spent: set[int] = set()
    for house in houses:
        name = words_plain(house.suburb or "")
        for at in _runs(plain, name):
            found.append(house)
            spent |= set(range(at, at + len(name)))
    return tuple(dict.fromkeys(found)), spent


def _street_name(words: Sequence[str]) -> list[str]:
    return list(words[:-1] if len(words) > 1 and words[-1] in STREET_TYPES else words)


def _is_telling(name: Sequence[str]) -> bool:
    """A street may be named without its kind, unless its name is a word that means something."""
    return len(name) > 1 or (
        len(name[0]) >= SHORTEST and name[0] not in empty_words() and name[0] not in senses()
    )


def _number(house: House) -> list[str]:
    return words_plain(house.number)


def _people(
    words: Sequence[Word], text: str, people: Iterable[Person], taken: set[int]
) -> tuple[tuple[Person, ...], set[int]]:
    """Whoever has most of their name in the question; all who share it."""
    scored: list[tuple[float, Person, set[int]]] = []
    for person in people:
        at = _name_places(words, text, person, taken)
        if at:
            surname = words_plain(person.name)[-1:]
            full = len({words[i].stem for i in at})
            scored.append((full + 0.5 * any(words[i].plain in surname for i in at), person, at))
    best: dict[int, float] = {}
    for score, _, at in scored:
        for i in at:
            best[i] = max(best.get(i, 0.0), score)
    chosen = [(person, at) for score, person, at in scored if all(score == best[i] for i in at)]
    chosen.sort(key=lambda one: min(one[1]))  # who is named first is spoken of or to
    spent = {i for _, at in chosen for i in at}
    return tuple(dict.fromkeys(person for person, _ in chosen)), spent


def _name_places(words: Sequence[Word], text: str, person: Person, taken: set[int]) -> set[int]:
    names = {word.stem for word in words_of(person.name) if len(word.plain) >= SHORTEST}
    found: set[int] = set()
    for i, word in enumerate(words):
        if i in taken or word.stem not in names:
            continue
        means_something = word.plain in empty_words() or word.stem in senses()
        if not means_something or (text[word.start].isupper() and i > 0):
            found.add(i)
    return found


def may_name(words: Sequence[Word], text: str) -> list[int]:
    """Where words stand that could be of a name: not "what" and "did", unless they are written like one."""
    return [
        i
        for i, word in enumerate(words)
        if len(word.plain) >= SHORTEST
        and (word.plain not in empty_words() or (i > 0 and text[word.start].isupper()))
    ]


def _runs(plain: Sequence[str], name: Sequence[str]) -> list[int]:
    """Where these words stand in a row."""
    if not name:
        return []
    return [i for i in range(len(plain) - len(name) + 1) if plain[i : i + len(name)] == list(name)]


def words_plain(text: str) -> list[str]:
    """The folded words of a text."""
    return list(_words_plain(text))


@lru_cache(maxsize=8192)  # the streets of a user are compared with each of their questions
def _words_plain(text: str) -> tuple[str, ...]:
    return tuple(word.plain for word in words_of(text))
