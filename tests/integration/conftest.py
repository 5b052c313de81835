# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests: the built and installed collection, a simulator, and ansible-playbook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible
from ansible_collections.oncall.pagerduty.tests.simulator import Simulator
from ansible_collections.oncall.pagerduty.tests.support import collection, couriers


@pytest.fixture(scope="session")
def installed_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built and installed once; the path is one for ``ANSIBLE_COLLECTIONS_PATH``."""
    folder = tmp_path_factory.mktemp("collection")
    return collection.install(collection.build(folder), folder)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A local PagerDuty of this test's own, on a free port."""
    with Simulator() as running:
        yield running


@pytest.fixture
def ansible(tmp_path: Path, installed_collection: Path) -> Iterator[Ansible]:
    """Runs playbooks in this test's own folder, with the installed collection."""
    yield Ansible(tmp_path, installed_collection)
    couriers.end_those_in(tmp_path)
