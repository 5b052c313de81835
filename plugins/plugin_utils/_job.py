# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names the job that a command runs: the same name for each run of it, wherever it runs, and for no other job.

Reads git's files, and nothing else. Opens no playbook: one that comes through a pipe can be read only once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._git import checkout_of

AD_HOC = "ad-hoc"

_COLLECTION = re.compile(r".*[/\\]ansible_collections[/\\](\w+)[/\\](\w+)[/\\]playbooks[/\\](.+)\.(?:ya?ml|json)")

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run/user")  # noqa: S108  # nothing is made there

# Characters of a SHA-256 in a name: enough to tell the jobs of one site apart, few enough to read out.
_HASH_CHARACTERS = 10

# What Python's tempfile and mktemp make of a name for which nobody gave a prefix.
_TEMPFILE = re.compile(r"(?:tmp[a-z0-9_]{8}|tmp\.\w{6,})(?:\.\w+)?")
# The digits of a process id, a date or a Unix time, as in play.$$ and run-20260131. Folders are counted with fewer.
_FILE_DIGITS = 3
_FOLDER_DIGITS = 5
# A process id of few digits, as containers have: play.37, play.37.yml.
_PROCESS_ID = re.compile(r".*\.[0-9]{2,}(?:\.[A-Za-z]+)?")
_CAMEL_CASE = re.compile(r"[a-z]*(?:[A-Z][a-z]+|[A-Z]{2,}(?![a-z]))+|[a-z]+")
# mktemp(1) replaces at least three X, and everybody writes six or more.
_RANDOM_CHARACTERS = 6


@dataclass(frozen=True)
class Job:
    """What a command runs. Text is empty where nothing is known."""

    name: str = ""
    """Names the job for every run of it."""

    shown: str = ""
    """As it can be given to ansible-playbook in the same directory."""

    revision: str = ""
    """The project's git commit, whole."""

    folders: tuple[str, ...] = ()
    """What can be the project, the likeliest first."""

    ad_hoc: bool = False
    """Whether the command is C(ansible), which has no playbook."""

    in_project: bool = True
    """Whether its name tells its place in a checkout. If not, playbooks of the same name may lie elsewhere."""

    is_lasting: bool = True
    """Whether another command can be known to run the same job: not so for a playbook that comes through a pipe."""

    is_generated: bool = False
    """Whether the playbook lies in a place that looks made for one run."""


def job_of(playbook: str, cwd: str, project: str, ad_hoc: tuple[str, str] | None, written: Callable[[], Any]) -> Job:
    """Name what a command runs.

    Args:
        playbook: the path of the playbook's file; empty if there is none.
        cwd: the current directory.
        project: the folder that a service (AWX, CI) says the project lies in; empty if it says nothing.
        ad_hoc: module and arguments of the command C(ansible); None for others.
        written: returns what the plays say, as plain data.
    """
    if ad_hoc is not None:
        module, arguments = ad_hoc
        name = f"{AD_HOC}:{module}:{_hash(arguments)}"
        return Job(name, f"ansible -m {module}", _revision(cwd), _projects(cwd, project), ad_hoc=True)
    path = os.path.join(cwd, plain_text(playbook))
    if not playbook or _is_stream(path):
        return Job(f"unnamed:{_hash(written())}", playbook, _revision(cwd), _projects(cwd, project), is_lasting=False)
    match = _COLLECTION.fullmatch(os.path.normpath(path))
    checkout = checkout_of(os.path.dirname(path))
    revision = checkout.revision if checkout else ""
    if match:
        name = ".".join([match[1], match[2], re.sub(r"[/\\]", ".", match[3])])
        return Job(name, name, revision, _projects(cwd, project))
    folders = (checkout.top if checkout else "", project, os.path.dirname(path))
    shown = inside(path, cwd) or os.path.normpath(path)
    name = inside(path, checkout.top) if checkout else ""
    if name:
        return Job(name, shown, revision, folders)
    name = inside(path, project)
    if name:
        return Job(name, shown, revision, folders, in_project=False)
    if looks_generated(path):
        return Job(os.path.normpath(path), shown, revision, folders, is_generated=True)
    return Job(os.path.basename(path), shown, revision, folders, in_project=False)


def inside(path: str, folder: str) -> str:
    """Return the path as seen from a folder above it, or nothing if the folder is not above it."""
    if not folder:
        return ""
    for seen in (os.path.abspath, os.path.realpath):
        relative = os.path.relpath(seen(path), seen(folder))
        if relative.split(os.sep, 1)[0] != os.pardir:
            return relative.replace(os.sep, "/")
    return ""


def in_temporary_folder(path: str) -> str:
    """Return the path as seen from the folder for temporary files that it lies in, or nothing."""
    found = (inside(path, folder) for folder in (tempfile.gettempdir(), *_TEMPORARY))
    return next(filter(None, found), "")


def looks_generated(path: str) -> bool:
    """Tell whether a file lies in a folder for temporary files under a name that a program has made up."""
    *folders, file = in_temporary_folder(path).split("/")
    return _is_made_up(file, _FILE_DIGITS, 1) or any(_is_made_up(folder, _FOLDER_DIGITS, 2) for folder in folders)


def _is_made_up(name: str, digits: int, inner_digits: int) -> bool:
    if _TEMPFILE.fullmatch(name) or _PROCESS_ID.fullmatch(name):
        return True
    parts = re.split(r"[._\-]", name)
    return any(len(part) - len(part.rstrip("0123456789")) >= digits or _is_random(part, inner_digits) for part in parts)


def _is_random(part: str, inner_digits: int) -> bool:
    """Tell whether a word has digits before its last letters, or capitals as no CamelCase has them.

    People name folders C(r1test) or C(web2shop), so one digit in a folder's name says little.
    """
    if len(part) < _RANDOM_CHARACTERS or not part.isalnum():
        return False
    word = part.rstrip("0123456789")
    has_both_cases = any(map(str.isupper, word)) and any(map(str.islower, word))
    return sum(map(str.isdigit, word)) >= inner_digits or (has_both_cases and not _CAMEL_CASE.fullmatch(word))


def _is_stream(path: str) -> bool:
    """Tell whether a path is that of a pipe, as of the standard input: another playbook each time."""
    if path.startswith(("/dev/", "/proc/")) and not path.startswith("/dev/shm/"):  # noqa: S108  # only looked at
        return True
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _projects(cwd: str, project: str) -> tuple[str, ...]:
    checkout = checkout_of(cwd)
    return (checkout.top if checkout else "", project)


def _revision(cwd: str) -> str:
    checkout = checkout_of(cwd)
    return checkout.revision if checkout else ""


def _hash(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARACTERS]
