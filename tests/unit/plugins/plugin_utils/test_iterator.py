# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is answered where ansible-core's running play cannot be seen. Where it can, the integration tests look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._iterator import (
    PlayState,
    exit_result,
    play_is_run,
    playbook_at_work,
    queue_manager,
    rescued_by_a_block,
)


def test_nothing_is_found_where_no_play_runs() -> None:
    assert queue_manager() is None
    assert exit_result() is None
    assert playbook_at_work() is None
    assert PlayState.find() is None


def test_functions_are_known_by_what_they_hold_not_by_their_names_alone() -> None:
    def send_callback(self: Any) -> Any:
        return queue_manager()

    def run(entrylist: Any, result: Any) -> Any:
        return exit_result()

    def play_start(iterator: Any) -> Any:
        return PlayState.find()

    class Executor:
        def run(self) -> bool:
            return play_is_run()

    class Manager(Executor):
        _failed_hosts = ()

    assert [Executor().run(), Manager().run()] == [False, True]
    assert send_callback(object()) is None
    assert run([], "a text") is None
    assert run([], 2) == 2
    assert play_start(iter(())) is None


def test_the_manager_and_the_playbook_are_found_before_a_start_is_told() -> None:
    def load_callbacks(self: Any) -> Any:
        return queue_manager()

    def run(entrylist: Any, pb: Any) -> Any:
        return playbook_at_work()

    manager = SimpleNamespace(_failed_hosts={})
    assert load_callbacks(manager) is manager
    assert run([], "the playbook") == "the playbook"


def test_the_play_is_found_in_an_exception_that_has_ended_it() -> None:
    def play(iterator: Any) -> None:
        raise SystemExit(5)

    def error_of(iterator: Any) -> SystemExit:
        with pytest.raises(SystemExit) as caught:
            play(iterator)
        return caught.value

    found = PlayState.find_in(error_of(SimpleNamespace(_host_states={"web1": None})))
    assert found is not None
    assert found.hosts == ("web1",)
    assert PlayState.find_in(error_of(iter(()))) is None
    assert PlayState.find_in(SystemExit(5)) is None


@pytest.mark.parametrize(("result", "code"), [(255, 255), (-1, 255), (256, 0), (260, 4), (True, 1), (False, 0), (2, 2)])
def test_the_result_is_what_the_system_makes_of_it(result: int, code: int) -> None:
    def run(entrylist: Any, result: Any) -> Any:
        return exit_result()

    assert run([], result) == code


def test_a_host_without_a_state_is_neither_doomed_nor_recovering() -> None:
    state = PlayState(SimpleNamespace(_host_states={}), marked=True)
    assert state.hosts == ()
    assert state.dooms("web1") is None
    assert not state.doomed("web1")
    assert not state.recovering("web1")


def block(*entries: Any, rescue: tuple[Any, ...] = (), parent: Any = None) -> Any:
    """A block as a task sees it, with the tasks and blocks in it."""
    made = SimpleNamespace(block=list(entries), rescue=list(rescue), _parent=parent, _uuid=f"block {id(entries)}")
    for entry in (*entries, *rescue):
        entry._parent = made
    return made


def task(uuid: str) -> Any:
    return SimpleNamespace(_uuid=uuid, _parent=None)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_rescue_of_any_block_around_a_task_is_one(depth: int) -> None:
    failing = task("failing")
    inner = block(failing)
    for _turn in range(depth):
        inner = block(inner)
    assert not rescued_by_a_block(failing)
    block(inner, rescue=(task("mend"),))
    assert rescued_by_a_block(failing)


def test_a_task_in_the_rescue_itself_is_not_rescued_by_it() -> None:
    mend = task("mend")
    block(task("failing"), rescue=(mend,))
    assert not rescued_by_a_block(mend)


def test_a_hosts_own_copy_of_a_task_is_the_task() -> None:
    failing = task("failing")
    around = block(failing, rescue=(task("mend"),))
    copy = task("failing")
    copy._parent = around
    assert rescued_by_a_block(copy)


def test_a_task_on_its_own_is_not_rescued() -> None:
    assert not rescued_by_a_block(SimpleNamespace(_uuid="alone"))
