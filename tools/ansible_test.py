# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test of the running interpreter on a copy of the checkout.

python -m tools.ansible_test FOLDER ARGUMENTS…

FOLDER keeps the copy and what ansible-test stores, so that the next run is quicker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools import tree

# ansible-test fills its environments with a get-pip script from a host of its own, unless one lies in its cache.
# This one needs nothing but the package index. The names are those that ansible-core 2.16 to 2.21 look for.
GET_PIP_NAMES = ("get_pip_23_1_2.py", "get_pip_24_2.py", "get_pip_25_2.py")
GET_PIP = """
import runpy, subprocess, sys

subprocess.check_call([sys.executable, "-m", "ensurepip"])
sys.argv = ["pip", "install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
# The user's pip settings, such as a package index of the company's own, hold in ansible-test's environments too.
PIP_CONFIGURATION = (".config/pip", ".pip")
# What ansible-test says, with an exit status of 0, when it found nothing to test.
NOTHING_TESTED = "All targets skipped"


def main(folder: Path, arguments: list[str]) -> int:
    """Run ansible-test and return its exit status, or 1 if it tested nothing."""
    home = folder / "home"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        (cache / name).write_text(GET_PIP, encoding="utf-8")
    for name in PIP_CONFIGURATION:
        link = home / name
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path.home() / name)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PAGERDUTY_"))}
    environment.update(HOME=str(home), ANSIBLE_HOME=str(home / ".ansible"), LC_ALL="C.UTF-8")

    command = [str(Path(sysconfig.get_path("scripts"), "ansible-test")), *arguments]
    tested = True
    with subprocess.Popen(
        command,
        cwd=tree.copy(folder),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            tested = tested and NOTHING_TESTED not in line
    if not tested:
        print("ansible-test found nothing to test", file=sys.stderr)
        return 1
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
