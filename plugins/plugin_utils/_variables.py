# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and renders variables of hosts, plays and tasks. The only file that asks ansible-core's variable manager."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import Templar
from ansible.utils.unsafe_proxy import wrap_var
from ansible.vars.manager import VariableManager

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string is a template

    def trust_as_template(value: Any) -> Any:
        """Return the value as it is."""
        return value


_HOST_LISTS = ("ansible_play_hosts_all", "ansible_play_hosts", "ansible_play_batch", "play_hosts")

# Keeps ansible-core from making those lists; an empty one would not.
_NOBODY = [""]

# ansible-core promises nothing about these parameters.
_CAN_BE_SPARED = {"_hosts", "_hosts_all"} <= inspect.signature(VariableManager.get_vars).parameters.keys()


class Variables:
    """The variables of one host in one play and task, as they were when asked for."""

    def __init__(self, values: Mapping[str, Any], templar: Any, loader: Any = None) -> None:
        self.values = values
        """All variables by name, not yet templated."""
        self._templar = templar
        self._loader = loader

    def decrypted(self, path: str) -> str | None:
        """Return where the content of a file can be read if ansible-vault has encrypted it; None if it has not."""
        try:
            readable: str = self._loader.get_real_file(path)
        except Exception:  # pylint: disable=broad-except  # whoever reads the file says what is wrong with it
            return None
        return None if readable == path else readable

    def get(self, name: str) -> Any:
        """Return a variable's templated value, None if there is no such variable.

        Raises:
            Exception: whatever ansible-core raises for a template that cannot be rendered.
        """
        if name not in self.values:
            return None
        return templated(self._templar, self.values[name], self.values)

    def template(self, value: Any) -> Any:
        """Render a value that comes from the variables themselves."""
        return self._templar.template(value)

    def reported(self, name: str) -> bool:
        """Tell whether a variable is one of the facts that the host has reported of itself."""
        facts = self.values.get("ansible_facts")
        return isinstance(facts, Mapping) and name in facts

    def render(self, template: Any, facts: Mapping[str, Any]) -> Any:
        """Render a template of the user's, a string or a structure of them.

        Args:
            template: the template, out of the variables or made `trusted`. Text of any other origin stays as it is.
            facts: what it can refer to as C(failure), beside the variables. Text in it is never taken for a template:
                it comes from managed hosts, which must not run code on the controller.

        Raises:
            Exception: whatever ansible-core raises for a template that cannot be rendered.
        """
        before = self._templar.available_variables
        self._templar.available_variables = {**self.values, "failure": wrap_var(dict(facts))}
        try:
            return templated(self._templar, template, self.values)
        finally:
            self._templar.available_variables = before


def templated(templar: Any, value: Any, variables: Mapping[str, Any]) -> Any:
    """Return the value of a variable, templated, as options take it. None where it comes to C(omit).

    Raises:
        Exception: whatever ansible-core raises for a template that cannot be rendered.
    """
    try:
        value = decrypted(templar.template(value))
    except AnsibleError as error:
        if type(error).__name__ == "AnsibleValueOmittedError":  # ansible-core has it from 2.19 on
            return None
        raise
    # Before that, C(omit) is a text of its own in each process.
    return None if isinstance(value, str) and value == variables.get("omit") else value


def decrypted(value: Any) -> Any:
    """Return a templated value as options take it: up to ansible-core 2.18 a vaulted one is an object of its own."""
    return str(value) if getattr(value, "__ENCRYPTED__", False) else value


def trusted(template: Any) -> Any:
    """Return the user's own templates, which come from elsewhere than variables, as ones that may be rendered."""
    if isinstance(template, str):
        return trust_as_template(template)
    if isinstance(template, Mapping):
        return {key: trusted(value) for key, value in template.items()}
    if isinstance(template, list):
        return [trusted(value) for value in template]
    return template


class VariableReader:
    """Reads variables of one host after the other, at a cost that does not grow with the number of hosts.

    ansible-core makes the lists of a play's hosts anew for each host, and looks each of them up among those that have
    failed: with 1,500 hosts that takes longer than all the rest of a failure. Here they are made once for each task,
    and say what was so at its first failure.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._place: tuple[Any, Any] | None = None
        self._lists: Mapping[str, Any] = {}

    def variables_of(self, play: Any, host: Any = None, task: Any = None) -> Variables:
        """Return the variables of a host in a play, and in a task if there is one.

        Args:
            play: the play's object.
            host: the host's object or its name; None for what holds for all.
            task: the task's object.
        """
        manager = play.get_variable_manager()
        if isinstance(host, str):
            host = manager._inventory.get_host(host) if manager._inventory is not None else None
        # Each host may have a copy of the task to itself.
        place = (play, getattr(task, "_uuid", None))
        if _CAN_BE_SPARED and self._place == place:
            values = manager.get_vars(play=play, host=host, task=task, _hosts=_NOBODY, _hosts_all=_NOBODY)
            values.update(self._lists)
        else:
            values = manager.get_vars(play=play, host=host, task=task)
            self._lists = {name: values[name] for name in _HOST_LISTS if name in values}
            self._place = place
        return Variables(values, Templar(loader=play.get_loader(), variables=values), play.get_loader())


def extra_variables(play: Any) -> Mapping[str, Any]:
    """Return the variables given on the command line."""
    return play.get_variable_manager().extra_vars or {}


def inventory_manager(play: Any) -> Any:
    """Return the inventory that a play runs on, as ansible-core's own object; None if there is none."""
    return play.get_variable_manager()._inventory


def answers(play: Any) -> tuple[list[Any], Mapping[str, Any]]:
    """Return what a play has asked for (C(vars_prompt)), and its variables, which have the answers."""
    return [prompt for prompt in play.vars_prompt or () if isinstance(prompt, Mapping)], play.vars or {}
