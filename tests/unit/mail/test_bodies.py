"""Bodies: the sender's own words, what they quote, how they sign; and nothing is ever lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zena_sse.mail.content.bodies import split, unflow
from zena_sse.mail.content.parsing import parse

NAMES = ("Jane Mary Doe", "jdoe")


class TestQuotes:
    @pytest.mark.parametrize(
        "introduction",
        [
            "On Mon, 9 Nov 2026 at 8:20 am, Bob <bob@b.example> wrote:",
            "On Mon, 9 Nov 2026 at 8:20 am, Bob with a long name\n<bob@b.example> wrote:",
            "Am 09.11.2026 um 08:20 schrieb Bob <bob@b.example>:",
            "Le lun. 9 nov. 2026 à 08:20, Bob <bob@b.example> a écrit :",
            "El lun, 9 nov 2026 a las 8:20, Bob (<bob@b.example>) escribió:",
            "-----Original Message-----\nFrom: Bob\nSent: Monday\nTo: Jane\nSubject: x",
            "________________________________\nFrom: Bob <bob@b.example>\nSent: Monday\nTo: Jane\nSubject: x",
            "---------- Forwarded message ---------\nFrom: Bob <bob@b.example>\nDate: Mon\nSubject: x\nTo: J",
            "Begin forwarded message:",
            "Von: Bob\nGesendet: Montag\nAn: Jane\nBetreff: x",
        ],
    )
    @pytest.mark.parametrize("quote", ["> theirs\n> more", "theirs\n\nmore"])
    def test_an_answer_stands_above_what_it_answers(self, introduction: str, quote: str) -> None:
        body = split(f"mine\n\n{introduction}\n\n{quote}")
        assert body.text == "mine"
        assert body.quoted == f"{introduction}\n\n{quote}"

    def test_answers_between_quotes_are_all_text(self) -> None:
        body = split("Hi\n\nBob said:\n> one?\nyes\n> two?\n\nno\n\nBye")
        assert body.text == "Hi\n\nyes\n\nno\n\nBye"
        assert body.quoted == "Bob said:\n> one?\n\n> two?"

    def test_an_answer_below_an_unmarked_quote_is_not_swallowed(self) -> None:
        assert "mine" in split("On Mon, 9 Nov 2026 at 8:20 am, Bob wrote:\n| theirs\n\nmine").text

    @pytest.mark.parametrize(
        "text",
        [
            "From: the shop on the corner\nTo: the house is 3 km.\nPlease tell me.",
            "On the form he wrote:\n\nno pets",
            "The options:\n\n1. now\n2. later",
            "On Monday she said:\nmaybe\nand then nothing",
        ],
    )
    def test_prose_that_looks_like_an_introduction_stays_text(self, text: str) -> None:
        assert split(text).text == text


class TestSignatures:
    @pytest.mark.parametrize(
        "signature",
        [
            "-- \nJane Doe\nSales | Doe Ltd\n021 555 0100",
            "Kind regards,\nJane Doe\n021 555 0100",
            "With my best regards\n\nJane",
            "Ngā mihi\nJane",
            "Mit freundlichen Grüßen\nJane Doe",
            "Jane",
            "J",
            "JD",
            "J. M. Doe\n09 555 0101 (evenings)",
            "Jane 021 555 0100",
            "Jane Doe | Doe Ltd | 021 555 0100",
            "Jane & Bob",
            "Sent from my iPhone",
            "Jane\n\nSent from my iPhone",
            "Thanks\nJane\n\n______\nThis email is confidential. If you are not its\nreader, call.",
        ],
    )
    def test_how_people_sign_stands_apart(self, signature: str) -> None:
        body = split(f"Can you call me?\n\n{signature}", NAMES)
        assert body.text == "Can you call me?"
        assert body.signature == "\n".join(line.rstrip() for line in signature.split("\n"))

    @pytest.mark.parametrize(
        "text",
        [
            "Thanks\n\nCan you also send the report by Friday.",
            "Thanks,\nplease call me back tomorrow",
            "Jane will call you tomorrow",
            "Bob",
            "Thanks, Jane",
            "Best\nis the second option, don't you think?",
            "Yes\n\n--\n" + "\n".join(f"item {i}" for i in range(40)),
            "The list:\n_____\none\ntwo",
        ],
    )
    def test_in_doubt_it_stays_text(self, text: str) -> None:
        assert split(text, NAMES).text == text

    def test_a_postscript_is_text(self) -> None:
        body = split("See you.\n\nRegards\nJane\n\nPS bring the keys", NAMES)
        assert body.text == "See you.\n\nPS bring the keys"
        assert body.signature == "Regards\nJane"

    def test_below_a_phones_line_there_can_be_words(self) -> None:
        assert split("Sent from my iPhone\n\nYes that is fine.").text == "Yes that is fine."

    def test_a_mail_that_is_only_a_sign_off_is_its_text(self) -> None:
        assert split("Thanks\nJane", NAMES) == ("Thanks\nJane", "", "")


LINES = st.sampled_from(
    [
        "",
        "words of mine",
        "> quoted",
        ">> deeper",
        "--",
        "-- ",
        "_____",
        "Regards",
        "Jane",
        "Sent from my iPhone",
        "PS more",
        "On Mon, 9 Nov 2026 at 8:20 am, Bob <b@b.example> wrote:",
        "he wrote:",
        "-----Original Message-----",
        "From: Bob <b@b.example>",
        "Sent: Monday",
        "To: Jane",
        "This email is confidential and intended for you",
    ]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.lists(LINES, max_size=30))
def test_every_line_lands_in_exactly_one_part(lines: list[str]) -> None:
    parts = split("\n".join(lines), NAMES)
    assert Counter(line for part in parts for line in part.split("\n") if line) == Counter(
        line.rstrip() for line in lines if line.rstrip()
    )


@given(st.text(st.sampled_from("ab >-\n"), max_size=60), st.booleans())
def test_unflowing_keeps_every_word(text: str, delete_space: bool) -> None:
    assert [c for c in unflow(text, delete_space=delete_space) if c in "ab"] == [c for c in text if c in "ab"]


def test_in_the_demo_quotes_and_disclaimers_are_never_text(demo_mail: Path) -> None:
    for path in demo_mail.glob("*/*.eml"):
        message = parse(path.read_bytes(), datetime(2026, 11, 20, tzinfo=UTC))
        assert "-----Original Message-----" not in message.text
        assert "intended recipient" not in message.text
        assert not any(line.startswith(">") for line in message.text.split("\n"))
        assert message.text
