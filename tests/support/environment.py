# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that the demo and the tests give to Ansible's commands: nothing of the user's own."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

SCRIPTS = Path(sysconfig.get_path("scripts"))


def ansible_command(name: str) -> str:
    """The path of an Ansible command (``ansible-playbook``, ``ansible-galaxy``, …) beside the running interpreter."""
    return str(SCRIPTS / name)


def clean_environment(home: Path, collections: Path | None = None) -> dict[str, str]:
    """Environment variables for an Ansible command that is to see ``home`` and ``collections``, and no user's set-up.

    ``home`` is made if it is not there; an empty ``ansible.cfg`` in it keeps those in other places out.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # ansible-core makes it as the umask says, and a folder that everybody can write is none for an outbox.
    work = home / ".ansible" / "tmp"
    for folder in (work.parent, work):
        folder.mkdir(mode=0o700, exist_ok=True)
    config = home / "ansible.cfg"
    config.touch()
    environment = {
        "PATH": os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
    }
    if collections is not None:
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    if " " not in str(work):  # which ansible-core cannot have there
        # Else modules work in the user's own home, and leave there what a run that is killed cannot clean up.
        environment["ANSIBLE_REMOTE_TEMP"] = str(work)
    if "TMPDIR" in os.environ:
        environment["TMPDIR"] = os.environ["TMPDIR"]
    return environment
