# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks, for each job, that it has open incidents, so that a run can tell by one look at the disk.

Without the marks, every run would have to open the ledger to learn that there is nothing to resolve. A mark is an empty
file beside the outbox. One too many costs a look into the ledger; one too few leaves an incident open until the job
fails again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _private_files


class OpenJobs:
    """The marks beside one outbox. Nothing here raises: marks save time, they are not the truth."""

    def __init__(self, outbox_path: str, kept_in: Callable[[], str | None] | None = None) -> None:
        """Take the place.

        Args:
            outbox_path: where the outbox is.
            kept_in: tells where the ledger is now, if that can be elsewhere; None if there is none.
        """
        self._kept_in = kept_in or (lambda: outbox_path)

    def any(self) -> bool:
        """Tell whether any job may have open incidents."""
        try:
            with os.scandir(self._folder()) as entries:
                return any(True for _entry in entries)
        except OSError:
            return False

    def has(self, job: str) -> bool:
        """Tell whether a job may have open incidents."""
        try:
            return os.path.lexists(self._path(job))
        except OSError:
            return False

    def mark(self, job: str) -> None:
        """Note that a job has open incidents."""
        with contextlib.suppress(OSError):
            _private_files.make_folder(self._folder())
            _private_files.check_own_folder(self._folder())
            os.close(_private_files.open_ours(self._path(job)))

    def clear(self, job: str) -> None:
        """Note that a job has no open incident any more."""
        with contextlib.suppress(OSError):
            _private_files.check_own_folder(self._folder())
            _private_files.remove_mark(self._path(job))

    def _path(self, job: str) -> str:
        return os.path.join(self._folder(), hashlib.sha256(job.encode("utf-8")).hexdigest())

    def _folder(self) -> str:
        path = self._kept_in()
        if path is None:
            raise FileNotFoundError("nothing is stored")
        return os.path.join(os.path.dirname(os.path.abspath(path)), _private_files.OPEN_JOBS)
