"""Answers that are lists: what is due, promised, awaited and owed, who worries, what is at risk."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from tests.askmail import ELSEWHERE, NOBODY, NOW, OTHER, AskMail, numbered, text_of
from zena_sse.ask.embedded.composing import NAMED, SOURCES, Composed
from zena_sse.ask.embedded.lists import LINES, NOTHING, ROOM, Entry, listed
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import Source, SuggestedAction

DUE = "What has to be done today?"
WAITING = "Who am I waiting for, longest silence first?"
OWED = "Who is waiting for me?"
PROMISED = "Have I promised anyone something I haven't sent yet?"
WORRIED = "Who sounds worried?"
RISK = "Which deals are at risk?"
QUESTIONS = {
    "due": DUE, "waiting": WAITING, "owed": OWED, "promised": PROMISED, "worried": WORRIED, "risk": RISK,
}  # fmt: skip


def beginnings(answer: Composed) -> list[str]:
    """Of each line who it is about; their given name is enough."""
    return [line.split()[0] for line in numbered(answer)]


def entries(count: int) -> list[Entry]:
    return [
        Entry(
            who=f"Buyer {n}",
            about=f"{n} Kauri Lane",
            gist=f"wants\nthe  plans, {'soon ' * 60}",
            source=Source("thread", f"t{n}", f"Plans {n}", "the plans"),
            action=SuggestedAction(f"Done: {n}", "task.complete", {"taskId": f"k{n}"}),
        )
        for n in range(count)
    ]


# --- what is due ----------------------------------------------------------------------------------


def test_what_is_due_today_is_due_today(askmail: AskMail) -> None:
    answer = askmail.ask(DUE)
    lines = numbered(answer)
    assert text_of(answer).startswith("3 to do:\n")
    assert sorted(beginnings(answer)) == ["Bartholomew", "Dev", "Marge"]
    assert all("(today)" in line for line in lines)
    (dev,) = [line for line in lines if line.startswith("Dev Malhotra (27 Pelorus Street): ")]
    assert "moving date" in dev


@pytest.mark.parametrize("question", ["What is due tomorrow?", "What do I have to get done tomorrow?"])
def test_what_is_due_tomorrow(askmail: AskMail, question: str) -> None:
    (line,) = numbered(askmail.ask(question))
    assert line.startswith("Marge Dunne (5 Quarry Road): ")
    assert "bond form" in line
    assert "(tomorrow)" in line


def test_what_is_due_this_week_begins_with_today(askmail: AskMail) -> None:
    answer = askmail.ask("What do I have to do this week?")
    lines = numbered(answer)
    assert len(lines) == 4
    assert ["(today)" in line for line in lines] == [True, True, True, False]
    assert "bond form" in lines[3]


def test_what_is_overdue_was_due_before_today_and_says_when(askmail: AskMail) -> None:
    answer = askmail.ask("What is overdue?")
    tess, marge = numbered(answer)
    assert tess.startswith("Tess Morgan (8 Lomond Avenue): ")
    assert "rent figures" in tess
    assert "(was due 18 November)" in tess
    assert "notice" in marge
    assert "(was due 19 November)" in marge


def test_what_is_due_moves_with_the_days(askmail: AskMail) -> None:
    (line,) = numbered(askmail.ask(DUE, now=NOW.replace(day=21)))
    assert "bond form" in line
    assert text_of(askmail.ask(DUE, now=NOW.replace(day=22))) == NOTHING["due"]
    # Still the 20th where the agent is, whatever the server's own day is.
    abroad = datetime.fromisoformat("2026-11-19T20:00:00+00:00")
    assert text_of(askmail.ask(DUE, now=abroad)) == text_of(askmail.ask(DUE))


def test_what_is_due_for_a_house_is_of_that_house(askmail: AskMail) -> None:
    (line,) = numbered(askmail.ask("What has to be done today for 5 Quarry Road?"))
    assert line.startswith("Marge Dunne (5 Quarry Road): ")
    assert "parking" in line


def test_a_task_is_offered_to_be_completed(askmail: AskMail) -> None:
    answer = askmail.ask(DUE)
    assert {action.command for action in answer.actions} == {"task.complete"}
    assert len({action.payload["taskId"] for action in answer.actions}) == 3
    assert all(action.label.startswith("Done: ") for action in answer.actions)


# --- who waits for whom ---------------------------------------------------------------------------


def test_who_is_waited_for_is_told_the_longest_silence_first(askmail: AskMail) -> None:
    answer = askmail.ask(WAITING)
    assert text_of(answer).startswith("You are waiting for 6, the longest silence first:\n")
    assert beginnings(answer) == ["Jonas", "Gus", "Jonas", "Elena", "Dev", "Walter"]
    silences = [int(line.partition(": ")[2].split()[0]) for line in numbered(answer)]
    assert silences == [32, 14, 7, 7, 3, 2]
    assert numbered(answer)[1] == "Gus Petrie (5 Quarry Road): 14 days, Your listing at 5 Quarry Road"


def test_of_vendors_only_vendors_are_waited_for(askmail: AskMail) -> None:
    assert beginnings(askmail.ask("Which vendors am I waiting to hear from?")) == ["Elena"]


def test_whom_an_automatic_reply_answered_for_is_still_waited_for(askmail: AskMail) -> None:
    assert "Walter Quist (8 Lomond Avenue): 2 days" in text_of(askmail.ask(WAITING))
    assert "Walter" not in text_of(askmail.ask(OWED))


def test_who_waits_for_the_agent_has_asked_something_and_says_since_when(askmail: AskMail) -> None:
    answer = askmail.ask(OWED)
    names = beginnings(answer)
    assert {"Omar", "Nora", "Marge", "Dev", "Tess"} <= set(names)
    assert not {"Gus", "Elena", "Walter", "Priya", "Colin", "Beatrice", "Data"} & set(names)
    (omar,) = [line for line in numbered(answer) if line.startswith("Omar")]
    assert omar.startswith("Omar Haddad (14 Rata Terrace): 3 days, ")


def test_what_was_promised_is_told_with_its_day(askmail: AskMail) -> None:
    answer = askmail.ask(PROMISED)
    (line,) = numbered(answer)
    assert line.startswith("Tess Morgan (8 Lomond Avenue): ")
    assert "rent figures" in line
    assert "(was due 18 November)" in line
    assert askmail.subjects(answer.sources) == ["Rent of 8 Lomond Avenue"]
    assert answer.sources[0].message_id is not None


# --- who worries, what is at risk -----------------------------------------------------------------


def test_who_worries_is_quoted_the_newest_first(askmail: AskMail) -> None:
    answer = askmail.ask(WORRIED)
    assert beginnings(answer) == ["Nora", "Bartholomew"]
    assert "worried about the damp in the back bedroom" in numbered(answer)[0]
    assert {action.command for action in answer.actions} == {"thread.view"}


def test_deals_at_risk_come_the_worst_first_with_the_reason(askmail: AskMail) -> None:
    answer = askmail.ask(RISK)
    lines = numbered(answer)
    risks = ["high" if ": high, " in line else "medium" for line in lines if "Bartholomew" not in line]
    assert lines[0].startswith("Jonas Weber (19 Tawa Lane): high, Nothing from Jonas Weber for")
    assert risks == sorted(risks)
    assert any(line.startswith("Nora Bell (31 Kelso Place): medium, Concern: ") for line in lines)
    assert {source.type for source in answer.sources} == {"deal"}


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("intent", QUESTIONS)
def test_who_has_no_mail_is_told_so_in_one_sentence(askmail: AskMail, intent: str) -> None:
    answer = askmail.ask(QUESTIONS[intent], user_id=NOBODY)
    assert answer == Composed(pieces=(NOTHING[intent],), found=True)  # type: ignore[index]  # an intent
    assert text_of(answer).count(".") == 1


@pytest.mark.parametrize("intent", QUESTIONS)
def test_a_list_is_the_users_own(askmail: AskMail, intent: str) -> None:
    mine = repr(askmail.ask(QUESTIONS[intent]))
    theirs = repr(askmail.ask(QUESTIONS[intent], user_id=OTHER))
    assert "Max Orme" not in mine
    assert ELSEWHERE not in mine
    for name in ("Omar", "Gus", "Tess", "Nora", "Marge", "Dev", "Jonas", "Elena", "Bartholomew"):
        assert name not in theirs


def test_the_other_user_has_lists_of_their_own(askmail: AskMail) -> None:
    assert beginnings(askmail.ask(WORRIED, user_id=OTHER)) == ["Max"]
    assert ELSEWHERE in text_of(askmail.ask(PROMISED, user_id=OTHER))


@pytest.mark.parametrize("question", [*QUESTIONS.values(), "What is overdue?"])
def test_noise_is_in_no_list(askmail: AskMail, question: str) -> None:
    text = text_of(askmail.ask(question))
    assert "Data Desk" not in text
    assert "account" not in text
    assert "Beatrice" not in text


@pytest.mark.parametrize("intent", QUESTIONS)
def test_every_source_and_action_of_a_list_can_be_opened(askmail: AskMail, intent: str) -> None:
    answer = askmail.ask(QUESTIONS[intent])
    assert answer.sources
    assert all(askmail.owned(source) for source in answer.sources)
    assert len(answer.actions) <= 3
    for action in answer.actions:
        msgspec.convert(action.payload, COMMANDS[action.command])
        thread = action.payload.get("threadId")
        assert thread is None or thread in {source.id for source in answer.sources}


def test_of_many_entries_some_are_shown_and_the_others_counted() -> None:
    answer = listed(entries(LINES + 7), "21 to do:", "Nothing.")
    lines = text_of(answer).splitlines()
    assert lines[0] == "21 to do:"
    assert lines[LINES].startswith(f"{LINES}. Buyer {LINES - 1} ({LINES - 1} Kauri Lane): wants the plans")
    assert lines[LINES + 1 :] == ["and 7 more."]
    assert len(text_of(answer)) <= ROOM + 140
    assert len(answer.sources) == SOURCES
    assert [action.label for action in answer.actions] == ["Done: 0", "Done: 1", "Done: 2"]


def test_as_many_entries_as_there_are_lines_are_all_shown() -> None:
    text = text_of(listed(entries(LINES), "All:", "Nothing."))
    assert len(text.splitlines()) == LINES + 1
    assert "more." not in text


def test_one_entry_has_the_room_of_all_on_one_line() -> None:
    text = text_of(listed(entries(1), "1 to do:", "Nothing."))
    assert len(text.splitlines()) == 2
    assert len(text) > 300
    assert "wants the plans, soon soon" in text


@pytest.mark.parametrize("count", [1, LINES])
def test_a_name_without_end_leaves_room_for_what_it_is_about(count: int) -> None:
    long = [msgspec.structs.replace(entry, who="Bartholomew " * 30, about="") for entry in entries(count)]
    for line in text_of(listed(long, "Head:", "Nothing.")).splitlines()[1:]:
        assert "…: wants the plans" in line
        assert line.index("…: ") <= NAMED + 4
