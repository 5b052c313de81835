# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins' way in: sends from the controller's worker process, or hands over to the module elsewhere."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import (
    MissingLibraryError,
    OptionError,
    PagerDutyError,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    SETTINGS_SPEC,
    Settings,
    Source,
    environment,
    fill_in,
    read_key_file,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import (
    Plan,
    TaskKind,
    new_sender,
    plan,
    run,
    unusable,
)
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _config_file

_PATHS = tuple(name for name, option in SETTINGS_SPEC.items() if option["type"] == "path")

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
        environ = self._environment()
        options, origins = self._gathered(task_vars, environ)
        try:
            options, key_warning = self._with_key(self._validated(options))
            task = plan(self.kind, options, host=str(task_vars.get("inventory_hostname") or "ansible"))
            if self._is_sent_elsewhere():
                sent = self._run_module(task, options, task_vars)
            else:
                with _applied(environ):
                    sent = run(task, self._task.check_mode, self._task.diff, _shared_sender)
        except PagerDutyError as error:
            return {**result, **_failure(error, origins)}
        warnings = [*sent.pop("warnings", ()), *([key_warning] if key_warning else ())]
        return {**result, **sent, **({"warnings": warnings} if warnings else {})}

    def _environment(self) -> dict[str, str]:
        """Return what the task's C(environment) adds to the process's, as it would for a module."""
        added: dict[str, str] = {}
        for layer in self._task.environment or ():
            layer = self._templar.template(layer)
            if isinstance(layer, Mapping):
                added.update({str(name): str(value) for name, value in layer.items()})
        return added

    def _gathered(self, task_vars: dict[str, Any], environ: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the task's options with those from elsewhere filled in, and where each of the latter comes from."""

        def variable(name: str) -> Any:
            return self._templar.template(task_vars[name]) if name in task_vars else None

        sources = (
            Source("of the host", lambda option: f"pagerduty_{option}", variable),
            environment({**os.environ, **environ}),
            Source(f"under [pagerduty] in {constants.CONFIG_FILE}", lambda option: option, _config_file.section().get),
        )
        options, origins = fill_in(self._task.args, self.kind.spec, sources)
        for name in _PATHS:
            if name in origins and origins[name].startswith(f"{name} under"):
                options[name] = _config_file.resolve_path(options[name])
        return options, origins

    def _validated(self, options: dict[str, Any]) -> dict[str, Any]:
        rules = {"required_if": None, "required_by": None, **self.kind.rules}
        outcome = ArgumentSpecValidator(dict(self.kind.spec), **rules).validate(options)
        if outcome.error_messages:
            unknown = sorted(
                name if isinstance(name, str) else ".".join(name) for name in outcome.unsupported_parameters
            )
            # A misspelt option first: what is missing then is only its consequence.
            message = f"there is no option {', '.join(unknown)}" if unknown else outcome.error_messages[0]
            raise OptionError(self.kind.name, message)
        return {name: value for name, value in outcome.validated_parameters.items() if name in self.kind.spec}

    def _with_key(self, options: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Return the options with the content of the key file, if they name one, and a warning about the file."""
        if options.get("routing_key_file") is None:
            return options, None
        key, warning = self._read_key_file(options["routing_key_file"])
        return {**options, "routing_key_file": None, "routing_key": key}, warning

    def _read_key_file(self, given: str) -> tuple[str, str | None]:
        """Read the key file as Ansible finds and reads files: beside the role or playbook, and through vault."""
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
        notes = [f"PagerDuty event: {note}" for note in task.event.notes]
        sent["warnings"] = [*sent.get("warnings", ()), *notes]
        return sent

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> Any:
        """Leave out our own settings: they have been read, and the command they would stand in is shown at C(-vvv)."""
        environ = {name: value for name, value in self._environment().items() if not name.startswith("PAGERDUTY_")}
        if raw_environment_out is not None:
            raw_environment_out.update(environ)
        return self._connection._shell.env_prefix(**environ)


class _Arguments(dict[str, Any]):
    """A module's arguments, whose values do not show in what ansible-core writes with C(ANSIBLE_DEBUG)."""

    def __repr__(self) -> str:
        return f"<{', '.join(self)}>"


@contextmanager
def _applied(environ: Mapping[str, str]) -> Iterator[None]:
    """Let the task's environment reach what reads the process's own, as for proxies and authorities."""
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


def _failure(error: PagerDutyError, origins: Mapping[str, str]) -> dict[str, Any]:
    if isinstance(error, MissingLibraryError):
        return {**unusable(error), "msg": missing_required_lib(error.library), "exception": error.details}
    # Whoever did not write an option in the task has to be told where it stands.
    named = [origin for name, origin in origins.items() if re.search(rf"\b{name}\b", str(error))]
    return unusable(PagerDutyError(f"{error} (set by {', '.join(named)})") if named else error)
