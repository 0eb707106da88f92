"""A mailbox that is a folder: `INBOX/` and `Sent/` with one .eml file for each message.

A message that appears while we look should be written under another name first and then renamed; names that
begin with a dot or do not end in `.eml` are left alone.
"""

from __future__ import annotations

from pathlib import Path

from zena_sse.mail.connector import INBOX
from zena_sse.mail.connectors.directory import DirectoryConnector


class FolderConnector(DirectoryConnector):
    """Reads `INBOX/*.eml` and `Sent/*.eml`; the file's name is the uid."""

    layout = "it needs a directory INBOX with .eml files"

    def _folders(self) -> list[str]:
        """Those of the two that are there."""
        return [name for name in (INBOX, "Sent") if (self.root / name).is_dir()]

    def _directories(self, folder: str) -> list[Path]:
        return [self.root / folder]

    def _uid(self, name: str) -> str | None:
        is_message = name.lower().endswith(".eml") and not name.startswith(".")
        return name if is_message else None
