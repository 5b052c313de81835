# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells when a courier has to end, or to begin anew: its parent, the time, the outbox's file, its own code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

# How often to look at files: nothing hangs on the moment.
_FILES_SECONDS = 2.0
# An upgrade takes files away and puts others there, for about a second.
_SETTLED_SECONDS = 6.0

_OURS = "ansible_collections.oncall.pagerduty.plugins."
_MISSING = (0, 0, 0, 0)


class Life:
    """One courier's life."""

    def __init__(
        self,
        outbox_path: str,
        parent: int,
        linger: float,
        orphaned: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent_now: Callable[[], int] = os.getppid,
    ) -> None:
        """Begin.

        Args:
            outbox_path: the outbox's file.
            parent: process id of who started the courier.
            linger: for how many seconds it may go on after that has ended.
            orphaned: when that was, if it has ended already.
            clock: seconds that only go forward, and that all processes share.
            parent_now: tells the present parent.
        """
        self._path = outbox_path
        self._parent = parent
        self._linger = linger
        self._clock = clock
        self._parent_now = parent_now
        self._stopped = False
        self._looked = clock()
        self._outbox = _version(outbox_path)[:2]
        self._code_files = _code_files()
        self._code = [_version(path) for path in self._code_files]
        self._seen_code, self._code_seen_at = self._code, clock()
        #: when its parent ended
        self.orphaned = orphaned
        #: why it is of no use any more
        self.lost: str | None = None
        #: whether its code has been replaced, and is complete again
        self.is_outdated = False

    def stop(self) -> None:
        """End as soon as can be. Called by a signal's handler, which may take no lock."""
        self._stopped = True

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped

    @property
    def is_orphan(self) -> bool:
        """Whether the parent has ended."""
        if self.orphaned is None and self._parent_now() != self._parent:
            self.orphaned = self._clock()
        return self.orphaned is not None

    def is_over(self, seconds_to_stay: Callable[[], float]) -> bool:
        """Whether to end in any case.

        Args:
            seconds_to_stay: tells for how many seconds the waiting events ask a courier to stay.
        """
        self._look_at_files()
        if self._stopped or self.lost:
            return True
        if not self.is_orphan or self._clock() - (self.orphaned or 0.0) <= self._linger:
            return False
        return seconds_to_stay() <= 0

    def _look_at_files(self) -> None:
        if self._clock() - self._looked < _FILES_SECONDS:
            return
        self._looked = self._clock()
        outbox = _version(self._path)[:2]
        if self._outbox == _MISSING[:2]:
            self._outbox = outbox
        elif outbox != self._outbox:
            self.lost = "the outbox's file is gone or is another one"
        code = [_version(path) for path in self._code_files]
        if code != self._seen_code:
            self._seen_code, self._code_seen_at = code, self._looked
        elif code != self._code and self._looked - self._code_seen_at >= _SETTLED_SECONDS:
            self.is_outdated = _MISSING not in code
            if not self.is_outdated:
                self.lost = "this collection is no longer where it was"


def _code_files() -> list[str]:
    """Return the files of this collection that are in use."""
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith(_OURS)]
    return [str(module.__file__) for module in modules if getattr(module, "__file__", None)]


def _version(path: str) -> tuple[int, ...]:
    """Return what changes when a file is replaced: first device and inode, then what an edit changes, too."""
    try:
        found = os.stat(path)
    except OSError:
        return _MISSING
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
