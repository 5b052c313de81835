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
      - A task that is delegated to another host cannot queue.
    type: str
    choices:
      "false": Deliver it now, or fail.
      on_failure: >-
        Deliver it now. If that does not succeed in time, queue it and succeed. What PagerDuty refuses for good still
        fails.
      always: >-
        Queue it and go on at once. It is sent in the background, in order for each incident.
    default: "false"
"""
