# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outbox task does: options in, result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import planted

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Entry
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._upkeep import Report

OUTBOX_TASK_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["drained", "listed", "retried", "purged"], "default": "drained"},
    "ids": {"type": "list", "elements": "int"},
    "waiting": {"type": "bool", "default": False},
    "limit": {"type": "float", "default": 60.0},
    **OUTBOX_SPEC,
}

# How many events a task shows that was not asked to list them: a play that fails after an outage stays readable.
_MOST_SHOWN = 20

_DONE = {"drained": "sent", "retried": "put back", "purged": "dropped"}


def tend(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what validated options say, and return the task's result.

    Raises:
        OptionError: if a value cannot be used.
        PagerDutyError: if the outbox cannot be used.
    """
    if not 0 <= options["limit"] <= LONGEST_SECONDS:
        raise OptionError("limit", f"{options['limit']} was given; expected seconds, from 0 to {LONGEST_SECONDS:g}")
    settings = delivery_settings(options)
    try:
        # SQLite is loaded by a task that needs it, not by every play that has one.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep
    except ImportError as error:
        raise PagerDutyError(f"there is no outbox: this Python cannot load its module sqlite3 ({error})") from None

    state = options["state"]
    if check_mode or state == "listed":
        report = _upkeep.listed(settings)
    elif state == "drained":
        report = _upkeep.drained(settings, options["limit"])
    elif state == "retried":
        report = _upkeep.retried(settings, options["ids"])
    else:
        report = _upkeep.purged(settings, options["ids"], options["waiting"])
    concerned = sum(_is_concerned(entry, options) for entry in report.events) if check_mode else report.changed
    result: dict[str, Any] = {
        "changed": concerned + report.outdated > 0,
        "msg": _message(report, state, concerned, check_mode),
        "waiting": report.waiting,
        "set_aside": report.set_aside,
        "dropped": report.dropped,
        "events": [entry.as_dict() for entry in report.events[: None if state == "listed" else _MOST_SHOWN]],
    }
    in_the_way = planted(settings.outbox_path)
    if in_the_way:
        where = f"{' and '.join(in_the_way)}: no private folder of this user"
        result["warnings"] = [f"What is kept while the outbox cannot be used is not looked for in {where}"]
    if state == "drained" and not check_mode:
        if report.waiting:
            result["msg"] += f" That is after {options['limit']:g} s. {_reason(report)}"
        if report.refused:
            result["msg"] += f" {_count(report.refused)} refused just now: nobody has been paged by that."
        if report.waiting or report.refused:
            result["failed"] = True
    return result


def _is_concerned(entry: Entry, options: Mapping[str, Any]) -> bool:
    """Tell whether the task would do something about an event."""
    if options["state"] == "drained":
        return entry.state != "set aside"
    if options["ids"] is not None and entry.id not in options["ids"]:
        return False
    if options["state"] == "purged" and options["waiting"] and entry.state == "waiting":
        return True
    return options["state"] in ("retried", "purged") and entry.state == "set aside"


def _message(report: Report, state: str, concerned: int, check_mode: bool) -> str:
    """Say what was done and what is left, in a sentence."""
    parts = []
    if concerned:
        parts.append(f"{_count(concerned)} {'would be ' if check_mode else ''}{_DONE[state]}")
    if report.outdated:
        parts.append(f"{_count(report.outdated)} dropped unsent by the outbox's caps")
    left = []
    if report.waiting:
        left.append(f"{_count(report.waiting)} waiting")
    if report.set_aside:
        reason = next((entry.reason for entry in report.events if entry.state == "set aside"), None)
        why = f" ({reason})" if reason else ""
        left.append(f"{_count(report.set_aside)} that PagerDuty has refused{why}")
    parts.append(f"the outbox has {' and '.join(left)}" if left else "the outbox is empty")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _reason(report: Report) -> str:
    reason = next((entry.reason for entry in report.events if entry.reason and entry.state != "set aside"), None)
    return f"The last attempt failed: {reason}." if reason else "No attempt has failed; a longer limit may do."


def _count(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"
