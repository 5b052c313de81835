# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says, for events that wait when a run ends, who goes on sending them and until when, or that nobody does."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping

BY_HAND = "ansible-playbook oncall.pagerduty.drain_outbox sends what waits"

# CI systems that end all of a job's processes with it, and the variable by which each is known.
_CI = {
    "GITHUB_ACTIONS": "GitHub Actions",
    "GITLAB_CI": "GitLab CI",
    "JENKINS_URL": "Jenkins",
    "TF_BUILD": "Azure Pipelines",
    "CI": "the CI system",
}
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_CONTAINER = "the container"


def outlook(pid: int | None, until: float, ended_by: str | None, now: float | None = None) -> str:
    """Say who goes on.

    Args:
        pid: process id of the outbox's courier, None if there is none.
        until: when that gives up, as Unix time.
        ended_by: what ends it with the job, if anything is known to.
        now: the present, as Unix time; None for the clock's.
    """
    now = time.time() if now is None else now
    if pid is None or until <= now:
        return f"nobody goes on trying after this; each further run does, and {BY_HAND}"
    form = "%H:%M" if until - now < 12 * 3600 else "%a %H:%M"
    goes_on = f"process {pid} goes on trying until {time.strftime(form, time.localtime(until))}"
    if ended_by:
        return f"{goes_on}, but {ended_by} probably ends it with the job: then nobody does; {BY_HAND}"
    return f"{goes_on}, and so does each further run"


def what_ends_processes() -> str | None:
    """Return what will probably end, with the job, a process that this one leaves behind; None if nothing is known."""
    files = [path for path in _CONTAINER_FILES if os.path.exists(path)]
    return judge(os.environ, files, _read("/proc/1/comm"), _read("/proc/self/cgroup"))


def judge(environ: Mapping[str, str], container_files: list[str], first_process: str, cgroups: str) -> str | None:
    """Return the same, given what can be seen.

    Args:
        environ: the environment.
        container_files: those files that are there and that only containers have.
        first_process: the name of process 1.
        cgroups: the control groups of this process, as Linux shows them.
    """
    for variable, name in _CI.items():
        if environ.get(variable, "").lower() not in ("", "0", "false"):
            return name
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return "the pod"
    if container_files or environ.get("container") or first_process.strip() == "bwrap":
        return _CONTAINER
    # A service has both. A job of cron runs in cron's own service, which goes on, and has no such variable.
    units = [line.rstrip("/").rpartition("/")[2] for line in cgroups.splitlines()]
    service = next((unit for unit in units if unit.endswith(".service")), None)
    if service and environ.get("INVOCATION_ID"):
        return f"systemd's {service} (unless its KillMode is process)"
    return None


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""
