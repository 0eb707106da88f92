"""The verified caller, whichever credential they came with."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["agent", "publisher", "operator"]
How = Literal["bearer", "cookie", "ticket", "socket"]

# Uuids, e-mail addresses and the ids of identity providers (`auth0|5f2c`) pass. Nothing that could end a
# line of a log, a header or an SSE field does, nor `.` and `..`, which are steps in a path and not ids.
USER_ID = r"^[A-Za-z0-9_@:+|-][A-Za-z0-9._@:+|-]{0,63}\Z"


class Principal(msgspec.Struct, frozen=True):
    """Who is calling, as what, and until when; `expires_at` is an aware datetime.

    `session` identifies the cookie session that the caller came by, so that signing out can close its
    streams. It is a digest: whoever reads it cannot sign in with it.
    """

    user_id: str
    expires_at: datetime
    role: Role = "agent"
    session: str | None = None
    how: How = "bearer"


def is_user_id(text: str) -> bool:
    """Whether this can name a user: 1-64 of `A-Z a-z 0-9 . _ @ : + | -`, the first one not a dot."""
    return re.match(USER_ID, text) is not None
