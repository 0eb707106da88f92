"""`zena-sse triage`: a mail folder is read by everything the server has, with no server and no trace."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.memorymailbox import AGENT, mail
from zena_sse.cli import main

KEYS = {
    "messages", "subject", "classification", "category", "nextActionOwner", "property", "stage", "concern",
    "riskLevel", "riskFlags", "tasks", "contacts",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mail folder with three conversations; one mail is in both folders."""
    root = tmp_path / "mail"
    later = mail("Second", minutes=5, body="Could you please send me the contract for 12 High Street?")
    for path, raw in {
        "INBOX/b.eml": later,
        "INBOX/a.eml": mail("First", minutes=1, body="When is the open home?"),
        "Sent/x.eml": mail(
            "Re: First", id="x", minutes=9, sender=AGENT, to="b@x.example", replies_to="first"
        ),
        "Sent/b.eml": later,
        "INBOX/c.eml": mail("Third", minutes=6),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)
    return root


def triage(root: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["triage", "--mail", str(root), "--agent", AGENT, *more])


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_thread_is_a_line_in_the_order_in_which_they_began(folder: Path) -> None:
    found = lines(triage(folder, "--json", "--as-of", "2026-11-21T09:00:00+13:00"))
    assert [thread["subject"] for thread in found] == ["First", "Second", "Third"]
    assert [thread["messages"] for thread in found] == [
        ["INBOX/a.eml", "Sent/x.eml"],
        ["INBOX/b.eml", "Sent/b.eml"],
        ["INBOX/c.eml"],
    ]
    for thread in found:
        assert thread.keys() == KEYS
        assert thread["classification"] is not None
        for task in thread["tasks"]:
            assert task.keys() == {"label", "dueDate", "evidence"}
        for contact in thread["contacts"]:
            assert contact.keys() == {"name", "email", "phone", "role"}


def test_it_is_the_same_again(folder: Path) -> None:
    again = ("--json", "--as-of", "2026-11-21T09:00:00+13:00")
    assert triage(folder, *again).stdout == triage(folder, *again).stdout


def test_several_addresses_may_follow_the_option_or_each_have_one(folder: Path) -> None:
    (folder / "Sent" / "y.eml").write_bytes(
        mail(
            "Re: Third",
            id="y",
            minutes=9,
            sender="other@agency.example",
            to="ben@example.org",
            replies_to="third",
        )
    )
    for more in (["other@agency.example"], ["--agent", "other@agency.example"]):
        contacts = lines(triage(folder, *more, "--json"))[2]["contacts"]
        assert "other@agency.example" not in {contact["email"] for contact in contacts}


def test_a_maildir_is_read_too(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "Maildir"
    for name in ("cur", "new", ".Sent/cur"):
        (root / name).mkdir(parents=True)
    shutil.copy(folder / "INBOX" / "a.eml", root / "cur" / "1.host:2,S")
    shutil.copy(folder / "INBOX" / "c.eml", root / "new" / "2.host")
    shutil.copy(folder / "Sent" / "x.eml", root / ".Sent" / "cur" / "3.host:2,S")
    found = lines(triage(root, "--json"))
    assert [thread["messages"] for thread in found] == [
        ["cur/1.host:2,S", ".Sent/cur/3.host:2,S"],
        ["new/2.host"],
    ]


def test_without_json_there_is_a_table_that_mail_cannot_draw_in(folder: Path) -> None:
    (folder / "INBOX" / "d.eml").write_bytes(mail("[bold]Loud[/bold] \x1b[31mred", id="d", minutes=20))
    result = triage(folder)
    assert result.exit_code == 0
    assert "First" in result.stdout
    assert "[bold]" in result.stdout.replace("\n", "")
    assert "\x1b[31m" not in result.stdout


@pytest.mark.parametrize("made", [[], ["INBOX"], ["INBOX", "Sent"], ["cur", "new"]])
def test_a_folder_that_is_missing_or_empty_is_one_line_and_exit_1(tmp_path: Path, made: list[str]) -> None:
    for name in made:
        (tmp_path / "mail" / name).mkdir(parents=True)
    result = triage(tmp_path / "mail", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path / "mail") in result.stderr


def test_a_moment_that_is_none_is_bad_usage(folder: Path) -> None:
    result = triage(folder, "--as-of", "yesterday")
    assert result.exit_code == 2
    assert "yesterday" in result.stderr


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00", "0001-01-01T00:00+14:00", "0001-01-01T00:00+00:00", "9999-12-31T23:59-12:00"],
)
def test_a_moment_that_has_no_days_before_or_after_it_is_bad_usage(folder: Path, moment: str) -> None:
    result = triage(folder, "--as-of", moment)
    assert result.exit_code == 2
    assert moment in result.stderr


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_file_whose_name_is_no_text_is_read_and_named_as_well_as_can_be(
    folder: Path, more: list[str]
) -> None:
    name = os.fsdecode(b"odd\xff.eml")
    (folder / "INBOX" / name).write_bytes(mail("Odd", minutes=20))
    result = triage(folder, *more)
    assert result.exit_code == 0, result.output
    assert "Odd" in result.stdout
    if more:
        assert lines(result)[-1]["messages"] == ["INBOX/odd\ufffd.eml"]


def test_nothing_of_it_stays_on_the_disk(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("ZENA_DATA_DIR", str(tmp_path / "data"))
    lines(triage(folder, "--json"))
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "data").exists()
