"""Properties: one for each house, however it is written, and threads find the house that they mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mailroom import ANNA
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage
from zena_sse.triage import subjects
from zena_sse.triage.identities import folded, identity
from zena_sse.triage.subjects import is_named


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room."""
    async with open_triage(tmp_path) as opened:
        yield opened


async def shown(triage: TriageRoom, *places: str) -> list[str | None]:
    """Threads with these addresses come, one after the other; what their properties are shown as."""
    for number, text in enumerate(places):
        body = "\n".join(f"at: {place}" for place in text.split("; "))
        await triage.take(mail(f"Number {number}", minutes=number, body=body))
    return [(await triage.item(f"Number {number}")).property for number in range(len(places))]


async def test_two_spellings_are_one_property(triage: TriageRoom) -> None:
    found = await shown(
        triage, "12 Mānuka Street", "12 manuka  street", "12A Manuka Street", "1/2A Manuka Street"
    )
    assert found == ["12 Mānuka Street", "12 Mānuka Street", "12A Manuka Street", "1/2A Manuka Street"]
    assert await triage.room.count("properties") == 3


async def test_a_suburb_that_one_thread_tells_is_known_in_all(triage: TriageRoom) -> None:
    found = await shown(triage, "12 High Street", "12 High Street, Northside", "12 High Street")
    assert found == ["12 High Street, Northside"] * 3


async def test_most_threads_decide_between_suburbs(triage: TriageRoom) -> None:
    found = await shown(
        triage, "12 High Street, Northside", "12 High Street, Southside", "12 High Street, Southside"
    )
    assert set(found) == {"12 High Street, Southside"}


async def test_a_house_has_the_suburb_of_its_street_if_that_has_only_one(triage: TriageRoom) -> None:
    assert (await shown(triage, "12 High Street", "30 High Street, Northside"))[
        0
    ] == "12 High Street, Northside"
    await shown(
        triage, "12 High Street", "30 High Street, Northside", "31 High Street, Eastside", "4 High Street"
    )
    assert (await triage.item("Number 3")).property == "4 High Street"


async def test_a_street_alone_means_the_only_house_known_there(triage: TriageRoom) -> None:
    found = await shown(triage, "12 High Street", "High Street", "Low Road")
    assert found == ["12 High Street", "12 High Street", None]


async def test_a_thread_that_named_the_street_alone_finds_the_house_that_becomes_known_later(
    triage: TriageRoom,
) -> None:
    found = await shown(triage, "High Street", "12 High Street")
    assert found == ["12 High Street"] * 2
    told = (await triage.room.events("thread.updated"))[-1]
    assert told["threadId"] == (await triage.item("Number 0")).thread_id
    assert triage.deals[-1].property == "12 High Street", "its deal has heard of it"


async def test_a_street_with_two_houses_tells_nothing_new_but_what_was_known_stays(
    triage: TriageRoom,
) -> None:
    assert await shown(triage, "12 High Street", "High Street", "14 High Street", "High Street") == [
        "12 High Street",
        "12 High Street",
        "14 High Street",
        None,
    ]
    await triage.take(mail("Re: Number 1", id="r", replies_to="number1", minutes=9, body="at: High Street"))
    assert (await triage.item("Number 1")).property == "12 High Street"


async def test_a_thread_may_tell_the_number_of_its_street_itself(triage: TriageRoom) -> None:
    assert await shown(triage, "12 High Street", "High Street; 3 Low Road; 14 High Street") == [
        "12 High Street",
        "14 High Street",
    ]


async def test_only_the_first_address_makes_a_property(triage: TriageRoom) -> None:
    await shown(triage, "12 High Street; 3 Low Road")
    assert await triage.room.query(str, "SELECT number FROM properties") == ["12"]
    assert await triage.room.query(str, "SELECT number FROM mentions ORDER BY rank") == ["12", "3"]


async def test_noise_makes_no_property_but_may_be_about_one_whichever_comes_first(triage: TriageRoom) -> None:
    await triage.take(mail("Early", body="class: noise\nat: 12 High Street, Nowhere"))
    await triage.take(mail("House", minutes=1, body="at: 12 High Street"))
    await triage.take(mail("Late", minutes=2, body="class: noise\nat: 12 High Street"))
    await triage.take(mail("Other", minutes=3, body="class: noise\nat: 99 High Street\nat: 12 High Street"))
    for subject in ("Early", "House", "Late"):
        assert (await triage.item(subject)).property == "12 High Street"
    assert (await triage.item("Other")).property is None
    await triage.correct("House", classification="noise")
    assert await triage.room.count("properties") == 0
    assert (await triage.item("Early")).property_id is None


# --- subjects that name a property in short ---------------------------------------------------------


async def test_a_subject_may_name_a_property_in_short_whichever_comes_first(triage: TriageRoom) -> None:
    await triage.take(mail("22 Mahoe - keys"))
    await triage.take(mail("Agreement", minutes=1, body="at: 22 Mahoe Crescent, Southside"))
    await triage.take(mail("Re 22 mahoe", minutes=2))
    await triage.take(mail("24 Mahoe", minutes=3))
    for subject in ("22 Mahoe - keys", "Re 22 mahoe"):
        assert (await triage.item(subject)).property == "22 Mahoe Crescent, Southside"
    assert (await triage.item("24 Mahoe")).property is None


@pytest.mark.parametrize(
    ("subject", "number", "street"),
    [
        ("22 Mahoe", "22", "mahoe crescent"),
        ("Price - 4/27 Signal!", "4/27", "signal road"),
        ("31b slipway: not good enough", "31B", "slipway road"),
        ("Kākā Bend - this weekend", "11", "kaka bend road"),
        ("203/8 Rutland Street", "203/8", "rutland street"),
        ("9 Broadway", "9", "broadway"),
    ],
)
def test_subjects_that_name_a_house(subject: str, number: str, street: str) -> None:
    assert is_named(folded(subject), number, street)


@pytest.mark.parametrize(
    ("subject", "number", "street"),
    [
        ("Mahoe", "22", "mahoe crescent"),  # one word may mean anything
        ("Car park", "3", "park road"),
        ("122 Mahoe", "22", "mahoe crescent"),
        ("22 Mahoes", "22", "mahoe crescent"),
        ("27 Signal", "4/27", "signal road"),
        ("14 Kaka Bend", "11", "kaka bend road"),
        ("On Broadway", "9", "broadway"),
        ("", "9", "broadway"),
    ],
)
def test_subjects_that_do_not(subject: str, number: str, street: str) -> None:
    assert not is_named(folded(subject), number, street)


async def test_a_subject_is_folded_once_however_many_properties_there_are(
    triage: TriageRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await triage.take(*(mail(f"Agreement {n}", body=f"at: {n} Mahoe Crescent") for n in range(1, 6)))
    seen: list[str] = []

    def counting(text: str) -> str:
        seen.append(text)
        return folded(text)

    monkeypatch.setattr(subjects, "folded", counting)
    await triage.room.storage.read(subjects.find_named, ANNA, "3 Mahoe - keys")
    assert seen.count("3 Mahoe - keys") == 1


async def test_a_property_that_no_thread_is_about_any_more_goes(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="at: 12 High Street"))
    await triage.take(mail("Re: House", id="r", replies_to="house", minutes=1, body="at: 3 Low Road"))
    assert await triage.room.query(str, "SELECT number FROM properties") == ["3"]


async def test_thousands_of_addresses_in_a_mail_are_not_all_kept(triage: TriageRoom) -> None:
    await shown(triage, "; ".join(f"{number} High Street" for number in range(1, 500)))
    assert await triage.room.count("mentions") == 20


def test_ids_differ_by_user_and_are_the_same_again() -> None:
    assert identity("pr_", "anna", "12 high street") == identity("pr_", "anna", "12 high street")
    assert identity("pr_", "anna", "12 high street") != identity("pr_", "bert", "12 high street")


def test_folding_keeps_what_tells_two_names_apart() -> None:
    assert folded("  Mānuka  STREET. ") == "manuka street"
    assert folded("O'Neill St") == "o neill st"
    assert folded("2/15") != folded("215")
