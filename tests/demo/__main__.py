# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build and install the collection, page a local PagerDuty from playbooks, and show what arrived there.

demo.yml pages on purpose. deploy.yml fails on two of three hosts, with the callback enabled, and then no longer does.

`make demo` runs it. Nothing is left running, unless --keep asks for it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..support import collection
from ..support.environment import SCRIPTS, ansible_command, clean_environment

HERE = Path(__file__).parent
CALLBACK_CONFIG = """\
[defaults]
callbacks_enabled = oncall.pagerduty.page_on_failure

[pagerduty]
routing_key = demo0123456789abcdefghijklmnopqr
"""
FAILED_HOSTS = 2  # ansible-playbook's exit status
START_SECONDS = 60.0
STOP_SECONDS = 5.0


def main() -> int:
    """Run the demo; the exit status is ansible-playbook's."""
    parser = argparse.ArgumentParser(prog="tests.demo", description="Page a local PagerDuty from a playbook.")
    parser.add_argument("--keep", action="store_true", help="leave the local PagerDuty running to look at")
    parser.add_argument("--tarball", type=Path, metavar="FILE", help="a built collection, in place of this checkout's")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with tempfile.TemporaryDirectory(prefix="oncall-pagerduty-demo-") as folder:
            return demo(Path(folder), options.keep, options.tarball)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 128 + signal.SIGINT


def demo(folder: Path, keep: bool, tarball: Path | None) -> int:
    """Everything the demo does, in ``folder``."""
    what = "Installing the tarball" if tarball else "Building the collection and installing it"
    say(f"[1/5] {what} into a temporary folder")
    collections = collection.install(tarball or collection.build(folder), folder)

    say("[2/5] Starting a local PagerDuty")
    with simulator(folder) as pagerduty:
        say(f"[3/5] Paging on purpose: demo.yml against {pagerduty.url}")
        run = Runner(folder / "home", collections, pagerduty.url)
        status = run("demo.yml", "-i", "localhost,", "-e", f"demo_url={pagerduty.url}")

        say("[4/5] Paging when a run fails: deploy.yml, with two of three hosts failing, and then again with none")
        (folder / "home" / "ansible.cfg").write_text(CALLBACK_CONFIG)
        deploy = ("deploy.yml", "-i", str(HERE / "hosts.ini"))
        failing = run(*deploy, full="web2 web3")
        mended = run(*deploy)
        status = status or (0 if failing == FAILED_HOSTS else 1) or mended

        say("[5/5] What arrived there")
        show(pagerduty.url)
        if keep:
            pagerduty.keep = True
            say(
                f"The local PagerDuty is still there: {pagerduty.url}\n"
                "For playbooks of your own, install the collection (see README.md; an Ansible is in\n"
                f"{SCRIPTS}), and give under [pagerduty] in ansible.cfg\n"
                f"api_url = {pagerduty.url}, and as routing_key any 32 letters and digits.\n"
                f"To stop it: kill {pagerduty.process.pid}"
            )
    return status


@dataclass
class Running:
    """The simulator as a process; stopped when the demo ends, unless it is to be kept."""

    process: subprocess.Popen[bytes]
    url: str
    keep: bool = False


@contextmanager
def simulator(folder: Path) -> Iterator[Running]:
    """A simulator on a free port."""
    url_file = folder / "url"
    command = [sys.executable, "-m", "tests.simulator", "--port", "0", "--quiet", "--url-file", str(url_file)]
    # In a session of its own: Ctrl-C is for the demo, which then stops the simulator.
    process = subprocess.Popen(
        command,
        cwd=collection.CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    running = Running(process, "")
    try:
        running.url = address(process, url_file)
        yield running
    finally:
        if not running.keep:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def address(process: subprocess.Popen[bytes], url_file: Path) -> str:
    """The address that the simulator writes into a file as soon as it listens."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if url_file.exists() and (url := url_file.read_text().strip()):
            return url
        time.sleep(0.05)
    raise SystemExit("The local PagerDuty did not start. To see why: python3 -m tests.simulator")


@dataclass
class Runner:
    """Runs playbooks of this folder with the installed collection; their output goes where the demo's own does."""

    home: Path
    collections: Path
    url: str

    def __call__(self, playbook: str, *arguments: str, full: str = "") -> int:
        """Run one and return its exit status; ``full`` names the hosts on which deploy.yml fails."""
        environment = {**clean_environment(self.home, self.collections), "PAGERDUTY_API_URL": self.url}
        environment["DEMO_FULL"] = full
        environment["ANSIBLE_CONFIG"] = str(self.home / "ansible.cfg")
        if sys.stdout.isatty():
            del environment["ANSIBLE_NOCOLOR"]
            environment["TERM"] = os.environ.get("TERM", "dumb")
        command = [ansible_command("ansible-playbook"), *arguments, str(HERE / playbook)]
        return subprocess.run(command, cwd=self.home, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def show(url: str) -> None:
    """Print the simulator's incidents and changes as tables."""
    incidents = [
        (
            incident["dedup_key"],
            incident["status"],
            incident["severity"],
            incident["summary"],
            " → ".join(entry["action"] for entry in incident["log"]),
        )
        for incident in get(f"{url}/_simulator/incidents")["incidents"]
    ]
    table(("INCIDENT", "STATUS", "SEVERITY", "SUMMARY", "EVENTS"), incidents)
    print()
    changes = [(change["summary"], change["source"] or "") for change in get(f"{url}/_simulator/changes")["changes"]]
    table(("CHANGE", "SOURCE"), changes)


def get(url: str) -> Any:
    """The JSON at ``url``, with no proxy in between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=STOP_SECONDS) as response:
        return json.load(response)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print ``rows`` in columns as wide as they need."""
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in (heads, *rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def say(text: str) -> None:
    """Tell what is going on, in order with the output of other programs."""
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
