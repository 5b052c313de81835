# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place for events while the outbox cannot be used: a second outbox in memory, or at least elsewhere.

On Linux that is a file in /dev/shm, which ansible-core needs for itself; else one in the folder for temporary files.
It has the same name in every run, so nothing in it is forgotten before the machine restarts.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile

_SHARED_MEMORY = "/dev/shm"  # noqa: S108  # the folder made in it is checked to be ours alone


def substitute_path(outbox_path: str) -> str:
    """Return the path of an outbox's substitute. Nothing is made yet."""
    base = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else tempfile.gettempdir()
    name = hashlib.sha256(os.path.abspath(outbox_path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return os.path.join(base, f"oncall.pagerduty-{os.geteuid()}-{name}", "outbox.sqlite3")


def make_substitute_folder(path: str) -> None:
    """Make the folder of a substitute, in a place where everybody may write.

    Raises:
        OSError: if that is not possible, or if somebody else has made something there.
    """
    folder = os.path.dirname(path)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} is not a private folder of this user") from None
