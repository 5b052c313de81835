# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where PagerDuty is and how to get there, as a value. Importing it loads no HTTP library."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_url


@dataclass(frozen=True)
class Connection:
    """Where PagerDuty is and how to get there.

    Attributes:
        base_url: scheme, host, port and leading path, without a slash at the end.
        validate_certs: whether the server's certificate is checked.
        ca_path: file or folder with the certificates of the authorities to trust; None for the usual ones.
        client_cert: file with the client's certificate, and its key unless client_key names that.
        client_key: file with the client's key.
        proxy: URL of a proxy; None for what the environment says. May hold a password.
        environment: what the environment says, where it is not that of the process that sends: the variables for
            proxies and authorities that were set where the event was made. May hold a password.
    """

    base_url: str
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    environment: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)


def socks_problem(url: str) -> str | None:
    """Return what keeps a proxy from being used here for want of a library, and what helps; None if nothing does."""
    scheme = url.partition("://")[0].lower()
    if not scheme.startswith("socks") or importlib.util.find_spec("socks") is not None:
        return None
    remedy = "install it beside requests, as with: pip install 'requests[socks]'"
    return f"{mask_url(url)!r} needs the Python library PySocks, which is missing for {sys.executable}; {remedy}"


def split_url(url: str) -> SplitResult | None:
    """Return a URL's parts; None if it names no host or is no URL, as for an unclosed bracket or a lettered port."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:  # its text may hold what stands before an @, so it is not passed on
        return None
