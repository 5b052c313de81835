# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built collection, a simulator, and the tools beside the running interpreter."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support import collection
from ansible_collections.oncall.pagerduty.tests.support.environment import ansible_command, clean_environment

Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built once."""
    return collection.build(tmp_path_factory.mktemp("tarball"))


@pytest.fixture(scope="session")
def collections(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, installed once; the path is one for ``ANSIBLE_COLLECTIONS_PATH``."""
    return collection.install(tarball, tmp_path_factory.mktemp("collections"))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A local PagerDuty of this test's own."""
    with Simulator() as running:
        yield running


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """Runs a command of this environment in this test's own folder, with nothing of the user's."""

    def run(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**clean_environment(tmp_path / "home"), **(env or {})}
        command = [ansible_command(name), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run
