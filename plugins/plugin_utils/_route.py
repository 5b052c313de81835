# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way an event takes to PagerDuty, as a plain value that can be stored beside it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection

_PATHS = ("ca_path", "client_cert", "client_key")
# What the environment says about proxies, in small letters or, if that is not set, in capitals; and about authorities.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


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
        if self.connection.environment is None:
            # As earlier versions have stored it: a route that is read and written again stays the same.
            del connection["environment"]
        return json.dumps({"connection": connection, "timeout": self.timeout})

    def with_surroundings(self, environ: Mapping[str, str]) -> Route:
        """Return the route with what this environment says about the way, so that it holds in any other process."""
        environment = tuple(_that_count(self.connection, environ))
        return dataclasses.replace(self, connection=dataclasses.replace(self.connection, environment=environment))

    def without_surroundings(self) -> Route:
        """Return the route as it is where the sending process's own environment counts."""
        return dataclasses.replace(self, connection=dataclasses.replace(self.connection, environment=None))


def _that_count(connection: Connection, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that change the way: what an option says already is asked of no variable."""
    if not connection.proxy:
        for name in _PROXIES:
            value = environ.get(name, environ.get(name.upper()))
            if value:
                yield name, value
    if connection.validate_certs and not connection.ca_path:
        for name in _AUTHORITIES:
            if environ.get(name):
                # OpenSSL takes several folders, and but one file.
                paths = environ[name].split(os.pathsep) if name.endswith("_DIR") else [environ[name]]
                yield name, os.pathsep.join(map(os.path.abspath, paths))


def decode(text: str) -> Route:
    """Return the route that was stored as text.

    Raises:
        KeyError, TypeError, ValueError or AttributeError: if it is no route that this version can read.
    """
    values = json.loads(text)
    # A newer version of this collection may have put fields into a shared outbox that this one does not know.
    known = {field.name for field in dataclasses.fields(Connection)}
    connection = {name: value for name, value in values["connection"].items() if name in known}
    environment = connection.get("environment")
    if environment is not None:
        connection["environment"] = tuple((str(name), str(value)) for name, value in environment)
    return Route(Connection(**connection), float(values["timeout"]))
