# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of one playbook: makes the parts that page for it, each when it is first needed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible import constants, context

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SHARED_OPTIONS
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file, _steady
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._direct import ForgetfulError
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._inventory_sources import InventoryWatch
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._job_variables import Parameters, parameters_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._meta_tasks import may_end_early
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._open_jobs import OpenJobs
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome, silent_outcome, task_place
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._output import Output
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._pager import Pager, Parts
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext, collect
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering_reader import SteeringReader, facts_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._unknown_settings import (
    unknown_entries,
    unknown_environment,
    unknown_sections,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import (
    VariableReader,
    Variables,
    answers,
    extra_variables,
    inventory_manager,
)

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import Place as RecordedPlace
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._ledger import RecordedIncident
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._page_writer import PageWriter


@dataclass(frozen=True)
class Shared:
    """What all playbooks of one command have in common.

    Attributes:
        options: the callback's options by name.
        page_on: what to page for.
        reader: reads how failures are to be paged.
        delivery: takes the events.
        marks: tells which jobs have open incidents.
        output: shows lines to people.
        warn: shows a warning line, each text once.
    """

    options: Mapping[str, Any]
    page_on: tuple[str, ...]
    reader: SteeringReader
    delivery: Delivery
    marks: OpenJobs
    output: Output
    warn: Callable[[str], None]


class PlaybookRun:
    """One playbook's run. Costs nothing until it is asked for something."""

    def __init__(self, shared: Shared, playbook: Any) -> None:
        """Begin a playbook, given ansible-core's own object."""
        self._shared = shared
        self._playbook = playbook
        file = getattr(playbook, "_file_name", None)
        self._path = os.path.abspath(file) if file else ""
        self._variable_reader = VariableReader()
        self.play: Any = None
        """The play at work, as ansible-core's own object."""
        self.inventory = InventoryWatch(lambda: inventory_manager(self.play) if self.play is not None else None)
        self._began = _steady.uptime()
        self._plays: dict[Any, Any] = {}
        self._parameters: dict[Any, Parameters] = {}
        self._task_began: dict[Any, float] = {}
        self.check_mode = bool(context.CLIARGS.get("check"))
        """Whether the whole run only looks."""

    def begin_play(self, play: Any) -> None:
        """Begin a play, or a batch of its hosts."""
        self.play = play
        identity = getattr(play, "_uuid", None)
        self._plays.pop(identity, None)
        self._plays[identity] = play
        self._task_began.clear()

    def begin_task(self, task: Any) -> None:
        """Note when a task begins; with some strategies each host begins it by itself, and the first counts."""
        self._task_began.setdefault(getattr(task, "_uuid", None), _steady.uptime())

    def began(self, task: Any) -> float:
        """Return when a task began, in seconds since the boot; if that is not known, when the run did."""
        return self._task_began.get(getattr(task, "_uuid", None), self._began)

    @property
    def job(self) -> str:
        """The job's name."""
        return self.context.job_name

    @cached_property
    def context(self) -> RunContext:
        """Who runs what, where."""
        return collect(
            os.environ,
            context.CLIARGS,
            self._path,
            self._extra_variables(),
            os.getcwd(),
            self._shared.options["job_name"],
            self._written,
        )

    @cached_property
    def writer(self) -> PageWriter:
        """Writes the events."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._page_writer import PageWriter

        patterns = tuple(self._shared.options["redact_variables"])
        return PageWriter(self.context, patterns, self._variables_of_failure, self._shared.warn)

    @cached_property
    def memory(self) -> Memory:
        """Knows what earlier runs have left open."""
        try:
            from ansible_collections.oncall.pagerduty.plugins.plugin_utils._memory import Memory
        except ImportError as error:
            raise ForgetfulError(f"this Python cannot load its module sqlite3 ({error})") from None

        shared = self._shared
        return Memory(
            job=self.job,
            ledger=shared.delivery.ledger,
            outbox=shared.delivery.outbox,
            marks=shared.marks,
            relative=self._relative,
            inventory=self.context.inventory,
            hosts=self.inventory,
            parameters=lambda: self.parameters()[-1],
            began=self._began,
            playbook=self.context.playbook_name,
            machine=self.context.machine,
        )

    def _relative(self, path: str) -> str:
        """Return a file's path as places have it: seen from the playbook, unless that is known by its own path only."""
        if not self.context.in_project:
            # ansible-core up to 2.18 does not say where the tasks of a playbook in JSON stand.
            return path or self._path
        return os.path.relpath(path, os.path.dirname(self._path)) if path else ""

    @cached_property
    def pager(self) -> Pager:
        """Pages for this run."""
        shared = self._shared
        self._look_for_unknown_settings()
        parts = Parts(
            run=lambda: self.context,
            writer=lambda: self.writer,
            delivery=lambda: shared.delivery,
            memory=lambda: self.memory,
            steer=self.steer,
            as_if_failed=self._as_if_failed_there,
            parameters=self.parameters,
            may_end_early=lambda: self._may_end_early,
            unread=lambda: self.inventory.unread,
            warn=shared.warn,
            show=shared.output.show,
            explain=lambda text: shared.output.explain(f"page_on_failure: {text}"),
        )
        # What cannot be known to be the same job again proves nothing about it.
        resolve_on_success = shared.options["resolve_on_success"] if self.context.is_lasting else "never"
        return Pager(self.job, shared.page_on, resolve_on_success, self.check_mode, parts)

    def _look_for_unknown_settings(self) -> None:
        known = {*self._shared.options, *SHARED_OPTIONS}
        with contextlib.suppress(Exception):  # ansible-core has read the file before, and is no stricter
            file = str(constants.CONFIG_FILE)
            for warning in unknown_sections(_config_file.section_names(), file):
                self._shared.warn(warning)
            for warning in unknown_entries(_config_file.section(), known, file):
                self._shared.warn(warning)
        for warning in unknown_environment(os.environ, known):
            self._shared.warn(warning)

    def has_open_incidents(self) -> bool:
        """Tell whether earlier runs have left incidents open. One look at the disk unless they have."""
        if not self.context.is_lasting or not self._shared.marks.has(self.job):
            return False
        with contextlib.suppress(PagerDutyError):  # said at the end of the run, when it matters
            self.memory.look_back()
        return self._shared.marks.has(self.job)  # they may be over by now

    @property
    def has_pager(self) -> bool:
        """Whether there has been anything to page for."""
        return "pager" in self.__dict__

    def describe(self, host: Any, task: Any, play: Any) -> Mapping[str, Any]:
        """Note with a failure how it is to be paged, as the variables have it at this moment."""
        return {
            "steering": self._steering(host, task, play),
            "task": task,
            "play": play,
            "written_play": _name(play),
            "parameters": self._parameters_of(play),
        }

    def parameters(self) -> list[Parameters]:
        """Return what the run was started with: for each play so far, the present one last; it may have asked more."""
        return [self._parameters_of(play) for play in self._plays.values() or [self._any_play()]]

    def _parameters_of(self, play: Any) -> Parameters:
        identity = getattr(play, "_uuid", None)
        if identity not in self._parameters:
            try:
                extra = extra_variables(play) if play is not None else {}
                asked, answered = answers(play) if play is not None else ([], {})
                patterns = self._shared.options["job_variables"]
                self._parameters[identity] = parameters_of(extra, patterns, asked, answered)
            except Exception as error:  # pylint: disable=broad-except  # a page must not be lost by a variable
                self._shared.warn(f"extra variables cannot be read, so this run resolves nothing: {error}")
                # Like no other run's.
                self._parameters[identity] = Parameters(("?",), uuid.uuid4().hex)
        return self._parameters[identity]

    def as_if_failed(self, host: str, task: Any) -> Outcome:
        """Return the outcome that a task's failure on a host would have at this moment."""
        outcome = silent_outcome(host, task, self.play)
        return dataclasses.replace(outcome, reported=True, extra=self.describe(host, task, self.play))

    def _as_if_failed_there(self, incident: RecordedIncident, place: RecordedPlace) -> list[Outcome]:
        """Return the outcomes that a failure at a place of an earlier run would have, one for each play so far."""
        return [self._outcome_in(play, incident, place) for play in self._plays.values()]

    def _outcome_in(self, play: Any, incident: RecordedIncident, place: RecordedPlace) -> Outcome:
        machine = self.context.machine(place.host)
        where = place.place.partition("|")[2].removesuffix("" if machine == place.host else f"|on {machine}")
        role, _file, task = where.split("|", 2) if where.count("|") > 1 else ("", "", "")
        host = place.origin or place.host
        names = {"play": _name(play), "role": role, "task": task, **incident.labels}
        facts = facts_of(self.job, host, names["task"], names["role"], "", names["play"])
        return dataclasses.replace(
            silent_outcome(host, None, play),
            kind="failed" if where or not place.host else "unreachable",
            role=names["role"],
            task=names["task"],
            written_task=names["task"],
            extra={
                "steering": self._shared.reader.read(self._variables(host, None, play), facts),
                "play": play,
                "written_play": names["play"],
                "parameters": self._parameters_of(play),
            },
        )

    def steer(self, host: str, outcome: Outcome | None) -> Steering:
        """Say how a host's failure is to be paged; for the run as a whole, host is empty."""
        if outcome is not None and host == outcome.host and "steering" in outcome.extra:
            steering: Steering = outcome.extra["steering"]
            return steering
        play = (outcome.extra.get("play") if outcome is not None else None) or self.play
        return self._steering(host or None, None, play)

    def _steering(self, host: Any, task: Any, play: Any) -> Steering:
        path, role, name = task_place(task) if task is not None else ("", "", "")
        facts = facts_of(
            job=self.job,
            host=str(getattr(host, "name", host) or ""),
            task=name,
            role=role,
            path=path,
            play=_name(play),
        )
        group_by = ("playbook", "controller") if self.context.by_pull else ("playbook",)
        return self._shared.reader.read(self._variables(host, task, play), facts, group_by)

    def _variables_of_failure(self, host: str, outcome: Outcome | None) -> Variables | None:
        extra = outcome.extra if outcome is not None else {}
        return self._variables(host or None, extra.get("task"), extra.get("play") or self.play)

    def _variables(self, host: Any, task: Any, play: Any) -> Variables | None:
        if play is None:
            return None
        try:
            return self._variable_reader.variables_of(play, host, task)
        except Exception as error:  # pylint: disable=broad-except  # a page must not be lost by a variable
            self._shared.warn(f"variables of {host} cannot be read, so the callback's options count: {error}")
            return None

    def _written(self) -> list[Any]:
        return [getattr(play, "_ds", None) for play in self._compiled()]

    def _compiled(self) -> Iterable[Any]:
        return self._playbook.get_plays() if self._playbook is not None else filter(None, (self.play,))

    @cached_property
    def _may_end_early(self) -> bool:
        try:
            return may_end_early(self._compiled(), constants.DEFAULT_ROLES_PATH or ())
        except Exception as error:  # pylint: disable=broad-except  # then the incidents stay open
            self._shared.warn(f"whether the playbook may end early cannot be seen: {error}")
            return True

    def _extra_variables(self) -> Mapping[str, Any]:
        play = self._any_play()
        return extra_variables(play) if play is not None else {}

    def _any_play(self) -> Any:
        """Return the play at work, before the first one begins the first; None if there is none."""
        return self.play or next(iter(self._playbook.get_plays() if self._playbook is not None else ()), None)


def _name(play: Any) -> str:
    """Return a play's name as it stands in the file, without the values of variables."""
    source = getattr(play, "_ds", None)
    written = source.get("name") if isinstance(source, Mapping) else None
    return plain_text(written or (play.get_name() if play is not None else ""))
