# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies what git knows, or would take, of the checkout to where Ansible's tools expect a collection."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def copy(folder: Path) -> Path:
    """Make a fresh ``ansible_collections/oncall/pagerduty`` in ``folder``, a git repository of its own.

    ansible-test asks git which files there are; as a part of the checkout's ignored folders it would see none,
    and call that a success.
    """
    collection = folder / "ansible_collections" / "oncall" / "pagerduty"
    shutil.rmtree(collection, ignore_errors=True)
    listing = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0"):
        source = CHECKOUT / name
        if name and (source.is_symlink() or source.is_file()):
            target = collection / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
    return collection
