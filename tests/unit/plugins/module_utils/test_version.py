# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version in the User-Agent is the collection's."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import USER_AGENT
from ansible_collections.oncall.pagerduty.plugins.module_utils._version import VERSION

GALAXY = Path(__file__).parents[4] / "galaxy.yml"


def test_the_version_is_that_of_galaxy_yml() -> None:
    assert re.findall(r"^version: (\S+)$", GALAXY.read_text(encoding="utf-8"), re.MULTILINE) == [VERSION]


def test_the_user_agent_names_the_collection_and_its_version() -> None:
    assert USER_AGENT.startswith(f"oncall.pagerduty/{VERSION} ")
