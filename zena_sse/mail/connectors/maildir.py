"""A mailbox that is a Maildir (cr.yp.to/proto/maildir.html), its subfolders the way of Maildir++."""

from __future__ import annotations

from pathlib import Path

from zena_sse.errors import MailboxMissing
from zena_sse.mail.connector import INBOX
from zena_sse.mail.connectors.directory import DirectoryConnector

# What mail programs call the folder of sent mail, in Maildir++ spelling.
SENT_FOLDERS = (".Sent", ".Sent Items", ".Sent Messages", ".Sent Mail", ".INBOX.Sent")


class MaildirConnector(DirectoryConnector):
    """Reads `new/` and `cur/`; the uid is the part of the name that never changes, before `:2,` and flags."""

    layout = "it needs a directory cur"

    def _folders(self) -> list[str]:
        """The Maildir itself and, if there is one, its folder of sent mail."""
        if not (self.root / "cur").is_dir():
            return []
        sent = [name for name in SENT_FOLDERS if (self.root / name / "cur").is_dir()]
        return [INBOX, *sent[:1]]

    def _directories(self, folder: str) -> list[Path]:
        home = self.root if folder == INBOX else self.root / folder
        # New first: mail moves from there to cur, and one that moves meanwhile is seen twice, not never.
        found = [home / name for name in ("new", "cur") if (home / name).is_dir()]
        if not found:
            raise MailboxMissing(f"There is no mailbox at {home}")
        return found

    def _uid(self, name: str) -> str | None:
        return None if name.startswith(".") else name.partition(":")[0]
