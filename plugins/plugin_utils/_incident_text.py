# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what an incident is about, for the person who is woken by it. Pure.

Texts are masked before they are cut, since half a secret would not be found. The rest of what is returned still has to
be masked as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._failures import Cut, Errored
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._host_ranges import listed
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext

# How much is shown. A title is read on a telephone's lock screen, details on a screen.
_HOSTS_IN_SUMMARY = 3
_MESSAGE_CHARACTERS = 2000
_STDERR_LINES = 20
_ITEMS = 10

HIDDEN = "The task hides its result (no_log)."

Mask = Callable[[str], str]


def summary(incident: Incident, job: str, shown: Callable[[str], str] = str) -> str:
    """Return the incident's title, as in C(deploy.yml failed on 3 of 40 hosts: Install nginx (web1, web2, web3)).

    Args:
        incident: what to tell of.
        job: the job's name.
        shown: returns a host's name as a person is to read it.
    """
    cause = incident.cause
    if not isinstance(cause, Outcome):
        return _end_summary(cause, job)
    hosts = list(incident.hosts) or [cause.host]
    only = incident.total == 1 or (incident.total is None and len(hosts) == 1)
    where = shown(hosts[0]) if only else _count(hosts, incident.total)
    names = "" if only else _names(hosts, shown)
    if not incident.of_kind("failed") and incident.hosts:
        text = f"{job} could not reach {where}{names}"
    else:
        text = f"{job} failed on {where}: {_tasks(incident, cause)}{names}"
    return text if incident.ended is None else f"{text}; the run was cut short"


def _end_summary(cut: Cut, job: str) -> str:
    if isinstance(cut, Errored):
        return f"{job} was ended by an error: {_first_line(cut.text)}"
    return f"{job} was interrupted{_by(cut)}"


def _by(cut: Cut) -> str:
    return "" if isinstance(cut, Errored) or not cut.signal else f" by {cut.signal}"


def _count(hosts: Sequence[str], total: int | None) -> str:
    count = f"{len(hosts)} of {max(total, len(hosts))}" if total else str(len(hosts))
    return f"{count} hosts"


def _names(hosts: Sequence[str], shown: Callable[[str], str]) -> str:
    """Return the first hosts' names in brackets."""
    names = ", ".join(map(shown, hosts[:_HOSTS_IN_SUMMARY]))
    more = len(hosts) - _HOSTS_IN_SUMMARY
    return f" ({names} and {more} more)" if more > 0 else f" ({names})"


def _tasks(incident: Incident, cause: Outcome) -> str:
    tasks = dict.fromkeys(place for _kind, place in incident.hosts.values() if place is not None)
    others = len(tasks) - 1
    if others > 0:
        return f"{cause.task} and {others} other task{'s' if others > 1 else ''}"
    return cause.task


def details(incident: Incident, run: RunContext, mask: Mask) -> dict[str, Any]:
    """Return the incident's details, the most useful first; entries that say nothing are None.

    Args:
        incident: what to tell of.
        run: who runs what, where.
        mask: takes secrets out of a text.
    """
    cause = incident.cause
    hosts = list(incident.hosts)
    entries: dict[str, Any] = {"job": run.job_name}
    if isinstance(cause, Outcome):
        entries.update(_failure(cause, mask))
        unreachable = incident.of_kind("unreachable")
        entries["failed_hosts"] = listed(incident.of_kind("failed")) or None
        entries["unreachable_hosts"] = listed(unreachable) or None
        others = [{"host": sample.host, **_failure(sample, mask)} for sample in incident.samples if sample is not cause]
        entries["other_failures"] = others or None
    elif isinstance(cause, Errored):
        entries["error"] = _shortened(mask(cause.text))
    if incident.ended is not None:
        entries["run"] = _ending(incident.ended)
    entries["rerun"] = run.rerun_command(hosts, came_to_its_end=incident.ended is None) or None
    entries["build"] = run.build.name or None
    entries["playbook"] = run.playbook or None
    entries["user"] = run.user or None
    entries["controller"] = run.controller or None
    entries["git_revision"] = run.short_revision or None
    entries["ansible_core"] = run.core_version or None
    entries["inventory"] = ", ".join(run.inventories) or None
    return entries


def _failure(outcome: Outcome, mask: Mask) -> dict[str, Any]:
    """Return what is known about one failure."""
    return {
        "play": outcome.play or None,
        "role": outcome.role or None,
        "task": outcome.task or None,
        "path": outcome.path or None,
        "message": HIDDEN if outcome.hidden else _shortened(mask(outcome.message)) or None,
        "stderr": _end(mask(outcome.stderr)) or None,
        "failed_items": _items(outcome, mask),
        "delegated_to": outcome.delegated_to or None,
    }


def _items(outcome: Outcome, mask: Mask) -> list[Any] | None:
    shown: list[Any] = [
        {
            "item": _shortened(mask(item.label)) or None,
            "message": _shortened(mask(item.message)) or None,
            "stderr": _end(mask(item.stderr)) or None,
        }
        for item in outcome.items[:_ITEMS]
    ]
    more = len(outcome.items) - len(shown) + outcome.items_left_out
    if more > 0:
        shown.append(f"and {more} more")
    return shown or None


def _ending(cut: Cut) -> str:
    if isinstance(cut, Errored):
        return f"ended by an error before its end: {_first_line(cut.text)}"
    return f"interrupted{_by(cut)} before its end"


def _shortened(text: str) -> str:
    return text if len(text) <= _MESSAGE_CHARACTERS else text[: _MESSAGE_CHARACTERS - 1] + "…"


def _end(text: str) -> str:
    return "\n".join(text.splitlines()[-_STDERR_LINES:])[-_MESSAGE_CHARACTERS:]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
