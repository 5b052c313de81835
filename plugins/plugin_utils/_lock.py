# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sure that one process at a time sends what is in an outbox, and that not many more wait for their turn.

The kernel holds a lock for as long as its process lives, even while that is stopped; and lets go when it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import (
    identity_of,
    is_still,
    open_ours,
)


class SenderLock:
    """The right to send what is in an outbox."""

    def __init__(self, outbox_path: str, what: str = "lock") -> None:
        self._path = f"{outbox_path}.{what}"
        self._descriptor: int | None = None
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
        descriptor = open_ours(self._path)
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

    def release(self) -> None:
        """Let others have it. The file stays: removing it would let two hold "the" lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class NextLock(SenderLock):
    """The right to be the next who sends what is in an outbox."""

    def __init__(self, outbox_path: str) -> None:
        super().__init__(outbox_path, "next")

    def is_taken(self) -> bool:
        """Tell whether somebody waits for the turn. Whatever is in the outbox by now, that one will see.

        Raises:
            OSError: if the lock's file cannot be opened.
        """
        if not self.acquire():
            return True
        self.release()
        return False
