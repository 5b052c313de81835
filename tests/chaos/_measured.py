# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook in this process, and writes down what its main process has used when that ends.

Arguments: the file to write, ansible-playbook's path, and its arguments. Workers and the courier do not count.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import runpy
import sys
from pathlib import Path


def _write_down(file: Path, pid: int) -> None:
    if os.getpid() != pid:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    file.write_text(json.dumps({"cpu": used.ru_utime + used.ru_stime, "peak_kib": used.ru_maxrss}))


if __name__ == "__main__":
    atexit.register(_write_down, Path(sys.argv[1]), os.getpid())
    sys.argv[:] = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
