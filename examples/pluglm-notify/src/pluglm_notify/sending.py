"""How it is sent: to a webhook over HTTP, or to a command's standard input."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

URL, COMMAND, EVENTS = "PLUGLM_NOTIFY_URL", "PLUGLM_NOTIFY_COMMAND", "PLUGLM_NOTIFY_ON"
KINDS = ("started", "validation", "checkpoint", "ended")
SECONDS = 5.0
"""A run waits for an answer no longer than this."""
MOST_FAILURES = 3
"""After so many in a row only the end is tried: a service that is down must not slow a run down at every validation."""


class NotSentError(Exception):
    """Why a message was not sent. It names neither the address nor the command: both may hold secrets, and what an
    observer raises is written into the run folder."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An answer that sends one elsewhere is not followed: the message is for the address that was given."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def wanted(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """What is to be told, by `PLUGLM_NOTIFY_ON=ended,validation`; the end of a run where it says nothing.

    Raises:
        NotSentError: naming what is none of them.
    """
    names = frozenset(environment.get(EVENTS, "ended").replace(" ", "").split(",")) - {""}
    if strange := sorted(names - set(KINDS)):
        raise NotSentError(f"{EVENTS} names {', '.join(strange)}; there are {', '.join(KINDS)}")
    return names


class Sender:
    """Sends messages to where the environment says, and remembers how often that failed."""

    def __init__(self) -> None:
        self._failures = 0

    def send(self, message: Mapping[str, Any], last: bool = False) -> None:
        """Send it, or do nothing where neither a webhook nor a command is set. `last`: try whatever happened before.

        Raises:
            NotSentError: saying why, and nothing that could be a secret.
        """
        if self._failures >= MOST_FAILURES and not last:
            return
        body = json.dumps(message, allow_nan=False).encode()
        try:
            if url := os.environ.get(URL):
                post(url, body)
            if command := os.environ.get(COMMAND):
                run(command, body)
        except NotSentError:
            self._failures += 1
            raise
        self._failures = 0


def post(url: str, body: bytes) -> None:
    """POST JSON.

    Raises:
        NotSentError: where the address is none of http or https, or does not answer with success in time.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise NotSentError(f"{URL} is not an address of http or https")
    headers = {"Content-Type": "application/json", "User-Agent": "pluglm-notify"}
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise NotSentError(f"the webhook answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise NotSentError(f"the webhook cannot be reached: {type(error).__name__}") from None


def run(command: str, body: bytes) -> None:
    """Run the command, without a shell, with JSON on its standard input.

    Raises:
        NotSentError: where it cannot be run, fails, or takes too long.
    """
    try:
        words = shlex.split(command)
        done = subprocess.run(words, input=body, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotSentError(f"the command took more than {SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise NotSentError(f"the command cannot be run: {type(error).__name__}") from None
    if done.returncode:
        raise NotSentError(f"the command ended with code {done.returncode}")
