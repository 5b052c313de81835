# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assertion that nothing leaks finds every hiding place, and never shows what it found."""

from __future__ import annotations

import base64
import dataclasses
import urllib.parse
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A value whose text is silent."""

    key: str = dataclasses.field(repr=False)


class Talker:
    """An object that says the key in one of its two texts."""

    def __init__(self, text: str = "", representation: str = "") -> None:
        self.texts: Callable[[], tuple[str, str]] = lambda: (text, representation)

    def __str__(self) -> str:
        return self.texts()[0]

    def __repr__(self) -> str:
        return self.texts()[1]


class SilentError(Exception):
    """An exception whose text says nothing of its arguments."""

    def __str__(self) -> str:
        return "silent"

    __repr__ = __str__


def with_suppressed_context() -> BaseException:
    """An exception that was raised ``from None`` while one with the key was handled."""
    try:
        try:
            raise SilentError(KEY)
        except SilentError:
            raise RuntimeError("innocent") from None
    except RuntimeError as error:
        return error


def with_key_in_source() -> BaseException:
    """An exception whose traceback quotes a line of source that holds the key."""
    try:
        raise RuntimeError("innocent")  # R0123456789abcdefGHIJKLMNOPqrstu
    except RuntimeError as error:
        return error


def with_attribute(**attributes: object) -> BaseException:
    """An exception with attributes of its own."""
    error = RuntimeError("innocent")
    vars(error).update(attributes)
    return error


def with_cause_only() -> BaseException:
    """An exception that was never raised, but was given a cause."""
    error = RuntimeError("innocent")
    error.__cause__ = SilentError(KEY)
    return error


LEAKS: dict[str, object] = {
    "text": f"routing_key={KEY}&x=1",
    "bytes": f"routing_key={KEY}".encode(),
    "other case": f"key {KEY.swapcase()}",
    "nested value": {"a": [1, {"b": (None, KEY)}]},
    "mapping key": {KEY: 1},
    "set": frozenset({KEY}),
    "dataclass field without repr": Holder(KEY),
    "silent mapping key": {Holder(KEY): 1},
    "object attribute": SimpleNamespace(headers={"x": KEY}),
    "text of an object": Talker(text=KEY),
    "representation of an object": Talker(representation=KEY),
    "exception argument": SilentError("bad key", KEY),
    "exception attribute": with_attribute(request=SimpleNamespace(body=KEY)),
    "exception note": with_attribute(__notes__=[KEY]),
    "cause": with_cause_only(),
    "suppressed context": with_suppressed_context(),
    "line of source in the traceback": with_key_in_source(),
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
