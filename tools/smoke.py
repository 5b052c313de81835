# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries a built collection on the ansible-core of the running interpreter: the documentation of each plugin, the demo.

python -m tools.smoke TARBALL
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import collection
from tests.support.environment import ansible_command, clean_environment
from tools.tree import CHECKOUT

#: what the demo leaves at the local PagerDuty
ARRIVED = {"shop/web1": "resolved", "replica-lag/db2": "triggered", "ansible:tests/demo/deploy.yml": "resolved"}


def main(tarball: Path) -> None:
    """Install and try; SystemExit says what does not work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        collections = collection.install(tarball, folder)
        installed = collections / "ansible_collections" / "oncall" / "pagerduty"
        environment = clean_environment(folder / "home", collections)
        for kind, where in (("module", "modules"), ("callback", "callback")):
            for plugin in sorted(path.stem for path in (installed / "plugins" / where).glob("*.py")):
                show_documentation(kind, f"oncall.pagerduty.{plugin}", environment)
    demo(tarball)


def show_documentation(kind: str, plugin: str, environment: dict[str, str]) -> None:
    """Have ansible-doc read a plugin's documentation."""
    command = [ansible_command("ansible-doc"), "--type", kind, "--json", plugin]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not json.loads(done.stdout).get(plugin, {}).get("doc"):
        sys.exit(f"ansible-doc {plugin} failed:\n{done.stdout}{done.stderr}")
    print(f"ok  ansible-doc {plugin}")


def demo(tarball: Path) -> None:
    """Run the demo with the tarball and look at what arrived."""
    command = [sys.executable, "-m", "tests.demo", "--tarball", str(tarball)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    table = done.stdout.rpartition("What arrived there")[2]
    arrived = {line.split()[0]: line.split()[1] for line in table.splitlines() if " trigger" in line}
    if done.returncode != 0 or arrived != ARRIVED:
        sys.exit(f"the demo failed:\n{done.stdout}{done.stderr}")
    print(f"ok  demo: {', '.join(f'{key} {status}' for key, status in arrived.items())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
