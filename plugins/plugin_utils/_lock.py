# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sure that one process at a time sends what is in an outbox, and that it has one courier at most.

The kernel holds a lock for as long as its process lives, even while that is stopped; and lets go when it dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import (
    identity_of,
    is_still,
    open_ours,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._recognise import is_mark, is_process_id


class SenderLock:
    """The right to send what is in an outbox."""

    _recognise = staticmethod(is_mark)

    def __init__(self, outbox_path: str, what: str = "lock", descriptor: int | None = None) -> None:
        """Take the outbox's path, and the descriptor if this process has the lock from what it was before."""
        self._path = f"{outbox_path}.{what}"
        self._descriptor = descriptor
        #: whether nobody else can hold the lock
        self.is_certain = True

    def acquire(self) -> bool:
        """Try to get the lock, without waiting; returns whether it is held now.

        Where the file system knows no such locks, claims alone keep senders apart, and so this says True.

        Raises:
            OSError: if the lock's file cannot be opened, or is not ours.
        """
        if self._descriptor is not None:
            return True
        descriptor = open_ours(self._path, recognise=self._recognise)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(descriptor)
                return False
            self.is_certain = False
        if not is_still(self._path, identity_of(descriptor)):  # it was removed with all the rest, and is no lock now
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def is_taken(self) -> bool:
        """Tell whether somebody else has it.

        Raises:
            OSError: if the lock's file cannot be opened.
        """
        if not SenderLock.acquire(self):
            return True
        self.release()
        return False

    def release(self) -> None:
        """Let others have it. The file stays: removing it would let two hold "the" lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class CourierLock(SenderLock):
    """The right to be the courier of an outbox, also while somebody else is sending, or nothing can be sent yet.

    Its file says who has it.
    """

    _recognise = staticmethod(is_process_id)

    def __init__(self, outbox_path: str, descriptor: int | None = None) -> None:
        super().__init__(outbox_path, "courier", descriptor)
        if descriptor is not None:
            os.set_inheritable(descriptor, False)

    def acquire(self) -> bool:
        has_it_already = self._descriptor is not None
        if not super().acquire():
            return False
        if not has_it_already and self._descriptor is not None:
            with contextlib.suppress(OSError):  # a full disk: then nobody can tell who it is
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def hand_on(self) -> int | None:
        """Return a descriptor that keeps the lock held when this process becomes another program."""
        if self._descriptor is not None:
            os.set_inheritable(self._descriptor, True)
        return self._descriptor

    def holder(self) -> int | None:
        """Return the process id of the courier, None if there is none or nobody can tell."""
        try:
            if not self.is_taken():
                return None
            with open(open_ours(self._path, os.O_RDONLY, is_process_id, make=False), encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None
