# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that takes any event at once: leaner than the simulator, so that what is measured is the sender.

It is a process of its own, whose processor time counts for nobody.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

SERVER = Path(__file__).with_name("_sink_server.py")


class Sink:
    """The server, as a context."""

    def __init__(self, latency: float = 0.0, certificate: Path | None = None) -> None:
        """Take the settings.

        Args:
            latency: seconds before each answer; below 0 for none at all.
            certificate: file with a certificate and its key, for TLS.
        """
        self._latency = latency
        self._certificate = certificate
        self._process: subprocess.Popen[str]
        self.url = ""

    def __enter__(self) -> Sink:
        command = [sys.executable, "-I", str(SERVER), str(self._latency)]
        command += [str(self._certificate)] if self._certificate else []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = json.loads(self._process.stdout.readline())  # type: ignore[union-attr]  # it is a pipe
        self.url = f"{'https' if self._certificate else 'http'}://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()

    def taken(self) -> list[dict[str, Any]]:
        """Return the bodies taken since the last question, in order."""
        context = ssl.create_default_context(cafile=str(self._certificate)) if self._certificate else None
        handlers: list[Any] = [urllib.request.ProxyHandler({})]
        handlers += [urllib.request.HTTPSHandler(context=context)] if context else []
        with urllib.request.build_opener(*handlers).open(f"{self.url}/taken", timeout=60) as answer:
            bodies: list[dict[str, Any]] = json.load(answer)
            return bodies

    def took(self, count: int) -> None:
        """Check how many bodies were taken since the last question.

        Raises:
            RuntimeError: if it was another number: then what was measured is something else.
        """
        found = len(self.taken())
        if found != count:
            raise RuntimeError(f"the server took {found} events, expected {count}")
