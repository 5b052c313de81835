# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognizes the service that runs a playbook (AWX, AAP, GitHub Actions, GitLab, Jenkins) by what it sets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text

_UNSET_HOSTS = ("towerhost", "platformhost")
"""What AWX and AAP call themselves until somebody sets their base URL: a link there would lead nowhere."""

_NEW_UI_CALLBACK = "indirect_instance_count"
"""The controller of AAP 2.5 and later enables this callback for each job. Its user interface has other addresses."""


@dataclass(frozen=True)
class Build:
    """What a service says about the job it runs. Empty where it says nothing."""

    name: str = ""
    """The job as a person would call it."""

    url: str = ""
    user: str = ""
    """Who started it, or the schedule that did."""

    revision: str = ""
    project: str = ""
    """The folder that the project lies in."""

    template: str = ""
    """The job template's name."""

    inventory: str = ""
    """The inventory's name, where its file has the same one in each job."""

    node: str = ""
    """The machine at work, where the host name would only be a container's."""


NO_BUILD = Build()


def find_build(environ: Mapping[str, str], extra_vars: Mapping[str, Any], cwd: str) -> Build:
    """Return what the environment and the extra variables tell."""
    for find in (_awx, _github, _gitlab, _jenkins):
        build = find(environ, extra_vars, cwd)
        if build is not None:
            return build
    return Build(url=_link(environ.get("BUILD_URL", "")))


def _awx(environ: Mapping[str, str], extra_vars: Mapping[str, Any], cwd: str) -> Build | None:
    def variable(name: str) -> str:
        """Return one of the variables that AWX adds to each job, under two names for the time being."""
        for prefix in ("awx", "tower"):
            value = extra_vars.get(f"{prefix}_{name}")
            if value is not None:
                return plain_text(value).strip()
        return ""

    job = variable("job_id") or (environ.get("JOB_ID", "") if "AWX_HOST" in environ else "")
    if not job:
        return None
    schedule = variable("schedule_name") or variable("parent_job_schedule_name")
    # The revision is the project's. It is not the job's if that runs another branch.
    other_branch = variable("job_scm_branch")
    return Build(
        name=f"AWX job {job}",
        url=_awx_link(environ, job),
        user=variable("user_name") or (f"schedule {schedule}" if schedule else variable("job_launch_type")),
        revision="" if other_branch else environ.get("PROJECT_REVISION", "") or variable("project_revision"),
        project=cwd,
        template=variable("job_template_name"),
        inventory=variable("inventory_name"),
        node=variable("execution_node"),
    )


def _awx_link(environ: Mapping[str, str], job: str) -> str:
    base = _link(environ.get("AWX_HOST", "")).rstrip("/")
    if not base or urlsplit(base).hostname in _UNSET_HOSTS or not job.isdigit():
        return ""
    if _NEW_UI_CALLBACK in environ.get("ANSIBLE_CALLBACKS_ENABLED", ""):
        return f"{base}/execution/jobs/playbook/{job}/output"
    return f"{base}/#/jobs/playbook/{job}"


def _github(environ: Mapping[str, str], extra_vars: Mapping[str, Any], cwd: str) -> Build | None:
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    url = f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}/actions/runs/{run}"
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "1")
    if attempt not in ("", "1"):
        url += f"/attempts/{attempt}"
    return Build(
        name=_words("GitHub Actions", environ.get("GITHUB_WORKFLOW"), _number(environ.get("GITHUB_RUN_NUMBER"))),
        url=_link(url) if repository and run else "",
        user=environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", ""),
        revision=environ.get("GITHUB_SHA", ""),
        project=environ.get("GITHUB_WORKSPACE", ""),
    )


def _gitlab(environ: Mapping[str, str], extra_vars: Mapping[str, Any], cwd: str) -> Build | None:
    if not environ.get("GITLAB_CI"):
        return None
    return Build(
        name=_words("GitLab", environ.get("CI_JOB_NAME"), _number(environ.get("CI_JOB_ID"))),
        url=_link(environ.get("CI_JOB_URL", "")),
        user=environ.get("GITLAB_USER_LOGIN", ""),
        revision=environ.get("CI_COMMIT_SHA", ""),
        project=environ.get("CI_PROJECT_DIR", ""),
    )


def _jenkins(environ: Mapping[str, str], extra_vars: Mapping[str, Any], cwd: str) -> Build | None:
    if not (environ.get("JENKINS_URL") or environ.get("JENKINS_HOME")):
        return None
    return Build(
        name=_words("Jenkins", environ.get("JOB_NAME"), _number(environ.get("BUILD_NUMBER"))),
        url=_link(environ.get("BUILD_URL", "")),
        # Set by the plugin "build user vars"; Jenkins alone does not tell.
        user=environ.get("BUILD_USER_ID") or environ.get("BUILD_USER", ""),
        revision=environ.get("GIT_COMMIT", ""),
        project=environ.get("WORKSPACE", ""),
    )


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word)


def _number(number: str | None) -> str:
    return f"#{number}" if number else ""


def _link(url: str) -> str:
    """Return a web address without credentials, or nothing for anything else."""
    try:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return ""
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return ""
