# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command, waits for whatever it leaves behind as well, and writes down what each has used.

Arguments: the file to write, and the command. On Linux what the command leaves behind, such as a courier, becomes a
child of this process and is waited for; elsewhere only the command's own tree counts.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def main(report: str, command: list[str]) -> int:
    """Do that, and return the command's exit status."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began = time.monotonic()
    process = subprocess.Popen(command)
    _pid, status, own = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    left_behind = []
    while True:
        try:
            _pid, _status, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        left_behind.append(used.ru_utime + used.ru_stime)
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"cpu": own.ru_utime + own.ru_stime, "wall": wall, "left_behind": left_behind}, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
