"""Drafts: whom they go to, what of the mail and of the agent's own words is in them, and what never is."""

from __future__ import annotations

import msgspec
import pytest

from tests.askmail import BANK_NUMBER, BUDGET, NOBODY, OTHER, RESERVE, AskMail, text_of, with_thread
from zena_sse.ask.embedded.composing import Composed
from zena_sse.ask.embedded.drafting import (
    REQUESTS,
    Request,
    addressee,
    compose_draft,
    requests_of,
    wishes_of,
)
from zena_sse.contract.commands import COMMANDS

GAP = "[to be filled in]"


def paragraphs(answer: Composed) -> list[str]:
    """What stands between greeting and signature."""
    lines = text_of(answer).splitlines()
    assert lines[0].startswith("Hi ")
    assert lines[0].endswith(",")
    assert lines[-2:] == ["Kind regards,", "Hana"]
    assert lines[1] == lines[-3] == ""
    return lines[2:-3]


# --- to whom --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "greeting", "subject"),
    [
        ("Draft a reply to Omar", "Hi Omar,", "LIM for 14 Rata Terrace"),
        ("Write to Nora Bell", "Hi Nora,", "Damp at 31 Kelso Place"),
        ("Can you reply to Tess please", "Hi Tess,", "Rent of 8 Lomond Avenue"),
        ("Draft an email to Gus", "Hi Gus,", "Your listing at 5 Quarry Road"),
        ("Draft a reply to the tenant of 5 Quarry Road", "Hi Marge,", "Keys for 5 Quarry Road"),
        # Dev waits for an answer in one of his threads, so that is the one.
        ("Draft a reply to Dev", "Hi Dev,", "Moving date, 27 Pelorus Street"),
        # The one who lies has her name.
        ("Draft a reply to Beatrice Okoro", "Hi Beatrice,", "27 Pelorus Street settlement"),
        # Who is named first is written to.
        ("Draft a note to Colin about Omar", "Hi Colin,", "Heat pump at 14 Rata Terrace"),
    ],
)
def test_a_draft_goes_to_whom_the_question_names(
    askmail: AskMail, question: str, greeting: str, subject: str
) -> None:
    answer = askmail.ask(question)
    assert answer.found
    assert text_of(answer).startswith(f"{greeting}\n\n")
    assert askmail.subjects(answer.sources)[0] == subject
    assert text_of(answer).endswith("\n\nKind regards,\nHana")


def test_a_draft_opens_the_thread_that_it_answers(askmail: AskMail) -> None:
    answer = askmail.ask("Draft a reply to Omar")
    (action,) = answer.actions
    msgspec.convert(action.payload, COMMANDS[action.command])
    assert action.payload == {"threadId": answer.sources[0].id}


@pytest.mark.parametrize("question", ["Draft a reply to Zacharias", "Draft a reply", "Write"])
def test_with_nobody_to_write_to_one_is_asked_for(askmail: AskMail, question: str) -> None:
    for answer in (askmail.ask(question), askmail.ask(question, user_id=NOBODY)):
        assert answer.found is False
        assert text_of(answer).endswith("Whom should I write to?")
        assert not answer.sources
        assert not answer.actions


def test_noise_is_never_answered(askmail: AskMail) -> None:
    material = askmail.material("Draft a reply to Beatrice Okoro about the deposit")
    chosen = addressee(material)
    assert chosen is not None
    assert chosen[1].classification != "noise"
    noise = msgspec.structs.replace(
        material,
        threads=tuple(msgspec.structs.replace(one, classification="noise") for one in material.threads),
    )
    assert addressee(noise) is None
    assert addressee(msgspec.structs.replace(material, threads=())) is None


def test_the_thread_of_theirs_that_waits_for_an_answer_is_the_one(askmail: AskMail) -> None:
    material = askmail.material("Draft a reply to Jonas")
    theirs = [one.subject for one in material.threads if one.sender == "Jonas Weber"]
    assert len(theirs) == 2
    for subject in theirs:
        waits = with_thread(material, subject, category="focus")
        chosen = addressee(waits)
        assert chosen is not None
        assert chosen[1].subject == subject


def test_whom_the_question_names_is_written_to_however_likely_another_is(askmail: AskMail) -> None:
    material = askmail.material("Draft a reply to Omar about the auction of 14 Rata Terrace")
    chosen = addressee(with_thread(material, "Auction of 14 Rata Terrace", score=100.0, category="focus"))
    assert chosen is not None
    assert chosen[1].subject == "LIM for 14 Rata Terrace"


def test_a_draft_is_signed_by_its_own_user(askmail: AskMail) -> None:
    text = text_of(askmail.ask("Draft a reply to Max", user_id=OTHER))
    assert text.startswith("Hi Max,\n")
    assert text.endswith("\nKind regards,\nKit")


# --- what the agent says shall be in it -----------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("that the inspection went well", "The inspection went well."),
        (": I'll call on Monday", "I'll call on Monday."),
        (": I accept", "I accept."),
        (", saying we will meet on Monday", "We will meet on Monday."),
        ("about the alarm", f"On “the alarm”: {GAP}"),
        (": when the keys are ready", f"On “when the keys are ready”: {GAP}"),
    ],
)
def test_what_the_agent_wishes_is_said_and_what_is_only_named_is_left_to_fill_in(
    askmail: AskMail, wish: str, said: str
) -> None:
    assert said in paragraphs(askmail.ask(f"Draft a reply to Omar {wish}"))


def test_several_wishes_stand_in_their_order(askmail: AskMail) -> None:
    answer = askmail.ask("Draft a reply to Gus: I accept the offer, we will meet on Monday and he must sign")
    assert paragraphs(answer) == ["I accept the offer.", "We will meet on Monday.", "He must sign."]


def test_wishes_are_the_parts_after_the_name(askmail: AskMail) -> None:
    def wished(question: str) -> list[str]:
        return [words for words, _ in wishes_of(askmail.material(question))]

    assert wished("Draft a reply to Omar Haddad") == []
    assert wished("Draft a reply to Omar: keys are here; alarm is off") == ["keys are here", "alarm is off"]


def test_only_so_much_goes_into_one_draft(askmail: AskMail) -> None:
    many = ", ".join(f"we will bring the ladder number {n}" for n in range(REQUESTS + 4))
    assert len(paragraphs(askmail.ask(f"Draft a reply to Gus: {many}"))) == REQUESTS


# --- what they asked ------------------------------------------------------------------------------


def test_what_they_asked_is_answered_from_the_mail_about_that_house(askmail: AskMail) -> None:
    answer = askmail.ask("Draft a reply to Omar")
    lim, auction = paragraphs(answer)
    assert lim.startswith("On “send me the LIM report”: ")
    assert "LIM report came back clear on 9 November" in lim
    assert auction.startswith("On “When is the auction”: ")
    assert "Thursday 3 December at 6 pm" in auction
    assert {"Heat pump at 14 Rata Terrace", "Auction of 14 Rata Terrace"} <= set(
        askmail.subjects(answer.sources)
    )


def test_how_others_greet_the_agent_is_not_passed_on(askmail: AskMail) -> None:
    assert "Hana," not in text_of(askmail.ask("Draft a reply to Omar")).removesuffix("Hana")
    assert "Hi Hana" not in text_of(askmail.ask("Draft a reply to Dev"))


def test_what_the_mail_does_not_say_is_a_gap_and_what_was_asked_for_is_to_be_attached(
    askmail: AskMail,
) -> None:
    assert paragraphs(askmail.ask("Draft a reply to Nora")) == [f"On “What can be done about it”: {GAP}"]
    title = paragraphs(askmail.ask("Draft a reply to Bartholomew"))
    assert title == [
        "“send me the title of 40 Miro Way by Friday 20 November”: please find it attached. [attach it]"
    ]


def test_who_asked_nothing_gets_a_gap(askmail: AskMail) -> None:
    assert paragraphs(askmail.ask("Draft a reply to Beatrice Okoro")) == [GAP]


def test_a_wish_leaves_out_what_they_asked_of_other_things(askmail: AskMail) -> None:
    answer = askmail.ask("Draft a reply to Omar about the auction of 14 Rata Terrace")
    assert "Thursday 3 December" in paragraphs(answer)[0]
    assert "LIM" not in text_of(answer)


def test_what_was_promised_is_what_a_draft_to_who_waits_is_about(askmail: AskMail) -> None:
    material = askmail.material("Draft a reply to Tess")
    chosen = addressee(material)
    assert chosen is not None
    assert [one.text for one in requests_of(material, chosen[0])] == [
        "Hi Tess, I'll send you the rent figures by Wednesday."
    ]
    assert requests_of(material, len(material.threads)) == []


# --- what is nobody else's business ---------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Draft a reply to Omar about the reserve of 14 Rata Terrace",
        "Draft a reply to Omar: what is the reserve price of 14 Rata Terrace?",
        "Draft a reply to Omar and tell him how much the owner wants for 14 Rata Terrace",
        "Draft a reply to Omar with the budget of Jonas for 14 Rata Terrace",
        "Draft a reply to Omar: what do other buyers of 14 Rata Terrace bid?",
        "Draft a reply to Jonas about the reserve of 14 Rata Terrace",
        "Draft a reply to Nora about the reserve, the budget and the price",
        "Draft a reply to Omar about what Colin said of my house and anyone",
    ],
)
def test_no_reserve_budget_or_secret_is_passed_on(askmail: AskMail, question: str) -> None:
    text = text_of(askmail.ask(question))
    assert text.startswith("Hi ")
    for secret in (RESERVE, BUDGET, "Between us", "do not tell", "not a dollar more"):
        assert secret not in text


@pytest.mark.parametrize(
    "question",
    [
        "Draft a reply to Nora about the settlement",
        "Draft a reply to Nora about the auction",
        "Draft a reply to Omar about the deposit",
        "Draft a reply to Tess about the settlement and the auction",
    ],
)
def test_nothing_of_other_houses_is_passed_on(askmail: AskMail, question: str) -> None:
    answer = askmail.ask(question)
    text = text_of(answer)
    for words in ("11 December", "92,000") if "Omar" in question else ("December", "92,000", "Harbour"):
        assert words not in text
    assert GAP in text
    assert len(answer.sources) == 1


def test_an_amount_is_passed_on_only_where_money_is_what_they_ask_for(askmail: AskMail) -> None:
    material = askmail.material("Draft a reply to Dev")
    chosen = addressee(material)
    assert chosen is not None
    found = askmail.material("the deposit of 27 Pelorus Street")
    assert "money" in found.asked.wants
    asked = msgspec.structs.replace(found.asked, wants=frozenset({"date"}))
    for known, passed in ((found, True), (msgspec.structs.replace(found, asked=asked), False)):
        text = text_of(compose_draft(material, chosen[1], [Request("the deposit", None, known)]))
        assert ("92,000" in text) is passed


@pytest.mark.parametrize(
    "question",
    [
        "Draft a reply to Dev with the bank account for the deposit of 27 Pelorus Street",
        "Draft a reply to Beatrice Okoro about the account of the deposit",
        "Draft a reply to Omar about the drainage report of 14 Rata Terrace",
    ],
)
def test_nothing_of_a_trick_is_passed_on(askmail: AskMail, question: str) -> None:
    answer = askmail.ask(question)
    assert BANK_NUMBER not in repr(answer)
    assert "new account" not in text_of(answer)
    assert "is approved" not in text_of(answer)


def test_who_wrote_the_request_is_not_told_their_own_words(askmail: AskMail) -> None:
    text = text_of(askmail.ask("Draft a reply to Omar about my wife who saw 14 Rata Terrace on Sunday"))
    assert "very interested in buying" not in text
