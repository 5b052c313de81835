# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what the modules support."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes: of all modules, of those that send an event, and of those that work on the controller only."""

    DOCUMENTATION = r"""
attributes:
  async:
    description: Can be run in the background with C(async).
    support: none
  platform:
    description: Where it runs.
    support: full
    platforms: all
"""

    ACTIONGROUP = r"""
attributes:
  action_group:
    description: Use C(group/oncall.pagerduty.pagerduty) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - oncall.pagerduty.pagerduty
"""

    SENDING = r"""
attributes:
  check_mode:
    description: Can run in check mode, and then says what it would do without doing it.
    support: full
    details:
      - The event is validated and returned, the key included that it would get. Nothing is sent.
  diff_mode:
    description: Returns details on what has changed, or would change, in diff mode.
    support: full
    details:
      - Shows the event. What PagerDuty knows already is not asked.
  action:
    description: Has an action plugin, so that some or all of the work is done on the controller.
    support: full
    details:
      - The event is sent from the controller. The host of the task needs neither Python nor a way out to the
        Internet, and never sees the integration key.
      - A task that is delegated to a host other than C(localhost) is run there as an ordinary module, and needs
        C(requests) there.
"""

    CONTROLLER = r"""
attributes:
  check_mode:
    description: Can run in check mode, and then says what is there without doing anything.
    support: full
  diff_mode:
    description: Returns details on what has changed, or would change, in diff mode.
    support: none
  action:
    description: Has an action plugin, so that the work is done on the controller.
    support: full
"""
