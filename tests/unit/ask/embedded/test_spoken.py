"""What the last words of a thread promise and ask for, and by when."""

from __future__ import annotations

from datetime import date

import pytest

from tests.memorymailbox import AGENT, mail, parsed
from zena_sse.ask.embedded.spoken import MOST, Spoken, is_with_them, promises_of, requests_of
from zena_sse.mail.content.message import Message

OWN = frozenset({AGENT})
OTTO = "Otto Brandt <otto@survey.example>"
# Mail is of Friday 20 November.
SATURDAY, MONDAY = date(2026, 11, 21), date(2026, 11, 23)


def mine(body: str, minutes: float = 0) -> Message:
    return parsed(
        mail("Survey", sender=f"Anna <{AGENT}>", to=OTTO, minutes=minutes, id=f"m{minutes}", body=body)
    )


def theirs(body: str, minutes: float = 0, sender: str = OTTO) -> Message:
    return parsed(mail("Survey", sender=sender, minutes=minutes, id=f"t{minutes}", body=body))


def promised(*messages: Message, conditional: bool = False) -> list[Spoken]:
    return promises_of("th", messages, OWN, conditional=conditional)


@pytest.mark.parametrize(
    "body",
    [
        "I'll send you the plan.",
        "I\u2019ll call the council.",
        "I will chase the surveyor for it.",
        "I'm going to ask Lena.",
        "Let me check with the office.",
        "Will get back to you.",
        "I asked Lena and will call you.",
        "You'll have the figures shortly.",
        "Leave it with me.",
    ],
)
def test_promise_of_the_agent_is_found_with_its_words(body: str) -> None:
    (one,) = promised(theirs("When?", -5), mine(body))
    assert one.evidence in body
    assert one.thread_id == "th"
    assert one.message_key == mine(body).key
    assert one.due is None


@pytest.mark.parametrize(
    "body",
    [
        "Thanks Otto.",
        "Could you send me the plan?",
        "Will you call the council?",
        "Sent!",
        "The council will send you the plan.",
        "Lena Fisk will probably ring you on Monday.",
    ],
)
def test_what_is_no_promise_is_none(body: str) -> None:
    assert promised(theirs("When?", -5), mine(body)) == []


def test_what_others_promise_is_no_promise_of_the_agent() -> None:
    assert promised(theirs("I'll send you the plan by Monday.")) == []


def test_day_of_a_promise_is_the_one_named_with_it() -> None:
    (one,) = promised(mine("I'll send you the plan on Monday. We close the office tomorrow."))
    assert one.due == MONDAY


def test_day_of_another_thought_is_not_its_day() -> None:
    (one,) = promised(mine("We close the office tomorrow, and I will send you the plan on Monday."))
    assert one.due == MONDAY


def test_day_of_the_sentence_goes_with_its_promise() -> None:
    (one,) = promised(mine("By Monday I know more, and I will call you."))
    assert one.due == MONDAY


def test_promise_that_waits_for_the_other_side_is_none_unless_it_names_a_day() -> None:
    waits = mine("I'll send you the plan once you have signed.")
    assert promised(waits) == []
    (asked_for,) = promised(waits, conditional=True)
    assert asked_for.evidence in waits.text
    (dated,) = promised(mine("I'll send you the plan on Monday if you sign."))
    assert dated.due == MONDAY


def test_promise_with_a_day_goes_before_others() -> None:
    (one,) = promised(mine("I'll call the council. I'll send you the plan on Monday."))
    assert one.due == MONDAY


def test_only_the_last_words_of_the_agent_count() -> None:
    assert (
        promised(mine("I'll send you the plan.", -9), theirs("Thanks", -5), mine("Here is the plan.")) == []
    )
    still = promised(mine("I'll send you the plan.", -9), theirs("Thanks", -5))
    assert [one.evidence for one in still] == ["I'll send you the plan."]


def test_few_promises_are_taken_of_one_mail() -> None:
    assert len(promised(mine("\n".join(f"I'll send you plan {number}." for number in range(9))))) == MOST


def asked(*messages: Message) -> list[Spoken]:
    return requests_of("th", messages, OWN)


@pytest.mark.parametrize(
    "body",
    [
        "Could you send me the plan by Monday?",
        "Please send me the plan by Monday.",
        "We need the plan by Monday.",
        "Can u send the plan by mon pls",
    ],
)
def test_request_with_a_day_is_found(body: str) -> None:
    (one,) = asked(mine("Hello", -5), theirs(body))
    assert one.due == MONDAY
    assert one.evidence in body


@pytest.mark.parametrize("body", ["Could you send me the plan?", "I am away on Monday.", "Thanks!"])
def test_request_without_a_day_and_a_day_without_request_are_none(body: str) -> None:
    assert asked(theirs(body)) == []


def test_request_that_was_answered_is_none() -> None:
    assert asked(theirs("Please send me the plan by Monday.", -5), mine("Here it is.")) == []


def test_nobody_asks_by_a_machine() -> None:
    body = "Please send me the plan by Monday."
    automatic = mail("Automatic reply: Survey", sender=OTTO, body=body)
    assert automatic.count(b"Subject:") == 1
    machine = parsed(automatic.replace(b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:"))
    assert asked(machine) == []
    assert len(asked(parsed(mail("Survey", sender=OTTO, body=body)))) == 1


def test_nothing_is_promised_or_asked_in_no_mail() -> None:
    assert promised() == []
    assert asked() == []
    assert not is_with_them((), OWN)


@pytest.mark.parametrize(
    ("messages", "with_them"),
    [
        ((theirs("When?", -5), mine("On Monday. Does that suit you?")), True),
        ((theirs("When?", -5), mine("I'll send you the plan if you sign.")), True),
        ((theirs("When?", -5), mine("I'll send you the plan.")), False),
        ((mine("On Monday?", -5), theirs("Yes")), False),
    ],
)
def test_it_is_with_them_if_the_agent_spoke_last_and_promised_nothing(
    messages: tuple[Message, ...], with_them: bool
) -> None:
    assert is_with_them(messages, OWN) is with_them
