# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an incident or change task does, the same in an action plugin and in a module: options in, result out."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.oncall.pagerduty.plugins.module_utils import _change, _incident
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import (
    Action,
    Alert,
    Api,
    Event,
    Prepared,
    prepare,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Settings, routing_key, settings
from ansible_collections.oncall.pagerduty.plugins.module_utils._report import describe
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome, Sender
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RequestsTransport


@dataclass(frozen=True)
class TaskKind:
    """A task that sends an event.

    Attributes:
        name: the module's name without its collection.
        spec: its argument specification.
        rules: its rules between options, as keyword arguments of AnsibleModule.
        event: makes the event from validated options.
        api: chooses the API by validated options.
    """

    name: str
    spec: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Any]
    event: Callable[[Mapping[str, Any]], Event]
    api: Callable[[Mapping[str, Any]], Api]


INCIDENT = TaskKind("incident", _incident.SPEC, _incident.RULES, _incident.event, _incident.api)
CHANGE = TaskKind("change", _change.SPEC, _change.RULES, _change.event, _change.api)


@dataclass(frozen=True)
class Plan:
    """A task's event, ready to go, and how it is to be sent."""

    event: Prepared
    noun: str
    settings: Settings
    region: str
    """Empty where an address takes its place."""


def plan(kind: TaskKind, options: Mapping[str, Any], host: str) -> Plan:
    """Make everything ready that can be made ready without the network.

    Args:
        kind: which task.
        options: validated options, the key file read already.
        host: the name of the host that the task is about.

    Raises:
        OptionError: if a value cannot be used.
    """
    how = settings(options)
    event = kind.event(options)
    prepared = prepare(
        event,
        routing_key(options),
        now=time.time(),
        new_key=f"ansible-{uuid.uuid4()}",
        host=host,
        api=kind.api(options),
    )
    return Plan(prepared, _noun(event), how, "" if options.get("api_url") else options["region"])


def new_sender(how: Settings) -> Sender:
    """Return a sender for settings; nothing is opened yet.

    Raises:
        MissingLibraryError: if there is no requests library.
        OptionError: if a certificate's file is not there.
    """
    return Sender(RequestsTransport(how.connection), how.policy, how.timeout)


@dataclass(frozen=True)
class Queue:
    """Where an event can be left to be sent later.

    Attributes:
        comes_first: says why an event is to be left there at once, as in C(is not waited for); empty if only one that
            could not be delivered is.
        put: leaves it there; the last argument says whether an attempt may have reached PagerDuty. Returns what kept
            it from being kept, None if it is.
    """

    comes_first: Callable[[Prepared], str]
    put: Callable[[Prepared, Settings, bool], str | None]


def run(
    task: Plan,
    check_mode: bool,
    diff: bool,
    sender: Callable[[Settings], Sender] = new_sender,
    queue: Queue | None = None,
) -> dict[str, Any]:
    """Send the event, unless in check mode, and return the task's result. It holds no key.

    Args:
        task: what to send.
        check_mode: True to send nothing and say what would have been sent.
        diff: True to show the event as a difference.
        sender: finds the sender for settings; by default a new one is made.
        queue: where the event can be left; by default it is delivered now or the task fails.

    Raises:
        MissingLibraryError: if there is no requests library.
        OptionError: if a certificate's file is not there.
    """
    event = task.event
    result: dict[str, Any] = {
        "event": event.shown(),
        "shortened": list(event.shortened),
        "left_out": list(event.left_out),
        "warnings": [f"PagerDuty event: {note}" for note in (*event.left_out, *event.notes)],
    }
    if event.dedup_key is not None:
        result["dedup_key"] = event.dedup_key
    send_through = sender(task.settings)
    reason = queue.comes_first(event) if queue is not None and not check_mode else ""
    if check_mode:
        result.update(_checked(task))
    elif queue is not None and reason:
        result.update(_queued(task, queue, _unsent(f"The {task.noun} {reason}."), False))
    else:
        delivery = send_through.send(event)
        result.update(_sent(task, delivery))
        if queue is not None and delivery.outcome is Outcome.UNDELIVERED:
            problem = f"The {task.noun} could not be delivered ({delivery.errors[-1]})."
            result.update(_queued(task, queue, {**result, "msg": problem}, delivery.maybe_taken))
            if result["queued"]:
                result["warnings"].append(result["msg"])
    if diff:
        text = json.dumps(result["event"], indent=2, sort_keys=True, ensure_ascii=False)
        result["diff"] = {"before": "", "after": text + "\n", "after_header": f"{task.noun} to PagerDuty"}
    secrets = [event.routing_key, task.settings.connection.proxy or ""]
    shown: dict[str, Any] = mask(result, secrets)
    return shown


def _checked(task: Plan) -> dict[str, Any]:
    """Return what check mode says. What would be left out fails it, so that it is found before there is an incident."""
    left_out = task.event.left_out
    if not left_out:
        return _unsent(f"Check mode: the {task.noun} is valid and was not sent.")
    message = f"Check mode: the {task.noun} would be sent without what cannot be used. {'. '.join(left_out)}."
    return {**_unsent(message), "changed": False, "failed": True, "errors": list(left_out), "has_errors": True}


def _unsent(message: str) -> dict[str, Any]:
    return {
        "changed": True,
        "msg": message,
        "accepted": False,
        "queued": False,
        "status": "not sent",
        "message": message,
        "errors": [],
        "has_errors": False,
        "attempts": 0,
        "elapsed": 0.0,
    }


def _queued(task: Plan, queue: Queue, result: Mapping[str, Any], maybe_taken: bool) -> dict[str, Any]:
    """Leave the event in the queue, and return what that changes in the task's result."""
    problem = queue.put(task.event, task.settings, maybe_taken)
    if problem is not None:
        return {
            **result,
            "changed": False,
            "failed": True,
            "msg": f"{result['msg']} It could not be queued either: {problem}",
        }
    message = f"{result['msg']} It is queued on the controller, and sent as soon as PagerDuty takes it."
    return {**result, "changed": True, "failed": False, "queued": True, "msg": message}


def _sent(task: Plan, delivery: Delivery) -> dict[str, Any]:
    result = {
        "changed": delivery.accepted,
        "msg": describe(task.event, task.noun, delivery, task.settings, task.region),
        "accepted": delivery.accepted,
        "queued": False,
        "status": delivery.status,
        "message": delivery.message,
        "errors": list(delivery.errors),
        "has_errors": delivery.has_errors,
        "attempts": delivery.attempts,
        "elapsed": round(delivery.elapsed, 3),
    }
    if delivery.http_status is not None:
        result["http_status"] = delivery.http_status
    if not delivery.accepted:
        result["failed"] = True
    return result


def unusable(error: PagerDutyError) -> dict[str, Any]:
    """Return the result of a task that could not even try, with the parts of a result that it can have."""
    message = str(error)
    return {
        "failed": True,
        "changed": False,
        "msg": message,
        "accepted": False,
        "queued": False,
        "status": "not sent",
        "message": message,
        "errors": [message],
        "has_errors": True,
        "attempts": 0,
        "elapsed": 0.0,
        "shortened": [],
        "left_out": [],
    }


def _noun(event: Event) -> str:
    if not isinstance(event, Alert):
        return "change event"
    return {
        Action.TRIGGER: "trigger event",
        Action.ACKNOWLEDGE: "acknowledge event",
        Action.RESOLVE: "resolve event",
    }[event.action]
