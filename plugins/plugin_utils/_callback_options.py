# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the callback's options and checks them at the start of a run, so that a slip in one of them costs no page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    KEY_OPTIONS,
    SETTINGS_SPEC,
    both_keys,
    check_key_content,
    key_file_content,
    routing_key,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import (
    CAUSES,
    LABELS,
    parse_details,
    parse_names,
    parse_severities,
)

PAGES_NOBODY = "nobody is paged by the callback's options, only where variables overrule them"
"""What is said of an option that has no substitute, before the reason."""

_SENDING = frozenset(
    {"routing_key", "region", "api_url", "allow_http", "ca_path", "client_cert", "client_key", "proxy"}
)
"""Options that say who is paged and over which way. A default in the place of one would send a key elsewhere."""

_UNUSABLE = "(unusable)"

# Events wait in the outbox for as long as it takes, so the callback has no options for giving up.
_PATIENT = {name: SETTINGS_SPEC[name]["default"] for name in ("max_retries", "deadline")}
_VAULT_HEADER = b"$ANSIBLE_VAULT;"


@dataclass
class CallbackOptions:
    """The callback's options, and what is wrong with what was given.

    Attributes:
        values: the options by name, with the types of the documentation; usable but for those that `nobody` is about.
        doubts: what was given and cannot be used, so that something else counts: a sentence each.
        nobody: why the options alone page nobody; None if nothing speaks against it.
    """

    values: dict[str, Any]
    doubts: list[str] = field(default_factory=list)
    nobody: str | None = None


def options_of(name: str) -> CallbackOptions:
    """Return the options of the callback with this name, which ansible-core must have loaded; see `read`, `checked`."""
    definitions = constants.config.get_configuration_definitions("callback", name)
    defaults = {option: definition.get("default") for option, definition in definitions.items()}
    return checked(read(name, defaults), defaults, os.environ)


def read(name: str, defaults: Mapping[str, Any]) -> CallbackOptions:
    """Ask ansible-core for the options of the callback, one by one: else a single one would take all others with it.

    Args:
        name: the callback's name.
        defaults: its documented defaults.
    """
    read_options = CallbackOptions({})
    for option, default in defaults.items():
        try:
            value = constants.config.get_config_value(option, plugin_type="callback", plugin_name=name)
        except AnsibleError as error:
            problem = OptionError(option, plain_text(error).rstrip("."))
            value = _substitute(read_options, problem, default)
        read_options.values[option] = value
    return read_options


def checked(given: CallbackOptions, defaults: Mapping[str, Any], environ: Mapping[str, str]) -> CallbackOptions:
    """Return options of which each can be used, except for what `nobody` says.

    Args:
        given: the options as read.
        defaults: the documented defaults.
        environ: the environment, which goes before ansible.cfg.
    """
    options = CallbackOptions(dict(given.values), list(given.doubts), given.nobody)
    options.values = with_one_key(options.values, environ, options.doubts.append)
    for problem in _problems(options.values):
        options.values[problem.option] = _substitute(options, problem, defaults.get(problem.option))
    options.nobody = options.nobody or key_file_problem(options.values.get("routing_key_file"))
    return options


def _substitute(options: CallbackOptions, problem: OptionError, default: Any) -> Any:
    """Note a problem; returns what counts in the place of the option's value."""
    if problem.option in _SENDING:
        options.nobody = options.nobody or str(problem)
        return options.values.get(problem.option, _UNUSABLE)
    instead = "It is left out" if default is None else f"The default counts instead: {plain_text(default)}"
    options.doubts.append(f"{problem}. {instead}")
    return default


def _problems(values: Mapping[str, Any]) -> Iterator[OptionError]:
    """Yield what is wrong. Looks at `values` anew after each: the first problem hides others of the same check."""
    for check in _CHECKS:
        seen: set[str] = set()
        while True:
            try:
                check(values)
                break
            except OptionError as error:
                if error.option in seen:
                    break
                seen.add(error.option)
                yield error


def _check_settings(values: Mapping[str, Any]) -> None:
    known = {name: SETTINGS_SPEC[name].get("default") for name, value in values.items() if value == _UNUSABLE}
    settings({**_PATIENT, **values, **known})


def _check_flush_timeout(values: Mapping[str, Any]) -> None:
    if not 0 <= values["flush_timeout"] <= LONGEST_SECONDS:
        expected = f"expected seconds, from 0 to {LONGEST_SECONDS:g}"
        raise OptionError("flush_timeout", f"{values['flush_timeout']} was given; {expected}")


def _check_routing_key(values: Mapping[str, Any]) -> None:
    if values.get("routing_key") is not None:
        routing_key(values)


_CHECKS: tuple[Callable[[Mapping[str, Any]], Any], ...] = (
    lambda values: parse_names("page_on", values.get("page_on"), CAUSES),
    lambda values: parse_names("group_by", values.get("group_by"), LABELS, variables=True),
    lambda values: parse_severities(values.get("severity")),
    lambda values: parse_details(values.get("custom_details")),
    lambda values: parse_change_events(values.get("change_events")),
    _check_settings,
    _check_flush_timeout,
    delivery_settings,
    _check_routing_key,
)


def parse_change_events(given: Any) -> str:
    """Return when change events are sent: C(start) for start and end, C(end), or empty for never.

    Raises:
        OptionError: if it says anything else.
    """
    if str(given).strip().lower() == "start":
        return "start"
    try:
        return "end" if boolean(given or False) else ""
    except TypeError:
        raise OptionError("change_events", f"{given!r} was given; expected true, false or start") from None


def key_file_problem(path: str | None) -> str | None:
    """Return why a key file cannot be used, None if nothing speaks against it.

    One that is encrypted is not looked into. What is no regular file is not opened: a pipe can be read only once, and
    may have nobody who writes to it yet.
    """
    if not path or (os.path.exists(path) and not os.path.isfile(path)):
        return None
    try:
        content = key_file_content(path)
        if not content.startswith(_VAULT_HEADER):
            check_key_content(path, content)
    except OptionError as error:
        return str(error)
    return None


def with_one_key(options: Mapping[str, Any], environ: Mapping[str, str], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return options with the key or the key file, where the environment and ansible.cfg name both.

    Whichever place comes first decides for both, as it does for tasks: the environment. Of two in one place the key
    counts, and there is a warning.
    """
    named = [name for name in KEY_OPTIONS if options.get(name)]
    if len(named) < 2:
        return dict(options)
    variables = [f"PAGERDUTY_{name.upper()}" for name in KEY_OPTIONS]
    of_environment = [name for name, variable in zip(KEY_OPTIONS, variables) if environ.get(variable)]
    if len(of_environment) != 1:
        where = "in the environment" if of_environment else "under [pagerduty] in ansible.cfg"
        warn(both_keys(variables if of_environment else KEY_OPTIONS, where))
    counts = of_environment[0] if of_environment else KEY_OPTIONS[0]
    return {**options, **{name: None for name in KEY_OPTIONS if name != counts}}
