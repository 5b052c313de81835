# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the callback costs when very many hosts fail: events, processor time and memory of the main process.

    python -m tests.chaos.scale                             10,000 hosts, all of which fail
    python -m tests.chaos.scale --hosts 500 --forks 50      with real, forked workers

Each measurement is made with the callback and without it, in turn, and the best of the rounds counts. The time is
the processor time of ansible-playbook's main process, since seconds on the clock say more about the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..simulator import Simulator
from ..support import collection
from ..support.environment import ansible_command, clean_environment

HERE = Path(__file__).resolve().parent
KEY = "5ca1ab1e" * 4
CALLBACK = "oncall.pagerduty.page_on_failure"


@dataclass(frozen=True)
class Cost:
    """What one run has used.

    Attributes:
        cpu: seconds of processor time of the main process, its threads included.
        wall: seconds from its start to its end.
        peak: the most memory that the main process held, in MiB.
        events: how many events PagerDuty was sent.
        loaded: libraries that a green run has no use for, and that were loaded all the same.
        started: programs that the main process has started.
    """

    cpu: float
    wall: float
    peak: float
    events: int
    loaded: tuple[str, ...] = ()
    started: tuple[str, ...] = ()


def measure(
    folder: Path,
    collections: Path,
    hosts: int,
    forks: int,
    callback: bool,
    green: int = 0,
    program: Path = HERE / "_measured.py",
) -> Cost:
    """Let a playbook fail on so many hosts; with 0 forks by a strategy that forks no workers.

    Args:
        folder: for what is written.
        collections: where the collection is installed.
        hosts: how many hosts there are.
        forks: how many workers at a time, or 0.
        callback: whether the callback is enabled.
        green: above 0, so many tasks succeed on all hosts, and none fails.
        program: runs ansible-playbook and writes ``report.json`` into the folder.
    """
    report = folder / "report.json"
    strategy = {} if forks else {"strategy": "at_once"}
    tasks: list[dict[str, object]] = [{"name": "Check the disk", "ansible.builtin.fail": {"msg": "The disk is full"}}]
    if green:
        tasks = [{"name": f"Look at {number}", "ansible.builtin.debug": {"msg": "Fine"}} for number in range(green)]
    play = {"name": "Check", "hosts": "all", "gather_facts": False, **strategy, "tasks": tasks}
    (folder / "check.yml").write_text(json.dumps([play]))
    names = "".join(f"host{number:05} rack=r{number % 40}\n" for number in range(hosts))
    (folder / "hosts.ini").write_text(f"[servers]\n{names}\n[servers:vars]\nansible_connection=local\n")
    with Simulator(rate_limit=0) as pagerduty:
        environment = {
            **clean_environment(folder / "home", collections),
            "ANSIBLE_STRATEGY_PLUGINS": str(HERE / "strategy_plugins"),
            **({"ANSIBLE_CALLBACKS_ENABLED": CALLBACK} if callback else {}),
            "PAGERDUTY_API_URL": pagerduty.url,
            "PAGERDUTY_ROUTING_KEY": KEY,
            "PAGERDUTY_OUTBOX_PATH": str(folder / f"outbox-{time.time_ns()}" / "outbox.sqlite3"),
        }
        command = [sys.executable, str(program), str(report), ansible_command("ansible-playbook")]
        command += ["-i", "hosts.ini", "--forks", str(forks or 5), "check.yml"]
        began = time.monotonic()
        with (folder / "output.txt").open("w") as output:
            done = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=False)
        wall = time.monotonic() - began
        if done.returncode != (0 if green else 2):
            said = (folder / "output.txt").read_text()[-2000:]
            raise RuntimeError(f"ansible-playbook ended with {done.returncode}:\n{said}")
        used = json.loads(report.read_text())
        lists = tuple(used.get("loaded", ())), tuple(used.get("started", ()))
        return Cost(used.get("cpu", 0.0), wall, used.get("peak_kib", 0) / 1024, len(pagerduty.requests), *lists)


def main() -> None:
    """Measure as the command line says, and print the costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--forks", type=int, default=0, help="0: no workers are forked (the default)")
    parser.add_argument("--rounds", type=int, default=2)
    wanted = parser.parse_args()
    costs: dict[bool, list[Cost]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        collections = collection.install(collection.build(folder), folder)
        for number in range(wanted.rounds):
            for callback in (False, True):
                cost = measure(folder, collections, wanted.hosts, wanted.forks, callback)
                costs[callback].append(cost)
                print(  # as it goes
                    f"round {number + 1}, {'with' if callback else 'without'} the callback: {cost.cpu:.2f} s of"
                    f" processor time, {cost.wall:.1f} s in all, {cost.peak:.1f} MiB, {cost.events} events",
                    flush=True,
                )
    without, with_it = (min(costs[callback], key=lambda cost: cost.cpu) for callback in (False, True))
    added = with_it.cpu - without.cpu
    print(
        f"{wanted.hosts} failing hosts, {os.cpu_count()} processors: {with_it.events} events; the callback added"
        f" {added / wanted.hosts * 1e6:.0f} µs of processor time for each failure, {added / without.cpu:.1%} of the"
        f" main process's {without.cpu:.1f} s, and {with_it.peak - without.peak:.1f} MiB to its {without.peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
