"""The models of triage that ship: learned from what the repository says, and from nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.corpus import digest, folder, written
from zena_sse.triage.analysis import linear
from zena_sse.triage.analysis.linear import Linear, models

ROOT = Path(__file__).parents[3]
LABELS = json.loads((ROOT / "tests" / "data" / "mail" / "labels.json").read_text())
MAIL = ROOT / "zena_sse" / "demo" / "mail"
LINEARS = [name for name in linear.Models.__struct_fields__ if name != "learned_from"]


def test_the_weights_were_learned_from_the_mail_and_code_that_are_here() -> None:
    assert models().learned_from == digest(), "run `make train` and `make eval`"


@pytest.mark.parametrize("name", LINEARS)
def test_every_weight_is_one_for_each_label(name: str) -> None:
    model: Linear = getattr(models(), name)
    rows = [*model.facts.values(), *model.words.values(), model.bias]
    assert {len(row) for row in rows} == {len(model.labels)}


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
