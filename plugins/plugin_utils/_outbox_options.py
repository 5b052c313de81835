# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox's settings, which the callback and tasks share: specification, where the file is, what they mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible import constants

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS, RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings

OUTBOX_SPEC: dict[str, dict[str, Any]] = {
    "outbox_path": {"type": "path"},
    "outbox_max_events": {"type": "int", "default": 10000},
    "outbox_max_age": {"type": "float", "default": 604800.0},
    "prune_superseded": {"type": "bool", "default": False},
    "max_events_per_minute": {"type": "int", "default": 120},
    "courier_linger": {"type": "float", "default": 21600.0},
    **{name: SETTINGS_SPEC[name] for name in ("retry_base_interval", "retry_max_interval", "jitter")},
}
"""Argument specification. Where it is explained: doc_fragments/outbox.py and retries.py."""

_MOST = {
    "outbox_max_events": float("inf"),
    "outbox_max_age": 1e10,
    "max_events_per_minute": float("inf"),
    "courier_linger": LONGEST_SECONDS,
}
"""The greatest usable values; none may be negative."""


def default_outbox_path() -> str:
    """Return where the outbox is unless an option says otherwise: in the user's Ansible home."""
    home: str = constants.config.get_config_value("ANSIBLE_HOME")
    return os.path.join(home, "oncall.pagerduty", "outbox.sqlite3")


def delivery_settings(options: Mapping[str, Any]) -> DeliverySettings:
    """Make settings from options that have the specification's types.

    Raises:
        OptionError: if a value cannot be used.
    """
    for name, most in _MOST.items():
        if not 0 <= options[name] <= most:
            raise OptionError(name, f"{options[name]} was given; expected {_range(most)}")
    # Checked here, since the courier, which uses them, could tell nobody.
    RetryPolicy(base_interval=options["retry_base_interval"], max_interval=options["retry_max_interval"])
    return DeliverySettings(
        outbox_path=options["outbox_path"] or default_outbox_path(),
        max_events=options["outbox_max_events"],
        max_age=options["outbox_max_age"],
        prune_superseded=options["prune_superseded"],
        max_events_per_minute=options["max_events_per_minute"],
        retry_base_interval=options["retry_base_interval"],
        retry_max_interval=options["retry_max_interval"],
        jitter=options["jitter"],
        courier_linger=options["courier_linger"],
    )


def _range(most: float) -> str:
    return "0 or more" if most == float("inf") else f"0 to {most:g}"
