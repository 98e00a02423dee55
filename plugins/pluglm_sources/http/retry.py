"""Which failures of HTTP are worth another try, when, and how often."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from urllib3.exceptions import HTTPError, InvalidHeader, NewConnectionError, ProtocolError, TimeoutError
from urllib3.util import Retry

from pluglm_sources.http.fetched import FetchError

# A server that asks for more patience than this (seconds) is left alone until the next run.
MAX_PATIENCE = 300
MAX_BACKOFF = 60
AGAIN = (408, 425, 429, 500, 502, 503, 504)

Result = TypeVar("Result")


class Again(Exception):
    """Worth another try, after `patience` seconds at least; `answer` is raised when tries are used up."""

    def __init__(self, answer: FetchError, patience: float = 0) -> None:
        super().__init__(str(answer))
        self.answer, self.patience = answer, patience


def again_after(error: Exception, url: str) -> Again:
    """What a failure of the transport means."""
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
        reason = "timeout"
    else:
        reason = "truncated" if isinstance(error, ProtocolError) else "unreachable"
    return Again(FetchError(reason, f"{url}: {error}"))


def persist(action: Callable[[], Result], url: str, retries: int, backoff: float) -> Result:
    """What `action` gives, tried again `retries` times at most while it raises `Again`: with back-off that doubles, has
    some chance in it, and is never shorter than the server asked for.

    Raises:
        FetchError: its last answer; retry_later where the server asks for too much patience.
    """
    retry = Retry(retries, backoff_factor=backoff, backoff_max=MAX_BACKOFF, backoff_jitter=backoff)
    while True:
        try:
            return action()
        except Again as again:
            try:
                retry = retry.increment("GET", error=HTTPError(str(again)))
            except HTTPError:
                raise again.answer from None
            if again.patience > MAX_PATIENCE:
                raise FetchError(
                    "retry_later", f"{url} asks to wait {again.patience:.0f} s; at most {MAX_PATIENCE} s are waited"
                ) from None
            time.sleep(max(again.patience, retry.get_backoff_time()))


def patience_of(retry_after: str | None) -> float:
    """Seconds that a Retry-After header asks for, in either of its forms; 0 for none."""
    try:
        # urllib3 takes no more than six hours for an answer unless it is told to.
        return Retry(retry_after_max=sys.maxsize).parse_retry_after(retry_after or "0")
    except InvalidHeader:
        return 0
