# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a boolean, a number or a choice, and what is said of anything else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._typed import check_choice, check_scalars, scalar
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6"


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        *(("bool", word, True) for word in ("yes", "YES", "True", "on", "1", "y", "t", 1, 1.0, True)),
        *(("bool", word, False) for word in ("no", "Off", "false", "0", "n", "f", 0, 0.0, False)),
        *(("int", number, 5) for number in ("5", 5)),
        *(("float", number, 0.5) for number in ("0.5", 0.5, "5e-1")),
        ("str", "ture", "ture"),
        ("path", ["x"], ["x"]),
    ],
)
def test_what_fits(type_: str, given: Any, value: Any) -> None:
    found = scalar("option", given, type_)
    assert (found, type(found)) == (value, type(value))


NO_BOOLEANS: list[Any] = ["ture", "", "2", 2, "/etc/ssl", "yes # no", [True], {}, KEY]
NO_INTEGERS: list[Any] = ["many", "0.5", "5s", True, "inf", "-inf", "nan", [5], KEY[1:]]
NO_FLOATS: list[Any] = ["soon", "10s", "1,5", False, [1.0], {}, KEY]


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        *(("bool", word, "true or false") for word in NO_BOOLEANS),
        *(("int", word, "a whole number") for word in NO_INTEGERS),
        *(("float", word, "a number") for word in NO_FLOATS),
    ],
)
def test_what_does_not_fit_is_said_with_what_was_given_and_what_is_expected(
    type_: str, given: Any, expected: str
) -> None:
    with pytest.raises(OptionError) as caught:
        scalar("timeout", given, type_)
    message = str(caught.value)
    assert message.startswith("timeout: ")
    assert f" was given; expected {expected}" in message
    assert KEY[1:] in str(given) or repr(str(given)) in message
    assert_no_secret(message, KEY[1:])


def test_a_long_word_does_not_fill_the_screen() -> None:
    with pytest.raises(OptionError) as caught:
        check_choice("region", "eu and us " * 1000, ["us", "eu"])
    assert len(str(caught.value)) < 150
    assert str(caught.value).endswith("… was given; expected one of us, eu")


def test_a_choice_is_taken() -> None:
    check_choice("region", "eu", ["us", "eu"])


def test_all_scalars_of_a_specification_are_looked_at() -> None:
    spec = {"jitter": {"type": "bool"}, "timeout": {"type": "float"}, "region": {"type": "str"}}
    check_scalars({"jitter": "yes", "timeout": None, "region": "nowhere", "unknown": []}, spec)
    with pytest.raises(OptionError, match=r"^timeout: 'True' was given; expected a number$"):
        check_scalars({"jitter": True, "timeout": True}, spec)
