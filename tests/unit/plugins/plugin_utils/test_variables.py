# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of hosts, as ansible-core's own variable manager has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.vars.manager import VariableManager

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _variables
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import (
    VariableReader,
    answers,
    inventory_manager,
)

HOSTS = ["web1", "web2", "web3"]


@pytest.fixture
def manager(tmp_path: Path) -> VariableManager:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("".join(f"{host} rack=r-{host}\n" for host in HOSTS))
    loader = DataLoader()
    return VariableManager(loader=loader, inventory=InventoryManager(loader=loader, sources=[str(inventory)]))


def play_of(manager: VariableManager, **keywords: Any) -> Any:
    tasks = [{"debug": {}, "vars": {"depth": 1}}, {"debug": {}, "vars": {"depth": 2}}]
    return Play.load(
        {"name": "Check", "hosts": "all", "gather_facts": False, "tasks": tasks, **keywords},
        variable_manager=manager,
        loader=manager._loader,
    )


def tasks_of(play: Any) -> list[Any]:
    found: list[Any] = play.compile()[1].block
    return found


def test_each_host_has_its_own_variables_and_the_same_lists(manager: VariableManager) -> None:
    play, reader = play_of(manager, vars={"team": "shop"}), VariableReader()
    task = tasks_of(play)[0]
    for host in HOSTS:
        values = reader.variables_of(play, host, task).values
        assert (values["inventory_hostname"], values["rack"], values["team"]) == (host, f"r-{host}", "shop")
        assert (values["depth"], values["ansible_play_hosts_all"]) == (1, HOSTS)
        assert values.keys() == manager.get_vars(play=play, host=manager._inventory.get_host(host), task=task).keys()


def test_the_lists_are_made_anew_for_another_task_and_another_batch(manager: VariableManager) -> None:
    play, reader = play_of(manager), VariableReader()
    first, second = tasks_of(play)
    assert reader.variables_of(play, "web1", first).get("ansible_play_hosts") == HOSTS
    play._removed_hosts.append("web1")
    assert reader.variables_of(play, "web2", first).get("ansible_play_hosts") == HOSTS
    assert reader.variables_of(play, "web2", first.copy()).get("ansible_play_hosts") == HOSTS
    assert reader.variables_of(play, "web2", second).get("ansible_play_hosts") == ["web2", "web3"]
    manager._inventory.restrict_to_hosts([manager._inventory.get_host("web3")])
    assert reader.variables_of(play.copy(), "web3", second).get("ansible_play_batch") == ["web3"]


def test_the_lists_are_made_once_for_all_hosts_that_fail_at_a_task(manager: VariableManager) -> None:
    class Names(list):  # type: ignore[type-arg]
        asked = 0

        def __contains__(self, name: object) -> bool:
            Names.asked += 1
            return super().__contains__(name)

    assert _variables._CAN_BE_SPARED
    play, reader = play_of(manager), VariableReader()
    play._removed_hosts = Names()
    task = tasks_of(play)[0]
    for host in HOSTS * 10:
        reader.variables_of(play, host, task)
    assert Names.asked <= 2 * len(HOSTS) + 2 * (len(HOSTS) * 10 - 1)


def test_without_a_host_there_are_the_plays_variables(manager: VariableManager) -> None:
    play = play_of(manager, vars={"team": "shop"})
    variables = VariableReader().variables_of(play)
    assert (variables.get("team"), variables.get("rack")) == ("shop", None)


def test_what_a_play_has_asked_for(manager: VariableManager) -> None:
    play = play_of(manager, vars={"team": "shop"}, vars_prompt=[{"name": "app", "prompt": "Which?"}])
    play.vars["app"] = "blog"  # as ansible-core does with the answer
    prompts, variables = answers(play)
    assert [prompt["name"] for prompt in prompts] == ["app"]
    assert (variables["app"], variables["team"]) == ("blog", "shop")
    assert answers(play_of(manager)) == ([], {})


def test_a_play_runs_on_an_inventory(manager: VariableManager) -> None:
    assert sorted(inventory_manager(play_of(manager)).hosts) == HOSTS
