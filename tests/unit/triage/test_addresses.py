"""Addresses as people write them, in six countries, and what only looks like one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zena_sse.triage.analysis.findings import Mention
from zena_sse.triage.analysis.places import mentions, property_key, shown, street_key


def first(*texts: str, known: Sequence[str] = ()) -> str | None:
    """The likeliest property of these texts, as it is shown."""
    found = mentions([(text, 1.0) for text in texts], known=known)
    return shown(found[0].number, found[0].street, found[0].suburb) if found else None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("7/41 Larch St, Southbank", "7/41 Larch Street, Southbank"),
        ("We loved 7/41 Larch St, Southbank VIC 3006.", "7/41 Larch Street, Southbank"),
        ("Unit 4, 27 High Road", "4/27 High Road"),
        ("unit 4 at 27 High Road please", "4/27 High Road"),
        ("Lot 7, 42 Fern Tce", "7/42 Fern Terrace"),
        ("Flat 2, 9 Ash Gardens, Clifton", "2/9 Ash Gardens, Clifton"),
        ("Apartment 1204, 8 Main Street", "1204/8 Main Street"),
        ("Apt. 12, 8 Main Street", "12/8 Main Street"),
        ("u7/42 fern tce", "7/42 Fern Terrace"),
        ("22 Larch Steps, Unit 6", "6/22 Larch Steps"),
        ("4 / 27 High Rd", "4/27 High Road"),
        ("27a high rd", "27A High Road"),
        ("the place at 31B wharf rd", "31B Wharf Road"),
        ("203/8 Main St", "203/8 Main Street"),
        ("Larch Street (73)", "73 Larch Street"),
        ("Larch Lane 58, documents of the repair", "58 Larch Lane"),
        ("Larch Lane no. 5", "5 Larch Lane"),
        ("number 88 Larch Road", "88 Larch Road"),
        ("No. 12 Larch Road", "12 Larch Road"),
        ("12 Kōwhiti Street", "12 Kōwhiti Street"),
        ("12-14 Larch Street", "12-14 Larch Street"),
        ("12 - 14 Larch Street", "12-14 Larch Street"),
        ("1420 NE Alder Ave", "1420 NE Alder Avenue"),
        ("1420 ne alder ave", "1420 NE Alder Avenue"),
        ("8 West 26th Street", "8 West 26th Street"),
        ("55 Queen St West, Toronto", "55 Queen Street West"),
        ("3 St Johns Road", "3 St Johns Road"),
        ("3 St. Johns Road", "3 St Johns Road"),
        ("41 St Kilda St", "41 St Kilda Street"),
        ("16 The Esplanade", "16 The Esplanade"),
        ("she lives in 2 The Linhay, Westbury-on-Trym.", "2 The Linhay, Westbury-on-Trym"),
        ("Apt 42 The Linhay - service charge", "42 The Linhay"),
        ("112 Broadway, Newmarket", "112 Broadway, Newmarket"),
        ("9 Te Atahu Road", "9 Te Atahu Road"),
        ("12 Sir Fred Larch Drive", "12 Sir Fred Larch Drive"),
        ("190 Old Tram Road", "190 Old Tram Road"),
        ("88 Bath Parade", "88 Bath Parade"),
        ("71 OLEANDER AVE HOLLY PARK 4121", "71 Oleander Avenue, Holly Park"),
        ("we saw 12 larch st in clifton", "12 Larch Street"),
        ("12 Larch Street in Clifton", "12 Larch Street, Clifton"),
        ("12 Larch Street, Auckland 1021", "12 Larch Street"),
        ("Hi Jo, we saw 12 Larch Street, Jo", "12 Larch Street"),
        ("9 McDonald Pl", "9 McDonald Place"),
        ("see 5 larch close tomorrow", "5 Larch Close"),
        ("the Larch Road place", "Larch Road"),
        ("Larch St", "Larch Street"),
        ("larch st", "Larch Street"),
        ("what about merlin st?", "Merlin Street"),
        ("sylvan lane", "Sylvan Lane"),
        ("Walked past no. 46 today. It is on Larch Avenue.", "46 Larch Avenue"),
        ("27 Larch Lane terrace", "27 Larch Lane"),
    ],
)
def test_addresses_are_read_as_they_are_written(text: str, address: str) -> None:
    assert first(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "a 2 bed house",
        "10 working days drive",
        "a 5 minutes' walk",
        "50 Road trips",
        "1 Way",
        "a 24 hour drive",
        "the 26th Street party",
        "a 2 storey terrace in a quiet street",
        "it is down the road",
        "3 bed terrace, 2 car parking place",
        "$1,250 Main",
        "12 January, Monday",
        "on 12 March, Ivo rang",
        "the best way, a first place, good view",
        "High Court",
        "Flat 2",
        "Windmill Hill is nice, and so is Houghton Bay",
        "Dr Larch rang",
        "in 2019 we moved",
        "",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert mentions([(text, 1.0)]) == ()


def test_the_subject_and_the_newest_words_count_most() -> None:
    texts = [("12 Larch Street", 3.0), ("We live at 9 Ash Road. 9 Ash Road is small.", 1.0)]
    assert [mention.street for mention in mentions(texts)] == ["Larch Street", "Ash Road"]


def test_a_number_takes_in_what_names_only_the_street() -> None:
    found = mentions([("Larch St", 3.0), ("about 12 larch street", 1.0), ("Larch Street, Clifton", 1.0)])
    assert found == (Mention("Larch Street", "12", "Clifton"),)


def test_a_unit_takes_in_its_house_and_macrons_win() -> None:
    found = mentions([("27 Matai Ave", 1.0), ("4/27 Mātai Avenue", 1.0)])
    assert found == (Mention("Mātai Avenue", "4/27", None),)


def test_who_mixes_up_the_type_means_one_house() -> None:
    assert len(mentions([("9 Larch Street", 2.0), ("9 Larch Terrace", 1.0)])) == 1


def test_a_street_is_known_by_its_name_where_the_type_is_said_elsewhere() -> None:
    assert first("9 Merlin", "the Merlin Court body corporate") == "9 Merlin Court"
    assert first("9 Merlin is lovely") is None
    assert first("9 Merlin is lovely", known=["Merlin Court"]) == "9 Merlin Court"
    assert first("The report (Merlin)", known=["Merlin Court"]) == "Merlin Court"
    assert first("the ida lane brochure", known=["Ida Lane"]) == "Ida Lane"
    assert first("the high life", known=["High Street"]) is None


def test_keys_are_the_same_however_it_is_written() -> None:
    assert street_key("Mātai Ave") == street_key("MATAI AVENUE") == street_key("matai av") == "matai avenue"
    assert street_key("St John's Rd.") == street_key("Saint Johns Road")
    assert property_key("27A", "High Rd") == property_key("27a", "High Road") == "27a high road"
    assert property_key("1204-71", "Main St") == property_key("1204/71", "Main Street")
    assert property_key(None, "High Rd") == "high road"


TOKENS = (
    "12|7/41|27A|12-14|The|the|St|Street|st|road|Rd|Larch|larch|ash|LARCH|,|.|(|)|-|/|#|no|number|Unit|"
    "flat|in|Clifton|"
    "Auckland|4121|26th|NE|West|\n|$1,250|1.5|2026|January|Broadway|Park|Hill|lane|Close|'|\u2019|\u0101|"
    "Te|of"
)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(TOKENS.split("|")), max_size=25).map(" ".join) | st.text(max_size=100),
            st.floats(0, 9),
        ),
        max_size=4,
    )
)
def test_whatever_is_written_the_properties_differ(texts: list[tuple[str, float]]) -> None:
    found = mentions(texts, known=["Larch Street", "The Linhay"])
    keys = [property_key(mention.number, mention.street) for mention in found]
    assert len(keys) == len(set(keys))
    assert all(mention.street.strip() for mention in found)


@pytest.mark.parametrize(
    "piece",
    [
        "a 1 ",
        "st ",
        "St Johns ",
        "12 a street ",
        "unit 4, 27 High Road, Clifton ",
        "A B C Road ",
        "no. 1 ",
        "12 Aa, Bb ",
    ],
)
def test_a_hostile_mail_is_read_in_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    mentions([(text, 1.0)], known=["High Street"])
    assert time.process_time() - began < 0.5  # 0.01 s where nothing else runs
