"""How something stands, thread by thread, and who has to do with a property."""

from __future__ import annotations

import msgspec
import pytest

from tests.askmail import BUDGET, NOBODY, RATA, AskMail, numbered, text_of, with_thread
from zena_sse.ask.embedded.facts import NOT_FOUND
from zena_sse.ask.embedded.standing import PEOPLE, STAGES, compose_people, compose_status

PELORUS = "What's the latest on 27 Pelorus Street?"
INTERESTED = "Who is interested in 14 Rata Terrace?"


# --- how things stand -----------------------------------------------------------------------------


def test_a_status_begins_with_the_stage_and_whose_move_it_is(askmail: AskMail) -> None:
    first = text_of(askmail.ask(PELORUS)).splitlines()[0]
    assert first == "27 Pelorus Street: under contract, conditional; your move."


def test_the_move_is_theirs_where_no_thread_of_the_house_waits_for_the_agent(askmail: AskMail) -> None:
    material = askmail.material(PELORUS)
    waiting = with_thread(material, "Moving date, 27 Pelorus Street", category="waiting")
    assert "; waiting on others." in text_of(compose_status(waiting)).splitlines()[0]


def test_the_stage_is_the_newest_threads_that_has_one(askmail: AskMail) -> None:
    material = askmail.material(PELORUS)
    sold = with_thread(material, "Finance for 27 Pelorus Street", stage="sold")
    assert text_of(compose_status(sold)).startswith(f"27 Pelorus Street: {STAGES['sold']}; ")
    older = with_thread(material, "27 Pelorus Street settlement", stage="sold")
    assert text_of(compose_status(older)).startswith("27 Pelorus Street: under contract, conditional; ")


def test_each_thread_has_its_say_with_who_and_when(askmail: AskMail) -> None:
    answer = askmail.ask(PELORUS)
    text = text_of(answer)
    for part in (
        "Dev Malhotra, 19 Nov: “",
        "by tomorrow [20 November]",
        "Dev Malhotra, 17 Nov: “",
        "the bank is still looking at it",
        "Beatrice Okoro, 9 Nov: “",
        "Settlement is on Friday 11 December.",
    ):
        assert part in text
    assert set(askmail.subjects(answer.sources)) == {
        "Moving date, 27 Pelorus Street",
        "Finance for 27 Pelorus Street",
        "27 Pelorus Street settlement",
    }
    assert "Rata" not in text


def test_what_is_asked_to_have_happened_has_a_verdict_first_and_the_automatic_reply_marked(
    askmail: AskMail,
) -> None:
    material = askmail.material("Has Walter sent the valuation of 8 Lomond Avenue?")
    lines = text_of(compose_status(material)).splitlines()
    assert lines[0] == "Not yet, as far as your mail says."
    assert any(line.startswith("Walter Quist (automatic reply), 18 Nov: “") for line in lines)
    assert not text_of(askmail.ask("What's the latest on 8 Lomond Avenue?")).startswith("Not yet")


def test_the_status_of_what_the_mail_does_not_know_is_not_made_up(askmail: AskMail) -> None:
    for answer in (
        askmail.ask("What's the latest on the opera in Milan?"),
        askmail.ask(PELORUS, user_id=NOBODY),
    ):
        assert answer.found is False
        assert text_of(answer).startswith(NOT_FOUND)


# --- who is interested ----------------------------------------------------------------------------


def test_who_is_interested_is_listed_with_what_they_said_and_what_the_agent_answered(
    askmail: AskMail,
) -> None:
    answer = askmail.ask(INTERESTED)
    lines = numbered(answer)
    assert text_of(answer).startswith(f"{len(lines)} people:\n")
    (omar,) = [line for line in lines if line.startswith("Omar Haddad")]
    (jonas,) = [line for line in lines if line.startswith("Jonas Weber")]
    assert omar.startswith("Omar Haddad (17 Nov): “")
    assert "very interested in buying it" in omar
    assert BUDGET in jonas
    assert "; you (13 Nov): “Hi Jonas, good to hear." in jonas
    assert {"LIM for 14 Rata Terrace", "Our search, Rata Terrace"} <= set(askmail.subjects(answer.sources))


def test_whoever_bought_elsewhere_is_out(askmail: AskMail) -> None:
    assert any(t.subject.startswith("Viewing 14") for t in askmail.material(INTERESTED).threads)
    assert "Sofia" not in text_of(askmail.ask(INTERESTED))


def test_whoever_is_lost_is_out_whatever_they_wrote(askmail: AskMail) -> None:
    material = askmail.material(INTERESTED)
    assert "Omar" in text_of(compose_people(material, ("buyer",)))
    lost = with_thread(material, "LIM for 14 Rata Terrace", stage="lost")
    assert "Omar" not in text_of(compose_people(lost, ("buyer",)))


def test_who_writes_of_another_house_alone_is_not_interested_in_this_one(askmail: AskMail) -> None:
    answer = askmail.ask("Who is interested in 40 Miro Way?")
    (line,) = numbered(answer)
    assert line.startswith("Bartholomew")
    assert text_of(answer).startswith("1 person:\n")


def test_vendor_and_lawyer_are_not_interested(askmail: AskMail) -> None:
    text = text_of(askmail.ask("Who is interested in buying 31 Kelso Place?"))
    assert "Nora Bell" in text
    assert "Elena" not in text
    assert "Beatrice" not in text_of(askmail.ask("Who is interested in buying 27 Pelorus Street?"))


def test_somebody_with_two_threads_is_named_once(askmail: AskMail) -> None:
    material = askmail.material(INTERESTED)
    twice = msgspec.structs.replace(
        material,
        threads=tuple(
            msgspec.structs.replace(thread, sender="Omar Haddad", classification="buyer", stage=None)
            for thread in material.threads
            if thread.subject.startswith(("LIM", "Our search"))
        ),
    )
    assert len(twice.threads) == 2
    assert len(numbered(compose_people(twice, ("buyer",)))) == 1


def test_of_many_people_some_are_shown_and_all_fit(askmail: AskMail) -> None:
    material = askmail.material(INTERESTED)
    one = next(thread for thread in material.threads if thread.subject.startswith("LIM"))
    crowd = msgspec.structs.replace(
        material,
        threads=tuple(
            msgspec.structs.replace(one, thread_id=f"t{n}", sender=f"Buyer {n}") for n in range(PEOPLE + 5)
        ),
    )
    answer = compose_people(crowd, ("buyer",))
    assert len(numbered(answer)) == PEOPLE
    assert len(text_of(answer)) <= 1_100


@pytest.mark.parametrize("question", ["Anything from the lawyers about 27 Pelorus Street?"])
def test_who_was_heard_from_is_of_the_kind_asked_about(askmail: AskMail, question: str) -> None:
    lines = numbered(askmail.ask(question))
    assert any(line.startswith("Beatrice Okoro (9 Nov): “") and "11 December" in line for line in lines)
    assert not any("moving date" in line for line in lines)


def test_where_nobody_writes_of_it_that_is_said(askmail: AskMail) -> None:
    answer = askmail.ask("Who is interested in buying the opera in Milan?", user_id=NOBODY)
    assert (answer.found, text_of(answer)) == (False, f"{NOT_FOUND} Nobody writes of it.")
    assert RATA not in text_of(answer)
