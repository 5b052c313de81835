# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers are forked while TLS is spoken around them, and nothing hangs. `python -m tests.chaos.forks` takes longer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.chaos import forks
from ansible_collections.oncall.pagerduty.tests.support import collection

IN_THE_FULL_RUN = "CHAOS_POINTS" in os.environ
HOSTS, ROUNDS = (forks.FORKS, 3) if IN_THE_FULL_RUN else (4, 1)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collection")
    return collection.install(collection.build(folder), folder)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "trusted", [False] + IN_THE_FULL_RUN * [True], ids=lambda is_so: "" if is_so else "not verified"
)
def test_no_run_hangs(tmp_path: Path, installed: Path, trusted: bool) -> None:
    run = forks.run_once(tmp_path, installed, trusted, HOSTS, ROUNDS)
    assert not run.hung, run.output
    assert run.code == 2, run.output
    if trusted:
        assert run.accepted["trigger"] >= 1
        assert run.accepted["change"] >= HOSTS - ROUNDS - 1
    else:
        assert run.accepted == {}
        assert "certificate" in run.output
