# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs what: read from what real services set, from real git repositories and from ansible-core's own arguments."""

from __future__ import annotations

import os
import platform
import pwd
import shlex
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, context
from ansible.cli.adhoc import AdHocCLI
from ansible.cli.playbook import PlaybookCLI
from ansible.release import __version__
from ansible.utils.context_objects import GlobalCLIArgs

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ci import Build
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._git import checkout_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext, collect

AWX_VARS = {
    "awx_job_id": 42,
    "tower_job_id": 42,
    "awx_job_launch_type": "manual",
    "awx_job_template_name": "Deploy shop",
    "awx_user_name": "alice",
    "awx_project_revision": "a" * 40,
    "awx_execution_node": "node-1.example.com",
}
AWX_ENV = {"JOB_ID": "42", "AWX_HOST": "https://awx.example.com", "PROJECT_REVISION": "a" * 40}


@pytest.fixture(autouse=True)
def _own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", context.CLIARGS)
    monkeypatch.setattr(GlobalCLIArgs, "_Singleton__instance", None, raising=False)


def _arguments(*words: str) -> Mapping[str, Any]:
    """The arguments as ansible-core itself reads them from a command line."""
    cli = (AdHocCLI if words[0] == "ansible" else PlaybookCLI)(list(words))
    cli.parse()
    arguments: Mapping[str, Any] = context.CLIARGS
    return arguments


def _collect(
    *words: str,
    environ: Mapping[str, str] | None = None,
    extra_vars: Mapping[str, Any] | None = None,
    cwd: Path | str = "/nowhere",
    job_name: str | None = None,
    playbook: str = "",
) -> RunContext:
    words = words or ("ansible-playbook", "deploy.yml")
    if not playbook and words[0] != "ansible":
        playbook = words[1]
    return collect(environ or {}, _arguments(*words), playbook, extra_vars or {}, str(cwd), job_name)


# Job and playbook


@pytest.mark.parametrize(
    ("playbook", "job_name", "shown"),
    [
        ("deploy.yml", "deploy.yml", "deploy.yml"),
        ("./plays/deploy.yml", "deploy.yml", "plays/deploy.yml"),
        ("/elsewhere/deploy.yml", "deploy.yml", "/elsewhere/deploy.yml"),
        ("/c/ansible_collections/acme/shop/playbooks/deploy.yml", "acme.shop.deploy", "acme.shop.deploy"),
        ("/c/ansible_collections/acme/shop/playbooks/db/up.yaml", "acme.shop.db.up", "acme.shop.db.up"),
    ],
)
def test_names_of_playbooks_outside_a_project(playbook: str, job_name: str, shown: str) -> None:
    run = _collect("ansible-playbook", playbook)
    assert (run.job_name, run.playbook) == (job_name, shown)


def test_the_job_is_named_by_option_then_template_then_path(tmp_path: Path) -> None:
    (tmp_path / "plays").mkdir()
    arguments = ("ansible-playbook", str(tmp_path / "plays" / "deploy.yml"))
    assert _collect(*arguments, environ=AWX_ENV, extra_vars=AWX_VARS, job_name="shop").job_name == "shop"
    assert _collect(*arguments, environ=AWX_ENV, extra_vars=AWX_VARS, job_name=" ").job_name == "Deploy shop"
    in_project = _collect(*arguments, environ=AWX_ENV, extra_vars={"awx_job_id": 42}, cwd=tmp_path)
    assert in_project.job_name == "plays/deploy.yml"
    assert _collect(*arguments, cwd=tmp_path).job_name == "deploy.yml"


def test_ad_hoc_runs() -> None:
    run = _collect("ansible", "web", "-i", "hosts", "-m", "ping", "-a", "data=hunter2x", "-e", "x=hunter2x")
    assert run.job_name.startswith("ad-hoc:ping:")
    assert (run.playbook, run.title) == ("ansible -m ping", "ansible -m ping")
    assert run.rerun_command(["web1"]).startswith("ansible web --module-name ping --inventory ")
    assert "hunter2x" not in f"{run} {run.rerun_command(['web1'])}"


def test_the_name_of_a_projects_jobs_is_none_for_ad_hoc_commands_in_it() -> None:
    command = ("ansible", "web", "-m", "ping")
    assert _collect(*command, job_name="shop").job_name == f"shop:{_collect(*command).job_name}"


def test_a_playbook_that_comes_through_a_pipe_has_a_lasting_name_only_by_option_or_template() -> None:
    pipe = ("ansible-playbook", "/dev/stdin")
    assert (_collect(*pipe).is_lasting, _collect(*pipe).title) == (False, "/dev/stdin")
    assert _collect(*pipe).rerun_command(["web1"]) == ""
    assert _collect(*pipe, job_name="shop").is_lasting
    assert _collect(*pipe, environ=AWX_ENV, extra_vars=AWX_VARS).is_lasting


def test_a_name_given_to_a_generated_playbook_lasts() -> None:
    generated = ("ansible-playbook", "/tmp/tmpk3j_9x2a.yml")
    assert _collect(*generated).is_generated
    assert not _collect(*generated, job_name="shop").is_generated


# Machines called localhost


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.localdomain", "127.0.0.1", "127.1.2.3", "::1"])
def test_local_names_are_told_apart_by_the_controllers_name(host: str) -> None:
    run = RunContext(controller="web1")
    assert (run.machine(host), run.shown_host(host)) == ("web1", f"{host} (web1)")
    in_awx = RunContext(controller="node-1", build=Build(template="Deploy"))
    assert (in_awx.machine(host), in_awx.shown_host(host)) == (host, f"{host} (node-1)")


@pytest.mark.parametrize("host", ["web1", "localhost2", "mylocalhost", "10.0.0.1", "1270.example.com"])
def test_other_names_stay_as_they_are(host: str) -> None:
    run = RunContext(controller="web9")
    assert (run.machine(host), run.shown_host(host)) == (host, host)


def test_a_controller_that_calls_itself_localhost_adds_nothing() -> None:
    assert RunContext(controller="localhost").shown_host("localhost") == "localhost"
    assert RunContext().machine("localhost") == "localhost"


@pytest.mark.parametrize(("limit", "is_own"), [(f"localhost,{platform.node()},127.0.0.1", True), ("localhost", False)])
def test_the_limit_of_ansible_pull_makes_a_run_no_partial_one(limit: str, is_own: bool) -> None:
    run = _collect("ansible-playbook", "local.yml", "-l", limit)
    assert (run.by_pull, run.partial) == (is_own, not is_own)


# git


def _git(folder: Path, *words: str) -> str:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x@example.com",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x@example.com",
    }
    command = ["git", "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "plays").mkdir(parents=True)
    (folder / "plays" / "deploy.yml").write_text("[]\n", encoding="utf-8")
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "first")
    return folder


def _revision(folder: Path) -> str:
    checkout = checkout_of(str(folder))
    assert checkout is not None
    return checkout.revision


def test_path_and_revision_in_a_repository(repository: Path) -> None:
    run = _collect("ansible-playbook", "deploy.yml", cwd=repository / "plays")
    assert (run.job_name, run.playbook) == ("plays/deploy.yml", "deploy.yml")
    assert run.revision == _git(repository, "rev-parse", "HEAD")
    assert run.short_revision == run.revision[:10]


def test_a_project_that_is_reached_through_a_link(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository)
    assert _collect("ansible-playbook", str(tmp_path / "link/plays/deploy.yml")).job_name == "plays/deploy.yml"


@pytest.mark.parametrize(
    "commands",
    [
        [["pack-refs", "--all"]],
        [["checkout", "--quiet", "--detach"]],
        [["checkout", "--quiet", "-b", "feature/x"], ["commit", "--quiet", "--allow-empty", "-m", "second"]],
        [["pack-refs", "--all"], ["commit", "--quiet", "--allow-empty", "-m", "newer than what is packed"]],
        [["tag", "-a", "v1", "-m", "v1"], ["pack-refs", "--all"], ["checkout", "--quiet", "v1"]],
        [["symbolic-ref", "refs/heads/alias", "refs/heads/main"], ["symbolic-ref", "HEAD", "refs/heads/alias"]],
    ],
    ids=["packed", "detached", "branch in a folder", "packed and loose", "packed tag", "symbolic"],
)
def test_revisions_of_real_repositories(repository: Path, commands: list[list[str]]) -> None:
    for command in commands:
        _git(repository, *command)
    assert _revision(repository / "plays") == _git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("pack", [False, True], ids=["loose", "packed"])
def test_a_worktree_has_its_own_head(repository: Path, tmp_path: Path, pack: bool) -> None:
    tree = tmp_path / "tree"
    _git(repository, "worktree", "add", "--quiet", str(tree), "-b", "side")
    _git(tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    if pack:
        _git(repository, "pack-refs", "--all")
    assert _revision(tree) == _git(tree, "rev-parse", "HEAD") != _git(repository, "rev-parse", "HEAD")


def test_a_submodule_is_a_project_of_its_own(repository: Path, tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    _git(parent, "init", "--quiet")
    _git(parent, "submodule", "--quiet", "add", str(repository), "sub")
    checkout = checkout_of(str(parent / "sub" / "plays"))
    assert checkout is not None
    assert checkout.top == str(parent / "sub")
    assert checkout.revision == _git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("head", "revision"),
    [
        ("ref: refs/heads/unborn", ""),
        ("ref: refs/heads/../../../secret", ""),
        ("ref: HEAD", ""),
        ("not a revision", ""),
        ("", ""),
        ("b" * 64, "b" * 64),
    ],
)
def test_strange_heads(repository: Path, head: str, revision: str) -> None:
    (repository / ".git" / "HEAD").write_text(head, encoding="utf-8")
    assert _revision(repository) == revision


@pytest.mark.parametrize("content", ["gitdir: nowhere", "rubbish", "gitdir:"])
def test_a_broken_git_file_is_no_checkout(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content, encoding="utf-8")
    checkout = checkout_of(str(tmp_path))
    assert checkout is None or checkout.top != str(tmp_path)


# Who, and which job of which service


def test_a_job_of_awx() -> None:
    run = _collect(environ={**AWX_ENV, "LOGNAME": "root"}, extra_vars=AWX_VARS)
    assert run.build.name == "AWX job 42"
    assert run.build.url == "https://awx.example.com/#/jobs/playbook/42"
    assert (run.user, run.controller, run.revision) == ("alice", "node-1.example.com", "a" * 40)


@pytest.mark.parametrize(
    ("environ", "extra_vars", "url"),
    [
        (AWX_ENV, {}, "https://awx.example.com/#/jobs/playbook/42"),
        ({"AWX_HOST": "https://awx.example.com/"}, {"tower_job_id": "7"}, "https://awx.example.com/#/jobs/playbook/7"),
        (
            {**AWX_ENV, "ANSIBLE_CALLBACKS_ENABLED": "indirect_instance_count,x"},
            AWX_VARS,
            "https://awx.example.com/execution/jobs/playbook/42/output",
        ),
        ({"AWX_HOST": "https://x:y@awx.example.com"}, AWX_VARS, "https://awx.example.com/#/jobs/playbook/42"),
        ({"AWX_HOST": "https://towerhost"}, AWX_VARS, ""),
        ({"AWX_HOST": "https://platformhost"}, AWX_VARS, ""),
        ({"AWX_HOST": "javascript:x"}, AWX_VARS, ""),
        ({"AWX_HOST": "https://[x"}, AWX_VARS, ""),
        ({}, AWX_VARS, ""),
        (AWX_ENV, {"awx_job_id": "../../x"}, ""),
    ],
)
def test_links_to_awx(environ: dict[str, str], extra_vars: dict[str, Any], url: str) -> None:
    assert _collect(environ=environ, extra_vars=extra_vars).build.url == url


@pytest.mark.parametrize(
    ("extra_vars", "user"),
    [
        ({"awx_job_id": 1, "tower_user_name": "bob"}, "bob"),
        ({"awx_job_id": 1, "awx_job_launch_type": "scheduled", "awx_schedule_name": "nightly"}, "schedule nightly"),
        ({"awx_job_id": 1, "awx_parent_job_schedule_name": "nightly"}, "schedule nightly"),
        ({"awx_job_id": 1, "awx_job_launch_type": "callback"}, "callback"),
    ],
)
def test_who_started_a_job_of_awx(extra_vars: dict[str, Any], user: str) -> None:
    assert _collect(environ=AWX_ENV, extra_vars=extra_vars).user == user


def test_another_branch_of_an_awx_project_is_read_from_git(repository: Path) -> None:
    extra_vars = {**AWX_VARS, "awx_job_scm_branch": "feature"}
    run = _collect(environ=AWX_ENV, extra_vars=extra_vars, cwd=repository)
    assert run.revision == _git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("environ", "build"),
    [
        pytest.param(
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "acme/shop",
                "GITHUB_RUN_ID": "99",
                "GITHUB_RUN_NUMBER": "7",
                "GITHUB_RUN_ATTEMPT": "2",
                "GITHUB_WORKFLOW": "deploy",
                "GITHUB_ACTOR": "alice",
                "GITHUB_SHA": "c" * 40,
                "GITHUB_WORKSPACE": "/w",
            },
            Build(
                "GitHub Actions deploy #7",
                "https://github.com/acme/shop/actions/runs/99/attempts/2",
                "alice",
                "c" * 40,
                "/w",
            ),
            id="GitHub Actions",
        ),
        pytest.param(
            {
                "GITLAB_CI": "true",
                "CI_JOB_URL": "https://gitlab.example.com/acme/shop/-/jobs/5",
                "CI_JOB_ID": "5",
                "CI_JOB_NAME": "deploy",
                "CI_COMMIT_SHA": "c" * 40,
                "CI_PROJECT_DIR": "/w",
                "GITLAB_USER_LOGIN": "alice",
            },
            Build("GitLab deploy #5", "https://gitlab.example.com/acme/shop/-/jobs/5", "alice", "c" * 40, "/w"),
            id="GitLab",
        ),
        pytest.param(
            {
                "JENKINS_URL": "https://jenkins.example.com/",
                "BUILD_URL": "https://jenkins.example.com/job/deploy/3/",
                "JOB_NAME": "deploy",
                "BUILD_NUMBER": "3",
                "BUILD_USER_ID": "alice",
                "GIT_COMMIT": "c" * 40,
                "WORKSPACE": "/w",
            },
            Build("Jenkins deploy #3", "https://jenkins.example.com/job/deploy/3/", "alice", "c" * 40, "/w"),
            id="Jenkins",
        ),
        pytest.param({"BUILD_URL": "https://ci.example.com/1"}, Build(url="https://ci.example.com/1"), id="any"),
        pytest.param({"BUILD_URL": "file:///etc/passwd"}, Build(), id="no web address"),
        pytest.param({"JOB_ID": "5", "JOB_NAME": "x", "GITHUB_ACTOR": "x"}, Build(), id="none"),
    ],
)
def test_services(environ: dict[str, str], build: Build) -> None:
    run = _collect(environ={**environ, "LOGNAME": "runner"})
    assert run.build == build
    assert run.user == (build.user or "runner")
    assert run.revision == build.revision


def login_name() -> str:
    """What /etc/passwd calls this user; a container's may have no name."""
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_uid == os.getuid()), "")


@pytest.mark.parametrize(
    ("environ", "user"),
    [
        ({"SUDO_USER": "alice", "LOGNAME": "root", "USER": "root"}, "alice"),
        ({"SUDO_USER": "", "LOGNAME": "bob", "USER": "x"}, "bob"),
        ({"USER": "carol"}, "carol"),
        ({}, login_name()),
    ],
)
def test_who_started_it_without_a_service(environ: dict[str, str], user: str) -> None:
    assert _collect(environ=environ).user == user


def test_the_controller() -> None:
    run = _collect()
    assert (run.controller, run.core_version) == (socket.gethostname(), __version__)


# What part of the whole


@pytest.mark.parametrize(
    "words",
    [["--limit", "web1"], ["--tags", "a"], ["--skip-tags", "b"], ["--start-at-task", "x y"], ["--check"], ["--step"]],
    ids=" ".join,
)
def test_a_part_of_the_run_is_known_as_one(words: list[str]) -> None:
    assert _collect("ansible-playbook", "deploy.yml", *words).partial is True


@pytest.mark.parametrize("words", [[], ["--tags", "all"], ["--diff"], ["-e", "x=1"], ["-b"]], ids=" ".join)
def test_a_whole_run_is_known_as_one(words: list[str]) -> None:
    assert _collect("ansible-playbook", "deploy.yml", *words).partial is False


def test_what_was_chosen_is_told() -> None:
    command = "ansible-playbook deploy.yml -l web -t b,a --skip-tags d,c --start-at-task x --check"
    run = _collect(*shlex.split(command))
    assert (run.limit, run.tags, run.skip_tags) == ("web", ("a", "b"), ("c", "d"))
    assert (run.start_at_task, run.check) == ("x", True)


@pytest.mark.parametrize("in_git", [True, False], ids=["checkout", "folder"])
def test_inventories_are_named_by_their_path_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_git: bool
) -> None:
    project = tmp_path / "shop"
    (project / "stage").mkdir(parents=True)
    if in_git:
        _git(project, "init", "--quiet")
    monkeypatch.chdir(project / "stage")
    words = ["-i", "hosts", "-i", "../prod/", "-i", "web1,web2", "-i", "/etc/ansible/hosts"]
    run = _collect("ansible-playbook", "../deploy.yml", *words, cwd=project / "stage")
    assert run.inventories == ("stage/hosts", "prod", "web1,web2", "/etc/ansible/hosts")
    assert run.inventory == ", /etc/ansible/hosts prod stage/hosts"


@pytest.mark.parametrize(
    ("playbook", "inventory", "name", "identity"),
    [
        ("/runner/project/site.yml", "/runner/inventory/hosts", "../inventory/hosts", "../inventory/hosts"),
        ("/srv/site.yml", "/etc/ansible/hosts", "/etc/ansible/hosts", "/etc/ansible/hosts"),
        ("/srv/shop/site.yml", "/tmp/inventory123.ini", "/tmp/inventory123.ini", ","),
        ("/srv/shop/site.yml", "/tmp/staging.ini", "/tmp/staging.ini", "/tmp/staging.ini"),
        ("/srv/shop/site.yml", "/dev/fd/63", "/dev/fd/63", ","),
        ("/tmp/x/project/site.yml", "/tmp/x/inventory/hosts", "../inventory/hosts", "../inventory/hosts"),
    ],
)
def test_inventories_outside_of_the_project(playbook: str, inventory: str, name: str, identity: str) -> None:
    run = _collect("ansible-playbook", playbook, "-i", inventory)
    assert (run.inventories, run.inventory) == ((name,), identity)


def test_awx_names_its_inventory(tmp_path: Path) -> None:
    words = ["ansible-playbook", "deploy.yml", "-i", "/runner/inventory/hosts"]
    run = _collect(*words, environ=AWX_ENV, extra_vars={**AWX_VARS, "awx_inventory_name": "Prod, EU"}, cwd=tmp_path)
    assert (run.inventories, run.inventory) == (("Prod, EU",), "Prod, EU")


def test_a_long_list_of_hosts_is_counted() -> None:
    hosts = ",".join(f"web{number}.example.com" for number in range(200))
    run = _collect("ansible-playbook", "deploy.yml", "-i", hosts)
    assert run.inventories == ("200 hosts",)
    assert "--inventory …" in run.rerun_command(["web1"]).replace("'", "")


# Once more


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("-i inv/prod", "ansible-playbook deploy.yml --inventory inv/prod --limit web1,web2"),
        ("-i web1,web2,", "ansible-playbook deploy.yml --inventory web1,web2, --limit web1,web2"),
        ("-i i -l web -t b,a", "ansible-playbook deploy.yml --inventory i --limit web1,web2 --tags a,b"),
        (
            "-i i -b --become-user db -K -u bob --check",
            (
                "ansible-playbook deploy.yml --inventory i --user bob --become-user db --become --ask-become-pass "
                "--check --limit web1,web2"
            ),
        ),
        (
            "-i i --vault-id dev@key.txt --start-at-task 'it is'",
            (
                "ansible-playbook deploy.yml --inventory i --vault-id dev@key.txt --limit web1,web2 "
                "--start-at-task 'it is'"
            ),
        ),
        ("-i i -e token=hunter2x -e @x.yml", "ansible-playbook deploy.yml --inventory i --limit web1,web2 -e …"),
        (
            "-i i --ssh-common-args=-oProxyCommand=hunter2x",
            "ansible-playbook deploy.yml --inventory i --limit web1,web2",
        ),
    ],
    ids=lambda words: words[:40],
)
def test_the_command_to_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    run = _collect("ansible-playbook", "deploy.yml", *shlex.split(words), cwd=tmp_path)
    assert run.rerun_command(["web1", "web2", "web1"]) == command
    assert "hunter2x" not in repr(run)


def test_hosts_and_paths_are_quoted_for_a_shell() -> None:
    run = _collect("ansible-playbook", "my plays/deploy.yml")
    words = shlex.split(run.rerun_command(["web1; rm -rf /", "$(x)"]))
    assert words[1] == "my plays/deploy.yml"
    assert words[words.index("--limit") + 1] == "web1; rm -rf /,$(x)"


MANY = [f"w{number:05}" for number in range(10_000)]
# No two of them have numbers that follow each other.
ODD = [f"w{number * 7919 % 99_991}x" for number in range(5_000)]


def test_many_hosts_are_named_by_range() -> None:
    run = _collect("ansible-playbook", "deploy.yml", "-i", "i,", "--limit", "web", "--tags", "a b")
    assert "--limit " + ",".join(f"w{number}" for number in range(50)) in run.rerun_command(f"w{n}" for n in range(50))
    command = run.rerun_command(MANY)
    assert command == (
        """ansible-playbook deploy.yml --inventory i, --limit "$(printf %s, w{00000..09999})" --tags 'a b'"""
        "  # 10000 hosts, for bash or zsh"
    )


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_a_shell_runs_it_for_these_hosts() -> None:
    line = _collect("ansible-playbook", "deploy.yml", "-i", "i,").rerun_command(MANY)
    show = line.replace("ansible-playbook", "printf '%s\\n'", 1)
    run = subprocess.run(["bash", "-c", show], check=True, capture_output=True, text=True)
    *words, limit = run.stdout.split()
    assert words == ["deploy.yml", "--inventory", "i,", "--limit"]
    assert limit.strip(",").split(",") == MANY


@pytest.mark.parametrize("hosts", [ODD, [f"größe{number}" for number in range(60)]], ids=["no ranges", "not plain"])
def test_hosts_that_make_no_ranges_come_from_a_file(
    hosts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(**more: bool) -> str:
        return _collect("ansible-playbook", "my plays/deploy.yml", cwd=tmp_path).rerun_command(hosts, **more)

    to_be_made = f"--limit @failed-hosts.txt  # a file to be made, with the {len(hosts)} hosts that failed, one a line"
    assert command().endswith(to_be_made)
    monkeypatch.setattr(constants, "RETRY_FILES_ENABLED", True)
    beside = shlex.quote(f"@{tmp_path}/my plays/deploy.retry")
    assert command().endswith(f"--limit {beside}  # all hosts that failed in this run")
    # What lies there is of an earlier run.
    assert command(came_to_its_end=False).endswith(to_be_made)
    monkeypatch.setattr(constants, "RETRY_FILES_SAVE_PATH", "/srv/retry")
    assert "--limit @/srv/retry/deploy.retry  #" in command()


@pytest.mark.parametrize("cliargs", [{}, {"inventory": 5, "tags": None}, {"args": object(), "module_name": None}])
def test_nothing_is_raised_for_what_nobody_expects(cliargs: dict[str, Any]) -> None:
    run = collect({}, cliargs, "\0", {}, "\0")
    assert isinstance(run.rerun_command(["web1"]), str)
    assert collect({}, cliargs, "", {"awx_job_id": object()}, "/nowhere").job_name
