# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the outbox cannot be used, from a run's beginning or from its middle on: the page goes out all the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._substitute import existing_substitutes, substitute_path
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import (
    CALLBACK,
    KEY,
    cfg,
    closing,
    fail,
    hosts,
    keys,
    ok,
    play,
    script,
    warnings,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator

TEXT = "theirs\n"
SOMEBODY = 12345
#: one page, at the playbook's end
ONE_PAGE = ["PagerDuty: 1 incident triggered (ansible:playbook.yml, 1 host), 1 event accepted, 0 waiting"]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Path]:
    """The path of an outbox, in a folder of its own; nothing that stood in for it is left."""
    folder = tmp_path / "own"
    folder.mkdir(0o700)
    path = folder / "outbox.sqlite3"
    yield path
    for found in (*existing_substitutes(str(path)), substitute_path(str(path))):
        shutil.rmtree(Path(found).parent, ignore_errors=True)


@pytest.fixture
def planted(outbox: Path) -> Path:
    """What somebody else has made where the substitute would be."""
    folder = Path(substitute_path(str(outbox))).parent
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o755)
    else:
        os.chown(folder, SOMEBODY, SOMEBODY)
    return folder


def is_said(text: str, output: str) -> bool:
    """Whether output has a text, wherever ansible-core has wrapped it, be it at a hyphen."""
    return "".join(text.split()) in "".join(output.split())


def test_a_python_without_sqlite_pages_from_memory(
    ansible: Ansible, simulator: Simulator, outbox: Path, tmp_path: Path
) -> None:
    blocker = tmp_path / "without"
    blocker.mkdir()
    (blocker / "sqlite3.py").write_text("raise ModuleNotFoundError(\"No module named '_sqlite3'\", name='_sqlite3')\n")
    queued = {
        "name": "Queue",
        "oncall.pagerduty.incident": {"routing_key": KEY, "summary": "Lag", "dedup_key": "lag", "queue": "always"},
        "delegate_to": "localhost",
    }
    look = {"name": "Look", "oncall.pagerduty.outbox": {"state": "listed"}, "ignore_errors": True}
    verify = {"name": "Verify", "oncall.pagerduty.settings_info": {}}
    settings = cfg(simulator, outbox_path=outbox)
    run = ansible(
        [play("Deploy", "web1", queued, look, verify, fail("Break"))],
        inventory=hosts("web1"),
        cfg=settings,
        env={"PYTHONPATH": str(blocker)},
    )
    assert run.rc == 2
    assert closing(run) == ONE_PAGE
    simulator.wait_for(lambda seen: keys(seen) == ["ansible:playbook.yml", "lag"], 60.0)
    (warning,) = warnings(run)
    assert is_said("this Python cannot load its module sqlite3", warning)
    assert is_said("sent from memory", warning)
    assert "this Python cannot load its module sqlite3" in run.task("Look", "web1").result["msg"]
    (problem,) = run.task("Verify", "web1").result["problems"]
    assert "cannot be used: this Python cannot load its module sqlite3" in problem
    assert list(outbox.parent.iterdir()) == []

    green = ansible(
        [play("Deploy", "web1", ok())], inventory=hosts("web1"), cfg=settings, env={"PYTHONPATH": str(blocker)}
    )
    assert (green.rc, warnings(green), closing(green)) == (0, [], [])


def test_a_link_and_a_planted_substitute_are_stepped_around(
    ansible: Ansible, simulator: Simulator, outbox: Path, planted: Path
) -> None:
    theirs = outbox.with_name("theirs")
    theirs.write_text(TEXT)
    theirs.chmod(0o644)
    outbox.symlink_to(theirs)
    before = [os.lstat(path) for path in (theirs, outbox, planted)]
    run = ansible(
        [play("Deploy", "web1", fail("Break"))], inventory=hosts("web1"), cfg=cfg(simulator, outbox_path=outbox)
    )
    assert closing(run) == ONE_PAGE
    (warning,) = warnings(run)
    for text in (f"{outbox} cannot be used: ", "is a symbolic link", "outbox_path", str(planted)):
        assert is_said(text, warning)
    seen = [
        (now.st_mode, now.st_uid, now.st_mtime_ns, now.st_ctime_ns) for now in map(os.lstat, (theirs, outbox, planted))
    ]
    assert seen == [(was.st_mode, was.st_uid, was.st_mtime_ns, was.st_ctime_ns) for was in before]
    assert sorted(path.name for path in outbox.parent.iterdir()) == ["outbox.sqlite3", "theirs"]

    refused = ansible.command("ansible-playbook", "oncall.pagerduty.verify")
    assert refused.rc == 2
    assert is_said(f"{outbox}, cannot be used: outbox.sqlite3 is a symbolic link", refused.output)

    outbox.unlink()
    for name in ("drain_outbox", "verify"):
        run = ansible.command("ansible-playbook", f"oncall.pagerduty.{name}")
        assert run.rc == 0, run.output
        assert is_said(str(planted), run.output)


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm", ["truncate -s 0 {0}", "for i in {0} {0}-wal; do head -c 40960 /dev/urandom > $i; done", "rm {0}"]
)
def test_an_outbox_that_breaks_in_the_middle_of_a_run_is_not_counted_from(
    ansible: Ansible, simulator: Simulator, outbox: Path, harm: str
) -> None:
    spoil = script("Spoil", harm.format(outbox), run_once=True, ignore_errors=True)
    wait = {"name": "Wait", "ansible.builtin.pause": {"seconds": 1}}
    run = ansible(
        [
            play(
                "Deploy",
                "all",
                fail("Break", on="web1"),
                wait,
                spoil,
                fail("Break too", on="web2"),
                any_errors_fatal=False,
            )
        ],
        inventory=hosts("web1", "web2"),
        cfg=cfg(simulator, outbox_path=outbox, group_by="host"),
    )
    assert run.rc == 2
    assert keys(simulator) == ["ansible:host=web1", "ansible:host=web2"]
    (line,) = closing(run)
    assert "0 events accepted" not in line
    assert " not triggered" not in line
    assert "accepted" in line
    assert any("kept in memory instead" in warning for warning in warnings(run))


@pytest.mark.slow
def test_when_the_disk_is_back_the_memory_is_too(
    ansible: Ansible, simulator: Simulator, outbox: Path, tmp_path: Path
) -> None:
    outbox.parent.rmdir()
    outbox.parent.write_text("")  # nothing can be written there
    settings = cfg(simulator, f"{CALLBACK}, loaded_modules", outbox_path=outbox)
    loaded = tmp_path / "loaded"

    def deploy(broken: str) -> list[str]:
        run = ansible(
            [play("Deploy", "all", fail("Break", when=f"inventory_hostname == {broken!r}"))],
            inventory=hosts("web1"),
            cfg=settings,
            env={"LOADED_MODULES_FILE": str(loaded)},
        )
        assert not [warning for warning in warnings(run) if "kept in memory" not in warning]
        return closing(run)

    resolved = ["PagerDuty: 1 incident resolved (ansible:playbook.yml), 1 event accepted, 0 waiting"]
    assert deploy("web1") == ONE_PAGE
    (substitute,) = existing_substitutes(str(outbox))
    assert deploy("") == resolved, "what is kept in memory is known, too"
    assert deploy("web1") == ONE_PAGE
    outbox.parent.unlink()

    assert deploy("") == resolved
    assert keys(simulator) == []
    assert not os.path.lexists(os.path.dirname(substitute))
    database = Database(str(outbox))
    assert database.read("SELECT COUNT(*) FROM brought") == [(0,)]
    database.close()

    assert deploy("") == []
    assert "sqlite3" not in loaded.read_text().split()
