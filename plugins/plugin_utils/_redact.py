# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks secrets in what is about to leave the controller: those that are known, and what looks like one. Pure."""

from __future__ import annotations

import base64
import functools
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import MASK
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_shapes import (
    is_placeholder,
    is_secret_name,
    mask_shapes,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_variables import is_worth_masking

MIN_LINE = 8
"""Lines of a secret with several lines are masked one by one, unless they are shorter: C(}) and C(user:) are none."""

MIN_BASE64 = 8
"""Shorter pieces of base64 are found in any other base64."""


class Redactor:
    """Masks in texts and values what nobody else may read. Make one for each set of secrets; it can be used for ever.

    Wherever a known secret appears it is masked, the longest first, in any mixture of cases; also its lines, and what
    becomes of it in JSON, in Python, on a command line, in a URL, in hexadecimal and in base64.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secret for secret in secrets if is_worth_masking(secret))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._secrets)} secrets)"

    def text(self, text: str) -> str:
        """Return a text without secrets. Do so before it is cut: half a secret is not found."""
        text = self._mask_exactly(self._mask_any_case(text)) if self._secrets else text
        return mask_shapes(text)

    def value(self, value: Any) -> Any:
        """Return a copy of a plain JSON value without secrets, in keys as in values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self._named(name, item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self._secrets:
            return MASK
        return value

    def _named(self, name: Any, value: Any) -> Any:
        if is_secret_name(str(name)):
            if isinstance(value, str):
                return value if is_placeholder(value) else MASK
            if isinstance(value, (list, tuple)):
                return [self._named(name, item) for item in value]
        return self.value(value)

    def _mask_any_case(self, text: str) -> str:
        folded = text.lower()
        for form, folded_form in self._forms:
            if folded_form in folded:
                text = re.sub(re.escape(form), MASK, text, flags=re.IGNORECASE)
                folded = text.lower()
        return text

    def _mask_exactly(self, text: str) -> str:
        for form in self._base64_forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    @functools.cached_property
    def _forms(self) -> tuple[tuple[str, str], ...]:
        forms = {form.lower(): form for secret in self._secrets for form in _forms(secret)}
        return tuple((forms[folded], folded) for folded in sorted(forms, key=_longest_first))

    @functools.cached_property
    def _base64_forms(self) -> tuple[str, ...]:
        return tuple(sorted({form for secret in self._secrets for form in _base64_forms(secret)}, key=_longest_first))


def _longest_first(form: str) -> tuple[int, str]:
    return -len(form), form


def _forms(secret: str) -> Iterator[str]:
    """Yield each form in which a secret can stand in a text, whatever its case."""
    secret = secret.strip()
    for part in {secret, *_lines(secret)}:
        yield part
        raw = part.encode("utf-8", "replace")
        yield raw.hex()
        if part.isalnum() and part.isascii():
            continue  # all the others would be the same
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]
        yield repr(part)[1:-1]
        # Once more, for JSON in JSON and a string in a message of Python's.
        yield json.dumps(json.dumps(part)[1:-1])[1:-1]
        yield shlex.quote(part)[1:-1] if shlex.quote(part) != part else part
        yield quote(raw)
        yield quote(raw, safe="")
        yield quote_plus(raw)


def _lines(secret: str) -> Iterator[str]:
    lines = secret.splitlines()
    if len(lines) > 1:
        for line in lines:
            line = line.strip()
            if len(line) >= MIN_LINE and not line.startswith("-----"):
                yield line


def _base64_forms(secret: str) -> Iterator[str]:
    """Yield what is sure to stand in the base64 of any text that holds the secret, for the three ways it can lie."""
    for text in dict.fromkeys((secret, secret.strip())):
        raw = text.encode("utf-8", "replace")
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield from _long_enough(encode(raw).decode().rstrip("="))
            for before in range(3):
                # The characters that also depend on what stands around the secret are left out.
                first = (before * 8 + 5) // 6
                last = (before + len(raw)) * 8 // 6
                yield from _long_enough(encode(b"\0" * before + raw).decode()[first:last])


def _long_enough(form: str) -> Iterator[str]:
    if len(form) >= MIN_BASE64:
        yield form
