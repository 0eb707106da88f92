"""Whom the agent knows: people written to, domains that are trusted, and names made to look like theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from zena_sse.triage.analysis.findings import Known
from zena_sse.triage.analysis.senders import domain_of, is_freemail, site_of

# What an eye takes for something else; hyphens are not seen.
_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "3": "e", "-": None, "_": None})
# Shorter names are alike by chance.
_SHORTEST = 6
# A name this long with one letter changed is no other word.
_LONG = 8


class Circle(msgspec.Struct, frozen=True):
    """A `Known`, prepared for many threads. `shapes` finds a trusted domain by how its name looks."""

    known: Known
    own_domains: frozenset[str]
    first_names: frozenset[str]
    domains: frozenset[str]
    shapes: dict[str, str]

    def impersonated(self, domain: str) -> str | None:
        """The trusted domain that this one is made to look like, if it is none of them itself."""
        if domain in self.domains or is_freemail(domain):
            return None
        found = (self.shapes.get(shape) for shape in _shapes(site_of(domain)))
        return next((trusted for trusted in found if trusted is not None), None)


def circle_of(known: Known) -> Circle:
    """Prepare what is known of a user."""
    own_domains = frozenset(domain_of(address) for address in known.own)
    domains = frozenset(domain_of(address) for address in known.correspondents) | own_domains
    shapes: dict[str, str] = {}
    for domain in sorted(domains):
        if len(site_of(domain)) >= _SHORTEST and not is_freemail(domain):
            for shape in _shapes(site_of(domain)):
                shapes.setdefault(shape, domain)
    names = (re.findall(r"[a-z]{3,}", address.partition("@")[0]) for address in known.own)
    return Circle(known, own_domains, frozenset(name for found in names for name in found), domains, shapes)


def _shapes(name: str) -> Iterator[str]:
    """How a name looks, and how it would with any one letter less: two names a letter apart share one."""
    yield _shape(name)
    yield from (_shape(part) for part in _parts(name))
    if len(name) >= _LONG:
        yield from (f"{name[:i]}*{name[i + 1 :]}" for i in range(len(name)))
        yield from (f"{name[:i]}*{name[i:]}" for i in range(1, len(name)))


def _parts(name: str) -> Iterable[str]:
    """What is tied together by a hyphen, if it is long enough to be a name of its own."""
    return (part for part in name.split("-") if "-" in name and len(part) >= _SHORTEST)


def _shape(name: str) -> str:
    return name.replace("rn", "m").replace("vv", "w").translate(_LOOKS_LIKE)
