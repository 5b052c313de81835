# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in one line at the end of a run what PagerDuty was told and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import cut

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Flushed

# Incidents named in the line; a line is not for more.
_NAMED = 3

# Characters of a dedup key that are shown: enough to find it by, few enough for a line.
_KEY_CHARACTERS = 120

# What is refused is not tried again, and a wrong key is the usual reason.
_ABOUT_THE_KEY = "ansible-playbook oncall.pagerduty.verify says whether PagerDuty takes the key"

What = Literal["triggered", "updated", "resolved"]
_ORDER: tuple[What, ...] = ("triggered", "updated", "resolved")


@dataclass(frozen=True)
class ToldIncident:
    """What PagerDuty was told of one incident in this run.

    Attributes:
        dedup_key: the incident's key.
        what: what became of the incident by it.
        accepted: whether PagerDuty has accepted any of that by now; None if nobody can tell.
        scope: whom it is about, as in C(3 hosts); empty for none.
    """

    dedup_key: str
    what: What
    accepted: bool | None = True
    scope: str = ""


def closing_line(told: Sequence[ToldIncident], flushed: Flushed, lost: int = 0) -> str:
    """Return the line.

    Args:
        told: the incidents that PagerDuty was told of, each once.
        flushed: what became of the run's events.
        lost: how many events could not even be kept.
    """
    parts = [*_incidents(told), *_events(flushed, lost)]
    outlook = f"; {flushed.outlook}" if flushed.outlook and flushed.waiting else ""
    remedy = f"; {_ABOUT_THE_KEY}" if flushed.set_aside else ""
    return f"PagerDuty: {', '.join(parts)}{_problem(flushed)}{outlook}{remedy}"


def scope(hosts: int) -> str:
    """Say whom an incident is about, given the number of its failed hosts."""
    return count(hosts, "host") if hosts else "the run as a whole"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, which takes an s in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _incidents(told: Sequence[ToldIncident]) -> list[str]:
    parts = []
    for what in _ORDER:
        # What PagerDuty has not accepted nobody has heard of.
        for accepted, heard in ((True, ""), (None, "perhaps "), (False, "not ")):
            names = [_name(one) for one in told if (one.what, one.accepted) == (what, accepted)]
            if names:
                parts.append(f"{count(len(names), 'incident')} {heard}{what} ({_some(names)})")
    return parts


def _events(flushed: Flushed, lost: int) -> list[str]:
    is_known = flushed.accepted or not flushed.unknown
    parts = [f"{count(flushed.accepted, 'event')} accepted"] if is_known else []
    parts.append(f"{flushed.waiting} waiting")
    for number, word in ((flushed.set_aside, "refused"), (flushed.dropped, "dropped"), (lost, "lost")):
        if number:
            parts.append(f"{number} {word}")
    if flushed.unknown:
        them = "it" if flushed.unknown == 1 else "them"
        parts.append(f"of {count(flushed.unknown, 'event')} nothing is known, PagerDuty may have had {them}")
    return parts


def _problem(flushed: Flushed) -> str:
    is_troubled = flushed.waiting or flushed.set_aside or flushed.unknown
    return f" ({flushed.problem})" if flushed.problem and is_troubled else ""


def _name(one: ToldIncident) -> str:
    # A key of the user's own can hold anything; a terminal obeys some of it.
    key = "".join(letter if letter.isprintable() else " " for letter in one.dedup_key)
    key = cut(" ".join(key.split()), _KEY_CHARACTERS)
    return f"{key}, {one.scope}" if one.scope else key


def _some(names: Sequence[str]) -> str:
    more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more
