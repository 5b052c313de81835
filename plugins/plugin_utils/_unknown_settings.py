# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds settings whose names nobody knows, which are misspelt more often than not. Pure.

The section of ansible.cfg is this collection's alone, so each unknown name there is one. The environment and variables
are everybody's: there, only what is nearly the name of a setting that is not given itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

NEARLY = 0.8
"""How alike two names have to be, from 0 to 1, for one to be taken for the other misspelt."""

_ENVIRONMENT = "PAGERDUTY_"
_VARIABLE = "pagerduty_"


def unknown_entries(names: Iterable[str], known: Collection[str], config_file: str) -> Iterator[str]:
    """Yield a warning for each unknown name in the section of ansible.cfg."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; is {near[0]} meant?" if near else ""
            yield f"there is no setting {name}, which stands under [pagerduty] in {config_file}{hint}"


def unknown_environment(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Yield a warning for each name in the environment that is nearly that of a setting."""
    for name, near in _nearly([name for name in names if name.startswith(_ENVIRONMENT)], known, _ENVIRONMENT):
        yield f"there is no setting {name}, which stands in the environment; is {near} meant?"


def unknown_variables(names: Collection[str], known: Collection[str], for_runs: Collection[str]) -> Iterator[str]:
    """Yield a warning for each variable whose name is nearly that of a setting, or of one that no variable can give.

    Args:
        names: the names of the variables.
        known: the settings that variables can give.
        for_runs: the settings that are for a run as a whole.
    """
    own = [name for name in names if name.startswith(_VARIABLE)]
    for name in own:
        if name[len(_VARIABLE) :] in for_runs:
            setting = name[len(_VARIABLE) :]
            yield f"the variable {name} does nothing: {setting} is for whole runs, see {_ENVIRONMENT}{setting.upper()}"
    for name, near in _nearly(own, {*known, *for_runs}, _VARIABLE):
        yield f"there is no setting {name}, which is a variable of the host; is {near} meant?"


def _nearly(names: Collection[str], known: Collection[str], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each name that is none of the known ones but nearly one, with that, both with the prefix."""
    settings = {name[len(prefix) :].lower(): name for name in names}
    # Whoever has set routing_key has another use for routing_keys.
    open_names = [name for name in known if name not in settings]
    for setting, name in settings.items():
        near = difflib.get_close_matches(setting, open_names, n=1, cutoff=NEARLY) if setting not in known else []
        if near:
            yield name, prefix + (near[0].upper() if prefix.isupper() else near[0])
