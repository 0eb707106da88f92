"""Parsing: whatever the bytes are there is a message, and what it says is what was sent."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zena_sse.mail.content.decoding import decode, decode_words
from zena_sse.mail.content.headers import REFERENCE_LIMIT, addresses
from zena_sse.mail.content.markup import text_of
from zena_sse.mail.content.message import Address, Message
from zena_sse.mail.content.parsing import ATTACHMENT_LIMIT, HTML_LIMIT, TEXT_LIMIT, parse, parse_batch

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HEAD = b"From: Jane Doe <jane@a.example>\nTo: b@b.example\nDate: Mon, 9 Nov 2026 08:20:28 +1300\n"


def read(raw: bytes | str) -> Message:
    return parse(raw.encode() if isinstance(raw, str) else raw, NOW)


def mail(*headers: str, body: str | bytes = "hello") -> Message:
    """A mail of Jane's with these headers more."""
    content = body.encode() if isinstance(body, str) else body
    return read(HEAD + "".join(f"{header}\n" for header in headers).encode("utf-8") + b"\n" + content)


def demo(demo_mail: Path, name: str) -> Message:
    return read((demo_mail / name).read_bytes())


class TestHeaders:
    def test_names_are_decoded_and_addresses_are_lower_case(self) -> None:
        message = mail(
            'Cc: "Doe, John" <John@A.Example>, =?utf-8?q?H=C4=93mi?= <h@a.example>, c@a.example (C)'
        )
        assert message.sender == Address("Jane Doe", "jane@a.example")
        assert message.cc == (
            Address("Doe, John", "john@a.example"),
            Address("Hēmi", "h@a.example"),
            Address("C", "c@a.example"),
        )

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("Doe, Jane <j@a.example>", [Address("Doe, Jane", "j@a.example")]),
            ("undisclosed-recipients:;", []),
            ("Team: a@a.example, b@a.example;", [Address("", "a@a.example"), Address("", "b@a.example")]),
            (
                '"Jane <j@a.example>, x@a.example',
                [Address("Jane", "j@a.example"), Address("", "x@a.example")],
            ),
            ("=?utf-8?q?Jane_=3Cj=40a=2Eexample=3E?=", [Address("Jane", "j@a.example")]),
            ("<MAILER-DAEMON>", [Address("", "mailer-daemon")]),
            ("'Jane' <j@a.example>", [Address("Jane", "j@a.example")]),
            ("", []),
        ],
    )
    def test_addresses_as_they_are_really_written(self, value: str, expected: list[Address]) -> None:
        assert list(addresses([value])) == expected

    @pytest.mark.parametrize(
        ("stated", "minutes"),
        [
            ("Mon, 9 Nov 2026 08:20:28 +1300", 780),
            ("Mon, 9 Nov 2026 08:20:28 +0545 (NPT)", 345),
            ("Mon, 9 Nov 2026 08:20:28 -0330", -210),
            ("Mon, 9 Nov 2026 08:20:28 EST", -300),
            ("Mon, 9 Nov 2026 08:20:28 +0000", 0),
            ("Mon, 9 Nov 2026 08:20:28 GMT", 0),
            ("Mon, 9 Nov 2026 08:20:28 -0000", None),
            ("Mon, 9 Nov 2026 08:20:28", None),
            ("Mon, 9 Nov 2026 08:20:28 NZDT", None),
            ("Mon, 9 Nov 2026 08:20:28 +9900", None),
            ("Mon, 9 Nov 2026 08:20:28 +1500", None),
            ("yesterday", None),
        ],
    )
    def test_the_senders_clock_is_what_the_date_states(self, stated: str, minutes: int | None) -> None:
        assert read(f"From: a@a.example\nDate: {stated}\n\nx").utc_offset == minutes
        assert read("From: a@a.example\n\nx").utc_offset is None

    def test_undeclared_8_bit_headers_are_read_as_utf_8_or_else_as_windows_text(self) -> None:
        assert read(b"Subject: T\xc5\xab\xc4\xab Glen\n\nx").subject == "Tūī Glen"
        assert read(b"Subject: Caf\xe9 \x96 na\xefve\n\nx").subject == "Café \u2013 naïve"

    def test_encoded_words_may_split_a_character_and_break_over_lines(self) -> None:
        assert decode_words("=?utf-8?q?M=C4?=\n =?utf-8?q?=81tai?= Ave") == "Mātai Ave"
        assert decode_words("Re: =?utf-8?b?TcSBdGFp?=  =?utf-8?b?IEF2ZQ==?= 9") == "Re: Mātai Ave 9"
        assert mail("Subject: =?utf-8?q?one\n two?=").subject == "one two"

    def test_message_ids_lose_their_brackets_and_odd_ones_are_kept(self) -> None:
        assert mail("Message-ID: <a@b>").message_id == "a@b"
        assert mail("Message-ID: a@b").message_id == "a@b"
        assert mail("Message-ID: <[a b]@[1.2.3.4]>").message_id == "[ab]@[1.2.3.4]"
        assert mail("Message-ID: <>").message_id is None
        assert mail("Message-ID:").message_id is None
        assert mail().message_id is None

    def test_references_are_oldest_first_and_each_once(self) -> None:
        message = mail("Message-ID: <d@x>", "References: <a@x> <b@x>\n <a@x>", "In-Reply-To: <c@x> <d@x>")
        assert message.references == ("a@x", "b@x", "c@x")

    def test_an_address_in_in_reply_to_is_no_reference(self) -> None:
        prose = mail('In-Reply-To: Message from Bob <bob@b.example> of "Mon, 9 Nov" <a@x>')
        assert prose.references == ("a@x",)
        assert mail("In-Reply-To: your mail <jane@a.example>").references == ()

    def test_absurdly_many_references_keep_the_root_and_the_nearest(self) -> None:
        found = mail("References: " + " ".join(f"<{i}@x>" for i in range(2000))).references
        assert len(found) == REFERENCE_LIMIT
        assert found[0] == "0@x"
        assert found[-1] == "1999@x"

    def test_absurdly_long_ids_still_match_each_other(self) -> None:
        long = "x" * 5000
        own = mail(f"Message-ID: <{long}>").message_id
        assert own is not None
        assert len(own) < 100
        assert mail(f"References: <{long}>").references == (own,)

    def test_headers_that_tell_people_from_machines_are_kept(self) -> None:
        kept = mail("List-Id: Some <list.x>", "Precedence: bulk", "X-Other: no").headers
        assert kept == {"list-id": "Some <list.x>", "precedence": "bulk"}


class TestDate:
    RECEIVED = "Received: from a by b; Tue, 10 Nov 2026 10:00:00 +0000"

    def test_the_date_header_wins_and_is_utc(self) -> None:
        assert mail(self.RECEIVED).date == datetime(2026, 11, 8, 19, 20, 28, tzinfo=UTC)

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026", "Mon, 1 Jan 1900 00:00:00 +0000"])
    def test_without_a_date_the_newest_received_counts(self, date: str) -> None:
        raw = (
            f"From: a@b.example\nDate: {date}\n{self.RECEIVED}\nReceived: by c; Mon, 9 Nov 2026 01:00:00\n\nx"
        )
        assert read(raw).date == datetime(2026, 11, 10, 10, tzinfo=UTC)

    @pytest.mark.parametrize("date", ["Tue, 1 Jan 2036 00:00:00 +0000", "Tue, 1 Jan 2019 00:00:00 +0000"])
    def test_a_date_that_contradicts_the_server_is_not_believed(self, date: str) -> None:
        assert read(f"Date: {date}\n{self.RECEIVED}\n\nx").date == datetime(2026, 11, 10, 10, tzinfo=UTC)

    def test_without_any_date_the_time_of_receipt_counts(self) -> None:
        assert read("Subject: x\n\nx").date == NOW
        assert read("Date: Tue, 1 Jan 9999 00:00:00 +0000\n\nx").date == NOW

    def test_sent_mail_may_be_newer_than_the_file_it_is_in(self) -> None:
        assert parse(HEAD + b"\nx", NOW - timedelta(days=400)).date.year == 2026


class TestKey:
    ID = "Message-ID: <same@x>"

    def test_copies_have_one_key_whatever_servers_add(self) -> None:
        received = mail(self.ID, "Received: by x; Mon, 9 Nov 2026 00:00:00 +0000", "X-Spam-Flag: NO")
        assert received.key == mail(self.ID, body="hello\n-- \nlist footer").key

    def test_a_reused_message_id_does_not_make_two_messages_one(self) -> None:
        one = mail(self.ID)
        assert one.key != read(HEAD.replace(b"jane@", b"john@") + b"Message-ID: <same@x>\n\nhello").key
        assert one.key != read(HEAD.replace(b"08:20", b"09:20") + b"Message-ID: <same@x>\n\nhello").key

    def test_without_message_id_the_words_tell(self) -> None:
        assert mail("Subject: a").key == mail("Subject: a", "X-Added: later").key
        assert mail("Subject: a").key != mail("Subject: b").key
        assert mail(body="one").key != mail(body="two").key

    def test_in_the_demo_three_messages_stand_in_both_folders(self, demo_mail: Path) -> None:
        keys = [read(path.read_bytes()).key for path in demo_mail.glob("*/*.eml")]
        assert (len(keys), len(set(keys))) == (182, 179)


class TestCharset:
    @pytest.mark.parametrize(
        ("charset", "data", "text"),
        [
            ("utf-8", "Tūī".encode(), "Tūī"),
            ("iso-8859-1", b"\x93caf\xe9\x94", "\u201ccafé\u201d"),
            ("iso-8859-1", "Tūī".encode(), "Tūī"),
            ("us-ascii", b"caf\xe9", "café"),
            ("x-nonsense", "Tūī".encode(), "Tūī"),
            ("gb2312", "镕".encode("gb18030"), "镕"),
            ("big5", "中文".encode("big5"), "中文"),
            ("utf-8", b"caf\xe9", "café"),
            ("utf-16", "hi".encode("utf-16"), "hi"),
            ("unicode_escape", b"\\ud800", "\\ud800"),
            ("zlib", b"hi", "hi"),
            ("idna", b"hi", "hi"),
        ],
    )
    def test_text_is_read_whatever_the_charset_claims(self, charset: str, data: bytes, text: str) -> None:
        assert mail(f"Content-Type: text/plain; charset={charset}", body=data).text == text

    def test_an_unknown_charset_is_said(self) -> None:
        assert mail("Content-Type: text/plain; charset=x-nonsense").defect == "unknown charset 'x-nonsense'"

    def test_a_text_cut_within_a_character_keeps_its_charset(self) -> None:
        assert decode("Māori ā".encode()[:-1], "utf-8") == "Māori \ufffd"

    @given(st.binary(max_size=60), st.text(max_size=20))
    def test_decoding_never_raises(self, data: bytes, charset: str) -> None:
        assert isinstance(decode(data, charset), str)

    def test_nul_and_controls_are_dropped(self) -> None:
        assert mail(body=b"a\x00b\x1b[1mc\td\r\ne\rf").text == "ab[1mc\td\ne\nf"


def alternative(*parts: str, kind: str = "alternative") -> Message:
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    return mail(f'Content-Type: multipart/{kind}; boundary="b"', body=body)


PLAIN, HTML = "Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>rich</p>"


class TestParts:
    def test_of_two_alternatives_the_plain_one_is_read_and_the_html_kept(self) -> None:
        message = alternative(PLAIN, HTML)
        assert message.text == "plain"
        assert message.html == "<p>rich</p>"

    def test_an_empty_plain_part_does_not_hide_the_html(self) -> None:
        assert alternative("Content-Type: text/plain\n\n \n", HTML).text == "rich"

    def test_text_around_an_attachment_is_all_read(self) -> None:
        pdf = "Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\nxyz"
        message = alternative(PLAIN, pdf, "Content-Type: text/plain\n\nafter", kind="mixed")
        assert message.text == "plain\nafter"
        assert [(a.name, a.content_type, a.size) for a in message.attachments] == [
            ("a.pdf", "application/pdf", 3)
        ]

    @pytest.mark.parametrize(
        "disposition",
        [
            "filename*=utf-8''T%C5%AB%C4%AB.pdf",
            "filename*0*=utf-8''T%C5%AB;\n filename*1*=%C4%AB.pdf",
            'filename="=?utf-8?q?T=C5=AB=C4=AB=2Epdf?="',
            'filename="Tūī.pdf"',
        ],
    )
    def test_file_names_in_every_encoding(self, disposition: str) -> None:
        part = f"Content-Type: application/pdf\nContent-Disposition: attachment; {disposition}\n\nx"
        assert alternative(PLAIN, part, kind="mixed").attachments[0].name == "Tūī.pdf"

    def test_a_forwarded_message_is_an_attachment_and_not_the_senders_words(self) -> None:
        inner = "Content-Type: message/rfc822\n\nSubject: inner\nFrom: x@y.example\n\nnot hers"
        message = alternative(PLAIN, inner, kind="mixed")
        assert message.text == "plain"
        assert [(a.name, a.content_type) for a in message.attachments] == [("inner", "message/rfc822")]

    def test_a_missing_closing_boundary_loses_nothing(self, demo_mail: Path) -> None:
        message = demo(demo_mail, "INBOX/0002.eml")
        assert "Add it to your calendar" in message.text
        assert [a.name for a in message.attachments] == ["cpd.ics"]
        assert message.defect == "close boundary not found"

    def test_broken_base64_is_read_as_far_as_it_goes(self, demo_mail: Path) -> None:
        message = demo(demo_mail, "INBOX/0007.eml")
        assert message.message_id is None
        assert message.text.startswith("Hello Dear Website Owner,")
        assert "Digital Marketing Consultant" in message.text + message.signature
        assert message.defect == "broken base64"

    def test_a_multipart_without_parts_is_text(self) -> None:
        assert mail("Content-Type: multipart/mixed; boundary=b", body="just this").text == "just this"
        assert mail("Content-Type: multipart/mixed", body="just this").text == "just this"

    def test_flowed_lines_are_one_paragraph_again(self) -> None:
        body = "I viewed it. Please \ntell me more.\n\n> she wrote \n> that\n-- \nJane"
        message = mail("Content-Type: text/plain; format=flowed", body=body)
        assert message.text == "I viewed it. Please tell me more."
        assert message.quoted == "> she wrote that"

    def test_huge_bodies_are_bounded(self) -> None:
        assert len(mail(body="word " * TEXT_LIMIT).text) <= TEXT_LIMIT
        html = mail("Content-Type: text/html", body="<p>word</p>" * HTML_LIMIT)
        assert html.html is not None
        assert len(html.html) == HTML_LIMIT
        files = ["Content-Type: image/png\n\nx"] * (ATTACHMENT_LIMIT + 10)
        assert len(alternative(*files, kind="mixed").attachments) == ATTACHMENT_LIMIT


class TestHtml:
    def test_inline_tags_do_not_break_lines_and_blocks_do(self) -> None:
        html = "<div>Hi <b>Mi</b>a,</div><p>one\n two</p><table><tr><td>a</td><td>b</td></tr></table>x<br>y"
        assert text_of(html) == "Hi Mia,\n\none two\n\na b\nx\ny"

    def test_what_nobody_sees_is_not_text(self) -> None:
        html = "<title>t</title><style>s</style>a<span style='display: none'>ignore the above</span>b"
        assert text_of(html) == "ab"

    def test_quotes_of_mail_clients_are_quoted_and_indentation_is_not(self) -> None:
        html = (
            "mine<div class=gmail_quote>On 9 Nov 2026 at 8:20, J wrote:<blockquote>theirs</blockquote></div>"
        )
        message = mail("Content-Type: text/html", body=html)
        assert message.text == "mine"
        assert message.quoted.endswith("> theirs")
        assert mail("Content-Type: text/html", body="<blockquote>mine</blockquote>").text == "mine"


class TestPromise:
    def test_an_unforeseen_failure_costs_the_structure_and_not_the_mail(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise IndexError("nobody thought of this")

        monkeypatch.setattr("zena_sse.mail.content.parsing._gather", fail)
        message = mail("Subject: important", body="the words")
        assert message.defect == "not readable: IndexError: nobody thought of this"
        assert message.raw is not None
        assert (message.subject, message.sender.email, message.text, message.date) == (
            "important",
            "jane@a.example",
            "the words",
            NOW,
        )

    @given(st.binary(max_size=400))
    def test_any_bytes_become_a_message(self, raw: bytes) -> None:
        check(parse(raw, NOW))

    @settings(max_examples=150)
    @given(data=st.data())
    def test_mutated_mail_becomes_a_message(self, data: st.DataObject, demo_mail: Path) -> None:
        files = sorted(demo_mail.glob("*/*.eml"))
        raw = bytearray(data.draw(st.sampled_from(files)).read_bytes())
        for _ in range(data.draw(st.integers(1, 12))):
            at = data.draw(st.integers(0, min(len(raw), 3000)))
            length = data.draw(st.integers(0, 20))
            raw[at : at + length] = data.draw(st.sampled_from(POISON) | st.binary(max_size=8))
        check(parse(bytes(raw), NOW))

    @pytest.mark.parametrize("shape", range(9))
    def test_hostile_mail_takes_no_more_than_its_share_of_time(self, shape: int) -> None:
        raw = next(islice(hostile(), shape, None))
        started = time.process_time()
        check(parse(raw, NOW))
        assert time.process_time() - started < 2  # each took 3 to 13 s before it was handled

    def test_a_batch_is_each_of_them(self) -> None:
        batch = [(HEAD + b"\none", NOW), (b"", NOW)]
        assert parse_batch(batch) == [parse(*each) for each in batch]

    def test_a_snippet_is_one_line_of_500_characters(self) -> None:
        assert mail(body="one\n\n  two").snippet == "one two"
        assert len(mail(body="word " * 500).snippet) <= 500
        assert mail(body="word " * 500).snippet.endswith("…")


POISON = [
    b"\0",
    b"\r",
    b"\n\n",
    b"\xff\xfe",
    b"=?utf-16?b?2AA=?=",
    b"Message-ID: <[",
    b"Content-Type: multipart/mixed; boundary=",
    b"charset*0*=utf-8''%ff",
    b"charset=utf-7",
    b"Date: Mon, 99 Foo 99999 99:99:99 +99999\n",
    b'"',
    b"=",
    b"--",
]


def check(message: Message) -> None:
    """It can be encoded, stored and sent between processes; nothing in it is a surrogate or NUL."""
    encoded = msgspec.json.encode(message)
    assert msgspec.json.decode(encoded, type=Message) == message
    assert pickle.loads(pickle.dumps(message)) == message  # noqa: S301 - our own bytes
    assert b"\\u0000" not in encoded
    assert message.date.tzinfo is UTC
    assert message.defect if message.raw is not None else message.key


def hostile() -> Iterator[bytes]:
    size = 500_000
    yield HEAD + b"Cc: " + b'"\\' * size + b"\n\nx"
    yield HEAD + b"Cc: " + b"(\\" * size + b"\n\nx"
    yield HEAD + b"Cc: " + b"a" * size + b" @\n\nx"
    yield HEAD + b"Content-Type: text/plain" + b";a=b" * size + b"\n\nx"
    yield HEAD + b"Content-Type: text/html\n\n" + b"<figure>" * size
    yield HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * size
    levels = (f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n".encode() for i in range(400))
    yield HEAD + b"".join(levels) + b"\n" + b"x\n" * size
    yield HEAD + b"\n" + b"--\n" * size
    yield HEAD + b"\n" + b"On Mon, 9 Nov 2026 at 8:20, J wrote:\n\n" * (size // 20)
