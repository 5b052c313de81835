# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that never comes about: makes a host unreachable without a network."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: unplugged
short_description: Never connects
description: For tests.
"""


class Connection(ConnectionBase):
    transport = "unplugged"
    has_pipelining = True

    def _connect(self) -> None:
        raise AnsibleConnectionFailure("the cable is out")

    def exec_command(self, cmd: str, in_data: Any = None, sudoable: bool = True) -> None:
        self._connect()

    def put_file(self, in_path: str, out_path: str) -> None:
        self._connect()

    def fetch_file(self, in_path: str, out_path: str) -> None:
        self._connect()

    def close(self) -> None:
        self._connected = False
