# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module outbox, whose file holds the documentation. The outbox is on the controller only."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_task import OUTBOX_TASK_SPEC, tend
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._task_options import gather, validate


class ActionModule(ActionBase):
    """Tends the outbox from the controller's worker process."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for the result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        gathered = gather(self, OUTBOX_TASK_SPEC, task_vars or {})
        try:
            options = validate("outbox", gathered.options, OUTBOX_TASK_SPEC, {})
            return {**result, **tend(options, self._task.check_mode)}
        except PagerDutyError as error:
            return {**result, "failed": True, "msg": gathered.explained(str(error))}
