# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, for tests that speak to a socket themselves."""

from __future__ import annotations

from urllib.parse import urlsplit


def address_of(url: str) -> tuple[str, int]:
    """The host and port of a URL that names both, as sockets take them."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url} has no host or no port")
    return parts.hostname, parts.port
