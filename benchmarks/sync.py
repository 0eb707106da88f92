"""Reads a folder of messages through the whole sync: messages a second, peak memory, what became of them.

usage: python benchmarks/sync.py MESSAGES [--glob '**/*.eml']

Every message is copied into the INBOX of a fresh mailbox; the app runs in this process, its parser beside it,
so that what is measured is what a user's first sync costs.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import secrets
import shutil
import tempfile
import time
from pathlib import Path

import msgspec

from zena_sse.app import create_app
from zena_sse.mail.accounts import FolderMailbox, add_account, seal_mailbox
from zena_sse.mail.content.message import Message
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader
from zena_sse.wiring import Zena, new_id

USER = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=Path)
    parser.add_argument("--glob", default="**/*.eml")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zena-bench-") as directory:
        root = Path(directory)
        inbox = root / "mailbox" / "INBOX"
        inbox.mkdir(parents=True)
        (root / "mailbox" / "Sent").mkdir()
        files = sorted(path for path in options.messages.glob(options.glob) if path.is_file())
        for number, path in enumerate(files):
            shutil.copyfile(path, inbox / f"{number:06}.eml")
        asyncio.run(measure(root, len(files)))


async def measure(root: Path, expected: int) -> None:
    """Run one sync and print what it took."""
    settings = Settings(data_dir=root / "data", jwt_secret=secrets.token_hex(32), mail_days=0)
    app = create_app(settings)
    zena: Zena = app.extensions["zena"]
    await app.startup()
    sealed = seal_mailbox(zena.vault, FolderMailbox(str(root / "mailbox")))
    account = await zena.storage.write(
        add_account, new_id(), USER, "folder", "bench", ["me@zena.example"], sealed
    )
    began = time.perf_counter()
    zena.engine.adopt(account.account_id)
    while (await zena.storage.read(completed)) == 0:
        await asyncio.sleep(0.1)
    took = time.perf_counter() - began
    counts = await zena.storage.read(count)
    together, answers = await zena.storage.read(threaded)
    await app.shutdown()
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{expected} files: {counts}")
    print(f"{together} of {answers} messages whose parent is there are in its thread")
    print(f"{took:.1f} s, {expected / took:.0f} messages/s")
    print(f"peak memory: {ours:.0f} MB, and {worker:.0f} MB of the parser")


def completed(reader: Reader) -> int:
    """How many syncs have ended."""
    return reader.one(int, "SELECT COUNT(*) FROM events WHERE type = 'sync.completed'") or 0


def count(reader: Reader) -> dict[str, int]:
    """What is in the database."""
    return {
        "messages": reader.one(int, "SELECT COUNT(*) FROM messages") or 0,
        "copies": reader.one(int, "SELECT COUNT(*) FROM copies") or 0,
        "threads": reader.one(int, "SELECT COUNT(*) FROM threads") or 0,
        "kept raw": reader.one(int, "SELECT COUNT(*) FROM messages WHERE raw IS NOT NULL") or 0,
        "events": reader.one(int, "SELECT COUNT(*) FROM events") or 0,
    }


class Row(msgspec.Struct):
    """A message and its thread."""

    thread_id: str
    data: bytes


def threaded(reader: Reader) -> tuple[int, int]:
    """How many are in the thread of a message they refer to, of those that refer to one."""
    rows = reader.all(Row, "SELECT thread_id, data FROM messages")
    messages = [(row.thread_id, msgspec.json.decode(row.data, type=Message)) for row in rows]
    threads: dict[str, set[str]] = {}
    for thread_id, message in messages:
        threads.setdefault(message.message_id or "", set()).add(thread_id)
    parents = [
        (thread_id, [threads[reference] for reference in message.references if reference in threads])
        for thread_id, message in messages
    ]
    answers = [(thread_id, found) for thread_id, found in parents if found]
    return sum(any(thread_id in ids for ids in found) for thread_id, found in answers), len(answers)


if __name__ == "__main__":
    main()
