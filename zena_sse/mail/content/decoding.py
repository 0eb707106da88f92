"""Bytes to text, whatever they claim: charsets, transfer encodings, encoded words. Nothing here raises."""

from __future__ import annotations

import binascii
import codecs
import re

# Charsets that senders name too narrowly; the wider one reads both (WHATWG Encoding Standard, section 4.2).
WIDER = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
ONE_BYTE = ("cp125", "iso8859", "koi8")
ALIASES = {"iso-8859-8-i": "iso-8859-8", "x-sjis": "cp932", "x-gbk": "gb18030", "chinesebig5": "big5"}
# Python's own codecs are no charsets: some make lone surrogates, some are quadratic.
NOT_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined", "utf-7"})

# Databases refuse NUL, terminals obey the others, and a lone surrogate cannot be encoded at all.
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode(data: bytes, charset: str | None) -> str:
    """Text of these bytes in the charset they claim, or in the likeliest one if it cannot be that."""
    codec = known_charset(charset)
    if codec is None or codec == "ascii":
        return _guess(data)
    try:
        # Old programs declare Latin-1 and send UTF-8; bytes above ASCII are valid UTF-8 on purpose only.
        return data.decode("utf-8" if codec.startswith(ONE_BYTE) else codec)
    except (UnicodeError, LookupError, ValueError):
        return _salvage(data, codec)


def known_charset(name: str | None) -> str | None:
    """The codec for a charset's name; None if there is none or it names no charset."""
    if not name or not name.isascii() or len(name) > 40:
        return None
    name = name.strip(" '\"").lower()
    try:
        codec = codecs.lookup(ALIASES.get(name, name)).name
    except (LookupError, ValueError):
        return None
    return None if codec in NOT_CHARSETS else WIDER.get(codec, codec)


def _guess(data: bytes) -> str:
    """UTF-8 is hardly ever valid by accident; what is not UTF-8 is most often Windows'."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _salvage(data: bytes, codec: str) -> str:
    """A text cut in the middle of a character stays in its charset; one that is mostly wrong is another's."""
    try:
        text = data.decode(codec, "replace")
    except (UnicodeError, LookupError, ValueError):
        return _guess(data)
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    return _guess(data) if text.count("\ufffd") * 2 > foreign else text


def clean(text: str) -> str:
    """The same text with plain newlines and nothing in it that a database or an encoder refuses."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return UNWANTED.sub(_visible, text)


def _visible(unwanted: re.Match[str]) -> str:
    return "\ufffd" if unwanted[0] >= "\ud800" else ""


def one_line(text: str) -> str:
    """`clean` text on one line, without double spaces."""
    return " ".join(clean(text).split())


def header_text(value: str) -> str:
    """A raw header value (bytes in surrogateescape, as the standard library keeps them), decoded."""
    if not value.isascii():
        value = decode(value.encode("utf-8", "surrogateescape"), None)
    return one_line(decode_words(value) if "=?" in value else value)


def decode_words(value: str) -> str:
    """RFC 2047, forgiving: words broken over lines, characters broken over words, spaces inside words."""
    out: list[str] = []
    charset, pending = "", b""
    position = 0
    for word in ENCODED_WORD.finditer(value):
        between = value[position : word.start()]
        position = word.end()
        if not pending or between.strip() or word[1].lower() != charset:
            out.append(decode(pending, charset))
            # The space between two encoded words is no part of the text (RFC 2047, section 6.2).
            out.append("" if pending and not between.strip() else between)
            charset, pending = word[1].lower(), b""
        pending += _word_bytes(word[2], word[3])
    out.extend((decode(pending, charset), value[position:]))
    return "".join(out)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return binascii.a2b_qp(data, header=True) if encoding in "qQ" else unbase64(data)


def untransfer(data: bytes, encoding: str) -> tuple[bytes, str | None]:
    """Undo a Content-Transfer-Encoding, and say what was wrong; an unknown one changes nothing."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data), None
    if encoding != "base64":
        return data, None
    try:
        return binascii.a2b_base64(data), None
    except binascii.Error:
        return unbase64(data), "broken base64"


def unbase64(data: bytes) -> bytes:
    """Base64 with anything broken in it: foreign characters are skipped, a torn end is dropped."""
    digits = NOT_BASE64.sub(b"", data)
    torn = len(digits) % 4
    if torn == 1:
        return binascii.a2b_base64(digits[:-1])
    return binascii.a2b_base64(digits + b"=" * (-torn % 4))
