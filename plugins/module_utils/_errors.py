# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own errors. Their texts are made to be shown, so no error is ever given a key."""

from __future__ import annotations

import sys


class PagerDutyError(Exception):
    """Base of every error that this collection raises on purpose."""


class OptionError(PagerDutyError):
    """An option's value cannot be used; nothing has been sent.

    Args:
        option: the option's name as the user writes it, for example C(timestamp).
        problem: what is wrong, with what was given and what is expected. Never a key's value.
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option}: {problem}")
        self.option = option


class TransportError(PagerDutyError):
    """One attempt ended without an answer from PagerDuty.

    Args:
        problem: one line that says what happened.
        maybe_taken: True if the request may have reached PagerDuty, so that the event may have been taken
            although nobody said so.
    """

    def __init__(self, problem: str, maybe_taken: bool) -> None:
        super().__init__(problem)
        self.maybe_taken = maybe_taken


class MissingLibraryError(PagerDutyError):
    """The C(requests) library cannot be imported where the event is to be sent from.

    Args:
        library: the name of the library.
        details: the traceback of the failed import, for those who want it.
    """

    def __init__(self, library: str, details: str | None) -> None:
        super().__init__(f"the Python library {library} is missing for {sys.executable}")
        self.library = library
        self.details = details
