# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what tasks do with events that are not delivered, as module_utils/_options.py specifies it."""

from __future__ import annotations


class ModuleDocFragment:
    """Now, later, or both."""

    DOCUMENTATION = r"""
options:
  queue:
    description:
      - What to do with an event that PagerDuty has not accepted. The queue is the outbox on the controller, see
        M(oncall.pagerduty.outbox); where it is and how it is worked off is said by the settings of
        P(oncall.pagerduty.page_on_failure#callback).
      - V(false) delivers it now, or fails.
      - V(on_failure) delivers it now. If that does not succeed in time, it is queued, and the task succeeds with a
        warning. What PagerDuty refuses for good still fails.
      - V(always) queues it and goes on at once. It is sent in the background, in order for each incident.
      - A task that is delegated to another host cannot queue.
    type: str
    choices: ["false", on_failure, always]
    default: "false"
"""
