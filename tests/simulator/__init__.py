# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local PagerDuty: both Events APIs, change events and the incidents of the REST API, with faults on demand.

    with Simulator() as pd:
        send_something_to(pd.url)
        assert [incident.status for incident in pd.incidents] == ["triggered"]

`python3 -m tests.simulator` starts the same thing from a shell. It needs nothing but the standard library.
"""

from __future__ import annotations

from ._faults import Fault
from ._received import Received
from ._simulator import Simulator
from ._state import Change, Incident, LogEntry

__all__ = ["Change", "Fault", "Incident", "LogEntry", "Received", "Simulator"]
