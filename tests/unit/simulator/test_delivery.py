# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault as a client meets it on a real socket, and that nothing of it outlives the simulator."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.simulator._faults import KINDS
from ansible_collections.oncall.pagerduty.tests.support.network import address_of

V2 = "/v2/enqueue"
Alert = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A throw-away server certificate with its key, and the authority to trust for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return str(folder / "server.pem"), str(folder / "authority.pem")


@pytest.fixture(params=["http", "https"])
def secure_or_not(request: pytest.FixtureRequest, certificate: tuple[str, str]) -> tuple[dict[str, Any], Any]:
    """How to start a simulator, and what `requests` is to verify."""
    return ({}, True) if request.param == "http" else ({"certfile": certificate[0]}, certificate[1])


def post(pd: Simulator, body: Any, verify: Any = True, timeout: float = 5) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(pd.url + V2, json=body, verify=verify, timeout=timeout, allow_redirects=False)


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        (Fault("reset_before"), requests.ConnectionError, False),
        (Fault("reset_after"), requests.ConnectionError, True),
        (Fault("close_before"), requests.ConnectionError, False),
        (Fault("close_after"), requests.ConnectionError, True),
        (Fault("black_hole"), requests.ReadTimeout, False),
        (Fault("black_hole", taken=True), requests.ReadTimeout, True),
        (Fault("latency", seconds=5), requests.ReadTimeout, True),
        (Fault("truncated"), requests.exceptions.ChunkedEncodingError, True),
        (Fault("truncated", taken=False), requests.exceptions.ChunkedEncodingError, False),
        (Fault("bad_gzip"), requests.exceptions.ContentDecodingError, True),
        (Fault("bad_gzip", taken=False), requests.exceptions.ContentDecodingError, False),
    ],
    ids=lambda value: value.describe() if isinstance(value, Fault) else getattr(value, "__name__", str(value)),
)
def test_the_client_gets_an_error(
    secure_or_not: tuple[dict[str, Any], Any], alert: Alert, fault: Fault, error: type[Exception], taken: bool
) -> None:
    options, verify = secure_or_not
    with Simulator(**options) as pd:
        pd.add_fault(fault)
        timeout = 0.3 if error is requests.ReadTimeout else 5
        with pytest.raises(error):
            post(pd, alert(), verify, timeout)
        (received,) = pd.requests
        assert (received.taken, received.fault) == (taken, fault.kind)
        assert len(pd.accepted) == len(pd.incidents) == taken
        assert post(pd, alert(), verify).status_code == 202, "the next request is answered well"


@pytest.mark.parametrize(
    ("fault", "status", "taken"),
    [
        (Fault("status"), 503, False),
        (Fault("status", code=500, taken=True), 500, True),
        (Fault("status", code=204), 204, False),
        (Fault("throttle"), 429, False),
        (Fault("latency", seconds=0.01), 202, True),
        (Fault("slow_headers", seconds=0.001), 202, True),
        (Fault("slow_body", seconds=0.001), 202, True),
        (Fault("slow_body", seconds=0.001, taken=False), 503, False),
        (Fault("not_json"), 202, True),
        (Fault("not_json", taken=False), 202, False),
        (Fault("redirect"), 302, False),
    ],
    ids=lambda value: value.describe() if isinstance(value, Fault) else str(value),
)
def test_the_client_gets_an_answer(
    secure_or_not: tuple[dict[str, Any], Any], alert: Alert, fault: Fault, status: int, taken: bool
) -> None:
    options, verify = secure_or_not
    with Simulator(**options) as pd:
        pd.add_fault(fault)
        assert post(pd, alert(), verify).status_code == status
        (received,) = pd.requests
        assert (received.taken, received.status, received.fault) == (taken, status, fault.kind)
        assert len(pd.incidents) == taken


def test_an_event_that_breaks_a_rule_is_not_taken_by_a_fault_that_takes(alert: Alert) -> None:
    with Simulator() as pd:
        pd.add_fault(Fault("reset_after"))
        with pytest.raises(requests.ConnectionError):
            post(pd, alert(severity="bad"))
        assert [received.taken for received in pd.requests] == [False]


def exchange(pd: Simulator, body: Any) -> tuple[bytes, str]:
    """All bytes of an answer, and how the connection ended."""
    data = json.dumps(body).encode()
    head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    answer = b""
    with socket.create_connection(address_of(pd.url), timeout=60) as connection:
        connection.sendall(head.encode() + data)
        try:
            while block := connection.recv(65536):
                answer += block
        except ConnectionResetError:
            return answer, "reset"
        return answer, "closed"


@pytest.mark.parametrize(
    ("kind", "end"),
    [("reset_before", "reset"), ("reset_after", "reset"), ("close_before", "closed"), ("close_after", "closed")],
)
def test_a_reset_is_no_clean_close(pd: Simulator, alert: Alert, kind: str, end: str) -> None:
    pd.add_fault(Fault(kind))
    assert exchange(pd, alert()) == (b"", end)


def test_a_clean_close_over_tls_says_goodbye(certificate: tuple[str, str], alert: Alert) -> None:
    server, authority = certificate
    with Simulator(certfile=server) as pd:
        pd.add_fault(Fault("close_before"))
        plain = socket.create_connection(address_of(pd.url), timeout=60)
        context = ssl.create_default_context(cafile=authority)
        with context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as connection:
            connection.sendall(f"POST {V2} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
            assert connection.recv(1) == b"", "a ragged end would raise SSLEOFError"


def test_slow_headers_come_byte_by_byte(pd: Simulator, alert: Alert) -> None:
    pd.add_fault(Fault("slow_headers", seconds=0.002))
    data = json.dumps(alert()).encode()
    head = f"POST {V2} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    with socket.create_connection(address_of(pd.url), timeout=60) as connection:
        connection.sendall(head + data)
        start = time.monotonic()
        answer = b""
        while b"\r\n\r\n" not in answer:
            block = connection.recv(65536)
            answer += block
        took = time.monotonic() - start
    assert took >= 0.002 * len(answer.partition(b"\r\n\r\n")[0]) * 0.9


def test_a_slow_body_begins_at_once_and_then_drips(pd: Simulator, alert: Alert) -> None:
    pd.add_fault(Fault("slow_body", seconds=0.01))
    data = json.dumps(alert()).encode()
    head = f"POST {V2} HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with socket.create_connection(address_of(pd.url), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        answer = b""
        start = time.monotonic()
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        headers_after = time.monotonic() - start
        while block := connection.recv(65536):
            answer += block
        took = time.monotonic() - start
    body = answer.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["status"] == "success"
    assert took - headers_after >= 0.01 * (len(body) - 1) * 0.9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_stopping_is_quick_whatever_is_going_on(
    alert: Alert, certificate: tuple[str, str], kind: str, secure: bool
) -> None:
    server, authority = certificate
    slow = {"seconds": 600} if kind in ("latency", "slow_headers", "slow_body", "status") else {}
    others = set(threading.enumerate())
    pd = Simulator(certfile=server if secure else None).start()
    pd.add_fault(Fault(kind, count=4, **slow))  # type: ignore[arg-type]
    clients = [threading.Thread(target=_post_anyhow, args=(pd, alert(), authority)) for _turn in range(4)]
    for client in clients:
        client.start()
    pd.wait_for(lambda pd: len(pd.requests) == 4, timeout=60)
    start = time.monotonic()
    pd.stop()
    took = time.monotonic() - start
    for client in clients:
        client.join(60)
    assert took < 30
    assert not any(client.is_alive() for client in clients)
    assert _ends(lambda: not set(threading.enumerate()) - others)


def _ends(done: Callable[[], bool]) -> bool:
    """Whether it is done soon: a thread that has let go of everything still takes a moment to end."""
    deadline = time.monotonic() + 30
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    return done()


def _post_anyhow(pd: Simulator, body: Any, authority: str) -> None:
    with contextlib.suppress(requests.RequestException):
        post(pd, body, authority, timeout=300)


def test_idle_connections_and_half_handshakes_do_not_keep_it(certificate: tuple[str, str]) -> None:
    with Simulator() as pd, Simulator(certfile=certificate[0]) as secure:
        connections = [socket.create_connection(address_of(each.url)) for each in (pd, secure)]
        connections[0].sendall(b"POST /v2/enqueue HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        time.sleep(0.05)
        start = time.monotonic()
        pd.stop()
        secure.stop()
        assert time.monotonic() - start < 30
        for connection in connections:
            connection.close()


def test_a_client_without_tls_disturbs_nobody(certificate: tuple[str, str], alert: Alert) -> None:
    with Simulator(certfile=certificate[0]) as pd:
        with contextlib.closing(socket.create_connection(address_of(pd.url))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(100)
        assert post(pd, alert(), certificate[1]).status_code == 202


def test_a_client_that_does_not_trust_the_certificate_fails(certificate: tuple[str, str], alert: Alert) -> None:
    with Simulator(certfile=certificate[0]) as pd, pytest.raises(requests.exceptions.SSLError):
        post(pd, alert())


def test_it_can_be_started_again_where_it_was_with_what_it_knew(alert: Alert) -> None:
    pd = Simulator().start()
    post(pd, alert())
    url = pd.url
    pd.stop()
    with pytest.raises(requests.ConnectionError):
        post(pd, alert())
    with pd:
        assert pd.url == url
        assert post(pd, alert("resolve")).status_code == 202
    assert [incident.status for incident in pd.incidents] == ["resolved"]


def test_many_at_a_time_do_not_share_anything(alert: Alert) -> None:
    with Simulator() as one, Simulator() as other:
        assert one.url != other.url
        post(one, alert())
        assert (len(one.incidents), len(other.incidents)) == (1, 0)


def test_it_listens_on_every_kind_of_loopback_and_nowhere_else() -> None:
    with Simulator(host="localhost") as pd:
        assert pd.url.startswith("http://127.0.0.1:")
    for host in ("0.0.0.0", "192.0.2.1", "example.com", "", "::"):
        with pytest.raises(ValueError, match="no loopback address"):
            Simulator(host=host)


def test_an_ipv6_loopback_address(alert: Alert) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with Simulator(host="::1") as pd:
        assert pd.url.startswith("http://[::1]:")
        assert post(pd, alert()).status_code == 202


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_bad_certificate_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ssl.SSLError):
        Simulator(certfile=str(tmp_path / "bad.pem"))


def test_many_clients_at_once_lose_nothing(alert: Alert) -> None:
    def send(number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for index in range(50):
                session.post(pd.url + V2, json=alert(dedup_key=f"{number}/{index % 10}"), timeout=60)

    with Simulator(rate_limit=0) as pd:
        clients = [threading.Thread(target=send, args=(number,)) for number in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(60)
        assert [received.number for received in pd.requests] == list(range(1, 401))
        assert len(pd.incidents) == 80
        assert sum(len(incident.log) for incident in pd.incidents) == 400


def test_waiting_ends_when_it_is_true_or_the_time_is_up(pd: Simulator, alert: Alert) -> None:
    timer = threading.Timer(0.05, lambda: post(pd, alert()))
    timer.start()
    assert [incident.dedup_key for incident in pd.wait_for(lambda pd: pd.incidents, timeout=60)] == ["disk/db1"]
    timer.join()
    with pytest.raises(TimeoutError, match="'incidents': 1"):
        pd.wait_for(lambda pd: len(pd.incidents) == 2, timeout=0.01)


def test_resetting_forgets_everything(alert: Alert) -> None:
    with Simulator(rate_limit=1) as pd:
        assert [post(pd, alert()).status_code for _turn in range(2)] == [202, 429]
        pd.add_fault(Fault("status", count=5))
        pd.reset()
        assert (pd.requests, pd.incidents, pd.changes, pd.faults) == ([], [], [], [])
        assert post(pd, alert()).status_code == 202
        assert pd.incidents[0].number == 1


def test_a_seed_makes_the_keys_that_it_makes_repeatable(alert: Alert) -> None:
    made = []
    for seed in (1, 1, 2):
        with Simulator(seed=seed) as pd:
            made.append(post(pd, alert(dedup_key=None)).json()["dedup_key"])
    assert made[0] == made[1] != made[2]
