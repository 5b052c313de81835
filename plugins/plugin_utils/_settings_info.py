# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which settings hold on the controller, where they come from, what is missing. Sends nothing, shows no key."""

from __future__ import annotations

import difflib
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible import constants

from ansible_collections.oncall.pagerduty.plugins.module_utils import _incident
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError, PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    KEY_OPTIONS,
    QUEUE_SPEC,
    SETTINGS_RULES,
    SETTINGS_SPEC,
    SHARED_OPTIONS,
    Settings,
    is_blank,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_url
from ansible_collections.oncall.pagerduty.plugins.module_utils._typed import scalar
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import key_file_problem, paged_anyway
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import check_folder
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import Resolved
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._session import Session
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import VARIABLES
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import planted
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._task_options import Gathered, Spec, validate
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unknown_settings import (
    unknown_entries,
    unknown_environment,
    unknown_sections,
    unknown_variables,
)

_OF_TASKS: dict[str, dict[str, Any]] = {**QUEUE_SPEC, "api_version": _incident.SPEC["api_version"]}
ALL_SETTINGS: dict[str, dict[str, Any]] = {**SETTINGS_SPEC, **OUTBOX_SPEC, **_OF_TASKS}
CALLBACK = "oncall.pagerduty.page_on_failure"
DRAIN = "oncall.pagerduty.drain_outbox"

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
    variables: Mapping[str, Any],
    resolved: Resolved,
) -> dict[str, Any]:
    """Return a task's result that says what holds for it.

    Args:
        gathered: the settings.
        variables: the task's variables.
        resolved: the callback's options, which stand at the same places.
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
    missing = "not installed for ansible-playbook's Python; once it is, the next run sends what waits, and so does"
    findings.add("Library requests", version or f"{missing} ansible-playbook {DRAIN}", version is None)
    _look_at_tasks(gathered, findings)
    enabled = CALLBACK in constants.CALLBACKS_ENABLED
    _look_at_callback(enabled, resolved, findings, variables)
    outbox = _usable(gathered, findings, "Outbox", OUTBOX_SPEC, {}, delivery_settings)
    if outbox is not None:
        fault = _why_not_writable(outbox.outbox_path)
        findings.add("Outbox", f"{outbox.outbox_path}, {fault or 'can be written'}", fault is not None)
    for place in dict.fromkeys([*gathered.ignored, *resolved.ignored]):
        findings.add("Ignored", place)
    return {
        "lines": findings.lines,
        "problems": findings.problems,
        "base_url": way.connection.base_url if way is not None else None,
        "key_from": key_from,
        "origins": origins,
        "requests_version": version,
        "callback_enabled": enabled,
        "outbox_path": outbox.outbox_path if outbox is not None else None,
        "warnings": [*_misspelt(gathered, variables, resolved), *_in_the_way(outbox)],
    }


def _look_at_tasks(gathered: Gathered, findings: _Findings) -> None:
    """Find what only tasks use and cannot."""
    _usable(gathered, findings, "Tasks", _OF_TASKS, {}, lambda options: options)


def _look_at_callback(is_enabled: bool, resolved: Resolved, findings: _Findings, variables: Mapping[str, Any]) -> None:
    """Find out whether the callback pages, as far as options and the inventory's variables can tell."""
    what = "Callback page_on_failure"
    fault = _callback_fault(resolved)
    if not is_enabled:
        near = difflib.get_close_matches(CALLBACK, map(str, constants.CALLBACKS_ENABLED), n=1)
        named = near or [name for name in constants.CALLBACKS_ENABLED if name == CALLBACK.rpartition(".")[2]]
        if named:
            findings.add(what, f"not enabled; callbacks_enabled has {named[0]}, is {CALLBACK} meant?", is_problem=True)
        else:
            findings.add(what, f"not enabled; to page by itself, callbacks_enabled in ansible.cfg needs {CALLBACK}")
        if fault:
            findings.add(what, f"once it is enabled, nobody would be paged: {fault}")
        return
    anyway = "; ".join(paged_anyway(resolved))
    if not resolved.values["enabled"]:
        fault = f"switched off by {resolved.origins['enabled']}"
    elif not fault and _is_silent(variables):
        fault = "the variable pagerduty_enabled is false for every host of the inventory"
    if fault:
        findings.add(what, f"enabled, but nobody would be paged: {fault}", is_problem=True)
    else:
        findings.add(what, f"enabled; {anyway}" if anyway else "enabled", is_problem=bool(anyway))


def _is_silent(variables: Mapping[str, Any]) -> bool:
    """Tell whether variables keep each host from being paged for. The task's own play has no part in them."""
    of_hosts = variables["hostvars"]
    hosts = (variables.get("groups") or {}).get("all") or [variables.get("inventory_hostname")]
    try:
        # Over with the first host that is paged for.
        return all(_is_no(of_hosts[host].get("pagerduty_enabled")) for host in hosts)
    except Exception:  # pylint: disable=broad-except  # any template can fail in any way, which does not silence
        return False


def _is_no(value: Any) -> bool:
    try:
        return not is_blank(value) and scalar("enabled", value, "bool") is False
    except OptionError:
        return False


def _callback_fault(resolved: Resolved) -> str | None:
    """Return what keeps the callback from paging, apart from being switched off."""
    errors = [str(error) for error in resolved.errors() if error.option != "enabled"]
    if errors:
        return "; ".join(errors)
    try:
        Session(resolved, _Mute())
    except OptionError as error:
        return str(error)
    return key_file_problem(resolved.values.get("routing_key_file"))


def _misspelt(gathered: Gathered, variables: Iterable[str], resolved: Resolved) -> list[str]:
    known = {*resolved.values, *SHARED_OPTIONS}
    file = str(constants.CONFIG_FILE)
    for_variables = {*VARIABLES, *SHARED_OPTIONS}
    return [
        *unknown_sections(_config_file.section_names(), file),
        *unknown_entries(_config_file.section(), known, file),
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
