# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport over real sockets: one POST, every way it can fail, always within its time."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import (
    USER_AGENT,
    RawAnswer,
    RequestsTransport,
)
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.simulator._faults import KINDS
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.middlebox import Middlebox
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.script import run_script

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
PATH = "/v2/enqueue"
BODY = json.dumps(
    {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": "k",
        "payload": {"summary": "é…", "source": "h", "severity": "error"},
    },
    ensure_ascii=False,
).encode()
ENOUGH = 60.0
# A machine that stands still for seconds is no fault of ours, and what must not be waited for takes longer than this.
PROMPT = 15.0

Open = Callable[..., RequestsTransport]


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator(rate_limit=0) as simulator:
        yield simulator


@pytest.fixture
def open_transport() -> Iterator[Open]:
    """Makes transports, and closes them at the end."""
    made: list[RequestsTransport] = []

    def make(base_url: str, **connection: Any) -> RequestsTransport:
        made.append(RequestsTransport(Connection(base_url, **connection)))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def failing(transport: RequestsTransport, timeout: float = ENOUGH) -> TransportError:
    """The error of a post that gets no answer; it shows no key, not even to somebody who digs."""
    with pytest.raises(TransportError) as caught:
        transport.post(PATH, BODY, timeout)
    assert len(str(caught.value).splitlines()) == 1
    assert_no_secret(caught.value, KEY)
    return caught.value


# --- one POST ---------------------------------------------------------------------------------------------------------


def test_a_post_carries_exactly_the_given_bytes(pagerduty: Simulator, open_transport: Open) -> None:
    answer = open_transport(pagerduty.url).post(PATH, BODY, ENOUGH)
    assert answer.http_status == 202
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["dedup_key"] == "k"
    (received,) = pagerduty.requests
    assert (received.method, received.path, received.body) == ("POST", PATH, BODY)


def test_a_post_says_who_it_is_and_nothing_that_was_not_asked_for(
    pagerduty: Simulator, open_transport: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    transport = open_transport(pagerduty.url)
    pagerduty.add_fault(Fault("status", code=500, headers={"Set-Cookie": "a=b"}))
    transport.post(PATH, BODY, ENOUGH)
    transport.post(PATH, BODY, ENOUGH)
    for received in pagerduty.requests:
        headers = {name.lower(): value for name, value in received.headers.items()}
        assert headers.pop("host") == pagerduty.url[len("http://") :]
        assert headers.pop("content-length") == str(len(BODY))
        assert headers.pop("accept-encoding", "identity") == "identity"
        assert headers == {
            "content-type": "application/json",
            "accept": "application/json",
            "user-agent": USER_AGENT,
        }


def test_a_leading_path_of_a_gateway_is_kept(pagerduty: Simulator, open_transport: Open) -> None:
    assert open_transport(f"{pagerduty.url}/gateway").post(PATH, BODY, ENOUGH).http_status == 404
    assert pagerduty.requests[0].path == "/gateway/v2/enqueue"


@pytest.mark.parametrize("code", [200, 202, 204, 301, 302, 307, 308, 400, 404, 429, 500, 503, 599])
def test_every_status_is_an_answer_and_no_redirect_is_followed(
    pagerduty: Simulator, open_transport: Open, code: int
) -> None:
    headers = {"Location": f"{pagerduty.url}/v2/enqueue", "X-Case": "Kept"}
    pagerduty.add_fault(Fault("status", code=code, body="some text", headers=headers, retry_after=7))
    answer = open_transport(pagerduty.url).post(PATH, BODY, ENOUGH)
    assert answer.http_status == code
    assert (answer.headers["retry-after"], answer.headers["x-case"]) == ("7", "Kept")
    assert answer.body == (b"" if code == 204 else b"some text")
    assert len(pagerduty.requests) == 1


def test_of_a_huge_answer_only_the_beginning_is_read(pagerduty: Simulator, open_transport: Open) -> None:
    pagerduty.add_fault(Fault("status", code=502, body="x" * 5_000_000))
    transport = open_transport(pagerduty.url)
    answer = transport.post(PATH, BODY, ENOUGH)
    assert answer.http_status == 502
    assert 1_000 <= len(answer.body) <= 100_000
    assert transport.post(PATH, BODY, ENOUGH).http_status == 202


# --- connections ------------------------------------------------------------------------------------------------------


def test_many_posts_share_one_connection(pagerduty: Simulator, open_transport: Open) -> None:
    for code in (503, 400, 429):
        pagerduty.add_fault(Fault("status", code=code, body="json"))
    with Middlebox(relay_to=int(pagerduty.url.rpartition(":")[2])) as relay:
        transport = open_transport(relay.url)
        codes = [transport.post(PATH, BODY, ENOUGH).http_status for _turn in range(25)]
        assert codes == [503, 400, 429] + [202] * 22
        assert relay.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt(
    pagerduty: Simulator, open_transport: Open
) -> None:
    transport = open_transport(pagerduty.url)
    transport.post(PATH, BODY, ENOUGH)
    pagerduty.stop()
    pagerduty.start()
    assert transport.post(PATH, BODY, ENOUGH).http_status == 202
    assert len(pagerduty.requests) == 2


@pytest.mark.parametrize("kind", ["reset_after", "close_before", "truncated", "bad_gzip", "black_hole", "slow_body"])
def test_after_a_broken_exchange_the_next_one_is_whole(pagerduty: Simulator, open_transport: Open, kind: str) -> None:
    transport = open_transport(pagerduty.url)
    pagerduty.add_fault(Fault(kind))
    try:
        transport.post(PATH, BODY, 0.3)
    except TransportError:
        pass
    answer = transport.post(PATH, BODY, ENOUGH)
    assert json.loads(answer.body) == {"status": "success", "message": "Event processed", "dedup_key": "k"}


def test_a_closed_transport_lets_go_and_can_be_used_again(pagerduty: Simulator, open_transport: Open) -> None:
    with Middlebox(relay_to=int(pagerduty.url.rpartition(":")[2])) as relay:
        transport = open_transport(relay.url)
        transport.post(PATH, BODY, ENOUGH)
        transport.close()
        transport.close()
        assert transport.post(PATH, BODY, ENOUGH).http_status == 202
        assert relay.connections == 2


def test_after_a_fork_no_connection_is_shared(pagerduty: Simulator, open_transport: Open) -> None:
    with Middlebox(relay_to=int(pagerduty.url.rpartition(":")[2])) as relay:
        transport = open_transport(relay.url)
        transport.post(PATH, BODY, ENOUGH)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                answers = [transport.post(PATH, BODY, ENOUGH).http_status for _turn in range(3)]
                code = 0 if answers == [202] * 3 else 2
            finally:
                os._exit(code)
        answers = [transport.post(PATH, BODY, ENOUGH).http_status for _turn in range(3)]
        assert os.waitpid(child, 0)[1] == 0
        assert answers == [202] * 3
        assert relay.connections == 2
    assert [received.body for received in pagerduty.requests] == [BODY] * 7


# --- every way to fail ------------------------------------------------------------------------------------------------

BROKE = r"the connection to {place} broke before an answer came: "
SILENT = r"no answer from {place} within 0\.2 s"

# kind -> the status that comes back all the same, or the error (a pattern) and whether the event may have been taken.
# A client cannot tell whether an event was taken by how the connection ends, so it has to say that it may be.
EXPECTED: dict[str, Any] = {
    "status": 503,
    "throttle": 429,
    "redirect": 302,
    "not_json": 202,
    "slow_body": 202,
    "truncated": 202,
    "bad_gzip": 202,
    "latency": (SILENT, True),
    "black_hole": (SILENT, True),
    "slow_headers": (SILENT, True),
    "reset_before": (BROKE + "Connection reset by peer", True),
    "reset_after": (BROKE + "Connection reset by peer", True),
    "close_before": (BROKE + "Remote end closed connection without response", True),
    "close_after": (BROKE + "Remote end closed connection without response", True),
}


def test_every_fault_of_the_simulator_is_expected_here() -> None:
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize("warm", [False, True], ids=["first", "later"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_each_fault(pagerduty: Simulator, open_transport: Open, kind: str, warm: bool) -> None:
    transport = open_transport(pagerduty.url)
    if warm:
        transport.post(PATH, BODY, ENOUGH)
    pagerduty.add_fault(Fault(kind))
    expected = EXPECTED[kind]
    timeout = 0.2 if kind in ("latency", "black_hole", "slow_headers", "slow_body") else ENOUGH
    began = time.monotonic()
    if isinstance(expected, int):
        assert transport.post(PATH, BODY, timeout).http_status == expected
    else:
        error = failing(transport, timeout)
        pattern, maybe_taken = expected
        assert re.fullmatch(pattern.format(place=pagerduty.url[len("http://") :]), str(error)), error
        assert error.maybe_taken is maybe_taken
    assert time.monotonic() - began < PROMPT
    assert pagerduty.requests[-1].fault == kind


@pytest.mark.parametrize(
    "fault",
    [
        Fault("slow_headers", seconds=0.15),
        Fault("slow_headers", seconds=0.25),
        Fault("slow_body", seconds=0.02),
        Fault("slow_body", seconds=0.25),
        Fault("latency", seconds=120),
        Fault("black_hole"),
    ],
    ids=Fault.describe,
)
def test_no_attempt_takes_much_longer_than_its_timeout(
    pagerduty: Simulator, open_transport: Open, fault: Fault
) -> None:
    timeout = 0.2
    pagerduty.add_fault(fault)
    began = time.monotonic()
    try:
        answer: RawAnswer | None = open_transport(pagerduty.url).post(PATH, BODY, timeout)
    except TransportError:
        answer = None
    assert time.monotonic() - began < PROMPT
    assert (answer is not None) is (fault.kind == "slow_body")


def test_what_came_of_a_stalled_body_is_handed_on(pagerduty: Simulator, open_transport: Open) -> None:
    pagerduty.add_fault(Fault("truncated"))
    answer = open_transport(pagerduty.url).post(PATH, BODY, ENOUGH)
    assert answer.http_status == 202
    assert not answer.body or b'{"status": "success", "message":'.startswith(answer.body[:10])


def test_nobody_listens(pagerduty: Simulator, open_transport: Open) -> None:
    pagerduty.stop()
    error = failing(open_transport(pagerduty.url))
    assert str(error) == f"no connection to {pagerduty.url[len('http://') :]}: Connection refused"
    assert not error.maybe_taken


def test_nobody_accepts(open_transport: Open) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _turn in range(4)]
        for each in waiting:  # more than the backlog takes: for the next one there is no room
            each.setblocking(False)
            each.connect_ex(address)
        began = time.monotonic()
        error = failing(open_transport(f"http://127.0.0.1:{address[1]}"), 0.3)
        assert time.monotonic() - began < PROMPT
        for each in waiting:
            each.close()
    assert str(error) == f"no connection to 127.0.0.1:{address[1]} within 0.3 s"
    assert not error.maybe_taken


def test_a_name_that_cannot_be_resolved(open_transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failing(open_transport("http://events.example.com"))
    assert str(error) == "no connection to events.example.com: Name or service not known"
    assert not error.maybe_taken


def test_a_resolver_that_hangs_does_not_hang_us(open_transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: time.sleep(120))
    began = time.monotonic()
    assert "within 0.2 s" in str(failing(open_transport("http://events.example.com"), 0.2))
    assert time.monotonic() - began < PROMPT


@pytest.mark.parametrize("host", ["a" * 64 + ".example.com", "exa mple.com", "\u2024example..com"])
def test_a_host_that_can_have_no_address(open_transport: Open, host: str) -> None:
    error = failing(open_transport(f"http://{host}"))
    assert str(error).startswith("no connection to ")
    assert not error.maybe_taken


def test_what_answers_is_no_http_server(open_transport: Open) -> None:
    with Middlebox(answer=b"SSH-2.0-OpenSSH_9.2\r\n") as box:
        error = failing(open_transport(box.url))
    assert str(error).startswith(f"the connection to 127.0.0.1:{box.port} broke before an answer came: ")
    assert error.maybe_taken


# --- without the library ----------------------------------------------------------------------------------------------

WITHOUT_REQUESTS = """
import sys
sys.path[:] = {path!r}
sys.modules["requests"] = None  # an import of it fails
from ansible_collections.oncall.pagerduty.plugins.module_utils import _connection, _errors, _task, _transport
try:
    _transport.RequestsTransport(_connection.Connection("https://events.pagerduty.com"))
except _errors.MissingLibraryError as error:
    assert error.library == "requests"
    assert "import requests" in error.details
    print(error)
"""


def test_without_requests_everything_can_be_imported_and_says_what_is_missing(tmp_path: Path) -> None:
    done = run_script(WITHOUT_REQUESTS, tmp_path)
    assert (done.stdout, done.stderr) == (f"the Python library requests is missing for {sys.executable}\n", "")
