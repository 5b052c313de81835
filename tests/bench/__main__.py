# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures, prints what it found, and writes each round's figures to a file.

python -m tests.bench                    everything, some 15 minutes
python -m tests.bench --quick sender     one subject, few rounds
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..support import collection
from . import Setting
from ._report import Report, text_of, text_of_goals

SUBJECTS = ("tasks", "sender", "callback", "dead", "outbox", "throughput")
OUTPUT = collection.CHECKOUT / "tests" / "output" / "bench"
ROUNDS = 7
QUICK_ROUNDS = 3


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"some of {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="few rounds: minutes instead of a quarter of an hour")
    parser.add_argument("--rounds", type=int, help=f"how often to measure each variant (default: {ROUNDS})")
    parser.add_argument("--peers", type=Path, help="folder that holds the collections to compare with")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the files with all figures")
    wanted = parser.parse_args()
    unknown = set(wanted.subjects) - set(SUBJECTS)
    if unknown:
        parser.error(f"there is no subject {', '.join(sorted(unknown))}; choose from {', '.join(SUBJECTS)}")
    wanted.output = wanted.output.resolve()
    wanted.output.mkdir(parents=True, exist_ok=True)
    _forget_user_settings()
    reports = []
    # Not in the temporary folder of the system, which may be in memory: the outbox is about disks.
    with tempfile.TemporaryDirectory(prefix="work-", dir=wanted.output) as name:
        folder = Path(name)
        installed = collection.install(collection.build(folder), folder)
        sys.path.insert(0, str(installed))
        rounds = wanted.rounds or (QUICK_ROUNDS if wanted.quick else ROUNDS)
        peers = (wanted.peers.resolve(),) if wanted.peers else ()
        setting = Setting(folder, (installed, *peers), rounds, wanted.quick)
        for subject in wanted.subjects or SUBJECTS:
            began, load = time.time(), os.getloadavg()[0]
            report = importlib.import_module(f"{__package__}.{subject}").measure(setting)
            reports.append(report)
            _print(report, f"{time.time() - began:.0f} s, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")
            _write(wanted.output / f"{subject}.json", report, load)
    if len(reports) > 1:
        print("\nAll goals\n")
        print(text_of_goals([goal for report in reports for goal in report.goals]))
    print(f"\n{_machine()}; all figures are in {wanted.output}")


def _forget_user_settings() -> None:
    """Let no proxy and no authority of the user's change what is measured in this process."""
    for name in tuple(os.environ):
        if name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            del os.environ[name]


def _print(report: Report, remark: str) -> None:
    print(f"\n=== {report.name} ({remark}) ===")
    for table in report.tables:
        print(f"\n{text_of(table)}")
    for note in report.notes:
        print(f"\nNote: {note}.")
    if report.goals:
        print(f"\n{text_of_goals(report.goals)}", flush=True)


def _write(path: Path, report: Report, load: float) -> None:
    found = {"machine": _machine(), "at": time.time(), "load_before": load, **report.as_dict()}
    path.write_text(json.dumps(found, indent=1, default=_plain, ensure_ascii=False), encoding="utf-8")


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


def _machine() -> str:
    return f"{os.cpu_count()} processors ({_processor()}), {platform.platform()}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines: Sequence[str] = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
