"""What is made of threads: findings, properties, contacts, deals, tasks, and what the agent corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def upgrade() -> None:
    """Add to threads what is found in them; make the tables that come of it."""
    widen_threads()
    op.create_table(
        "corrections",  # what the agent said of a thread; null: nothing
        text("user_id"),
        text("thread_id"),
        text("classification", null=True),
        text("category", null=True),
        text("features"),  # JSON: what the thread was judged by, for learning
        text("at"),
        sa.PrimaryKeyConstraint("user_id", "thread_id"),
    )
    op.create_table(
        "properties",
        text("property_id"),
        text("user_id"),
        text("key"),  # number and street, folded: what makes two spellings one
        text("street_key"),
        text("number"),
        text("street"),
        text("suburb", null=True),
        sa.PrimaryKeyConstraint("property_id"),
        sa.UniqueConstraint("user_id", "key"),
    )
    op.create_index("properties_street", "properties", ["user_id", "street_key"])
    op.create_table(
        "mentions",  # addresses in a thread, the telling ones first; number null: only the street
        text("user_id"),
        text("thread_id"),
        number("rank"),
        text("street_key"),
        text("number", null=True),
        text("suburb", null=True),
        sa.PrimaryKeyConstraint("user_id", "thread_id", "rank"),
    )
    op.create_index("mentions_street", "mentions", ["user_id", "street_key", "thread_id", "rank"])
    op.create_table(
        "contacts",
        text("contact_id"),
        text("user_id"),
        text("email"),
        text("name"),
        text("phone", null=True),
        text("role", null=True),
        sa.Column("written", sa.Boolean, nullable=False),  # the agent has written to them
        sa.PrimaryKeyConstraint("contact_id"),
        sa.UniqueConstraint("user_id", "email"),
    )
    op.create_table(
        "thread_contacts",  # who is in which thread: a contact goes with the last of them
        text("user_id"),
        text("thread_id"),
        text("contact_id"),
        number("rank", null=True),  # their place among those found in it; null: the agent wrote to them
        sa.PrimaryKeyConstraint("user_id", "thread_id", "contact_id"),
    )
    op.create_index("thread_contacts_contact", "thread_contacts", ["user_id", "contact_id", "thread_id"])
    make_deals()
    make_tasks()


def widen_threads() -> None:
    """What triage finds. `settled`: nobody owes anything; `certain`: headers say what it is."""
    for column in (
        sa.Column("triaged_version", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("opinion_version", sa.BigInteger, nullable=False, server_default="0"),
        text("opinion", null=True),  # JSON: what a model said at that version
        sa.Column("confidence", sa.Float, nullable=True),
        text("evidence", null=True),  # JSON list of what told
        text("features", null=True),  # JSON: what a correction teaches
        sa.Column("corrected", sa.Boolean, nullable=True),  # the agent has said some of it
        sa.Column("settled", sa.Boolean, nullable=True),
        sa.Column("certain", sa.Boolean, nullable=True),
        text("stage", null=True),
        text("summary", null=True),  # what a deal shows of it
        text("concern", null=True),  # verbatim
        text("risk_level", null=True),
        text("risk_flags", null=True),  # JSON list
        text("risk_reason", null=True),
        text("property_id", null=True),
        text("deal_id", null=True),
    ):
        op.add_column("threads", column)
    # With the moment: SQLite would rather walk all threads of the user by theirs than sort a few.
    op.create_index("threads_deal", "threads", ["user_id", "deal_id", "last_message_at"])
    op.create_index("threads_property", "threads", ["user_id", "property_id", "last_message_at"])
    op.create_index("threads_focus", "threads", ["user_id", "category", "last_message_at"])
    op.create_index(
        "threads_pending",
        "threads",
        ["user_id", "first_message_at"],
        sqlite_where=sa.text("triaged_version < version"),
        postgresql_where=sa.text("triaged_version < version"),
    )
    op.create_index(
        "threads_due_opinion",
        "threads",
        ["last_message_at"],
        sqlite_where=sa.text("opinion_version < triaged_version AND certain = FALSE"),
        postgresql_where=sa.text("opinion_version < triaged_version AND certain = FALSE"),
    )


def make_deals() -> None:
    """Deals: one per property and party; their timelines."""
    op.create_table(
        "deals",
        text("deal_id"),
        text("user_id"),
        text("property_id", null=True),
        text("party"),  # the address of whom it is with
        text("side"),  # buyer, vendor
        text("stage"),
        text("stage_at"),  # since when
        text("next_action_owner"),
        sa.Column("settled", sa.Boolean, nullable=False),  # nobody owes anything
        text("summary"),
        text("concern", null=True),
        text("last_message_at"),
        text("opened_at"),
        text("closed_at", null=True),
        text("risk_level"),
        text("risk_flags"),  # JSON list
        text("risk_reason"),
        text("announced_level"),  # the last that `deal.risk` told; a restart announces nothing again
        text("assessed_at", null=True),  # null: look again, something has changed
        sa.PrimaryKeyConstraint("deal_id"),
    )
    op.create_index("deals_user", "deals", ["user_id", "closed_at"])
    op.create_index("deals_party", "deals", ["user_id", "party"])
    op.create_index("deals_property", "deals", ["user_id", "property_id"])
    op.create_table(
        "deal_entries",
        text("deal_id"),
        number("number"),
        text("user_id"),
        text("at"),
        text("kind"),  # opened, property, stage, concern, risk
        text("stage", null=True),
        text("level", null=True),
        text("reason"),
        text("thread_id", null=True),
        sa.PrimaryKeyConstraint("deal_id", "number"),
    )
    op.create_index("deal_entries_user", "deal_entries", ["user_id"])
    op.create_index("deal_entries_thread", "deal_entries", ["user_id", "thread_id"])
    op.create_table(
        "deals_aside",  # which their last thread has left; it may come back. Their timelines stay
        text("deal_id"),
        text("user_id"),
        text("thread_id"),
        text("at"),
        text("kept"),  # JSON: the deal as it was, and who helped with it
        sa.PrimaryKeyConstraint("deal_id"),
    )
    op.create_index("deals_aside_thread", "deals_aside", ["user_id", "thread_id"])


def make_tasks() -> None:
    """Tasks: from mail, by command, suggested."""
    op.create_table(
        "tasks",
        text("task_id"),
        text("user_id"),
        text("label"),
        text("due_date", null=True),  # a day, or a moment
        text("source"),  # email, command, suggested
        text("evidence", null=True),  # verbatim
        text("message_key", null=True),  # of the message that says so
        text("thread_id", null=True),
        text("deal_id", null=True),
        text("property_id", null=True),
        text("contact_id", null=True),
        text("created_at"),
        text("completed_at", null=True),
        text("ended_by", null=True),  # command, answered, removed; null: it is open
        text("former_deal_id", null=True),  # the deal is gone, but may come back
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("tasks_user", "tasks", ["user_id", "completed_at"])
    op.create_index("tasks_thread", "tasks", ["user_id", "thread_id"])
    op.create_index("tasks_deal", "tasks", ["user_id", "deal_id"])
    op.create_index("tasks_former_deal", "tasks", ["user_id", "former_deal_id"])
