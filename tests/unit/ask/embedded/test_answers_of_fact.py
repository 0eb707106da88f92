"""Answers to questions of fact: the sentences that hold them, who said them and when; or that none do."""

from __future__ import annotations

import msgspec
import pytest

from tests.askmail import NOBODY, NOW, AskMail, text_of
from zena_sse.ask.embedded.choosing import MOST, ROOM, choose, grouped, spread
from zena_sse.ask.embedded.composing import (
    NAMED,
    SOURCES,
    attributed,
    statement_source,
    unique_sources,
    view_action,
)
from zena_sse.ask.embedded.facts import NOT_FOUND, contact_lines
from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.phrasing import QUOTED
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.statements import Statement, statements_of
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import TEXT_LIMIT, Source

AUCTION = "When is the auction of 14 Rata Terrace?"
# Looked through for a spread: about a house that many threads are about.
HOUSE = "What's the latest on 14 Rata Terrace?"


def said(material: Material, beginning: str) -> Statement:
    """The sentence that begins so."""
    (found,) = [one for one in statements_of(material) if one.text.startswith(beginning)]
    return found


# --- what is said ---------------------------------------------------------------------------------


def test_the_answer_quotes_who_said_it_and_when_with_what_finishes_it(askmail: AskMail) -> None:
    answer = askmail.ask(AUCTION)
    first = text_of(answer).splitlines()[0]
    assert first.startswith("Priya Nand, 10 Nov: “The auction of 14 Rata Terrace")
    for part in ("Thursday 3 December", "6 pm", "2 Harbour Street", "Tane Walsh"):
        assert part in first
    assert askmail.subjects(answer.sources)[0] == "Auction of 14 Rata Terrace"
    assert answer.sources[0].snippet.startswith("The auction of 14 Rata Terrace")
    assert answer.sources[0].message_id is not None


def test_what_is_suggested_opens_the_first_source(askmail: AskMail) -> None:
    answer = askmail.ask(AUCTION)
    (action,) = answer.actions
    assert (action.command, action.payload) == ("thread.view", {"threadId": answer.sources[0].id})
    assert "Auction of 14 Rata Terrace" in action.label


def test_who_is_to_be_reached_is_given_with_number_and_address(askmail: AskMail) -> None:
    assert text_of(askmail.ask("How do I reach Priya Nand?")).endswith(
        "\nPriya Nand: 04 555 0142, priya@gaveldown.example"
    )
    assert "04 555 0142" not in text_of(askmail.ask(AUCTION))


def test_the_named_come_before_whoever_wrote_and_none_without_being_asked_for(askmail: AskMail) -> None:
    material = askmail.material("Does the auction of 14 Rata Terrace suit Omar Haddad, what is his number?")
    writers = [said(material, "We saw 14 Rata Terrace")]
    assert contact_lines(material, [said(material, "The auction of 14 Rata")]) == [
        "Omar Haddad: 021 555 0177, omar.haddad@postbox.example",
        "Priya Nand: 04 555 0142, priya@gaveldown.example",
    ]
    lines = contact_lines(askmail.material("Who is the auctioneer, and how do I reach them?"), writers)
    assert lines == ["Omar Haddad: 021 555 0177, omar.haddad@postbox.example"]
    assert contact_lines(askmail.material(AUCTION), writers) == []


def test_a_name_without_end_is_cut_wherever_it_stands(askmail: AskMail) -> None:
    for question in ("What is Bartholomew's phone number?", "What does Bartholomew say of 40 Miro Way?"):
        for line in text_of(askmail.ask(question)).splitlines():
            if line.startswith("Bartholomew"):
                assert "…" in line[: NAMED + 1]
    assert "bart@postbox.example" in text_of(askmail.ask("What is Bartholomew's phone number?"))


# --- what is not there ----------------------------------------------------------------------------


def test_what_comes_nearest_is_named_and_not_quoted(askmail: AskMail) -> None:
    answer = askmail.ask("What did the inspector find at 5 Quarry Road?")
    text = text_of(answer)
    assert answer.found is False
    assert text.startswith(NOT_FOUND)
    assert "Marge Dunne" in text
    assert "“Keys for 5 Quarry Road”" in text
    assert "photographs" not in text
    assert askmail.subjects(answer.sources) == ["Keys for 5 Quarry Road"]
    assert answer.actions == ()


def test_where_nothing_is_near_a_name_is_asked_for(askmail: AskMail) -> None:
    for answer in (askmail.ask(AUCTION, user_id=NOBODY), askmail.ask("?!")):
        assert answer.found is False
        assert text_of(answer) == f"{NOT_FOUND} Try the name of a person or a street."
        assert answer.sources == ()


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("Has Walter sent the valuation of 8 Lomond Avenue?", "24 November"),
        ("Has Elena returned the agency agreement for 31 Kelso Place?", "return it"),
    ],
)
def test_what_is_still_awaited_has_not_happened_yet(askmail: AskMail, question: str, last: str) -> None:
    answer = askmail.ask(question)
    assert answer.found
    assert text_of(answer).startswith("Not yet, as far as your mail says.\n")
    assert last in text_of(answer)


def test_what_has_happened_is_not_called_awaited(askmail: AskMail) -> None:
    text = text_of(askmail.ask("Has the deposit for 27 Pelorus Street been paid?"))
    assert "paid on 6 November" in text
    assert "Not yet" not in text


# --- which sentences are said ---------------------------------------------------------------------


def test_of_nothing_nothing_is_chosen(askmail: AskMail) -> None:
    assert choose([]) == []
    assert grouped([]) == []
    assert spread(askmail.material(HOUSE), [], MOST, ROOM) == []


def test_the_best_is_chosen_first_and_its_neighbour_finishes_it(askmail: AskMail) -> None:
    material = askmail.material(AUCTION)
    everything = ranked(material)
    chosen = choose(everything)
    assert chosen[0] is everything[0].statement
    assert said(material, "Tane Walsh") in chosen
    assert "Hi Hana," not in [one.text for one in chosen]


def test_a_choice_has_its_room_and_its_number_and_nothing_twice(askmail: AskMail) -> None:
    everything = ranked(askmail.material("What does Bartholomew say of the drains of 40 Miro Way?"))
    texts = [one.text for one in choose(everything)]
    assert texts.count("The drains of 40 Miro Way are old.") == 1
    even = [msgspec.structs.replace(one, chance=everything[0].chance) for one in everything]
    for most, room in ((1, ROOM), (2, ROOM), (MOST, 200), (MOST, ROOM)):
        chosen = choose(even, most, room)
        assert 1 <= len(chosen) <= most
        assert len(chosen) == 1 or sum(min(len(one.text), QUOTED) + 30 for one in chosen) <= room
    assert len(choose(even, 2)) == 2


def test_a_statement_far_less_likely_is_left_out(askmail: AskMail) -> None:
    everything = ranked(askmail.material(HOUSE))
    sure = [msgspec.structs.replace(everything[0], chance=0.99)]
    rest = [
        msgspec.structs.replace(one, chance=0.001)
        for one in everything
        if one.statement.message is not everything[0].statement.message
    ]
    assert choose(sure + rest) == [everything[0].statement]
    near = [msgspec.structs.replace(rest[0], chance=0.5), *rest[1:]]
    assert choose(sure + near) == [everything[0].statement, rest[0].statement]


def test_sentences_of_a_message_stand_together_as_it_says_them(askmail: AskMail) -> None:
    material = askmail.material(HOUSE)
    auction, walsh = said(material, "The auction of 14 Rata"), said(material, "Tane Walsh")
    saw = said(material, "We saw 14 Rata Terrace")
    assert grouped([walsh, saw, auction]) == [[auction, walsh], [saw]]


def test_a_spread_tells_of_many_threads_without_courtesies(askmail: AskMail) -> None:
    material = askmail.material(HOUSE)
    chosen = spread(material, ranked(material), 5, 860)
    assert len(chosen) == 5
    assert len({one.thread for one in chosen}) >= 4
    assert not {one.text for one in chosen} & {
        "Hi Hana,",
        "Thank you!",
        "Thanks Priya, that is in the diary.",
    }
    assert len(spread(material, ranked(material), 9, 250)) < 4


# --- what lines and sources look like ---------------------------------------------------------------


def test_a_day_that_is_named_from_the_day_of_writing_is_followed_by_its_date(askmail: AskMail) -> None:
    material = askmail.material("What does Dev want to know about the moving date of 27 Pelorus Street?")
    line = attributed(material, [said(material, "Hi Hana, could you please confirm the moving date")])
    assert line.startswith("Dev Malhotra, 19 Nov: “")
    assert "by tomorrow [20 November]" in line


def test_an_automatic_reply_and_the_agents_own_words_are_marked(askmail: AskMail) -> None:
    material = askmail.material("Has Walter sent the valuation of 8 Lomond Avenue?")
    away = attributed(material, [said(material, "I am out of the office")])
    assert away.startswith("Walter Quist (automatic reply), 18 Nov: “")
    assert attributed(material, [said(material, "Hi Walter, could you send")]).startswith("You, 18 Nov: “")


def test_a_quotation_is_no_longer_than_it_may_be(askmail: AskMail) -> None:
    material = askmail.material(AUCTION)
    line = attributed(material, [said(material, "The auction of 14 Rata")], width=40)
    assert line.partition("“")[2] == "The auction of 14 Rata Terrace, Ngaio i…”"


def test_each_thread_is_one_source_as_it_was_first_named_and_there_are_not_many(askmail: AskMail) -> None:
    def source(number: int, snippet: str = "") -> Source:
        return Source("thread", f"t{number}", "A title", snippet, f"m{number}")

    deal = Source("deal", "t1", "A deal", "")
    assert unique_sources([source(1, "first"), source(2), source(1, "again"), deal]) == (
        source(1, "first"),
        source(2),
        deal,
    )
    many = unique_sources([source(number) for number in range(20)])
    assert many == tuple(source(number) for number in range(SOURCES))


def test_a_source_and_its_action_fit_whatever_the_subject_is(askmail: AskMail) -> None:
    material = askmail.material("What does Bartholomew want to know about 40 Miro Way?")
    source = statement_source(material, said(material, "I am worried about the drains"))
    action = view_action(source)
    assert len(source.title) <= TEXT_LIMIT
    assert len(action.label) <= TEXT_LIMIT
    msgspec.convert(action.payload, COMMANDS[action.command])
    assert source.snippet == "I am worried about the drains."


def test_today_is_the_agents_own(askmail: AskMail) -> None:
    assert askmail.material(AUCTION).now.utcoffset() == NOW.utcoffset()
