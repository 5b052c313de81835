# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes tests/constraints.txt anew: the newest version of everything in tests/requirements*.txt and what that needs.

`make pins` runs it. The releases of ansible-core stand in requirements-core.txt and interpreters.py.
"""

from __future__ import annotations

import subprocess
import sys

from tools.interpreters import CORES, dotted
from tools.tree import CHECKOUT

CONSTRAINTS = CHECKOUT / "tests" / "constraints.txt"
HEADER = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# The version of everything that the demo, the tests and the linters use, but for ansible-core.
# Made by `make pins`; not to be edited.
"""
# uv, which resolves all this, and the newest resolvelib that ansible-core 2.16 takes: 2.21 takes it as well.
FURTHER = ["ansible-core", "resolvelib==1.0.1", "uv"]
# Tests run on every Python that any ansible-core here can have, everything else on these only.
TOOLS_PYTHON = "3.11"
TOOLS = ("", "-bench", "-coverage", "-docs", "-ecosystem", "-lint", "-release", "-sanity", "-surroundings")


def names(part: str) -> list[str]:
    """The packages that tests/requirements``part``.txt asks for."""
    lines = (CHECKOUT / "tests" / f"requirements{part}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line[:1].isalpha()]


def main() -> None:
    """Resolve and write."""
    tools = sorted({name for part in TOOLS for name in names(part)})
    wanted = [*FURTHER, *names("-pytest"), *(f'{name} ; python_version >= "{TOOLS_PYTHON}"' for name in tools)]
    oldest = dotted(min(python for core in CORES for python in core.pythons))
    command = ["uv", "pip", "compile", "--universal", "--python-version", oldest, "--no-annotate", "--no-header"]
    command += ["--quiet", "--no-emit-package", "ansible-core", "-"]
    done = subprocess.run(command, input="\n".join(wanted), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    CONSTRAINTS.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
