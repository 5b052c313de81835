# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run waits for if PagerDuty takes connections and never answers, or is not there at all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from . import Setting
from ._figures import Used, alternate, cpu, wall
from ._playbook import Playbooks
from ._report import Goal, Report, Table
from ._sink import Sink
from .callback import paging

HOSTS = 30
FLUSH_SECONDS = 2.0
GRACE_SECONDS = 0.5


def measure(setting: Setting) -> Report:
    """Let hosts fail at three places, so that there is something to send three times and more."""
    playbooks = Playbooks(setting.folder / "dead", setting.collections)
    outboxes = iter(range(10_000))
    tasks: list[dict[str, Any]] = [
        {
            "name": f"Check {place}",
            "ansible.builtin.fail": {"msg": "The disk is full"},
            "when": f"(inventory_hostname[4:] | int) % 3 == {number}",
        }
        for number, place in enumerate(("the disk", "the network", "the clock"))
    ]
    with Sink(latency=-1) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
        closed.close()

        asked: list[int] = []

        def run(url: str | None) -> Callable[[], Used]:
            def once() -> Used:
                outbox = playbooks.folder / f"outbox-{next(outboxes)}" / "outbox.sqlite3"
                options = {"flush_timeout": str(FLUSH_SECONDS), "courier_linger": "0.1", "group_by": "task"}
                environment = paging(url, outbox, **options) if url else {}
                before = len(silent.taken())
                used = playbooks(tasks, environment, hosts=HOSTS, expected=2)
                if url == silent.url:
                    asked.append(len(silent.taken()) - before)
                return used

            return once

        variants = {
            "without the callback": run(None),
            "never answers": run(silent.url),
            "refuses connections": run(f"http://127.0.0.1:{port}"),
        }
        used = alternate(variants, setting.rounds)
    base = used["without the callback"]
    rows = [
        [name, str(wall(each)), str(wall(each).beyond(wall(base))) if each is not base else "", str(cpu(each))]
        for name, each in used.items()
    ]
    title = f"{HOSTS} hosts fail at three places, flush_timeout {FLUSH_SECONDS:g} s, {setting.rounds} rounds"
    goals = [
        Goal(
            f"seconds added if PagerDuty {name}",
            wall(used[name]).beyond(wall(base)).median,
            FLUSH_SECONDS + GRACE_SECONDS,
        )
        for name in variants
        if name != "without the callback"
    ]
    goals.append(
        Goal("requests begun that were never answered, in the run with the fewest", min(asked), 1, at_least=True)
    )
    return Report("dead", [Table(title, ["PagerDuty", "wall s", "added s", "CPU s"], rows)], goals, (), {"used": used})
