"""Streams and their log, sessions, idempotency, mailboxes and what was read from them.

Times are text, `2026-11-20T09:00:00.120Z`, so that they sort and read the same in every engine. A user is
known from the first row of `streams` on. There is one row of `messages` per message of a user, one of
`copies` per place in a mailbox where it was found, one of `links` per Message-ID seen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "streams",
        text("user_id"),
        text("epoch"),
        number("floor"),
        number("head"),
        sa.PrimaryKeyConstraint("user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        text("user_id"),
        number("offset"),
        text("type"),
        sa.Column("data", sa.LargeBinary, nullable=False),
        text("at"),
        sa.PrimaryKeyConstraint("user_id", "offset"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency",
        text("user_id"),
        text("command"),
        text("key"),
        text("digest"),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        text("at"),
        sa.PrimaryKeyConstraint("user_id", "command", "key"),
    )
    op.create_index("idempotency_at", "idempotency", ["at"])
    op.create_table(
        "sessions",
        text("digest"),
        text("user_id"),
        text("role"),
        text("expires_at"),
        text("created_at"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("sessions_user", "sessions", ["user_id"])
    make_mail()


def make_mail() -> None:
    """Mailboxes, their runs, messages and threads."""
    op.create_table(
        "accounts",
        text("account_id"),
        text("user_id"),
        text("provider"),
        text("name"),  # what a person calls it: user name and host, or a path
        text("addresses"),  # JSON list: the agent's own addresses
        sa.Column("sealed", sa.LargeBinary, nullable=False),  # how to open it, encrypted
        text("state"),  # active, failed, removed
        text("error", null=True),
        text("created_at"),
        text("synced_at", null=True),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("user_id", "provider", "name"),
    )
    op.create_table(
        "folders",
        text("account_id"),
        text("name"),
        text("validity"),
        text("marker"),
        sa.PrimaryKeyConstraint("account_id", "name"),
    )
    op.create_table(
        "sync_runs",
        text("sync_id"),
        text("account_id"),
        text("user_id"),
        text("provider"),
        text("state"),  # queued, running, completed
        text("command_id", null=True),  # of the command that asked for it
        text("requested_at"),
        text("completed_at", null=True),
        number("threads_processed"),
        sa.Column("success", sa.Boolean, nullable=True),
        text("error", null=True),
        sa.PrimaryKeyConstraint("sync_id"),
    )
    op.create_index("sync_runs_account", "sync_runs", ["account_id", "state"])
    op.create_index("sync_runs_user", "sync_runs", ["user_id"])
    unfinished = sa.text("state <> 'completed'")
    op.create_index(  # one run of an account at a time
        "sync_runs_open",
        "sync_runs",
        ["account_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_table(
        "threads",
        text("user_id"),
        text("thread_id"),
        text("account_id"),
        text("subject"),
        text("sender"),
        text("participants"),  # JSON list of addresses
        sa.Column("headless", sa.Boolean, nullable=False),  # the first message answers something unknown
        text("first_message_at"),
        text("last_message_at"),
        number("message_count"),
        number("version"),
        text("viewed_at", null=True),
        text("classification", null=True),
        text("category", null=True),
        text("next_action_owner", null=True),
        sa.PrimaryKeyConstraint("user_id", "thread_id"),
    )
    op.create_index("threads_newest", "threads", ["user_id", "last_message_at", "thread_id"])
    op.create_table(
        "messages",
        text("user_id"),
        text("key"),
        text("thread_id"),
        text("base_subject"),
        text("at"),
        sa.Column("data", sa.LargeBinary, nullable=False),  # the parsed message, JSON
        text("defect", null=True),
        sa.Column("raw", sa.LargeBinary, nullable=True),  # as it came, when it could not be read
        sa.PrimaryKeyConstraint("user_id", "key"),
    )
    op.create_index("messages_thread", "messages", ["user_id", "thread_id", "at", "key"])
    op.create_index("messages_subject", "messages", ["user_id", "base_subject", "at", "thread_id"])
    op.create_table(
        "copies",
        text("account_id"),
        text("folder"),
        text("validity"),
        text("uid"),
        text("user_id"),
        text("key"),
        sa.PrimaryKeyConstraint("account_id", "folder", "validity", "uid"),
    )
    op.create_index("copies_message", "copies", ["user_id", "key"])
    op.create_table(
        "links",
        text("user_id"),
        text("message_id"),
        text("thread_id"),
        sa.PrimaryKeyConstraint("user_id", "message_id"),
    )
    op.create_index("links_thread", "links", ["user_id", "thread_id"])
