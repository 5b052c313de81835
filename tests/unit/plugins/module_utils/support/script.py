# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a few lines of Python in a process of their own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_script(script: str, folder: Path, **values: Any) -> subprocess.CompletedProcess[str]:
    """Run Python code that finds the collection.

    script: the code, a format string; ``{path!r}`` is what sys.path has to be
    folder: one that is empty or does not exist
    values: what else the format string wants
    """
    command = _command(script, folder, values)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)


def on_a_terminal(script: str, folder: Path, **values: Any) -> str:
    """Run Python code like run_script, on a terminal of its own; returns all that stood on it."""
    command = _command(script, folder, values)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown = b""
    try:
        while select.select([terminal], [], [], 20)[0]:
            block = os.read(terminal, 65536)
            shown += block
            if not block or b"pass phrase" in shown:
                break
    except OSError:  # Linux: the other end is closed
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return shown.decode()


def _command(script: str, folder: Path, values: dict[str, Any]) -> list[str]:
    link = folder / "ansible_collections" / "oncall" / "pagerduty"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[5])
    return [sys.executable, "-c", script.format(path=[str(folder), *filter(None, sys.path)], **values)]
