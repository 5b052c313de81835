# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who goes on sending when a run has ended, in words; and what is known to end processes with a job."""

from __future__ import annotations

import time

import pytest

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outlook import judge, outlook

NOW = 1_800_000_000.0
SIX_HOURS = 6 * 3600.0
BY_HAND = "ansible-playbook oncall.pagerduty.drain_outbox sends what waits"


def clock_time(at: float) -> str:
    return time.strftime("%H:%M", time.localtime(at))


def test_a_process_and_its_end() -> None:
    assert outlook(4711, NOW + SIX_HOURS, None, NOW) == (
        f"process 4711 goes on trying until {clock_time(NOW + SIX_HOURS)}, and so does each further run"
    )


def test_more_than_half_a_day_names_the_day() -> None:
    day = time.strftime("%a", time.localtime(NOW + 86400.0))
    assert f"until {day} {clock_time(NOW + 86400.0)}," in outlook(4711, NOW + 86400.0, None, NOW)


@pytest.mark.parametrize(("pid", "linger"), [(None, SIX_HOURS), (4711, 0.0)], ids=["no courier", "it may not linger"])
def test_nobody(pid: int | None, linger: float) -> None:
    assert outlook(pid, NOW + linger, None, NOW).startswith("nobody goes on trying")
    assert outlook(pid, NOW + linger, None, NOW).endswith(BY_HAND)


def test_what_ends_it_is_named_with_what_can_be_done() -> None:
    assert outlook(4711, NOW + SIX_HOURS, "the container", NOW) == (
        f"process 4711 goes on trying until {clock_time(NOW + SIX_HOURS)},"
        f" but the container probably ends it with the job: then nobody does; {BY_HAND}"
    )


SERVICE = "0::/system.slice/nightly.service\n"


@pytest.mark.parametrize(
    ("environ", "files", "first_process", "cgroups", "expected"),
    [
        ({}, [], "systemd\n", "0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ({"INVOCATION_ID": "a"}, [], "systemd\n", "0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ({}, [], "systemd\n", "0::/system.slice/cron.service\n", None),
        ({"CI": "false"}, [], "systemd\n", "", None),
        ({}, [], "", "", None),
        (
            {"INVOCATION_ID": "a"},
            [],
            "systemd\n",
            SERVICE,
            "systemd's nightly.service (unless its KillMode is process)",
        ),
        (
            {"INVOCATION_ID": "a"},
            [],
            "systemd\n",
            "9:name=systemd:/system.slice/nightly.service\n8:pids:/system.slice\n",
            "systemd's nightly.service (unless its KillMode is process)",
        ),
        ({}, ["/.dockerenv"], "ansible-playboo\n", "", "the container"),
        ({}, ["/run/.containerenv"], "dumb-init\n", "", "the container"),
        ({"container": "podman"}, [], "sh\n", "", "the container"),
        ({}, [], "bwrap\n", "", "the container"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ["/.dockerenv"], "ansible-runner\n", "", "the pod"),
        ({"CI": "true", "GITHUB_ACTIONS": "true"}, [], "systemd\n", SERVICE, "GitHub Actions"),
        ({"CI": "true", "GITLAB_CI": "true"}, ["/.dockerenv"], "sh\n", "", "GitLab CI"),
        ({"JENKINS_URL": "https://ci.example.com/"}, [], "systemd\n", "", "Jenkins"),
        ({"TF_BUILD": "True"}, [], "systemd\n", "", "Azure Pipelines"),
        ({"CI": "1"}, [], "systemd\n", "", "the CI system"),
    ],
)
def test_what_ends_processes_with_a_job(
    environ: dict[str, str], files: list[str], first_process: str, cgroups: str, expected: str | None
) -> None:
    assert judge(environ, files, first_process, cgroups) == expected
