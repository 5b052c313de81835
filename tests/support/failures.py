# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures, and how they are to be paged, for the tests of what the callback makes of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._connection import Connection
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Settings
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Failure
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering, Target, parse_severities
from ansible_collections.oncall.pagerduty.tests.support.events import KEY

SETTINGS = Settings(Connection("https://events.pagerduty.com"), RetryPolicy(), 10.0)


def outcome(host: str = "web1", **fields: Any) -> Outcome:
    """A task that failed on a host."""
    plain = Outcome(
        host=host,
        kind="failed",
        ignored=False,
        task="Install nginx",
        task_uuid="uuid",
        action="ansible.builtin.fail",
        path="/srv/shop/deploy.yml:7",
        role="",
        play="Deploy",
        message="No package nginx available",
        stderr="",
        items=(),
        items_left_out=0,
        hidden=False,
        delegated_to="",
        spreads=False,
        written_task="Install nginx",
    )
    return dataclasses.replace(plain, **fields)


def failure(*hosts: str, **fields: Any) -> Failure:
    """The decision that hosts failed, because the first of them did."""
    return Failure(outcome(hosts[0], **fields), hosts)


def target(key: str = KEY) -> Target:
    """The people behind an integration key."""
    return Target(key, SETTINGS)


def steering(**fields: Any) -> Steering:
    """What the options and variables say, by default nothing special."""
    severities = parse_severities(fields.pop("severity", None))
    return Steering(
        **{"enabled": True, "target": target(), "severities": severities, "group_by": ("playbook",), **fields}
    )
