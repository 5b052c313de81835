# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever lies where a file of ours is to be: it stays as it is, nothing is made beside it, and the event is kept."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _private_files, _schema, _substitute, _upkeep
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import CourierProcess
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database, DatabaseError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._lock import CourierLock, SenderLock
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import open_log
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import NotOursError, check_folder
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._recognise import APPLICATION_ID
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._tally import lane_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unsent import UnsentMark
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, alert, route

SOMEBODY = 12345
TEXT = b"Do not lose me.\n"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, or make a device")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place that substitutes are made in."""
    folder = tmp_path / "shm"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(_substitute, "_bases", lambda: [str(folder)])
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(0o700)
    return folder / "outbox.sqlite3"


@pytest.fixture
def no_courier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent: the tests that want this ask what happens to files, a hundred times."""
    monkeypatch.setattr(CourierProcess, "ensure", lambda _self: None)


def foreign_text(place: Path) -> None:
    place.write_bytes(TEXT)
    place.chmod(0o644)


def foreign_database(place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE theirs (x)")
    connection.execute("PRAGMA application_id = 7")
    connection.close()
    place.chmod(0o644)


def nameless_database(place: Path) -> None:
    connection = sqlite3.connect(place)
    connection.execute("CREATE TABLE events (x)")
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def link_to_text(place: Path) -> None:
    target = place.with_name("target")
    foreign_text(target)
    place.symlink_to(target)


def link_to_nothing(place: Path) -> None:
    place.symlink_to(place.with_name("target"))


def link_to_empty(place: Path) -> None:
    place.with_name("target").touch(0o644)
    place.symlink_to(place.with_name("target"))


def hard_link(place: Path) -> None:
    place.with_name("target").touch(0o644)
    os.link(place.with_name("target"), place)


def fifo(place: Path) -> None:
    os.mkfifo(place, 0o644)


def device(place: Path) -> None:
    os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    place.chmod(0o666)


def listening_socket(place: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)  # a socket's path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(place.name)
    finally:
        os.chdir(here)


def folder(place: Path) -> None:
    place.mkdir(0o755)


def somebody_elses(place: Path) -> None:
    place.touch(0o600)
    os.chown(place, SOMEBODY, SOMEBODY)


PLANTED = [
    foreign_text,
    foreign_database,
    nameless_database,
    link_to_text,
    link_to_nothing,
    link_to_empty,
    hard_link,
    fifo,
    listening_socket,
    folder,
    pytest.param(device, marks=as_root),
    pytest.param(somebody_elses, marks=as_root),
]
NAMES = ["", *_private_files.BESIDE]


def snapshot(where: Path) -> dict[str, object]:
    """All that is in a folder: what it is, whose, since when, and what it holds."""
    found: dict[str, object] = {}
    for place in sorted(where.rglob("*")):
        seen = place.lstat()
        regular = stat.S_ISREG(seen.st_mode)
        content = place.read_bytes() if regular else os.readlink(place) if place.is_symlink() else None
        found[str(place.relative_to(where))] = (
            *(seen.st_ino, seen.st_mode, seen.st_uid, seen.st_gid, seen.st_nlink, seen.st_mtime_ns, seen.st_ctime_ns),
            content,
        )
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.usefixtures("no_courier")
def test_what_is_planted_stays_as_it_is_and_the_event_is_kept_elsewhere(
    path: Path, base: Path, name: str, plant: Callable[[Path], None]
) -> None:
    plant(Path(f"{path}{name}"))
    before = snapshot(path.parent)
    delivery = Delivery(DeliverySettings(str(path)))
    assert delivery.resume() is None
    handed = [delivery.hand_over(alert(key), route()) for key in "ab"]
    assert [one.kept for one in handed] == [True, True]
    assert handed[1].warning is None
    warning = str(handed[0].warning)
    assert all(text in warning for text in (f"{path} cannot be used: ", f"{path.name}{name} is ", "outbox_path"))
    OpenJobs(str(path), delivery.kept_in).mark("job")
    UnsentMark(str(path)).clear()
    assert delivery.flush(0.0).waiting == 2
    delivery.close()
    assert snapshot(path.parent) == before
    assert len(list(base.iterdir())) == 1


@pytest.mark.parametrize("plant", PLANTED)
def test_each_file_is_opened_with_the_same_care(path: Path, plant: Callable[[Path], None]) -> None:
    """Also where nobody has looked at all of them first, as in a courier that has been at work for long."""
    for name in (".lock", ".courier", ".log", ".unsent"):
        plant(Path(f"{path}{name}"))
        if (target := path.with_name("target")).exists():
            target.rename(path.with_name(f"target of{name}"))
            if Path(f"{path}{name}").is_symlink():
                Path(f"{path}{name}").unlink()
                Path(f"{path}{name}").symlink_to(path.with_name(f"target of{name}"))
    before = snapshot(path.parent)
    for lock in (SenderLock(str(path)), CourierLock(str(path))):
        with pytest.raises(NotOursError):
            lock.acquire()
    assert open_log(f"{path}.log") is None
    mark = UnsentMark(str(path))
    mark.set()
    assert not mark.is_set()
    mark.clear()
    assert snapshot(path.parent) == before


@pytest.mark.parametrize("plant", PLANTED)
def test_a_jobs_mark_is_as_good_whatever_it_is(path: Path, plant: Callable[[Path], None]) -> None:
    marks = OpenJobs(str(path))
    marks.mark("job")
    (mark,) = (path.parent / "open-jobs").iterdir()
    mark.unlink()
    plant(mark)
    before = snapshot(path.parent)
    marks.mark("job")
    assert marks.has("job")
    assert marks.any()
    marks.clear("job")
    assert snapshot(path.parent) == before


@pytest.mark.parametrize("plant", [link_to_text, fifo, pytest.param(somebody_elses, marks=as_root)])
@pytest.mark.usefixtures("no_courier")
def test_the_folder_of_marks_is_looked_at_too(path: Path, base: Path, plant: Callable[[Path], None]) -> None:
    plant(path.with_name("open-jobs"))
    before = snapshot(path.parent)
    OpenJobs(str(path)).mark("job")
    delivery = Delivery(DeliverySettings(str(path)))
    assert "open-jobs is no folder that this user alone can write" in str(
        delivery.hand_over(alert("k"), route()).warning
    )
    delivery.close()
    assert snapshot(path.parent) == before


def test_the_null_device_is_no_outbox(base: Path) -> None:
    before = os.lstat(os.devnull)
    with pytest.raises(DatabaseError, match=r"^/dev/null cannot be used: null is a device.*outbox_path"):
        Database(os.devnull)
    after = os.lstat(os.devnull)
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def test_the_log_that_is_turned_over_replaces_nothing_foreign(path: Path) -> None:
    Path(f"{path}.log").write_bytes(b"2026-01-01T00:00:00+0000 1 hello\n" * 8000)
    foreign_text(Path(f"{path}.log.1"))
    before = snapshot(path.parent)
    assert open_log(f"{path}.log") is None
    after = snapshot(path.parent)
    assert after.pop(f"{path.name}.log")[-1] == before.pop(f"{path.name}.log")[-1]  # type: ignore[index]
    assert after == before


# --- what is ours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_empty_and_of_this_user_is_used_and_made_private(path: Path, name: str) -> None:
    place = Path(f"{path}{name}")
    place.touch()
    place.chmod(0o644)
    database = Database(str(path))
    assert not place.exists() or stat.S_IMODE(place.stat().st_mode) == 0o600
    database.close()


def test_a_file_says_whose_it_is_before_there_is_a_log_beside_it(path: Path) -> None:
    database = Database(str(path))
    assert int.from_bytes(path.read_bytes()[68:72], "big") == APPLICATION_ID
    assert database.read("PRAGMA application_id") == [(APPLICATION_ID,)]
    database.close()


def old_outbox(path: Path, in_the_log: bool) -> sqlite3.Connection:
    """An outbox as version 0.1.0 has made it, with one event that was dropped."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    for statement in _schema.MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("INSERT INTO drops VALUES ('purged', 'run', 5)")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("COMMIT")
    if not in_the_log:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return connection


@pytest.mark.parametrize("in_the_log", [False, True])
@pytest.mark.parametrize("is_open", [False, True])
def test_an_outbox_of_the_first_version_is_known_by_its_tables(path: Path, in_the_log: bool, is_open: bool) -> None:
    if is_open:
        connection = old_outbox(path, in_the_log)
    else:  # its process was killed, so nobody has copied back the log
        child = os.fork()
        if not child:
            try:
                old_outbox(path, in_the_log).execute("BEGIN")
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert int.from_bytes(path.read_bytes()[68:72], "big") == 0
    database = Database(str(path))
    assert database.read("SELECT count FROM drops") == [(5,)]
    assert database.read("PRAGMA application_id") == [(APPLICATION_ID,)]
    database.close()
    Database(str(path)).close()
    if is_open:
        connection.close()


def test_a_second_opening_does_not_let_go_of_the_firsts_locks(path: Path) -> None:
    first = Database(str(path))
    with first.transaction() as cursor:
        cursor.execute("INSERT INTO sends (fingerprint, at) VALUES ('f', 1)")
        Database(str(path)).close()
        code = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "locked" in other.stderr
    first.close()


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "a" / "b"
    for folder in (where.parent, where):
        folder.mkdir(mode=0o755)
    yield where
    for part in (where.parent, where):
        part.chmod(0o700)


@pytest.mark.parametrize("level", ["a", "a/b"])
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
@pytest.mark.usefixtures("no_courier")
def test_a_folder_that_others_can_write_is_refused_at_every_level(
    chain: Path, tmp_path: Path, base: Path, level: str, mode: int
) -> None:
    (tmp_path / level).chmod(mode)
    path = chain / "outbox.sqlite3"
    if (level, mode) == ("a", 0o1777):  # as in /tmp: nobody else can remove or replace what is in it
        Database(str(path)).close()
        return
    delivery = Delivery(DeliverySettings(str(path)))
    handed = delivery.hand_over(alert("k"), route())
    assert handed.kept
    assert f"chmod go-w {tmp_path / level}" in str(handed.warning)
    delivery.close()
    assert list(chain.iterdir()) == []


@as_root
@pytest.mark.parametrize("level", ["a", "a/b"])
def test_a_folder_of_somebody_else_is_refused_for_root_too(chain: Path, tmp_path: Path, level: str) -> None:
    os.chown(tmp_path / level, SOMEBODY, SOMEBODY)
    with pytest.raises(DatabaseError, match=f"belongs to another user .uid {SOMEBODY}.*outbox_path"):
        Database(str(chain / "outbox.sqlite3"))
    with pytest.raises(DatabaseError, match="belongs to another user"):
        Database(str(chain / "new" / "outbox.sqlite3"))
    assert list(chain.iterdir()) == []


def test_links_among_the_folders_are_followed_to_where_they_lead(chain: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(chain)
    Database(str(tmp_path / "link" / "outbox.sqlite3")).close()
    assert (chain / "outbox.sqlite3").exists()
    chain.parent.chmod(0o777)
    with pytest.raises(DatabaseError, match=f"chmod go-w {chain.parent}"):
        Database(str(tmp_path / "link" / "outbox.sqlite3"))


def test_folders_are_made_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Database(str(tmp_path / "x" / "y" / "outbox.sqlite3")).close()
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / part).stat().st_mode) for part in ("x", "x/y")] == [0o700, 0o700]


@as_root
@pytest.mark.parametrize(("group", "is_used"), [(0, True), (SOMEBODY, False)])
def test_a_folder_that_a_group_can_write_is_used_if_nobody_else_is_in_it(
    chain: Path, group: int, is_used: bool
) -> None:
    os.chown(chain, 0, group)
    chain.chmod(0o775)
    if is_used:
        check_folder(str(chain))
    else:
        with pytest.raises(NotOursError, match="can be written by others"):
            check_folder(str(chain))


def test_a_users_own_group_is_as_good_as_none(chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems with a group for each user, and a umask of 002."""
    import grp
    import pwd

    mine = os.stat(chain).st_gid
    names = {"me": ["alice", os.geteuid(), mine]}
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: pwd.struct_passwd(("me", "x", *names["me"][1:], "", "/", "/")))
    others: list[pwd.struct_passwd] = []
    monkeypatch.setattr(pwd, "getpwall", lambda: others)
    members: list[str] = []
    name = ["me"]
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group((name[0], "x", gid, members)))
    chain.chmod(0o775)
    check_folder(str(chain))
    if mine == 0:  # root's own group has no rule about names
        members.append("bob")
        with pytest.raises(NotOursError):
            check_folder(str(chain))
        return
    members.append("bob")
    with pytest.raises(NotOursError):
        check_folder(str(chain))
    members.clear()
    name[0] = "users"
    with pytest.raises(NotOursError):
        check_folder(str(chain))
    name[0] = "me"
    check_folder(str(chain))
    others.append(pwd.struct_passwd(("bob", "x", os.geteuid() + 1, mine, "", "/", "/")))
    with pytest.raises(NotOursError):
        check_folder(str(chain))


# --- the substitute ---------------------------------------------------------------------------------------------------


@as_root
@pytest.mark.usefixtures("no_courier")
def test_a_planted_substitute_is_stepped_around_with_one_warning(path: Path, base: Path) -> None:
    foreign_text(path)
    settings = DeliverySettings(str(path))
    planted = Path(_substitute.substitute_path(str(path))).parent
    planted.mkdir(0o777)
    os.chown(planted, SOMEBODY, SOMEBODY)
    before = snapshot(base)
    first, second = Delivery(settings), Delivery(settings)
    handed = [delivery.hand_over(alert("k"), route()) for delivery in (first, first, second)]
    assert [one.kept for one in handed] == [True, True, True]
    assert [str(planted) in str(one.warning) for one in handed] == [True, False, True]
    assert {name: seen for name, seen in snapshot(base).items() if name.startswith(planted.name + "/")} == {}
    assert snapshot(base)[planted.name] == before[planted.name]
    assert len(list(base.iterdir())) == 2, "the second found the first's"
    path.unlink()
    assert _upkeep.listed(settings).waiting == 3
    assert _substitute.planted(str(path)) == (str(planted),)
    first.close()
    second.close()


@pytest.mark.usefixtures("no_courier")
def test_where_no_substitute_can_be_made_either_the_event_is_sent_from_memory(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign_text(path)
    monkeypatch.setattr(_substitute, "_bases", lambda: [str(tmp_path / "nowhere")])
    delivery = Delivery(DeliverySettings(str(path), courier_linger=0.1))
    handed = delivery.hand_over(alert("k"), route())
    assert handed.kept
    assert "sent from memory" in str(handed.warning)
    assert "do not resolve by themselves" in str(handed.warning)
    flushed = delivery.flush(0.0)
    assert (flushed.accepted, flushed.waiting) == (0, 1)
    assert flushed.unheard == {lane_of(KEY, "k")}
    delivery.close()


@pytest.mark.parametrize(("end", "rest"), [("-shm", b"\0\0\0"), ("-wal", b"\x37\x7f"), ("-wal", b"")])
def test_what_a_full_disk_or_a_kill_leaves_of_a_file_of_sqlites_is_ours(path: Path, end: str, rest: bytes) -> None:
    Database(str(path)).close()
    Path(f"{path}{end}").write_bytes(rest)
    Database(str(path)).close()
