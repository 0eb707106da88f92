"""Questions that were asked, and what was said so far of the answers that are being made."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Make the tables of asks."""
    op.create_table(
        "asks",
        text("ask_id"),
        text("user_id"),
        text("conversation_id"),
        text("question"),
        text("state"),  # queued, running, completed
        text("command_id", null=True),  # of the request; all that comes of it bears it
        text("asked_at"),
        text("started_at", null=True),
        text("completed_at", null=True),
        text("owner", null=True),  # the server that makes the answer
        text("lease_until", null=True),  # if it has not said by then that it lives, it does not
        text("answer"),  # whole, once completed; '' before
        sa.Column("found", sa.Boolean, nullable=True),
        text("sources", null=True),  # JSON list
        text("suggested_actions", null=True),  # JSON list
        text("error_code", null=True),
        text("error_message", null=True),
        sa.PrimaryKeyConstraint("ask_id"),
    )
    op.create_index("asks_user", "asks", ["user_id", "asked_at", "ask_id"])
    op.create_index("asks_conversation", "asks", ["user_id", "conversation_id", "asked_at", "ask_id"])
    op.create_index(
        "asks_open",
        "asks",
        ["state", "asked_at", "ask_id"],
        sqlite_where=sa.text("state <> 'completed'"),
        postgresql_where=sa.text("state <> 'completed'"),
    )
    op.create_table(
        "ask_chunks",  # what was said so far of an answer that is not whole; goes with its end
        text("ask_id"),
        number("position"),  # where it begins in the answer, in UTF-16 code units
        text("user_id"),
        text("epoch"),  # of the user's log, so that another log's events are never taken for these
        number("offset"),  # of its event in that log
        text("chunk"),
        sa.PrimaryKeyConstraint("ask_id", "position"),
    )
    op.create_index("ask_chunks_user", "ask_chunks", ["user_id", "ask_id", "position"])
