# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module incident, whose file holds the documentation."""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.module_utils._task import INCIDENT
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._action import EventAction


class ActionModule(EventAction):
    """Sends from the controller."""

    kind = INCIDENT
