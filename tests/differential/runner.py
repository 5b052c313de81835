# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cases on one ansible-core and gathers what happened: the exit code, and ansible-core's own list of failed hosts.

That list is the retry file: ansible-core writes the failed and unreachable hosts to it when a playbook ends. It is
independent of everything under test.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .case import Case
from .cases import Pair
from .observer import Observation, Observer

HERE = Path(__file__).resolve().parent

TIME_OUT = 60
"""Seconds for one run. The longest takes 5."""


@dataclass(frozen=True)
class Run:
    """One case on one strategy, and how it ended."""

    case: Case
    strategy: str
    folder: Path
    exit_code: int
    statistics: bool
    """The run reached its statistics (and its retry file)."""

    ended_hosts: frozenset[str]
    observation: Observation
    seconds: float

    @property
    def output(self) -> str:
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")


class Core:
    """An ansible-core, by the interpreter that has it, kept warm."""

    def __init__(self, python: str, observer: Observer, home: Path) -> None:
        self._python = python
        self._observer = observer
        self._environment = self._clean_environment(home)
        self._process: subprocess.Popen[str] | None = None

    def run(self, case: Case, strategy: str, folder: Path) -> Run:
        """Write the case into the folder and run it there."""
        case.write(folder, strategy)
        environment = {**case.environment, **self._observer.environment(folder)}
        start = time.monotonic()
        if case.environment:
            # ansible-core reads much of the environment when it is imported.
            exit_code = self._run_cold(case, folder, environment)
        else:
            exit_code = self._run_warm(case, folder, environment)
        seconds = time.monotonic() - start
        recap = "PLAY RECAP" in (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
        return Run(
            case=case,
            strategy=strategy,
            folder=folder,
            exit_code=exit_code,
            # A second playbook can end by an exception after the first one's statistics.
            statistics=recap and case.cut_hosts is None,
            ended_hosts=self._retry_hosts(folder),
            observation=self._observer.observe(folder),
            seconds=seconds,
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _run_warm(self, case: Case, folder: Path, environment: dict[str, str]) -> int:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, str(HERE / "warm_ansible.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment,
                text=True,
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes to the warm process")
        job = {"argv": case.argv(), "folder": str(folder), "environment": environment}
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        pid = self._answer(process.stdout)["pid"]
        with _Attendant(pid, case, folder):
            return int(self._answer(process.stdout)["exit_code"])

    def _run_cold(self, case: Case, folder: Path, environment: dict[str, str]) -> int:
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [str(Path(self._python).with_name("ansible-playbook")), *case.argv()],
                cwd=folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            with _Attendant(process.pid, case, folder):
                return process.wait()

    @staticmethod
    def _answer(stdout: IO[str]) -> dict[str, Any]:
        line = stdout.readline()
        if not line:
            raise RuntimeError("the warm process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _retry_hosts(self, folder: Path) -> frozenset[str]:
        return frozenset(line for path in folder.glob("*.retry") for line in path.read_text().split())

    def _clean_environment(self, home: Path) -> dict[str, str]:
        home.mkdir(parents=True, exist_ok=True)
        config = home / "ansible.cfg"
        config.touch()
        link = home / "collections/ansible_collections/oncall/pagerduty"
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(HERE.parents[1], target_is_directory=True)
        return {
            "PATH": os.pathsep.join([str(Path(self._python).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_RETRY_FILES_ENABLED": "1",
            "ANSIBLE_FORKS": "3",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_PYTHON_INTERPRETER": self._python,
            **self._observer.settings(),
        }


class Pool:
    """Runs pairs in parallel, each worker with a warm core of its own, each run in a folder of its own."""

    def __init__(self, python: str, observer: Observer, root: Path, workers: int) -> None:
        self._root = root
        self._cores: queue.SimpleQueue[Core] = queue.SimpleQueue()
        for number in range(workers):
            self._cores.put(Core(python, observer, root / f"home{number}"))
        self._workers = workers
        self._executor = ThreadPoolExecutor(workers)
        self._submitted = 0

    def submit(self, pair: Pair) -> Future[Run]:
        """Begin a run as soon as a worker is free."""
        self._submitted += 1
        folder = self._root / re.sub(r"\W+", "-", f"{self._submitted} {pair.name}").strip("-")
        return self._executor.submit(self._run, pair, folder)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        self._executor.shutdown(cancel_futures=True)
        for _turn in range(self._workers):
            self._cores.get().close()

    def _run(self, pair: Pair, folder: Path) -> Run:
        core = self._cores.get()
        try:
            return core.run(pair.case, pair.strategy, folder)
        finally:
            self._cores.put(core)


class _Attendant:
    """Sends the case's signal when the playbook is ready for it, and ends a run that hangs."""

    def __init__(self, pid: int, case: Case, folder: Path) -> None:
        self._pid = pid
        self._signal = signal.Signals[case.signal] if case.signal else None
        self._marker = folder / "ready"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._attend)

    def __enter__(self) -> _Attendant:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        # Up to ansible-core 2.18, workers outlive a run that was killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _attend(self) -> None:
        end = time.monotonic() + TIME_OUT
        if self._signal is not None:
            while not self._marker.exists() and time.monotonic() < end:
                if self._over.wait(0.02):
                    return
            # The result that made the marker is still on its way.
            if self._over.wait(0.2):
                return
            # A terminal sends Ctrl-C to the whole process group.
            (os.killpg if self._signal is signal.SIGINT else os.kill)(self._pid, self._signal)
        if not self._over.wait(end - time.monotonic()):
            os.killpg(self._pid, signal.SIGKILL)
