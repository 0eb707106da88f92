"""Mailboxes that are connected and disconnected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import AGENT, mail
from zena_sse.errors import AccountExists, NotFound, TooManyAccounts
from zena_sse.mail.accounts import (
    ACCOUNTS_PER_USER,
    AccountItem,
    FolderMailbox,
    ImapMailbox,
    Mailbox,
    accounts_to_keep,
    add_account,
    find_account,
    find_kept,
    list_accounts,
    mark_failed,
    mark_synced,
    own_addresses,
    seal_mailbox,
    unseal_mailbox,
)
from zena_sse.mail.removal import COPIES_A_UNIT, accounts_to_purge, purge_account, remove_account
from zena_sse.mail.runs import request_sync


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def purge(room: Room, account_id: str) -> int:
    """Remove all that is left of an account; the number of units it took."""
    units = 1
    while await room.storage.write(purge_account, account_id):
        units += 1
    return units


async def test_a_mailbox_is_found_by_its_user_only(room: Room) -> None:
    account = await room.account()
    assert await room.storage.read(find_account, ANNA, account.account_id) == account
    with pytest.raises(NotFound):
        await room.storage.read(find_account, "ben", account.account_id)
    assert await room.storage.read(list_accounts, "ben") == []


async def test_the_same_mailbox_is_connected_once_for_each_user(room: Room) -> None:
    await room.account()
    with pytest.raises(AccountExists):
        await room.account()
    await room.account(provider="maildir", name="mine2")
    await room.account(user_id="ben")
    assert len(await room.storage.read(accounts_to_keep)) == 3


async def test_a_user_has_so_many_mailboxes_and_can_change_one_for_another(room: Room) -> None:
    accounts = [await room.account(f"box{number}") for number in range(ACCOUNTS_PER_USER)]
    with pytest.raises(TooManyAccounts):
        await room.account("one more")
    assert len(await room.storage.read(list_accounts, ANNA)) == ACCOUNTS_PER_USER
    await room.account(user_id="ben")
    await room.storage.write(remove_account, ANNA, accounts[0].account_id)
    await room.account("one more")


async def test_own_addresses_are_those_of_all_accounts_in_lower_case(room: Room) -> None:
    await room.account(addresses=[" Anna@Agency.example", AGENT])
    await room.account("other", addresses=["anna@home.example"])
    await room.account("strange", user_id="ben", addresses=["ben@home.example"])
    assert await room.storage.read(own_addresses, ANNA) == {AGENT, "anna@home.example"}


def test_how_to_open_a_mailbox_is_sealed(room: Room) -> None:
    opening: Mailbox = ImapMailbox("imap.example.org", 993, "anna", password="correct horse")
    sealed = seal_mailbox(room.vault, opening)
    assert b"horse" not in sealed
    assert unseal_mailbox(room.vault, sealed) == opening


async def test_a_failed_account_shows_why_until_it_is_read_again(room: Room) -> None:
    account = await room.account()
    await room.storage.write(mark_failed, account.account_id, "wrong password", fatal=True)
    failed = await room.storage.read(find_account, ANNA, account.account_id)
    assert (failed.state, failed.error) == ("failed", "wrong password")
    await room.storage.write(mark_synced, account.account_id)
    read = await room.storage.read(find_account, ANNA, account.account_id)
    assert (read.state, read.error, read.synced_at) == ("active", None, room.clock())


async def test_what_a_user_sees_of_an_account_has_no_owner_and_no_credential(room: Room) -> None:
    item = AccountItem.of(await room.account())
    assert (item.account_id, item.addresses, item.state) == ("anna-mine", (AGENT,), "active")
    assert not hasattr(item, "user_id")


async def test_a_removed_account_disappears_at_once_with_its_credential(room: Room) -> None:
    account = await room.account()
    await room.storage.write(remove_account, ANNA, account.account_id)
    assert await room.storage.read(list_accounts, ANNA) == []
    assert await room.storage.read(own_addresses, ANNA) == frozenset()
    assert await room.storage.read(find_kept, account.account_id) is None
    assert await room.storage.read(accounts_to_purge) == [account.account_id]
    assert await room.query(bytes, "SELECT sealed FROM accounts") == [b""]
    with pytest.raises(NotFound):
        await room.storage.write(remove_account, ANNA, account.account_id)


async def test_a_removed_mailbox_can_be_connected_again_while_its_data_goes(room: Room) -> None:
    account = await room.account()
    await room.storage.write(remove_account, ANNA, account.account_id)
    sealed = seal_mailbox(room.vault, FolderMailbox("mine"))
    again = await room.storage.write(add_account, "other-id", ANNA, "folder", "mine", [AGENT], sealed)
    assert await room.storage.read(list_accounts, ANNA) == [again]


async def test_somebody_elses_account_cannot_be_removed(room: Room) -> None:
    account = await room.account()
    with pytest.raises(NotFound):
        await room.storage.write(remove_account, "ben", account.account_id)


async def test_removal_ends_the_run_that_is_under_way(room: Room) -> None:
    account = await room.account()
    await room.storage.write(request_sync, account, "s1")
    await room.storage.write(remove_account, ANNA, account.account_id)
    (completed,) = await room.events("sync.completed")
    assert (completed["syncId"], completed["success"]) == ("s1", False)


async def test_a_batch_that_comes_after_the_removal_changes_nothing(room: Room) -> None:
    account = await room.account()
    run = await room.run(account)
    await room.storage.write(remove_account, ANNA, account.account_id)
    with pytest.raises(NotFound):
        await room.apply(run, mail("Late"))
    assert await room.count("copies") == 0


async def test_removal_takes_everything_in_bounded_units_and_says_so(room: Room) -> None:
    account = await room.account()
    run = await room.run(account)
    for start in range(0, COPIES_A_UNIT + 20, 30):
        await room.apply(run, *[mail(f"Enquiry {n}") for n in range(start, start + 30)])
    await room.storage.write(remove_account, ANNA, account.account_id)
    assert await purge(room, account.account_id) == 3
    for table in ("accounts", "sync_runs", "folders", "copies", "messages", "links", "threads"):
        assert await room.count(table) == 0, table
    known = {event["threadId"] for event in await room.events("thread.new")}
    gone = {event["threadId"] for event in await room.events("thread.updated") if event.get("removed")}
    assert len(known) == COPIES_A_UNIT + 20
    assert gone == known


async def test_mail_that_another_account_holds_too_survives_a_removal(room: Room) -> None:
    first, second = await room.account("first"), await room.account("second")
    await room.apply(await room.run(first), mail("Shared"), mail("Alone"))
    await room.apply(await room.run(second), mail("Shared"))
    await room.storage.write(remove_account, ANNA, first.account_id)
    await purge(room, first.account_id)
    assert await room.query(str, "SELECT subject FROM threads") == ["Shared"]
    assert await room.query(str, "SELECT account_id FROM threads") == [second.account_id]
    removed = [event for event in await room.events("thread.updated") if event.get("removed")]
    assert len(removed) == 1
