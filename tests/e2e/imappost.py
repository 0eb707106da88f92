"""Mail on an IMAP server, in conversations that are known, and what another mail program does to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from imapclient import IMAPClient

AGENT = "anna@agent.example"

FIRST = datetime(2026, 6, 1, 8, tzinfo=UTC)
LONGEST = 7  # messages of a conversation, of those that are there from the beginning
ANSWER = 1  # this message of such a conversation is the agent's own, and in Sent
APPENDED_AT_ONCE = 500

Letter = dict[str, object]


class Post:
    """A mailbox: conversation `c` is made of `c.0@test`, `c.1@test`, ..., each answering the one before."""

    def __init__(self, client: IMAPClient) -> None:
        self._client = client
        self.ever: list[str] = []  # every message that came
        self.folders: dict[str, str] = {}  # where each message is now
        self._lengths: list[int] = []  # how many came, of each conversation

    @property
    def begun(self) -> int:
        """How many conversations there have been."""
        return len(self._lengths)

    def fill(self, size: int) -> None:
        """So much mail, in conversations of every length that went on side by side."""
        wanted: list[tuple[int, int]] = []
        while (left := size - len(wanted)) > 0:
            conversation = self.begin()
            wanted += [(number, conversation) for number in range(min(1 + conversation % LONGEST, left))]
        letters: dict[str, list[Letter]] = {"INBOX": [], "Sent": []}
        for number, conversation in sorted(wanted):
            folder = "Sent" if number == ANSWER else "INBOX"
            letters[folder].append(self._write(conversation, folder))
        for folder, these in letters.items():
            for start in range(0, len(these), APPENDED_AT_ONCE):
                self._client.multiappend(folder, these[start : start + APPENDED_AT_ONCE])

    def begin(self) -> int:
        """A conversation, without messages so far."""
        self._lengths.append(0)
        return self.begun - 1

    def deliver(self, conversations: Sequence[int]) -> str:
        """The next message of each arrives, all in one moment; the subject of the last."""
        self._client.multiappend("INBOX", [self._write(c, "INBOX") for c in conversations])
        return f"Matter {conversations[-1]}"

    def remove(self, *names: str) -> None:
        """Messages of the inbox go."""
        self._client.select_folder("INBOX")
        uids = [uid for name in names for uid in self._client.search(["HEADER", "Message-ID", f"<{name}>"])]
        self._client.delete_messages(uids)
        self._client.expunge()
        self._client.close_folder()
        for name in names:
            del self.folders[name]

    def renumber(self, folder: str) -> int:
        """Make a folder anew with the same messages: another UIDVALIDITY; how many it has."""
        client = self._client
        before = client.folder_status(folder, ["UIDVALIDITY"])
        client.rename_folder(folder, "Moving")
        client.create_folder(folder)
        client.select_folder("Moving", readonly=True)
        client.copy(client.search(), folder)
        client.unselect_folder()
        client.delete_folder("Moving")
        assert client.folder_status(folder, ["UIDVALIDITY"]) != before
        return sum(where == folder for where in self.folders.values())

    def conversations(self) -> list[set[str]]:
        """The messages that are there, by conversation."""
        found: dict[str, set[str]] = {}
        for name in self.folders:
            found.setdefault(name.partition(".")[0], set()).add(name)
        return list(found.values())

    def whole(self, length: int) -> list[int]:
        """The conversations of which so many messages came, and of which all are there."""
        return [
            conversation
            for conversation, came in enumerate(self._lengths)
            if came == length and all(name in self.folders for name in names(conversation, length))
        ]

    def _write(self, conversation: int, folder: str) -> Letter:
        number = self._lengths[conversation]
        chain = [f"<{name}>" for name in names(conversation, number)]
        client = f"Client {conversation} <client{conversation}@client.example>"
        sender, receiver = (AGENT, client) if folder == "Sent" else (client, AGENT)
        date = FIRST + timedelta(seconds=len(self.ever))
        name = f"{conversation}.{number}@test"
        head = {
            "Message-ID": f"<{name}>",
            "Date": format_datetime(date),
            "From": sender,
            "To": receiver,
            "Subject": f"{'Re: ' if number else ''}Matter {conversation}",
            **({"References": " ".join(chain), "In-Reply-To": chain[-1]} if chain else {}),
        }
        text = "".join(f"{key}: {value}\r\n" for key, value in head.items())
        self._lengths[conversation] += 1
        self.ever.append(name)
        self.folders[name] = folder
        return {
            "msg": f"{text}\r\nKia ora, this is number {number} of matter {conversation}.\r\n",
            "date": date,
        }


def names(conversation: int, length: int) -> list[str]:
    """The Message-IDs of the first messages of a conversation."""
    return [f"{conversation}.{number}@test" for number in range(length)]
