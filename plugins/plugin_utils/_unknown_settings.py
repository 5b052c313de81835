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

ALMOST = 0.9
"""The same for names whose beginning is misspelt, so that less of them says that they are meant for this collection."""

_ENVIRONMENT = "PAGERDUTY_"
_VARIABLE = "pagerduty_"
_SECTION = "pagerduty"
_BEGINNING = "pager"

# What the section of a plugin is called elsewhere.
_OTHER_SECTIONS = ("oncallpagerduty", "pageonfailure", "callbackpageonfailure", "callbackpagerduty")


def unknown_sections(names: Iterable[str], config_file: str) -> Iterator[str]:
    """Yield a warning for each section of ansible.cfg whose name is nearly the one that is read."""
    for name in names:
        plain = "".join(character for character in name.lower() if character.isalnum())
        is_near = difflib.SequenceMatcher(None, plain, _SECTION).ratio() >= NEARLY or plain in _OTHER_SECTIONS
        if name != _SECTION and is_near:
            yield f"there is no section [{name}], which stands in {config_file}; is [{_SECTION}] meant?"


def unknown_entries(names: Iterable[str], known: Collection[str], config_file: str) -> Iterator[str]:
    """Yield a warning for each unknown name in the section of ansible.cfg."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; is {near[0]} meant?" if near else ""
            yield f"there is no setting {name}, which stands under [pagerduty] in {config_file}{hint}"


def unknown_environment(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """Yield a warning for each name in the environment that is nearly that of a setting."""
    for name, near in (*_nearly(names, known, _ENVIRONMENT), *_almost(names, known, _ENVIRONMENT)):
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
    for name, near in (*_nearly(own, {*known, *for_runs}, _VARIABLE), *_almost(names, known, _VARIABLE)):
        yield f"there is no setting {name}, which is a variable of the host; is {near} meant?"


def _nearly(names: Collection[str], known: Collection[str], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each name that is none of the known ones but nearly one, with that, both with the prefix."""
    settings = {name[len(prefix) :].lower(): name for name in names if name.startswith(prefix)}
    for setting, name in settings.items():
        near = difflib.get_close_matches(setting, known, n=1, cutoff=NEARLY) if setting not in known else []
        # Whoever has set routing_key has another use for routing_keys.
        if near and near[0] not in settings:
            yield name, prefix + (near[0].upper() if prefix.isupper() else near[0])


def _almost(names: Collection[str], known: Collection[str], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield each name that has another beginning than the prefix and yet is nearly a known one, with that."""
    settings = {prefix + (name.upper() if prefix.isupper() else name): name for name in known}
    for name in names:
        if name.startswith(prefix) or not name.lower().startswith(_BEGINNING):
            continue
        # A name that only a letter's case tells apart counts as well.
        written = name.upper() if prefix.isupper() else name.lower()
        near = difflib.get_close_matches(written, settings, n=1, cutoff=ALMOST)
        if near and near[0] not in names:
            yield name, near[0]
