# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in the documentation runs as it stands, and ansible-doc shows every option."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.oncall.pagerduty.plugins.callback import page_on_failure
from ansible_collections.oncall.pagerduty.plugins.module_utils._task import CHANGE, INCIDENT, TaskKind
from ansible_collections.oncall.pagerduty.plugins.modules import change, incident, outbox, settings_info
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
from ansible_collections.oncall.pagerduty.tests.integration.support.callback import OTHER_KEY, events, fail, hosts, play
from ansible_collections.oncall.pagerduty.tests.integration.support.documentation import (
    GUIDES,
    KEY_FILE,
    PLAYS,
    SETTINGS,
    TASKS,
    Block,
    Example,
    commands,
    examples,
    markdown_blocks,
    rst_blocks,
)
from ansible_collections.oncall.pagerduty.tests.integration.support.playbook import Ansible, Run
from ansible_collections.oncall.pagerduty.tests.simulator import Fault, Simulator
from ansible_collections.oncall.pagerduty.tests.support.collection import CHECKOUT
from ansible_collections.oncall.pagerduty.tests.support.events import alert, route

KEY = "d0c5" * 8
#: for an example that has only settings
OWN_TASK = "send with these settings"

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
TEXTS = sorted(GUIDES.rglob("*.rst"))
BLOCKS: list[Block] = [
    *(block for path in PAGES for block in markdown_blocks(path.read_text("utf-8"), str(path.relative_to(CHECKOUT)))),
    *(block for path in TEXTS for block in rst_blocks(path.read_text("utf-8"), path.name)),
]
EXAMPLES = [
    Example("incident's examples", TASKS, incident.EXAMPLES),
    Example("change's examples", TASKS, change.EXAMPLES),
    *(
        example
        for document in PAGES
        for example in examples(document.read_text("utf-8"), str(document.relative_to(CHECKOUT)))
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_the_example_runs(ansible: Ansible, simulator: Simulator, example: Example) -> None:
    run = run_example(ansible, simulator, example)

    assert run.rc == 0, run.output
    done = [result.task for result in run.results if result.result.get("accepted") or result.result.get("queued")]
    assert list(dict.fromkeys(done)) == (example.tasks or [OWN_TASK])
    # What was queued is sent by another process.
    simulator.wait_for(lambda pagerduty: len(pagerduty.accepted) >= len(done), timeout=60)
    assert {request.key for request in simulator.requests} == {KEY}
    assert len(simulator.requests) == len(done)


def run_example(ansible: Ansible, simulator: Simulator, example: Example) -> Run:
    """Run an example with what its reader has: a key, a key file, and the hosts that it names."""
    ansible.write("pagerduty.key", KEY + "\n").chmod(0o600)
    text = example.text.replace(KEY_FILE, str(ansible.project / "pagerduty.key"))
    secrets = dict.fromkeys(re.findall(r"\bvault_\w+", text), KEY)
    variables = ansible.write("secrets.json", secrets)
    plays: Any = [{"hosts": "db1", "gather_facts": False}]
    if example.kind == PLAYS:
        plays = text
    elif example.kind == TASKS:
        plays[0]["tasks"] = yaml.safe_load(text)
    else:
        plays[0]["tasks"] = [{"name": OWN_TASK, "oncall.pagerduty.incident": {"summary": "x"}}]
    hosts = {"db1", "bastion.example.com", *example.hosts} - {"all", "localhost"}
    return ansible(
        plays,
        "--extra-vars",
        f"@{variables}",
        inventory={"all": {"hosts": {host: {} for host in sorted(hosts)}, "vars": {"ansible_connection": "local"}}},
        env={"PAGERDUTY_API_URL": simulator.url},
        cfg=text if example.kind == SETTINGS else "",
    )


def test_the_examples_of_the_tasks_about_the_outbox_and_the_settings(ansible: Ansible, simulator: Simulator) -> None:
    kept = Outbox(Database(str(ansible.home / ".ansible" / "oncall.pagerduty" / "outbox.sqlite3")))
    for key in ("replica-lag/db1", "b"):
        kept.put(alert(key), route(simulator.url))
    # Refused when first drained; draining a second time and dropping find less and less.
    simulator.add_fault(Fault("status", code=400, body="json", count=2))
    examples_of_outbox = yaml.safe_load(outbox.EXAMPLES)
    tasks = [{**examples_of_outbox[0], "name": "refused", "ignore_errors": True}, *examples_of_outbox[1:]]

    run = ansible.tasks(
        [*yaml.safe_load(settings_info.EXAMPLES), *tasks, examples_of_outbox[0]],
        env={"PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_API_URL": simulator.url},
    )

    assert run.rc == 0, run.output
    assert run.task("See how PagerDuty would be told").result["problems"] == []
    outboxes = [
        (one.task, one.result["waiting"], one.result["set_aside"]) for one in run.results if "waiting" in one.result
    ]
    assert outboxes == [
        ("refused", 0, 2),
        ("See what waits, and what was refused", 0, 2),
        ("See how many there are", 0, 2),
        ("See the second hundred", 0, 2),
        ("Give refused events another chance", 2, 0),
        ("Give one of them another chance", 2, 0),
        ("Drop what PagerDuty will never take", 2, 0),
        ("Drop all there is, what waits to be sent included", 0, 0),
        ("Send what earlier runs have left behind", 0, 0),
    ]
    assert len(tasks) == outbox.EXAMPLES.count("\n- name: ")


def test_the_examples_of_the_callback(ansible: Ansible, simulator: Simulator) -> None:
    head, *files = re.split(r"^# (\w+/\w+\.yml): .*\n", page_on_failure.EXAMPLES, flags=re.MULTILINE)
    lines = [line.removeprefix("#").removeprefix("   ") for line in head.strip().splitlines()]
    assert lines[0] == " ansible.cfg:"
    ansible.write("pagerduty.key", KEY + "\n").chmod(0o600)
    inventory = hosts("web1", "db1", "scratch1")
    inventory["all"]["children"] = {"databases": {"hosts": {"db1": {}}}}

    run = ansible(
        [play("Deploy", "all", fail("Unpack"))],
        "-e",
        f"vault_databases_pagerduty_key={OTHER_KEY}",
        cfg="\n".join([*lines[1:], ""]).replace(KEY_FILE, str(ansible.project / "pagerduty.key")),
        inventory=inventory,
        files=dict(zip(files[::2], files[1::2])),
        env={"PAGERDUTY_API_URL": simulator.url},
    )

    assert run.rc == 2
    told = {event.key: event.json["payload"] for event in events(simulator) if isinstance(event.json, dict)}
    assert told.keys() == {KEY, OTHER_KEY}, run.output
    assert {key: payload["custom_details"]["failed_hosts"] for key, payload in told.items()} == {
        KEY: ["web1"],
        OTHER_KEY: ["db1"],
    }
    assert {payload["severity"] for payload in told.values()} == {"critical"}
    assert told[OTHER_KEY]["custom_details"]["runbook"] == "https://wiki.example.com/db1"


# --- nothing is left out ------------------------------------------------------------------------------------------


def test_each_module_and_plugin_is_tested_with_its_examples() -> None:
    tested = {incident, change, outbox, settings_info, page_on_failure}
    files = [path for kind in ("modules", "callback") for path in (CHECKOUT / "plugins" / kind).glob("[!_]*.py")]
    assert {Path(str(module.__file__)).stem for module in tested} == {path.stem for path in files}
    for module in (incident, change):
        assert len(yaml.safe_load(module.EXAMPLES)) == module.EXAMPLES.count("\n- name: ")


def test_each_example_of_a_page_is_run_here() -> None:
    places = {example.place for example in EXAMPLES}
    assert {PLAYS, SETTINGS} <= {example.kind for example in EXAMPLES if example.place.startswith("README.md:")}
    assert [block for block in BLOCKS if block.language in ("yaml", "ini") and ".md:" in block.place] == [
        block for block in BLOCKS if block.place in places
    ]


def test_what_the_front_page_shows_as_output_is_what_a_guide_is_tested_with() -> None:
    shown = [block.text for block in BLOCKS if block.language == "text" and block.place.startswith("README.md:")]
    tested = [block.text for block in BLOCKS if block.place.startswith("page_on_failure.rst:")]
    assert shown
    assert set(shown) <= set(tested)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_each_guide_has_a_test_that_uses_all_of_its_examples(path: Path) -> None:
    module = importlib.import_module(f"{__name__.rpartition('.')[0]}.test_{path.stem}_guide")
    assert callable(module.test_every_example_of_the_guide_is_used)
    assert path.read_text("utf-8") == (module.GUIDE if isinstance(module.GUIDE, str) else module.GUIDE.text)


def test_each_guide_is_listed_and_linked() -> None:
    sections = yaml.safe_load((GUIDES.parent / "extra-docs.yml").read_text("utf-8"))["sections"]
    assert sorted(name for section in sections for name in section["toctree"]) == [path.stem for path in TEXTS]
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    for path in TEXTS:
        assert f"]({path.relative_to(CHECKOUT)})" in readme
        assert f".. _ansible_collections.oncall.pagerduty.docsite.{path.stem}:\n" in path.read_text("utf-8")


@pytest.mark.parametrize("path", [*PAGES, *TEXTS], ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)", text) if path.suffix == ".md" else re.findall(r"image:: (\S+)", text)
    for target in targets:
        assert (path.parent / target).is_file(), target


# --- commands -----------------------------------------------------------------------------------------------------

CONSOLES = [block for block in BLOCKS if block.language == "console"]
#: in the running text
INLINE = [
    Block(path.name, "console", f"$ {command}")
    for path in [*PAGES, *TEXTS]
    for command in re.findall(r"`(ansible-\w+ [^`…]+|make [\w -]+)`", path.read_text("utf-8").replace("\n", " "))
]
#: programs that are not ours, nor Ansible's
OTHERS = {"export", "install", "nano"}


@pytest.mark.parametrize("block", [*CONSOLES, *INLINE], ids=lambda block: f"{block.place} {block.text[2:40].strip()}")
def test_commands_are_ones_that_exist(block: Block) -> None:
    for words in commands(block.text, block.place):
        assert list(problems(words)) == [], shlex.join(words)


@pytest.mark.parametrize(
    "command",
    [
        "frobnicate now",
        "make coffee",
        "ansible-playbook oncall.pagerduty.drain",
        "ansible-playbook site.yml --frobnicate",
        "ansible-galaxy collection frobnicate",
        "ansible-doc oncall.pagerduty.page",
        "ansible-doc -t callback oncall.pagerduty.incident",
        "python3 -m tests.frobnicate",
        "export PAGERDUTY_ROUTE=x",
    ],
)
def test_commands_that_do_not_exist_are_noticed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(problems(shlex.split(command)))


def problems(words: list[str]) -> Iterator[str]:
    """What is wrong with a command: programs, subcommands, options and names that do not exist."""
    name, *arguments = words
    if name == "make":
        targets = re.findall(r"^([\w-]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE)
        yield from (f"no target {word}" for word in arguments if "=" not in word and word not in targets)
    elif name in ("python", "python3"):
        assert arguments[0] == "-m"
        path = CHECKOUT.joinpath(*arguments[1].split("."))
        if arguments[1] != "pip" and not (path.is_dir() or path.with_suffix(".py").is_file()):
            yield f"no module {arguments[1]}"
    elif name.startswith("ansible-"):
        yield from _problems_of_ansible(name, words)
    elif name == "export":
        known = {*re.findall(r"name: (PAGERDUTY_\w+)", _all_documentation()), "ANSIBLE_CALLBACKS_ENABLED"}
        yield from (f"no variable {word}" for word in arguments if word.partition("=")[0] not in known)
    elif name not in OTHERS:
        yield f"no program {name}"


def _problems_of_ansible(name: str, words: list[str]) -> Iterator[str]:
    kind = name.partition("-")[2]
    command = importlib.import_module(f"ansible.cli.{kind}")
    (front,) = [getattr(command, name) for name in dir(command) if name.lower() == f"{kind}cli"]
    cli = front(words)
    cli.init_parser()
    try:
        cli.parser.parse_args(words[1:])
    except SystemExit:
        yield "no such option or subcommand"
    folder = {"playbook": "playbooks", "doc": "plugins/callback" if "callback" in words else "plugins/modules"}.get(
        kind
    )
    suffix = ".yml" if kind == "playbook" else ".py"
    for word in words:
        if folder and word.startswith("oncall.pagerduty."):
            file = CHECKOUT / folder / f"{word.rpartition('.')[2]}{suffix}"
            if not file.is_file():
                yield f"no {file.relative_to(CHECKOUT)}"


def _all_documentation() -> str:
    fragments = (CHECKOUT / "plugins" / "doc_fragments").glob("*.py")
    return page_on_failure.DOCUMENTATION + "".join(path.read_text("utf-8") for path in fragments)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nls\n```\n", "README.md:1: 'no language'"),
        ("```yml\n- hosts: all\n```\n", "README.md:1: 'yml'"),
        ("text\n```yaml\na: 1\n```\n", "README.md:2: neither plays, nor named tasks"),
        ("```yaml\n- hosts: all\n- name: x\n```\n", "neither plays"),
        ("```ini\n[web]\nweb1\n```\n", "neither plays"),
        ("```yaml\na: {\n```\n", "neither plays"),
        ("```ini\n[other]\nx = 1\n```\n", "neither plays"),
        ("```yaml\n- hosts: all\n", "is not closed"),
    ],
)
def test_what_cannot_be_run_is_not_passed_over(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        examples(text, "README.md")


@pytest.mark.parametrize(
    "text",
    ["::\n\n    - x\n", "So::\n\n    - x\n", ".. code-block::\n\n    - x\n", ".. code-block:: yml\n\n    - x\n"],
)
def test_a_block_of_a_guide_without_a_language_is_not_passed_over(text: str) -> None:
    with pytest.raises(ValueError, match=r"guide\.rst:1: "):
        rst_blocks(text, "guide.rst")


# --- ansible-doc -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [INCIDENT, CHANGE], ids=lambda kind: kind.name)
def test_ansible_doc_shows_every_option(ansible: Ansible, kind: TaskKind) -> None:
    run = ansible.command("ansible-doc", f"oncall.pagerduty.{kind.name}")

    assert run.rc == 0, run.output
    shown = set(re.findall(r"^[=-] (\w+)", run.stdout.partition("OPTIONS")[2], re.MULTILINE))
    assert shown >= set(kind.spec)
    assert "WARNING" not in run.output


def test_ansible_doc_lists_the_modules(ansible: Ansible) -> None:
    run = ansible.command("ansible-doc", "-t", "module", "-l", "oncall.pagerduty")

    assert run.rc == 0, run.output
    modules = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("[!_]*.py"))
    assert re.findall(r"^oncall\.pagerduty\.(\w+) ", run.stdout, re.MULTILINE) == modules
