# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ansible-core's own objects (results, tasks, exceptions) and gives plain, frozen values instead.

No other file looks into a result, a task or a play. What leaves here is text and numbers that encode without an error,
bounded in length, and taken from a short list of fields: never arguments, commands, stdout or the invocation. Of a task
that hides its result (``no_log``) only host, name and place are taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import plain, plain_text

Kind = Literal["failed", "unreachable"]

MAX_TEXT = 16_384
"""Characters kept of a message (its start) or of stderr (its end). More than any incident shows."""

MAX_ITEMS = 50
"""Failed loop items kept. Nobody reads more of them in an incident; ``items_left_out`` counts the others."""

_OFFENDING_LINE = "\n\nThe offending line appears to be"
"""Up to ansible-core 2.18 an error's text goes on with lines of the playbook, which may hold a secret."""


@dataclass(frozen=True)
class FailedItem:
    """One failed item of a loop."""

    label: str
    message: str
    stderr: str = ""


@dataclass(frozen=True)
class Outcome:
    """What is known about one task that failed on one host, or could not reach it."""

    host: str
    kind: Kind
    ignored: bool
    """``ignore_errors`` or ``ignore_unreachable`` holds: the failure does not count."""

    task: str
    """The task's name without its role, or its action if it has none."""

    task_uuid: str
    action: str
    path: str
    """``file:line``, or empty where ansible-core does not know."""

    role: str
    play: str
    message: str
    stderr: str
    items: tuple[FailedItem, ...]
    items_left_out: int
    hidden: bool
    """``no_log``: message, stderr and items were left out."""

    delegated_to: str
    spreads: bool
    """The task's failure can end other hosts as well (``any_errors_fatal``, ``run_once``, ``max_fail_percentage``)."""

    reported: bool = True
    """False if the host was found among the failed ones although ansible-core announced no failure of it."""

    written_task: str = ""
    """The task's name as it stands in the file, without the values of variables; the same in each run."""

    needs_tag: bool = False
    """A run leaves the task out unless one of its tags is asked for."""

    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Whatever the owner of the callback noted at the time of the failure."""


def host_of(result: Any) -> Any:
    """Return the result's host object: by its public name from 2.19 on, else by the older one."""
    return _public(result, "host")


def task_of(result: Any) -> Any:
    """Return the result's task object."""
    return _public(result, "task")


def outcome_of(
    result: Any, kind: Kind, *, ignored: bool, play: Any = None, extra: Mapping[str, Any] | None = None
) -> Outcome:
    """Return what a result says, as far as it may be told."""
    task = task_of(result)
    data = _data_of(result)
    hidden = _hides(task, data)
    items, left_out = ((), 0) if hidden else _failed_items(data)
    return Outcome(
        host=plain_text(host_of(result).name),
        kind=kind,
        ignored=bool(ignored),
        message="" if hidden else _message(data),
        stderr="" if hidden else _stderr(data),
        items=items,
        items_left_out=left_out,
        delegated_to=_delegated_to(task, data),
        extra=extra or {},
        **_task_fields(task, play, hidden),
    )


def silent_outcome(host: str, task: Any, play: Any = None) -> Outcome:
    """Return an outcome for a host that ended failed although no event said why; `task` was at work by then."""
    return Outcome(
        host=plain_text(host),
        kind="failed",
        ignored=False,
        message="",
        stderr="",
        items=(),
        items_left_out=0,
        delegated_to="",
        reported=False,
        **_task_fields(task, play, bool(getattr(task, "no_log", False))),
    )


def task_place(task: Any) -> tuple[str, str, str]:
    """Return where a task stands: C(file:line), its role, and its name as written or its action."""
    role = getattr(task, "_role", None)
    return (
        plain_text(task.get_path() or "") if hasattr(task, "get_path") else "",
        plain_text(role.get_name()) if role is not None else "",
        _written_name(task) or plain_text(getattr(task, "action", "") or ""),
    )


def needs_tag(task: Any) -> bool:
    """Tell whether a run leaves a task out unless a tag is asked for: it, or what includes it, has the tag C(never)."""
    entry = task
    while entry is not None:
        if "never" in (getattr(entry, "tags", None) or ()):
            return True
        entry = getattr(entry, "_parent", None)
    return False


_ON_CONTROLLER = frozenset(
    {
        "add_host",
        "assert",
        "debug",
        "fail",
        "group_by",
        "import_playbook",
        "import_role",
        "import_tasks",
        "include_role",
        "include_tasks",
        "include_vars",
        "meta",
        "pause",
        "set_fact",
        "set_stats",
        "validate_argument_spec",
    }
)
"""Actions that succeed on a host without reaching it. Those of collections that do the same are not known here."""


def shows_host_reached(result: Any) -> bool:
    """Tell whether a task that did not fail shows that its host can be reached: it ran there, by a module."""
    task = task_of(result)
    action = str(getattr(task, "action", "")).rpartition("ansible.builtin.")[2].rpartition("ansible.legacy.")[2]
    if action in _ON_CONTROLLER or action.startswith("oncall.pagerduty."):
        return False
    return not getattr(task, "delegate_to", None) and not _data_of(result).get("skipped")


def is_invoked_with_variables(task: Any) -> bool:
    """Tell whether a task belongs to a role or a file that was given variables where it was invoked.

    The same task may then be invoked with others elsewhere in the playbook.
    """
    role = getattr(task, "_role", None)
    # Variables of include_role are among those of the role.
    if role is not None and (role.vars or role.get_role_params()):
        return True
    parent = getattr(task, "_parent", None)
    while parent is not None:
        # Only what includes has an action; other parents are blocks.
        if getattr(parent, "action", None) and parent.vars:
            return True
        parent = parent._parent
    return False


def ignores_unreachable(result: Any) -> bool:
    """Tell whether an unreachable host is ignored; no event says so, only the task."""
    return bool(getattr(task_of(result), "ignore_unreachable", False))


def error_text(error: BaseException) -> str:
    """Return an exception's text without the lines of the playbook that older versions quote in it."""
    text = plain_text(error).partition(_OFFENDING_LINE)[0].strip()
    return text[:MAX_TEXT] or type(error).__name__


def _public(result: Any, name: str) -> Any:
    try:
        return getattr(result, name)
    except AttributeError:
        return getattr(result, f"_{name}")


def _data_of(result: Any) -> Mapping[str, Any]:
    """Return the values that a task has returned.

    ansible-core makes them ready for callbacks when it is asked for them. It fails at values that it does not expect,
    such as a stderr that is no text; then they are taken as they are.
    """
    try:
        data = _public(result, "result")
    except Exception:
        data = _raw_data(result)
    return data if isinstance(data, Mapping) else {}


def _raw_data(result: Any) -> Any:
    unified = getattr(result, "_CallbackTaskResult__utr", None)  # from 2.20 on
    return getattr(result, "_return_data", None) if unified is None else _unified_data(unified)


def _unified_data(unified: Any) -> dict[str, Any]:
    data = dict(unified.result_data)
    fields = {
        "msg": "msg",
        "exception": "exception",
        "module_stderr": "module_stderr",
        "no_log": "_ansible_no_log",
        "failed": "failed",
        "unreachable": "unreachable",
        "skipped": "skipped",
        "callback_delegated_vars_subset": "_ansible_delegated_vars",
        "loop_item_label": "_ansible_item_label",
        "loop_item": "item",
    }
    for name, key in fields.items():
        value = getattr(unified, name, None)
        if value is not None:
            data[key] = value
    if unified.loop_results is not None:
        data["results"] = [_unified_data(item) for item in unified.loop_results]
    return data


def _task_fields(task: Any, play: Any, hidden: bool) -> dict[str, Any]:
    path, role, written = task_place(task)
    action = plain_text(getattr(task, "action", "") or "")
    return {
        "task": _task_name(task, hidden) or action,
        "written_task": written,
        "task_uuid": plain_text(getattr(task, "_uuid", "") or ""),
        "action": action,
        "path": path,
        "role": role,
        "play": plain_text(play.get_name()) if play is not None else "",
        "hidden": hidden,
        "needs_tag": needs_tag(task),
        "spreads": bool(
            getattr(task, "any_errors_fatal", False)
            or getattr(task, "run_once", False)
            or getattr(play, "max_fail_percentage", None) is not None
        ),
    }


def _task_name(task: Any, hidden: bool) -> str:
    # ansible-core has put the variables' values into the name by now; what was written in the file has none.
    return _written_name(task) if hidden else plain_text(getattr(task, "name", "") or "")


def _written_name(task: Any) -> str:
    source = getattr(task, "_ds", None)
    written = source.get("name") if isinstance(source, Mapping) else None
    return plain_text(written or getattr(task, "name", "") or "")


def _hides(task: Any, data: Mapping[str, Any]) -> bool:
    # An unresolved template in `no_log` is a non-empty string: better to hide too much.
    return bool(getattr(task, "no_log", False) or "censored" in data or data.get("_ansible_no_log"))


def _message(data: Mapping[str, Any]) -> str:
    for name in ("msg", "reason"):
        text = _text(data.get(name))
        if text:
            return text[:MAX_TEXT]
    return ""


def _stderr(data: Mapping[str, Any]) -> str:
    return (_text(data.get("stderr")) or _text(data.get("module_stderr")))[-MAX_TEXT:]


def _text(value: Any) -> str:
    """Return any value as text: a list in lines, other structures as JSON."""
    try:
        if value is None:
            return ""
        if isinstance(value, (list, tuple)):
            return "\n".join(_line(entry) for entry in value).strip()
        return _line(value).strip()
    except Exception:
        return f"(a {type(value).__name__} that cannot be shown)"


def _line(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple, Set)):
        return json.dumps(plain(value), ensure_ascii=False)
    return plain_text(value)


def _failed_items(data: Mapping[str, Any]) -> tuple[tuple[FailedItem, ...], int]:
    results = data.get("results")
    if not isinstance(results, (list, tuple)):
        return (), 0
    failed = [item for item in results if isinstance(item, Mapping) and _item_failed(item)]
    kept = tuple(_failed_item(item) for item in failed[:MAX_ITEMS])
    return kept, len(failed) - len(kept)


def _item_failed(item: Mapping[str, Any]) -> bool:
    # ansible-core 2.21 leaves all status flags out of what callbacks see; an item that failed has an exception.
    return bool(item.get("failed") or item.get("unreachable") or ("failed" not in item and item.get("exception")))


def _failed_item(item: Mapping[str, Any]) -> FailedItem:
    if _hides(None, item):
        return FailedItem(label="", message="")
    variable = item.get("ansible_loop_var")
    label = item.get("_ansible_item_label", item.get(variable if isinstance(variable, str) else "item"))
    return FailedItem(label=_text(label)[:MAX_TEXT], message=_message(item), stderr=_stderr(item))


def _delegated_to(task: Any, data: Mapping[str, Any]) -> str:
    delegated = data.get("_ansible_delegated_vars")
    host = _text(delegated.get("ansible_delegated_host")) if isinstance(delegated, Mapping) else ""
    wanted = host or _text(getattr(task, "delegate_to", None))
    return "" if "{{" in wanted else wanted
