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
    KEY_OPTIONS,
    SETTINGS_SPEC,
    both_keys,
    check_key_content,
    is_vaulted,
    key_file_content,
    routing_key,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import LONGEST_SECONDS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import (
    LABELS,
    parse_details,
    parse_names,
    parse_severities,
)

# Events wait in the outbox for as long as it takes, so the callback has no options for giving up.
_DEFAULTS = {name: SETTINGS_SPEC[name]["default"] for name in ("max_retries", "deadline")}


def check(options: Mapping[str, Any]) -> None:
    """Check the options that need no failure to be checked.

    Raises:
        OptionError: if one of them cannot be used.
    """
    if options.get("group_by") is not None:
        parse_names("group_by", options["group_by"], LABELS, variables=True)
    parse_severities(options.get("severity"))
    parse_details(options.get("custom_details"))
    settings({**_DEFAULTS, **options})
    if not 0 <= options["flush_timeout"] <= LONGEST_SECONDS:
        expected = f"expected seconds, from 0 to {LONGEST_SECONDS:g}"
        raise OptionError("flush_timeout", f"{options['flush_timeout']} was given; {expected}")
    if options.get("routing_key") is not None:
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
