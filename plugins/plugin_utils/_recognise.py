# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells by a file's beginning whether it is one of ours: the outbox, SQLite's files beside it, our log, our marks."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Returns at most so many of a file's first bytes.
Read = Callable[[int], bytes]

# "oncl": SQLite keeps it in the header of each file that we have made.
APPLICATION_ID = 0x6F6E636C

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_APPLICATION_ID_AT = 68
# Version 0.1.0 set no application id, but made this table among its first, in the file or in the log beside it.
_TABLE_OF_0_1_0 = b"CREATE TABLE opened (fingerprint TEXT NOT NULL, dedup_key TEXT NOT NULL, PRIMARY KEY"
# SQLite keeps the tables' descriptions in the first pages; a log has been copied back long before it has this length.
_FIRST_PAGES = 1024 * 1024
_LOG_BYTES = 16 * 1024 * 1024

_WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_WAL_INDEX = tuple(number.to_bytes(4, order) for number in (0, 3_007_000) for order in ("little", "big"))
_JOURNAL_MAGIC = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_LOG_LINE = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \d+ ", re.MULTILINE)
_LINES_BYTES = 64 * 1024
_PROCESS_ID = re.compile(rb"(?:\d{1,10}\n)?")
_PROCESS_ID_BYTES = 16


def is_outbox(read: Read, read_log: Read) -> bool:
    """Whether a file is empty or an outbox, given how to read it and the write-ahead log beside it."""
    head = read(_HEADER_BYTES)
    if not head:
        return True
    if len(head) < _HEADER_BYTES or not head.startswith(_MAGIC):
        return False
    found = int.from_bytes(head[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
    if found:
        return found == APPLICATION_ID
    return _TABLE_OF_0_1_0 in read(_FIRST_PAGES) or _TABLE_OF_0_1_0 in read_log(_LOG_BYTES)


def is_write_ahead_log(read: Read) -> bool:
    """Whether a file is empty or a write-ahead log of SQLite, be it one that a full disk has cut off."""
    head = read(4)
    return any(magic.startswith(head) for magic in _WAL_MAGIC)


def is_write_ahead_index(read: Read) -> bool:
    """Whether a file is empty, or SQLite's index of a write-ahead log, be it one that was just begun.

    SQLite begins it with three zero bytes, and leaves it at that if the disk is full or the process is killed.
    """
    head = read(4)
    return any(begin.startswith(head) for begin in _WAL_INDEX)


def is_journal(read: Read) -> bool:
    """Whether a file is empty or a journal of SQLite, be it one that was just begun or is no longer valid."""
    head = read(len(_JOURNAL_MAGIC))
    return head == _JOURNAL_MAGIC or not head.strip(b"\0")


def is_log(read: Read) -> bool:
    """Whether a file is empty or a log that we have written. Python's own words may stand first in it."""
    text = read(_LINES_BYTES)
    return not text or text.startswith(b"Traceback ") or _LOG_LINE.search(text) is not None


def is_process_id(read: Read) -> bool:
    """Whether a file is empty or holds a process id, as the courier's lock does."""
    return _PROCESS_ID.fullmatch(read(_PROCESS_ID_BYTES)) is not None


def is_mark(read: Read) -> bool:
    """Whether a file is empty, as marks and locks are."""
    return not read(1)
