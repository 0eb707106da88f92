"""`zena-sse` as a new user types it, with a server that owns the data directory and without one."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients import EPHEMERAL
from tests.e2e.conftest import NewServer
from tests.e2e.programs import Serving, ending, publish_note, read_mailbox, wait_until
from tests.mailboxes import letter
from tests.mailservers import PASSWORD, PYMAP_USER, MailServer, running_pymap

VIEWED = '{"threadId": "t1", "viewedAt": "2026-11-20T09:00:00Z", "by": "anna"}'

Line = dict[str, Any]


@pytest.fixture(scope="module")
def mail_server() -> Iterator[MailServer]:
    with running_pymap() as server:
        yield server


def lines_up_to(process: subprocess.Popen[bytes], note: str) -> list[Line]:
    """What `tail --json` prints until it prints that note."""
    assert process.stdout is not None
    got: list[Line] = []
    for line in process.stdout:
        got.append(json.loads(line))
        if got[-1]["payload"].get("threadId") == note:
            return got
    raise AssertionError(f"tail ended by itself, after {got}")


def thread_ids(server: Serving, user: str) -> set[str]:
    threads = server.get("/threads?limit=200", user).json()["threads"]
    return {thread["threadId"] for thread in threads}


# --- with a server --------------------------------------------------------------------------------


def test_token_of_a_server_is_accepted_by_it_and_needs_no_secret_of_ones_own(running: Serving) -> None:
    secretless = Serving(running.directory, **running.settings | {"ZENA_JWT_SECRET": ""})
    token = secretless.run("token", "--user", "tina", "--role", "publisher", "--ttl", "60").said().strip()
    me = running.request_as(token, "/me")
    assert (me["userId"], me["role"]) == ("tina", "publisher")


def test_account_add_reads_a_folder_at_once(running: Serving, demo_mail: Path) -> None:
    said = running.run("account", "add", "--user", "fred", "folder", str(demo_mail)).said()
    account = running.get("/accounts", "fred").json()["accounts"][0]
    assert said.split() == [account["accountId"], "folder", str(demo_mail)]
    wait_until(lambda: len(thread_ids(running, "fred")) == 70, "all 70 threads")


def test_account_add_connects_an_imap_mailbox_with_a_password_from_a_pipe(
    running: Serving, mail_server: MailServer
) -> None:
    with mail_server.sign_in(PYMAP_USER) as other:
        other.append("INBOX", letter("Viewing on Friday", datetime.now(UTC)))
    words = ["imap", "--host", "127.0.0.1", "--port", str(mail_server.port), "--security", "plain"]
    words += ["--username", PYMAP_USER, "--password-stdin"]
    said = running.run("account", "add", "--user", "ida", *words, stdin=PASSWORD + "\n").said()
    assert said.split()[1:] == ["imap", PYMAP_USER, "at", "127.0.0.1"]
    wait_until(lambda: len(thread_ids(running, "ida")) == 1, "the message")
    refusal = running.run("account", "add", "--user", "igor", *words, stdin="wrong\n").refusal()
    assert "refused" in refusal
    assert PASSWORD not in running.log


def test_publish_prints_the_cursor_after_its_event(running: Serving) -> None:
    running.get("/snapshot", "paula")
    cursor = running.run("publish", "--user", "paula", "thread.viewed", VIEWED).said().strip()
    assert cursor == running.get("/snapshot", "paula").json()["cursor"]
    assert cursor == running.epoch("paula") + "-1"


def test_tail_by_the_socket_begins_where_it_is_told_and_filters(running: Serving, demo_mail: Path) -> None:
    epoch = read_mailbox(running, "theo", demo_mail)
    publish_note(running, "theo", "done")
    types = "thread.viewed,sync.*"
    words = ["tail", "--user", "theo", "--json", "--from", f"{epoch}-0", "--types", types]
    with ending(running.begin(*words)) as tail:
        got = lines_up_to(tail, "done")
    kinds = [line["type"] for line in got if line["type"] not in ("stream.ping", "sync.progress")]
    assert kinds == ["stream.ready", "sync.started", "sync.completed", "thread.viewed"]
    assert got[-1]["id"].startswith(f"{epoch}-")


def test_tail_resumes_by_itself_over_a_restart_and_a_kill(server: Serving) -> None:
    server.get("/snapshot", "anna")
    begin = f"{server.epoch('anna')}-0"
    by_socket = ["tail", "--user", "anna", "--json", "--from", begin]
    by_http = ["tail", "--token", server.token("anna"), "--json", "--from", begin]
    with ending(server.begin(*by_socket)) as one, ending(server.begin(*by_http)) as other:
        publish_note(server, "anna", "first")
        got = [lines_up_to(one, "first"), lines_up_to(other, "first")]
        server.stop()
        server.start()
        publish_note(server, "anna", "second")
        got = [got[0] + lines_up_to(one, "second"), got[1] + lines_up_to(other, "second")]
        server.kill()
        server.start()
        publish_note(server, "anna", "third")
        got = [got[0] + lines_up_to(one, "third"), got[1] + lines_up_to(other, "third")]
    for printed in got:
        viewed = [line for line in printed if line["type"] == "thread.viewed"]
        assert [line["payload"]["threadId"] for line in viewed] == ["first", "second", "third"]
        assert [line["payload"]["mode"] for line in printed if line["type"] == "stream.ready"] == [
            "resumed"
        ] * 3


def test_tail_for_people_shows_one_line_an_event(running: Serving) -> None:
    running.get("/snapshot", "petra")
    publish_note(running, "petra", "shown")
    with ending(running.begin("tail", "--user", "petra", "--from", f"{running.epoch('petra')}-0")) as tail:
        assert tail.stdout is not None
        first, second = tail.stdout.readline().decode(), tail.stdout.readline().decode()
    assert "stream.ready" in first
    assert second.split()[:2] == [f"{running.epoch('petra')}-1", "thread.viewed"]


def test_tail_into_a_pipe_that_closes_ends_quietly(running: Serving, demo_mail: Path) -> None:
    epoch = read_mailbox(running, "piet", demo_mail)
    with ending(running.begin("tail", "--user", "piet", "--json", "--from", f"{epoch}-0")) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert json.loads(tail.stdout.readline())["type"] == "stream.ready"
        tail.stdout.close()
        tail.wait(10)
        assert tail.stderr.read() == b""
        assert tail.returncode in (0, 128 + signal.SIGPIPE)


def test_interrupted_tail_ends_without_a_traceback(running: Serving) -> None:
    with ending(running.begin("tail", "--user", "ines", "--json")) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        tail.wait(10)
        assert b"Traceback" not in tail.stderr.read()
        assert tail.returncode in (0, 1, 128 + signal.SIGINT)


def test_interrupted_server_ends_well_and_takes_the_operators_socket_with_it(server: Serving) -> None:
    process, server.process = server.process, None
    assert process is not None
    socket = server.database.with_name("zena.sock")
    assert socket.stat().st_mode & 0o777 == 0o600
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert "Traceback" not in server.log
    assert not socket.exists()


# --- without a server -----------------------------------------------------------------------------


def test_what_is_made_without_a_server_is_good_for_the_next_one_and_the_other_way_round(
    new_server: NewServer, demo_mail: Path
) -> None:
    server = new_server()
    words = ["--address", "mia@harbourrealty.example", "--address", "mia.tane@harbourrealty.example"]
    assert "folder" in server.run("account", "add", "--user", "anna", "folder", str(demo_mail), *words).said()
    token = server.run("token", "--user", "anna").said().strip()

    server.start()
    assert server.request_as(token, "/me")["userId"] == "anna"
    assert server.get("/accounts", "anna").json()["accounts"][0]["addresses"] == words[1::2]
    wait_until(lambda: len(thread_ids(server, "anna")) == 70, "all 70 threads")
    begin = f"{server.epoch('anna')}-0"
    with ending(server.begin("tail", "--user", "anna", "--json", "--from", begin)) as live:
        publish_note(server, "anna", "live")
        seen = [line for line in lines_up_to(live, "live") if not line["type"].startswith(EPHEMERAL)]
    server.stop()

    cursor = server.run("publish", "--user", "anna", "thread.viewed", VIEWED).said().strip()
    log = log_without_a_server(server)
    assert log[: len(seen)] == seen
    assert log[-1]["id"] == cursor
    assert log_without_a_server(server, "--from", log[-3]["id"]) == log[-2:]
    syncs = [line for line in log if line["type"].startswith("sync.")]
    assert log_without_a_server(server, "--types", "sync.*") == syncs


def log_without_a_server(server: Serving, *options: str) -> list[Line]:
    """What `tail` prints when nobody serves; it says so."""
    done = server.run("tail", "--user", "anna", "--json", *options)
    assert (done.code, done.err.count("\n")) == (0, 1), done
    assert "no server" in done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_migrate_says_whether_there_was_anything_to_do(new_server: NewServer) -> None:
    server = new_server(ZENA_JWT_SECRET="")
    assert server.run("migrate").said() == f"{server.database}: migrated\n"
    assert server.run("migrate").said() == f"{server.database}: up to date\n"


@pytest.mark.parametrize("document", ["openapi", "asyncapi", "typescript", "javascript"])
def test_contract_needs_no_settings_and_is_what_the_server_serves(
    running: Serving, new_server: NewServer, document: str
) -> None:
    printed = new_server(ZENA_JWT_SECRET="", ZENA_DATA_DIR="/proc/nowhere").run("contract", document).said()
    if document in ("typescript", "javascript"):
        assert "thread.new" in printed
    else:
        assert json.loads(printed) == running.get(f"/{document}.json", "anna").json()


def test_help_names_every_command(new_server: NewServer) -> None:
    said = new_server().run("--help").said()
    for command in (
        "account",
        "ask",
        "contract",
        "demo",
        "migrate",
        "publish",
        "serve",
        "tail",
        "token",
        "triage",
    ):
        assert f"\n  {command} " in said


def test_help_of_serve_lists_the_settings(new_server: NewServer) -> None:
    said = new_server().run("serve", "--help").said()
    assert "ZENA_DATA_DIR " in said
    assert "ZENA_JWT_SECRET " in said
