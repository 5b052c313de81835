# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows lines to people: on stdout, or on stderr where stdout is for a program that reads it."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ansible import constants

# Words in the names of stdout callbacks whose output is no text for people: ansible.posix.json and .jsonl, and others'.
# "yaml" is none of them: the callback of that name shows the usual text.
_DATA = frozenset({"json", "jsonl", "jsonlines", "ndjson", "xml", "csv", "tap"})
# Who chooses this one wants nothing on stdout.
_NOTHING = frozenset({"null"})


def is_data(names: Iterable[str]) -> bool:
    """Tell whether a stdout callback of any of these names writes data.

    How the usual one shows results (C(callback_result_format=json)) does not matter: the rest is text all the same.
    """
    words = {word for name in names for word in re.split(r"[^a-z0-9]+", name.rpartition(".")[2].lower())}
    return bool(words & (_DATA | _NOTHING)) or any(word.startswith("json") or word.endswith("json") for word in words)


class Output:
    """The way of our lines to people."""

    def __init__(self, display: Any, stdout_callback_names: Callable[[], Iterable[str]]) -> None:
        """Take the ways; nothing is asked before the first line.

        Args:
            display: ansible-core's display.
            stdout_callback_names: the names of the callback that writes to stdout.
        """
        self._display = display
        self._names = stdout_callback_names

    def show(self, line: str) -> None:
        """Show a line."""
        aside = self._is_data()
        self._display.display(line, stderr=aside)
        # A signal may be about to end the process, and what is buffered with it.
        with contextlib.suppress(OSError, ValueError):
            (sys.stderr if aside else sys.stdout).flush()

    def explain(self, text: str) -> None:
        """Show a line to those who asked for more (C(-v))."""
        if not self._is_data():
            self._display.v(text)
        elif self._display.verbosity > 0:
            self._display.display(text, color=constants.COLOR_VERBOSE, stderr=True)

    def _is_data(self) -> bool:
        try:
            return is_data(self._names())
        except Exception:  # pylint: disable=broad-except  # a line must not be lost for the way that it goes
            return False
