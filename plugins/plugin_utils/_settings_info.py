# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which settings hold on the controller, where they come from, what is missing. Sends nothing, shows no key."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible import constants
from ansible.errors import AnsibleError

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    KEY_OPTIONS,
    SETTINGS_RULES,
    SETTINGS_SPEC,
    SHARED_OPTIONS,
    Settings,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_url
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import key_file_problem, with_one_key
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import check_folder
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._session import Session
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import VARIABLES
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import planted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._task_options import Gathered, Spec, validate
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unknown_settings import (
    unknown_entries,
    unknown_environment,
    unknown_variables,
)

ALL_SETTINGS: dict[str, dict[str, Any]] = {**SETTINGS_SPEC, **OUTBOX_SPEC}
CALLBACK = "oncall.pagerduty.page_on_failure"

_T = TypeVar("_T")


@dataclass
class _Findings:
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, what: str, text: str, is_problem: bool = False) -> None:
        self.lines.append(f"{what}: {text}")
        if is_problem:
            self.problems.append(f"{what}: {text}")


class _Mute:
    """A display that shows nothing: what a session warns about is found here in other words."""

    def warning(self, _text: str) -> None:
        """Drop the text."""


def inform(
    gathered: Gathered,
    variables: Iterable[str],
    callback_options: Iterable[str],
    read_callback_options: Callable[[], Mapping[str, Any]],
) -> dict[str, Any]:
    """Return a task's result that says what holds for it.

    Args:
        gathered: the settings.
        variables: the names of the task's variables.
        callback_options: the names of the callback's options, which stand at the same places.
        read_callback_options: returns them with their values.
    """
    findings = _Findings()
    origins = dict(sorted(gathered.origins.items()))
    way = _usable(gathered, findings, "PagerDuty", SETTINGS_SPEC, SETTINGS_RULES, settings)
    if way is not None:
        findings.add("PagerDuty", _described(way, origins))
    key_from = next((origins[name] for name in KEY_OPTIONS if name in origins), None)
    nowhere = "none was found; see routing_key in ansible-doc oncall.pagerduty.incident for where to put it"
    findings.add("Integration key", key_from or nowhere, key_from is None)
    for warning in gathered.warnings:
        findings.add("Integration key", warning)
    version = _version_of("requests")
    findings.add("Library requests", version or "not installed for ansible-playbook's Python", version is None)
    enabled = CALLBACK in constants.CALLBACKS_ENABLED
    how = f"not enabled; to page by itself, callbacks_enabled in ansible.cfg needs {CALLBACK}"
    problem = _callback_problem(read_callback_options) if enabled else None
    if problem:
        how = f"enabled, but nobody would be paged: {problem}"
    findings.add("Callback page_on_failure", "enabled" if enabled and not problem else how, problem is not None)
    outbox = _usable(gathered, findings, "Outbox", OUTBOX_SPEC, {}, delivery_settings)
    if outbox is not None:
        fault = _why_not_writable(outbox.outbox_path)
        findings.add("Outbox", f"{outbox.outbox_path}, {fault or 'can be written'}", fault is not None)
    return {
        "lines": findings.lines,
        "problems": findings.problems,
        "base_url": way.connection.base_url if way is not None else None,
        "key_from": key_from,
        "origins": origins,
        "requests_version": version,
        "callback_enabled": enabled,
        "outbox_path": outbox.outbox_path if outbox is not None else None,
        "warnings": [*_misspelt(gathered, variables, callback_options), *_in_the_way(outbox)],
    }


def _callback_problem(read_options: Callable[[], Mapping[str, Any]]) -> str | None:
    """Return what keeps the callback from paging, as far as its options can tell."""
    try:
        options = with_one_key(read_options(), os.environ, lambda _text: None)
        Session(options, _Mute())
    except (OptionError, AnsibleError) as error:
        return str(error)
    return key_file_problem(options.get("routing_key_file"))


def _misspelt(gathered: Gathered, variables: Iterable[str], callback_options: Iterable[str]) -> list[str]:
    known = {*callback_options, *SHARED_OPTIONS}
    for_variables = {*VARIABLES, *SHARED_OPTIONS}
    return [
        *unknown_entries(_config_file.section(), known, str(constants.CONFIG_FILE)),
        *unknown_environment({*gathered.environ, *os.environ}, known),
        *unknown_variables([str(name) for name in variables], for_variables, known - for_variables),
    ]


def _usable(
    gathered: Gathered, findings: _Findings, what: str, spec: Spec, rules: Any, make: Callable[[dict[str, Any]], _T]
) -> _T | None:
    try:
        return make(validate("settings", {k: v for k, v in gathered.options.items() if k in spec}, spec, rules))
    except OptionError as error:
        findings.add(what, gathered.explained(str(error)), is_problem=True)
        return None


def _described(way: Settings, origins: dict[str, str]) -> str:
    connection = way.connection
    parts = [connection.base_url]
    named = next((origins[name] for name in ("api_url", "region") if name in origins), None)
    if named:
        parts.append(f"by {named}")
    if connection.proxy:
        parts.append(f"through the proxy {mask_url(connection.proxy)}")
    if not connection.validate_certs:
        parts.append("without checking its certificate")
    return ", ".join(parts)


def _in_the_way(outbox: DeliverySettings | None) -> list[str]:
    """Say what is not used of the places that take over when the outbox cannot be used."""
    found = planted(outbox.outbox_path) if outbox is not None else ()
    return [f"{folder} is no private folder of this user, so the outbox's substitute is elsewhere" for folder in found]


def _version_of(library: str) -> str | None:
    try:
        __import__(library)
        return importlib.metadata.version(library)
    except ImportError:  # PackageNotFoundError is one too
        return None


def _why_not_writable(path: str) -> str | None:
    """Return why an outbox cannot be written; None if it can. One that is not there yet is not made."""
    try:
        # Loads SQLite.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
    except ImportError as error:
        return (
            f"cannot be used: this Python cannot load its module sqlite3 ({error}), so events are sent from memory only"
        )
    if os.path.lexists(path):
        try:
            database = Database(path)
            try:
                with database.transaction():
                    return None
            finally:
                database.close()
        except PagerDutyError as error:
            return str(error).removeprefix(f"{path} ")
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):
        try:
            check_folder(folder, for_folders=folder != os.path.dirname(os.path.abspath(path)))
        except OSError as error:
            return f"cannot be made: {error}"
        return None
    return f"cannot be made: {folder} is no folder that can be written"
