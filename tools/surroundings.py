# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests in surroundings that few machines of developers have, and that machines of users do have.

python -m tools.surroundings [NAME…]

Without names, each of WORLDS, which together have all surroundings; with names, one world of those. What this machine
cannot do is said and left out; if CI is set in the environment that is a failure. SURROUNDINGS_SEED repeats an order.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pwd
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import interpreters, tree

# The unit tests, and what runs playbooks: the callback, its courier and its memory, the tasks here and delegated, keys
# in files, the collection's own playbooks.
TESTS = (
    "tests/unit",
    *(
        f"tests/integration/test_{name}"
        for name in (
            "page_on_failure.py::test_an_incident_says_what_failed_where_and_how_to_run_it_again",
            "page_on_failure_resolving.py::test_a_whole_green_run_resolves_and_the_next_one_does_nothing",
            "page_on_failure_ends.py::test_what_had_failed_before_a_signal_is_told",
            "page_on_failure_ends.py::test_a_wrong_address_holds_nothing_up_once_it_is_put_right",
            "page_on_failure_secrets.py::test_secrets_that_come_from_lookups",
            "queue.py::test_what_was_queued_is_sent_when_the_play_and_its_workers_are_gone",
            "task_hosts.py",
            "task_settings.py",
            "ready_playbooks.py::test_all_is_well",
            "ready_playbooks.py::test_a_setting_that_cannot_be_used",
        )
    ),
)
OLDEST_PYTHON = (3, 11)  # of those that tests/requirements-core.txt has an ansible-core for
JUST_BOOTED_SECONDS = 60
LONG_BOOTED_SECONDS = 400 * 86_400
CHATHAM_SECONDS = 45_900  # east of Greenwich, in winter
ODD_FOLDER = "Häuser und Bäume"
# Of linux/sockios.h and linux/if.h: how a network interface is switched on, and how it loses an address.
SIOCSIFFLAGS, SIOCDIFADDR, IFF_UP = 0x8914, 0x8936, 0x1
LOOPBACK_INDEX = 1  # in every network namespace


class CannotBeHad(Exception):
    """This machine does not have such surroundings; the text says what is missing."""


def nothing() -> None:
    """What most surroundings need to do in a process that enters them."""


@dataclass(frozen=True)
class Surrounding:
    """One thing that is unusual about a machine.

    Attributes:
        name: for the command line.
        namespaces: returns the arguments for unshare, which need root.
        variables: of the environment; None takes one away.
        pytest: further arguments.
        folder: the checkout and all temporary files are below a folder of this name.
        enter: done in the process that becomes pytest; OSError or CannotBeHad if that is not possible.
    """

    name: str
    namespaces: Callable[[], tuple[str, ...]] = tuple
    variables: Mapping[str, str | None] = field(default_factory=dict)
    pytest: tuple[str, ...] = ()
    folder: str = "plain"
    enter: Callable[[], None] = nothing


def booted(ago: float) -> tuple[str, ...]:
    """Arguments for unshare that let the machine have been booted so many seconds ago."""
    clocks = {"boottime": time.CLOCK_BOOTTIME, "monotonic": time.CLOCK_MONOTONIC}
    offsets = (f"--{name}={round(ago - time.clock_gettime(clock))}" for name, clock in clocks.items())
    return ("--time", *offsets)


def check_uptime(least: float, most: float) -> None:
    """In a container with a time namespace of its own the offsets may be counted from another beginning."""
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    if not least <= uptime <= most:
        raise CannotBeHad(f"the uptime is {uptime:.0f} s in a time namespace that was to have {least} to {most} s")


def check_time_zone() -> None:
    """An unknown zone counts as UTC, without an error."""
    time.tzset()
    if -time.timezone != CHATHAM_SECONDS:
        raise CannotBeHad("there is no time zone data: install tzdata")


def have_no_ipv6() -> None:
    """Leave a new network namespace with the loopback device, and no IPv6."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    try:
        for name in ("all", "default", "lo"):
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1", encoding="ascii")
    except OSError:
        # Containers often have these files read-only, or lack them. Without its address nothing can be reached by IPv6.
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            own = struct.pack("=16sIi", socket.inet_pton(socket.AF_INET6, "::1"), 128, LOOPBACK_INDEX)
            fcntl.ioctl(any_socket, SIOCDIFADDR, own)
    if ipv6_works():
        raise CannotBeHad("there is IPv6 in a network namespace that was to have none")


def ipv6_works() -> bool:
    """Whether something can listen on the loopback address of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def become_unknown() -> None:
    """Be a user whom /etc/passwd does not know, with no rights."""
    if os.geteuid() != 0:
        raise CannotBeHad("only root can become another user")
    known = {entry.pw_uid for entry in pwd.getpwall()}
    number = next(number for number in itertools.count(12345) if number not in known)
    os.setgroups([])
    os.setgid(number)
    os.setuid(number)


SEED = os.environ.get("SURROUNDINGS_SEED") or str(random.randrange(1_000_000))
# In the order in which a process enters them: who has become another user can do nothing else.
ALL = (
    Surrounding(
        "just-booted", lambda: booted(JUST_BOOTED_SECONDS), enter=lambda: check_uptime(0, 2 * JUST_BOOTED_SECONDS)
    ),
    Surrounding(
        "long-booted",
        lambda: booted(LONG_BOOTED_SECONDS),
        enter=lambda: check_uptime(LONG_BOOTED_SECONDS / 2, 2 * LONG_BOOTED_SECONDS),
    ),
    Surrounding("no-ipv6", lambda: ("--net",), enter=have_no_ipv6),
    Surrounding("random-order", pytest=("-p", "randomly", f"--randomly-seed={SEED}")),
    Surrounding("odd-path", folder=ODD_FOLDER),
    Surrounding("chatham", variables={"TZ": "Pacific/Chatham"}, enter=check_time_zone),
    Surrounding("c-locale", variables={"LC_ALL": "C", "LANG": None, "LANGUAGE": None, "PYTHONUTF8": "0"}),
    Surrounding("umask-000", enter=lambda: void(os.umask(0o000))),
    Surrounding("umask-077", enter=lambda: void(os.umask(0o077))),
    Surrounding("unknown-user", variables=dict.fromkeys(("HOME", "USER", "LOGNAME")), enter=become_unknown),
)
# What hides nothing of the others is tried with them: each world costs a whole run.
WORLDS = (
    ("just-booted", "c-locale", "umask-077", "unknown-user"),
    ("long-booted", "no-ipv6", "random-order", "odd-path", "chatham", "umask-000"),
)


def void(_result: object) -> None:
    """Let an expression be a statement."""


def named(names: Sequence[str]) -> list[Surrounding]:
    """The surroundings of these names, in the order in which to enter them; SystemExit for one that is not known."""
    known = [surrounding.name for surrounding in ALL]
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"not known: {', '.join(unknown)}; known: {', '.join(known)}")
    return [surrounding for surrounding in ALL if surrounding.name in names]


@dataclass(frozen=True)
class Place:
    """A folder that everybody can read, with an environment for the tests, and copies of the checkout."""

    folder: Path
    python: Path

    def checkout(self, world: Sequence[Surrounding]) -> Path:
        """The copy of the checkout for a world."""
        folders = {surrounding.folder for surrounding in world} - {"plain"}
        folder = self.folder / (folders.pop() if folders else "plain")
        if not folder.exists():
            (folder / "tmp").mkdir(parents=True)
            (folder / "tmp").chmod(0o1777)
            tree.copy(folder)
            let_all_read(folder)
        return folder

    def run(
        self, world: Sequence[Surrounding], *arguments: str, quiet: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python in a world."""
        folder = self.checkout(world)
        variables = {**os.environ, "TMPDIR": str(folder / "tmp")}
        for surrounding in world:
            for name, value in surrounding.variables.items():
                variables.pop(name, None)
                variables.update({} if value is None else {name: value})
        namespaces = [argument for surrounding in world for argument in surrounding.namespaces()]
        unshare = ["unshare", "--fork", "--kill-child", *namespaces, "--"] if namespaces else []
        enter = [str(self.python), "-m", "tools.surroundings", "--enter", ",".join(one.name for one in world)]
        pipe = subprocess.PIPE if quiet else None
        command = [*unshare, *enter, str(self.python), *arguments]
        cwd = folder / "ansible_collections" / "oncall" / "pagerduty"
        return subprocess.run(command, cwd=cwd, env=variables, stdout=pipe, stderr=pipe, text=True, check=False)


@contextlib.contextmanager
def new_place(python: Path) -> Iterator[Place]:
    """Make a place with an environment of this interpreter; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="oncall-pagerduty-surroundings-"))
    try:
        folder.chmod(0o755)
        environment = folder / "environment"
        own = Path(environment, "bin", "python")
        pins = str(tree.CHECKOUT / "tests" / "requirements-surroundings.txt")
        make = ["virtualenv", "--quiet", "--no-periodic-update", "--python", str(python), str(environment)]
        install = ["pip", "--disable-pip-version-check", "install", "--quiet", "--requirement", pins]
        for command in ([sys.executable, "-m", *make], [str(own), "-m", *install]):
            subprocess.run(command, umask=0o022, check=True)
        let_all_read(environment)
        yield Place(folder, own)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def let_all_read(folder: Path) -> None:
    """Let everybody read what is in a folder, and enter its folders."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))


def anybody_can_run(path: Path) -> bool:
    """Whether users other than this one, and those of its group, can execute a file."""
    resolved = path.resolve()
    return all(part.stat().st_mode & 0o001 for part in (resolved, *resolved.parents))


def find_python() -> Path:
    """The interpreter to use: one that anybody can run, if there is one, else the running one's."""
    found = interpreters.find(anybody_can_run)
    fitting = [path for version, path in found.items() if version >= OLDEST_PYTHON]
    return fitting[0] if fitting else Path(getattr(sys, "_base_executable", sys.executable))


def what_is_missing(place: Place, surrounding: Surrounding) -> str:
    """Why this machine cannot have it; empty if it can."""
    if surrounding.namespaces() and shutil.which("unshare") is None:
        return "there is no unshare: install util-linux"
    if surrounding.namespaces() and os.geteuid() != 0:
        return "needs root"
    done = place.run([surrounding], "-c", "import ansible, ssl, sqlite3", quiet=True)
    said = (done.stderr or done.stdout or "").strip().splitlines()
    return (said[-1] if said else f"exit code {done.returncode}") if done.returncode else ""


def enter(names: str, command: Sequence[str]) -> None:
    """Enter surroundings, and then be another program."""
    for surrounding in named(names.split(",")):
        try:
            surrounding.enter()
        except (OSError, CannotBeHad) as error:
            sys.exit(str(error))
    os.execv(command[0], [*command])


def run_world(place: Place, world: Sequence[Surrounding]) -> bool:
    """Run the tests in a world; returns whether they passed."""
    order = [argument for surrounding in world for argument in surrounding.pytest] or ["-p", "no:randomly"]
    workers = ("-n", str(os.cpu_count() or 1), "--dist", "loadfile")
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, *order, *TESTS)
    return place.run(world, *tests).returncode == 0


def main(names: Sequence[str]) -> int:
    """Run all worlds, or the one that is named; returns 1 if tests failed, or something that matters was left out."""
    worlds = [named(world) for world in ([names] if names else WORLDS)]
    problems = []
    left_out = {}
    with new_place(find_python()) as place:
        for world in worlds:
            missing = {one.name: what_is_missing(place, one) for one in world}
            left_out.update({name: reason for name, reason in missing.items() if reason})
            present = [one for one in world if not missing[one.name]]
            together = " ".join(one.name for one in present)
            print(f"\n--- {together or 'nothing'}", flush=True)
            if present and not run_world(place, present):
                seed = f"SURROUNDINGS_SEED={SEED} " if "random-order" in together else ""
                problems.append(f'the tests failed. To run them again: {seed}make surroundings IN="{together}"')
    for name, reason in left_out.items():
        print(f"Left out: {name}: {reason}", file=sys.stderr)
    if left_out and os.environ.get("CI"):
        problems.append("this machine cannot have all surroundings, and in CI nobody looks for what was not run")
    elif len(left_out) == sum(len(world) for world in worlds):
        problems.append("nothing was run")
    for problem in problems:
        print(f"Failed: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--enter"]:
        enter(sys.argv[2], sys.argv[3:])
    sys.exit(main(sys.argv[1:]))
