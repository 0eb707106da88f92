"""`zena-sse ask`: questions answered from a mail folder, with no server and no trace."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.memorymailbox import AGENT, mail
from zena_sse.ask.answering import Answer, AnswerFailed, Conclusion, Inquiry
from zena_sse.ask_report import AnswerLine, Question, SourceLine, answer, as_text
from zena_sse.cli import main
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import QUESTION_LIMIT, Source
from zena_sse.errors import StorageUnavailable
from zena_sse.offline import Folder, read_folder
from zena_sse.settings import Settings

AS_OF = ("--as-of", "2026-11-21T09:00:00+13:00")
KEYS = ["question", "found", "answer", "sources", "suggestedActions"]
QUESTIONS = Path(__file__).parents[1] / "data" / "mail" / "questions.json"

COLLEAGUE = "cole@agency.example"

AUCTION = "When is the auction of 12 High Street?"
WAITING = "Who am I waiting for?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mail folder: Ben says when an auction is, and is asked for something by a colleague."""
    root = tmp_path / "mail"
    for path, raw in {
        "INBOX/a.eml": mail(
            "12 High Street", minutes=1, body="The auction of 12 High Street is on Thursday 26 November, 6pm."
        ),
        "Sent/x.eml": mail(
            "Re: 12 High Street", id="x", minutes=9, sender=AGENT, to="ben@example.org",
            replies_to="12highstreet", body="Thank you, see you there.",
        ),
        "INBOX/b.eml": mail(
            "Contract", minutes=5, sender=f"Cole <{COLLEAGUE}>", to="Ben Buyer <ben@example.org>",
            body="Could you please send me the contract for 3 Low Road?",
        ),
    }.items():  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)
    return root


def ask(root: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["ask", "--mail", str(root), "--agent", AGENT, *more])


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def check(root: Path, line: dict[str, Any]) -> None:
    """It is as the contract says, and what it names is there."""
    assert [key for key in line if key != "id"] == KEYS
    assert isinstance(line["found"], bool)
    assert line["answer"]
    for source in line["sources"]:
        assert list(source) == ["type", "id", "title", "snippet", "messages"]
        assert source["messages"]
        for message in source["messages"]:
            assert (root / message).is_file()
    for action in line["suggestedActions"]:
        assert action.keys() == {"label", "command", "payload"}
        msgspec.convert(action["payload"], COMMANDS[action["command"]])


def written(path: Path, content: object) -> str:
    """A file of questions."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


# --- what it says -----------------------------------------------------------------------------------------


def test_question_is_answered_in_one_line_of_json_with_the_files_it_rests_on(folder: Path) -> None:
    (line,) = lines(ask(folder, *AS_OF, "--json", AUCTION))
    check(folder, line)
    assert list(line) == KEYS
    assert (line["question"], line["found"]) == (AUCTION, True)
    assert "26 November" in line["answer"]
    assert "INBOX/a.eml" in line["sources"][0]["messages"]


def test_more_addresses_may_stand_before_the_question_or_each_have_an_option(folder: Path) -> None:
    (alone,) = lines(ask(folder, *AS_OF, "--json", WAITING))
    assert "Ben" not in alone["answer"]
    for more in ([COLLEAGUE, WAITING], ["--agent", COLLEAGUE.upper(), WAITING]):
        (line,) = lines(ask(folder, *AS_OF, "--json", *more))
        assert "Ben" in line["answer"]


def test_questions_of_a_file_are_answered_in_its_order_with_the_ids_they_have(
    folder: Path, tmp_path: Path
) -> None:
    listed: list[dict[str, Any]] = [
        {"id": "q1", "question": AUCTION, "kind": "fact"},
        {"question": WAITING},
        {"id": 7, "question": "Hi"},
    ]
    name = written(tmp_path / "questions.json", listed)
    as_list = ask(folder, *AS_OF, "--json", "--questions", name)
    found = lines(as_list)
    for line, given in zip(found, listed, strict=True):
        check(folder, line)
        assert line["question"] == given["question"]
        assert line.get("id") == given.get("id")
        assert ("id" in line) == ("id" in given)
    written(tmp_path / "questions.json", {"as_of": "2026", "questions": listed})
    in_an_object = ask(folder, "other@agency.example", *AS_OF, "--json", "--questions", name)
    assert in_an_object.stdout == as_list.stdout


def test_every_question_about_the_demo_mailbox_is_answered_as_the_contract_says(demo_mail: Path) -> None:
    read = json.loads(QUESTIONS.read_bytes())
    found = lines(ask(demo_mail, "--as-of", read["as_of"], "--json", "--questions", str(QUESTIONS)))
    assert [line["id"] for line in found] == [question["id"] for question in read["questions"]]
    for line in found:
        check(demo_mail, line)
    assert {action["command"] for line in found for action in line["suggestedActions"]} >= {"thread.view"}


def test_without_json_there_is_the_answer_and_the_file_it_is_from(folder: Path, tmp_path: Path) -> None:
    said = ask(folder, *AS_OF, AUCTION)
    assert said.exit_code == 0
    assert "26 November" in said.stdout
    assert "Sources:\n  - 12 High Street (INBOX/a.eml)" in said.stdout
    assert AUCTION not in said.stdout
    several = ask(folder, *AS_OF, "--questions", written(tmp_path / "q.json", [{"question": AUCTION}] * 2))
    assert several.stdout.count(f"? {AUCTION}\n") == 2


@pytest.mark.parametrize("letter", ["\x1b[31m", "\x07", "\r", "\x9b", "\u202e", "\u2028", "\x00"])
def test_mail_and_questions_cannot_draw_on_the_terminal(letter: str) -> None:
    source = SourceLine(
        type="thread", id="t", title=f"a{letter}b", snippet=letter, messages=[f"INBOX/{letter}.eml"]
    )
    line = AnswerLine(
        id="1",
        question=f"q{letter}?",
        found=True,
        answer=f"a{letter}\nb",
        sources=[source],
        suggested_actions=(),
    )
    text = as_text(line, headed=True)
    assert all(one.isprintable() or one == "\n" for one in text)
    assert text.splitlines()[0].startswith("? q")


def test_it_is_the_same_again_and_nothing_of_it_stays_on_the_disk(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("ZENA_DATA_DIR", str(tmp_path / "data"))
    first = ask(folder, *AS_OF, "--json", AUCTION)
    assert lines(first) == lines(ask(folder, *AS_OF, "--json", AUCTION))
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "data").exists()


# --- what it rests on -------------------------------------------------------------------------------------


class Told:
    """Answers as the test says."""

    def __init__(self, sources: Sequence[Source] = (), error: AnswerFailed | None = None) -> None:
        self._sources = sources
        self._error = error

    async def answer(self, _inquiry: Inquiry) -> Answer:
        """See `Answerer`."""
        yield "Two "
        if self._error is not None:
            raise self._error
        yield "pieces"
        yield Conclusion(found=True, sources=tuple(self._sources))


class _Ids(msgspec.Struct):
    thread_id: str
    key: str


async def ids_of(folder: Folder, subject: str) -> _Ids:
    """A thread and its first message."""
    (found,) = await folder.zena.storage.read(
        lambda reader: reader.all(
            _Ids,
            "SELECT t.thread_id, MIN(m.key) AS key FROM threads AS t JOIN messages AS m"
            " ON m.thread_id = t.thread_id WHERE t.subject = :subject AND m.at = t.first_message_at",
            subject=subject,
        )
    )
    return found


async def test_source_names_the_message_or_else_all_of_the_thread(folder: Path) -> None:
    moment = datetime(2026, 11, 20, 20, tzinfo=UTC)
    async with read_folder(folder, [AGENT], lambda: moment, Settings()) as opened:
        ids = await ids_of(opened, "12 High Street")
        sources = [
            Source("thread", ids.thread_id, "t", "s", ids.key),
            Source("thread", ids.thread_id, "t", "s"),
            Source("deal", "nothing", "t", "s"),
        ]
        opened.zena.answerer = Told(sources)
        line = await answer(opened, Question(AUCTION))
        assert line.answer == "Two pieces"
        assert [source.messages for source in line.sources] == [
            ["INBOX/a.eml"],
            ["INBOX/a.eml", "Sent/x.eml"],
            [],
        ]
        opened.zena.answerer = Told(error=AnswerFailed("Not now."))
        with pytest.raises(StorageUnavailable, match=r"Not now\."):
            await answer(opened, Question(AUCTION))


# --- what cannot be asked ---------------------------------------------------------------------------------


def refused(result: Result, code: int) -> str:
    """Nothing was said but why not: in one line, or below how it is used."""
    assert (result.exit_code, result.stdout) == (code, "")
    told = result.stderr.splitlines()
    assert len(told) == 1 if code == 1 else told[0].startswith("Usage: ")
    return told[-1]


@pytest.mark.parametrize("more", [[], ["other@agency.example"], ["--json"]])
def test_no_question_is_bad_usage(folder: Path, more: list[str]) -> None:
    assert "question is needed" in refused(ask(folder, *more), 2)


@pytest.mark.parametrize("question", ["", " \n", "x" * (QUESTION_LIMIT + 1)])
def test_question_that_is_none_is_told_in_one_line(folder: Path, question: str) -> None:
    assert "cannot be asked" in refused(ask(folder, question), 1)


def test_question_whose_bytes_are_no_text_is_asked_as_well_as_can_be(folder: Path) -> None:
    (line,) = lines(ask(folder, *AS_OF, "--json", f"{AUCTION}\udcff"))
    assert line["question"] == f"{AUCTION}\ufffd"


def test_what_stands_before_the_question_and_is_no_address_is_bad_usage(folder: Path) -> None:
    assert "'when'" in refused(ask(folder, "When", "is the auction?"), 2)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff", b"[1]", b"7", b"null", b"{}", {"questions": None}, [{"id": "a"}],
        [{"question": 1}], [{"question": ""}], [{"question": " "}],
        [{"question": "x" * (QUESTION_LIMIT + 1)}], [{"question": "Hi", "id": ["a"]}],
    ],
)  # fmt: skip
def test_file_that_has_no_questions_is_told_in_one_line(
    folder: Path, tmp_path: Path, content: object
) -> None:
    name = written(tmp_path / "questions.json", content)
    assert name in refused(ask(folder, "--questions", name), 1)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_file_that_cannot_be_read_is_told_in_one_line(folder: Path, tmp_path: Path, name: str) -> None:
    assert "cannot be read" in refused(ask(folder, "--questions", str(tmp_path / name)), 1)


@pytest.mark.parametrize("moment", ["yesterday", "", "0001-01-01T00:00", "9999-12-31T23:59-12:00"])
def test_moment_that_is_none_is_bad_usage(folder: Path, moment: str) -> None:
    assert repr(moment) in refused(ask(folder, "--as-of", moment, AUCTION), 2)


@pytest.mark.parametrize("made", [[], ["INBOX", "Sent"], ["cur", "new"]])
def test_folder_that_is_missing_or_empty_is_told_in_one_line(tmp_path: Path, made: list[str]) -> None:
    for name in made:
        (tmp_path / "mail" / name).mkdir(parents=True)
    assert str(tmp_path / "mail") in refused(ask(tmp_path / "mail", AUCTION), 1)
