# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's command line: `python3 -m tests.simulator`."""

from __future__ import annotations

import argparse
import os
import signal
import ssl
import sys
import threading
import time
from typing import NoReturn

from ._faults import KINDS, Fault
from ._mask import hide, mask
from ._received import Received
from ._simulator import Simulator

_DEFAULT_PORT = 8181


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, not the whole usage."""
        self.exit(2, f"{self.prog}: {message} (--help shows all options)\n")


def main(arguments: list[str] | None = None) -> int:
    """Runs the simulator until Ctrl-C or SIGTERM; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.keyfile and not options.certfile:
        parser.error("--keyfile needs --certfile")
    try:
        simulator = Simulator(
            port=options.port,
            host=options.host,
            rate_limit=options.rate_limit,
            keys=options.key,
            certfile=options.certfile,
            keyfile=options.keyfile,
            seed=options.seed,
            on_request=None if options.quiet else _print_request,
        )
    except ssl.SSLError as error:
        parser.error(f"cannot use the certificate {options.certfile}: {error.reason or error}")
    except OSError as error:
        parser.error(f"cannot read the certificate: {error}")
    except ValueError as error:
        parser.error(str(error))
    for fault in options.fault:
        simulator.add_fault(fault)
    return _run(simulator, options.url_file)


def _run(simulator: Simulator, url_file: str | None) -> int:
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        simulator.start()
    except OSError as error:
        print(f"cannot listen at {simulator.url}: {error.strerror or error}", file=sys.stderr)
        return 1
    try:
        if url_file:
            _write(url_file, simulator.url + "\n")
        _print(f"PagerDuty simulator at {simulator.url} (open it in a browser to see incidents; Ctrl-C stops it)")
        done.wait()
    except OSError as error:
        print(f"cannot write {url_file}: {error.strerror or error}", file=sys.stderr)
        return 1
    finally:
        simulator.stop()
        if url_file and os.path.exists(url_file):
            os.unlink(url_file)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="simulator",
        description="A local PagerDuty: Events API v2 and v1, change events, incidents over REST, and a page at /.",
        epilog=f"""A fault is written like kind=status,code=503,count=3,retry_after=5. Its kinds are {", ".join(KINDS)};
            beside the kind it can have count, probability, code, body, retry_after, header.NAME, seconds and taken, and
            be meant for one path, api, key or action (all explained at Fault in tests/simulator/_faults.py).""",
    )
    parser.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="default: %(default)s; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument(
        "--rate-limit", type=_count, default=120, metavar="N", help="events a minute for each key; 0 for no limit"
    )
    parser.add_argument(
        "--key", action="append", metavar="KEY", help="an integration key that exists; without any, all do (repeatable)"
    )
    parser.add_argument(
        "--fault", action="append", type=_fault, default=[], metavar="TEXT", help="how to misbehave (repeatable)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="makes faults with a probability repeatable")
    parser.add_argument("--certfile", metavar="FILE", help="speak TLS with this certificate")
    parser.add_argument("--keyfile", metavar="FILE", help="the certificate's private key, if in a file of its own")
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    parser.add_argument("--url-file", metavar="FILE", help="holds the address for as long as the simulator listens")
    return parser


def _port(text: str) -> int:
    number = _count(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _fault(text: str) -> Fault:
    try:
        return Fault.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _print_request(received: Received) -> None:
    clock = time.strftime("%H:%M:%S", time.localtime(received.time))
    what = " ".join(part for part in (received.api or received.method, received.action) if part)
    if received.api is None or received.api == "rest":
        what = f"{received.method} {received.path}"
    words = [clock, str(received.status or "---"), f"{what:<14}"]
    if received.summary:
        words.append(f"\u201c{received.summary}\u201d")
    if received.dedup_key:
        words.append(f"dedup_key={received.dedup_key}")
    if received.key:
        words.append(f"key={mask(received.key)}")
    if received.reason:
        words.append(f"[{'taken; ' if received.taken else ''}{received.reason}]")
    _print(hide("  ".join(words), [received.key]))


def _print(line: str) -> None:
    """One line whatever is in it; what a terminal would act upon is shown escaped."""
    line = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
    encoding = sys.stdout.encoding or "ascii"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError:
        # Nobody reads any more, and serving goes on. What is left in the buffer must not fail the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(path: str, text: str) -> None:
    """Writes a file that is never seen half written."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
