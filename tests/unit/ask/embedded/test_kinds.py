"""What kind of answer a sentence could be."""

from __future__ import annotations

import pytest

from zena_sse.ask.embedded.kinds import TYPED, kinds_of, names_of

EXAMPLES = {
    "money": [
        "The fee is $2,150 plus GST.",
        "It went for 485k",
        "We would pay 1.2 million",
        "900 bucks",
        "€750",
    ],
    "date": ["On Friday", "by the 4th", "on 12/11", "in early March", "It is TOMORROW", "next week"],
    "time": ["at 3pm", "from 14:30", "around noon", "by close of business", "first thing"],
    "phone": ["Ring 021 555 0177", "+64 21 555 0177", "(04) 555 0142", "04.555.0142"],
    "email": ["write to otto.brandt@survey.example please"],
    "percent": ["a commission of 2.5%", "three quarters, 75 percent", "1/3 of it"],
    "number": ["it has 4", "four bedrooms", "a dozen"],
    "place": ["The key is under the mat", "next to the garage"],
    "reason": ["because it leaks", "so that she can move"],
}
NONE = {
    "money": ["The price is good", "4 bedrooms", "Ring 0800"],
    "date": ["The surveyor was here", "Marching on", "sundry items"],
    "time": ["3 people", "the pm of it"],
    "phone": ["It costs 1,250,000", "31 Pukeko Drive", "in 2026"],
    "email": ["meet @ the house"],
    "percent": ["a hundred people"],
    "number": ["somebody", "someone else"],
    "place": ["The fence is shared"],
    "reason": ["The gate is green"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, some in EXAMPLES.items() for text in some])
def test_sentence_has_the_kind(kind: str, text: str) -> None:
    assert kind in kinds_of(text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, some in NONE.items() for text in some])
def test_sentence_has_it_not(kind: str, text: str) -> None:
    assert kind not in kinds_of(text)


def test_kinds_are_those_that_questions_ask_for() -> None:
    assert EXAMPLES.keys() | {"person"} == TYPED
    assert all(kinds_of(text) <= TYPED for some in EXAMPLES.values() for text in some)


def test_macrons_and_capitals_hide_no_kind() -> None:
    assert "date" in kinds_of("RĀTŪ, 4TH")
    assert "time" in kinds_of("AT NOON")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Then Otto Brandt wrote to Lena.", {"otto", "brandt", "lena"}),
        ("It is at Tōtara Rise.", {"totara", "rise"}),
        ("We asked Ünal\u2019s office.", set()),  # no letter of our alphabet begins it
        ("Fences are shared. Gates are not.", set()),
        ("We meet on Monday in March.", set()),
        ("the bank said so", set()),
    ],
)
def test_names_are_capitals_that_begin_no_sentence_and_are_no_days(text: str, names: set[str]) -> None:
    assert names_of(text) == names
