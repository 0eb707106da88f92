"""The README's lines for running it, pasted into two terminals as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.e2e.clients import events_of
from tests.e2e.programs import environment, is_ready, wait_until
from tests.e2e.terminals import terminal
from tests.mailservers import free_port

README = Path(__file__).parents[2] / "README.md"

# The mailbox of the README is nobody's: ours takes its place.
MAILBOX = "imap --host imap.example.org --username anna@example.org"


def blocks(heading: str) -> list[list[str]]:
    """The blocks of commands in one section."""
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    paragraphs = [paragraph.splitlines() for paragraph in section.strip("\n").split("\n\n")]
    return [[line.strip() for line in lines] for lines in paragraphs if lines[0].startswith("    ")]


@pytest.mark.needs("curl")
def test_its_lines_work(directory: Path, demo_mail: Path) -> None:
    port = free_port()
    (_install, *serve), (add, tail, curl) = blocks("Run it")
    add = add.replace(MAILBOX, f"folder {shlex.quote(str(demo_mail))}")
    assert str(demo_mail) in add
    settings = {"ZENA_PORT": str(port)}
    with terminal("\n".join(serve), directory, environment(**settings)):
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), "the server to answer")
        # Another terminal, where nobody has exported the secret.
        with terminal(add, directory, environment(**settings)) as shown:
            assert shown.read().split()[1:] == [b"folder", str(demo_mail).encode()]
        with terminal(tail, directory, environment(**settings)) as shown:
            assert b"stream.ready" in shown.readline()
        with terminal(curl.replace("8000", str(port)), directory, environment(**settings)) as shown:
            assert next(events_of(shown)).type == "stream.ready"


def test_its_question_has_the_answer_it_shows() -> None:
    (_triage, (question,)) = blocks("What it makes of mail")
    shown = README.read_text().partition(f"    {question}\n")[2].partition("```\n")[2].partition("```")[0]
    assert shown.count("\n") >= 4
    root = README.parent
    with terminal(question, root, environment()) as said:
        assert said.read().decode() == shown
