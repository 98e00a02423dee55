"""Addresses of pages: one spelling for each, which are in scope, and which look like a trap for crawlers."""

from __future__ import annotations

import mimetypes
import posixpath
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit, urlunsplit

Reach = Literal["path", "host", "domain", "any"]

# Parameters that say who came and from where, not what is shown.
TRACKING = re.compile(r"^(utm_.*|fbclid|gclid|msclkid|mc_[ce]id|phpsessid|jsessionid|sessionid)$", re.IGNORECASE)
SESSION = re.compile(r";(jsessionid|phpsessid)=[^/?#]*", re.IGNORECASE)
MOST_LENGTH, MOST_SEGMENTS, MOST_REPEATS = 2000, 20, 3
PORTS = {"http": 80, "https": 443}
# The built-in table alone: the machine's own would make a crawl depend on where it runs.
TYPES = mimetypes.MimeTypes(filenames=())


def tidy(link: str, base: str = "") -> str | None:
    """The one spelling of a link found on page `base`: absolute, host in lower case, without default port, fragment,
    dot segments, session and tracking parameters; None where it leads to no page (mailto:, javascript: ...)."""
    try:
        parts = urlsplit(urljoin(base, re.sub(r"[\t\r\n]", "", link.strip())))
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if scheme not in PORTS or not host or parts.username is not None:
        return None
    host = f"[{host}]" if ":" in host else host
    path = SESSION.sub("", parts.path) or "/"
    if "/." in path or "//" in path:
        # normpath would keep two leading slashes, and lose the last one.
        path = posixpath.normpath("/" + path.lstrip("/")) + ("/" if path.endswith(("/", "/.", "/..")) else "")
        path = path.replace("//", "/")
    query = parts.query
    if any(TRACKING.match(name) for name, _ in parse_qsl(query, keep_blank_values=True)):
        query = urlencode([pair for pair in parse_qsl(query, keep_blank_values=True) if not TRACKING.match(pair[0])])
    return urlunsplit((scheme, host if port in (None, PORTS[scheme]) else f"{host}:{port}", path, query, ""))


def named_type(url: str) -> str | None:
    """The media type that the ending of an address promises, or None."""
    path = urlsplit(url).path
    return TYPES.guess_type("x" + posixpath.splitext(path)[1].lower())[0] if "." in posixpath.basename(path) else None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pages belong to a crawl: those below the folder of a start page (`path`), on its host with or without
    www. (`host`), on that or a host below it (`domain`), or `any`; and by patterns of their addresses."""

    start: tuple[str, ...]
    reach: Reach
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def reaches(self, url: str) -> bool:
        """Whether an address is near enough to a start page."""
        return self.reach == "any" or any(self._near(urlsplit(url), urlsplit(start)) for start in self.start)

    def wants(self, url: str) -> bool:
        """Whether the patterns want it."""
        wanted = not self.include or any(re.search(pattern, url) for pattern in self.include)
        return wanted and not any(re.search(pattern, url) for pattern in self.exclude)

    def _near(self, url: SplitResult, start: SplitResult) -> bool:
        site, home = url.netloc.removeprefix("www."), start.netloc.removeprefix("www.")
        if self.reach == "domain":
            return site == home or site.endswith("." + home)
        folder = posixpath.dirname(start.path).rstrip("/") + "/"
        return site == home and (self.reach == "host" or url.path.startswith(folder))


@dataclass(slots=True)
class Traps:
    """Bounds what endless sites can cost: calendars, counters, filters and links that pile up.

    `max_queries` bounds the queries of one path, `max_alike` the addresses that differ only in numbers and in the
    values of their queries.
    """

    max_queries: int
    max_alike: int
    _queries: Counter[str] = field(default_factory=Counter)
    _alike: Counter[str] = field(default_factory=Counter)

    def caught(self, url: str) -> str | None:
        """Why an address that was not seen before is left out, as a reason code, or None. It counts from then on."""
        parts = urlsplit(url)
        segments = [unquote(segment) for segment in parts.path.split("/") if segment]
        if len(url) > MOST_LENGTH:
            return "trap_long_address"
        if len(segments) > MOST_SEGMENTS:
            return "trap_deep_path"
        if segments and max(Counter(segments).values()) > MOST_REPEATS:
            return "trap_repeated_path"
        path = f"{parts.netloc}{parts.path}"
        names = "&".join(sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}))
        shape = re.sub(r"\d+", "0", path) + "?" + re.sub(r"\d+", "0", names)
        if parts.query and self._queries[path] >= self.max_queries:
            return "trap_many_queries"
        if self._alike[shape] >= self.max_alike:
            return "trap_many_alike"
        self._queries[path] += bool(parts.query)
        # Only what has a number or a query has others of its kind.
        self._alike[shape] += shape != path + "?"
        return None
