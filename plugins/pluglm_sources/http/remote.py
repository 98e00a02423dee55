"""What all sources have in common that fetch over HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import Source, Unreadable
from pluglm_sources.http.fetched import Fetched, FetchError, write_record

if TYPE_CHECKING:
    from pluglm_sources.http.client import Client

# How something is fetched does not change what it is: another value of these goes on with the same record.
MANNERS = ("weight", "timeout", "retries", "backoff", "delay", "contact", "refresh")


class Remote(Source):
    """Base of the sources that fetch over HTTP: `fetch` brings resources into a store, `read` reads them from there.

    A key is read from the environment where it is used, never a parameter.
    """

    timeout: Annotated[float, Field(gt=0, description="Seconds without a byte before a server is given up")] = 30.0
    retries: Annotated[int, Field(ge=0, le=20, description="Further tries after a failure that may pass")] = 5
    backoff: Annotated[float, Field(ge=0, description="Seconds of back-off, doubled with each further try")] = 0.5
    delay: Annotated[float, Field(ge=0, description="Seconds between two requests to one host, at least")] = 0.5
    max_bytes: Annotated[int, Field(ge=1, description="Larger resources are quarantined, unpacked ones too")] = 1 << 30
    contact: Annotated[
        str,
        Field(pattern=r"^[!-~]*$", max_length=200, description="Your page or e-mail address, told to servers"),
    ] = ""
    allow_private_hosts: Annotated[
        bool, Field(description="Also ask this machine and its network (127.0.0.1, 192.168.0.0/16 ...)")
    ] = False
    refresh: Annotated[bool, Field(description="Ask servers again for what is already in the store")] = False

    def user_agent(self) -> str:
        """How the client names itself to servers."""
        return f"pluglm/{metadata.version('pluglm')}" + (f" (+{self.contact})" if self.contact else "")

    def client(self, store: Path) -> Client:
        """A client that fetches into `store` as the parameters say."""
        from pluglm_sources.http.client import Client

        return Client(
            store,
            self.user_agent(),
            timeout=self.timeout,
            retries=self.retries,
            backoff=self.backoff,
            delay=self.delay,
            max_bytes=self.max_bytes,
            allow_private_hosts=self.allow_private_hosts,
            refresh=self.refresh,
        )

    def record_path(self, store: Path, *leave_out: str) -> Path:
        """Where the record of a fetch with these parameters lies; parameters named in `leave_out` do not matter."""
        values = self.model_dump(mode="json", exclude={*MANNERS, *leave_out})
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        return store / "records" / f"{digest}.jsonl"

    def fetch_all(
        self,
        urls: Iterable[str],
        store: Path,
        say: Callable[[str], None],
        record: Path,
        secret: Mapping[str, str] | None = None,
    ) -> Path:
        """Fetch `urls` in their order and write `record`: a `Fetched` for each, or `Unreadable` with the reason."""
        client = self.client(store)

        def outcomes() -> Iterator[Fetched | Unreadable]:
            for url in urls:
                try:
                    yield client.get(url, secret=secret)
                except FetchError as error:
                    say(f"{url}: {error.reason}")
                    yield error.unreadable(url)

        return write_record(record, outcomes())
