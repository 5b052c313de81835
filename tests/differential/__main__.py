# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cases from the command line, in parallel, and prints deviations; for one case it keeps the folder.

    python -m tests.differential --python ~/venv/bin/python --keep /tmp/case "fail / rescued"
"""

from __future__ import annotations

import argparse
import queue
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

from .case import STRATEGIES, Case
from .cases import GROUPS, all_pairs, pair_id, share
from .judge import deviations
from .observer import EngineObserver
from .runner import Core, Run


def main() -> int:
    options = _options()
    pairs = [
        (case, strategy)
        for case, strategy in all_pairs(options.group)
        if strategy in options.strategy
        and share(case, strategy) % options.one_in == 0
        and (not options.case or any(wanted in case.name for wanted in options.case))
    ]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="differential-") as scratch:
        root = Path(options.keep or scratch).absolute()
        runs = _run_all(pairs, options, root)
    bad = 0
    for run in runs:
        found = deviations(run)
        bad += bool(found)
        for text in found:
            print(f"{pair_id(run.case, run.strategy)}: {text}   ({run.folder})")
    failed = [run for run in runs if run.observation.hosts]
    early = sum(run.observation.early for run in failed)
    print(
        f"{len(runs)} runs, {sum(run.exit_code != 0 for run in runs)} failed, {bad} deviate, "
        f"{early} of {len(failed)} paged before the end; {time.monotonic() - start:.0f} s"
    )
    return bool(bad)


def _run_all(pairs: list[tuple[Case, str]], options: argparse.Namespace, root: Path) -> list[Run]:
    jobs: queue.SimpleQueue[tuple[int, Case, str]] = queue.SimpleQueue()
    for number, (case, strategy) in enumerate(pairs):
        jobs.put((number, case, strategy))
    runs: list[Run] = []

    def work(worker: int) -> None:
        core = Core(options.python, EngineObserver(), root / f"home{worker}")
        try:
            while True:
                number, case, strategy = jobs.get_nowait()
                name = re.sub(r"\W+", "-", f"{number} {case.name} {strategy}")
                runs.append(core.run(case, strategy, root / name))
        except queue.Empty:
            core.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(options.workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(runs, key=lambda run: run.folder.name)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("case", nargs="*", help="part of a case's name; all cases if none is given")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the ansible-core to test")
    parser.add_argument("--strategy", action="append", choices=STRATEGIES)
    parser.add_argument("--group", choices=GROUPS, help="only the special or only the composed cases")
    parser.add_argument("--one-in", type=int, default=1, help="take a sample: one pair in so many")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", help="keep the folders of the runs here")
    options = parser.parse_args()
    options.strategy = options.strategy or STRATEGIES
    return options


if __name__ == "__main__":
    sys.exit(main())
