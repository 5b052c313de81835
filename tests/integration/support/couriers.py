# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which couriers are at work."""

from __future__ import annotations

from pathlib import Path


def couriers(path: Path) -> list[int]:
    """The processes that send from an outbox, or wait for their turn."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"_courier_start.py" in command and str(path).encode() in command:
            found.append(int(folder.name))
    return found
