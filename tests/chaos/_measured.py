# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook in this process, and writes down what its main process has used when that ends.

Arguments: the file to write, ansible-playbook's path, and its arguments. Workers and the courier do not count. Beside
processor time and memory it tells which of the libraries were loaded that a green run has no use for, and which
programs were started.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import runpy
import sys
from pathlib import Path
from typing import Any

SPARED = ("requests", "urllib3", "sqlite3")

_started: list[str] = []


def _note_start(event: str, details: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _started.append(str(details[0]))


def _write_down(file: Path, pid: int) -> None:
    if os.getpid() != pid:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "cpu": used.ru_utime + used.ru_stime,
        "peak_kib": used.ru_maxrss,
        "loaded": [name for name in SPARED if name in sys.modules],
        "started": _started,
    }
    file.write_text(json.dumps(found))


if __name__ == "__main__":
    sys.addaudithook(_note_start)
    atexit.register(_write_down, Path(sys.argv[1]), os.getpid())
    sys.argv[:] = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
