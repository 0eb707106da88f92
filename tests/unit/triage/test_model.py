"""The models that ship: learned from what the repository says, knowing nobody, looking nowhere for a name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from training.corpus import digest, folder, written
from zena_sse.triage.analysis import linear
from zena_sse.triage.analysis.features import fold
from zena_sse.triage.analysis.linear import Linear, models

ROOT = Path(__file__).parents[3]
LABELS = json.loads((ROOT / "tests" / "data" / "mail" / "labels.json").read_text())
MAIL = ROOT / "zena_sse" / "demo" / "mail"
ANALYSIS = ROOT / "zena_sse" / "triage" / "analysis"
LINEARS = [name for name in linear.Models.__struct_fields__ if name != "learned_from"]

# First names and words of streets that are words of the language, or of the trade, as well.
ALSO_WORDS = frozenset(
    ("road", "street", "avenue", "terrace", "place", "crescent", "rise", "lane", "wharf", "glen")
)


def test_the_weights_were_learned_from_the_mail_and_code_that_are_here() -> None:
    assert models().learned_from == digest(), "run `make train` and `make eval`"


@pytest.mark.parametrize("name", LINEARS)
def test_every_weight_is_one_for_each_label(name: str) -> None:
    model: Linear = getattr(models(), name)
    rows = [*model.facts.values(), *model.words.values(), model.bias]
    assert {len(row) for row in rows} == {len(model.labels)}


def surnames_and_streets() -> set[str]:
    """Who and what the labelled mailbox is about, as words."""
    people = [contact["name"] for thread in LABELS["threads"] for contact in thread["contacts"]]
    places = [thread["property"] for thread in LABELS["threads"] if thread["property"]]
    last = {word for person in people for word in fold(person).split()[1:]}
    streets = {word for place in places for word in fold(place.split(",")[0]).split()}
    return {re.sub(r"[^a-z]", "", word) for word in last | streets} - ALSO_WORDS


def rules() -> dict[str, set[str]]:
    """The words of every rule and table of the analysis, by file."""
    files = [path for path in ANALYSIS.iterdir() if path.suffix in (".py", ".toml")]
    return {path.name: set(re.findall(r"[a-z]{4,}", fold(path.read_text()))) for path in files}


def test_no_rule_names_a_person_or_a_street_of_the_labelled_mailbox() -> None:
    names = {name for name in surnames_and_streets() if len(name) > 3}
    assert len(names) > 80
    for file, words in rules().items():
        assert not names & words, file


@pytest.mark.parametrize("name", LINEARS)
def test_no_model_knows_a_person_or_a_street_of_the_labelled_mailbox(name: str) -> None:
    model: Linear = getattr(models(), name)
    known = {word for feature in model.words for word in feature.partition(":")[2].split()}
    names = {name for name in surnames_and_streets() if len(name) > 3}
    assert not names & known


def test_no_rule_quotes_the_labelled_mailbox() -> None:
    texts = [fold(path.read_text(errors="replace")) for path in MAIL.glob("*/*.eml")]
    said = [re.findall(r"[a-z']+", text) for text in texts]
    quoted = {tuple(words[i : i + 6]) for words in said for i in range(len(words) - 5)}
    for path in (path for path in ANALYSIS.iterdir() if path.suffix in (".py", ".toml")):
        words = re.findall(r"[a-z']+", fold(path.read_text()))
        runs = {tuple(words[i : i + 6]) for i in range(len(words) - 5)}
        assert not runs & quoted, path.name


def test_nothing_was_learned_from_the_labelled_mailbox() -> None:
    labelled = {
        message.text
        for thread in folder(MAIL, LABELS)
        for message in thread.messages
        if len(message.text) > 40
    }
    learned = {message.text for thread in written() for message in thread.messages}
    assert labelled
    assert not labelled & learned
