# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies, from the option or the environment, get what they need to know, and their passwords are never shown."""

from __future__ import annotations

import base64
import importlib.util
import os
from pathlib import Path
from typing import Any, Iterator

import pytest
import trustme

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RequestsTransport
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.middlebox import Middlebox

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
PASSWORD = "hunter2hunter2"
PATH = "/v2/enqueue"
BODY = (
    b'{"routing_key":"%s","event_action":"trigger","dedup_key":"k",'
    b'"payload":{"summary":"s","source":"h","severity":"error"}}' % KEY.encode()
)
ENOUGH = 60.0
# Each connection has one answer: without a word of that the next request could be sent on one about to be closed.
DENIED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A server's certificate with its key, and its authority."""
    folder = tmp_path_factory.mktemp("pki")
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return str(folder / "server.pem"), str(folder / "authority.pem")


@pytest.fixture(params=["http", "https"])
def pagerduty(request: pytest.FixtureRequest, certificate: tuple[str, str]) -> Iterator[Simulator]:
    with Simulator(certfile=certificate[0] if request.param == "https" else None) as simulator:
        yield simulator


@pytest.fixture
def proxy() -> Iterator[Middlebox]:
    with Middlebox() as box:
        yield box


@pytest.fixture(autouse=True)
def no_proxies_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def post(url: str, certificate: tuple[str, str], **connection: Any) -> int:
    transport = RequestsTransport(Connection(url, ca_path=certificate[1], **connection))
    try:
        first = transport.post(PATH, BODY, ENOUGH).http_status
        assert transport.post(PATH, BODY, ENOUGH).http_status == first
        return first
    finally:
        transport.close()


def failing(url: str, certificate: tuple[str, str], **connection: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        post(url, certificate, **connection)
    assert_no_secret(caught.value, KEY, PASSWORD)
    return caught.value


def with_password(url: str, password: str = PASSWORD) -> str:
    return url.replace("://", f"://user:{password}@")


def test_a_proxy_of_the_option(pagerduty: Simulator, certificate: tuple[str, str], proxy: Middlebox) -> None:
    assert post(pagerduty.url, certificate, proxy=proxy.url) == 202
    assert len(pagerduty.accepted) == 2
    assert proxy.connections == 1
    place = pagerduty.url.partition("://")[2]
    first_line = proxy.heads[0].split(b"\r\n")[0].decode()
    if pagerduty.url.startswith("https"):
        assert first_line.startswith(f"CONNECT {place} HTTP/1.")
        assert KEY.encode() not in proxy.heads[0]
    else:
        assert first_line.startswith(f"POST {pagerduty.url}{PATH} HTTP/1.")


@pytest.mark.parametrize(("written", "meant"), [(PASSWORD, PASSWORD), ("p%40ss%2Fhunter2", "p@ss/hunter2")])
def test_credentials_are_sent_to_the_proxy_and_to_nobody_else(
    pagerduty: Simulator, certificate: tuple[str, str], proxy: Middlebox, written: str, meant: str
) -> None:
    transport = RequestsTransport(
        Connection(pagerduty.url, ca_path=certificate[1], proxy=with_password(proxy.url, written))
    )
    answer = transport.post(PATH, BODY, ENOUGH)
    transport.close()
    assert answer.http_status == 202
    encoded = base64.b64encode(f"user:{meant}".encode()).decode()
    assert f"proxy-authorization: Basic {encoded}".lower().encode() in proxy.heads[0].lower()
    assert_no_secret(answer, KEY, meant, written)
    if pagerduty.url.startswith("https"):
        assert "Proxy-Authorization" not in pagerduty.requests[0].headers


@pytest.mark.parametrize("upper", [True, False], ids=["UPPER", "lower"])
@pytest.mark.parametrize("name", ["{}_proxy", "all_proxy"])
def test_a_proxy_of_the_environment(
    pagerduty: Simulator,
    certificate: tuple[str, str],
    proxy: Middlebox,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    upper: bool,
) -> None:
    name = name.format(pagerduty.url.partition(":")[0])
    monkeypatch.setenv(name.upper() if upper else name, with_password(proxy.url))
    assert post(pagerduty.url, certificate) == 202
    assert proxy.connections == 1
    assert b"proxy-authorization: basic " in proxy.heads[0].lower()


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.0/8", "*", "example.com,127.0.0.1"])
def test_no_proxy_of_the_environment(
    pagerduty: Simulator,
    certificate: tuple[str, str],
    proxy: Middlebox,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NO_PROXY", value)
    assert post(pagerduty.url, certificate) == 202
    assert proxy.connections == 0


def test_the_option_comes_before_the_environment(
    pagerduty: Simulator, certificate: tuple[str, str], proxy: Middlebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    assert post(pagerduty.url, certificate, proxy=proxy.url) == 202
    assert proxy.connections == 1


@pytest.mark.parametrize(
    ("variables", "connections"),
    [
        ({"http_proxy": "PROXY", "https_proxy": "PROXY"}, 1),
        ({"all_proxy": "PROXY"}, 1),
        ({"all_proxy": "PROXY", "no_proxy": "example.com"}, 1),
        ({"all_proxy": "PROXY", "no_proxy": "127.0.0.0/8"}, 0),
        ({"all_proxy": "PROXY", "no_proxy": "*"}, 0),
        ({"no_proxy": "*"}, 0),
        ({}, 0),
    ],
)
def test_the_environment_of_where_the_event_was_made_counts_and_no_other(
    pagerduty: Simulator,
    certificate: tuple[str, str],
    proxy: Middlebox,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    connections: int,
) -> None:
    for name in ("HTTP_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "nothing.example.com")
    before = dict(os.environ)
    environment = tuple((name, value.replace("PROXY", proxy.url)) for name, value in variables.items())
    assert post(pagerduty.url, certificate, environment=environment) == 202
    assert proxy.connections == connections
    assert dict(os.environ) == before


def test_the_environment_is_read_once(
    pagerduty: Simulator, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = RequestsTransport(Connection(pagerduty.url, ca_path=certificate[1]))
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert transport.post(PATH, BODY, ENOUGH).http_status == 202
    transport.close()


# --- proxies that fail ------------------------------------------------------------------------------------------------


def test_a_proxy_that_nobody_runs(pagerduty: Simulator, certificate: tuple[str, str], proxy: Middlebox) -> None:
    proxy.__exit__(None, None, None)
    error = failing(pagerduty.url, certificate, proxy=with_password(proxy.url))
    assert str(error) == f"the proxy did not connect to {pagerduty.url.partition('://')[2]}: Connection refused"
    assert not error.maybe_taken


def test_a_proxy_that_denies_a_plain_request_gives_its_answer(certificate: tuple[str, str]) -> None:
    with Simulator() as pagerduty, Middlebox(answer=DENIED) as box:
        assert post(pagerduty.url, certificate, proxy=with_password(box.url)) == 407


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (DENIED, "407 Proxy Authentication Required"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502 Bad Gateway"),
        (b"HTTP/1.1 403 not for http://user:%s@proxy\r\n\r\n" % PASSWORD.encode(), "403 not for"),
        (b"HTTP/1.1 403 not with %s\r\n\r\n" % PASSWORD.encode(), "403 not with"),
        (b"HTTP/1.1 403 not with %s\r\n\r\n" % base64.b64encode(f"user:{PASSWORD}".encode()), "403 not with"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ""),
        (b"", ""),
    ],
    ids=["denied", "bad gateway", "echoes the URL", "echoes the password", "echoes the header", "no HTTP", "hangs up"],
)
def test_a_proxy_that_makes_no_tunnel(answer: bytes, reason: str, certificate: tuple[str, str]) -> None:
    with Simulator(certfile=certificate[0]) as pagerduty, Middlebox(answer=answer) as box:
        error = failing(pagerduty.url, certificate, proxy=with_password(box.url))
        assert pagerduty.requests == []
    assert pagerduty.url.partition("://")[2] in str(error)
    assert reason in str(error)
    assert not error.maybe_taken or not reason  # what is no HTTP answer cannot be told from a broken tunnel


@pytest.mark.parametrize("kind", ["reset_after", "close_after"])
def test_a_tunnel_that_breaks_may_have_carried_the_event(
    kind: str, certificate: tuple[str, str], proxy: Middlebox
) -> None:
    with Simulator(certfile=certificate[0]) as pagerduty:
        pagerduty.add_fault(Fault(kind))
        error = failing(pagerduty.url, certificate, proxy=with_password(proxy.url))
        assert len(pagerduty.accepted) == 1
    assert error.maybe_taken
    assert "broke before an answer came" in str(error)


@pytest.mark.parametrize(
    "url", ["http://user:{}/x@127.0.0.1:1", "http://user:{}#x@127.0.0.1:1", "u:{}@:1", "http://u:{}@[::1", "http://"]
)
def test_a_proxy_of_the_environment_that_is_badly_written(
    pagerduty: Simulator, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, url.format(PASSWORD))
    scheme = pagerduty.url.partition(":")[0]
    with pytest.raises(OptionError, match=rf"^{scheme}_proxy: .* in the environment is no URL of a proxy") as caught:
        post(pagerduty.url, certificate)
    assert_no_secret(caught.value, PASSWORD)


@pytest.fixture
def _no_pysocks(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "socks" else find(name, *more))


@pytest.mark.usefixtures("_no_pysocks")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS5h"])
@pytest.mark.parametrize("place", ["option", "https_proxy", "ALL_PROXY"])
def test_a_socks_proxy_without_its_library_is_an_error_that_says_what_helps(
    scheme: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scheme}://user:{PASSWORD}@127.0.0.1:1080"
    if place != "option":
        monkeypatch.setenv(place, url)
    connection = Connection("https://events.example.com", proxy=url if place == "option" else None)
    with pytest.raises(OptionError) as caught:
        RequestsTransport(connection)
    said = str(caught.value)
    assert said.startswith("proxy: " if place == "option" else "https_proxy in the environment: ")
    assert f"'{scheme}://********@127.0.0.1:1080' needs the Python library PySocks, which is missing for" in said
    assert "pip install 'requests[socks]'" in said
    assert_no_secret(said, PASSWORD)


def test_a_proxy_of_the_environment_without_a_scheme(
    pagerduty: Simulator, certificate: tuple[str, str], proxy: Middlebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, with_password(proxy.url).partition("://")[2])
    assert post(pagerduty.url, certificate) == 202
    assert b"proxy-authorization: basic " in proxy.heads[0].lower()


def test_another_schemes_proxy_of_the_environment_does_not_matter(
    pagerduty: Simulator, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FTP_PROXY", "http://[")
    monkeypatch.setenv("HTTP_PROXY" if pagerduty.url.startswith("https") else "HTTPS_PROXY", "http://[")
    assert post(pagerduty.url, certificate) == 202


def test_a_connection_does_not_show_its_proxy(certificate: tuple[str, str], tmp_path: Path) -> None:
    assert_no_secret(repr(Connection("https://x", proxy=with_password("http://proxy"))), PASSWORD)
