"""The command line: `zena-sse`."""

# What a command needs is imported in it: the worker process that parses mail imports this module too, and
# `zena-sse --help` should not wait for a web framework.
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from zena_sse import __version__
from zena_sse.errors import ConfigurationError, ZenaError
from zena_sse.settings import Settings, describe_settings, read_settings

# Between these mail is judged: days before and after the moment must have dates, too.
FIRST_MOMENT, LAST_MOMENT = datetime(1970, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class Failure(click.ClickException):
    """One clear line on stderr, exit code 1."""

    def show(self, _file: Any = None) -> None:
        """Print it."""
        click.echo(f"zena-sse: {self.format_message()}", err=True)


class Commands(click.Group):
    """A group whose commands fail with one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ZenaError as error:
            raise Failure(" ".join(str(error).split())) from None
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None


def settings() -> Settings:
    """The settings of this environment."""
    return read_settings(os.environ)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run until it is done or interrupted."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def _settings_help() -> str:
    rows = [f"{name:<30} {meaning} [{default or 'none'}]" for name, default, meaning in describe_settings()]
    return "\b\nSettings, from the environment:\n" + "\n".join(rows)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zena-sse")
def main() -> None:
    """Zena's real-time back end: one durable event stream for each browser tab."""
    from zena_sse.logs import configure_logs

    configure_logs("error")  # a command answers with its output and one line; serve and demo say more


@main.command(epilog=_settings_help())
def serve() -> None:
    """Run the server."""
    from zena_sse.logs import configure_logs

    chosen = settings()
    configure_logs(chosen.log_level, final=True)
    from zena_sse.serve import serve as run_server

    run(run_server(chosen))


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def demo(port: int, no_browser: bool) -> None:
    """Serve a demo mailbox: most of its mail is there, the last ten messages arrive over two minutes."""
    from zena_sse.demo.run import run_demo
    from zena_sse.logs import configure_logs

    chosen = settings()
    configure_logs(chosen.log_level if "ZENA_LOG_LEVEL" in os.environ else "warning", final=True)
    run(run_demo(chosen, port, browser=sys.stdout.isatty() and not no_browser))


@main.command()
def migrate() -> None:
    """Bring the database up to date."""
    from zena_sse.storage.migrate import migrate as upgrade
    from zena_sse.storage.sqlite import Ownership

    chosen = settings()
    ownership = Ownership(chosen.database_path)
    changed = upgrade(chosen.database_path)
    ownership.release()
    click.echo(f"{chosen.database_path}: {'migrated' if changed else 'up to date'}")


@main.command()
@click.option("--user", required=True, help="The user's id.")
@click.option(
    "--role", type=click.Choice(["agent", "publisher", "operator"]), default="agent", show_default=True
)
@click.option("--ttl", type=click.IntRange(min=1), default=3600, show_default=True, help="Seconds.")
def token(user: str, role: str, ttl: int) -> None:
    """Print a signed JWT."""
    run(_token(user, role, ttl))


async def _token(user: str, role: str, ttl: int) -> None:
    from zena_sse.operator import alone, call, is_served

    chosen = settings()
    if await is_served(chosen):
        import msgspec

        body = {"userId": user, "role": role, "ttl": ttl}
        answer = await call(chosen, "POST", "/operator/tokens", user=user, body=body)
        click.echo(msgspec.json.decode(answer)["token"])
    else:
        from zena_sse.security.tokens import Tokens

        with alone(chosen):
            tokens = Tokens.of(chosen, lambda: datetime.now(UTC))
        click.echo(tokens.sign(user, role, timedelta(seconds=ttl)))  # type: ignore[arg-type]  # click checked it


@main.group()
def account() -> None:
    """Connect mailboxes."""


@account.group("add")
@click.option("--user", required=True, help="The user's id.")
@click.pass_context
def account_add(ctx: click.Context, user: str) -> None:
    """Connect a mailbox."""
    ctx.obj = user


_address = click.option("--address", multiple=True, help="One of the agent's own addresses; repeatable.")


@account_add.command("folder")
@click.argument("path", type=click.Path(path_type=Path))
@_address
@click.pass_obj
def add_folder(user: str, path: Path, address: tuple[str, ...]) -> None:
    """A folder with INBOX/ and Sent/, one .eml file for each message."""
    _add_account(user, {"provider": "folder", "path": str(path.absolute()), "addresses": address})


@account_add.command("maildir")
@click.argument("path", type=click.Path(path_type=Path))
@_address
@click.pass_obj
def add_maildir(user: str, path: Path, address: tuple[str, ...]) -> None:
    """A Maildir."""
    _add_account(user, {"provider": "maildir", "path": str(path.absolute()), "addresses": address})


@account_add.command("imap")
@click.option("--host", required=True)
@click.option("--port", type=click.IntRange(1, 65535), default=993, show_default=True)
@click.option("--security", type=click.Choice(["tls", "starttls", "plain"]), default="tls", show_default=True)
@click.option("--username", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_address
@click.pass_obj
def add_imap(
    user: str,
    host: str,
    port: int,
    security: str,
    username: str,
    password_stdin: bool,  # click passes flags by name
    address: tuple[str, ...],
) -> None:
    """A mailbox on an IMAP server."""
    if not password_stdin and not sys.stdin.isatty():
        raise click.UsageError("Without a terminal the password comes by --password-stdin.")
    password = (
        sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt("Password", hide_input=True)
    )
    asked = {"provider": "imap", "host": host, "port": port, "security": security, "username": username}
    _add_account(user, asked | {"password": password, "addresses": address})


def _add_account(user: str, asked: dict[str, object]) -> None:
    run(_post_account(user, asked))


async def _post_account(user: str, asked: dict[str, object]) -> None:
    import msgspec

    from zena_sse.operator import call

    answer = msgspec.json.decode(await call(settings(), "POST", "/accounts", user=user, body=asked))
    click.echo(f"{answer['accountId']}  {answer['provider']}  {answer['name']}")


@main.command()
@click.option("--user", required=True, help="The user's id.")
@click.argument("event_type", metavar="TYPE")
@click.argument("payload", metavar="JSON")
def publish(user: str, event_type: str, payload: str) -> None:
    """Publish an event."""
    run(_publish(user, event_type, payload))


async def _publish(user: str, event_type: str, payload: str) -> None:
    import msgspec

    from zena_sse.operator import call

    try:
        body = {"type": event_type, "payload": msgspec.json.decode(payload)}
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"the payload is not valid JSON: {error}") from None
    answer = await call(settings(), "POST", f"/users/{user}/events", user=user, body=body)
    click.echo(msgspec.json.decode(answer)["cursor"])


@main.command()
@click.option("--user", help="The user whose stream to follow; by the operator's socket.")
@click.option("--token", "bearer", help="A token of the user whose stream to follow; over HTTP.")
@click.option("--url", help="Where the server is; default: ZENA_HOST and ZENA_PORT.")
@click.option("--types", help="What to receive, by comma: thread.*,sync.completed")
@click.option("--from", "cursor", help="The cursor to resume after; <epoch>-0 is the beginning.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def tail(
    user: str | None,
    bearer: str | None,
    url: str | None,
    types: str | None,
    cursor: str | None,
    as_json: bool,
) -> None:
    """Follow a stream; resumes by itself, until Ctrl+C."""
    from zena_sse.tail import tail_stream

    if (user is None) == (bearer is None):
        raise click.UsageError("Exactly one of --user and --token is needed.")
    with contextlib.suppress(KeyboardInterrupt):
        run(tail_stream(settings(), user, bearer, url, types, cursor, as_json=as_json))


def _of_a_folder(command: Callable[..., None]) -> Callable[..., None]:
    """The options of what is read from a mail folder, without a server."""
    options = (
        click.option(
            "--mail",
            "root",
            required=True,
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="A folder with INBOX/ and Sent/, or a Maildir.",
        ),
        click.option(
            "--agent", required=True, multiple=True, metavar="ADDR", help="One of the agent's addresses."
        ),
        click.option("--as-of", metavar="ISO", help="The moment by which mail is judged; default: now."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@_of_a_folder
@click.argument("more", nargs=-1, metavar="[ADDR]...")
def triage(
    root: Path, agent: tuple[str, ...], more: tuple[str, ...], as_of: str | None, as_json: bool
) -> None:
    """Print what is made of each thread of a mail folder."""
    from zena_sse.triage_report import report_triage

    run(report_triage(root, _read_addresses(*agent, *more), _read_moment(as_of), settings(), as_json=as_json))


@main.command()
@_of_a_folder
@click.option(
    "--questions",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help='Many questions: a JSON list of {"id", "question"}.',
)
@click.argument("more", nargs=-1, metavar="[ADDR]... [QUESTION]")
def ask(
    root: Path,
    agent: tuple[str, ...],
    more: tuple[str, ...],
    as_of: str | None,
    as_json: bool,
    questions: Path | None,
) -> None:
    """Answer questions from a mail folder."""
    from zena_sse.ask_report import read_question, read_questions, report_answers

    # An address where the question should be is one more of the agent's.
    if questions is None and (not more or ADDRESS.fullmatch(more[-1].strip())):
        raise click.UsageError("A question is needed, or --questions FILE.")
    addresses = more if questions is not None else more[:-1]
    found, moment = _read_addresses(*agent, *addresses), _read_moment(as_of)
    asked = read_questions(questions) if questions is not None else [read_question(more[-1])]
    run(report_answers(root, found, moment, settings(), asked, as_json=as_json))


def _read_addresses(*given: str) -> tuple[str, ...]:
    addresses = tuple(address.strip().lower() for address in given)
    for address in addresses:
        if not ADDRESS.fullmatch(address):
            raise click.BadParameter(f"{address!r} is not an address", param_hint="--agent")
    return addresses


def _read_moment(text: str | None) -> datetime:
    """What `--as-of` says, in this machine's time zone unless it names another; now, if it says nothing."""
    try:
        moment = datetime.now(UTC) if text is None else datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise click.BadParameter(
            f"{text!r} is not a moment like 2026-11-20T09:00:00+13:00", param_hint="--as-of"
        )
    return moment


@main.command()
@click.argument("document", type=click.Choice(["openapi", "asyncapi", "typescript", "javascript"]))
def contract(document: str) -> None:
    """Print the generated contract."""
    click.echo(_contract(document), nl=False)


def _contract(document: str) -> str:
    import msgspec

    from zena_sse.contract.asyncapi import asyncapi_document
    from zena_sse.contract.javascript import javascript
    from zena_sse.contract.typescript import typescript

    if document == "javascript":
        return javascript()
    if document == "asyncapi":
        written = asyncapi_document(__version__)
    else:
        from zena_sse.app import openapi_document

        written = openapi_document()
    if document == "typescript":
        return typescript(written["components"]["schemas"])
    return msgspec.json.format(msgspec.json.encode(written), indent=2).decode() + "\n"
