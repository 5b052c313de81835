# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outbox task does: options in, result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings

OUTBOX_TASK_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["drained", "listed", "retried", "purged"], "default": "drained"},
    "ids": {"type": "list", "elements": "int"},
    "waiting": {"type": "bool", "default": False},
    "limit": {"type": "float", "default": 60.0},
    **OUTBOX_SPEC,
}

_DONE = {"drained": "Sent", "listed": "", "retried": "Put back", "purged": "Dropped"}


def tend(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what validated options say, and return the task's result.

    Raises:
        OptionError: if a value cannot be used.
        DatabaseError: if the outbox cannot be used.
    """
    if options["limit"] < 0:
        raise OptionError("limit", f"{options['limit']} was given; expected 0 or more seconds")
    settings = delivery_settings(options)
    # SQLite is loaded by a task that needs it, not by every play that has one.
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep

    state = options["state"]
    if check_mode or state == "listed":
        report = _upkeep.listed(settings)
    elif state == "drained":
        report = _upkeep.drained(settings, options["limit"])
    elif state == "retried":
        report = _upkeep.retried(settings, options["ids"])
    else:
        report = _upkeep.purged(settings, options["ids"], options["waiting"])
    result: dict[str, Any] = report.as_dict()
    changed = bool(result.pop("changed"))
    if check_mode:
        changed = _would_change(options, report.waiting, report.set_aside)
    done = f"{_DONE[state]} {_count(report.changed)}; " if report.changed else ""
    result.update(changed=changed, msg=_sentence(f"{done}{_left(report.waiting, report.set_aside)}."))
    if state == "drained" and report.waiting and not check_mode:
        result["failed"] = True
        result["msg"] += f" After {options['limit']:g} s the outbox is not drained. {_reason(report)}"
    return result


def _would_change(options: Mapping[str, Any], waiting: int, set_aside: int) -> bool:
    if options["state"] == "drained":
        return waiting > 0
    if options["state"] == "purged" and options["waiting"]:
        return waiting + set_aside > 0
    return options["state"] != "listed" and set_aside > 0


def _left(waiting: int, set_aside: int) -> str:
    if not waiting and not set_aside:
        return "the outbox is empty"
    refused = f", and {_count(set_aside)} refused by PagerDuty" if set_aside else ""
    return f"the outbox has {_count(waiting)} waiting{refused}"


def _reason(report: Any) -> str:
    reason = next((entry.reason for entry in report.events if entry.reason), None)
    return f"The oldest reason: {reason}." if reason else "No attempt has failed so far; a longer limit may do."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _count(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"
