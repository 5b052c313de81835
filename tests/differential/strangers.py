# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases with other people's plugins that end a run in ways of their own: by an exception, or by the exit code alone."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from .case import Case, play
from .composed import block, fail, fine

NOBODY: frozenset[str] = frozenset()
A = frozenset("a")

# Up to 2.18 the strategy linear takes an OSError for the sign of an abort, and says nothing.
_BROKEN_DISK = """
    import sys

    from ansible.plugins.vars import BaseVarsPlugin


    class VarsModule(BaseVarsPlugin):
        broken = False

        def get_vars(self, loader, path, entities):
            super().get_vars(loader, path, entities)
            frame = sys._getframe()
            while frame is not None and not VarsModule.broken:
                if getattr(frame.f_locals.get("task"), "name", "") == "now" and "iterator" in frame.f_locals:
                    VarsModule.broken = True
                    raise OSError(5, "Input/output error")
                frame = frame.f_back
            return {}
"""

_RAISES = """
    from ansible.plugins.callback import CallbackBase

    class Odd(BaseException):
        pass

    class CallbackModule(CallbackBase):
        CALLBACK_VERSION = 2.0
        CALLBACK_TYPE = "notification"
        CALLBACK_NAME = "raises"

        def {hook}(self, *given, **more):
            raise {error}
"""

_RETURNS = """
    from ansible.plugins.strategy.linear import StrategyModule as Linear

    class StrategyModule(Linear):
        def run(self, iterator, play_context):
            super().run(iterator, play_context)
            return {result}
"""


def strangers() -> Iterator[Case]:
    """All of them."""
    yield from _broken_disk()
    yield from _callbacks()
    yield from _returned()


def _broken_disk() -> Iterator[Case]:
    files = {"vars_plugins/broken_disk.py": _text(_BROKEN_DISK)}
    now = {**fine(), "name": "now"}
    for name, tasks in (
        ("with nothing else", [fine(), now, fine()]),
        ("after a failure", [fail(), now, fine()]),
        ("after a rescue", [block(fail(), rescue=[fine()]), now]),
        ("in a rescue", [block(fail(), rescue=[now]), fine()]),
        ("in always after a rescue", [block(fail(), rescue=[fine()], always=[now]), fine()]),
        ("after an ignored failure", [fail(ignore_errors=True), now]),
    ):
        yield Case(f"disk breaks {name}", [play(*tasks)], files)
    yield Case("disk breaks in a later play", [play(block(fail(), rescue=[fine()])), play(now)], files)


def _callbacks() -> Iterator[Case]:
    def case(hook: str, error: str, hosts: frozenset[str], *tasks: dict[str, object]) -> Case:
        files = {"callback_plugins/raises.py": _text(_RAISES.format(hook=hook, error=error))}
        name = f"callback raises {error} in {hook}"
        return Case(name, [play(*tasks)], files, cut_hosts=hosts, strategies=("linear", "free"))

    # Which of several hosts is marked by then depends on the strategy; here it is one.
    for error in ("SystemExit(5)", "SystemExit('over')", "KeyboardInterrupt", "Odd('over')"):
        yield case("v2_runner_on_failed", error, A, fail(), fine())
        yield case("v2_playbook_on_stats", error, NOBODY, fine())
    yield case("v2_runner_on_ok", "SystemExit(5)", NOBODY, fine(), fine())
    yield case("v2_runner_on_ok", "SystemExit(0)", NOBODY, fine(), fine())
    yield case("v2_playbook_on_task_start", "SystemExit(5)", NOBODY, fine())
    yield case("v2_playbook_on_play_start", "SystemExit(5)", NOBODY, fine())
    yield case("v2_playbook_on_start", "SystemExit(5)", NOBODY, fine())
    yield case("v2_playbook_on_start", "SystemExit(0)", NOBODY, fine())


def _returned() -> Iterator[Case]:
    for result in (255, 3, -1, 1, True, False, 256, 260):
        files = {"strategy_plugins/returns.py": _text(_RETURNS.format(result=json.dumps(result).title()))}
        rescued = block(fail(), rescue=[fine()])
        yield Case(
            f"strategy returns {result}", [play(rescued, fine(), strategy="returns")], files, strategies=("linear",)
        )
    files = {"strategy_plugins/returns.py": _text(_RETURNS.format(result=255))}
    yield Case(
        "strategy returns 255 after a failure", [play(fail(), strategy="returns")], files, strategies=("linear",)
    )


def _text(code: str) -> str:
    return textwrap.dedent(code).lstrip()
