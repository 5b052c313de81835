# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin of the module settings_info, whose file holds the documentation."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import callback_loader

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import resolve
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._settings_info import ALL_SETTINGS, CALLBACK, inform
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._task_options import gather, validate


class ActionModule(ActionBase):
    """Looks at the settings from the controller's worker process."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for the result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            validate("settings_info", self._task.args, {}, {})
        except PagerDutyError as error:
            return {**result, "failed": True, "msg": str(error)}
        # What the callback's options are is known once it is loaded, which it need not be.
        loaded = callback_loader.get(CALLBACK, class_only=True)
        name = loaded._load_name
        definitions = constants.config.get_configuration_definitions("callback", name)
        task_vars = task_vars or {}
        gathered = gather(self, ALL_SETTINGS, task_vars)
        informed = inform(gathered, task_vars, resolve(definitions))
        return {**result, "changed": False, **informed}
