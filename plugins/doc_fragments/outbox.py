# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the outbox's settings, as plugin_utils/_outbox_options.py specifies them."""

from __future__ import annotations


class ModuleDocFragment:
    """What is kept until it is sent, and at which pace it is sent."""

    DOCUMENTATION = r"""
options:
  outbox_path:
    description:
      - The file that keeps events until PagerDuty has accepted them, and remembers open incidents. By default
        C(oncall.pagerduty/outbox.sqlite3) below E(ANSIBLE_HOME).
      - A file that this collection has not made is left as it is, and so is a link. The folder has to be one that only
        this user, or root, can write. Else events are kept in memory, and a warning says what to do.
    type: path
  outbox_max_events:
    description:
      - How many events the outbox keeps. Beyond that some are dropped - first what PagerDuty has refused, then change
        events, then updates and resolves, pages last; of each the oldest. The run says so, the next one too, and
        C(drain_outbox) fails once. V(0) for any number.
    type: int
    default: 10000
  outbox_max_age:
    description:
      - Seconds after which an event is no longer worth sending. It is dropped then. The next run says so, and
        C(drain_outbox) fails once. V(0) for never.
      - Only time that has surely passed counts. How long the machine was off is known by the wall clock alone, which
        may have been wrong before or after, so that does not count; an event is rather sent late.
    type: float
    default: 604800.0
  prune_superseded:
    description:
      - Whether a trigger that could not be sent, and the resolve that overtakes it, are both dropped.
    type: bool
    default: false
  max_events_per_minute:
    description:
      - The pace for each integration key, over all runs on this controller. PagerDuty takes about 120. V(0) for any.
    type: int
    default: 120
  courier_linger:
    description:
      - Seconds that the sending process stays after the last run has ended, or was killed, while something waits to
        be sent. It ends at once when nothing waits. V(0) for not at all.
    type: float
    default: 21600.0
"""

    PLUGINS = r"""
options:
  outbox_path:
    env:
      - name: PAGERDUTY_OUTBOX_PATH
    ini:
      - section: pagerduty
        key: outbox_path
  outbox_max_events:
    env:
      - name: PAGERDUTY_OUTBOX_MAX_EVENTS
    ini:
      - section: pagerduty
        key: outbox_max_events
  outbox_max_age:
    env:
      - name: PAGERDUTY_OUTBOX_MAX_AGE
    ini:
      - section: pagerduty
        key: outbox_max_age
  prune_superseded:
    env:
      - name: PAGERDUTY_PRUNE_SUPERSEDED
    ini:
      - section: pagerduty
        key: prune_superseded
  max_events_per_minute:
    env:
      - name: PAGERDUTY_MAX_EVENTS_PER_MINUTE
    ini:
      - section: pagerduty
        key: max_events_per_minute
  courier_linger:
    env:
      - name: PAGERDUTY_COURIER_LINGER
    ini:
      - section: pagerduty
        key: courier_linger
"""
