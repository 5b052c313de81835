# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the callback's options at the start of a run, before there is a failure to page for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    SETTINGS_SPEC,
    check_key_content,
    is_vaulted,
    key_file_content,
    routing_key,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import Resolved
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import (
    CAUSES,
    LABELS,
    parse_details,
    parse_names,
    parse_severities,
)

# Events wait in the outbox for as long as it takes, so the callback has no options for giving up.
_DEFAULTS = {name: SETTINGS_SPEC[name]["default"] for name in ("max_retries", "deadline")}


def checked(resolved: Resolved) -> Mapping[str, Any]:
    """Return the options, checked as far as that needs no failure.

    What no page depends on is no reason to page nobody: it is as if it had not been given, as `paged_anyway` says.

    Raises:
        OptionError: if one of the others cannot be used. Says where it stands.
    """
    for error in resolved.errors():
        if error.option != "enabled":
            raise error
    unusable = _unusable_decorations(resolved)
    values = {name: None if name in unusable else value for name, value in resolved.values.items()}
    try:
        _check(values)
    except OptionError as error:
        raise resolved.explained(error) from None
    return values


def paged_anyway(resolved: Resolved) -> list[str]:
    """Return a warning for each option whose value cannot be used, and which keeps no page back."""
    found = []
    if "enabled" in resolved.problems:
        error = resolved.explained(OptionError("enabled", resolved.problems["enabled"]))
        found.append(f"{error}; failures are paged, since a typing error must not keep a page back")
    for error in _unusable_decorations(resolved).values():
        found.append(f"{resolved.explained(error)}; failures are paged as if it had not been given")
    return found


def _unusable_decorations(resolved: Resolved) -> dict[str, OptionError]:
    found = {}
    for name, parse in _DECORATIONS.items():
        try:
            parse(resolved.values[name])
        except OptionError as error:
            found[name] = error
    return found


def _check(options: Mapping[str, Any]) -> None:
    parse_names("page_on", options["page_on"], CAUSES)
    if options["group_by"] is not None:
        parse_names("group_by", options["group_by"], LABELS, variables=True)
    settings({**_DEFAULTS, **options})
    delivery_settings(options)
    if not 0 <= options["flush_timeout"] <= LONGEST_SECONDS:
        expected = f"expected seconds, from 0 to {LONGEST_SECONDS:g}"
        raise OptionError("flush_timeout", f"{options['flush_timeout']} was given; {expected}")
    if options["routing_key"] is not None:
        routing_key(options)


def key_file_problem(path: str | None) -> str | None:
    """Return why a key file cannot be used, None if nothing speaks against it.

    One that is encrypted is not looked into. What is no regular file is not opened: a pipe can be read only once, and
    may have nobody who writes to it yet.
    """
    if not path or (os.path.exists(path) and not os.path.isfile(path)):
        return None
    try:
        content = key_file_content(path)
        if not is_vaulted(content):
            check_key_content(path, content)
    except OptionError as error:
        return str(error)
    return None


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


_DECORATIONS: Mapping[str, Callable[[Any], Any]] = {
    "severity": parse_severities,
    "custom_details": parse_details,
    "change_events": parse_change_events,
}
"""What says neither whether a failure is paged, nor to whom, nor over which way."""
