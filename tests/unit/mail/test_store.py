"""What a batch of messages does to copies, messages and threads, and which events it makes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.databases import NOON
from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import AGENT, mail
from zena_sse.contract.events import TEXT_LIMIT
from zena_sse.contract.moments import timestamp
from zena_sse.mail.connector import FolderState, Remote
from zena_sse.mail.reading import bare_message
from zena_sse.mail.removal import apply_gone, drop_stale
from zena_sse.mail.runs import Run
from zena_sse.mail.store import Copy, apply_batch, find_folder, held_uids, record_folder


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


@pytest.fixture
async def run(room: Room) -> Run:
    """A run of Anna's mailbox that has begun."""
    return await room.run(await room.account())


def told(event: dict[str, Any]) -> tuple[Any, ...]:
    """The part of a `thread.updated` that mail decides."""
    return event["threadId"], event.get("messageCount"), event.get("lastMessageAt")


async def test_a_new_thread_is_told_once_with_whom_and_about_what(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing on Sunday"))
    (new,) = await room.events("thread.new")
    assert new | {"threadId": ""} == {
        "type": "thread.new",
        "threadId": "",
        "accountId": "anna-mine",
        "subject": "Viewing on Sunday",
        "from": "Ben Buyer",
        "lastMessageAt": "2026-11-20T12:00:00Z",
    }
    assert new["threadId"].startswith("th_")
    assert await room.events("thread.updated") == []


async def test_what_the_provider_calls_one_conversation_is_one_in_each_account(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing"), thread="77")
    await room.apply(run, mail("About Sunday"), thread="77")
    assert await room.count("threads") == 1
    other = await room.run(await room.account(name="other"))
    await room.apply(other, mail("Something else"), thread="77")
    assert await room.count("threads") == 2


async def test_a_thread_keeps_its_id_when_it_is_built_anew(room: Room, run: Run, tmp_path: Path) -> None:
    await room.apply(run, mail("Viewing"))
    other = tmp_path / "other"
    other.mkdir()
    async with open_room(other) as again:
        await again.apply(await again.run(await again.account()), mail("Viewing"))
        await again.apply(await again.run(await again.account(user_id="ben")), mail("Viewing"))
        assert await again.events("thread.new") == await room.events("thread.new")
        (bens,) = await again.events("thread.new", user_id="ben")
    assert bens["threadId"] != (await room.events("thread.new"))[0]["threadId"]


async def test_a_thread_that_changes_several_times_in_a_batch_is_told_once(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing"))
    replies = [mail("Re: Viewing", minutes=n, id=f"r{n}", replies_to="viewing") for n in (1, 2, 3)]
    await room.apply(run, *replies)
    (new,) = await room.events("thread.new")
    (updated,) = await room.events("thread.updated")
    assert told(updated) == (new["threadId"], 4, "2026-11-20T12:03:00Z")
    assert (updated["classification"], updated["subject"]) == (None, "Viewing")


async def test_a_new_thread_of_several_messages_says_how_many(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing"), mail("Re: Viewing", minutes=1, id="r", replies_to="viewing"))
    new, updated = await room.events("thread.new", "thread.updated")
    assert (new["lastMessageAt"], updated["messageCount"]) == ("2026-11-20T12:01:00Z", 2)


async def test_the_other_side_is_named_in_mail_the_agent_sent(room: Room, run: Run) -> None:
    await room.apply(
        run,
        mail("To a name", sender=f"Anna <{AGENT}>", to="Cara Vendor <cara@example.org>"),
        mail("To an address", sender=AGENT, to=f"{AGENT}, dan@example.org"),
        mail("To myself", sender=f"Anna <{AGENT}>", to=AGENT),
    )
    others = {event["subject"]: event["from"] for event in await room.events("thread.new")}
    assert others == {"To a name": "Cara Vendor", "To an address": "dan@example.org", "To myself": "Anna"}


async def test_an_earlier_message_that_comes_late_becomes_the_beginning(room: Room, run: Run) -> None:
    answer = mail("Re: Viewing", minutes=9, sender="Cara <c@example.org>", id="r", replies_to="viewing")
    await room.apply(run, answer)
    await room.apply(run, mail("Viewing"))
    (updated,) = await room.events("thread.updated")
    assert (updated["subject"], updated["messageCount"]) == ("Viewing", 2)
    assert await room.query(str, "SELECT sender FROM threads") == ["Ben Buyer"]


async def test_long_texts_are_cut_in_events(room: Room, run: Run) -> None:
    await room.apply(run, mail("s" * 900, sender=f"{'n' * 900} <ben@example.org>", id="long"))
    (new,) = await room.events("thread.new")
    assert len(new["subject"]) <= TEXT_LIMIT
    assert len(new["from"]) <= TEXT_LIMIT


async def test_the_same_message_in_two_folders_and_two_accounts_counts_once(room: Room, run: Run) -> None:
    other = await room.run(await room.account("other"))
    await room.apply(run, mail("Viewing"), folder="INBOX")
    await room.apply(run, mail("Viewing"), folder="Sent")
    applied = await room.apply(other, mail("Viewing"))
    assert (applied.new, applied.known, applied.threads) == (0, 1, frozenset())
    assert (await room.count("copies"), await room.count("messages")) == (3, 1)
    assert await room.query(int, "SELECT message_count FROM threads") == [1]
    assert [event["type"] for event in await room.events("thread.new", "thread.updated")] == ["thread.new"]


async def test_one_message_twice_in_a_batch_counts_once(room: Room, run: Run) -> None:
    applied = await room.apply(run, mail("Viewing"), mail("Viewing"))
    assert (applied.new, applied.known) == (1, 1)
    assert await room.query(int, "SELECT message_count FROM threads") == [1]


async def test_a_batch_that_is_applied_twice_changes_nothing_the_second_time(room: Room, run: Run) -> None:
    mails = [mail("One"), mail("Two")]
    await room.apply(run, *mails, uids=["1", "2"])
    before = await room.envelopes()
    applied = await room.apply(run, *mails, uids=["1", "2"])
    assert (applied.new, applied.known) == (0, 0)
    assert await room.envelopes() == before


async def test_two_users_do_not_share_messages_or_threads(room: Room, run: Run) -> None:
    bens = await room.run(await room.account(user_id="ben"))
    await room.apply(run, mail("Viewing"))
    await room.apply(bens, mail("Viewing"))
    assert (await room.count("messages"), await room.count("threads")) == (2, 2)
    assert len(await room.events("thread.new", user_id="ben")) == 1


async def test_threads_that_turn_out_to_be_one_are_merged_and_told(room: Room, run: Run) -> None:
    await room.apply(run, mail("Alpha matter", id="a"), mail("Beta matter", minutes=1, id="b"))
    first, second = await room.events("thread.new")
    await room.apply(run, mail("Both matters", minutes=2, id="c", references=["a", "b"]))
    updated, removed = await room.events("thread.updated")
    assert (removed["threadId"], removed["removed"], removed["mergedInto"]) == (
        second["threadId"],
        True,
        first["threadId"],
    )
    assert told(updated) == (first["threadId"], 3, "2026-11-20T12:02:00Z")
    assert await room.query(str, "SELECT DISTINCT thread_id FROM messages") == [first["threadId"]]
    assert await room.query(str, "SELECT DISTINCT thread_id FROM links") == [first["threadId"]]
    await room.apply(run, mail("Re: Beta matter", minutes=3, id="d", replies_to="b"))
    assert await room.query(int, "SELECT message_count FROM threads") == [4]


async def test_a_thread_that_is_new_and_merged_in_one_batch_is_never_heard_of(room: Room, run: Run) -> None:
    await room.apply(
        run,
        mail("Alpha matter", id="a"),
        mail("Beta matter", minutes=1, id="b"),
        mail("Both matters", minutes=2, id="c", references=["a", "b"]),
    )
    (new,) = await room.events("thread.new")
    (updated,) = await room.events("thread.updated")
    assert told(updated) == (new["threadId"], 3, "2026-11-20T12:02:00Z")


async def test_merging_twice_in_a_batch_names_the_thread_that_is_left(room: Room, run: Run) -> None:
    for name, minutes in (("a", 1), ("b", 2), ("c", 3)):
        await room.apply(run, mail(f"Matter of {name}", minutes=minutes, id=name))
    a, b, c = (event["threadId"] for event in await room.events("thread.new"))
    await room.apply(
        run,
        mail("Joins b and c", minutes=4, id="d", references=["b", "c"]),
        mail("Joins a and b", minutes=5, id="e", references=["a", "b"]),
    )
    gone = {e["threadId"]: e["mergedInto"] for e in await room.events("thread.updated") if e.get("removed")}
    assert gone == {b: a, c: a}
    assert await room.query(int, "SELECT message_count FROM threads") == [5]


async def test_the_order_of_arrival_does_not_matter_for_what_is_one_thread(tmp_path: Path) -> None:
    mails = [mail("Matter", id="m0")]
    mails += [mail("Re: Matter", minutes=n, id=f"m{n}", replies_to=f"m{n - 1}") for n in range(1, 8)]
    shuffled = [mails[place] for place in (5, 2, 7, 0, 3, 6, 1, 4)]
    async with open_room(tmp_path) as room:
        run = await room.run(await room.account())
        for one in shuffled:
            await room.apply(run, one)
        assert await room.query(int, "SELECT message_count FROM threads") == [8]
        assert await room.query(str, "SELECT subject FROM threads") == ["Matter"]


async def test_an_answer_without_references_joins_by_subject(room: Room, run: Run) -> None:
    await room.apply(run, mail("12 Kauri Street open home"))
    answer = mail("Re: 12 Kauri Street open home", minutes=60, id="phone", sender=AGENT, to="ben@example.org")
    await room.apply(run, answer)
    assert await room.query(int, "SELECT message_count FROM threads") == [2]


# --- hard to read ---------------------------------------------------------------------------------


async def test_an_unparsable_message_is_kept_with_its_bytes_and_its_mark(room: Room, run: Run) -> None:
    raw = b"\xff\xfe no mail at all"
    bare = bare_message(Remote("INBOX", "1", NOON, len(raw)), raw, "not readable")
    copy = Copy(Remote("INBOX", "1", NOON, len(raw)), "1", bare)
    applied = await room.storage.write(apply_batch, run, [copy])
    assert (applied.new, applied.defective) == (1, 1)
    assert await room.query(bytes, "SELECT raw FROM messages") == [raw]
    assert await room.query(str, "SELECT defect FROM messages") == ["not readable"]
    assert len(await room.events("thread.new")) == 1


async def test_mail_of_any_bytes_finds_its_place(room: Room, run: Run) -> None:
    strange = [
        b"",
        b"x\x00\x00",
        b"Subject: =?utf-8?q?=ED=A0=80?=\r\nMessage-ID: <x\x00y>\r\n\r\nbody",
        b"From: a\xff@b\r\nDate: Thu, 1 Jan 0001 00:00:00 +2359\r\n\r\n",
        "Subject: ünïcode\r\nReferences: <\u2028>\r\n\r\n".encode(),
    ]
    applied = await room.apply(run, *strange)
    assert applied.new == len(strange)


# --- what goes ------------------------------------------------------------------------------------

STATE = FolderState("INBOX", "1", "marker")


async def test_a_message_goes_with_its_last_copy_and_the_thread_with_its_last_message(
    room: Room, run: Run
) -> None:
    reply = mail("Re: Viewing", minutes=5, id="r", replies_to="viewing")
    await room.apply(run, mail("Viewing"), reply, uids=["1", "2"])
    (new,) = await room.events("thread.new")
    await room.storage.write(apply_gone, run.account_id, STATE, ["2"])
    assert told((await room.events("thread.updated"))[-1]) == (new["threadId"], 1, "2026-11-20T12:00:00Z")
    await room.storage.write(apply_gone, run.account_id, STATE, ["1"])
    last = (await room.events("thread.updated"))[-1]
    assert (last["threadId"], last["removed"]) == (new["threadId"], True)
    for table in ("copies", "messages", "links", "threads"):
        assert await room.count(table) == 0, table


async def test_a_message_with_another_copy_stays(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing"), uids=["1"])
    await room.apply(run, mail("Viewing"), folder="Sent", uids=["1"])
    before = await room.envelopes()
    await room.storage.write(apply_gone, run.account_id, STATE, ["1", "unheard of"])
    assert (await room.count("copies"), await room.count("messages")) == (1, 1)
    assert await room.envelopes() == before


async def test_an_answer_to_a_deleted_message_still_finds_the_thread(room: Room, run: Run) -> None:
    reply = mail("Re: Viewing", minutes=5, id="r", replies_to="viewing")
    await room.apply(run, mail("Viewing"), reply, uids=["1", "2"])
    await room.storage.write(apply_gone, run.account_id, STATE, ["1"])
    await room.apply(run, mail("Re: Viewing", minutes=6, id="s", replies_to="viewing"))
    assert await room.query(int, "SELECT message_count FROM threads") == [2]


async def test_stale_copies_go_in_bounded_units_and_nobody_notices(room: Room, run: Run) -> None:
    mails = [mail(f"Enquiry {n}") for n in range(120)]
    for start in range(0, 120, 40):
        await room.apply(run, *mails[start : start + 40], validity="1")
    for start in range(0, 120, 40):
        await room.apply(run, *mails[start : start + 40], validity="2")
    before = await room.envelopes()
    renumbered = FolderState("INBOX", "2", "marker")
    assert await room.storage.write(drop_stale, run.account_id, renumbered)
    assert not await room.storage.write(drop_stale, run.account_id, renumbered)
    assert (await room.count("copies"), await room.count("messages")) == (120, 120)
    assert await room.envelopes() == before


# --- whatever happens -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
async def test_events_and_tables_agree_whatever_comes_and_goes(room: Room, run: Run, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    other = await room.run(await room.account("other"))
    runs = [run, other]
    held: set[tuple[str, str]] = set()
    for step in range(30):
        if held and chance.random() < 0.3:
            gone = chance.sample(sorted(held), min(len(held), chance.randint(1, 6)))
            for one in runs:
                uids = [uid for account_id, uid in gone if account_id == one.account_id]
                await room.storage.write(apply_gone, one.account_id, STATE, uids)
            held -= set(gone)
        else:
            one = chance.choice(runs)
            numbers = [chance.randrange(40) for _ in range(chance.randint(1, 6))]
            uids = [f"{step}.{place}" for place in range(len(numbers))]
            await room.apply(one, *[linked(number) for number in numbers], uids=uids)
            held |= {(one.account_id, uid) for uid in uids}
        await check(room)
    assert await room.count("copies") == len(held)


def linked(number: int) -> bytes:
    """Mail `number`, which may refer to any other; who refers to two joins what they are in."""
    known = random.Random(number)  # noqa: S311  # the same mail is the same each time
    parents = [f"n{known.randrange(40)}" for _ in range(known.choice((0, 0, 1, 2)))]
    return mail(f"Matter {number}", minutes=known.randrange(500), id=f"n{number}", references=parents)


class Row(msgspec.Struct):
    thread_id: str
    message_count: int
    last_message_at: str
    messages: int
    newest: str


async def check(room: Room) -> None:
    """What a client knows from events alone is what the tables say, and these agree with each other."""
    rows = await room.query(
        Row,
        "SELECT threads.thread_id, message_count, last_message_at, COUNT(messages.key) AS messages,"
        " MAX(messages.at) AS newest FROM threads JOIN messages ON messages.thread_id = threads.thread_id"
        " GROUP BY threads.thread_id",
    )
    assert len(rows) == await room.count("threads")
    assert all((r.message_count, r.last_message_at) == (r.messages, r.newest) for r in rows)
    stored = {r.thread_id: (r.message_count, r.newest.replace(".000Z", "Z")) for r in rows}
    assert stored == await as_told(room)
    orphans = "SELECT key FROM messages WHERE key NOT IN (SELECT key FROM copies)"
    assert await room.query(str, orphans) == []
    dangling = "SELECT thread_id FROM links WHERE thread_id NOT IN (SELECT thread_id FROM threads)"
    assert await room.query(str, dangling) == []


async def as_told(room: Room) -> dict[str, tuple[int, str]]:
    """Number and newest of each thread, as a client learns them."""
    known: dict[str, tuple[int, str]] = {}
    for event in await room.events("thread.new", "thread.updated"):
        thread_id = event["threadId"]
        if event["type"] == "thread.new":
            assert thread_id not in known, "a thread is new once"
            known[thread_id] = (1, event["lastMessageAt"])
        elif event.get("removed"):
            del known[thread_id]
        else:
            assert thread_id in known, "a thread is told of before it changes"
            known[thread_id] = (event["messageCount"], event["lastMessageAt"])
    return known


# --- folders --------------------------------------------------------------------------------------


async def test_a_folder_is_remembered_as_it_was_recorded_last(room: Room, run: Run) -> None:
    await room.storage.write(record_folder, run.account_id, STATE)
    newer = FolderState("INBOX", "1", "newer")
    await room.storage.write(record_folder, run.account_id, newer)
    assert await room.storage.read(find_folder, run.account_id, "INBOX") == newer
    assert await room.storage.read(find_folder, run.account_id, "Sent") is None


async def test_of_a_folder_read_in_part_the_numbering_is_known(room: Room, run: Run) -> None:
    await room.apply(run, mail("One"), validity="7", uids=["u"])
    assert await room.storage.read(find_folder, run.account_id, "INBOX") == FolderState("INBOX", "7", "")
    assert await room.storage.read(held_uids, run.account_id, "INBOX", "7") == {"u"}
    assert await room.storage.read(held_uids, run.account_id, "INBOX", "8") == frozenset()


async def test_what_is_stored_is_the_whole_message(room: Room, run: Run) -> None:
    await room.apply(run, mail("Viewing", minutes=3))
    (data,) = await room.query(bytes, "SELECT data FROM messages")
    stored = msgspec.json.decode(data)
    assert (stored["subject"], stored["text"], stored["sender"]["email"]) == (
        "Viewing",
        "Kia ora",
        "ben@example.org",
    )
    assert await room.query(str, "SELECT at FROM messages") == [timestamp(NOON + timedelta(minutes=3))]
    assert await room.events("thread.new", user_id=ANNA)
