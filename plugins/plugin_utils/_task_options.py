# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's options on the controller: completed from variables, the environment and ansible.cfg, then validated."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Source, environment, fill_in
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_keys
from ansible_collections.oncall.pagerduty.plugins.module_utils._typed import check_scalars
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import templated

Spec = Mapping[str, Mapping[str, Any]]

# Here, in the parent of all workers, so that not each of them reads the file.
_config_file.section()


@dataclass(frozen=True)
class Gathered:
    """A task's options, not yet validated.

    Attributes:
        options: by name, as the task or another place gave them.
        origins: for each that came from another place, where that is.
        environ: what the task's C(environment) adds to the process's.
        warnings: what the user should know.
        ignored: a phrase for each place that names an option and says nothing.
    """

    options: Mapping[str, Any]
    origins: Mapping[str, str]
    environ: Mapping[str, str]
    warnings: Sequence[str] = ()
    ignored: Sequence[str] = ()

    def explained(self, problem: str) -> str:
        """Add to a problem where the options that it names stand: not everybody wrote them in the task."""
        named = {name: origin for name, origin in self.origins.items() if re.search(rf"\b{name}\b", problem)}
        hints = {_config_file.comment_hint(origin, self.options.get(name)) for name, origin in named.items()}
        problem = mask_keys(problem) + "".join(sorted(hints))
        return f"{problem} (set by {', '.join(named.values())})" if named else problem


def gather(action: Any, spec: Spec, task_vars: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> Gathered:
    """Complete a task's options.

    Args:
        action: the action plugin at work.
        spec: the task's argument specification.
        task_vars: the task's variables.
        own: the options that the task itself gives; by default all of its arguments.
    """
    environ = task_environment(action)

    # What a managed host reports of itself must not say where the integration key is sent.
    reported = task_vars.get("ansible_facts") or {}

    def variable(name: str) -> Any:
        if name not in task_vars or name in reported:
            return None
        return templated(action._templar, task_vars[name], task_vars)

    sources = (
        Source("of the host", lambda option: f"pagerduty_{option}", variable),
        environment(environ),
        environment(os.environ),
        _config_file.source(),
    )
    warnings: list[str] = []
    ignored: list[str] = []
    own = action._task.args if own is None else own
    options, origins = fill_in(own, spec, sources, warnings.append, ignored.append)
    for name, origin in origins.items():
        if spec[name]["type"] == "path" and origin.startswith(f"{name} under"):
            options[name] = _config_file.resolve_path(options[name])
    return Gathered(options, origins, environ, warnings, ignored)


def validate(task: str, options: Mapping[str, Any], spec: Spec, rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with the types and defaults of a specification.

    Raises:
        OptionError: if they do not fit it.
    """
    check_scalars(options, spec)
    rules = {"required_if": None, "required_by": None, **rules}
    outcome = ArgumentSpecValidator(dict(spec), **rules).validate(dict(options))
    if outcome.error_messages:
        unknown = sorted(name if isinstance(name, str) else ".".join(name) for name in outcome.unsupported_parameters)
        # A misspelt option first: what is missing then is only its consequence.
        raise OptionError(task, f"there is no option {', '.join(unknown)}" if unknown else outcome.error_messages[0])
    return {name: value for name, value in outcome.validated_parameters.items() if name in spec}


def task_environment(action: Any) -> dict[str, str]:
    """Return what the task's C(environment) adds to the process's, as it would for a module."""
    return _templated(action, action._task.environment)


def own_environment(action: Any) -> dict[str, str]:
    """Return that part of the task's C(environment) which its play, role or block does not give.

    Theirs is meant for what runs on managed hosts. Its proxies must not steer what the controller sends.
    """
    # By its difference, since ansible-core has put all of it into the task by now.
    inherited = _templated(action, action._task._get_parent_attribute("environment", omit=True))
    return {name: value for name, value in task_environment(action).items() if inherited.get(name) != value}


def _templated(action: Any, layers: Any) -> dict[str, str]:
    added: dict[str, str] = {}
    for layer in layers if isinstance(layers, list) else ():
        layer = action._templar.template(layer)
        if isinstance(layer, Mapping):
            added.update({str(name): "" if value is None else str(value) for name, value in layer.items()})
    return added
