# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo works with the ansible-core at hand, and leaves nothing running."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_demo_pages_acknowledges_and_resolves() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.demo"], cwd=CHECKOUT, capture_output=True, text=True, timeout=250, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    table = run.stdout.rpartition("What arrived there")[2]
    arrived = {line.split()[0]: line.split()[1] for line in table.splitlines() if " trigger" in line}
    assert arrived == {
        "shop/web1": "resolved",
        "replica-lag/db2": "triggered",
        "ansible:tests/demo/deploy.yml": "resolved",
    }
    assert "PagerDuty: 1 incident triggered (ansible:tests/demo/deploy.yml, 2 hosts)" in run.stdout
    assert "PagerDuty: 1 incident resolved (ansible:tests/demo/deploy.yml)" in run.stdout
