# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an outbox task says and does, on real outboxes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.modules import outbox as module
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _outbox_task
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_options import OUTBOX_SPEC
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_task import OUTBOX_TASK_SPEC, tend
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps, fingerprint_of
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY, alert, change, route
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

Tend = Callable[..., "dict[str, Any]"]
NOTHING_THERE = {"changed": False, "waiting": 0, "set_aside": 0, "dropped": {}, "by_key": [], "events": []}


@pytest.fixture
def pagerduty() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "new" / "outbox.sqlite3")


@pytest.fixture
def outbox(path: str) -> Outbox:
    return Outbox(Database(path))


@pytest.fixture
def run(path: str) -> Tend:
    """Run a task with these options, and the defaults for the others; looks for the key in all results."""

    def run_task(check_mode: bool = False, **options: Any) -> dict[str, Any]:
        defaults = {name: spec.get("default") for name, spec in OUTBOX_TASK_SPEC.items()}
        result = tend({**defaults, "outbox_path": path, "retry_base_interval": 0.05, **options}, check_mode)
        assert_no_secret(result, KEY)
        return result

    return run_task


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["drained", "listed", "retried", "purged"])
def test_an_outbox_that_was_never_made(run: Tend, path: str, state: str, check_mode: bool) -> None:
    assert run(check_mode, state=state) == {**NOTHING_THERE, "msg": "The outbox is empty."}
    assert not Path(path).parent.exists()


def test_lists_what_there_is(run: Tend, outbox: Outbox) -> None:
    outbox.put(alert("k", summary=f"with {KEY}"), route())
    outbox.put(change("deployed"), route("https://events.example.com"))
    result = run(state="listed")
    assert (result["msg"], result["changed"]) == ("The outbox has 2 events waiting.", False)
    trigger, deployed = result["events"]
    assert (trigger["id"], trigger["state"], trigger["action"]) == (1, "waiting", "trigger")
    assert (trigger["dedup_key"], trigger["summary"]) == ("k", "with ********")
    assert (deployed["id"], deployed["action"], deployed["dedup_key"]) == (2, "change", None)
    assert deployed["base_url"] == "https://events.example.com"
    assert trigger["key"] == deployed["key"] != ""
    assert (trigger["attempts"], trigger["reason"]) == (0, None)


def test_drains(run: Tend, outbox: Outbox, pagerduty: Simulator) -> None:
    outbox.put(alert("a"), route(pagerduty.url))
    outbox.put(alert("a", "resolve"), route(pagerduty.url))
    assert run() == {**NOTHING_THERE, "changed": True, "msg": "2 events sent; the outbox is empty."}
    assert [event.action for event in pagerduty.accepted] == ["trigger", "resolve"]
    assert run() == {**NOTHING_THERE, "msg": "The outbox is empty."}


def test_fails_if_events_are_left_and_says_why(run: Tend, outbox: Outbox, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=503, probability=1.0))
    outbox.put(alert("a"), route(pagerduty.url))
    result = run(limit=0.5)
    assert (result["failed"], result["changed"], result["waiting"]) == (True, False, 1)
    assert result["msg"].startswith("The outbox has 1 event waiting. That is after 0.5 s. The last attempt failed: ")
    assert "503" in result["msg"]
    assert result["events"][0]["attempts"] >= 1


def test_says_if_there_was_no_time_for_an_attempt(run: Tend, outbox: Outbox) -> None:
    outbox.put(alert("a"), route())
    assert run(limit=0)["msg"] == (
        "The outbox has 1 event waiting. That is after 0 s. No attempt has failed; a longer limit may do."
    )


def test_what_was_refused_is_told_with_the_reason(run: Tend, outbox: Outbox, pagerduty: Simulator) -> None:
    pagerduty.add_fault(Fault("status", code=400))
    outbox.put(alert("a"), route(pagerduty.url))
    result = run()
    assert (result["failed"], result["changed"], result["set_aside"]) == (True, False, 1)
    assert result["msg"].startswith("The outbox has 1 event that PagerDuty has refused (")
    assert result["msg"].endswith(". 1 event refused just now: nobody has been paged by that.")
    assert "400" in result["msg"]
    assert "failed" not in run()  # that is no news any more
    assert run(state="retried")["msg"].startswith("1 event put back; the outbox has 1 event waiting.")
    assert run()["msg"] == "1 event sent; the outbox is empty."


def test_only_a_list_shows_all_events(run: Tend, outbox: Outbox) -> None:
    for number in range(21):
        outbox.put(alert(str(number)), route())
    drained = run(limit=0)
    assert (drained["waiting"], len(drained["events"])) == (21, 20)
    assert [event["id"] for event in run(state="listed")["events"]] == list(range(1, 22))


def test_a_list_comes_in_portions_with_the_numbers_of_all(run: Tend, outbox: Outbox) -> None:
    with outbox.together():
        for number in range(120):
            outbox.put(alert(str(number)), route())
        outbox.put(change(key=OTHER_KEY), route())
    results = [run(state="listed", **page) for page in ({}, {"offset": 100}, {"most": 3, "offset": 7}, {"most": 0})]
    listed = [[event["id"] for event in result["events"]] for result in results]
    assert listed == [list(range(1, 101)), list(range(101, 122)), [8, 9, 10], []]
    said = [result["msg"].removeprefix("The outbox has 121 events waiting.") for result in results]
    assert said == [
        " Listed are 1 to 100 of 121.",
        " Listed are 101 to 121 of 121.",
        " Listed are 8 to 10 of 121.",
        " None of 121 is listed.",
    ]
    for result in results:
        assert result["waiting"] == 121
        assert sorted(counts["waiting"] for counts in result["by_key"]) == [1, 120]
        assert {counts["key"] for counts in result["by_key"]} == {fingerprint_of(key)[:8] for key in (KEY, OTHER_KEY)}


@pytest.mark.parametrize("option", ["most", "offset"])
def test_a_portion_that_makes_no_sense_is_refused(run: Tend, option: str) -> None:
    with pytest.raises(OptionError, match=f"{option}: -1 was given; expected a number of events, 0 or more"):
        run(**{option: -1})


def test_check_mode_foretells_more_than_it_shows(run: Tend, outbox: Outbox) -> None:
    for number in range(25):
        outbox.put(alert(str(number)), route())
    foretold = run(True, state="purged", waiting=True, ids=[1, 24, 25, 26])
    assert foretold["msg"] == "3 events would be dropped; the outbox has 25 events waiting."
    assert len(foretold["events"]) == 20


def test_what_a_full_outbox_dropped_is_told_once(run: Tend, outbox: Outbox, pagerduty: Simulator) -> None:
    capped = Outbox(outbox._database, Caps(max_events=1))
    for key in "abc":
        capped.put(alert(key, summary=f"{key} failed"), route(pagerduty.url))
    result = run()
    assert result["failed"]
    assert result["msg"] == (
        "1 event sent; the outbox is empty. 2 events were dropped unsent, since the outbox was full"
        " (outbox_max_events): PagerDuty has not accepted them (trigger: a failed; trigger: b failed)."
    )
    assert "failed" not in run()


def test_events_that_were_too_old_are_told(run: Tend, outbox: Outbox, pagerduty: Simulator) -> None:
    outbox.put(alert("a"), route(pagerduty.url))
    result = run(outbox_max_age=1e-9)
    assert (result["failed"], result["changed"], result["dropped"]) == (True, True, {"max_age": 1})
    assert result["msg"] == (
        "The outbox is empty. 1 event was dropped unsent, after a wait that was longer than outbox_max_age:"
        " PagerDuty has not accepted it (trigger: disk full)."
    )
    assert run() == {**NOTHING_THERE, "dropped": {"max_age": 1}, "msg": "The outbox is empty."}  # told once


@pytest.fixture
def mixed(outbox: Outbox, pagerduty: Simulator, run: Tend) -> Outbox:
    """An outbox with two refused events, 1 and 2, and one that waits, 3."""
    pagerduty.add_fault(Fault("status", code=400, count=2))
    for key in "ab":
        outbox.put(alert(key), route(pagerduty.url))
    run()
    outbox.put(alert("c"), route(pagerduty.url))
    return outbox


@pytest.mark.parametrize(
    ("options", "changed", "left"),
    [
        ({"state": "listed"}, 0, {1: "set aside", 2: "set aside", 3: "waiting"}),
        ({"state": "retried"}, 2, {1: "waiting", 2: "waiting", 3: "waiting"}),
        ({"state": "retried", "ids": [2, 99]}, 1, {1: "set aside", 2: "waiting", 3: "waiting"}),
        ({"state": "retried", "ids": [3, -1]}, 0, {1: "set aside", 2: "set aside", 3: "waiting"}),
        ({"state": "retried", "ids": []}, 0, {1: "set aside", 2: "set aside", 3: "waiting"}),
        ({"state": "purged"}, 2, {3: "waiting"}),
        ({"state": "purged", "ids": [1]}, 1, {2: "set aside", 3: "waiting"}),
        ({"state": "purged", "ids": [3]}, 0, {1: "set aside", 2: "set aside", 3: "waiting"}),
        ({"state": "purged", "ids": [3], "waiting": True}, 1, {1: "set aside", 2: "set aside"}),
        ({"state": "purged", "waiting": True}, 3, {}),
        ({"state": "drained"}, 1, {1: "set aside", 2: "set aside"}),
    ],
    ids=str,
)
def test_check_mode_foretells_what_is_done(
    run: Tend, mixed: Outbox, options: dict[str, Any], changed: int, left: dict[int, str]
) -> None:
    before = mixed.entries()
    foretold = run(True, **options)
    assert mixed.entries() == before
    assert foretold["events"] == [entry.as_dict() for entry in before]
    done = run(**options)
    assert {event["id"]: event["state"] for event in done["events"]} == left
    assert foretold["changed"] is done["changed"] is bool(changed)
    if changed:
        count = "1 event" if changed == 1 else f"{changed} events"
        word = {"retried": "put back", "purged": "dropped", "drained": "sent"}[options["state"]]
        assert done["msg"].startswith(f"{count} {word}; ")
        assert foretold["msg"].startswith(f"{count} would be {word}; ")


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf"), 86401.0])
def test_a_limit_that_makes_no_sense_is_refused(run: Tend, limit: float) -> None:
    with pytest.raises(OptionError, match=f"limit: {limit} was given; expected seconds, from 0 to 86400"):
        run(limit=limit)


def test_the_results_are_those_of_the_documentation(run: Tend, mixed: Outbox) -> None:
    documented = yaml.safe_load(module.RETURN)
    result = run(state="listed")
    assert result.keys() - {"changed"} == documented.keys()
    assert all(event.keys() == documented["events"]["contains"].keys() for event in result["events"])
    types = {"str": str, "int": int, "dict": dict, "list": list}
    for name, entry in documented.items():
        assert isinstance(result[name], types[entry["type"]])
    for event in result["events"]:
        for name, entry in documented["events"]["contains"].items():
            assert event[name] is None or isinstance(event[name], types[entry["type"]])


def test_the_specification_is_the_documentation() -> None:
    options = yaml.safe_load(module.DOCUMENTATION)["options"]
    own = {name: spec for name, spec in OUTBOX_TASK_SPEC.items() if name not in OUTBOX_SPEC}
    assert own.keys() == options.keys()
    for name, spec in own.items():
        documented = {key: options[name].get(key) for key in ("type", "elements", "default")}
        assert {key: spec.get(key) for key in documented} == documented
        assert list(options[name].get("choices", ())) == spec.get("choices", [])


def test_sqlite_and_the_http_library_are_loaded_by_tasks_that_need_them_only() -> None:
    root = str(Path(_outbox_task.__file__).parents[5])
    code = f"""if True:
        import sys
        sys.path.insert(0, {root!r})
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _outbox_task
        print(sorted({{"sqlite3", "requests"}} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
