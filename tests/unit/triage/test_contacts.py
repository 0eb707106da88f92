"""Contacts: one for each address, and what several threads tell of them comes together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import LiteralString, TypeVar

import msgspec
import pytest

from tests.mailroom import ANNA
from tests.memorymailbox import AGENT, mail
from tests.triageroom import TriageRoom, open_triage, sent
from zena_sse.mail.threads import THREAD_BYTES
from zena_sse.storage.port import Reader, Transaction, Value
from zena_sse.triage.analysis.findings import Contact
from zena_sse.triage.contacts import PEOPLE, read_recipients, record_contacts

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    name: str
    phone: str | None
    role: str | None
    written: bool


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room with one thread."""
    async with open_triage(tmp_path) as opened:
        await opened.receive(mail("House"))
        yield opened


async def record(triage: TriageRoom, *contacts: Contact) -> dict[str, str]:
    """These people are found in the thread."""
    thread_id = (await triage.item("House")).thread_id

    def unit(tx: Transaction) -> dict[str, str]:
        return record_contacts(tx, ANNA, thread_id, contacts)

    return await triage.room.storage.write(unit)


async def rows(triage: TriageRoom) -> list[Row]:
    return await triage.room.query(Row, "SELECT name, phone, role, written FROM contacts ORDER BY email")


async def test_what_is_told_of_somebody_adds_up(triage: TriageRoom) -> None:
    await record(triage, Contact("Ben", "ben@x.example", None, "buyer"))
    await record(triage, Contact("", "ben@x.example", "+64 21 700 4411", None))
    await record(triage, Contact("Benny", "ben@x.example", None, "market"))
    assert await rows(triage) == [Row("Ben", "+64 21 700 4411", "buyer", written=False)]
    await record(triage, Contact("Ben", "ben@x.example", "+64 9 700 0000", "vendor"))
    assert await rows(triage) == [Row("Ben", "+64 9 700 0000", "vendor", written=False)]


async def test_two_who_share_an_address_are_one_contact_with_one_place(triage: TriageRoom) -> None:
    ids = await record(
        triage, Contact("Gil", "gl@x.example"), Contact("Lou", "gl@x.example", "+64 21 700 4411")
    )
    assert list(ids) == ["gl@x.example"]
    assert await rows(triage) == [Row("Gil", "+64 21 700 4411", None, written=False)]


async def test_people_are_ranked_as_they_were_found_the_last_time(triage: TriageRoom) -> None:
    a, b = Contact("A", "a@x.example"), Contact("B", "b@x.example")
    await record(triage, a, b)
    await record(triage, b)
    ranked = (
        "SELECT c.name FROM thread_contacts AS t JOIN contacts AS c ON c.contact_id = t.contact_id"
        " WHERE t.rank IS NOT NULL ORDER BY t.rank"
    )
    assert await triage.room.query(str, ranked) == ["B"]


async def test_a_mail_to_a_whole_town_is_no_address_book(triage: TriageRoom) -> None:
    await record(triage, *(Contact("", f"{number}@x.example") for number in range(200)))
    await triage.take(sent("Party", ", ".join(f"guest{number}@x.example" for number in range(200))))
    assert await triage.room.count("contacts") <= 2 * PEOPLE + 1


async def test_whom_the_user_writes_to_is_known_as_that(triage: TriageRoom) -> None:
    await triage.take(sent("Hello", "Carl Law <carl@law.example>"))
    (carl,) = [row for row in await rows(triage) if row.name == "Carl Law"]
    assert carl == Row("Carl Law", None, None, written=True)
    await record(triage, Contact("Carl", "carl@law.example", "+64 9 700 0000", "other"))
    (carl,) = [row for row in await rows(triage) if row.name == "Carl Law"]
    assert carl == Row("Carl Law", "+64 9 700 0000", "other", written=True)


class Weighing:
    """A reader that notes how many bytes of mail were read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.now = reader.now
        self.weight = 0

    def all(self, into: type[T], sql: LiteralString, **named: Value) -> list[T]:
        found = self._reader.all(into, sql, **named)
        self.weight += sum(len(one) for one in found if isinstance(one, bytes))
        return found

    def one(self, into: type[T], sql: LiteralString, **named: Value) -> T | None:
        return self._reader.one(into, sql, **named)


async def test_a_thread_of_huge_mails_is_not_read_whole_to_see_who_wrote_to_whom(triage: TriageRoom) -> None:
    letters, count = "word " * 40_000, 40
    assert count * len(letters) > THREAD_BYTES + len(letters)
    await triage.receive(
        *(
            mail("Re: House", id=f"r{n}", replies_to="house", minutes=n, body=letters)
            for n in range(1, count)
        ),
        sent("Re: House", "carl@law.example", id="s", replies_to="house", minutes=count),
    )
    thread_id = (await triage.item("House")).thread_id

    def weigh(reader: Reader) -> tuple[int, list[str]]:
        weighing = Weighing(reader)
        found = read_recipients(weighing, ANNA, [thread_id], {AGENT})
        return weighing.weight, [person.email for one in found for person in one.people]

    weight, people = await triage.room.storage.read(weigh)
    assert people == ["carl@law.example"]
    assert weight < THREAD_BYTES + 2 * len(letters)
