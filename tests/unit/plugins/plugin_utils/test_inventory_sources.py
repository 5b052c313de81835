# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-core's own inventory manager could read, and which hosts come from a source."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._inventory_sources import (
    UNKNOWN,
    InventoryWatch,
    unread_sources,
)

GOOD = '#!/bin/sh\necho \'{"all": {"hosts": ["web1"]}}\'\n'

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str, mode: int = 0o644) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return write


def read(*sources: str) -> Any:
    return InventoryManager(loader=DataLoader(), sources=list(sources))


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\nfalse\n", "#!/bin/sh\necho '{'\n"])
def test_a_script_that_fails(write: Write, text: str) -> None:
    good, bad = write("good", GOOD, 0o755), write("bad", text, 0o755)
    assert unread_sources(read(good)) == []
    assert unread_sources(read(good, bad)) == [bad]


@pytest.mark.parametrize(
    ("name", "text"),
    [("cloud.yml", "plugin: no.such.plugin\n"), ("hosts.yml", "all: [\n"), ("hosts.json", "{"), ("hosts.ini", "a b\n")],
)
def test_a_file_that_cannot_be_parsed(write: Write, name: str, text: str) -> None:
    bad = write(name, text)
    assert unread_sources(read(write("good.ini", "web1\n"), bad)) == [bad]


def test_one_source_of_a_folder(write: Write, tmp_path: Path) -> None:
    write("site/a.ini", "web1\n")
    write("site/group_vars/all.yml", "x: 1\n")
    write("site/.hidden", "a b\n")
    write("site/old.cfg", "a b\n")
    folder = str(tmp_path / "site")
    assert unread_sources(read(folder)) == []
    bad = write("site/b.sh", "#!/bin/sh\nexit 1\n", 0o755)
    assert unread_sources(read(folder)) == [bad]


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert unread_sources(read(missing, "web1,web2")) == [missing]


def test_what_needs_no_reading() -> None:
    assert unread_sources(read("web1,web2")) == []
    if not os.path.exists("/etc/ansible/hosts"):
        assert unread_sources(read("/etc/ansible/hosts")) == []


def test_names_that_a_shell_would_know(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("hosts.ini", "web1\n")
    monkeypatch.setenv("PLACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert unread_sources(read("$PLACE/hosts.ini", "hosts.ini", "./hosts.ini")) == []


def test_what_was_unread_once_stays_so(write: Write) -> None:
    flag = write("broken", "")
    script = write("cloud", f"#!/bin/sh\n[ -e {shlex.quote(flag)} ] && exit 1\n" + GOOD.partition("\n")[2], 0o755)
    manager = read(script, "db1,")
    watch = InventoryWatch(lambda: manager)
    watch.look()
    os.unlink(flag)
    manager.refresh_inventory()
    assert unread_sources(manager) == []
    assert watch.unread == (script,)


def test_hosts_and_where_they_come_from(write: Write) -> None:
    manager = read(write("hosts.ini", "web1\n"), "db1,")
    manager.add_host("vm1")
    watch = InventoryWatch(lambda: manager)
    assert [watch.has(host) for host in ("web1", "db1", "vm1", "localhost", "web2")] == [True] * 4 + [False]
    assert [watch.is_from_source(host) for host in ("web1", "db1", "vm1", "localhost", "web2")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_where_nothing_was_read_no_host_is_missed(tmp_path: Path) -> None:
    manager = read(str(tmp_path / "missing"))
    assert InventoryWatch(lambda: manager).has("web1")


def test_what_cannot_be_told_is_taken_for_unread() -> None:
    watch = InventoryWatch(object)
    assert watch.unread == (UNKNOWN,)
    assert watch.has("web1")
    assert not watch.is_from_source("web1")
    nothing_yet = InventoryWatch(lambda: None)
    assert nothing_yet.unread == ()
    assert nothing_yet.has("web1")
