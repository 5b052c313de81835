# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs that sends one event, beyond what a debug task of the same shape costs: ours and others'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import Setting
from ._figures import Figures, Used, alternate, cpu, wall
from ._playbook import KEY, Playbooks
from ._report import Goal, Report, Table
from ._sink import Sink

# Others' tasks cost hundreds of milliseconds each: fewer of them say as much.
FEW = 10
LOOP = 100
HOSTS = 50

# Why a goal can be missed, as profiles say.
LOADING = "a run loads the collection and requests once, in about 80 ms; that counts here as much as the events do"
WORKERS = (
    "a worker for each host is a process of its own, which checks the options, sets a connection up and starts the"
    " thread that bounds the attempt; and requests makes each of them a little larger"
)

SUMMARY = "Disk full on {{ inventory_hostname }}"


def _task(kind: str, url: str) -> dict[str, Any]:
    tasks: dict[str, dict[str, Any]] = {
        "debug": {"ansible.builtin.debug": {"msg": SUMMARY}},
        "incident": {"oncall.pagerduty.incident": {"summary": SUMMARY, "severity": "warning"}},
        "change": {"oncall.pagerduty.change": {"summary": SUMMARY}},
        "pagerduty_change": {
            "community.general.pagerduty_change": {
                "integration_key": KEY,
                "summary": SUMMARY,
                "url": f"{url}/v2/change/enqueue",
                "validate_certs": False,
            }
        },
        "uri": {
            "ansible.builtin.uri": {
                "url": f"{url}/v2/enqueue",
                "method": "POST",
                "body_format": "json",
                "status_code": 202,
                "body": {
                    "routing_key": KEY,
                    "event_action": "trigger",
                    "payload": {"summary": SUMMARY, "source": "{{ inventory_hostname }}", "severity": "warning"},
                },
            }
        },
        "an empty module": {"ansible.builtin.ping": {}},
    }
    return {"name": "Send", **tasks[kind]}


def measure(setting: Setting) -> Report:
    """Measure in loops and over hosts."""
    playbooks = Playbooks(setting.folder / "tasks", setting.collections)
    peers = ["pagerduty_change"] if setting.has_community_general else []
    shapes = [("debug", LOOP), ("incident", LOOP), ("change", LOOP), ("debug", FEW)]
    # What a goal compares is measured in the same shape; the others are only looked at.
    shapes += [*((kind, LOOP) for kind in peers), *((kind, FEW) for kind in ("uri", "an empty module"))]
    over_hosts = [(kind, HOSTS if count == LOOP else FEW) for kind, count in shapes]
    with Sink() as sink:
        environment = {"PAGERDUTY_API_URL": sink.url, "PAGERDUTY_ROUTING_KEY": KEY}

        def run(kind: str, count: int, in_loop: bool) -> Callable[[], Used]:
            def once() -> Used:
                task = _task(kind, sink.url)
                if in_loop:
                    used = playbooks([{**task, "loop": list(range(count))}], environment)
                else:
                    used = playbooks([task], environment, hosts=count)
                sink.took(0 if kind in ("debug", "an empty module") else count)
                return used

            return once

        loops = alternate({_name(*shape): run(*shape, True) for shape in shapes}, setting.rounds)
        hosts = alternate({_name(*shape): run(*shape, False) for shape in over_hosts}, setting.rounds)
    tables = [
        _table(f"One event for each turn of a loop, {setting.rounds} rounds", shapes, loops),
        _table(f"One event for each host, 5 forks, {setting.rounds} rounds", over_hosts, hosts),
    ]
    goals = [
        _against_debug("100 incident tasks in a loop, CPU ÷ debug's", loops, LOOP, 1.25, LOADING),
        _against_debug("an incident task on 50 hosts, CPU ÷ debug's", hosts, HOSTS, 1.2, WORKERS),
    ]
    notes = []
    if peers:
        goals += [
            _cheaper("in a loop: pagerduty_change ÷ change, CPU beyond debug", loops, LOOP, LOADING),
            _cheaper("over hosts: pagerduty_change ÷ change, CPU beyond debug", hosts, HOSTS, WORKERS),
        ]
    else:
        notes.append("community.general is not here to be compared with; make bench fetches it")
    raw = {"loop": loops, "hosts": hosts}
    return Report("tasks", tables, goals, notes, raw)


def _name(kind: str, count: int) -> str:
    return f"{kind} × {count}"


def _beyond(used: Mapping[str, list[Used]], kind: str, count: int) -> Figures:
    """Return milliseconds of processor time beyond debug for each event."""
    return cpu(used[_name(kind, count)]).beyond(cpu(used[_name("debug", count)]), count).times(1000)


def _table(title: str, shapes: list[tuple[str, int]], used: Mapping[str, list[Used]]) -> Table:
    rows = []
    for kind, count in shapes:
        own, base = used[_name(kind, count)], used[_name("debug", count)]
        ratio, beyond = str(cpu(own).over(cpu(base))), str(_beyond(used, kind, count))
        compared = [ratio, beyond] if kind != "debug" else ["", ""]
        rows.append([_name(kind, count), str(cpu(own)), str(wall(own)), *compared])
    return Table(title, ["tasks", "CPU s", "wall s", "CPU ÷ debug", "CPU ms an event beyond debug"], rows)


def _against_debug(text: str, used: Mapping[str, list[Used]], count: int, limit: float, why: str) -> Goal:
    ratio = cpu(used[_name("incident", count)]).over(cpu(used[_name("debug", count)]))
    return Goal(text, ratio.median, limit, why=why)


def _cheaper(text: str, used: Mapping[str, list[Used]], count: int, why: str) -> Goal:
    ours, theirs = _beyond(used, "change", count), _beyond(used, "pagerduty_change", count)
    # What disappears in the noise is taken for a tenth of a millisecond.
    return Goal(text, theirs.median / max(ours.median, 0.1), 100, at_least=True, why=why)
