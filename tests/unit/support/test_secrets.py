# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assertion that nothing leaks finds every hiding place, and never shows what it found."""

from __future__ import annotations

import base64
import dataclasses
import urllib.parse
from types import SimpleNamespace
from typing import Callable

import pytest

from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"


@dataclasses.dataclass(frozen=True)
class Holder:
    """A value whose repr is silent."""

    key: str = dataclasses.field(repr=False)


class Slotted:
    """An object that talks in its repr only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Slotted({KEY})"


def chained(link: Callable[[BaseException], BaseException]) -> BaseException:
    """An innocent exception that was raised while, or because, another one held the key."""
    try:
        try:
            raise ValueError(KEY)
        except ValueError as error:
            raise link(error) from (error if link is caused else None)
    except RuntimeError as error:
        return error


def caused(_error: BaseException) -> BaseException:
    return RuntimeError("because")


def suppressed(_error: BaseException) -> BaseException:
    return RuntimeError("from None")


def with_attribute() -> BaseException:
    error = RuntimeError("innocent")
    error.request = SimpleNamespace(body=KEY)  # type: ignore[attr-defined]
    return error


LEAKS: dict[str, object] = {
    "text": f"routing_key={KEY}&x=1",
    "bytes": f"routing_key={KEY}".encode(),
    "other case": f"key {KEY.swapcase()}",
    "nested value": {"a": [1, {"b": (None, KEY)}]},
    "mapping key": {KEY: 1},
    "set": frozenset({KEY}),
    "dataclass field without repr": Holder(KEY),
    "object attribute": SimpleNamespace(headers={"x": KEY}),
    "repr only": Slotted(),
    "exception argument": ValueError("bad key", KEY),
    "exception attribute": with_attribute(),
    "cause": chained(caused),
    "suppressed context": chained(suppressed),
    "URL-quoted": "key=" + "".join(f"%{ord(character):02X}" for character in KEY),
    "hexadecimal": KEY.encode().hex().upper(),
    **{
        f"base64 after {before} bytes": base64.b64encode(b"u" * before + KEY.encode() + b":more").decode()
        for before in range(4)
    },
    "base64 of the key alone": base64.b64encode(KEY.encode()).decode(),
    "URL-safe base64": base64.urlsafe_b64encode(KEY.encode()).decode(),
}


@pytest.mark.parametrize("value", LEAKS.values(), ids=LEAKS.keys())
def test_finds_the_secret_and_does_not_show_it(value: object) -> None:
    with pytest.raises(AssertionError, match="secret 2 of 2 stands in") as caught:
        assert_no_secret(value, "x" * 32, KEY)
    assert KEY.casefold() not in str(caught.value).casefold()


def test_names_the_innermost_place() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_no_secret({"fine": 1, "response": [b"fine", KEY.encode()]}, KEY, where="result")
    assert str(caught.value) == "secret 1 of 1 stands in result['response'][1] (plain)"


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "R0123456789abcdef… (masked)",
        {"key": "********", "list": [b"\xff\x00", {1, 2}]},
        ValueError("routing_key has 31 characters"),
        urllib.parse.quote("https://example.com/?q=1"),
    ],
    ids=repr,
)
def test_accepts_what_is_clean(value: object) -> None:
    assert_no_secret(value, KEY)


def test_ends_on_values_that_hold_themselves() -> None:
    value: list[object] = ["fine"]
    value.append(value)
    assert_no_secret(value, KEY)


@pytest.mark.parametrize("secrets", [(), ("",)], ids=["none", "empty"])
def test_refuses_to_look_for_nothing(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        assert_no_secret("text", *secrets)
