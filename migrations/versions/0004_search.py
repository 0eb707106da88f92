"""The search index: one document for each message, thread, deal, task and contact, kept in step by triggers.

A trigger runs in the transaction of the row it follows, so the index cannot say what the tables do not, and
no room has to remember to tell it. Every document begins with words that name its user and kind, by which a
query is narrowed before anything else is looked at. Only SQLite has this index; PostgreSQL is to have its
own.
"""

# All that goes into a statement here stands in this file.
# ruff: noqa: S608

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Indexed of one text: what somebody wants to find again stands before that, and a unit of work is short.
CHARACTERS = 20_000

# Case, accents and macrons folded; the stems of English words.
TOKENIZER = "porter unicode61 remove_diacritics 2"

# Of one message: whom a newsletter goes to, beside its reader, nobody looks for.
PARTS = 20


def member(path: str) -> str:
    """What the stored message says there; nothing, if it says nothing."""
    return f"COALESCE(json_extract(CAST({{row}}.data AS TEXT), '{path}'), '')"


def members(path: str, *names: str) -> str:
    """What the objects of a list say under these names, one after the other."""
    said = " || ' ' || ".join(f"COALESCE(json_extract(value, '$.{name}'), '')" for name in names)
    listed = f"SELECT value FROM json_each(CAST({{row}}.data AS TEXT), '{path}') LIMIT {PARTS}"
    return f"(SELECT COALESCE(group_concat({said}, ' '), '') FROM ({listed}))"


def message_document() -> tuple[str, str, str]:
    """Subject; who wrote to whom; what it says, what it forwards, how it is signed, what came with it."""
    subject, said = member("$.subject"), member("$.text")
    people = (
        member("$.sender.name"),
        member("$.sender.email"),
        members("$.to", "name", "email"),
        members("$.cc", "name", "email"),
    )
    forwarded = f"CASE WHEN TRIM({said}) = '' OR {subject} LIKE 'fw%' THEN {member('$.quoted')} ELSE '' END"
    body = (said, forwarded, member("$.signature"), members("$.attachments", "name"))
    return (
        subject,
        " || ' ' || ".join(people),
        " || ' ' || ".join(f"substr({part}, 1, {CHARACTERS})" for part in body),
    )


# Of each table: the kind of its documents, the column that names a row, title, people and body, and the
# columns whose change makes another document. Nothing of another table: that would have to be followed, too.
DOCUMENTS = {
    "messages": ("message", "key", message_document(), ("data",)),
    "threads": (
        "thread",
        "thread_id",
        (
            "{row}.subject",
            "{row}.sender",
            "COALESCE({row}.summary, '') || ' ' || COALESCE({row}.concern, '')",
        ),
        ("subject", "sender", "summary", "concern"),
    ),
    "deals": (
        "deal",
        "deal_id",
        ("''", "{row}.party", "{row}.summary || ' ' || COALESCE({row}.concern, '')"),
        ("party", "summary", "concern"),
    ),
    "tasks": (
        "task",
        "task_id",
        ("{row}.label", "''", "COALESCE({row}.evidence, '')"),
        ("label", "evidence"),
    ),
    "contacts": (
        "contact",
        "contact_id",
        ("{row}.name", "{row}.email", "COALESCE({row}.phone, '') || ' ' || COALESCE({row}.role, '')"),
        ("name", "email", "phone", "role"),
    ),
}


def upgrade() -> None:
    """Make the index, fill it, and let it follow the tables."""
    op.create_index("messages_newest", "messages", ["user_id", "at"])
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute(
        "CREATE TABLE search_documents (document INTEGER PRIMARY KEY, user_id TEXT NOT NULL,"
        " kind TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (user_id, kind, id))"
    )
    op.execute(f"CREATE VIRTUAL TABLE search USING fts5(owner, title, people, body, tokenize='{TOKENIZER}')")
    for table, (kind, key, parts, watched) in DOCUMENTS.items():
        enter = entering(kind, key, parts, "NEW")
        leave = leaving(kind, key)
        columns = ("user_id", key, *watched)
        changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns)
        op.execute(f"CREATE TRIGGER search_{table}_added AFTER INSERT ON {table} BEGIN {enter} END")
        op.execute(
            f"CREATE TRIGGER search_{table}_changed AFTER UPDATE OF {', '.join(columns)} ON {table}"
            f" WHEN {changed} BEGIN {leave} {enter} END"
        )
        op.execute(f"CREATE TRIGGER search_{table}_gone AFTER DELETE ON {table} BEGIN {leave} END")
        op.execute(
            f"INSERT INTO search_documents (user_id, kind, id) SELECT user_id, '{kind}', {key} FROM {table}"
        )
        title, people, body = (part.replace("{row}", "t") for part in parts)
        op.execute(
            "INSERT INTO search (rowid, owner, title, people, body)"
            f" SELECT d.document, {owner('t', kind)}, {title}, {people}, {body} FROM {table} AS t"
            f" JOIN search_documents AS d ON d.user_id = t.user_id AND d.kind = '{kind}' AND d.id = t.{key}"
        )


def owner(row: str, kind: str) -> str:
    """The words that name a user and a kind; the `q` keeps the stemmer from making two users one."""
    return f"'u' || lower(hex({row}.user_id)) || 'q {kind}'"


def entering(kind: str, key: str, parts: tuple[str, str, str], row: str) -> str:
    """Statements of a trigger that index a row."""
    title, people, body = (part.replace("{row}", row) for part in parts)
    return (
        f"INSERT INTO search_documents (user_id, kind, id) VALUES ({row}.user_id, '{kind}', {row}.{key});"
        f" INSERT INTO search (rowid, owner, title, people, body) SELECT document, {owner(row, kind)},"
        f" {title}, {people}, {body} FROM search_documents"
        f" WHERE user_id = {row}.user_id AND kind = '{kind}' AND id = {row}.{key};"
    )


def leaving(kind: str, key: str) -> str:
    """Statements of a trigger that take a row out."""
    found = f"user_id = OLD.user_id AND kind = '{kind}' AND id = OLD.{key}"
    return (
        f"DELETE FROM search WHERE rowid = (SELECT document FROM search_documents WHERE {found});"
        f" DELETE FROM search_documents WHERE {found};"
    )
