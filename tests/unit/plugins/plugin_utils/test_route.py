# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of an event survives being stored, and shows no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _route
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

FULL = Route(
    Connection("https://example.org", False, "/ca.pem", "/cert.pem", "/key.pem", "http://user:hunter22@proxy:3128"),
    timeout=2.5,
)


PLAIN = Route(Connection("https://example.org"))


@pytest.mark.parametrize("route", [PLAIN, FULL], ids=["plain", "full"])
def test_comes_back_as_it_was(route: Route) -> None:
    assert _route.decode(route.encoded()) == route


def test_one_that_an_earlier_version_has_stored_stays_the_same() -> None:
    """Else an event would count as one that goes another way by now, and be tried again without a pause."""
    stored = (
        '{"connection": {"base_url": "https://example.org", "validate_certs": true, "ca_path": null,'
        ' "client_cert": null, "client_key": null, "proxy": null}, "timeout": 10.0}'
    )
    assert _route.decode(stored).encoded() == stored


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stored = _route.decode(Route(Connection("https://example.org", ca_path="ca.pem")).encoded())
    assert stored.connection.ca_path == str(tmp_path / "ca.pem")


def test_the_proxys_password_is_not_shown() -> None:
    assert_no_secret(repr(FULL), "hunter22")
    assert_no_secret(repr(PLAIN.with_surroundings({"https_proxy": "http://user:hunter22@proxy:3128"})), "hunter22")


# --- surroundings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "environ", "expected"),
    [
        (PLAIN, {}, ()),
        (PLAIN, {"PATH": "/bin", "HOME": "/root"}, ()),
        (PLAIN, {"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2"}, (("https_proxy", "http://b:2"),)),
        (PLAIN, {"HTTPS_PROXY": "http://a:1", "https_proxy": ""}, ()),
        (PLAIN, {"ALL_PROXY": "http://a:1", "NO_PROXY": "x"}, (("all_proxy", "http://a:1"), ("no_proxy", "x"))),
        (PLAIN, {"REQUESTS_CA_BUNDLE": "ca.pem"}, (("REQUESTS_CA_BUNDLE", "HERE/ca.pem"),)),
        (PLAIN, {"SSL_CERT_FILE": "/a:b"}, (("SSL_CERT_FILE", "/a:b"),)),
        (PLAIN, {"SSL_CERT_DIR": "c:/d"}, (("SSL_CERT_DIR", "HERE/c:/d"),)),
        (FULL, {"https_proxy": "http://b:2", "CURL_CA_BUNDLE": "/ca"}, ()),
    ],
)
def test_what_the_environment_says_goes_along(
    route: Route,
    environ: dict[str, str],
    expected: tuple[tuple[str, str], ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = _route.decode(route.with_surroundings(environ).encoded())
    assert stored.connection.environment == tuple(
        (name, value.replace("HERE", str(tmp_path))) for name, value in expected
    )
    assert stored == route.with_surroundings(environ)
    assert stored.without_surroundings() == route
    assert hash(stored)
