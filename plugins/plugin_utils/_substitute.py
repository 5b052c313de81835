# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place for events while the outbox cannot be used: a second outbox in memory, or at least elsewhere.

On Linux that is a file in /dev/shm, which ansible-core needs for itself; else one in the folder for temporary files.
It has the same name in every run, so nothing in it is forgotten before the machine restarts. Everybody may write there:
what somebody else has put under that name is stepped around, by another place or a name that nobody could foresee.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import NotOursError, check_folder

_SHARED_MEMORY = "/dev/shm"  # noqa: S108  # the folder made in it is checked to be ours alone
_TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108  # likewise
_FILE = "outbox.sqlite3"


@dataclass(frozen=True)
class Substitute:
    """Where events go while the outbox cannot be used.

    Attributes:
        path: the file.
        stepped_around: the folders that were to be used, but that somebody else has made.
    """

    path: str
    stepped_around: tuple[str, ...] = ()


def substitute_path(outbox_path: str, bases: Sequence[str] | None = None) -> str:
    """Return where an outbox's substitute is if nobody is in the way. Nothing is made yet."""
    return os.path.join((_bases() if bases is None else bases)[0], _name(outbox_path), _FILE)


def existing_substitutes(outbox_path: str, bases: Sequence[str] | None = None) -> list[str]:
    """Return the substitutes that are there. Usually a look at the disk for each place, and none is found."""
    folders = _folders(outbox_path, _bases() if bases is None else bases)
    paths = (os.path.join(folder, _FILE) for folder in folders if _is_private(folder))
    return [path for path in paths if os.path.lexists(path)]


def planted(outbox_path: str, bases: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return what is where substitutes were to be, but is no private folder of this user."""
    folders = (os.path.join(base, _name(outbox_path)) for base in (_bases() if bases is None else bases))
    return tuple(folder for folder in folders if os.path.lexists(folder) and not _is_private(folder))


def make_substitute(outbox_path: str, bases: Sequence[str] | None = None) -> Substitute:
    """Make the folder of a substitute unless there is one, and return where the file goes.

    Raises:
        OSError: if that is possible nowhere.
    """
    bases = [base for base in (_bases() if bases is None else bases) if _is_safe(base)]
    in_the_way = planted(outbox_path, bases)
    for folder in _folders(outbox_path, bases):
        if _is_private(folder):
            return Substitute(os.path.join(folder, _FILE), in_the_way)
    for base in bases:
        with contextlib.suppress(OSError):
            path = os.path.join(base, _name(outbox_path), _FILE)
            make_substitute_folder(path)
            return Substitute(path, in_the_way)
    for base in bases:
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix=f"{_name(outbox_path)}-", dir=base)
            return Substitute(os.path.join(folder, _FILE), in_the_way)
    raise NotOursError(f"no private folder can be made in {' or '.join(bases) or 'any place for temporary files'}")


def make_substitute_folder(path: str) -> None:
    """Make the folder of a certain substitute, in a place where everybody may write.

    Raises:
        OSError: if that is not possible, or if somebody else has made something there.
    """
    folder = os.path.dirname(path)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not _is_private(folder):
            raise NotOursError(f"{folder} is not a private folder of this user") from None


def _bases() -> list[str]:
    # As tempfile.gettempdir has it, but that writes a file to find out, which a run that has nothing to send must not.
    temporary = (*(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")), *_TEMPORARY)
    usable = [base for base in temporary if base and os.path.isabs(base) and os.access(base, os.W_OK | os.X_OK)]
    found = [_SHARED_MEMORY] if os.access(_SHARED_MEMORY, os.W_OK) else []
    return [*found, *usable[:1]] or [_SHARED_MEMORY]


def _name(outbox_path: str) -> str:
    digest = hashlib.sha256(os.path.abspath(outbox_path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"oncall.pagerduty-{os.geteuid()}-{digest}"


def _folders(outbox_path: str, bases: Sequence[str]) -> Iterator[str]:
    """Yield the folders with a name that says they are for this; those of a random name where it is needed."""
    name = _name(outbox_path)
    for base in bases:
        yield os.path.join(base, name)
    if not planted(outbox_path, bases):
        return
    for base in bases:
        with contextlib.suppress(OSError), os.scandir(base) as entries:
            yield from sorted(entry.path for entry in entries if entry.name.startswith(f"{name}-"))


def _is_private(folder: str) -> bool:
    """Whether it is a folder of this user's, with no rights for others."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _is_safe(base: str) -> bool:
    """Whether nobody else can remove or replace a folder of ours in a folder."""
    try:
        check_folder(base, for_folders=True)
    except OSError:
        return False
    return True
