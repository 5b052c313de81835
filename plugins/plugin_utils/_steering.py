# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a failure is to be paged, as values: whether at all, to whom, how urgently, into which incident. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._decoration import (
    DEFAULT_SEVERITY,
    SEVERITIES,
    known_severity,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._limits import cut
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Settings

# Ours: enough to know one's own value again.
_SHOWN_CHARACTERS = 80

CAUSES = ("failed", "unreachable", "error", "interrupted")
"""What can make a run fail: a task, a host out of reach, an exception, a signal."""

LABELS = ("playbook", "play", "role", "task", "host", "inventory", "controller")
"""What failures can be grouped by, beside a variable (C(vars.NAME))."""


@dataclass(frozen=True)
class Target:
    """Who is paged, and over which way."""

    routing_key: str = field(repr=False)
    settings: Settings


@dataclass(frozen=True)
class Steering:
    """What the options, and the variables of the failure's host, play and task, say about one failure.

    Attributes:
        enabled: False if it is not to be paged.
        target: who is paged; None if the integration key is missing or unusable, as `problem` says.
        severities: the severity for each of CAUSES.
        group_by: names of the labels that make failures one incident.
        variables: the text of each variable that group_by names, by its name.
        dedup_key: the incident's key, rendered, in the place of the one made from the labels.
        summary: the incident's title, still a template.
        custom_details: entries for the details, still templates; or one template for all of them.
        component, group, class_, client, client_url: as in the event.
        hosts: how many hosts the play has, None if unknown.
        problem: why there is no target.
        otherwise: the options' own summary and details, for where those of variables come to nothing.
        key_variables: names of the variables that `variables` and `dedup_key` are made of.
    """

    enabled: bool
    target: Target | None
    severities: Mapping[str, str]
    group_by: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    dedup_key: str | None = None
    summary: Any = None
    custom_details: Any = None
    component: str | None = None
    group: str | None = None
    class_: str | None = None
    client: str | None = None
    client_url: str | None = None
    hosts: int | None = None
    problem: str | None = None
    otherwise: Mapping[str, Any] = field(default_factory=dict)
    key_variables: frozenset[str] = frozenset()


def parse_severities(given: Any) -> dict[str, str]:
    """Return the severity for each cause.

    Args:
        given: one severity for all, C(failed=error,unreachable=warning), or a mapping. A cause that is not named has
            the default severity.

    Raises:
        OptionError: if it is none of these.
    """
    severities = dict.fromkeys(CAUSES, DEFAULT_SEVERITY)
    if given is None or given == "":
        return severities
    if isinstance(given, Mapping):
        pairs = [(str(cause).strip(), str(severity).strip()) for cause, severity in given.items()]
    elif "=" in str(given):
        pairs = [_pair(part) for part in str(given).split(",") if part.strip()]
    else:
        pairs = [(cause, str(given).strip()) for cause in CAUSES]
    for cause, given_severity in pairs:
        severity = known_severity(given_severity)
        if cause not in CAUSES or severity is None:
            raise OptionError(
                "severity",
                f"{cause}={given_severity} was given; expected one of {', '.join(SEVERITIES)}, for all or for each of"
                f" {', '.join(CAUSES)} as in failed=error,unreachable=warning",
            )
        severities[cause] = severity
    return severities


def _pair(part: str) -> tuple[str, str]:
    cause, _sign, severity = part.partition("=")
    return cause.strip(), severity.strip()


def parse_details(given: Any) -> Any:
    """Return details as they come from ansible.cfg and from the environment: text that holds a JSON object.

    Raises:
        OptionError: if it holds anything else.
    """
    if given is None or not str(given).strip():
        return None
    try:
        details = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        details = given
    if not isinstance(details, Mapping):
        shown = cut(repr(given), _SHOWN_CHARACTERS)
        raise OptionError("custom_details", f'{shown} was given; expected a JSON object, as in {{"team": "shop"}}')
    return dict(details)


def parse_names(option: str, given: Any, known: Sequence[str], variables: bool = False) -> tuple[str, ...]:
    """Return a list of names given as a list or with commas.

    Args:
        option: the option's name, for the message.
        given: what was given.
        known: the names that are allowed.
        variables: whether C(vars.NAME) is allowed as well.

    Raises:
        OptionError: if it holds anything else, or nothing.
    """
    parts = given.split(",") if isinstance(given, str) else list(given or ())
    names = tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))
    extra = ", vars.NAME" if variables else ""
    for name in names:
        if name not in known and not (variables and name.startswith("vars.") and len(name) > len("vars.")):
            raise OptionError(option, f"{name!r} was given; expected names out of {', '.join(known)}{extra}")
    if not names:
        raise OptionError(option, f"nothing was given; expected names out of {', '.join(known)}{extra}")
    return names
