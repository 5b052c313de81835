# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a few lines of Python in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def run_script(script: str, folder: Path, **values: Any) -> subprocess.CompletedProcess[str]:
    """Run Python code that finds the collection.

    script: the code, a format string; ``{path!r}`` is what sys.path has to be
    folder: an empty one
    values: what else the format string wants
    """
    link = folder / "ansible_collections" / "oncall" / "pagerduty"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[5])
    code = script.format(path=[str(folder), *filter(None, sys.path)], **values)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
