"""What an address and the headers tell: people or machines, friends or impostors."""

from __future__ import annotations

import re

from zena_sse.mail.content.message import Message

# Anybody gets an address there: the domain says nothing about who they are.
FREEMAIL = frozenset(
    [
        "gmail",
        "googlemail",
        "outlook",
        "hotmail",
        "live",
        "msn",
        "yahoo",
        "ymail",
        "icloud",
        "me",
        "mac",
        "aol",
        "proton",
        "protonmail",
        "gmx",
        "web",
        "mail",
        "zoho",
        "fastmail",
        "hey",
        "pm",
        "tutanota",
        "qq",
        "163",
        "126",
        "163mail",
        "sina",
        "naver",
        "rediffmail",
        "yandex",
        "orange",
        "wanadoo",
        "free",
        "laposte",
        "t-online",
        "xtra",
        "slingshot",
        "vodafone",
        "spark",
        "inspire",
        "orcon",
        "bigpond",
        "optusnet",
        "iinet",
        "tpg",
        "internode",
        "dodo",
        "westnet",
        "adam",
        "ozemail",
        "btinternet",
        "sky",
        "virginmedia",
        "talktalk",
        "ntlworld",
        "tiscali",
        "blueyonder",
        "plusnet",
        "eircom",
        "comcast",
        "verizon",
        "att",
        "sbcglobal",
        "bellsouth",
        "cox",
        "charter",
        "rogers",
        "shaw",
        "telus",
        "sympatico",
        "bell",
        "videotron",
    ]
)
_MACHINE = re.compile(
    r"(?:^|[._+-])(?:no-?reply|do-?not-?reply|donotreply|noreply\w*|mailer-daemon|postmaster|bounces?|notifications?"
    r"|notify|alerts?|newsletters?|news|updates?|marketing|promo\w*|offers|receipts?|billing|statements?|stats"
    r"|insights|digest|automated|system|calendar-notification|mailer|campaigns?|surveys?)(?:[._+-]|$)",
    re.IGNORECASE,
)
_FAILED = re.compile(r"\b(?:spf|dkim|dmarc)=(?:fail|softfail|permerror|none)\b", re.IGNORECASE)
_PASSED = re.compile(r"\b(?:spf|dkim|dmarc)=pass\b", re.IGNORECASE)


def domain_of(address: str) -> str:
    """What stands after the @."""
    return address.rpartition("@")[2]


def site_of(domain: str) -> str:
    """The name a company chose: without what stands before it, and the public ending."""
    labels = domain.split(".")
    short_ending = len(labels) > 2 and len(labels[-2]) <= 3
    return labels[-3 if short_ending else -2] if len(labels) > 1 else domain


def is_freemail(domain: str) -> bool:
    """Can anybody have an address there?"""
    return domain.split(".", maxsplit=1)[0] in FREEMAIL


def is_machine(address: str) -> bool:
    """Does a program write from this address?"""
    return _MACHINE.search(address.rpartition("@")[0]) is not None


def header_facts(message: Message) -> list[str]:
    """What the headers say about how a mail was sent."""
    headers = message.headers
    facts = [f"header:{name}" for name in ("list-unsubscribe", "list-id", "feedback-id") if name in headers]
    if headers.get("precedence", "").lower() in ("bulk", "list", "junk"):
        facts.append("header:precedence")
    automatic = headers.get("auto-submitted", "no").lower()
    if automatic != "no":
        facts.append("header:replied" if automatic.startswith("auto-replied") else "header:generated")
    if headers.get("x-spam-flag", "").lower() == "yes":
        facts.append("header:spam")
    results = headers.get("authentication-results", "")
    if _FAILED.search(results) and not _PASSED.search(results):
        facts.append("header:unverified")
    reply_to = headers.get("reply-to", "")
    if "@" in reply_to and site_of(_address_domain(reply_to)) != site_of(domain_of(message.sender.email)):
        facts.append("header:answers-elsewhere")
    return facts


def _address_domain(value: str) -> str:
    return value.rpartition("@")[2].strip(" >\r\n\t").lower()
