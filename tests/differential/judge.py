# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what was paged with how the run really ended."""

from __future__ import annotations

from .runner import Run


def deviations(run: Run) -> list[str]:
    """Say in words what is wrong with what was paged; nothing if all is well."""
    seen = run.observation
    failed = run.exit_code != 0
    if run.case.before_callbacks or not seen.started:
        if seen.started or not run.case.before_callbacks:
            return [f"callbacks were {'' if seen.started else 'not '}loaded (exit code {run.exit_code})"]
        return []
    found = list(seen.bugs)
    if seen.paged and not failed:
        found.append(f"FALSE PAGE for {_names(seen.hosts)}: exit code 0")
    if failed and not seen.paged:
        found.append(f"MISSED PAGE: exit code {run.exit_code}, failed hosts {_names(run.ended_hosts)}")
    if seen.withdrawn:
        found.append(f"TAKEN BACK: {_names(seen.withdrawn)}")
    if seen.twice:
        found.append(f"NAMED TWICE: {_names(seen.twice)}")
    cut_by = "" if run.statistics or not failed else "signal" if run.case.signal else "error"
    if seen.cut_by != cut_by:
        found.append(f"CUT SHORT by {seen.cut_by or 'nothing'}, but it was {cut_by or 'nothing'}")
    if failed and run.statistics and seen.paged and not seen.early and not run.case.late:
        found.append(f"LATE: paged {_names(seen.hosts)} only at the end")
    expected = _expected_hosts(run)
    if expected is not None and failed and seen.paged and seen.hosts != expected:
        found.append(f"HOSTS: paged {_names(seen.hosts)}, but {_names(expected)} failed")
    return found


def _expected_hosts(run: Run) -> frozenset[str] | None:
    if not run.statistics:
        return run.case.cut_hosts
    # No host ended failed, yet the run did: then any host will do.
    return run.ended_hosts or None


def _names(hosts: frozenset[str]) -> str:
    return ", ".join(sorted(hosts)) or "no host"
