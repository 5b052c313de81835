# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says why an incident stays open after a run, and which setting changes that. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolving import GONE_AFTER_SECONDS, Verdict, Why

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place

_MOST = 10
"""Names in one line. A line is not for more."""

_HOURS = round(GONE_AFTER_SECONDS / 3600)

_TEXTS = {
    Why.NEWER: "{hosts} failed after this run had begun to show that it works",
    Why.PARAMETERS: "this run was started with other extra variables{names}; job_variables decides which count",
    Why.NOT_NOTED: "an earlier version recorded {hosts} without the extra variables of that run, so no run can be known"
    " to be the same job; resolve it by a task, since what is done in PagerDuty is not learned of here",
    Why.KEY: "a failure of {hosts} would have another key in this run; group_by, dedup_key and their variables decide",
    Why.ROUTE: "no integration key of this run belongs to it, for {hosts}; routing_key and routing_key_file decide",
    Why.UNPAGED: "a failure of {hosts} would not be paged in this run; enabled and page_on decide",
    Why.ABSENT: "{hosts} not in the inventory any more; that counts as gone when a complete green run finds the same"
    f" {_HOURS} hours or more after the first",
    Why.MADE: "{hosts} not there, and not from a source of the inventory, as with add_host; only a run with them proves"
    " anything",
    Why.SOURCES: "a source of the inventory could not be read{sources}, so that nothing is known of {hosts}",
    Why.IGNORED: "the task failed again on {hosts}, and that was ignored (ignore_errors, ignore_unreachable); a run in"
    " which it ends well is needed",
    Why.SKIPPED: "the task was skipped on {hosts}; a run in which it ends well is needed, or a complete green one",
    Why.PLAYBOOK: "{hosts} failed in another playbook of this job, at a place that this one did not come to; job_name"
    " decides",
    Why.MACHINE: "{hosts} failed on another controller, and is another machine there",
    Why.INVENTORY: "{hosts} failed with another inventory",
    Why.ELSEWHERE: "this run did not come to where {hosts} failed",
}


def reasons(verdict: Verdict, unread: Sequence[str], names: Collection[str]) -> list[str]:
    """Return one line for each reason why hosts have not got through, but for those that failed again.

    Args:
        verdict: what the run means for the incident.
        unread: the sources of the inventory that could not be read.
        names: the variables that tell this run apart.
    """
    sources = f" ({_some(unread)})" if unread else ""
    return [
        _TEXTS[why].format(
            hosts=_some([place.host or "the run as a whole" for place in places]),
            names=_names(places, names),
            sources=sources,
        )
        for why, places in verdict.why.items()
        if why in _TEXTS
    ]


def _names(places: Sequence[Place], own: Collection[str]) -> str:
    """Name those that only one of the runs had; if both had the same, all: their values differ."""
    theirs = {name for place in places for name in place.names}
    return f" ({_some(sorted(theirs.symmetric_difference(own) or theirs))})"


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _MOST} more" if len(unique) > _MOST else ""
    return ", ".join(unique[:_MOST]) + more
