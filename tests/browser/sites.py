"""A Zena for a browser: the demo's, whose mailbox was read, with a user that can be signed in."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import msgspec
from playwright.sync_api import BrowserContext, Page

from tests.e2e.programs import Serving, environment, request, run
from zena_sse.contract.events import Event
from zena_sse.demo.run import USER
from zena_sse.security.principal import Role

MIA = USER.user_id
PROGRAM = (sys.executable, str(Path(__file__).parent / "demoserver.py"))


class Site(Serving):
    """The demo on a data directory of its own, where its mailbox was read; nothing arrives by itself.

    Its clock begins anew, at the demo's moment, with each start.
    """

    def __init__(self, directory: Path, **settings: str) -> None:
        super().__init__(directory, **settings)
        self.program = PROGRAM

    @property
    def mailbox(self) -> Path:
        """What is put here as .eml file, in `INBOX/` or `Sent/`, is read with the next sync."""
        return self.directory / "mailbox"

    def read_mailbox(self, mail: Path) -> None:
        """Have this mail, and have read it."""
        shutil.copytree(mail, self.mailbox)
        self.database.parent.mkdir()
        env = environment(**self.settings)
        done = run("read", program=PROGRAM, env=env, cwd=self.directory)
        assert done.code == 0, done

    def copy(self, other: Site) -> None:
        """Be what another one is that does not run."""
        for name in ("data", "mailbox"):
            shutil.copytree(other.directory / name, self.directory / name)

    def open(self, context: BrowserContext, path: str = "/") -> Page:
        """A new tab at a page of ours, in a browser that is signed in."""
        sign_in(context, self)
        page = context.new_page()
        page.goto(self.url + path)
        return page

    def publish(self, *events: Event, user: str = MIA) -> str:
        """Another service publishes these, at most 100, in one go; the cursor they end at."""
        body: Sequence[object] = [
            {"type": event.type, "payload": msgspec.to_builtins(event)} for event in events
        ]
        cursor: str = self.post(f"/users/{user}/events", "crm", body, role="publisher").json()["cursor"]
        return cursor


def sign_in(context: BrowserContext, server: Serving, user: str = MIA, role: Role = "agent") -> None:
    """Give a browser the cookie of a session."""
    answer = request("POST", f"{server.url}/session", server.headers(user, role)).raise_for_status()
    [(name, morsel)] = SimpleCookie(answer.headers["Set-Cookie"]).items()
    context.add_cookies(
        [{"name": name, "value": morsel.value, "url": server.url, "httpOnly": True, "sameSite": "Strict"}]
    )


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory for a while: the path of a Unix socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="zena-browser-", dir="/tmp") as directory:
        yield Path(directory)
