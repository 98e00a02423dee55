"""What sites ask of robots: robots.txt, and directives in headers and pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pluglm_sources.http.fetched import Fetched, FetchError

if TYPE_CHECKING:
    from protego import Protego

    from pluglm_sources.http.client import Client

# What a robot must read at least (RFC 9309, 2.5), and here also at most.
MOST = 500 * 1024
# Longer than that a site need not be waited for: it is left.
LONGEST_DELAY = 120.0
AGENT = "pluglm"
NAMED = re.compile(r"^([ \t]*user-?agent[ \t]*:[ \t]*)([a-z_-]+)[^\r\n#]*", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Robots:
    """The robots.txt of every site that is asked, each fetched once, before anything else of its site.

    By RFC 9309: the longest rule that matches decides; where there is no robots.txt (4xx) everything may be fetched;
    where a server fails (5xx) or cannot be reached, nothing. https://www.rfc-editor.org/rfc/rfc9309
    """

    client: Client
    _known: dict[str, Protego | FetchError] = field(default_factory=dict)

    def check(self, url: str) -> None:
        """Let pass what may be fetched, and slow the client down as far as its site asks for.

        Raises:
            FetchError: robots_disallowed; robots_unreachable; crawl_delay where the site asks for more than two
                minutes; private_host.
        """
        rules = self._rules(url)
        if isinstance(rules, FetchError):
            raise rules
        if not rules.can_fetch(url, AGENT):
            raise FetchError("robots_disallowed", f"{url} is disallowed by the robots.txt of its site")
        delay = self.delay(rules)
        if delay > LONGEST_DELAY:
            raise FetchError("crawl_delay", f"{urlsplit(url).netloc} asks for {delay:.0f} s between requests")
        self.client.slow_down(url, max(delay, self.client.delay))

    def sitemaps(self, url: str) -> list[str]:
        """The sitemaps that the robots.txt of a site names."""
        rules = self._rules(url)
        return [] if isinstance(rules, FetchError) else list(rules.sitemaps)

    def delay(self, rules: Protego) -> float:
        """Seconds between two requests that a site asks for."""
        rate = rules.request_rate(AGENT)
        return max(rules.crawl_delay(AGENT) or 0.0, rate.seconds / rate.requests if rate and rate.requests else 0.0)

    def _rules(self, url: str) -> Protego | FetchError:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._known:
            self._known[site] = self._fetch(site)
        return self._known[site]

    def _fetch(self, site: str) -> Protego | FetchError:
        from protego import Protego

        try:
            # Asked for again in each run: what was allowed last month may not be today.
            got = self.client.get(f"{site}/robots.txt", refresh=True)
        except FetchError as error:
            if error.reason in ("private_host", "bad_url"):
                return error
            absent = error.reason.startswith("http_4") and error.reason != "http_429"
            if absent or error.reason in ("redirect_loop", "too_many_redirects"):
                return Protego.parse("")
            return FetchError("robots_unreachable", f"{site}/robots.txt: {error.detail}")
        with got.path.open("rb") as file:
            content = file.read(MOST + 1)
        if len(content) > MOST:
            content = content[: content.rfind(b"\n", 0, MOST) + 1]
        # Protego takes the beginning of a name for it, and a version behind it for a part of it.
        text = NAMED.sub(
            lambda line: line[1] + (AGENT if line[2].lower() == AGENT else f"-{line[2]}"),
            "\n".join(content.decode("utf-8-sig", errors="replace").splitlines()),
        )
        return Protego.parse(text)


def header_directives(fetched: Fetched) -> frozenset[str]:
    """Directives of X-Robots-Tag that are for all robots or for this one, and `noai` for a tdm-reservation
    (https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/)."""
    found, ours = set[str](), True
    for part in fetched.headers.get("x-robots-tag", "").lower().split(","):
        named, colon, directive = part.strip().partition(":")
        # A name holds for what follows it, to the next name: googlebot: noindex, nofollow, otherbot: noarchive.
        if colon and not named.startswith(("unavailable_after", "max-")):
            ours, part = named in ("*", AGENT), directive
        if ours:
            found.add(part.strip())
    if fetched.headers.get("tdm-reservation", "").strip() == "1":
        found.add("noai")
    return frozenset(found - {""})


def refusal(directives: Iterable[str]) -> str | None:
    """Why a page must not become a document, as a reason code, or None."""
    said = set(directives)
    if said & {"noindex", "none"}:
        return "noindex"
    return "noai" if said & {"noai", "noml"} else None


def follows(directives: Iterable[str]) -> bool:
    """Whether links of a page may be followed."""
    return not {"nofollow", "none"} & set(directives)
