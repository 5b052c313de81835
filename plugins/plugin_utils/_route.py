# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way an event takes to PagerDuty, as a plain value that can be stored beside it."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection

_PATHS = ("ca_path", "client_cert", "client_key")


@dataclass(frozen=True)
class Route:
    """Where an event goes and how.

    Attributes:
        connection: where PagerDuty is and how to get there.
        timeout: seconds that one attempt may take.
    """

    connection: Connection
    timeout: float = 10.0

    def encoded(self) -> str:
        """Return the route as text. Paths become absolute: whoever sends may have another working folder."""
        connection = dataclasses.asdict(self.connection)
        connection.update({name: os.path.abspath(connection[name]) for name in _PATHS if connection[name]})
        return json.dumps({"connection": connection, "timeout": self.timeout})


def decode(text: str) -> Route:
    """Return the route that was stored as text.

    Raises:
        KeyError, TypeError, ValueError or AttributeError: if it is no route that this version can read.
    """
    values = json.loads(text)
    # A newer version of this collection may have put fields into a shared outbox that this one does not know.
    known = {field.name for field in dataclasses.fields(Connection)}
    connection = {name: value for name, value in values["connection"].items() if name in known}
    return Route(Connection(**connection), float(values["timeout"]))
