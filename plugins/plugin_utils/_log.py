# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a small log beside the outbox: what the courier did, and what went wrong. It never grows beyond two pieces."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._private_files import open_ours
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._recognise import is_log

_MOST_BYTES = 128 * 1024


def log_path(outbox_path: str) -> str:
    """Return where the log of an outbox is."""
    return f"{outbox_path}.log"


def open_log(path: str) -> int | None:
    """Return a descriptor to append to the log, for its owner's eyes only; None if it cannot be one of ours."""
    try:
        descriptor = open_ours(path, os.O_RDWR | os.O_APPEND, is_log)
        size = os.fstat(descriptor).st_size
        if size >= _MOST_BYTES:
            os.close(descriptor)
            os.close(open_ours(f"{path}.1", os.O_RDWR, is_log))  # it is replaced only if it is ours
            os.replace(path, f"{path}.1")
            return open_log(path)
        if not size:  # so that it is known as ours, whatever Python may have to say in it
            with contextlib.suppress(OSError):
                os.write(descriptor, _line("the log begins").encode("ascii"))
        return descriptor
    except OSError:
        return None


def append(outbox_path: str, texts: Iterable[str]) -> None:
    """Write lines to the log of an outbox, for whoever is no courier. Never raises."""
    descriptor = open_log(log_path(outbox_path))
    if descriptor is not None:
        with contextlib.suppress(OSError), open(descriptor, "a", encoding="utf-8", errors="replace") as file:
            file.writelines(_line(text) for text in texts)


def _line(text: str) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {os.getpid()} {text}\n"


class Log:
    """Appends lines to the log, by way of stderr: what Python itself has to say goes there too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._written = 0

    def __call__(self, text: str) -> None:
        """Write a line. Never raises."""
        line = _line(text)
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(line)
            sys.stderr.flush()
            self._written += len(line)
            if self._written >= _MOST_BYTES:
                self.start_anew()

    def start_anew(self) -> None:
        """Go on in the file that has the log's name now, which is a new one if the old one is full."""
        self._written = 0
        descriptor = open_log(self._path)
        if descriptor is not None:
            os.dup2(descriptor, 2)
            os.close(descriptor)
