# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' way in: runs a task where AnsiballZ has put it. The controller's way in is plugin_utils/_action.py."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import MissingLibraryError, OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import TaskKind, plan, run, unusable


def run_module(kind: TaskKind) -> None:
    """Run a task as an ordinary module and end the process as modules do."""
    module = AnsibleModule(argument_spec=dict(kind.spec), supports_check_mode=True, **kind.rules)
    try:
        # Which host the task is about is not known here; the action plugin has put its name where it is needed.
        result = run(plan(kind, module.params, host="ansible"), module.check_mode, module._diff)
    except MissingLibraryError as error:
        module.fail_json(**{**unusable(error), "msg": missing_required_lib(error.library)}, exception=error.details)
    except OptionError as error:
        module.fail_json(**unusable(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
