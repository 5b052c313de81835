# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""galaxy-importer, which Galaxy and Automation Hub check an upload with, takes the tarball without a complaint."""

from __future__ import annotations

import sys
from pathlib import Path

from .conftest import Tool


def test_the_tarball_is_imported_without_a_complaint(tool: Tool, tarball: Path, tmp_path: Path) -> None:
    (tmp_path / "importer.cfg").write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nCHECK_CHANGELOG = True\n")
    done = tool(
        Path(sys.executable).name,
        *("-m", "galaxy_importer.main", str(tarball)),
        env={"GALAXY_IMPORTER_CONFIG": str(tmp_path / "importer.cfg")},
    )
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    # It ends with 0 whatever it has found.
    complaints = [line for line in log.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    assert complaints == [], log
    assert "Importer processing completed successfully" in log, log
