"""The people of a thread: who counts, what they are called, and whose number it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zena_sse.mail.content.message import Address, Message
from zena_sse.triage.analysis.findings import Contact
from zena_sse.triage.analysis.people import contacts
from zena_sse.triage.analysis.phones import international, likely_region, numbers

AGENT = Address("Ida Agent", "ida@agency.example")
OWN = frozenset({"ida@agency.example", "ida.agent@agency.example"})
JO = Address("Jo Tarn", "jo@tarn.example")
MORNING = datetime(2026, 11, 18, 9, tzinfo=UTC)


def message(  # what differs from "Jo writes to the agent, in New Zealand"
    text: str = "Hello",
    *,
    sender: Address = JO,
    to: tuple[Address, ...] = (AGENT,),
    cc: tuple[Address, ...] = (),
    quoted: str = "",
    signature: str = "",
    hours: int = 0,
    offset: int | None = 780,
) -> Message:
    return Message(
        key=f"{hours}",
        message_id=None,
        references=(),
        subject="",
        sender=sender,
        to=to,
        cc=cc,
        date=MORNING + timedelta(hours=hours),
        text=text,
        quoted=quoted,
        signature=signature,
        html=None,
        attachments=(),
        headers={},
        utc_offset=offset,
    )


def people(*messages: Message) -> dict[str, Contact]:
    return {contact.email: contact for contact in contacts(messages, OWN)}


def names(*messages: Message) -> dict[str, str]:
    return {email: contact.name for email, contact in people(*messages).items()}


def phone(*messages: Message) -> str | None:
    return people(*messages)[JO.email].phone


class TestWho:
    def test_senders_and_recipients_count_and_the_agent_does_not(self) -> None:
        found = people(
            message(cc=(Address("Sam Tarn", "sam@tarn.example"),)),
            message(sender=AGENT, to=(Address("", "third@else.example"),)),
        )
        assert list(found) == ["jo@tarn.example", "sam@tarn.example", "third@else.example"]

    @pytest.mark.parametrize(
        "email",
        [
            "noreply@portal.example",
            "no-reply@portal.example",
            "do_not_reply@bank.example",
            "jobs.noreply@portal.example",
            "mailer-daemon@tarn.example",
            "bounces+123@list.example",
            "mailer-daemon",
        ],
    )
    def test_machines_are_nobody(self, email: str) -> None:
        assert people(message(sender=Address("Portal", email))) == {}

    def test_of_the_own_office_only_those_count_who_write(self) -> None:
        boss = Address("Bo Boss", "bo@agency.example")
        shared = Address("Agency", "sales@agency.example")
        assert list(people(message(cc=(boss, shared)))) == ["jo@tarn.example"]
        assert list(people(message(sender=boss, to=(shared, AGENT)))) == ["bo@agency.example"]

    def test_who_is_named_with_an_address_counts(self) -> None:
        text = "For anything urgent please contact Lise Marlow, lise@marlow.example, 09 555 0115."
        found = people(message(text, offset=780))
        assert found["lise@marlow.example"] == Contact("Lise Marlow", "lise@marlow.example", "+64 9 555 0115")
        assert found["jo@tarn.example"].phone is None

    def test_addresses_in_small_print_and_links_do_not_count(self) -> None:
        text = (
            "If you are not the intended recipient write to privacy@bank.example.\n"
            "To unsubscribe mail out@list.example\nhttps://x.example/?to=who@else.example"
        )
        assert list(people(message(text))) == ["jo@tarn.example"]

    def test_who_wrote_what_is_forwarded_counts_with_name_and_number(self) -> None:
        quoted = (
            "---------- Forwarded message ---------\nFrom: Rik Rowan <rik@rowan.example>\n"
            "To: Jo Tarn <jo@tarn.example>\nCc: ana@rowan.example\nSubject: damp\n\n"
            "It is damp.\n\nRik Rowan\nRowan Inspections  09 555 0144"
        )
        found = people(message("See below", quoted=quoted))
        assert found["rik@rowan.example"] == Contact("Rik Rowan", "rik@rowan.example", "+64 9 555 0144")
        assert list(found) == ["jo@tarn.example", "rik@rowan.example", "ana@rowan.example"]

    def test_the_writer_of_a_quote_is_known_by_its_introduction(self) -> None:
        quoted = "On Wed, 4 Nov 2026 at 9:12 am, Rik Rowan <rik@rowan.example> wrote:\n> Hello"
        assert names(message(quoted=quoted))["rik@rowan.example"] == "Rik Rowan"


class TestNames:
    @pytest.mark.parametrize(
        ("display", "name"),
        [
            ("Jo Tarn", "Jo Tarn"),
            ("Tarn, Jo", "Jo Tarn"),
            ("jo tarn", "Jo Tarn"),
            ("JO TARN", "Jo Tarn"),
            ("Jo Tarn (via Portal)", "Jo Tarn"),
            ("jo@tarn.example", "Jo"),
            ("", "Jo"),
            ("陈晓明", "陈晓明"),
        ],
    )
    def test_a_display_name_is_shown_as_people_are_called(self, display: str, name: str) -> None:
        assert names(message(sender=Address(display, JO.email))) == {JO.email: name}

    def test_a_signature_completes_a_first_name(self) -> None:
        signed = message(sender=Address("Jo", JO.email), signature="Kind regards\nJo Tarn\nTarn Flooring Ltd")
        assert names(signed) == {JO.email: "Jo Tarn"}
        unnamed = message(sender=Address("", "office@tarn.example"), signature="Jo Tarn | Director")
        assert names(unnamed) == {"office@tarn.example": "Jo Tarn"}

    def test_a_fuller_name_seen_later_replaces_the_first(self) -> None:
        later = message(cc=(Address("Samantha Tarn", "sam@tarn.example"),), hours=1)
        assert (
            names(message(cc=(Address("", "sam@tarn.example"),)), later)["sam@tarn.example"]
            == "Samantha Tarn"
        )

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("She's Rowena at Tarn Coast, r.b@coast.example, she was nice", "Rowena"),
            ("please cc Ana Rowan (r.b@coast.example)", "Ana Rowan"),
            ("my brother Ana Rowan <r.b@coast.example>", "Ana Rowan"),
            ("email r.b@coast.example", "R B"),
            ("Email r.b@coast.example", "R B"),
        ],
    )
    def test_words_before_an_address_name_its_owner(self, text: str, name: str) -> None:
        assert names(message(text))["r.b@coast.example"] == name


class TestPhones:
    @pytest.mark.parametrize(
        ("text", "signature", "expected"),
        [
            ("Hello", "Jo Tarn\n021 555 0142", "+64 21 555 0142"),
            ("Hello", "Jo Tarn\nP 09 555 0120 | M 021 555 0142", "+64 21 555 0142"),
            ("Hello", "Jo Tarn\nFax 09 555 0120\n021 555 0142", "+64 21 555 0142"),
            ("txt better than email 021 555 0142", "", "+64 21 555 0142"),
            ("My number is (021) 555-0142, any time", "", "+64 21 555 0142"),
            ("ok then\nJo\n0215550142", "", "+64 21 555 0142"),
            ("Done.\n\nJo Tarn :: Tarn Home Loans :: 021 555 0142", "", "+64 21 555 0142"),
            ("please text Ana on 021 555 0142", "", None),
            ("his mobile is 021 555 0142", "", None),
            ("my solicitor's number is 09 555 0142", "", None),
            ("Ana Rowan, 021 555 0142, has the key", "", None),
            ("account 12-3456-0155501-42, ref 2105550142, $2,155,501", "", None),
            ("12/11/2026 and 2026-11-12, 1998 2001 2004", "", None),
        ],
    )
    def test_a_number_is_its_owners(self, text: str, signature: str, expected: str | None) -> None:
        assert phone(message(text, signature=signature)) == expected

    def test_the_newest_number_wins(self) -> None:
        old, new = "Jo Tarn\n021 555 0142", "Jo Tarn\n027 555 0143"
        assert phone(message(signature=new, hours=2), message(signature=old)) == "+64 27 555 0143"

    @pytest.mark.parametrize(
        ("written", "offset", "expected"),
        [
            ("0491 570 156", 600, "+61 491 570 156"),
            ("07 7010 0142", 600, "+61 7 7010 0142"),
            ("02 5550 1234", 660, "+61 2 5550 1234"),
            ("07700 900233", 60, "+44 7700 900233"),
            ("020 7946 0123", 0, "+44 20 7946 0123"),
            ("085 555 0138", 0, "+353 85 555 0138"),
            ("(604) 555-0123", -480, "+1 604-555-0123"),
            ("604.555.0123", None, "+1 604-555-0123"),
            ("+64 (0)21 555 0142", 60, "+64 21 555 0142"),
            ("+33 6 39 98 00 41", 780, "+33 6 39 98 00 41"),
            ("0491 570 156", 780, "+61 491 570 156"),
            ("021 555 0142", None, "+64 21 555 0142"),
        ],
    )
    def test_the_country_is_guessed(self, written: str, offset: int | None, expected: str) -> None:
        assert phone(message(signature=f"Jo Tarn\n{written}", offset=offset)) == expected

    def test_the_caller_may_say_the_country(self) -> None:
        found = contacts([message(signature="Jo Tarn\n01 555 0142", offset=None)], OWN, region="IE")
        assert found[0].phone == "+353 1 555 0142"

    def test_what_cannot_be_understood_stays_as_it_is_written(self) -> None:
        assert international("555 0142", "NZ") == "555 0142"
        assert international("08 12", None) == "08 12"

    def test_nothing_tells_the_country_of_no_number(self) -> None:
        assert likely_region([]) is None
        assert likely_region(["555 0142"], [345]) is None

    @settings(max_examples=300)
    @given(st.text(alphabet="0123456789+()-. /x\n", max_size=60))
    def test_the_last_digits_are_those_written(self, text: str) -> None:
        for start, end in numbers(text):
            digits = [c for c in text[start:end] if c.isdigit()]
            for region in ("NZ", "US", None):
                shown = [c for c in international(text[start:end], region) if c.isdigit()]
                assert shown[-8:] == digits[-8:]


@settings(max_examples=200)
@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=100))
def test_whatever_is_written_there_is_one_contact_for_each_address(
    text: str, quoted: str, signature: str
) -> None:
    found = contacts([message(text, quoted=quoted, signature=signature)], OWN)
    assert len({contact.email for contact in found}) == len(found)
    assert all(contact.name and contact.email not in OWN for contact in found)


@pytest.mark.parametrize(
    "piece",
    [
        "a 1 ",
        "x@y.co ",
        "From: a@b.co ",
        "From: a@b.co\n",
        "a@",
        "a.",
        "+1 ",
        "021 555 0142 ",
        "Aa Bb ",
        "x <a@b.co> wrote: ",
    ],
)
def test_a_hostile_mail_is_read_in_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    contacts([message(text, quoted=text, signature=text)], OWN)
    assert time.process_time() - began < 1  # 0.06 s where nothing else runs
