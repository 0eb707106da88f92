"""Lays a written mailbox out as the folder of mail that the command line reads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from training.corpus import WRITTEN, raw_mails

PLACES = ("Sent", "INBOX")


class Laid(msgspec.Struct, frozen=True):
    """A mailbox on the disk: whose it is, its moment, and the thread that each file belongs to."""

    root: Path
    addresses: tuple[str, ...]
    as_of: datetime
    threads: dict[str, str]


def lay_out(name: str, root: Path) -> Laid:
    """Write the mails of a mailbox of `training/mail` into INBOX and Sent below `root`."""
    pages: list[dict[str, Any]] = [
        yaml.safe_load(path.read_text()) for path in sorted(WRITTEN.glob(f"{name}-*.yaml"))
    ]
    agent = pages[0]["agent"]
    addresses = tuple(address.lower() for address in agent["addresses"])
    for place in PLACES:
        (root / place).mkdir(parents=True, exist_ok=True)
    threads: dict[str, str] = {}
    for thread in (thread for page in pages for thread in page["threads"]):
        senders = [message["from"].lower() for message in thread["messages"]]
        for number, (raw, _) in enumerate(raw_mails(thread)):
            is_own = any(address in senders[number] for address in addresses)
            path = Path("Sent" if is_own else "INBOX") / f"{thread['id']}-{number}.eml"
            (root / path).write_bytes(_answering(thread["id"], number) + raw)
            threads[path.as_posix()] = thread["id"]
    return Laid(root, addresses, datetime.fromisoformat(str(pages[0]["as_of"])), threads)


def _answering(thread_id: str, number: int) -> bytes:
    """The header that says which mails one is an answer to: those before it in its thread."""
    earlier = " ".join(f"<{thread_id}.{one}@written.example>" for one in range(number))
    return f"References: {earlier}\n".encode() if earlier else b""
