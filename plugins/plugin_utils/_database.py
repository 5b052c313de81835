# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the one SQLite file that holds the outbox and the ledger: private, durable, at the newest schema.

Import it where a file is about to be opened, not before: that loads SQLite. A connection must not be used, nor
closed, in a process forked from the one that opened it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _private_files, _recognise, _schema, _steady

# How long a writer waits for other writers. A commit takes milliseconds; a full disk or a slow NFS may take longer.
BUSY_SECONDS = 15.0


# The shortest page of SQLite: a file that is in use is never shorter.
_PAGE_BYTES = 512

# The files that this process has open. To open and close one of them once more would let go of SQLite's locks.
_open: list[tuple[int, int]] = []


class DatabaseError(PagerDutyError):
    """The file cannot be made, opened, read or written. The text names it and says why."""


class Database:
    """One connection. Every change is a transaction that is on disk when it returns."""

    def __init__(
        self, path: str, wall: Callable[[], float] = _steady.wall, uptime: Callable[[], float] = _steady.uptime
    ) -> None:
        """Open the file, making it and its folder if they are not there.

        Args:
            path: where the file is.
            wall: the wall clock, read if this boot has not used the file yet.
            uptime: seconds since the boot.

        Raises:
            DatabaseError: if that is not possible.
        """
        self.path = path
        self._uptime = uptime
        self._is_shared = False
        self._if_undone: list[Callable[[], None]] = []
        self._clock: _steady.Anchor | None = None
        with self._explained():
            self._identity = _private_files.open_outbox(path, _open.__contains__)
            # Without links among the folders: nobody can change where it leads while it is in use.
            self._real_path = _private_files.real_path(path)
            self._connection = sqlite3.connect(
                self._real_path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            _open.append(self._identity)
            try:
                self._prepare(wall)
            except BaseException:
                self._let_go()
                raise

    def now(self) -> float:
        """Return the present as the file counts it: Unix time that never jumps."""
        return (self._clock.booted if self._clock else 0.0) + self._uptime()

    def certain_now(self) -> float:
        """Return the present on a clock for ages: it counts only time that has surely passed."""
        return self.now() - (self._clock.uncertain if self._clock else 0.0)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Do several things as one: all of them are on disk afterwards, or none.

        Raises:
            DatabaseError: if it could not be done, or if one is under way that is not shared.
        """
        with self._explained():
            if self._is_shared:
                yield self._connection.cursor()
                return
            if self._connection.in_transaction:
                # A signal's handler came in between. To join in here would be to end with what was interrupted.
                raise sqlite3.OperationalError("it is in use by this process itself")
            try:
                cursor = self._connection.execute("BEGIN IMMEDIATE")
                self._mind_the_clock(cursor)
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @contextlib.contextmanager
    def shared_transaction(self) -> Iterator[None]:
        """Make one transaction of all those within. Only for who knows that no signal's handler writes.

        Raises:
            DatabaseError: if it could not be done.
        """
        if self._is_shared:
            with self._explained():
                raise sqlite3.OperationalError("it is in use by this process itself")
        try:
            with self.transaction():
                self._is_shared = True
                try:
                    yield
                finally:
                    self._is_shared = False
        except BaseException:
            for tell in self._if_undone:
                tell()
            raise
        finally:
            self._if_undone.clear()

    def if_undone(self, tell: Callable[[], None]) -> None:
        """Have this called if what was just done is part of a shared transaction, and that comes to nothing."""
        if self._is_shared:
            self._if_undone.append(tell)

    def read(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that answer a query.

        Raises:
            DatabaseError: if it could not be asked.
        """
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    def version(self) -> int:
        """Return a number that changes when another connection has changed the file. Costs microseconds."""
        return int(self.read("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Let go of the file."""
        with self._explained():
            self._let_go()

    def check(self) -> None:
        """See to it that the file is still the one that was opened.

        Raises:
            DatabaseError: if it has been removed, replaced or cut off: what is committed now might not be found again.
        """
        with self._explained():
            if not _private_files.is_still(self._real_path, self._identity):
                raise FileNotFoundError("the file was removed or replaced while it was in use")
            if os.lstat(self._real_path).st_size < _PAGE_BYTES:
                raise OSError("the file was cut off while it was in use")

    def remove_if(self, is_needless: Callable[[sqlite3.Cursor], bool], remove: Callable[[], None]) -> bool:
        """Remove the file and all beside it, if what it holds is needless and nobody else has it open.

        Who opens it meanwhile, and commits something, is told by `check` that the file is gone.

        Args:
            is_needless: looks into the file while nobody can write to it.
            remove: removes the files.

        Raises:
            DatabaseError: if the file cannot be read.
        """
        with self._explained():
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                # This succeeds for the only one who has it open. From then on SQLite removes nothing by its name.
                if self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
                    return False
                cursor = self._connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    return False
                raise
            try:
                needless = is_needless(cursor)
                if needless:
                    remove()
                return needless
            finally:
                self._roll_back()

    def _let_go(self) -> None:
        self._connection.close()
        if self._identity in _open:
            _open.remove(self._identity)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DatabaseError(f"{self.path} cannot be used: {reason}") from None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _prepare(self, wall: Callable[[], float]) -> None:
        self._claim_empty_file()
        self._use_write_ahead_log()
        # FULL: a commit is on disk when it returns, not at the next checkpoint.
        self._connection.execute("PRAGMA synchronous = FULL")
        # What was sent holds an integration key: overwrite it when it is deleted.
        self._connection.execute("PRAGMA secure_delete = ON")
        if self._schema_version() != len(_schema.MIGRATIONS):
            self._migrate()
        self._clock = self._anchor(wall)

    def _claim_empty_file(self) -> None:
        """Say in an empty file that it is ours, before anything else is in it, and before there is a log beside it."""
        if self._connection.execute("PRAGMA page_count").fetchone()[0]:
            return
        with self.transaction() as cursor:
            # Another process may have been first; this sets the same.
            cursor.execute(f"PRAGMA application_id = {_recognise.APPLICATION_ID}")

    def _use_write_ahead_log(self) -> None:
        """Switch to the write-ahead log, once for each file. SQLite does not wait for others here, so this does."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                if self._connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                    return
                raise sqlite3.OperationalError("the file system does not support a write-ahead log")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    def _schema_version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> None:
        with self.transaction() as cursor:
            version = self._schema_version()  # another process may have been first
            if version > len(_schema.MIGRATIONS):
                raise DatabaseError(f"{self.path} was made by a newer version of this collection")
            for migration in _schema.MIGRATIONS[version:]:
                for statement in migration:
                    cursor.execute(statement)
            cursor.execute(f"PRAGMA user_version = {len(_schema.MIGRATIONS)}")

    def _anchor(self, wall: Callable[[], float]) -> _steady.Anchor:
        boot_id = _steady.read_boot_id()
        stored = self._stored_anchor()
        if stored is not None and stored.holds_for(boot_id):
            return stored
        with self.transaction() as cursor:
            stored = self._stored_anchor()
            found = _steady.anchor(stored, boot_id, wall(), self._uptime(), self._latest())
            if found != stored:
                _store(cursor, found)
        return found

    def _mind_the_clock(self, cursor: sqlite3.Cursor) -> None:
        """Go by the clock that other processes go by, and set it right if the uptime went back. Costs microseconds."""
        clock, stored = self._clock, None if self._clock is None else self._stored_anchor()
        if clock is None or stored is None or not stored.holds_for(clock.boot_id):
            return
        up = self._uptime()
        self._clock = _steady.anchor(stored, clock.boot_id, 0.0, up, self._latest())
        if self._clock != stored:
            _store(cursor, self._clock)

    def _stored_anchor(self) -> _steady.Anchor | None:
        rows = self._connection.execute("SELECT boot_id, booted, uncertain FROM clock").fetchall()
        return _steady.Anchor(*rows[0]) if rows else None

    def _latest(self) -> float:
        row = self._connection.execute(
            """SELECT MAX(IFNULL((SELECT created FROM events ORDER BY id DESC LIMIT 1), 0),
                IFNULL((SELECT at FROM sends ORDER BY id DESC LIMIT 1), 0))"""
        ).fetchone()
        return float(row[0])


def _store(cursor: sqlite3.Cursor, clock: _steady.Anchor) -> None:
    cursor.execute("DELETE FROM clock")
    cursor.execute("INSERT INTO clock (boot_id, booted, uncertain) VALUES (?, ?, ?)", dataclasses.astuple(clock))
