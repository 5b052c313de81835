# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognizes commands that ansible-pull has started, and the limit that it gives them."""

from __future__ import annotations

import os

_COMMAND = b"ansible-pull"
_MODULE = b"ansible.cli.pull"
_MOST_BYTES = 64 * 1024


def is_limit_of_pull(limit: str, node: str) -> bool:
    """Tell whether a limit is the one that ansible-pull makes by itself: this machine, by all of its names.

    Args:
        limit: the limit.
        node: this machine's name, as `platform.node` returns it.
    """
    names = limit.split(",")
    if len(names) < 2 or (names[0], names[-1]) != ("localhost", "127.0.0.1"):
        return False
    return len(names) == 2 or node in names[1:-1]


def parent_is_pull() -> bool:
    """Tell whether the process that has started this one is ansible-pull. False where the system does not say."""
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            words = file.read(_MOST_BYTES).split(b"\0")
    except OSError:
        return False
    # The interpreter comes first, then the script or -m and the module.
    return any(os.path.basename(word) == _COMMAND or word == _MODULE for word in words[:4])
