# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hundred cases: every kind of fault in every kind of place, and the special ones one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .case import Case, Play, Task, play

ONLY_A = "inventory_hostname == 'a'"
ONLY_B = "inventory_hostname == 'b'"


# Tasks


def fine(name: str = "fine", **keywords: Any) -> Task:
    return {"name": name, "debug": {"msg": "fine"}, **keywords}


def fail(name: str = "break", when: Any = ONLY_A, **keywords: Any) -> Task:
    task = {"name": name, "fail": {"msg": f"{name} broke"}, **keywords}
    return {**task, "when": when} if when else task


def unreachable(name: str = "reach", only: str = ONLY_A, **keywords: Any) -> Task:
    connection = f"{{{{ 'unplugged' if {only} else 'local' }}}}"
    return {"name": name, "raw": "true", "vars": {"ansible_connection": connection}, **keywords}


def meta(action: str, **keywords: Any) -> Task:
    return {"name": action, "meta": action, **keywords}


def block(*tasks: Task, **sections: Any) -> Task:
    return {"block": list(tasks), **sections}


# Faults: tasks that fail (or seem to) on host a, sometimes on others. Each may bring files and play keywords.

FAULTS: dict[str, list[Task]] = {
    "fail": [fail()],
    "fail everywhere": [fail(when=None)],
    "fail hidden": [fail(no_log=True)],
    "unreachable": [unreachable()],
    "ignored": [fail(ignore_errors=True)],
    "ignored unreachable": [unreachable(ignore_unreachable=True)],
    "ignored by a template": [fail(when=None, ignore_errors="{{ inventory_hostname != 'a' }}")],
    "unreachable with ignore_errors": [unreachable(ignore_errors=True)],
    "undefined argument": [{"name": "undefined", "debug": {"msg": "{{ nothing.here }}"}, "when": ONLY_A}],
    "undefined condition": [fine(when=[ONLY_A, "nothing.here"])],
    "one loop item": [fail(when=f"{ONLY_A} and item == 2", loop=[1, 2, 3])],
    "missing include": [{"name": "include", "include_tasks": "missing.yml", "when": ONLY_A}],
    "missing include ignored": [{"name": "include", "include_tasks": "missing.yml", "ignore_errors": True}],
    "missing role": [{"name": "include", "include_role": {"name": "missing"}, "when": ONLY_A}],
    "missing vars": [{"name": "vars", "include_vars": "missing.yml", "when": ONLY_A}],
    "run_once": [fail(when=None, run_once=True)],
    "any_errors_fatal": [fail(any_errors_fatal=True)],
    "any_errors_fatal ignored": [fail(any_errors_fatal=True, ignore_errors=True)],
    "any_errors_fatal unreachable": [unreachable(any_errors_fatal=True)],
    "handler": [
        {"name": "notify", "debug": {"msg": "x"}, "changed_when": True, "notify": "broken"},
        meta("flush_handlers"),
    ],
    "clear_host_errors next": [fail(), meta("clear_host_errors")],
    "end_host": [meta("end_host", when=ONLY_A)],
    "end_play": [meta("end_play")],
    "end_batch": [meta("end_batch")],
    "included file breaks": [{"name": "include", "include_tasks": "breaks.yml"}],
    "included role breaks": [{"name": "include", "include_role": {"name": "breaks"}}],
    "nothing": [fine("nothing")],
}

SHARED_FILES = {
    "breaks.yml": [fine("before"), fail("inside the file")],
    "roles/breaks/tasks/main.yml": [fine("before"), fail("inside the role")],
}

HANDLERS = [fail("broken")]


# Places: where the fault stands.


def rescue(*tasks: Task, **keywords: Any) -> Callable[[list[Task]], list[Task]]:
    return lambda fault: [block(*fault, rescue=list(tasks), **keywords)]


PLACES: dict[str, Callable[[list[Task]], list[Task]]] = {
    "plain": lambda fault: fault,
    "block": lambda fault: [block(*fault)],
    "block with always": lambda fault: [block(*fault, always=[fine("always")])],
    "rescued": rescue(fine("rescue")),
    "rescued with always": rescue(fine("rescue"), always=[fine("always")]),
    "rescued, always fails": rescue(fine("rescue"), always=[fail("always")]),
    "rescue fails": rescue(fail("rescue")),
    "rescue fails, outer rescue": lambda fault: [
        block(block(*fault, rescue=[fail("inner rescue")]), rescue=[fine("outer rescue")])
    ],
    "rescue fails, outer always": lambda fault: [
        block(block(*fault, rescue=[fail("inner rescue")]), always=[fine("outer always")])
    ],
    "rescue empty": rescue(),
    "rescue skipped": rescue(fine("rescue", when=False)),
    "rescue filtered by tags": rescue(fine("rescue", tags=["never"])),
    "outer rescue filtered by tags": lambda fault: [
        block(block(*fault, always=[fine("always")]), rescue=[fine("rescue", tags=["never"])])
    ],
    "four deep, rescued outside": lambda fault: [block(block(block(block(*fault))), rescue=[fine("rescue")])],
    "four deep, each rescue fails": lambda fault: [
        block(block(block(*fault, rescue=[fail("r1")]), rescue=[fail("r2")]), rescue=[fail("r3")])
    ],
    "in rescue": lambda fault: [block(fail("first"), rescue=fault)],
    "in rescue, outer rescue": lambda fault: [block(block(fail("first"), rescue=fault), rescue=[fine("outer")])],
    "in rescue, own rescue": lambda fault: [block(fail("first"), rescue=[block(*fault, rescue=[fine("own rescue")])])],
    "in rescue, own block": lambda fault: [block(fail("first"), rescue=[block(*fault)], always=[fine("always")])],
    "in always": lambda fault: [block(fine(), always=fault)],
    "in always after rescue": lambda fault: [block(fail("first"), rescue=[fine("rescue")], always=fault)],
    "in always after failure": lambda fault: [block(fail("first"), always=fault)],
    "in always, own rescue": lambda fault: [block(fine(), always=[block(*fault, rescue=[fine("own rescue")])])],
    "in always after failure, own rescue": lambda fault: [
        block(fail("first"), always=[block(*fault, rescue=[fine("own rescue")])])
    ],
    "in always, outer rescue": lambda fault: [block(block(fine(), always=fault), rescue=[fine("outer rescue")])],
    "block ignores errors": lambda fault: [block(*fault, ignore_errors=True)],
}

# Ways to bring a fault into a play, other than writing it there.


def included_in_rescued_block(name: str, fault: list[Task]) -> Case:
    tasks = block({"name": "include", "include_tasks": "part.yml"}, rescue=[fine("rescue")])
    return _case(name, [play(tasks, fine("after"), handlers=HANDLERS)], {"part.yml": fault})


def included_in_rescue(name: str, fault: list[Task]) -> Case:
    tasks = block(fail("first"), rescue=[{"name": "include", "include_tasks": "part.yml"}])
    return _case(name, [play(tasks, fine("after"), handlers=HANDLERS)], {"part.yml": fault})


def included_rescues_itself(name: str, fault: list[Task]) -> Case:
    part = [block(*fault, rescue=[fine("rescue")], always=[fine("always")])]
    return _case(
        name,
        [play({"name": "include", "include_tasks": "part.yml"}, fine("after"), handlers=HANDLERS)],
        {"part.yml": part},
    )


def in_role(name: str, fault: list[Task]) -> Case:
    files = {"roles/part/tasks/main.yml": fault, "roles/part/meta/main.yml": {"allow_duplicates": True}}
    return _case(name, [play(fine("after"), roles=["part"], handlers=HANDLERS)], files)


def in_rescued_role(name: str, fault: list[Task]) -> Case:
    tasks = block({"name": "role", "include_role": {"name": "part"}}, rescue=[fine("rescue")])
    return _case(name, [play(tasks, fine("after"), handlers=HANDLERS)], {"roles/part/tasks/main.yml": fault})


def in_role_dependency(name: str, fault: list[Task]) -> Case:
    files = {
        "roles/part/tasks/main.yml": fault,
        "roles/whole/tasks/main.yml": [fine("whole")],
        "roles/whole/meta/main.yml": {"dependencies": ["part"]},
    }
    return _case(name, [play(fine("after"), roles=["whole"], handlers=HANDLERS)], files)


def second_play(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(*fault, handlers=HANDLERS), play(fine("second play"))])


def rescued_then_second_play(name: str, fault: list[Task]) -> Case:
    return _case(
        name,
        [play(block(*fault, rescue=[fine("rescue")]), handlers=HANDLERS), play(fine("second play"))],
    )


def in_last_play(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(fine()), play(*fault, handlers=HANDLERS)])


def one_host_at_a_time(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(*fault, fine("after"), serial=1, handlers=HANDLERS)])


def two_then_rest(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(block(*fault, rescue=[fine("rescue")]), serial=[2, 1], handlers=HANDLERS)])


def play_ignores_errors(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(*fault, fine("after"), ignore_errors=True, handlers=HANDLERS)])


def play_any_errors_fatal(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(block(*fault, rescue=[fine("rescue")]), any_errors_fatal=True, handlers=HANDLERS)])


def half_may_fail(name: str, fault: list[Task]) -> Case:
    return _case(name, [play(*fault, fine("after"), max_fail_percentage=50, handlers=HANDLERS)])


def none_may_fail(name: str, fault: list[Task]) -> Case:
    return _case(
        name, [play(block(*fault, always=[fine("always")]), max_fail_percentage=0, handlers=HANDLERS), play(fine())]
    )


def in_handler(name: str, fault: list[Task]) -> Case:
    handlers = [{"name": "go", "include_tasks": "part.yml"}, *HANDLERS]
    task = {"name": "notify", "debug": {"msg": "x"}, "changed_when": True, "notify": "go"}
    return _case(name, [play(task, handlers=handlers)], {"part.yml": fault})


def checked(name: str, fault: list[Task]) -> Case:
    return _case(
        name, [play(block(*fault, rescue=[fine("rescue", when=ONLY_B)]), handlers=HANDLERS)], args=("--check",)
    )


WAYS: tuple[Callable[[str, list[Task]], Case], ...] = (
    included_in_rescued_block,
    included_in_rescue,
    included_rescues_itself,
    in_role,
    in_rescued_role,
    in_role_dependency,
    second_play,
    rescued_then_second_play,
    in_last_play,
    one_host_at_a_time,
    two_then_rest,
    play_ignores_errors,
    play_any_errors_fatal,
    half_may_fail,
    none_may_fail,
    in_handler,
    checked,
)


def _case(name: str, plays: list[Play], files: dict[str, Any] | None = None, args: tuple[str, ...] = ()) -> Case:
    # Errors can be cleared to the last. A host ended in a rescue, and on ansible-core 2.16 one whose role is missing,
    # fails without an event, which is noticed when the next task begins, if there is one.
    late = name.startswith(("clear_host_errors", "end_", "missing role"))
    return Case(name, plays, {**SHARED_FILES, **(files or {})}, args=args, late=late)


def composed() -> Iterator[Case]:
    """Every fault in every place, and brought in in every way."""
    for fault_name, fault in FAULTS.items():
        for place_name, place in PLACES.items():
            tasks = [fine("first of all"), *place(fault), fine("after")]
            yield _case(f"{fault_name} / {place_name}", [play(*tasks, handlers=HANDLERS)])
        for way in WAYS:
            yield way(f"{fault_name} / {way.__name__.replace('_', ' ')}", fault)
