# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what was given into the type that an option has, or says what was given and what is expected."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible.module_utils.common.validation import check_type_float, check_type_int
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask_keys, mask_url_credentials

# A value in a message is to be recognized, not to fill the screen.
_LONGEST_SHOWN = 80

_EXPECTED = {
    "bool": "true or false, or another word that Ansible takes for one of them",
    "int": "a whole number",
    "float": "a number",
}


def scalar(option: str, value: Any, type_: str) -> Any:
    """Return a boolean or a number; a value of any other type as it is.

    Raises:
        OptionError: if it is none. The message shows no key.
    """
    if type_ not in _EXPECTED:
        return value
    try:
        if type_ == "bool":
            return boolean(value)
        if not isinstance(value, bool):
            return check_type_int(value) if type_ == "int" else check_type_float(value)
    except (TypeError, ValueError, ArithmeticError):
        pass
    raise OptionError(option, f"{_shown(value)} was given; expected {_EXPECTED[type_]}")


def check_choice(option: str, text: str, choices: Iterable[Any]) -> None:
    """Refuse what is none of the choices.

    Raises:
        OptionError: if it is none. The message shows no key.
    """
    if text not in choices:
        raise OptionError(option, f"{_shown(text)} was given; expected one of {', '.join(map(str, choices))}")


def check_scalars(options: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse words that are no booleans and no numbers where an argument specification has one.

    ansible-core's own message leaves out what was given, and it takes true for the number 1.

    Raises:
        OptionError: if there is one.
    """
    for name, value in options.items():
        if value is not None:
            scalar(name, value, spec.get(name, {}).get("type", "str"))


def _shown(value: Any) -> str:
    text = repr(mask_keys(mask_url_credentials(str(value))))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
