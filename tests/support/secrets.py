# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One assertion: nothing that could be shown, logged or stored holds a secret, plain or thinly disguised."""

from __future__ import annotations

import base64
import dataclasses
import traceback
from collections.abc import Iterable, Iterator, Mapping


def assert_no_secret(value: object, *secrets: str, where: str = "value") -> None:
    """Fail if ``value`` holds one of ``secrets``, saying where and in which form, but never the secret itself.

    ``value`` may be text, bytes, an exception or anything nested: mappings with their keys, sequences, sets,
    dataclasses and other objects. Of an exception its arguments, attributes, notes, ``str``, ``repr``, the formatted
    traceback and every exception chained to it are searched; of an object ``str``, ``repr`` and its attributes.
    The forms are: plain in any mixture of cases, base64 (also as a part of a longer text), hexadecimal,
    and URL-quoted.
    """
    __tracebackhide__ = True
    if not secrets or not all(secrets):
        raise ValueError("name at least one secret, and no empty one")
    forms = [(number, name, form) for number, secret in enumerate(secrets, 1) for name, form in _forms(secret)]
    for path, text in _texts(value, where, set()):
        folded = text.casefold()
        for number, name, form in forms:
            if form in (text if name == "base64" else folded):
                raise AssertionError(f"secret {number} of {len(secrets)} stands in {path} ({name})")


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    """Each form of ``secret`` with its name: base64 as it is, the others case-folded."""
    raw = secret.encode()
    yield "plain", secret.casefold()
    yield "hexadecimal", raw.hex()
    yield "URL-quoted", "".join(f"%{byte:02x}" for byte in raw)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # The characters that also depend on what stands around the secret are cut off at both ends.
            first = (before * 8 + 5) // 6
            last = (before + len(raw)) * 8 // 6
            yield "base64", encode(b"\0" * before + raw).decode()[first:last]


def _texts(value: object, path: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every text inside ``value`` with the path to it."""
    if isinstance(value, str):
        yield path, str(value)
        return
    if isinstance(value, (bytes, bytearray, memoryview)):
        yield path, bytes(value).decode("utf-8", "replace")
        return
    if value is None or isinstance(value, (bool, int, float, type)) or id(value) in seen:
        return
    seen.add(id(value))
    for name, part in _parts(value):  # first, so that a finding names the innermost place
        yield from _texts(part, path + name, seen)
    yield f"str({path})", str(value)
    yield f"repr({path})", repr(value)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """What ``value`` is made of, each part with the way to it as one would write it in Python."""
    if isinstance(value, BaseException):
        yield ".args", value.args
        yield ".__cause__", value.__cause__
        yield ".__context__", value.__context__
        yield "'s traceback", "".join(traceback.format_exception(type(value), value, value.__traceback__))
    if isinstance(value, Mapping):
        for number, (key, content) in enumerate(value.items()):
            yield f"'s key {number}", key  # first: a key that stands in a path below has been searched
            yield f"[{key!r}]" if isinstance(key, str) else f"'s item {number}", content
    elif isinstance(value, Iterable) and not isinstance(value, Iterator):
        for number, content in enumerate(value):
            yield f"[{number}]", content
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield f".{field.name}", getattr(value, field.name, None)
    for name, content in sorted(getattr(value, "__dict__", {}).items()):
        yield f".{name}", content
