"""Against a real server and a real command."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pluglm_notify
import pytest
from pluglm_notify import sending
from pluglm_notify.message import message
from pluglm_notify.sending import COMMAND, EVENTS, MOST_FAILURES, URL, NotSentError, Sender

from pluglm import CheckpointWritten, MetricsLogged, RunEnded, RunStarted

SECRET = "/services/T0KEN"
FOLDER = Path("outputs/12-00-00-run")


class Server(HTTPServer):
    """Keeps what it is sent, and answers with `status`."""

    status = 200
    slow = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts: list[tuple[str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        self.server.posts.append((self.path, json.loads(body)))
        time.sleep(self.server.slow)
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv(COMMAND, raising=False)
    monkeypatch.delenv(EVENTS, raising=False)
    monkeypatch.setattr(pluglm_notify, "SENDER", Sender())
    made = Server()
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv(URL, made.url)
    yield made
    made.shutdown()
    made.server_close()


def whole_run() -> None:
    """The hooks as a run calls them."""
    pluglm_notify.run_started(RunStarted(FOLDER, {}))
    for step, kind in ((1, "train"), (2, "validation")):
        pluglm_notify.metrics_logged(MetricsLogged(FOLDER, step, {"kind": kind, "step": step, "loss": 2.5}))
    pluglm_notify.checkpoint_written(CheckpointWritten(FOLDER, 2, FOLDER / "checkpoints" / "step-00000002"))
    score = {"evaluator": "fit", "name": "bits", "value": 1.5}
    pluglm_notify.run_ended(RunEnded(FOLDER, None, {"evaluations": [{"stage": "trained", "scores": [score]}]}))


def test_the_end_is_told(server: Server) -> None:
    whole_run()
    ((path, told),) = server.posts
    assert path == SECRET
    assert told == {
        "event": "ended",
        "run": "12-00-00-run",
        "text": "12-00-00-run has finished.",
        "status": "finished",
        "scores": {"trained/fit.bits": 1.5},
    }


def test_more_is_told_where_it_is_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EVENTS, "started, validation,checkpoint,ended")
    whole_run()
    assert [told["event"] for _, told in server.posts] == ["started", "validation", "checkpoint", "ended"]
    assert server.posts[1][1] | {"text": ""} == {
        "event": "validation",
        "run": "12-00-00-run",
        "text": "",
        "step": 2,
        "loss": 2.5,
    }
    monkeypatch.setenv(EVENTS, "end")
    with pytest.raises(NotSentError, match="PLUGLM_NOTIFY_ON names end"):
        whole_run()


def test_nothing_is_sent_where_nothing_is_set(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL)
    whole_run()
    assert not server.posts


def test_a_failure_is_told_with_its_reason() -> None:
    told = message("ended", "run", status="failed", error=ValueError("it\ndiverged " + "!" * 1000))
    assert told["text"].startswith("run has failed. ValueError: it diverged !") and len(told["text"]) < 400
    assert message("ended", "run", status="stopped")["text"] == "run was stopped."


def test_numbers_that_are_none_are_null_in_json() -> None:
    told = message("ended", "run", status="finished", scores={"a": float("nan"), "b": float("inf"), "c": 1.0})
    assert told["scores"] == {"a": None, "b": None, "c": 1.0}
    assert "loss" not in message("validation", "run", step=1, loss=float("nan"))
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_none_names_no_secret(status: int, server: Server) -> None:
    server.status = status
    with pytest.raises(NotSentError, match=f"answered {status}") as told:
        whole_run()
    assert SECRET not in repr(told.value) and "127.0.0.1" not in repr(told.value)
    assert [path for path, _ in server.posts] == [SECRET]
    assert told.value.__cause__ is None and told.value.__suppress_context__


def test_nobody_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv(URL, f"http://127.0.0.1:{free.getsockname()[1]}{SECRET}")
    with pytest.raises(NotSentError, match="cannot be reached: URLError") as told:
        whole_run()
    assert SECRET not in repr(told.value)


def test_a_slow_service_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.slow = 1.0
    monkeypatch.setattr(sending, "SECONDS", 0.1)
    with pytest.raises(NotSentError, match="cannot be reached: TimeoutError"):
        whole_run()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org", "nonsense"])
def test_only_the_web_is_posted_to(url: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, url)
    with pytest.raises(NotSentError, match="not an address of http or https"):
        whole_run()


def test_a_service_that_is_down_is_left_alone_until_the_end(server: Server) -> None:
    server.status = 500
    sender = Sender()
    for number in range(MOST_FAILURES + 2):
        if number < MOST_FAILURES:
            with pytest.raises(NotSentError):
                sender.send({"number": number})
        else:
            sender.send({"number": number})
    assert len(server.posts) == MOST_FAILURES
    server.status = 200
    sender.send({"number": "last"}, last=True)
    sender.send({"number": "after"})
    assert [told["number"] for _, told in server.posts[-2:]] == ["last", "after"]


def test_a_command_is_given_it(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "it's here.json"
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
    monkeypatch.setenv(COMMAND, f'{sys.executable} -c "{code}" "{target}"')
    whole_run()
    assert json.loads(target.read_text())["event"] == "ended" and len(server.posts) == 1


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("no-such-program --token S3CRET", "cannot be run: FileNotFoundError"),
        ("'unclosed S3CRET", "cannot be run: ValueError"),
        (f'{sys.executable} -c "raise SystemExit(3)" S3CRET', "ended with code 3"),
        (f'{sys.executable} -c "import time; time.sleep(9)" S3CRET', "took more than"),
    ],
)
def test_a_command_that_fails_names_no_secret(
    command: str, told: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URL)
    monkeypatch.setenv(COMMAND, command)
    monkeypatch.setattr(sending, "SECONDS", 0.5 if "sleep" in command else 5.0)
    with pytest.raises(NotSentError, match=told) as raised:
        whole_run()
    assert "S3CRET" not in repr(raised.value)
