# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out how a failure is to be paged: the callback's options, overruled by variables of its host, play and task."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    KEY_OPTIONS,
    SETTINGS_SPEC,
    SHARED_OPTIONS,
    both_keys,
    is_blank,
    read_key_file,
    routing_key,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain_text
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_keys
from ansible_collections.oncall.pagerduty.plugins.module_utils._typed import check_scalars, scalar
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._key_variables import variables_behind
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import (
    LABELS,
    Steering,
    Target,
    parse_details,
    parse_names,
    parse_severities,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unknown_settings import unknown_variables
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import Variables, trusted

# Beside the shared settings: what variables of hosts, plays and tasks can overrule.
_STEERING = (
    "enabled",
    "severity",
    "group_by",
    "dedup_key",
    "summary",
    "custom_details",
    "component",
    "group",
    "class",
    "client",
    "client_url",
)
VARIABLES = {name: f"pagerduty_{name}" for name in (*_STEERING, *SETTINGS_SPEC)}
"""The variables that steer how failures are paged, by the name of the option that they overrule."""

# Rendered when what they may refer to is known.
_TEMPLATES = ("dedup_key", "summary", "custom_details")

_TYPES = {"group_by": "list"}

# A typing error in one of these must not keep the page from the service that other variables name.
_PATIENCE = ("max_retries", "retry_base_interval", "retry_max_interval", "jitter", "timeout", "deadline")

_NO_KEY = (
    "no integration key was given. Give routing_key_file under [pagerduty] in ansible.cfg, PAGERDUTY_ROUTING_KEY in the"
    " environment, or pagerduty_routing_key as a variable"
)


class SteeringReader:
    """Reads the steering of failures. Options must have passed `_callback_options.checked`."""

    def __init__(self, options: Mapping[str, Any], warn: Callable[[str], None]) -> None:
        """Take the callback's options.

        Args:
            options: by name, with the types of the callback's documentation.
            warn: told, once for each text, of variables that cannot be used.
        """
        own = {"custom_details": parse_details(options.get("custom_details"))}
        self._options = {**options, **{name: trusted({**options, **own}.get(name)) for name in _TEMPLATES}}
        self._warn = warn
        self._warned: set[str] = set()
        self._names_seen: set[frozenset[str]] = set()
        self._targets: dict[tuple[Any, ...], tuple[Target | None, str | None]] = {}
        self._read_from_pipes: dict[str, tuple[str, str | None]] = {}

    def read(
        self, variables: Variables | None, facts: Mapping[str, Any], group_by: tuple[str, ...] = ("playbook",)
    ) -> Steering:
        """Return how a failure is to be paged.

        Args:
            variables: those of the failure's host; None for the end of a run, which has none.
            facts: what templates can refer to as C(failure).
            group_by: the labels that make failures one incident where neither options nor variables name any.
        """
        said = self._said(variables)
        target, problem = self._target(said, variables)
        if target is None and variables is not None:
            fallback, _problem = self._target(self._options, variables)
            if fallback is not None:
                named = [name for name in SETTINGS_SPEC if said.get(name) != self._options.get(name)]
                where = [f"{VARIABLES[name]} of the host" for name in named if re.search(rf"\b{name}\b", str(problem))]
                origin = f" (set by {', '.join(where)})" if where else ""
                self._warn_once(
                    f"variables name a way that cannot be used, so the usual one is taken: {problem}{origin}"
                )
                target = fallback
        dedup_key, key_template = self._dedup_key(variables, said, facts)
        group_by = self._checked(
            "group_by",
            said,
            lambda given: group_by if given is None else parse_names("group_by", given, LABELS, variables=True),
        )
        return Steering(
            enabled=self._checked("enabled", said, boolean),
            target=target,
            severities=self._checked("severity", said, parse_severities),
            group_by=group_by,
            variables={name: self._text(variables, name) for name in _named(group_by)},
            dedup_key=dedup_key,
            # Not as plain text: ansible-core has marked it as a template.
            summary=said.get("summary") if optional_text(said.get("summary")) else None,
            custom_details=self._checked("custom_details", said, _details),
            component=optional_text(said.get("component")),
            group=optional_text(said.get("group")),
            class_=optional_text(said.get("class")),
            client=optional_text(said.get("client")),
            client_url=optional_text(said.get("client_url")),
            hosts=_play_size(variables),
            problem=problem,
            otherwise={name: self._options[name] for name in ("summary", "custom_details")},
            key_variables=_key_variables(variables, group_by, key_template),
        )

    def _said(self, variables: Variables | None) -> dict[str, Any]:
        """Return the options, overruled by the variables that are there."""
        said = dict(self._options)
        if variables is None:
            return said
        self._look_at_names(variables)
        found = {name: variable for name, variable in VARIABLES.items() if not _is_blank(variables, name)}
        for name, variable in list(found.items()):
            if variables.reported(variable):
                # It would let a managed host say where the integration key is sent.
                self._warn_once(f"the variable {variable} is a fact that a host reports, and is left out")
                del found[name]
        for name, variable in list(found.items()):
            if name in _TEMPLATES:
                said[name] = variables.values[variable]
                continue
            try:
                value = variables.get(variable)
            except Exception as error:  # pylint: disable=broad-except  # any template can fail in any way
                self._warn_once(f"the variable {variable} cannot be rendered and is left out: {error}")
                del found[name]
                continue
            if is_blank(value, _TYPES.get(name, "str")):
                del found[name]
            elif self._is_usable(name, value):
                said[name] = value
            else:
                del found[name]
        keys = [name for name in KEY_OPTIONS if name in found and optional_text(said[name])]
        for name in KEY_OPTIONS:
            # Whichever place names one of them decides for both.
            said[name] = said[name] if name in keys[:1] else None if keys else self._options.get(name)
        if len(keys) > 1:
            self._warn_once(both_keys((VARIABLES[name] for name in keys), "of the host"))
        return said

    def _is_usable(self, name: str, value: Any) -> bool:
        """Tell whether a variable's value fits its type. One that says only how patiently to send is left out alone."""
        if name not in _PATIENCE:
            return True
        try:
            scalar(name, value, SETTINGS_SPEC[name]["type"])
        except OptionError as error:
            self._warn_once(f"the variable {VARIABLES[name]} cannot be used and is left out: {error}")
            return False
        return True

    def _look_at_names(self, variables: Variables) -> None:
        names = frozenset(name for name in variables.values if str(name).lower().startswith("pager"))
        if names not in self._names_seen:
            self._names_seen.add(names)
            known = {*VARIABLES, *SHARED_OPTIONS}
            for warning in unknown_variables(names, known, self._options.keys() - known):
                self._warn_once(warning)

    def _checked(self, option: str, said: Mapping[str, Any], convert: Callable[[Any], Any]) -> Any:
        """Convert what is said; if it cannot be used, warn and go back to the option: a page must not be lost by it."""
        try:
            return convert(said.get(option))
        except (OptionError, TypeError, ValueError) as error:
            self._warn_once(f"the variable {VARIABLES[option]} cannot be used and is left out: {error}")
            return convert(self._options.get(option))

    def _target(self, said: Mapping[str, Any], variables: Variables | None) -> tuple[Target | None, str | None]:
        given = {name: said.get(name) for name in SETTINGS_SPEC}
        identity = tuple(str(value) for value in given.values())
        if identity not in self._targets:
            try:
                self._targets[identity] = (self._new_target(given, variables), None)
            except OptionError as error:
                self._targets[identity] = (None, str(error))
        return self._targets[identity]

    def _new_target(self, given: Mapping[str, Any], variables: Variables | None) -> Target:
        spec = {name: SETTINGS_SPEC[name] for name in given}
        check_scalars(given, spec)
        outcome = ArgumentSpecValidator(spec).validate({name: v for name, v in given.items() if v is not None})
        if outcome.error_messages:
            raise OptionError("settings", mask_keys(outcome.error_messages[0]))
        options = outcome.validated_parameters
        if options.get("routing_key") is None and options.get("routing_key_file"):
            path = options["routing_key_file"]
            options["routing_key"], warning = self._read_key_file(path, variables)
            if warning:
                self._warn_once(warning)
        if options.get("routing_key") is None:
            raise OptionError("routing_key", _NO_KEY)
        return Target(routing_key(options), settings(options))

    def _read_key_file(self, path: str, variables: Variables | None) -> tuple[str, str | None]:
        """Read a key file; what is no regular file, as a shell's C(<(command)), only once: a pipe is empty then."""
        if path in self._read_from_pipes:
            return self._read_from_pipes[path]
        found = read_key_file(path, variables.decrypted(path) if variables else None)
        if not os.path.isfile(path):
            self._read_from_pipes[path] = found
        return found

    def _text(self, variables: Variables | None, name: str) -> str:
        try:
            value = variables.get(name) if variables is not None else None
        except Exception as error:  # pylint: disable=broad-except  # any template can fail in any way
            self._warn_once(f"group_by: the variable {name} cannot be rendered: {error}")
            return ""
        return "" if value is None else plain_text(value)

    def _dedup_key(
        self, variables: Variables | None, said: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> tuple[str | None, Any]:
        """Return the key that the variable's template makes, or the option's where that comes to nothing; and which."""
        template = said.get("dedup_key")
        rendered = self._rendered_text(variables, template, facts)
        if rendered == "" and template != self._options.get("dedup_key"):
            template = self._options.get("dedup_key")
            rendered = self._rendered_text(variables, template, facts)
        return (rendered, template) if rendered else (None, None)

    def _rendered_text(self, variables: Variables | None, template: Any, facts: Mapping[str, Any]) -> str | None:
        """Return what a template makes; empty if that is nothing, None if there is no template or it cannot be used."""
        if optional_text(template) is None or variables is None:
            return None
        try:
            return optional_text(variables.render(template, facts)) or ""
        except Exception as error:  # pylint: disable=broad-except  # any template can fail in any way
            self._warn_once(f"dedup_key cannot be rendered, so the one made from group_by is taken: {error}")
            return None

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


def facts_of(job: str, host: str, task: str, role: str, path: str, play: str) -> dict[str, Any]:
    """Return what a template for the dedup key can refer to as C(failure): what is the same in the next run."""
    return {"job": job, "host": host, "task": task, "role": role, "path": path, "play": play}


def _is_blank(variables: Variables, name: str) -> bool:
    return is_blank(variables.values.get(VARIABLES[name]), _TYPES.get(name, "str"))


def _named(group_by: tuple[str, ...]) -> list[str]:
    return [name[len("vars.") :] for name in group_by if name.startswith("vars.")]


def _key_variables(variables: Variables | None, group_by: tuple[str, ...], template: Any) -> frozenset[str]:
    named = _named(group_by)
    if variables is None or not (named or template):
        return frozenset()
    return variables_behind([] if template else named, [template], variables.values)


def _details(given: Any) -> Any:
    """Return details as variables have them: a mapping, or a template for one."""
    if given is None or isinstance(given, (Mapping, str)):
        return given
    raise OptionError("custom_details", f"a {type(given).__name__} was given; expected a mapping")


def _play_size(variables: Variables | None) -> int | None:
    hosts = variables.values.get("ansible_play_hosts_all") if variables is not None else None
    return len(hosts) if isinstance(hosts, (list, tuple)) else None
