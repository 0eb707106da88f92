"""No rule, word list or model knows whom and what the labelled mailbox is about, by which it is judged."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from training.corpus import WRITTEN, folder
from zena_sse.mail.content.message import Message
from zena_sse.triage.analysis import linear
from zena_sse.triage.analysis.features import fold
from zena_sse.triage.analysis.linear import Linear

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "mail"
MAIL = ROOT / "zena_sse" / "demo" / "mail"
ANALYSIS = ROOT / "zena_sse" / "triage" / "analysis"
ASK = ROOT / "zena_sse" / "ask"
LABELS = json.loads((DATA / "labels.json").read_text())
ASKED = json.loads((DATA / "questions.json").read_text())["questions"]
QUESTIONS = ROOT / "training" / "questions"
RULES = sorted(path for path in (*ANALYSIS.iterdir(), *ASK.rglob("*")) if path.suffix in (".py", ".toml"))
# The models of triage know words, learned from other mail; that of answers knows facts and no word at all.
LEARNED = [ASK / "embedded" / "model.json"]
LINEARS = [name for name in linear.Models.__struct_fields__ if name != "learned_from"]
# Words of the language in a row that say the same thing in the same way.
PHRASE, SENTENCE = 4, 6

# Names and words of streets and suburbs that are words of the language, or of the trade, as well.
# fmt: off
ALSO_WORDS = frozenset((
    "road", "street", "avenue", "terrace", "place", "crescent", "rise", "lane", "wharf", "glen", "mount",
    "point", "sure", "grammar", "auckland",
))
# fmt: on
# A provider of mail for everybody, and what many firms call theirs.
ALSO_HOSTS = frozenset(("slingshot", "accounts"))
# What is asked, and what an answer is judged by.
JUDGED = ("question", "note", "must_mention", "must_not_mention", "accept", "judgement")


def named(path: Path) -> str:
    """What a test of a file is called."""
    return path.relative_to(ROOT).as_posix()


def plain(text: str) -> str:
    """Folded, without the escapes of expressions, which would stick to words."""
    return re.sub(r"\\[a-zA-Z]", " ", fold(text))


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{4,}", plain(text)))


def phrases(text: str, length: int) -> set[tuple[str, ...]]:
    """Every so many words in a row; a letter alone is a part of an expression."""
    found = re.findall(r"[a-z']{2,}", plain(text))
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}


@cache
def messages() -> list[Message]:
    """The labelled mail."""
    return [message for thread in folder(MAIL, LABELS) for message in thread.messages]


@cache
def names() -> frozenset[str]:
    """Who and what the labelled mailbox is about and is asked about, as words."""
    people = [contact["name"] for thread in LABELS["threads"] for contact in thread["contacts"]]
    people += [message.sender.name for message in messages() if message.sender.email in LABELS["agent"]]
    places = [thread["property"] for thread in LABELS["threads"] if thread["property"]]
    asked = [name for one in ASKED for name in re.findall(r"(?<=[a-z,/] )[^\W\da-z_]\w+", one["question"])]
    found = {re.sub("[^a-z]", "", word) for text in (*people, *places, *asked) for word in fold(text).split()}
    return frozenset(word for word in found if len(word) > 3) - ALSO_WORDS


@cache
def said() -> dict[int, set[tuple[str, ...]]]:
    """Phrases of the labelled mail and of the questions, by their length; not those of anybody's mail."""
    texts = [f"{message.subject}\n{message.text}\n{message.quoted}" for message in messages()]
    texts += [text for one in ASKED for key in JUDGED for text in strings(one[key])]
    others = [path.read_text() for path in (*WRITTEN.glob("*.yaml"), *QUESTIONS.glob("*.json"))]
    return {
        length: {one for text in texts for one in phrases(text, length)}
        - {one for text in others for one in phrases(text, length)}
        for length in (PHRASE, SENTENCE)
    }


def strings(value: object) -> list[str]:
    """All text in a value of JSON, each piece by itself."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in strings(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [str(value)]


@pytest.mark.parametrize("path", [*RULES, *LEARNED], ids=named)
def test_nobody_and_no_street_of_the_labelled_mailbox_is_named(path: Path) -> None:
    assert len(names()) > 150
    assert not names() & words(path.read_text())


@pytest.mark.parametrize("name", LINEARS)
def test_no_model_of_triage_knows_a_person_or_a_street_of_the_labelled_mailbox(name: str) -> None:
    model: Linear = getattr(linear.models(), name)
    known = {word for feature in model.words for word in feature.partition(":")[2].split()}
    contacts = [contact["name"] for thread in LABELS["threads"] for contact in thread["contacts"]]
    first_names = {word for name in contacts for word in fold(name).split()[:1]}
    assert known.isdisjoint(names() - first_names)


@pytest.mark.parametrize("path", [*RULES, *LEARNED], ids=named)
def test_no_address_of_the_labelled_mailbox_is_known(path: Path) -> None:
    people = [person for one in messages() for person in (one.sender, *one.to, *one.cc)]
    hosts = {person.email.rpartition("@")[2].split(".")[0] for person in people}
    own = {person.email.partition("@")[0] for person in people if "." in person.email.partition("@")[0]}
    assert len(hosts) > 40
    assert len(own) > 40
    text = path.read_text().casefold()
    assert [one for one in (hosts | own) - ALSO_HOSTS if len(one) > 7 and one in text] == []


@pytest.mark.parametrize("path", RULES, ids=named)
def test_no_rule_quotes_the_labelled_mailbox_or_what_is_asked_of_it(path: Path) -> None:
    length = PHRASE if ASK in path.parents else SENTENCE
    assert len(said()[length]) > 1_000
    assert phrases(path.read_text(), length).isdisjoint(said()[length])
