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


class OpenJobs:
    """The marks beside one outbox. Nothing here raises: marks save time, they are not the truth."""

    def __init__(self, outbox_path: str) -> None:
        self._folder = os.path.join(os.path.dirname(os.path.abspath(outbox_path)), "open-jobs")

    def any(self) -> bool:
        """Tell whether any job may have open incidents."""
        try:
            with os.scandir(self._folder) as entries:
                return any(True for _entry in entries)
        except OSError:
            return False

    def has(self, job: str) -> bool:
        """Tell whether a job may have open incidents."""
        return os.path.exists(self._path(job))

    def mark(self, job: str) -> None:
        """Note that a job has open incidents."""
        with contextlib.suppress(OSError):
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            os.close(os.open(self._path(job), os.O_CREAT | os.O_WRONLY, 0o600))

    def clear(self, job: str) -> None:
        """Note that a job has no open incident any more."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(job))

    def _path(self, job: str) -> str:
        return os.path.join(self._folder, hashlib.sha256(job.encode("utf-8")).hexdigest())
