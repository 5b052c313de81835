# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the secrets among a host's variables: by the variable's name, and by what ansible-vault had encrypted.

Only reads what ansible-core's variable manager returns. Masks nothing itself.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import MAX_DEPTH, plain_text

MIN_LENGTH = 4
"""Shorter values stay: they would be found in the middle of ordinary words, and hiding them spoils the whole text."""

MIN_DIGITS = 6
"""A number needs as many digits to be hidden, for the same reason: ports, sizes and times are shorter."""

_WORDS = frozenset({"true", "false", "none", "null", "yes", "no", "on", "off"})
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?")

_WILD = re.compile(r"[*?\[]")
_TEMPLATE = re.compile(r"{{|{%")

_LOOKUP = re.compile(r"\b(?:lookup|query|q)\s*\(\s*(?!['\"](?:ansible\.builtin\.)?(?:env|vars|file|unvault)['\"])")
"""A lookup other than those that only read what is here: it may wait for a network, or change something."""

_WORD = re.compile(r"[A-Za-z_]\w*")

_NOT_THEIR_OWN = frozenset({"hostvars", "groups", "group_names", "vars", "omit"})
"""Variables that ansible-core makes of other variables and other hosts."""

_NOT_TEMPLATES = _NOT_THEIR_OWN | {"ansible_facts"}
"""Variables that are large, and either no templates or those of other variables."""

_VAULT_HEADER = b"$ANSIBLE_VAULT;"

Template = Callable[[Any], Any]


def is_worth_masking(text: str) -> bool:
    """Tell whether a text can be masked without spoiling others: not short ones, small numbers, C(true)."""
    text = text.strip()
    if len(text) < MIN_LENGTH or text.lower() in _WORDS or not text.strip("*"):
        return False
    return sum(map(str.isdigit, text)) >= MIN_DIGITS if _NUMBER.fullmatch(text) else True


def secrets_of(
    variables: Mapping[str, Any], patterns: Sequence[str], template: Template | None = None
) -> frozenset[str]:
    """Return the secret texts among a host's variables.

    A text is a secret if the variable, or a key above it in a nested one, has a name that matches; if ansible-vault
    had encrypted it; or if it comes from a file of variables that ansible-vault had encrypted as a whole. Left alone
    is what masking would only spoil texts for: values shorter than MIN_LENGTH, booleans, null, numbers shorter than
    MIN_DIGITS. What cannot be decrypted or templated is passed over.

    Args:
        variables: as the variable manager returns them, neither templated nor decrypted.
        patterns: shell patterns for names, whatever their case; those that start with C(!) take names out again.
        template: resolves a value that is a template; it may raise. Without it, templates count for nothing: what
            they refer to is found under its own name. It is not asked for templates with lookups that may leave
            this machine, nor for those that refer to variables with such lookups.
    """
    found = _Search(variables, tuple(patterns), template)
    for name, value in variables.items():
        if name not in _NOT_THEIR_OWN:
            found.look_at(name, value)
    return frozenset(found.secrets)


class _Search:
    """One walk through a host's variables."""

    def __init__(self, variables: Mapping[str, Any], patterns: tuple[str, ...], template: Template | None) -> None:
        self.secrets: set[str] = set()
        self._variables = variables
        self._is_secret_name = name_test(patterns)
        self._template = template

    def look_at(self, name: Any, value: Any) -> None:
        try:
            self._value(value, not isinstance(name, int) and self._is_secret_name(str(name)), 0)
        except Exception:
            # ansible-core's values can raise whenever they are touched. One of them must not hide the others.
            return

    def _value(self, value: Any, secret: bool, depth: int) -> None:
        kind = type(value)
        if kind is str:
            if secret:
                self._text(value, depth)
            return
        if value is None or kind is bool or depth > MAX_DEPTH:
            return
        if _ciphertext(value) is not None:
            self._add(_decrypted(value))
            return
        secret = secret or _was_encrypted(value)
        if isinstance(value, str):
            if secret:
                self._text(value, depth)
        elif isinstance(value, dict):
            for name, item in _entries(value):
                self._value(item, secret or self._is_secret_name(str(name)), depth + 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for item in value:
                self._value(item, secret, depth + 1)
        elif secret and isinstance(value, (int, bytes)):
            self._add(plain_text(value))

    def _text(self, value: str, depth: int) -> None:
        text = str(value)
        if not _TEMPLATE.search(text):
            self._add(text)
        elif self._template is not None:
            try:
                if self._looks_far(text, set()):
                    return
                resolved = self._template(value)
            except Exception:
                return
            if isinstance(resolved, str):
                self._add(str(resolved))
            else:
                self._value(resolved, True, depth + 1)

    def _looks_far(self, text: str, seen: set[str]) -> bool:
        """Tell whether a text has such a lookup, or any variable that it may refer to, through however many others."""
        if not _TEMPLATE.search(text):
            return False
        if _LOOKUP.search(text):
            return True
        names = {name for name in _WORD.findall(text) if name in self._variables} - seen - _NOT_TEMPLATES
        seen |= names
        return any(self._looks_far(part, seen) for name in names for part in _texts_in(self._variables[name], 0))

    def _add(self, text: str | None) -> None:
        if text and is_worth_masking(text):
            self.secrets.add(plain_text(text))


def _texts_in(value: Any, depth: int) -> Iterator[str]:
    """Yield all texts in a value that could be templates."""
    if depth > MAX_DEPTH or _ciphertext(value) is not None:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for _name, item in _entries(value):
            yield from _texts_in(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts_in(item, depth + 1)


def _entries(mapping: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield what can be read of a mapping; in a lazy one (2.19 and later) every single value may raise."""
    for name in mapping:
        try:
            yield name, mapping[name]
        except Exception:  # noqa: S112  # an unreadable value holds nothing that could be shown
            continue


@functools.lru_cache(maxsize=16)
def name_test(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a test for names of variables: shell patterns, of which those with C(!) take names out again."""
    wanted = _matcher(tuple(pattern for pattern in patterns if not pattern.startswith("!")))
    unwanted = _matcher(tuple(pattern[1:] for pattern in patterns if pattern.startswith("!")))

    @functools.lru_cache(maxsize=65_536)  # hosts have the same names again and again
    def test(name: str) -> bool:
        return wanted(name) and not unwanted(name)

    return test


def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return one test for all shell patterns. Most of them are a word and stars: for these no expression is needed."""
    contained: list[str] = []
    others: list[str] = []
    for pattern in map(str.lower, patterns):
        word = pattern.strip("*")
        if pattern == f"*{word}*" and not _WILD.search(word):
            contained.append(word)
        else:
            others.append(fnmatch.translate(pattern))
    other = re.compile("|".join(others), re.DOTALL).match if others else None

    def test(name: str) -> bool:
        name = name.lower()
        for word in contained:
            if word in name:
                return True
        return other is not None and other(name) is not None

    return test


# What follows knows how ansible-core marks values: 2.16 to 2.18 by their type and an attribute, later by tags.


def _ciphertext(value: Any) -> Any:
    """Return what an inline C(!vault) value was decrypted from, or None for any other value."""
    kind = type(value).__name__
    return value._ciphertext if kind in ("EncryptedString", "AnsibleVaultEncryptedUnicode") else None


_decrypted_before: dict[Any, str | None] = {}
"""By ciphertext. Up to 2.18 each reading of a value decrypts it anew, which takes milliseconds."""


def _decrypted(value: Any) -> str | None:
    ciphertext = _ciphertext(value)
    if ciphertext not in _decrypted_before:
        try:
            _decrypted_before[ciphertext] = str(value)
        except Exception:
            _decrypted_before[ciphertext] = None
    return _decrypted_before[ciphertext]


def _was_encrypted(value: Any) -> bool:
    tags = getattr(value, "_ansible_tags_mapping", None)
    if tags:
        for kind, tag in tags.items():
            if kind.__name__ == "VaultedValue":
                return True
            if kind.__name__ == "Origin" and tag.path and _is_vault_file(str(tag.path)):
                return True
        return False
    position = getattr(value, "ansible_pos", None)
    return bool(position and position[0] and _is_vault_file(str(position[0])))


@functools.lru_cache(maxsize=4096)
def _is_vault_file(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_VAULT_HEADER)) == _VAULT_HEADER
    except (OSError, ValueError):
        return False
