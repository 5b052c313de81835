# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cases from the command line, in parallel, and prints deviations; for one case it keeps the folder.

python -m tests.differential --python ~/venv/bin/python --keep /tmp/case "fail / rescued"
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from ..simulator import Simulator
from .case import STRATEGIES
from .cases import GROUPS, SCOPES, Pair, all_pairs
from .judge import deviations
from .observer import EngineObserver, Observer
from .observer_pagerduty import PagerDutyObserver
from .runner import Pool, Run


def main() -> int:
    options = _options()
    pairs = [pair for pair in all_pairs() if _wanted(pair, options)]
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        root = Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="differential-"))).absolute()
        observer: Observer = EngineObserver()
        if options.observer == "pagerduty":
            observer = PagerDutyObserver(stack.enter_context(Simulator(rate_limit=0)))
        pool = stack.enter_context(Pool(options.python, observer, root, options.workers))
        futures = [pool.submit(pair) for pair in pairs]
        bad = sum(_report(pair, future.result()) for pair, future in zip(pairs, futures))
        runs = [future.result() for future in futures]
    for run in sorted(runs, key=lambda run: -run.seconds)[: options.slowest]:
        print(f"{run.seconds:.1f} s: {run.case.name} [{run.strategy}]")
    failed = [run for run in runs if run.observation.hosts]
    early = sum(run.observation.early for run in failed)
    print(
        f"{len(runs)} runs, {sum(run.exit_code != 0 for run in runs)} failed, {bad} deviate, "
        f"{early} of {len(failed)} paged before the end; {time.monotonic() - start:.0f} s"
    )
    return bool(bad)


def _report(pair: Pair, run: Run) -> bool:
    found = deviations(run)
    for text in found:
        print(f"{pair.name}: {text}   ({run.folder})", flush=True)
    return bool(found)


def _wanted(pair: Pair, options: argparse.Namespace) -> bool:
    return (
        pair.strategy in options.strategy
        and pair.within(options.scope)
        and options.group in (None, pair.group)
        and (not options.case or any(wanted in pair.case.name for wanted in options.case))
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("case", nargs="*", help="part of a case's name; all cases if none is given")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the ansible-core to test")
    parser.add_argument("--strategy", action="append", choices=STRATEGIES)
    parser.add_argument("--scope", choices=SCOPES, default="all")
    parser.add_argument("--observer", choices=("engine", "pagerduty"), default="pagerduty", help="what is looked at")
    parser.add_argument("--group", choices=sorted(GROUPS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", help="keep the folders of the runs here")
    parser.add_argument("--slowest", type=int, default=0, help="name so many of the slowest runs")
    options = parser.parse_args()
    options.strategy = options.strategy or STRATEGIES
    return options


if __name__ == "__main__":
    sys.exit(main())
