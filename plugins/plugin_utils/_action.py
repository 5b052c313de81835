# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins' way in: sends from the controller's worker process, or hands over to the module elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import (
    MissingLibraryError,
    OptionError,
    PagerDutyError,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    Settings,
    read_key_file,
    refuse_key_as_path,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import (
    Plan,
    Queue,
    TaskKind,
    new_sender,
    plan,
    run,
    unusable,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _taken_over
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC, delivery_settings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._task_options import (
    Gathered,
    gather,
    own_environment,
    task_environment,
    validate,
)

# One worker process runs all turns of a loop: they share its sender, and so its connection.
_senders: dict[Settings, Sender] = {}


def _shared_sender(settings: Settings) -> Sender:
    if settings not in _senders:
        _senders.clear()
        _senders[settings] = new_sender(settings)
    return _senders[settings]


class EventAction(ActionBase):
    """Base of the action plugins; each says which kind of task it is."""

    kind: ClassVar[TaskKind]

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task; see the module's documentation for the result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        gathered = gather(self, self.kind.spec, task_vars)
        own_warnings = list(gathered.warnings)
        try:
            options, key_warning = self._with_key(
                validate(self.kind.name, gathered.options, self.kind.spec, self.kind.rules)
            )
            task = plan(self.kind, options, host=str(task_vars.get("inventory_hostname") or "ansible"))
            if self._is_sent_elsewhere():
                _check_no_queue(options["queue"])
                sent = self._run_module(task, options, task_vars)
            else:
                with _applied(own_environment(self)):
                    queue = self._queue(options["queue"], task_vars, own_warnings.append)
                    sent = run(task, self._task.check_mode, self._task.diff, _shared_sender, queue)
            memory_warning = self._tell_memory(task, options, task_vars) if sent.get("accepted") else None
        except PagerDutyError as error:
            return {**result, **_failure(error, gathered)}
        warnings = [*sent.pop("warnings", ()), *own_warnings, *filter(None, (key_warning, memory_warning))]
        return {**result, **sent, **({"warnings": warnings} if warnings else {})}

    def _tell_memory(self, task: Plan, options: Mapping[str, Any], task_vars: dict[str, Any]) -> str | None:
        """Let the memory of failed runs learn of an incident that somebody looks after, or that is over."""
        state = options.get("state")
        if state not in _taken_over.STATES or task.event.dedup_key is None:
            return None
        try:
            outbox_path = self._outbox_settings(task_vars).outbox_path
        except PagerDutyError as error:
            return f"PagerDuty was told, but the memory of open incidents was not: {error}"
        return _taken_over.learn(outbox_path, task.event.routing_key, task.event.dedup_key, state)

    def _outbox_settings(self, task_vars: dict[str, Any]) -> DeliverySettings:
        """Return the outbox's settings. They are no options of these tasks, but come from the places that all share."""
        found = gather(self, OUTBOX_SPEC, task_vars, own={}).options
        return delivery_settings(validate("outbox", found, OUTBOX_SPEC, {}))

    def _queue(self, choice: str, task_vars: dict[str, Any], warn: Callable[[str], None]) -> Queue | None:
        """Return where the event can be left, if that is wanted."""
        if choice == "false":
            return None
        # Loaded for tasks that queue only.
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery import Delivery
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route

        delivery = Delivery(self._outbox_settings(task_vars))

        def put(event: Prepared, how: Settings, maybe_taken: bool) -> str | None:
            handed_over = delivery.hand_over(event, Route(how.connection, how.timeout), maybe_taken)
            if not handed_over.kept:
                return handed_over.warning or "The event is lost."
            if handed_over.warning:
                warn(handed_over.warning)
            return None

        def comes_first(event: Prepared) -> str:
            if choice == "always":
                return "is not waited for"
            # Sent directly, it would overtake the other.
            return "comes after one about the same incident that still waits" if delivery.is_waiting(event) else ""

        return Queue(comes_first, put)

    def _with_key(self, options: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Return the options with the content of the key file, if they name one, and a warning about the file."""
        if options.get("routing_key_file") is None:
            return options, None
        key, warning = self._read_key_file(options["routing_key_file"])
        return {**options, "routing_key_file": None, "routing_key": key}, warning

    def _read_key_file(self, given: str) -> tuple[str, str | None]:
        """Read the key file as Ansible finds and reads files: beside the role or playbook, and through vault."""
        refuse_key_as_path(given)
        try:
            path = given if os.path.isabs(given) else self._find_needle("files", given)
            content_path = self._loader.get_real_file(path) if os.path.isfile(path) else None
        except AnsibleFileNotFound:
            folders = dict.fromkeys(map(to_text, [*self._task.get_search_path(), self._loader.get_basedir()]))
            problem = f"there is no {given!r} in these folders or in their subfolder 'files': {', '.join(folders)}"
            raise OptionError("routing_key_file", problem) from None
        except AnsibleError as error:
            raise OptionError("routing_key_file", f"{given!r} cannot be read: {error.message}") from None
        return read_key_file(path, content_path)

    def _is_sent_elsewhere(self) -> bool:
        """Say whether the user has delegated the task to a host other than the controller."""
        delegate = self._task.delegate_to
        return bool(delegate) and delegate not in constants.LOCALHOST

    def _run_module(self, task: Plan, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run the module of the same name on the host that the task is delegated to."""
        arguments = _Arguments({name: value for name, value in options.items() if value is not None})
        # What depends on the host that the task is about is known here only.
        body = json.loads(task.event.body)
        words = {"summary": body.get("description")} if task.event.api is Api.V1 else body.get("payload", {})
        for name in ("summary", "source"):
            if optional_text(arguments.get(name)) is None and words.get(name):
                arguments[name] = words[name]
        sent: dict[str, Any] = self._execute_module(
            module_name=f"oncall.pagerduty.{self.kind.name}", module_args=arguments, task_vars=task_vars
        )
        # It names what was filled in above, and the other path has none.
        sent.pop("invocation", None)
        said = sent.get("warnings", ())
        notes = (f"PagerDuty event: {note}" for note in task.event.notes)
        sent["warnings"] = [*said, *(note for note in notes if note not in said)]
        return sent

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> Any:
        """Leave out our own settings: they have been read, and the command they would stand in is shown at C(-vvv)."""
        environ = {name: value for name, value in task_environment(self).items() if not name.startswith("PAGERDUTY_")}
        if raw_environment_out is not None:
            raw_environment_out.update(environ)
        return self._connection._shell.env_prefix(**environ)


class _Arguments(dict[str, Any]):
    """A module's arguments, whose values do not show in what ansible-core writes with C(ANSIBLE_DEBUG)."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


def _check_no_queue(choice: str) -> None:
    if choice != "false":
        raise OptionError("queue", f"{choice} was given, but the outbox is on the controller; it needs no delegate_to")


@contextmanager
def _applied(environ: Mapping[str, str]) -> Iterator[None]:
    """Let the task's own environment reach what reads the process's, as for proxies and authorities."""
    if not environ:
        yield
        return
    before = dict(os.environ)
    os.environ.update(environ)
    # A sender resolves its proxies once, so none made outside this environment may serve inside it.
    _senders.clear()
    try:
        yield
    finally:
        _senders.clear()
        os.environ.clear()
        os.environ.update(before)


def _failure(error: PagerDutyError, gathered: Gathered) -> dict[str, Any]:
    if isinstance(error, MissingLibraryError):
        return {**unusable(error), "msg": missing_required_lib(error.library), "exception": error.details}
    return unusable(PagerDutyError(gathered.explained(str(error))))
