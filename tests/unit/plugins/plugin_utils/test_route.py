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


@pytest.mark.parametrize("route", [Route(Connection("https://example.org")), FULL], ids=["plain", "full"])
def test_comes_back_as_it_was(route: Route) -> None:
    assert _route.decode(route.encoded()) == route


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stored = _route.decode(Route(Connection("https://example.org", ca_path="ca.pem")).encoded())
    assert stored.connection.ca_path == str(tmp_path / "ca.pem")


def test_the_proxys_password_is_not_shown() -> None:
    assert_no_secret(repr(FULL), "hunter22")
