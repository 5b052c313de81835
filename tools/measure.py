# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pytest and shows how much of plugins/ was executed by it and by every process that it led to.

python -m tools.measure FOLDER ARGUMENTS…

All processes of the running interpreter are measured: ansible-playbook, its forked workers, the courier, modules. So
give it an environment of its own. FOLDER keeps the data, and the copy of the checkout that is measured: an edit during
the run would make nonsense of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools import tree

#: per cent, of statements and of branches
LEAST = 95.0

CONFIGURATION = """\
[run]
branch = true
parallel = true
data_file = {folder}/data/coverage
patch = _exit, execv, fork
disable_warnings = no-data-collected
include =
    {checkout}/plugins/*
    */ansible_collections/oncall/pagerduty/plugins/*

[paths]
plugins =
    {checkout}/plugins
    */ansible_collections/oncall/pagerduty/plugins

[report]
# The second are ansible-core's own, in the archive of a module.
omit =
    */plugins/doc_fragments/*
    */__init__.py
exclude_also =
    if __name__ == "__main__":
skip_covered = true
show_missing = true
"""

# No variable of the environment says so: most tests start their programs in a clean one. That of the courier ignores
# PYTHONPATH, but no .pth file.
START = (
    "import os, coverage; os.environ['COVERAGE_PROCESS_START'] = {configuration!r}; "
    "coverage.process_startup(); del os.environ['COVERAGE_PROCESS_START']\n"
)


def main(folder: Path, arguments: list[str]) -> int:
    """Run pytest measured and report; returns 1 if it failed, or executed too little."""
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    checkout = tree.copy(folder)
    configuration = folder / "coverage.ini"
    configuration.write_text(CONFIGURATION.format(folder=folder, checkout=checkout), encoding="utf-8")
    start = Path(sysconfig.get_path("purelib"), "measure.pth")
    start.write_text(START.format(configuration=str(configuration)), encoding="utf-8")
    try:
        tests = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=checkout, check=False)
    finally:
        start.unlink()

    def coverage(command: str, *options: str) -> None:
        words = [sys.executable, "-m", "coverage", command, f"--rcfile={configuration}", *options]
        subprocess.run(words, cwd=checkout, check=True)

    coverage("combine", "--quiet")
    for broken in (folder / "data").glob("coverage.*"):
        broken.unlink()  # of a process that was killed while it wrote
    coverage("report")
    coverage("json", "--quiet", "-o", str(folder / "report.json"))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    problems = ["the tests failed"] if tests.returncode else []
    problems += too_little(report["totals"]) + never_loaded(checkout, set(report["files"]))
    for problem in problems:
        print(f"Failed: {problem}", file=sys.stderr)
    return 1 if problems else 0


def too_little(totals: dict[str, float]) -> list[str]:
    """Print the sums; returns what is below the least."""
    shares = {
        "statements": 100 * totals["covered_lines"] / totals["num_statements"],
        "branches": 100 * totals["covered_branches"] / totals["num_branches"],
    }
    print(", ".join(f"{share:.1f} % of {what}" for what, share in shares.items()))
    return [f"{share:.1f} % of {what}, less than {LEAST:g}" for what, share in shares.items() if share < LEAST]


def never_loaded(checkout: Path, measured: set[str]) -> list[str]:
    """Files that no process has loaded: they are in no report."""
    folders = ("action", "callback", "modules", "module_utils", "plugin_utils")
    files = [path for folder in folders for path in sorted((checkout / "plugins" / folder).glob("*.py"))]
    known = {str(Path(checkout, name)) for name in measured}
    return [f"{path.relative_to(checkout)} was never loaded" for path in files if str(path) not in known]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
