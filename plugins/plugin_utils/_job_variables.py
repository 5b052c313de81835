# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells runs of one playbook apart by the variables that they were started with, without keeping a value. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_variables import name_test

_DIGITS = 32
"""Hexadecimal digits kept of a hash: 128 bits, beyond any chance of two jobs with the same."""

SHORT = 8
"""Digits that stand in a dedup key: a job is not run with more than a few thousand different sets of variables."""

_DEPTH = 20
"""Levels of a structure that are looked into; deeper ones count as the same."""


@dataclass(frozen=True)
class Parameters:
    """The variables that make a run another job than other runs of the same playbook.

    Attributes:
        names: their names, sorted.
        text: names and values in one form, however they were written on the command line. May hold secrets.
    """

    names: tuple[str, ...] = ()
    text: str = field(default="", repr=False)

    def digest(self, routing_key: str) -> str:
        """Return what stands for them; empty if there are none.

        The integration key is the hash's own key: without it nobody can try out which value gives a hash, not even of
        a short password.
        """
        if not self.names:
            return ""
        key, text = (part.encode("utf-8", "surrogatepass") for part in (routing_key, self.text))
        return hmac.new(key, text, hashlib.sha256).hexdigest()[:_DIGITS]


NO_PARAMETERS = Parameters()


def parameters_of(
    extra: Mapping[str, Any], patterns: Iterable[str], prompts: Iterable[Mapping[str, Any]] = (), answers: Any = None
) -> Parameters:
    """Return what tells a run apart.

    Args:
        extra: the run's extra variables.
        patterns: shell patterns of names that count, whatever their case; C(!) before one takes names out again.
        prompts: a play's C(vars_prompt).
        answers: the play's variables, which hold what was answered. An answer that was encrypted is another one each
            time, and left out.
    """
    answers = answers if isinstance(answers, Mapping) else {}
    prompted = [str(prompt.get("name")) for prompt in prompts if not prompt.get("encrypt")]
    given = {name: answers[name] for name in prompted if name in answers}
    given.update(extra)
    counts = name_test(tuple(str(pattern).strip() for pattern in patterns))
    found = {plain_text(name): _value(value) for name, value in given.items() if counts(str(name))}
    return Parameters(tuple(sorted(found)), json.dumps(found, sort_keys=True)) if found else NO_PARAMETERS


def _value(value: Any, depth: int = 0) -> Any:
    """Return a value as all ways to write it have it: C(-e a=1) makes text of what C(-e '{"a": 1}') has as a number."""
    if depth > _DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {plain_text(name): _value(item, depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, depth + 1) for item in value]
    try:
        text = plain_text(value)
    except Exception:  # pylint: disable=broad-except  # what cannot be decrypted is told by what it is encrypted as
        text = plain_text(getattr(value, "_ciphertext", type(value).__name__))
    return text.lower() if text.lower() in ("true", "false") else text
