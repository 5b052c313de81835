# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way an event takes to PagerDuty, as a plain value that can be stored beside it.

Holds what `_transport.Connection` holds, and the time-out; but importing this file imports no HTTP library.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field

_PATHS = ("ca_path", "client_cert", "client_key")


@dataclass(frozen=True)
class Route:
    """Where an event goes and how.

    Attributes:
        base_url: scheme, host, port and leading path, without a slash at the end.
        validate_certs: whether the server's certificate is checked.
        ca_path: file or folder with the certificates of the authorities to trust.
        client_cert: file with the client's certificate.
        client_key: file with the client's key.
        proxy: URL of a proxy; None for what the environment of the sending process says. May hold a password.
        timeout: seconds that one attempt may take.
    """

    base_url: str
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def encoded(self) -> str:
        """Return the route as text. Paths become absolute: whoever sends may have another working folder."""
        values = dataclasses.asdict(self)
        values.update({name: os.path.abspath(values[name]) for name in _PATHS if values[name]})
        return json.dumps(values)


def decode(text: str) -> Route:
    """Return the route that was stored as text."""
    return Route(**json.loads(text))
