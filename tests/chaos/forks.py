# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for hangs: playbooks that fork workers by the hundred while TLS is spoken all around them.

    python -m tests.chaos.forks                100 runs, half of them with a certificate that nobody vouches for
    python -m tests.chaos.forks --runs 400

In each run a host fails at once, so that the courier speaks TLS while workers are forked; those speak TLS themselves,
by the lookup `url` and by tasks of this collection. A watchdog ends a run that takes too long, and calls it a hang.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

from ..simulator import Fault, Simulator
from ..support import collection
from ..support.environment import ansible_command, clean_environment

KEY = "f02c5afe" * 4
FORKS = 20
# A run takes some seconds. A hang never ends; a machine that is busy needs this at most.
WATCHDOG_SECONDS = 180.0


@dataclass(frozen=True)
class Run:
    """How a run went.

    Attributes:
        hung: whether the watchdog had to end it.
        code: ansible-playbook's exit code.
        seconds: from its start to its end.
        accepted: the actions of the events that PagerDuty took, counted.
        output: what was printed.
    """

    hung: bool
    code: int
    seconds: float
    accepted: dict[str, int]
    output: str


@contextlib.contextmanager
def pagerduty(folder: Path) -> Iterator[tuple[Simulator, Path]]:
    """A PagerDuty that speaks TLS, slowly enough to be at it for the whole run; and the file of its authority."""
    authority, file = trustme.CA(), folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    chain = folder / "server.pem"
    chain.unlink(missing_ok=True)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(chain))
    with Simulator(rate_limit=0, certfile=str(chain), seed=1) as running:
        running.add_fault(Fault("latency", seconds=0.05, probability=0.3))
        yield running, file


def run_once(folder: Path, collections_path: Path, trusted: bool, hosts: int = FORKS, rounds: int = 5) -> Run:
    """Run a playbook on so many hosts: so many rounds of look-ups and events, one worker for each host and task.

    Args:
        folder: for what is written.
        collections_path: where the collection is installed.
        trusted: whether the certificate can be verified.
        hosts: how many hosts.
        rounds: how many rounds.
    """
    with pagerduty(folder) as (simulator, authority):
        (folder / "play.json").write_text(json.dumps(_play(simulator.url, hosts, rounds)))
        (folder / "hosts.ini").write_text(
            "[all:vars]\nansible_connection=local\n[all]\n" + "".join(f"host{number}\n" for number in range(hosts))
        )
        environment = {
            **clean_environment(folder / "home", collections_path),
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_CALLBACKS_ENABLED": "oncall.pagerduty.page_on_failure",
            "PAGERDUTY_API_URL": simulator.url,
            "PAGERDUTY_ROUTING_KEY": KEY,
            "PAGERDUTY_OUTBOX_PATH": str(folder / "outbox" / f"{time.time_ns()}.sqlite3"),
            "PAGERDUTY_FLUSH_TIMEOUT": "5" if trusted else "0.5",
            "PAGERDUTY_COURIER_LINGER": "1",
            "PAGERDUTY_RETRY_BASE_INTERVAL": "0.05",
            "PAGERDUTY_RETRY_MAX_INTERVAL": "0.1",
            "PAGERDUTY_MAX_RETRIES": "1",
            "PAGERDUTY_MAX_EVENTS_PER_MINUTE": "0",
            **({"SSL_CERT_FILE": str(authority), "PAGERDUTY_CA_PATH": str(authority)} if trusted else {}),
        }
        command = [ansible_command("ansible-playbook"), "-i", "hosts.ini", "play.json"]
        began = time.monotonic()
        output = folder / "output.txt"
        with output.open("w") as file:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
            )
            try:
                code, hung = process.wait(WATCHDOG_SECONDS), False
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                code, hung = process.wait(), True
        accepted = collections.Counter(str(event.action or event.api) for event in simulator.accepted)
        return Run(hung, code, time.monotonic() - began, dict(accepted), output.read_text())


def _play(url: str, hosts: int, rounds: int) -> object:
    look = f"{{{{ lookup('ansible.builtin.url', '{url}/', errors='ignore') | default('', true) | length }}}}"
    tasks: list[dict[str, object]] = [
        {"name": "Fail on one host", "ansible.builtin.fail": {}, "when": "inventory_hostname == 'host0'"}
    ]
    for number in range(rounds):
        tasks += [
            {"name": f"Look {number}", "ansible.builtin.debug": {"msg": look}},
            {
                "name": f"Tell {number}",
                "oncall.pagerduty.change": {
                    "summary": f"Round {number}",
                    "queue": "{{ ['false', 'on_failure', 'always'][(inventory_hostname[4:] | int) % 3] }}",
                },
                "ignore_errors": True,
            },
            {
                "name": f"Fail on one more host {number}",
                "ansible.builtin.fail": {},
                "when": f"inventory_hostname == 'host{number + 1}'",
            },
        ]
    return [{"name": "Forks", "hosts": "all", "gather_facts": False, "tasks": tasks}]


def main() -> None:
    """Run as often as the command line says; the exit code is 1 if a run hung or went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.forks", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=FORKS)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    runs: dict[bool, list[Run]] = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="forks-") as name:
        folder = Path(name)
        path = collection.install(collection.build(folder), folder)
        for number in range(wanted.runs):
            trusted = number % 2 == 0
            run = run_once(folder, path, trusted, wanted.hosts, wanted.rounds)
            runs[trusted].append(run)
            if run.hung or run.code != 2:
                print(f"run {number}: {'hung' if run.hung else run.code}\n{run.output[-3000:]}", flush=True)
    for trusted, done in runs.items():
        if done:
            seconds = sorted(run.seconds for run in done)
            print(
                f"a certificate that {'verifies' if trusted else 'does not verify'}: {len(done)} runs,"
                f" {sum(run.hung for run in done)} hung, {sum(run.code != 2 for run in done)} ended unexpectedly;"
                f" {seconds[len(seconds) // 2]:.1f} s in the middle, {seconds[-1]:.1f} s at most"
            )
    raise SystemExit(any(run.hung or run.code != 2 for done in runs.values() for run in done))


if __name__ == "__main__":
    main()
