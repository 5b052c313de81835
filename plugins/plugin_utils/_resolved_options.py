# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback's options, out of the environment and ansible.cfg, with their types.

ansible-core's own reading takes an empty variable for a value, and any word that it does not know for false, which
switches paging, or the check of certificates, off. So what is written there is read here, as tasks read it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Source, environment, fill_in
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_keys
from ansible_collections.oncall.pagerduty.plugins.module_utils._typed import check_choice, scalar
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file


@dataclass(frozen=True)
class Resolved:
    """The callback's options.

    Attributes:
        values: all of them by name, with their types; the default where there is none or none that can be used.
        origins: for each that is not the default, where it stands.
        problems: for each whose value cannot be used, what is wrong with it.
        ignored: a phrase for each place that names an option and says nothing.
        warnings: what the user should know.
        hints: for some of them, what a person may have meant.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    problems: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    def explained(self, error: OptionError) -> OptionError:
        """Return an error with the place where its option stands."""
        problem = mask_keys(str(error).removeprefix(f"{error.option}: "))
        if error.option not in self.origins:
            return OptionError(error.option, problem)
        hint = self.hints.get(error.option, "")
        return OptionError(error.option, f"{problem}{hint} (set by {self.origins[error.option]})")

    def errors(self) -> list[OptionError]:
        """Return an error, with its place, for each option that has a problem."""
        return [self.explained(OptionError(name, problem)) for name, problem in self.problems.items()]


def resolve(
    definitions: Mapping[str, Mapping[str, Any]],
    direct: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Resolved:
    """Read the callback's options.

    Args:
        definitions: its options as they are documented, by name.
        direct: what a program has set itself.
        environ: the environment to read, by default the process's.
    """
    of_file = _config_file.source()
    of_program = Source("given by the program", lambda option: option, (direct or {}).get)
    sources = (of_program, environment(os.environ if environ is None else environ), of_file)
    warnings: list[str] = []
    ignored: list[str] = []
    given, origins = fill_in({}, definitions, sources, warnings.append, ignored.append, definitions.keys())
    values = {name: about.get("default") for name, about in definitions.items()}
    problems: dict[str, str] = {}
    for name, value in given.items():
        try:
            values[name] = typed(name, value, definitions[name], origins[name].endswith(of_file.where))
        except OptionError as error:
            problems[name] = str(error).removeprefix(f"{name}: ")
    hints = {name: _config_file.comment_hint(origins[name], value) for name, value in given.items()}
    return Resolved(values, origins, problems, tuple(ignored), tuple(warnings), hints)


def typed(name: str, value: Any, definition: Mapping[str, Any], is_of_file: bool = False) -> Any:
    """Return a value with the type that an option is documented to have.

    Args:
        name: the option.
        value: what was given, which is not blank.
        definition: its documentation.
        is_of_file: whether it stands in ansible.cfg, so that relative paths begin there.

    Raises:
        OptionError: if it is no value of that type, or none of the choices.
    """
    type_ = definition.get("type", "str")
    if type_ in ("bool", "int", "float"):
        return scalar(name, value, type_)
    if type_ == "path":
        return (
            _config_file.resolve_path(str(value)) if is_of_file else os.path.abspath(_config_file.expanded(str(value)))
        )
    if type_ == "raw":
        return value
    if type_ == "list":
        parts = value.split(",") if isinstance(value, str) else value
        items = [text for text in map(_bare, parts) if text]
    else:
        items = [str(value)]
    for item in items:
        if definition.get("choices"):
            check_choice(name, item, definition["choices"])
    return items if type_ == "list" else items[0]


def _bare(part: Any) -> str:
    return str(part).strip().strip("'\"").strip()
