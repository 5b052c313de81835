# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS is checked as asked: own authorities, client certificates, and errors that say what is wrong."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RequestsTransport
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.middlebox import Middlebox
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.script import (
    on_a_terminal,
    run_script,
)

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
PATH = "/v2/enqueue"
BODY = (
    b'{"routing_key":"%s","event_action":"trigger","dedup_key":"k",'
    b'"payload":{"summary":"s","source":"h","severity":"error"}}' % KEY.encode()
)
ENOUGH = 60.0


@dataclass(frozen=True)
class Pki:
    """Files with throw-away certificates."""

    authority: str
    stranger: str
    server: str
    wrong_host: str
    client: str
    client_certificate: str
    client_key: str


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    ours, stranger = trustme.CA(), trustme.CA()
    client = ours.issue_cert("somebody@example.com")

    def written(name: str, blob: Any) -> str:
        blob.write_to_path(str(folder / name))
        return str(folder / name)

    return Pki(
        authority=written("authority.pem", ours.cert_pem),
        stranger=written("stranger.pem", stranger.cert_pem),
        server=written("server.pem", ours.issue_cert("127.0.0.1").private_key_and_cert_chain_pem),
        wrong_host=written("wrong-host.pem", ours.issue_cert("other.example.com").private_key_and_cert_chain_pem),
        client=written("client.pem", client.private_key_and_cert_chain_pem),
        client_certificate=written("client-certificate.pem", client.cert_chain_pems[0]),
        client_key=written("client-key.pem", client.private_key_pem),
    )


@pytest.fixture(autouse=True)
def no_authorities_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pagerduty(pki: Pki) -> Iterator[Simulator]:
    with Simulator(certfile=pki.server) as simulator:
        yield simulator


def status_of(url: str, **connection: Any) -> int:
    transport = RequestsTransport(Connection(url, **connection))
    try:
        return transport.post(PATH, BODY, ENOUGH).http_status
    finally:
        transport.close()


def failing(url: str, **connection: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        status_of(url, **connection)
    assert_no_secret(caught.value, KEY)
    assert str(caught.value).startswith(f"TLS with {url[len('https://') :]} failed: "), caught.value
    return caught.value


def test_an_authority_in_a_file(pagerduty: Simulator, pki: Pki) -> None:
    assert status_of(pagerduty.url, ca_path=pki.authority) == 202
    assert len(pagerduty.accepted) == 1


def test_an_authority_in_a_folder(pagerduty: Simulator, pki: Pki, tmp_path: Path) -> None:
    command = ["openssl", "x509", "-hash", "-noout", "-in", pki.authority]
    try:
        name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except FileNotFoundError:
        pytest.skip("needs the openssl command to name the file as OpenSSL looks for it")
    (tmp_path / f"{name}.0").write_bytes(Path(pki.authority).read_bytes())
    assert status_of(pagerduty.url, ca_path=str(tmp_path)) == 202


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_in_the_environment(
    pagerduty: Simulator, pki: Pki, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, pki.authority)
    assert status_of(pagerduty.url) == 202
    with pytest.raises(TransportError):
        status_of(pagerduty.url, ca_path=pki.stranger)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_authority_of_where_the_event_was_made_counts_and_no_other(
    pagerduty: Simulator, pki: Pki, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", pki.stranger)
    assert status_of(pagerduty.url, environment=((variable, pki.authority),)) == 202
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", pki.authority)
    for environment in ((), ((variable, pki.stranger),)):
        with pytest.raises(TransportError):
            status_of(pagerduty.url, environment=environment)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_in_the_environment_that_is_not_there(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/missing")
    with pytest.raises(OptionError, match=rf"^{variable}: there is no file '/missing' on the machine that sends"):
        RequestsTransport(Connection("https://127.0.0.1:1"))


def test_of_several_variables_the_one_of_requests_counts_first(
    pagerduty: Simulator, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", pki.stranger)
    monkeypatch.setenv("CURL_CA_BUNDLE", pki.authority)
    assert status_of(pagerduty.url) == 202


def test_openssls_variable_may_name_what_is_not_there_but_nothing_that_is_no_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing")
    RequestsTransport(Connection("https://127.0.0.1:1"))
    (tmp_path / "empty.pem").write_text("nothing\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    with pytest.raises(OptionError, match=r"^SSL_CERT_FILE: '.*empty.pem' holds no usable certificates"):
        RequestsTransport(Connection("https://127.0.0.1:1"))


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_is_not_there(option: str, pki: Pki) -> None:
    files: dict[str, Any] = {"client_cert": pki.client, option: "/missing"}
    with pytest.raises(OptionError, match=rf"^{option}: there is no file '/missing' on the machine that sends"):
        RequestsTransport(Connection("https://127.0.0.1:1", **files))


def test_an_authority_that_nobody_knows(pagerduty: Simulator, pki: Pki) -> None:
    for connection in ({}, {"ca_path": pki.stranger}):
        error = failing(pagerduty.url, **connection)
        assert "certificate" in str(error)
        assert not error.maybe_taken
    assert pagerduty.requests == []


def test_a_certificate_for_another_host(pki: Pki) -> None:
    with Simulator(certfile=pki.wrong_host) as pagerduty:
        error = failing(pagerduty.url, ca_path=pki.authority)
    assert re.search(r"not valid for '127.0.0.1'|'127.0.0.1' doesn't match", str(error))  # OpenSSL, urllib3 before 2.0
    assert not error.maybe_taken
    assert pagerduty.requests == []


@pytest.mark.parametrize("certificate", ["server", "wrong_host"])
def test_without_validation_anything_goes(pki: Pki, certificate: str) -> None:
    with Simulator(certfile=getattr(pki, certificate)) as pagerduty:
        assert status_of(pagerduty.url, validate_certs=False) == 202


WITHOUT_VALIDATION = """
import sys
sys.path[:] = {path!r}
from ansible_collections.oncall.pagerduty.plugins.module_utils import _connection, _transport
transport = _transport.RequestsTransport(_connection.Connection({url!r}, validate_certs=False))
print([transport.post("/v2/enqueue", {body!r}, 10).http_status for _turn in range(3)])
"""


def test_without_validation_nobody_is_warned_for_each_event(pagerduty: Simulator, tmp_path: Path) -> None:
    done = run_script(WITHOUT_VALIDATION, tmp_path, url=pagerduty.url, body=BODY)
    assert (done.stdout, done.stderr) == ("[202, 202, 202]\n", "")


@pytest.fixture
def guarded(pki: Pki) -> Iterator[Middlebox]:
    """A server that asks its clients for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server)
    context.load_verify_locations(pki.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    with Simulator() as pagerduty, Middlebox(int(pagerduty.url.rpartition(":")[2]), tls=context) as box:
        yield box


def test_a_client_certificate_with_its_key_in_one_file_or_two(guarded: Middlebox, pki: Pki) -> None:
    url = f"https://127.0.0.1:{guarded.port}"
    assert status_of(url, ca_path=pki.authority, client_cert=pki.client) == 202
    separate = {"client_cert": pki.client_certificate, "client_key": pki.client_key}
    assert status_of(url, ca_path=pki.authority, **separate) == 202


def test_without_the_client_certificate_that_the_server_wants(guarded: Middlebox, pki: Pki) -> None:
    with pytest.raises(TransportError, match=r"^(TLS with|the connection to) 127.0.0.1:.* ") as caught:
        status_of(f"https://127.0.0.1:{guarded.port}", ca_path=pki.authority)
    assert_no_secret(caught.value, KEY)


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_that_holds_no_certificate(option: str, guarded: Middlebox, pki: Pki, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate\n")
    files = {"ca_path": pki.authority, "client_cert": pki.client_certificate, "client_key": pki.client_key}
    files[option] = str(nonsense)
    with pytest.raises(OptionError, match=r"^(ca_path|client_cert): .* no usable certificate") as caught:
        status_of(f"https://127.0.0.1:{guarded.port}", **files)
    assert repr(str(nonsense)) in str(caught.value)
    assert_no_secret(caught.value, KEY)


ENCRYPTED_KEY = """
import sys
sys.path[:] = {path!r}
from ansible_collections.oncall.pagerduty.plugins.module_utils import _connection, _errors, _transport
try:
    connection = _connection.Connection("https://127.0.0.1:1", client_cert={cert!r}, client_key={key!r})
    _transport.RequestsTransport(connection)
except _errors.OptionError as error:
    print(error)
"""


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(pki: Pki, tmp_path: Path) -> None:
    key = serialization.load_pem_private_key(Path(pki.client_key).read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    shown = on_a_terminal(ENCRYPTED_KEY, tmp_path / "script", cert=pki.client_certificate, key=str(encrypted))
    assert shown.startswith("client_cert: ")
    assert "no usable certificate with its unencrypted key" in shown
    assert len(shown.splitlines()) == 1  # OpenSSL would ask here


def test_a_server_that_speaks_no_tls() -> None:
    with Middlebox(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain:
        failing(plain.url.replace("http", "https"))


def test_connections_are_kept_over_tls_and_faults_are_told_as_without(pagerduty: Simulator, pki: Pki) -> None:
    with Middlebox(relay_to=int(pagerduty.url.rpartition(":")[2])) as relay:
        transport = RequestsTransport(Connection(f"https://127.0.0.1:{relay.port}", ca_path=pki.authority))
        assert [transport.post(PATH, BODY, ENOUGH).http_status for _turn in range(10)] == [202] * 10
        assert relay.connections == 1
        pagerduty.add_fault(Fault("reset_after"))
        with pytest.raises(TransportError, match=r"broke before an answer came|^TLS with") as caught:
            transport.post(PATH, BODY, ENOUGH)
        assert caught.value.maybe_taken
        assert_no_secret(caught.value, KEY)
        pagerduty.add_fault(Fault("slow_body"))
        assert transport.post(PATH, BODY, 0.3).http_status == 202
        transport.close()


def test_after_a_fork_tls_works_in_both_processes(pagerduty: Simulator, pki: Pki) -> None:
    transport = RequestsTransport(Connection(pagerduty.url, ca_path=pki.authority))
    transport.post(PATH, BODY, ENOUGH)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if transport.post(PATH, BODY, ENOUGH).http_status == 202 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert transport.post(PATH, BODY, ENOUGH).http_status == 202
    transport.close()
