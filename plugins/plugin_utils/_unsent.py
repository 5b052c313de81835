# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks that an outbox may hold unsent events, so that a run can tell by one look at the disk.

Without the mark, every run would have to open the outbox to learn that there is nothing to send. The mark is an empty
file beside it, made while an event is put in, and removed by whoever finds the outbox empty. The outbox itself does
both, each within a transaction: between a look into the outbox and the removal nobody can put anything in.
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _private_files


class UnsentMark:
    """The mark of one outbox. Nothing here raises: without a mark, events are sent when the next one is put in."""

    def __init__(self, outbox_path: str) -> None:
        self._path = f"{outbox_path}.unsent"

    def is_set(self) -> bool:
        """Tell whether there may be something to send."""
        return _private_files.is_mark(self._path)

    def set(self) -> None:
        """Note that there may be something to send."""
        with contextlib.suppress(OSError):
            _private_files.make_folder(os.path.dirname(os.path.abspath(self._path)))
            os.close(_private_files.open_ours(self._path))

    def clear(self) -> None:
        """Note that there is nothing to send."""
        with contextlib.suppress(OSError):
            _private_files.remove_mark(self._path)
