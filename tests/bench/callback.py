# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the callback costs: green runs, 200 failures with a slow PagerDuty, and very many failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..chaos import scale
from . import Setting
from ._figures import Figures, Used, alternate, cpu, digits, wall
from ._playbook import CALLBACK, KEY, Playbooks, Run
from ._report import Goal, Report, Table
from ._sink import Sink

HOOKS = Path(__file__).with_name("_hooks.py")
GREEN_HOSTS, GREEN_TASKS = 100, 10
FAILING = 200
SLOW_SECONDS = 0.2
# The last event leaves when the play is over, and is waited for: one answer, however many hosts fail, and some starts.
MOST_ADDED_SECONDS = 1.0
MANY, QUICK_MANY = 10_000, 1_000
STOCK, QUICK_STOCK, STOCK_FORKS = 500, 100, 50
# Why a goal can be missed, as a profile says.
VARIABLES = (
    "more than half is ansible-core's variable manager, which says how each host is to be paged: it is asked once for"
    " each failed host, and looks for connection plugins on the disk each time"
)

FAIL = {"name": "Check the disk", "ansible.builtin.fail": {"msg": "The disk is full"}}


def measure(setting: Setting) -> Report:
    """Measure all of it."""
    parts = [_green(setting), _slow(setting), _many(setting), _stock(setting)]
    return Report(
        "callback",
        [table for part in parts for table in part.tables],
        [goal for part in parts for goal in part.goals],
        [note for part in parts for note in part.notes],
        {part.name: part.raw for part in parts},
    )


def _folder(setting: Setting) -> Path:
    folder = setting.folder / "callback"
    folder.mkdir(exist_ok=True)
    return folder


def _hooks(setting: Setting, hosts: int, forks: int, green: int) -> tuple[dict[str, Any], scale.Cost]:
    folder = _folder(setting)
    cost = scale.measure(folder, setting.collections[0], hosts, forks, True, green=green, program=HOOKS)
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found, cost


def _green(setting: Setting) -> Report:
    """Compare results that the callback was told of with results that were kept from it, within each run."""
    found = [_hooks(setting, GREEN_HOSTS, 0, GREEN_TASKS)[0]["green"] for _round in range(setting.rounds)]
    hooks = list(found[0])
    added = {hook: Figures.of([(each[hook]["with"] - each[hook]["without"]) * 1e6 for each in found]) for hook in hooks}
    # A task begins once for all hosts.
    shares = {hook: GREEN_HOSTS if hook == "v2_playbook_on_task_start" else 1 for hook in hooks}
    result = Figures.of(
        [sum(added[hook].values[number] / shares[hook] for hook in hooks) for number in range(setting.rounds)]
    )
    rows = [
        [hook, str(Figures.of([each[hook]["without"] * 1e6 for each in found])), str(added[hook])] for hook in hooks
    ]
    rows.append(["a result, all together", "", str(result)])
    title = f"Main process, {GREEN_HOSTS * GREEN_TASKS} green results, medians of each of {setting.rounds} runs"
    costs = {
        callback: scale.measure(_folder(setting), setting.collections[0], 10, 5, callback, green=3)
        for callback in (False, True)
    }
    started = len(costs[True].started) - len(costs[False].started)
    goals = [
        Goal("a green result with the callback, µs of the main process's CPU", result.median, 30),
        Goal("requests, urllib3, sqlite3 loaded at the end of a green run", len(costs[True].loaded), 0),
        Goal("programs started in a green run, beyond those without the callback", started, 0),
    ]
    return Report(
        "green",
        [Table(title, ["told by ansible-core", "µs without", "µs that the callback adds"], rows)],
        goals,
        ["Green results come from the linear strategy without forked workers"],
        {"runs": found, "with forks": costs},
    )


def _slow(setting: Setting) -> Report:
    """Let hosts fail while each answer of PagerDuty takes its time."""
    playbooks = Playbooks(setting.folder / "slow", setting.collections)
    runs: dict[str, list[Run]] = {}
    with Sink(latency=SLOW_SECONDS) as sink:
        outboxes = iter(range(10_000))

        def run(callback: bool) -> Callable[[], Used]:
            def once() -> Used:
                outbox = playbooks.folder / f"outbox-{next(outboxes)}" / "outbox.sqlite3"
                environment = paging(sink.url, outbox) if callback else {}
                used = playbooks([FAIL], environment, hosts=FAILING, forks=10, expected=2)
                sink.took(2 if callback else 0)
                runs.setdefault(str(callback), []).append(used)
                return used

            return once

        names = {"without the callback": False, "with the callback": True}
        used = alternate({name: run(callback) for name, callback in names.items()}, setting.rounds)
    without, with_it = used.values()
    added = wall(with_it).beyond(wall(without))
    rows = [[name, str(wall(each)), str(cpu(each))] for name, each in used.items()]
    rows.append(["added", str(added), str(cpu(with_it).beyond(cpu(without)))])
    title = f"{FAILING} failing hosts, 10 forks, PagerDuty answers in {SLOW_SECONDS} s, {setting.rounds} rounds"
    courier = Figures.of([each.left_behind for each in runs["True"]])
    noise = wall(without).high - wall(without).low
    goals = [Goal(f"seconds that {FAILING} failures add", added.median, MOST_ADDED_SECONDS)]
    notes = [
        f"Runs without the callback differ by {digits(noise)} s among themselves: nothing below that can be told",
        f"One answer for each failure would add {FAILING * SLOW_SECONDS:.0f} s",
        f"The courier's own CPU, not in the table: {courier} s",
    ]
    return Report("slow", [Table(title, ["run", "wall s", "CPU s"], rows)], goals, notes, {"used": used})


def paging(url: str, outbox: Path, **options: str) -> Mapping[str, str]:
    """Return the environment of a run whose failures are paged."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": CALLBACK,
        "PAGERDUTY_API_URL": url,
        "PAGERDUTY_ROUTING_KEY": KEY,
        "PAGERDUTY_OUTBOX_PATH": str(outbox),
        **{f"PAGERDUTY_{name.upper()}": value for name, value in options.items()},
    }


def _many(setting: Setting) -> Report:
    """Let very many hosts fail at once, and few, with the callback and without it."""
    sizes = (QUICK_MANY // 10, QUICK_MANY) if setting.quick else (MANY // 10, MANY)
    costs = {
        (hosts, callback): scale.measure(_folder(setting), setting.collections[0], hosts, 0, callback)
        for hosts in sizes
        for callback in (False, True)
    }
    rows = []
    for hosts in sizes:
        without, with_it = costs[hosts, False], costs[hosts, True]
        rows.append(
            [
                f"{hosts} hosts",
                digits(without.cpu),
                digits((with_it.cpu - without.cpu) / hosts * 1000),
                digits(without.peak),
                digits(with_it.peak - without.peak),
                str(with_it.events),
            ]
        )
    columns = ["all fail", "CPU s without", "CPU ms a failure adds", "MiB without", "MiB added", "events"]
    most = sizes[-1]
    few_added, added = (costs[hosts, True].peak - costs[hosts, False].peak for hosts in sizes)
    goals = [
        Goal(f"events for {most} failing hosts", costs[most, True].events, 2),
        Goal(
            f"CPU ms of the main process a failure, {most} hosts",
            (costs[most, True].cpu - costs[most, False].cpu) / most * 1000,
            1.0,
            why=VARIABLES,
        ),
        Goal(
            f"KiB of memory that each failing host beyond {sizes[0]} adds",
            (added - few_added) * 1024 / (most - sizes[0]),
            1.0,
        ),
    ]
    title = (
        "Main process, linear strategy without forked workers and with a quick look-up of failed hosts, one run each"
    )
    return Report("many", [Table(title, columns, rows)], goals, (), {"costs": list(costs.values())})


def _stock(setting: Setting) -> Report:
    """Let hosts fail with the linear strategy as it is, and time the callback's own methods."""
    hosts = QUICK_STOCK if setting.quick else STOCK
    found, cost = _hooks(setting, hosts, STOCK_FORKS, 0)
    rows = [
        [hook, str(each["count"]), digits(each["total"] * 1000), digits(each["median"] * 1000)]
        for hook, each in found["own"].items()
    ]
    # What the first failure costs in addition, such as loading SQLite, is spent once in a run: see the column for all.
    failure = found["own"]["v2_runner_on_failed"]["median"] * 1000
    goals = [
        Goal(
            f"CPU ms of the callback for a failure, stock linear, median of {hosts} hosts", failure, 1.0, why=VARIABLES
        ),
        Goal(f"events for {hosts} failing hosts, stock linear", cost.events, 2),
    ]
    title = f"The callback's own methods, {hosts} failing hosts, stock linear strategy, {STOCK_FORKS} forks, one run"
    return Report("stock", [Table(title, ["method", "calls", "CPU ms in all", "median ms"], rows)], goals, (), found)
