# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file: private, durable, made once by whoever comes first; and one clear text when it cannot be used."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _schema
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.tests.support.events import Clock


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "oncall.pagerduty"
    old = os.umask(0)
    try:
        database = Database(str(folder / "outbox.sqlite3"))
    finally:
        os.umask(old)
    assert mode(folder) == 0o700
    assert {file.name: mode(file) for file in folder.iterdir()} == {
        "outbox.sqlite3": 0o600,
        "outbox.sqlite3-wal": 0o600,
        "outbox.sqlite3-shm": 0o600,
    }
    database.close()


def test_a_file_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    path.touch(0o644)
    Database(str(path)).close()
    assert mode(path) == 0o600


def test_is_durable_at_commit(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "o"))
    assert database.read("PRAGMA journal_mode") == [("wal",)]
    assert database.read("PRAGMA synchronous") == [(2,)]  # FULL
    assert database.read("PRAGMA busy_timeout")[0][0] >= 10_000


@pytest.mark.parametrize("fails", [False, True])
def test_transactions_within_a_shared_one_are_parts_of_it(tmp_path: Path, fails: bool) -> None:
    database = Database(str(tmp_path / "o"))

    def count(table: str) -> int:
        reader = Database(str(tmp_path / "o"))
        try:
            return int(reader.read(f"SELECT COUNT(*) FROM {table}")[0][0])
        finally:
            reader.close()

    def write() -> None:
        with database.shared_transaction():
            with database.transaction() as cursor:
                cursor.execute("INSERT INTO sends (fingerprint, at) VALUES ('f', 1)")
            assert count("sends") == 0
            with database.transaction() as cursor:
                cursor.execute("INSERT INTO drops VALUES ('r', 'run', 1)")
                if fails:
                    cursor.execute("INSERT INTO drops VALUES ('r', 'run', 1)")  # there is one already

    if fails:
        with pytest.raises(DatabaseError):
            write()
    else:
        write()
    assert (count("sends"), count("drops")) == ((0, 0) if fails else (1, 1))


def test_what_comes_in_between_is_no_part_of_a_transaction(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "o"))
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO sends (fingerprint, at) VALUES ('f', 1)")
        with pytest.raises(DatabaseError, match="in use"), database.transaction():
            pytest.fail("it was joined")
    assert Database(str(tmp_path / "o")).read("SELECT COUNT(*) FROM sends") == [(1,)]


def test_ctrl_c_while_it_begins_leaves_no_transaction_open(tmp_path: Path) -> None:
    """Python raises when SQLite returns, which it does with the transaction begun."""
    database = Database(str(tmp_path / "o"))
    other = sqlite3.connect(tmp_path / "o", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.close)

    def interrupt(*_details: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    release.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt), database.transaction():
            pytest.fail("it went on")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        release.join()
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO sends (fingerprint, at) VALUES ('f', 1)")
    assert Database(str(tmp_path / "o")).read("SELECT COUNT(*) FROM sends") == [(1,)]


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "o"))

    def write(then: Callable[[], object]) -> None:
        with database.transaction() as cursor:
            cursor.execute("INSERT INTO sends (fingerprint, at) VALUES ('f', 1)")
            then()

    with pytest.raises(ZeroDivisionError):
        write(lambda: 1 // 0)
    assert database.read("SELECT * FROM sends") == []
    write(lambda: None)
    assert len(database.read("SELECT * FROM sends")) == 1


def test_an_older_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "o")
    Database(path).close()
    further = (*_schema.MIGRATIONS, ("CREATE TABLE later (x)",), ("ALTER TABLE later ADD COLUMN y",))
    monkeypatch.setattr(_schema, "MIGRATIONS", further)
    assert Database(path).read("SELECT x, y FROM later") == []
    assert Database(path).read("PRAGMA user_version") == [(len(further),)]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "o")
    Database(path).close()
    monkeypatch.setattr(_schema, "MIGRATIONS", (*_schema.MIGRATIONS, ("CREATE TABLE later (x)", "CREATE nonsense")))
    with pytest.raises(DatabaseError):
        Database(path)
    monkeypatch.undo()
    assert Database(path).read("SELECT name FROM sqlite_master WHERE name = 'later'") == []


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "o")
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(DatabaseError, match="newer version"):
        Database(path)


def garbage(path: Path) -> str:
    path.write_bytes(b"not a database, " * 400)
    return "a file that this collection has not made"


def damaged(path: Path) -> str:
    Database(str(path)).close()
    content = bytearray(path.read_bytes())
    content[100:8000] = os.urandom(7900)
    path.write_bytes(content)
    return "malformed"


def folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


@pytest.mark.parametrize("make", [garbage, damaged, folder])
def test_what_is_no_such_file_is_explained(tmp_path: Path, make: object) -> None:
    path = tmp_path / "o"
    reason = make(path)  # type: ignore[operator]
    with pytest.raises(DatabaseError) as caught:
        Database(str(path))
    assert str(caught.value).startswith(f"{path} cannot be used: ")
    assert reason in str(caught.value)


def test_where_nothing_can_be_made_is_explained() -> None:
    with pytest.raises(DatabaseError, match=r"^/proc/nowhere/o cannot be used: "):
        Database("/proc/nowhere/o")


def test_the_clock_survives_a_jump_of_the_wall_clock(tmp_path: Path) -> None:
    up = Clock(100.0)
    path = str(tmp_path / "o")
    Database(path, wall=lambda: 1_000_000.0, uptime=up).close()
    up.go_on(7.0)
    assert Database(path, wall=lambda: 5.0, uptime=up).now() == 1_000_007.0
    assert Database(path, wall=lambda: 9e9, uptime=up).now() == 1_000_007.0


def _open_and_write(path: str, ready: object, number: int) -> None:
    ready.wait()  # type: ignore[attr-defined]
    database = Database(path)
    for at in range(20):
        with database.transaction() as cursor:
            cursor.execute("INSERT INTO sends (fingerprint, at) VALUES (?, ?)", (str(number), at))


def test_eight_processes_make_it_and_write_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "o")
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(8)
    writers = [context.Process(target=_open_and_write, args=(path, ready, number)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    database = Database(path)
    assert database.read("SELECT COUNT(*), COUNT(DISTINCT fingerprint) FROM sends") == [(160, 8)]
    assert database.read("PRAGMA integrity_check") == [("ok",)]


def test_another_that_is_just_making_the_file_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.2, other.close)
    release.start()
    database = Database(str(path))
    release.join()
    assert database.read("PRAGMA journal_mode") == [("wal",)]
    database.close()
