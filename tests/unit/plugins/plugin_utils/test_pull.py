# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs ansible-pull has started, and which limit is its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _pull


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("localhost,web1,127.0.0.1", True),
        ("localhost,web1.example.com,web1,127.0.0.1", True),
        ("localhost,127.0.0.1", True),
        ("localhost,web2,127.0.0.1", False),
        ("localhost", False),
        ("web1", False),
        ("localhost,web1", False),
        ("web1,127.0.0.1", False),
        ("", False),
    ],
)
def test_the_limit_that_ansible_pull_makes_itself(limit: str, expected: bool) -> None:
    assert _pull.is_limit_of_pull(limit, "web1") is expected


@pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="the system does not say")
@pytest.mark.parametrize("name", ["ansible-pull", "ansible-playbook"])
def test_the_parent_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    """A script of this name starts a Python that loads the file by itself, and asks."""
    ask = f"import runpy; print(runpy.run_path({_pull.__file__!r})['parent_is_pull']())"
    script = tmp_path / name
    script.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {ask!r}])\n", "utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(name == "ansible-pull")
