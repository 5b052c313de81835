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
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._upkeep import Report

OUTBOX_TASK_SPEC: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["drained", "listed", "retried", "purged"], "default": "drained"},
    "ids": {"type": "list", "elements": "int"},
    "waiting": {"type": "bool", "default": False},
    "limit": {"type": "float", "default": 60.0},
    "most": {"type": "int", "default": 100},
    "offset": {"type": "int", "default": 0},
    **OUTBOX_SPEC,
}

_DONE = {"drained": "sent", "retried": "put back", "purged": "dropped"}


def tend(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what validated options say, and return the task's result.

    Raises:
        OptionError: if a value cannot be used.
        PagerDutyError: if the outbox cannot be used.
    """
    if not 0 <= options["limit"] <= LONGEST_SECONDS:
        raise OptionError("limit", f"{options['limit']} was given; expected seconds, from 0 to {LONGEST_SECONDS:g}")
    for name in ("most", "offset"):
        if options[name] < 0:
            raise OptionError(name, f"{options[name]} was given; expected a number of events, 0 or more")
    settings = delivery_settings(options)
    try:
        # SQLite is loaded by a task that needs it, not by every play that has one.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _upkeep
    except ImportError as error:
        raise PagerDutyError(f"there is no outbox: this Python cannot load its module sqlite3 ({error})") from None

    state = options["state"]
    if state == "listed":
        report = _upkeep.listed(settings, _upkeep.Page(options["most"], options["offset"]))
    elif state == "drained":
        report = _upkeep.drainable(settings) if check_mode else _upkeep.drained(settings, options["limit"])
    elif state == "retried":
        report = (_upkeep.retriable if check_mode else _upkeep.retried)(settings, options["ids"])
    else:
        report = (_upkeep.purgeable if check_mode else _upkeep.purged)(settings, options["ids"], options["waiting"])
    result: dict[str, Any] = {
        "changed": report.changed > 0 or bool(report.untold),
        "msg": _message(report, state, check_mode),
        "waiting": report.waiting,
        "set_aside": report.set_aside,
        "dropped": report.dropped,
        "by_key": [counts.as_dict() for counts in report.by_key],
        "events": [entry.as_dict() for entry in report.events],
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
        for untold in report.untold:
            result["msg"] += f" {untold.explained()}"
        if report.waiting or report.refused or report.untold:
            result["failed"] = True
    elif state == "listed":
        result["msg"] += _which(report, options["offset"])
    return result


def _which(report: Report, offset: int) -> str:
    """Say which events are listed, unless that is all there are."""
    total, listed = report.waiting + report.set_aside, len(report.events)
    if listed == total:
        return ""
    return f" Listed are {offset + 1} to {offset + listed} of {total}." if listed else f" None of {total} is listed."


def _message(report: Report, state: str, check_mode: bool) -> str:
    """Say what was done and what is left, in a sentence."""
    parts = []
    if report.changed:
        parts.append(f"{_count(report.changed)} {'would be ' if check_mode else ''}{_DONE[state]}")
    left = []
    if report.waiting:
        left.append(f"{_count(report.waiting)} waiting")
    if report.set_aside:
        why = f" ({report.refusal})" if report.refusal else ""
        left.append(f"{_count(report.set_aside)} that PagerDuty has refused{why}")
    parts.append(f"the outbox has {' and '.join(left)}" if left else "the outbox is empty")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _reason(report: Report) -> str:
    if report.problem:
        return f"The last attempt failed: {report.problem}."
    return "No attempt has failed; a longer limit may do."


def _count(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"
