# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells who runs what, from where, and how to run it again.

Reads what it is given and git's files; starts no program, asks no network, and never raises.
"""

from __future__ import annotations

import os
import platform
import pwd
import shlex
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible import constants
from ansible.release import __version__ as core_version

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ci import NO_BUILD, Build, find_build
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._host_ranges import is_plain, ranges_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job import Job, inside, job_of, looks_generated
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pull import is_limit_of_pull, parent_is_pull

MAX_HOSTS = 50
"""Hosts that a command to run again names, each by itself. More do not fit into a line that somebody reads."""

_MAX_RANGES = 1000
"""Characters of ranges that a command to run again names."""

_MAX_ARGUMENT = 100_000
"""Characters that a shell makes of them. Linux takes an argument of 131,071 bytes."""

MAX_SOURCE = 100
"""Characters of an inventory source. A longer one is a list of hosts on the command line."""

_HOSTS_FILE = "failed-hosts.txt"

SHORT_REVISION = 10

# Names that each machine has for itself (RFC 6761 and what distributions put into /etc/hosts).
_LOCAL_NAMES = frozenset(
    ("localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback", "::1")
)

_USER_VARIABLES = ("SUDO_USER", "LOGNAME", "USER", "USERNAME")

_Value = TypeVar("_Value")

# Options that change nothing about which hosts and tasks run, hold no secret, and are needed to run alike.
_VALUES = {
    "remote_user": "--user",
    "connection": "--connection",
    "private_key_file": "--private-key",
    "become_method": "--become-method",
    "become_user": "--become-user",
    "become_password_file": "--become-password-file",
    "connection_password_file": "--connection-password-file",
}
_FLAGS = {
    "become": "--become",
    "become_ask_pass": "--ask-become-pass",
    "ask_pass": "--ask-pass",
    "ask_vault_pass": "--ask-vault-pass",
    "force_handlers": "--force-handlers",
    "check": "--check",
    "diff": "--diff",
}
_LISTS = {"vault_ids": "--vault-id", "vault_password_files": "--vault-password-file"}
_DEFAULTS = {"connection": "ssh", "become_method": "sudo"}


@dataclass(frozen=True)
class RunContext:
    """One run of a playbook. Text is empty where nothing is known."""

    job_name: str = ""
    """Names the job for every run of it, wherever it runs."""

    is_lasting: bool = True
    """Whether another run can be known to be one of the same job."""

    is_generated: bool = False
    """Whether the job is named by a path that looks made for one run."""

    is_hashed: bool = False
    """Whether the job's name is a hash that only tells it from others."""

    by_pull: bool = False
    """Whether ansible-pull has started this run."""

    playbook: str = ""
    """The playbook as a person would name it."""

    in_project: bool = True
    """Whether the playbook's place in its project tells enough: in a checkout, or where somebody has named the job."""

    playbook_name: str = ""
    """The playbook's path in its project, wherever that lies: tells playbooks of one job name apart."""

    user: str = ""
    controller: str = ""
    """The name of the machine that Ansible runs on."""

    revision: str = ""
    """The project's git commit, whole."""

    core_version: str = core_version
    build: Build = NO_BUILD
    """The job of AWX or CI that this run is part of."""

    inventories: tuple[str, ...] = ()
    """Inventory sources: by their path in the project or beside it, else by the whole path."""

    inventory: str = ""
    """What tells the inventory from others that may have hosts of the same names.

    All lists of hosts are C(,), and so are all temporary files.
    """

    limit: str = ""
    tags: tuple[str, ...] = ()
    """Empty if all tasks run."""

    skip_tags: tuple[str, ...] = ()
    start_at_task: str = ""
    check: bool = False
    partial: bool = False
    """Something makes this run less than a whole one: limit, tags, a task to start at, check mode, or step by step."""

    has_extra_vars: bool = False
    retry_file: str = ""
    """Where ansible-playbook writes at its end which hosts have failed, if it does."""

    command: tuple[str, ...] = ()
    """Words of the command, without hosts and tags."""

    @property
    def selects_tasks(self) -> bool:
        """Whether the run leaves out tasks of the playbook."""
        return bool(self.tags or self.skip_tags or self.start_at_task)

    @property
    def short_revision(self) -> str:
        """The revision in the length that people use."""
        return self.revision[:SHORT_REVISION]

    @property
    def title(self) -> str:
        """What the job is called in a title: what was typed, where its name has a hash in it."""
        return self.playbook if self.is_hashed and self.playbook else self.job_name

    def machine(self, host: str) -> str:
        """Return what tells a host from those of the same name: C(localhost) is another machine on each controller.

        Where a service chooses the controller for each run of the job, it is none.
        """
        return self.controller if is_local_name(host) and self.controller and not self.build.template else host

    def system(self, host: str) -> str:
        """Return the name by which other machines know a host."""
        return self.controller if is_local_name(host) and self.controller else host

    def shown_host(self, host: str) -> str:
        """Return a host as a person is to read it, as in C(localhost (controller1))."""
        is_told_apart = is_local_name(host) and self.controller and not is_local_name(self.controller)
        return f"{host} ({self.controller})" if is_told_apart else host

    def rerun_command(self, hosts: Iterable[str], came_to_its_end: bool = True) -> str:
        """Return the command that runs this again for some hosts, quoted for a shell; empty if it is not known.

        Extra variables may be secret: that there were some is shown by C(-e …), which has to be filled in.

        Args:
            hosts: their names; none to run it as it was.
            came_to_its_end: whether ansible-playbook has got as far as to write its retry file.
        """
        if not self.command:
            return ""
        limit, note = self._limit_to(list(dict.fromkeys(map(plain_text, hosts))), came_to_its_end)
        words = ["--tags", ",".join(self.tags)] if self.tags else []
        words += ["--skip-tags", ",".join(self.skip_tags)] if self.skip_tags else []
        words += ["--start-at-task", self.start_at_task] if self.start_at_task else []
        line = " ".join([*map(shlex.quote, self.command), *limit, *map(shlex.quote, words)])
        if self.has_extra_vars:
            line += " -e …"
        return f"{line}  # {note}" if note else line

    def _limit_to(self, names: list[str], came_to_its_end: bool) -> tuple[list[str], str]:
        """Return the words that limit a command to hosts, quoted, and what is to be said of them."""
        if len(names) <= MAX_HOSTS:
            limit = ",".join(names) or self.limit
            return (["--limit", shlex.quote(limit)] if limit else []), ""
        if all(map(is_plain, names)) and sum(map(len, names)) + len(names) < _MAX_ARGUMENT:
            ranges = " ".join(found.in_shell for found in ranges_of(names))
            if len(ranges) <= _MAX_RANGES:
                return ["--limit", f'"$(printf %s, {ranges})"'], f"{len(names)} hosts, for bash or zsh"
        if self.retry_file and came_to_its_end:
            return ["--limit", shlex.quote(f"@{self.retry_file}")], "all hosts that failed in this run"
        return ["--limit", f"@{_HOSTS_FILE}"], f"a file to be made, with the {len(names)} hosts that failed, one a line"


def is_local_name(host: str) -> bool:
    """Tell whether a host's name means the machine that Ansible runs on, whichever that is."""
    return host.lower() in _LOCAL_NAMES or host.startswith("127.")


def collect(
    environ: Mapping[str, str],
    cliargs: Mapping[str, Any],
    playbook: str,
    extra_vars: Mapping[str, Any],
    cwd: str,
    job_name: str | None = None,
    written: Callable[[], Any] = tuple,
) -> RunContext:
    """Return the context of a run. What cannot be found out stays empty.

    Args:
        environ: the process's environment.
        cliargs: C(ansible.context.CLIARGS).
        playbook: the path of the playbook's file, empty for an ad-hoc run.
        extra_vars: the run's extra variables; only those that AWX adds are read.
        cwd: the current directory.
        job_name: the user's own name for the job.
        written: returns what the plays say, as plain data; asked only if that is all there is to name the job by.
    """
    limit = _text(cliargs.get("subset"))
    # ansible-core has lost their order by now.
    tags = tuple(sorted(_texts(cliargs.get("tags"))))
    tags = () if "all" in tags else tags
    skip_tags = tuple(sorted(_texts(cliargs.get("skip_tags"))))
    start_at_task = _text(cliargs.get("start_at_task"))
    check = bool(cliargs.get("check"))
    build = _try(lambda: find_build(environ, extra_vars, cwd), NO_BUILD)
    ad_hoc = (
        (_text(cliargs.get("module_name")), _text(cliargs.get("module_args"))) if "module_name" in cliargs else None
    )
    job = _try(lambda: job_of(playbook, cwd, build.project, ad_hoc, written), Job(is_lasting=False))
    own_name = _text(job_name) or build.template
    in_project = job.in_project or bool(own_name)
    limit_of_pull = _try(lambda: is_limit_of_pull(limit, platform.node()), False)
    other_limit = "" if limit_of_pull else limit
    sources = [_source_name(source, job.folders, cwd) for source in _texts(cliargs.get("inventory"))]
    return RunContext(
        # A command that somebody types proves nothing about playbooks, whatever name is given to the project's jobs.
        job_name=":".join(filter(None, (own_name, job.name))) if job.ad_hoc else own_name or job.name,
        is_lasting=job.is_lasting or bool(own_name),
        is_generated=job.is_generated and not own_name,
        is_hashed=(job.ad_hoc or not job.is_lasting) and not own_name,
        by_pull=limit_of_pull or parent_is_pull(),
        playbook=job.shown,
        playbook_name=_playbook_name(job, in_project, playbook, cwd),
        in_project=in_project,
        user=build.user or next((environ[name] for name in _USER_VARIABLES if environ.get(name)), "") or _login_name(),
        controller=build.node or _try(socket.gethostname, ""),
        revision=build.revision or job.revision,
        build=build,
        inventories=(build.inventory,) if build.inventory else tuple(map(_shown_hosts, sources)),
        inventory=build.inventory or " ".join(sorted({"," if _tells_nothing(name) else name for name in sources})),
        limit=limit,
        tags=tags,
        skip_tags=skip_tags,
        start_at_task=start_at_task,
        check=check,
        partial=bool(other_limit or tags or skip_tags or start_at_task or check or cliargs.get("step")),
        has_extra_vars=bool(cliargs.get("extra_vars")),
        retry_file=_try(lambda: "" if job.ad_hoc else _retry_file(playbook, cwd), ""),
        command=_try(lambda: tuple(_command(cliargs, job, cwd)), ()),
    )


def _retry_file(playbook: str, cwd: str) -> str:
    """Return the path that ansible-playbook gives its retry file; empty if it writes none."""
    if not playbook or not constants.RETRY_FILES_ENABLED:
        return ""
    path = os.path.join(cwd, plain_text(playbook))
    folder = constants.RETRY_FILES_SAVE_PATH or os.path.dirname(path)
    return os.path.join(plain_text(folder), f"{os.path.splitext(os.path.basename(path))[0]}.retry")


def _playbook_name(job: Job, in_project: bool, playbook: str, cwd: str) -> str:
    """Return what tells a playbook from others that are the same job by their name; empty if nothing does."""
    if not job.is_lasting:
        return ""
    return job.name if in_project else os.path.normpath(os.path.join(cwd, plain_text(playbook)))


def _login_name() -> str:
    """Return who this process belongs to: services and cron often have no such variable."""
    return _try(lambda: pwd.getpwuid(os.getuid()).pw_name, "")


def _command(cliargs: Mapping[str, Any], job: Job, cwd: str) -> Iterable[str]:
    if job.ad_hoc:
        yield "ansible"
        # The pattern. The module's arguments may be secret.
        yield _text(cliargs.get("args")) or "all"
        yield from ("--module-name", _text(cliargs.get("module_name")))
    elif job.shown and job.is_lasting:
        yield from ("ansible-playbook", job.shown)
    else:
        return
    for source in _texts(cliargs.get("inventory")):
        yield from ("--inventory", _source(source, cwd))
    for name, option in _VALUES.items():
        value = _text(cliargs.get(name))
        if value and value != _DEFAULTS.get(name):
            yield from (option, value)
    for name, option in _LISTS.items():
        for value in _texts(cliargs.get(name)):
            yield from (option, value)
    for name, option in _FLAGS.items():
        if cliargs.get(name):
            yield option


def _source(source: str, cwd: str) -> str:
    if "," in source:
        return source if len(source) <= MAX_SOURCE else "…"
    return (os.path.isabs(source) and inside(source, cwd)) or source


def _source_name(source: str, folders: tuple[str, ...], cwd: str) -> str:
    """Return what an inventory source is called wherever the project lies; a list of hosts as it is."""
    if "," in source:
        return source
    path = os.path.normpath(os.path.join(cwd, source))
    within = next(filter(None, (inside(path, folder) for folder in folders)), "")
    if within:
        return within
    # ansible-runner has the two side by side, and many a project has its playbooks in a folder of their own.
    around = os.path.dirname(os.path.abspath(next(filter(None, folders), "/")))
    beside = inside(path, around) if around != "/" else ""
    return f"../{beside}" if beside else path


def _tells_nothing(source: str) -> bool:
    """Tell whether a source's name is another one each time: a list of hosts, a pipe, or a file made for the run."""
    return "," in source or source.startswith(("/dev/fd/", "/proc/")) or looks_generated(source)


def _shown_hosts(source: str) -> str:
    if "," not in source:
        return source
    hosts = [host for host in source.split(",") if host.strip()]
    return source if len(source) <= MAX_SOURCE else f"{len(hosts)} hosts"


def _text(value: Any) -> str:
    return plain_text(value).strip() if value is not None else ""


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [value]
    elif not isinstance(value, (list, tuple, set, frozenset)):
        return []
    return [text for text in map(_text, value) if text]


def _try(find: Callable[[], _Value], default: _Value) -> _Value:
    try:
        return find()
    except Exception:
        return default
