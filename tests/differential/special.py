# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that no combination makes: whole plays, other files, command lines, exceptions and signals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from .case import Case, Task, play
from .composed import ONLY_A, ONLY_B, block, fail, fine, meta, unreachable

NOBODY: frozenset[str] = frozenset()
A = frozenset("a")

VAULTED = (
    "$ANSIBLE_VAULT;1.1;AES256\n"
    "33363965326261303565363265346638653563373031386363373731343065666366373636653439\n"
    "3062613766353261623065303964343664346635373266370a363736363638626461646564303462\n"
    "31616261396434336130353261666366373161636136353530386563326436303836343361383739\n"
    "6338396631313433620a356239313663366631306434303365663635383733666162306133303139\n"
    "3463\n"
)


def special() -> Iterator[Case]:
    """All of them."""
    for group in (
        _results,
        _loops,
        _hosts,
        _ending,
        _handlers,
        _includes,
        _clearing,
        _several,
        _command_line,
        _errors,
        _signals,
    ):
        yield from group()


def _results() -> Iterator[Case]:
    yield Case("ok", [play(fine())])
    yield Case("assert", [play({"assert": {"that": "inventory_hostname != 'a'"}})])
    yield Case("command", [play({"raw": "exit 3", "when": ONLY_A}, fine())])
    yield Case("failed_when true", [play({"raw": "true", "failed_when": ONLY_A})])
    yield Case("failed_when false", [play({"raw": "exit 3", "failed_when": False})])
    yield Case("failed_when undefined", [play({"raw": "true", "failed_when": "nothing.here"}, fine())])
    yield Case("changed_when undefined", [play({"raw": "true", "changed_when": "nothing.here"}, fine())])
    yield Case("time-out", [play({"raw": "sleep 5", "timeout": 1, "when": ONLY_A}, fine())], hosts=("a", "b"))
    yield Case("unknown module at run time", [play({"action": "{{ 'no_such_module' }}"})])
    yield Case("ignored in check mode", [play(fail(ignore_errors="{{ ansible_check_mode }}"))], args=("--check",))
    yield Case("not ignored outside check mode", [play(fail(ignore_errors="{{ ansible_check_mode }}"))])
    for name, value in (("all", True), ("only b", "{{ inventory_hostname == 'b' }}"), ("none", False)):
        yield Case(f"ignore_errors for {name}", [play(fail(when=None, ignore_errors=value), fine())])
        yield Case(f"ignore_unreachable for {name}", [play(unreachable(only="true", ignore_unreachable=value), fine())])
    yield Case("ignore_errors by an undefined variable", [play(fail(ignore_errors="{{ nothing_here }}"), fine())])
    yield Case("play ignores unreachable", [play(unreachable(), fine(), ignore_unreachable=True)])
    yield Case("block ignores unreachable", [play(block(unreachable(), ignore_unreachable=True), fine())])
    for exit_code, ignored in ((0, False), (3, False), (3, True)):
        name = f"async exits with {exit_code}{' ignored' if ignored else ''}"
        task: Task = {"command": f"sh -c 'exit {exit_code}'", "async": 5, "poll": 1, "ignore_errors": ignored}
        yield Case(name, [play(task, fine())], hosts=("a",), strategies=("linear", "free"))
    background: Task = {"command": "sh -c 'exit 3'", "async": 5, "poll": 0, "register": "job"}
    status: Task = {
        "async_status": {"jid": "{{ job.ansible_job_id }}"},
        "register": "done",
        "until": "done.finished",
        "retries": 20,
        "delay": 0.1,
    }
    yield Case("async started and forgotten", [play(background, fine())], hosts=("a",), strategies=("linear",))
    yield Case("async asked later", [play(background, status, fine())], hosts=("a",), strategies=("linear",))
    yield Case(
        "async too slow", [play({"command": "sleep 5", "async": 1, "poll": 1})], hosts=("a",), strategies=("linear",)
    )
    yield Case("odd texts", [play({"fail": {"msg": "é \U0001f600 {{ '2020-01-01' | to_datetime('%Y-%m-%d') }}"}})])


def _loops() -> Iterator[Case]:
    yield Case("loop, last item fails", [play(fail(when="item == 3", loop=[1, 2, 3]), fine())])
    yield Case("loop ignored for one item", [play(fail(when=None, loop=[1, 2], ignore_errors="{{ item == 1 }}"))])
    yield Case("loop ignored", [play(fail(when="item == 2", loop=[1, 2], ignore_errors=True))])
    yield Case("loop over nothing known", [play(fine(loop="{{ nothing_here }}"), fine())])
    yield Case("loop hidden", [play(fail(when="item == 2", loop=[1, 2], no_log=True))])
    yield Case("loop unreachable", [play(unreachable(loop=[1, 2]), fine())])
    yield Case(
        "loop over includes",
        [play({"include_tasks": "{{ item }}.yml", "loop": ["x", "y"]}, fine())],
        {"x.yml": [fine()], "y.yml": [fail()]},
    )
    yield Case(
        "loop over includes, one missing",
        [play({"include_tasks": "{{ item }}.yml", "loop": ["x", "y"]}, fine())],
        {"x.yml": [fine()]},
    )
    yield Case(
        "until succeeds",
        [
            play(
                {
                    "raw": "test -e done_{{ inventory_hostname }} || { touch done_{{ inventory_hostname }}; exit 1; }",
                    "register": "it",
                    "until": "it.rc == 0",
                    "retries": 3,
                    "delay": 0,
                },
                fine(),
            )
        ],
    )
    yield Case(
        "until gives up",
        [play({"raw": "exit 1", "register": "it", "until": "it.rc == 0", "retries": 2, "delay": 0}, fine())],
    )
    yield Case(
        "until gives up, rescued",
        [
            play(
                block(
                    {"raw": "exit 1", "register": "it", "until": "it.rc == 0", "retries": 2, "delay": 0},
                    rescue=[fine()],
                )
            )
        ],
    )
    yield Case(
        "until with a loop",
        [
            play(
                {
                    "raw": "exit {{ item }}",
                    "register": "it",
                    "until": "it.rc == 0",
                    "retries": 1,
                    "delay": 0,
                    "loop": [0, 1],
                },
                fine(),
            )
        ],
    )


def _hosts() -> Iterator[Case]:
    all_keywords: dict[str, dict[str, Any]] = {
        "serial 1": {"serial": 1},
        "serial 2": {"serial": 2},
        "serial by per cent": {"serial": "34%"},
        "any_errors_fatal, serial 1": {"any_errors_fatal": True, "serial": 1},
        "any_errors_fatal, serial 2": {"any_errors_fatal": True, "serial": 2},
        "max_fail_percentage 33": {"max_fail_percentage": 33},
        "max_fail_percentage 34": {"max_fail_percentage": 34},
        "max_fail_percentage 0": {"max_fail_percentage": 0},
        "max_fail_percentage 0, serial 1": {"max_fail_percentage": 0, "serial": 1},
        "force_handlers": {"force_handlers": True},
    }
    for name, keywords in all_keywords.items():
        for host in "abc":
            task = fail(when=f"inventory_hostname == '{host}'")
            yield Case(
                f"{name}, {host} fails", [play(task, fine(), **keywords), play(fine())], strategies=("linear", "free")
            )
        rescued = block(fail(), rescue=[fine("rescue")], always=[fine("always")])
        yield Case(f"{name}, a rescued", [play(rescued, fine(), **keywords), play(fine())])
        yield Case(f"{name}, a unreachable", [play(unreachable(), fine(), **keywords), play(fine())])
    yield Case("a fails, b rescued", [play(fail(), block(fail(when=ONLY_B), rescue=[fine()]), fine())])
    yield Case(
        "a rescued, then b fatal for all",
        [play(block(fail(), rescue=[fine()]), fail(when=ONLY_B, any_errors_fatal=True), fine())],
    )
    yield Case("a rescued, then a fails", [play(block(fail(), rescue=[fine()]), fail("again"), fine())])
    yield Case("two tasks, two hosts", [play(fail(), fail(when=ONLY_B), fine())])
    yield Case(
        "fatal for all inside others' rescue",
        [
            play(
                block(fail(), rescue=[fine(), fail("inside", when=ONLY_A, any_errors_fatal=True)], always=[fine()]),
                fine(),
            )
        ],
    )
    yield Case(
        "fatal for all, some in rescue",
        [
            play(
                block(
                    fail(when="inventory_hostname in ['a', 'b']"),
                    rescue=[fail("second", when=ONLY_B, any_errors_fatal=True)],
                ),
                fine(),
                any_errors_fatal=False,
            )
        ],
    )
    yield Case(
        "run_once of a bypassing action",
        [play({"add_host": {"name": "{{ nothing_here }}"}}, fine())],
        strategies=("linear",),
    )
    yield Case("run_once with always", [play(block(fail(when=None, run_once=True), always=[fine()]), fine())])
    yield Case("run_once ignored", [play(fail(when=None, run_once=True, ignore_errors=True), fine())])
    yield Case("run_once unreachable", [play(unreachable(run_once=True), fine())])
    yield Case("run_once delegated", [play(fail(when=None, run_once=True, delegate_to="c"), fine())])
    yield Case("delegated", [play(fail(delegate_to="c"), fine())])
    yield Case(
        "delegated, unreachable",
        [play({"raw": "true", "delegate_to": "d", "when": ONLY_A}, fine())],
        {"host_vars/d.yml": {"ansible_connection": "unplugged"}},
        hosts=("a", "b", "d"),
    )
    yield Case("delegated to nobody known", [play(fine(delegate_to="{{ nothing_here }}"), fine())])
    yield Case("all unreachable", [play(unreachable(only="true"), fine()), play(fine())])
    yield Case(
        "unreachable while facts are gathered",
        [
            {
                "hosts": "all",
                "gather_facts": True,
                "gather_subset": ["!all"],
                "vars": {"ansible_connection": "unplugged"},
                "tasks": [fine()],
            }
        ],
    )
    yield Case("unreachable in an earlier play", [play(unreachable()), play(fine(), hosts="b")])
    yield Case("failed in an earlier play of other hosts", [play(fail(), hosts="a"), play(fine(), hosts="b")])
    yield Case("failed in a later play of other hosts", [play(fine(), hosts="b"), play(fail(), hosts="a")])
    yield Case("no hosts matched", [play(fine(), hosts="nobody")])
    yield Case("failed, then a play without hosts", [play(fail()), play(fine(), hosts="nobody")])
    yield Case(
        "added host fails",
        [
            play({"add_host": {"name": "new", "ansible_connection": "local"}}, hosts="a"),
            play(fail(when=None), hosts="new"),
        ],
        strategies=("linear",),
    )
    yield Case(
        "missing include rescued, then a play without hosts",
        [play(block({"include_tasks": "no.yml", "when": ONLY_A}, rescue=[fine()])), play(fine(), hosts="nobody")],
    )
    yield Case("throttled", [play(fail(throttle=1), fine())])
    yield Case(
        "end_role",
        [play({"include_role": {"name": "r"}}, fine())],
        {"roles/r/tasks/main.yml": [block(fail(), rescue=[meta("end_role", when=ONLY_A)]), fine()]},
    )


def _ending() -> Iterator[Case]:
    # Often nothing comes after the end, so that a failure is seen to be final only there.
    yield from (dataclasses.replace(case, late=True) for case in _ending_early())


def _ending_early() -> Iterator[Case]:
    for action in ("end_host", "end_play", "end_batch"):
        yield Case(f"{action} after a failure", [play(fail(), meta(action), fine()), play(fine())])
        yield Case(
            f"{action} in rescue, others go on",
            [play(block(fail(), rescue=[meta(action)], always=[fine()]), fine()), play(fine())],
        )
        yield Case(f"{action} in a block in rescue", [play(block(fail(), rescue=[block(meta(action))]), fine())])
        yield Case(
            f"{action} in an include in rescue",
            [play(block(fail(), rescue=[{"include_tasks": "end.yml"}]), fine())],
            {"end.yml": [meta(action)]},
        )
        yield Case(f"{action} in always", [play(block(fail(), always=[meta(action)]), fine())])
        yield Case(
            f"{action} in a rescue in always after failure",
            [play(block(fail(), always=[block(fail("second"), rescue=[meta(action)])]), fine())],
        )
        yield Case(f"{action} with serial", [play(fail(), meta(action), fine(), serial=1), play(fine())])
        yield Case(
            f"{action} with two in rescue",
            [
                play(
                    block(fail(when=f"{ONLY_A} or {ONLY_B}"), rescue=[fine(), meta(action, when=ONLY_A), fine()]),
                    fine(),
                )
            ],
        )
        yield Case(
            f"{action} by b while a is in rescue",
            [play(block(fail(), meta(action, when=ONLY_B), rescue=[fine("rescue"), fine("more")]), fine())],
        )


def _handlers() -> Iterator[Case]:
    notify = {"name": "notify", "debug": {"msg": "x"}, "changed_when": True, "notify": "h"}
    bad = [fail("h")]
    yield Case("handler fails", [play(notify, fine(), handlers=bad)])
    yield Case("handler fails, next play", [play(notify, handlers=bad), play(fine())])
    yield Case("handler unreachable", [play(notify, handlers=[unreachable("h")])])
    yield Case("handler fails, ignored", [play(notify, handlers=[fail("h", ignore_errors=True)])])
    yield Case(
        "handler flushed in block with rescue",
        [play(block(notify, meta("flush_handlers"), fine(), rescue=[fine()]), fine(), handlers=bad)],
    )
    yield Case(
        "handler flushed in rescue",
        [play(block(notify, fail(), rescue=[meta("flush_handlers")]), fine(), handlers=bad)],
    )
    yield Case(
        "handler flushed in always", [play(block(notify, always=[meta("flush_handlers")]), fine(), handlers=bad)]
    )
    yield Case(
        "handler flushed in nested block",
        [play(block(block(notify, meta("flush_handlers")), rescue=[fine()]), fine(), handlers=bad)],
    )
    yield Case(
        "handler flushed in always after rescue",
        [play(block(notify, fail(), rescue=[fine()], always=[meta("flush_handlers")]), fine(), handlers=bad)],
    )
    yield Case("forced handler fails too", [play(notify, fail(when=None), handlers=bad, force_handlers=True)])
    yield Case("forced handlers after failure", [play(notify, fail(), handlers=[fine("h")], force_handlers=True)])
    yield Case(
        "handler includes rescue",
        [play(notify, handlers=[{"name": "h", "include_tasks": "h.yml"}])],
        {"h.yml": [block(fail(), rescue=[fine()])]},
    )
    yield Case(
        "handler includes what is missing", [play(notify, handlers=[{"name": "h", "include_tasks": "missing.yml"}])]
    )
    yield Case(
        "handler includes what is missing, in rescued block",
        [
            play(
                block(notify, meta("flush_handlers"), rescue=[fine()]),
                fine(),
                handlers=[{"name": "h", "include_tasks": "missing.yml"}],
            )
        ],
    )
    yield Case("handler run once", [play(notify, fine(), handlers=[fail("h", when=None, run_once=True)])])
    yield Case("handler fatal for all", [play(notify, fine(), handlers=[fail("h", any_errors_fatal=True)])])
    yield Case(
        "handler in role",
        [play(fine(), roles=["r"])],
        {"roles/r/tasks/main.yml": [notify], "roles/r/handlers/main.yml": bad},
    )
    yield Case("missing handler", [play({**notify, "notify": "nobody"}, fine())], cut_hosts=NOBODY)
    yield Case("missing handler after a failure", [play(fail(), {**notify, "notify": "nobody"})], cut_hosts=A)


def _includes() -> Iterator[Case]:
    def including(name: str, part: Any, cut: frozenset[str] | None = None, **keywords: Any) -> Case:
        task = {"include_tasks": "part.yml", **keywords}
        return Case(
            name,
            [play(fail("early", when=ONLY_B), block(task, rescue=[fine()]), fine())],
            {"part.yml": part},
            cut_hosts=cut,
        )

    b = frozenset("b")
    yield including("include that is no YAML", "- [", b)
    yield including("include that is no list", {"x": 1})
    yield including("include that is empty", "")
    yield including("include of an unknown module", [{"no_such_module": None}], b)
    yield including("include with applied ignore_errors", [fail()], ignore_errors=True)
    yield Case(
        "apply ignore_errors",
        [play({"include_tasks": {"file": "part.yml", "apply": {"ignore_errors": True}}}, fine())],
        {"part.yml": [fail()]},
    )
    yield Case("missing include as the last task", [play(fine(), {"include_tasks": "missing.yml", "when": ONLY_A})])
    yield Case("templated name that is undefined", [play({"include_tasks": "{{ nothing_here }}.yml"}, fine())])
    yield Case(
        "import of what fails",
        [play(block({"import_tasks": "part.yml"}, rescue=[fine()]), fine())],
        {"part.yml": [fail()]},
    )
    yield Case(
        "import_role rescued",
        [play(block({"import_role": {"name": "r"}}, rescue=[fine()]), fine())],
        {"roles/r/tasks/main.yml": [fail()]},
    )
    yield Case(
        "role with own rescue",
        [play(fine(), roles=["r"])],
        {"roles/r/tasks/main.yml": [block(fail(), rescue=[fine()])]},
    )
    yield Case(
        "include in include, rescued outside",
        [play(block({"include_tasks": "one.yml"}, rescue=[fine()]), fine())],
        {"one.yml": [{"include_tasks": "two.yml"}], "two.yml": [fine(), fail()]},
    )
    yield Case(
        "missing file in an included file",
        [play(block({"include_tasks": "one.yml"}, rescue=[fine()]), fine())],
        {"one.yml": [{"include_tasks": "two.yml"}]},
    )
    yield Case(
        "include for some hosts, missing for others",
        [play({"include_tasks": "{{ inventory_hostname }}.yml"}, fine())],
        {"b.yml": [fine()], "c.yml": [fail(when=None)]},
    )
    for section in ("rescue", "always"):
        yield Case(
            f"missing include in {section}",
            [play(block(fail(), **{section: [{"include_tasks": "missing.yml"}]}), fine())],
        )
        yield Case(
            f"missing role in {section}",
            [play(block(fail(), **{section: [{"include_role": {"name": "missing"}}]}), fine())],
            late=True,  # without an event on ansible-core 2.16
        )
    yield Case(
        "argument spec of a role",
        [play(fine(), roles=["r"])],
        {
            "roles/r/tasks/main.yml": [fine()],
            "roles/r/meta/argument_specs.yml": {
                "argument_specs": {"main": {"options": {"needed": {"required": True}}}}
            },
        },
    )


def _clearing() -> Iterator[Case]:
    yield from (dataclasses.replace(case, late=True) for case in _clearing_early())


def _clearing_early() -> Iterator[Case]:
    clear = meta("clear_host_errors")
    yield Case("cleared next", [play(fail(), clear, fine())])
    yield Case("cleared by another host in free", [play(fail(), fine(), clear, fine())])
    yield Case("cleared in always", [play(block(fail(), always=[clear]), fine())])
    yield Case("cleared in rescue", [play(block(fail(), rescue=[clear, fail("second")]), fine())])
    yield Case("cleared in an include", [play(fail(), {"include_tasks": "clear.yml"}, fine())], {"clear.yml": [clear]})
    yield Case(
        "cleared in a role",
        [play(fail(), {"include_role": {"name": "r"}}, fine())],
        {"roles/r/tasks/main.yml": [clear]},
    )
    yield Case(
        "cleared in an include of a role",
        [play(fail(), fine(), post_tasks=[{"include_role": {"name": "r"}}])],
        {"roles/r/tasks/main.yml": [{"include_tasks": "more.yml"}], "roles/r/tasks/more.yml": [clear]},
    )
    yield Case(
        "cleared in a templated include",
        [play(fail(), {"include_tasks": "{{ 'cl' }}ear.yml"}, fine())],
        {"clear.yml": [clear]},
    )
    yield Case(
        "cleared in an include in another folder",
        [play(fail(), {"include_tasks": "x/clear.yml"}, fine())],
        {"x/clear.yml": [clear]},
    )
    yield Case(
        "cleared in an imported file", [play(fail(), {"import_tasks": "clear.yml"}, fine())], {"clear.yml": [clear]}
    )
    yield Case(
        "cleared in a handler",
        [play({"debug": {"msg": 1}, "changed_when": True, "notify": "h"}, fail(), handlers=[{"name": "h", **clear}])],
    )
    yield Case("cleared in a later play", [play(fail()), play(clear, fine()), play(fine())])
    yield Case("clearing skipped", [play(fail(), meta("clear_host_errors", when=False), fine())])
    yield Case("clearing before the failure", [play(clear, fail(), fine())])
    yield Case("cleared, then fails again", [play(fail(), clear, fail("again"), fine())])
    yield Case("unreachable cleared", [play(unreachable(), clear, fine())])
    yield Case("unreachable cleared in a later play", [play(unreachable()), play(clear, fine()), play(fine())])
    yield Case("one cleared, one not", [play(fail(), clear, fail(when=ONLY_B), fine())])
    yield Case("cleared after any_errors_fatal", [play(fail(any_errors_fatal=True), clear, fine())])
    yield Case("clearing in a play that is not reached", [play(fail(when=None)), play(clear)])


def _several() -> Iterator[Case]:
    def both(name: str, one: Task, two: Task) -> Case:
        files = {"one.yml": [play(one)], "two.yml": [play(two)]}
        return Case(name, [], files, playbooks=("one.yml", "two.yml"))

    yield both("two playbooks, both fine", fine(), fine())
    yield both("two playbooks, first fails", fail(), fine())
    yield both("two playbooks, second fails", fine(), fail())
    yield both("two playbooks, first rescued", block(fail(), rescue=[fine()]), fine())
    yield both(
        "two playbooks, first rescues a missing include", block({"include_tasks": "no.yml"}, rescue=[fine()]), fine()
    )
    yield both("two playbooks, first ignores", fail(ignore_errors=True), fail(when=ONLY_B))
    yield Case(
        "two playbooks, second is no YAML",
        [],
        {"one.yml": [play(fine())], "two.yml": "- ["},
        playbooks=("one.yml", "two.yml"),
        cut_hosts=NOBODY,
    )
    yield Case(
        "two playbooks, second is missing its role",
        [],
        {"one.yml": [play(fine())], "two.yml": [play(roles=["none"])]},
        playbooks=("one.yml", "two.yml"),
        cut_hosts=NOBODY,
    )
    yield Case(
        "imported playbooks",
        [{"import_playbook": "one.yml"}, {"import_playbook": "two.yml"}],
        {"one.yml": [play(fail())], "two.yml": [play(fine())]},
    )
    for bad in ("first", "middle", "last"):
        plays = [play(fail() if bad == place else fine(), name=place) for place in ("first", "middle", "last")]
        yield Case(f"three plays, {bad} fails", plays)
    yield Case(
        "each play fails on another host", [play(fail(when=f"inventory_hostname == '{host}'")) for host in "abc"]
    )


def _command_line() -> Iterator[Case]:
    yield Case("--check", [play(fail(), fine())], args=("--check",))
    yield Case("--limit to the good ones", [play(fail())], args=("--limit", "b,c"))
    yield Case("--limit to the bad one", [play(fail())], args=("--limit", "a"))
    yield Case("--tags without the failing one", [play(fail(), fine(tags="t"))], args=("--tags", "t"))
    yield Case(
        "--tags that empty the rescue", [play(block(fail(tags="t"), rescue=[fine()]), fine())], args=("--tags", "t")
    )
    yield Case(
        "--skip-tags that empty the rescue",
        [play(block(fail(), rescue=[fine(tags="t")]), fine())],
        args=("--skip-tags", "t"),
    )
    yield Case(
        "--start-at-task after the failing one", [play(fail(), fine("start"))], args=("--start-at-task", "start")
    )
    yield Case(
        "--start-at-task in a rescued block",
        [play(fail("x"), block(fine("start"), fail(), rescue=[fine()]), fine())],
        args=("--start-at-task", "start"),
    )
    yield Case(
        "--force-handlers",
        [play({"debug": {"msg": 1}, "changed_when": True, "notify": "h"}, fail(), handlers=[fail("h")])],
        args=("--force-handlers",),
    )
    yield Case("extra variable ignores", [play(fail(ignore_errors="{{ lax }}"))], args=("-e", "lax=true"))
    yield Case(
        "extra variable does not ignore", [play(fail(ignore_errors="{{ lax | bool }}"))], args=("-e", "lax=false")
    )
    yield Case("vars_prompt without a terminal", [play(fail(), vars_prompt=[{"name": "x", "default": "y"}])])
    yield Case(
        "missing handler only warned of",
        [play({"debug": {"msg": 1}, "changed_when": True, "notify": "no"}, fail())],
        environment={"ANSIBLE_ERROR_ON_MISSING_HANDLER": "0"},
    )
    yield Case(
        "fact gathering",
        [{"hosts": "all", "gather_facts": True, "gather_subset": ["!all"], "tasks": [fail()]}],
        hosts=("a",),
        strategies=("linear",),
    )
    yield Case(
        "fact gathering without an interpreter",
        [
            {
                "hosts": "all",
                "gather_facts": True,
                "vars": {"ansible_python_interpreter": "/nonexistent/python"},
                "tasks": [fine()],
            }
        ],
    )


def _errors() -> Iterator[Case]:
    yield Case("undefined hosts in a later play", [play(fail()), play(fine(), hosts="{{ nothing_here }}")], cut_hosts=A)
    yield Case("undefined hosts in the first play", [play(fine(), hosts="{{ nothing_here }}")], cut_hosts=NOBODY)
    yield Case(
        "unknown strategy", [play(fine(), strategy="no_such_strategy")], cut_hosts=NOBODY, strategies=("linear",)
    )
    yield Case(
        "unknown strategy in a later play", [play(fail()), play(fine(), strategy="no_such_strategy")], cut_hosts=A
    )
    yield Case("missing role in a later play", [play(fail()), play(roles=["no_such_role"])], before_callbacks=True)
    yield Case("no YAML", [], {"site.yml": "- ["}, before_callbacks=True)
    yield Case("no such playbook", [], playbooks=("none.yml",), before_callbacks=True)
    yield Case(
        "vault that cannot be read",
        [play(fine(), vars_files=["secret.yml"])],
        {"secret.yml": VAULTED},
        cut_hosts=NOBODY,
    )
    yield Case("vars_files that is missing", [play(fine(), vars_files=["missing.yml"])])
    yield Case("vars_files that is missing, in a later play", [play(fail()), play(fine(), vars_files=["missing.yml"])])
    dead = {"name": "dies", "debug": {"msg": "{{ lookup('pipe', 'kill -9 $PPID') }}"}, "when": ONLY_B}
    # The other strategies wait for a dead worker for ever.
    yield Case("dead worker", [play(fail(), block(dead, rescue=[fine()]), fine())], cut_hosts=A, strategies=("linear",))
    yield Case(
        "dead worker while a rescue is at work",
        [play(block(fail(), rescue=[{**dead, "when": ONLY_A}]), fine())],
        cut_hosts=A,
        strategies=("linear",),
    )
    yield Case(
        "error after a rescue has ended well",
        [play(block(fail(), rescue=[fine()])), play(fine(), hosts="{{ nothing_here }}")],
        cut_hosts=NOBODY,
    )
    yield Case("invalid meta", [play(fail(), {"meta": "no_such_meta"})], cut_hosts=A)
    yield Case(
        "flush_handlers as a handler",
        [
            play(
                fail(),
                {"debug": {"msg": 1}, "changed_when": True, "notify": "h"},
                handlers=[{"name": "h", "meta": "flush_handlers"}],
            )
        ],
        cut_hosts=A,
    )


def _signals() -> Iterator[Case]:
    wait = {"name": "wait", "raw": "touch ready; sleep 20", "when": "inventory_hostname == 'c'"}
    for number in ("SIGINT", "SIGTERM", "SIGHUP"):
        yield Case(f"{number} before anything fails", [play(wait)], signal=number, cut_hosts=NOBODY)
        yield Case(f"{number} after a failure", [play(fail(), wait, fine())], signal=number, cut_hosts=A)
        yield Case(
            f"{number} after an ignored failure",
            [play(fail(ignore_errors=True), wait)],
            signal=number,
            cut_hosts=NOBODY,
        )
        yield Case(
            f"{number} after a rescue ended well",
            [play(block(fail(), rescue=[fine()]), wait)],
            signal=number,
            cut_hosts=NOBODY,
        )
        # With free and host_pinned, a's rescue goes on while c waits.
        waiting = {**wait, "when": ONLY_A}
        yield Case(f"{number} in a rescue", [play(block(fail(), rescue=[waiting]))], signal=number, cut_hosts=A)
        yield Case(
            f"{number} in always after rescue",
            [play(block(fail(), rescue=[fine()], always=[waiting]))],
            signal=number,
            cut_hosts=NOBODY,
        )
        yield Case(
            f"{number} in always after failure", [play(block(fail(), always=[waiting]))], signal=number, cut_hosts=A
        )
        yield Case(f"{number} in a second play", [play(fail()), play(wait)], signal=number, cut_hosts=A)
        yield Case(
            f"{number} in a second play, after a rescue in the first",
            [play(block(fail(), rescue=[fine()])), play(wait)],
            signal=number,
            cut_hosts=NOBODY,
        )
        yield Case(
            f"{number} while errors may be cleared",
            [play(fail(), wait, meta("clear_host_errors"))],
            signal=number,
            cut_hosts=A,
        )
