"""Threading: the conversations people had, in whatever order their mails arrive."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversations import Mailbox, Partition, partition
from zena_sse.mail.content.message import Address, Message
from zena_sse.mail.content.parsing import parse
from zena_sse.mail.content.subjects import base_subject, is_reply

LABELS = Path(__file__).parents[2] / "data" / "mail" / "labels.json"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ME, JANE, BOB = "me@own.example", "jane@a.example", "bob@b.example"


def mail(
    key: str,
    subject: str = "12 Long Street",
    *references: str,
    day: float = 0,
    sender: str = JANE,
    to: str = ME,
    message_id: str | None = "",
    **headers: str,
) -> Message:
    return Message(
        key=key,
        message_id=f"{key}@x" if message_id == "" else message_id,
        references=tuple(f"{reference}@x" for reference in references),
        subject=subject,
        sender=Address("", sender),
        to=(Address("", to),),
        cc=(),
        date=NOW + timedelta(days=day),
        text="",
        quoted="",
        signature="",
        html=None,
        attachments=(),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def together(*messages: Message) -> bool:
    """Is it one conversation, in this order of arrival and in the other?"""
    sizes = {len(partition(order, [ME])) for order in (messages, messages[::-1])}
    assert len(sizes) == 1, "it must not depend on the order"
    return sizes == {1}


class TestDemo:
    @pytest.fixture
    def labelled(self, demo_mail: Path) -> tuple[list[Message], Partition, list[str]]:
        labels = msgspec.json.decode(LABELS.read_bytes())
        read = {
            f"{path.parent.name}/{path.name}": parse(path.read_bytes(), NOW)
            for path in demo_mail.glob("*/*.eml")
        }
        threads = {frozenset(read[name].key for name in thread["messages"]) for thread in labels["threads"]}
        assert sum(len(thread["messages"]) for thread in labels["threads"]) == len(read)
        return sorted(read.values(), key=lambda message: message.date), threads, labels["agent"]

    def test_all_70_conversations_are_found_as_mail_arrives(
        self, labelled: tuple[list[Message], Partition, list[str]]
    ) -> None:
        messages, threads, own = labelled
        assert partition(messages, own) == threads
        assert len(threads) == 70

    @pytest.mark.parametrize("seed", range(8))
    def test_they_are_found_in_any_order(
        self, labelled: tuple[list[Message], Partition, list[str]], seed: int
    ) -> None:
        messages, threads, own = labelled
        shuffled = random.Random(seed).sample(messages, len(messages))  # noqa: S311 - an order, no secret
        assert partition(shuffled, own) == threads
        assert partition(reversed(messages), own) == threads


class TestHeaders:
    def test_a_reply_joins_its_parent_before_or_after_it(self) -> None:
        assert together(mail("a"), mail("b", "other words", "a", day=1))

    def test_a_changed_subject_does_not_part_a_conversation(self) -> None:
        assert together(mail("a", "one"), mail("b", "two", "a"), mail("c", "three", "a", "b"))

    def test_siblings_of_an_unseen_parent_are_one_conversation(self) -> None:
        assert together(mail("b", "one", "unseen"), mail("c", "two", "unseen"))

    def test_a_message_that_knows_two_threads_makes_them_one_and_the_oldest_stays(self) -> None:
        mailbox = Mailbox([ME])
        young, old = mailbox.add(mail("y", "one", day=5)), mailbox.add(mail("o", "two"))
        assert young != old
        assert mailbox.add(mail("joins", "three", "y", "o", day=6)) == old
        assert list(mailbox.threads) == [old]
        assert mailbox.add(mail("later", "four", "y", day=7)) == old

    def test_the_providers_thread_holds_together_what_headers_do_not(self) -> None:
        mailbox = Mailbox([ME])
        first = mailbox.add(mail("a", "one"), hint="gmail 17")
        assert mailbox.add(mail("b", "two"), hint="gmail 17") == first
        assert mailbox.add(mail("c", "three"), hint="gmail 18") != first

    def test_messages_without_any_id_stay_alone(self) -> None:
        assert not together(mail("a", "x", message_id=None), mail("b", "x", message_id=None))

    @given(st.data())
    def test_with_headers_only_the_order_does_not_matter(self, data: st.DataObject) -> None:
        numbers = range(data.draw(st.integers(1, 12)))
        unseen = [f"unseen{i}" for i in range(4)]
        known = st.sampled_from([*map(str, numbers), *unseen])
        messages = [
            mail(str(i), f"subject {i}", *data.draw(st.lists(known, max_size=3)), day=i % 5) for i in numbers
        ]
        expected = _connected(messages)
        assert partition(messages) == expected
        assert partition(data.draw(st.permutations(messages))) == expected


def _connected(messages: Sequence[Message]) -> Partition:
    """Messages that share an id, directly or through others; the plain definition."""
    groups: list[tuple[set[str], set[str]]] = []
    for message in messages:
        ids, keys = {*message.references, message.message_id or ""}, {message.key}
        for group in [group for group in groups if group[0] & ids]:
            groups.remove(group)
            ids |= group[0]
            keys |= group[1]
        groups.append((ids, keys))
    return {frozenset(keys) for _, keys in groups}


class TestSubject:
    """The last resort, and all that it must not do."""

    first = mail("a", sender=ME, to=JANE)

    def test_an_answer_without_references_joins_what_it_answers(self) -> None:
        assert together(self.first, mail("b", "RE: 12 long  street", day=3))

    @pytest.mark.parametrize(
        "other",
        [
            mail("b", "12 Long Street", day=3),
            mail("b", "Re: 14 Long Street", day=3),
            mail("b", "Re: 12 Long Street", day=3, sender=BOB),
            mail("b", "Re: 12 Long Street", day=40),
            mail("b", "Re: 12 Long Street", day=-3),
            mail("b", "Re: 12 Long Street", "unknown", day=3),
            mail("b", "Re: 12 Long Street", day=3, list_id="x"),
            mail("b", "Re: 12 Long Street", day=3, auto_submitted="auto-replied"),
            mail("b", "Re: 12 Long Street", day=3, precedence="bulk"),
        ],
        ids=["no answer", "subject", "stranger", "late", "before", "refers", "list", "automatic", "bulk"],
    )
    def test_anything_less_is_another_conversation(self, other: Message) -> None:
        assert not together(self.first, other)

    @pytest.mark.parametrize("subject", ["", "Hi", "Question", "RE:", "Fwd: re:", "??", "Thank you!"])
    def test_a_subject_that_says_nothing_holds_nothing_together(self, subject: str) -> None:
        assert not together(mail("a", subject), mail("b", f"Re: {subject}", day=1))

    def test_the_user_alone_is_nobody_in_common(self) -> None:
        assert not together(
            mail("a", sender=ME, to=ME), mail("b", "Re: 12 Long Street", sender=ME, to=ME, day=1)
        )

    def test_an_answer_joins_the_nearest_of_two_conversations_and_leaves_them_apart(self) -> None:
        mailbox = Mailbox([ME])
        mailbox.add(mail("old"))
        near = mailbox.add(mail("near", day=5))
        assert mailbox.add(mail("answer", "Re: 12 Long Street", day=6)) == near
        assert len(mailbox.threads) == 2

    def test_an_answer_that_waits_is_found_though_its_thread_was_begun_by_headers(self) -> None:
        orphan, reply = mail("o", "Re: 12 Long Street", day=3), mail("r", "Re: 12 Long Street", "a", day=1)
        assert len(partition([orphan, reply, self.first], [ME])) == 1

    def test_a_message_costs_at_most_two_lookups(self) -> None:
        mailbox = Mailbox([ME])
        for number, message in enumerate(
            [self.first, mail("b", "Re: 12 Long Street"), mail("c", "x", "a")], 1
        ):
            mailbox.add(message)
            assert mailbox.calls <= 2 * number


@pytest.mark.parametrize(
    "subject",
    [
        "12 Long Street",
        "Re: 12 Long Street",
        "RE: FW: Re[2]: 12 Long  Street",
        "AW: WG: 12 long street",
        "SV:12 Long Street",
        "Antw: 12 Long Street",
        "回复\uff1a12 Long Street",
        "[EXTERNAL] Re: [list] 12 Long Street",
        "Fwd: 12 Long Street (fwd)",
        " re : 12 Long Street ",
    ],
)
def test_prefixes_tags_case_and_spaces_are_no_part_of_a_subject(subject: str) -> None:
    assert base_subject(subject) == "12 long street"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("Re: x", True), ("Fwd: Re: x", True), ("[a] AW: x", True), ("Fwd: x", False), ("Regarding: x", False)],
)
def test_only_an_answers_prefix_makes_an_answer(subject: str, expected: bool) -> None:
    assert is_reply(subject) is expected


@given(st.text(max_size=50))
def test_an_answer_has_the_base_subject_of_what_it_answers(subject: str) -> None:
    assert base_subject(f"Re: {subject}") == base_subject(subject)


def test_tags_alone_are_kept() -> None:
    assert base_subject("[ABC-12]") == "[abc-12]"
