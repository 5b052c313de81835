# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the outbox's files, and nothing that is not ours: looks at what is there before it touches anything.

A file is ours if it is a regular one of this user with one name, in a folder that nobody else may write, and holds what
we would have written. Links are followed among the folders only. Whatever is something else is left as it is.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _recognise
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._recognise import Read

_Recogniser = Callable[[Read], bool]

# Neither a link nor a terminal; and nothing, such as a FIFO, that would have to be waited for.
_CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# Two processes can make and remove a file at once so many times in a row, but hardly more.
_TRIES = 20
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)
_NEEDED = "outbox_path has to name a file that this collection has made, an empty one of this user, or none"
_MOVE = "move it away, or let outbox_path name another place"

#: The folder beside an outbox that has the marks of jobs with open incidents.
OPEN_JOBS = "open-jobs"

#: What lies beside an outbox, by the end of its name, and how each of them is known.
BESIDE: dict[str, _Recogniser] = {
    "-wal": _recognise.is_write_ahead_log,
    "-shm": _recognise.is_write_ahead_index,
    "-journal": _recognise.is_journal,
    ".log": _recognise.is_log,
    ".log.1": _recognise.is_log,
    ".lock": _recognise.is_mark,
    ".courier": _recognise.is_process_id,
    ".unsent": _recognise.is_mark,
}


class NotOursError(PermissionError):
    """Something else is where a file of ours was to be. The text says what; it has not been changed."""


def real_path(path: str) -> str:
    """Return a file's path without links among its folders. Its name may still be that of a link."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def check_folder(folder: str, for_folders: bool = False) -> None:
    """See to it that nobody but this user and root can put anything else in place of what is in a folder.

    Args:
        folder: an existing folder.
        for_folders: whether only a folder of our own is to be in it; then it may be one like C(/tmp).

    Raises:
        NotOursError: if somebody can.
        OSError: if that cannot be known.
    """
    part = os.path.realpath(folder)
    may_be_sticky = for_folders
    while True:
        found = os.lstat(part)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(f"{part} is no folder")
        if not _is_trusted(found.st_uid):
            raise NotOursError(
                f"the folder {part} belongs to another user (uid {found.st_uid}), but has to belong to this one"
                f" (uid {os.geteuid()}) or to root; let outbox_path name a file in a folder of your own"
            )
        if _others_may_write(part, found) and not (may_be_sticky and found.st_mode & stat.S_ISVTX):
            raise NotOursError(
                f"the folder {part} can be written by others (mode {stat.S_IMODE(found.st_mode):04o}): chmod go-w"
                f" {part}, or let outbox_path name a file in a folder that only you can write"
            )
        if part == os.path.dirname(part):
            return
        part = os.path.dirname(part)
        may_be_sticky = True


def make_folder(folder: str) -> None:
    """Make a folder, and those above it that are missing, for their owner alone.

    Raises:
        NotOursError: if others could put something else in its place.
        OSError: if that is not possible.
    """
    missing = []
    path = os.path.abspath(folder)
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    check_folder(path, for_folders=bool(missing))
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
    if missing:
        check_folder(missing[0])


def check_own_folder(folder: str) -> None:
    """See to it that what has a folder's name is a folder of this user's that nobody else can write, and no link.

    Raises:
        NotOursError: if it is something else.
        OSError: if there is nothing, or that cannot be known.
    """
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or _others_may_write(folder, found):
        raise NotOursError(f"{os.path.basename(folder)} is no folder that this user alone can write")
    check_folder(folder)


def open_ours(path: str, flags: int = os.O_RDWR, recognise: _Recogniser = _recognise.is_mark, make: bool = True) -> int:
    """Open a file of ours, and return its descriptor. One that is not there is made, for its owner alone.

    Args:
        path: the file; its folder has to be there.
        flags: how to open it; it has to be readable.
        recognise: tells by the file's beginning whether it is ours.
        make: False to fail if it is not there.

    Raises:
        NotOursError: if it is something else.
        OSError: if it cannot be opened.
    """
    check_folder(os.path.dirname(os.path.abspath(path)))
    return _open_in_checked(real_path(path), flags, recognise, make)


def _open_in_checked(path: str, flags: int, recognise: _Recogniser, make: bool) -> int:
    """Open a file of ours in a folder that has been looked at."""
    for _try in range(_TRIES):
        found = _look(path)
        if found is None and make:
            with contextlib.suppress(FileExistsError):
                return os.open(path, flags | os.O_CREAT | os.O_EXCL | _CAREFULLY, 0o600)
            continue
        descriptor = os.open(path, flags | _CAREFULLY)
        try:
            if found is not None and os.path.samestat(found, os.fstat(descriptor)):
                _check_content(path, descriptor, recognise)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise NotOursError(f"{os.path.basename(path)} is replaced all the time")


def is_mark(path: str) -> bool:
    """Whether an empty file of this user is there. A look at the disk."""
    try:
        found = _look(path)
    except OSError:
        return False
    return found is not None and not found.st_size


def is_still(path: str, identity: tuple[int, int]) -> bool:
    """Whether a file with these numbers of device and file still has its name."""
    try:
        found = os.lstat(real_path(path))
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == identity


def identity_of(descriptor: int) -> tuple[int, int]:
    """Return an open file's numbers of device and file."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def remove_mark(path: str) -> None:
    """Remove an empty file of ours.

    Raises:
        OSError: if it is not there, something else, or cannot be removed.
    """
    check_folder(os.path.dirname(os.path.abspath(path)))
    path = real_path(path)
    found = _look(path)
    if found is not None and found.st_size:
        raise _not_ours(path)
    os.unlink(path)


def open_outbox(path: str, is_open: Callable[[tuple[int, int]], bool]) -> tuple[int, int]:
    """See to it that an outbox's file is there and private, and that nothing foreign is where its other files go.

    Nothing is made, changed or removed unless all of that is ours. Its folder is made if it is not there.

    Args:
        path: the file.
        is_open: tells of a file whether this process has it open by SQLite. Then it is not opened here: to close it
            would be to let go of SQLite's locks.

    Returns:
        The numbers of device and file.

    Raises:
        NotOursError: if something else is there.
        OSError: if it cannot be looked at or made.
    """
    make_folder(os.path.dirname(os.path.abspath(path)))
    real = real_path(path)
    try:
        found = _look(real)
        if found is not None and is_open((found.st_dev, found.st_ino)):
            return found.st_dev, found.st_ino
    except NotOursError as error:
        raise NotOursError(f"{error}; {_NEEDED}") from None
    _check_beside(real)
    try:
        descriptor = _open_in_checked(
            real, os.O_RDWR, lambda read: _recognise.is_outbox(read, lambda most: _log(real, most)), make=True
        )
    except NotOursError as error:
        raise NotOursError(f"{error}; {_NEEDED}") from None
    try:
        return identity_of(descriptor)
    finally:
        os.close(descriptor)


def _check_beside(path: str) -> None:
    try:
        for end, recognise in BESIDE.items():
            with contextlib.suppress(FileNotFoundError):
                os.close(_open_in_checked(f"{path}{end}", os.O_RDONLY, recognise, make=False))
        with contextlib.suppress(FileNotFoundError):
            check_own_folder(os.path.join(os.path.dirname(path), OPEN_JOBS))
    except NotOursError as error:
        raise NotOursError(f"beside it {error}; {_MOVE}") from None


def _log(path: str, most: int) -> bytes:
    try:
        descriptor = _open_in_checked(f"{path}-wal", os.O_RDONLY, _recognise.is_write_ahead_log, make=False)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(descriptor, most, 0)
    finally:
        os.close(descriptor)


def _check_content(path: str, descriptor: int, recognise: _Recogniser) -> None:
    """See to it that an open file holds what is ours. Then, and not before, it becomes private."""
    if not recognise(lambda most: os.pread(descriptor, most, 0)):
        raise _not_ours(path)
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & 0o077:
        os.fchmod(descriptor, mode & 0o700)


def _look(path: str) -> os.stat_result | None:
    """Look at a file without opening it; None if there is none."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    what = next((text for is_it, text in _KINDS if is_it(found.st_mode)), None)
    if what is None and found.st_uid != os.geteuid():
        what = f"a file of another user (uid {found.st_uid})"
    if what is None and found.st_nlink > 1:
        what = f"a file with {found.st_nlink} names, by hard links"
    if what is not None:
        raise _not_ours(path, what)
    return found


def _not_ours(path: str, what: str = "a file that this collection has not made") -> NotOursError:
    return NotOursError(f"{os.path.basename(path)} is {what}, and is left as it is")


def _is_trusted(owner: int) -> bool:
    """Whether a folder's owner is this user or root. In a sandbox that has no root, its files belong to "nobody"."""
    if owner in (0, os.geteuid()):
        return True
    try:
        with open("/proc/self/uid_map", encoding="ascii") as users:
            if any(line.split()[0] == "0" for line in users):
                return False
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as nobody:
            return int(nobody.read()) == owner
    except (OSError, ValueError, IndexError):
        return False


def _others_may_write(path: str, found: os.stat_result) -> bool:
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and (_has_access_list(path) or not _is_group_of_one(found.st_gid))


def _has_access_list(path: str) -> bool:
    """Whether the mode says only what a list allows at most."""
    try:
        return bool(os.getxattr(path, "system.posix_acl_access"))
    except (OSError, AttributeError):
        return False


def _is_group_of_one(group: int) -> bool:
    """Whether a group has no member but this user and root, as root's own has, and that of a user with the same name.

    Whose first group it is cannot be asked of every directory service; the name tells.
    """
    import grp
    import pwd

    try:
        entry = grp.getgrgid(group)
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return group == 0
    if set(entry.gr_mem) - {user.pw_name, "root"}:
        return False
    if group == 0:  # other accounts that have it as their first one, for shutting down and the like, are root's
        return True
    if (user.pw_gid, user.pw_name) != (group, entry.gr_name):
        return False
    return all(other.pw_uid in (0, user.pw_uid) for other in pwd.getpwall() if other.pw_gid == group)
