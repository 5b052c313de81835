# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the callback, in each place, empty, blank, misspelt, of the wrong type, and with a comment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.plugins.loader import callback_loader

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SHARED_OPTIONS
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._callback_options import checked, paged_anyway
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._resolved_options import Resolved, resolve
from ansible_collections.oncall.pagerduty.tests.support.events import KEY, OTHER_KEY
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

Resolve = Callable[..., Resolved]
CALLBACK = "oncall.pagerduty.page_on_failure"


def documented() -> dict[str, dict[str, Any]]:
    """The options as ansible-core knows them from the documentation."""
    name = callback_loader.get(CALLBACK, class_only=True)._load_name
    definitions: dict[str, dict[str, Any]] = constants.config.get_configuration_definitions("callback", name)
    return definitions


OPTIONS = documented()
DEFAULTS = {name: about.get("default") for name, about in OPTIONS.items()}
PLACES = ("environment", "ansible.cfg")

#: a value that can be used and is not the default, where the type alone does not give one
USABLE = {
    "routing_key": (KEY, KEY),
    "routing_key_file": ("/etc/pagerduty.key", "/etc/pagerduty.key"),
    "custom_details": ('{"team": "shop"}', '{"team": "shop"}'),
    "severity": ("failed=critical", "failed=critical"),
    "group_by": ("role, vars.team", ["role", "vars.team"]),
    "api_url": ("https://relay.example.com", "https://relay.example.com"),
    "proxy": ("http://proxy.example.com:3128", "http://proxy.example.com:3128"),
    "change_events": ("start", "start"),
}

EMPTY = ("", " ", "\t \n", '""', "''", '" "')


def usable(name: str) -> tuple[str, Any]:
    """A value that can be used, as it is written and as it is read."""
    if name in USABLE:
        return USABLE[name]
    about = OPTIONS[name]
    type_ = about.get("type", "str")
    choices = [choice for choice in about.get("choices") or () if choice != about.get("default")]
    if type_ == "bool":
        return ("No", False) if about.get("default") else ("on", True)
    if type_ in ("int", "float"):
        return "7", 7
    if type_ == "list":
        return (str(choices[0]), [choices[0]]) if choices else ("a, b", ["a", "b"])
    return (str(choices[0]), choices[0]) if choices else ("/some/word", "/some/word")


def unusable(name: str) -> Iterator[str]:
    """Words that the option cannot mean, by its type and choices."""
    about = OPTIONS[name]
    type_ = about.get("type", "str")
    if type_ == "bool":
        yield from ("ture", "/etc/ssl/certs", "2", "yes # always", "none", "nan")
    if type_ in ("int", "float"):
        yield from ("many", "10s", "true", "5 # seconds", "1,5", "-1", "nan", "inf", "-inf")
    if type_ == "int":
        yield "0.5"
    if about.get("choices"):
        yield from ("eror", f"{about['choices'][0]} # always", KEY)
    if name in ("severity", "group_by", "change_events", "custom_details"):
        yield from ("eror", "playbok", "start # and end", KEY)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Reads the options out of an environment and a section of ansible.cfg."""

    def resolve_from(environ: dict[str, str] | None = None, section: dict[str, str] | None = None) -> Resolved:
        # Each its own file, since one process reads one file once.
        file = tmp_path / f"{next(numbers)}" / "ansible.cfg"
        file.parent.mkdir()
        file.write_text("[pagerduty]\n" + "".join(f"{name} = {value}\n" for name, value in (section or {}).items()))
        monkeypatch.setattr(constants, "CONFIG_FILE", str(file))
        return resolve(OPTIONS, environ={f"PAGERDUTY_{name.upper()}": value for name, value in (environ or {}).items()})

    numbers = itertools.count()
    return resolve_from


def written(place: str, name: str, value: str) -> dict[str, dict[str, str]]:
    """An option in one place."""
    return {"environ" if place == "environment" else "section": {name: value}}


def test_each_option_is_documented_for_both_places_by_the_one_rule() -> None:
    for name, about in OPTIONS.items():
        assert [entry["name"] for entry in about["env"]] == [f"PAGERDUTY_{name.upper()}"]
        assert about["ini"] == [{"section": "pagerduty", "key": name}]


def test_without_anything_all_is_as_documented(read: Resolve) -> None:
    assert read() == Resolved(DEFAULTS, {}, {})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_usable_is_used(name: str, place: str, read: Resolve) -> None:
    text, value = usable(name)
    for spelling in (text, f" {text} ", f'"{text}"' if place == "ansible.cfg" and '"' not in text else text):
        resolved = read(**written(place, name, spelling))
        assert resolved.values == {**DEFAULTS, name: value}
        assert (resolved.problems, resolved.ignored) == ({}, ())
        assert name in resolved.origins[name].lower()
    assert checked(read(**written(place, name, text)))[name] == value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_empty_is_not_given(name: str, place: str, read: Resolve) -> None:
    listed = (",", " , ", "[]") if OPTIONS[name].get("type") == "list" else ()
    for nothing in (*EMPTY, *listed):
        if place == "ansible.cfg" and "\n" in nothing:
            continue
        resolved = read(**written(place, name, nothing))
        assert (resolved.values, resolved.origins, resolved.problems) == (DEFAULTS, {}, {})
        (said,) = resolved.ignored
        assert name in said.lower()
        assert said.endswith(" is empty, which counts as not given")
        checked(resolved)


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_empty_in_the_environment_leaves_it_to_ansible_cfg(name: str, read: Resolve) -> None:
    text, value = usable(name)
    for nothing in EMPTY:
        resolved = read(environ={name: nothing}, section={name: text})
        assert resolved.values[name] == value
        assert resolved.origins[name].startswith(f"{name} under [pagerduty] in /")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("name", "word"), [(name, word) for name in OPTIONS for word in unusable(name)])
def test_what_cannot_be_used_is_an_error_that_names_option_and_place(
    name: str, word: str, place: str, read: Resolve
) -> None:
    resolved = read(**written(place, name, word))
    if name in ("enabled", "severity", "custom_details", "change_events"):
        (error,) = paged_anyway(resolved)
        assert checked(resolved)[name] is (True if name == "enabled" else None)
    else:
        with pytest.raises(OptionError) as caught:
            checked(resolved)
        error = str(caught.value)
    assert error.startswith(f"{name}: ")
    where = f"PAGERDUTY_{name.upper()} in the environment" if place == "environment" else f"{name} under [pagerduty] in"
    assert f"(set by {where}" in str(error)
    assert " was given; expected " in str(error)
    assert ("a comment after a value begins with ;" in str(error)) is (place == "ansible.cfg" and " #" in word)
    assert_no_secret(str(error), KEY)
    # Whoever goes on nevertheless has what is safe.
    assert resolved.values["validate_certs"] is True
    assert resolved.values["allow_http"] is False


# --- one key ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "section", "counts"),
    [
        ({"routing_key": KEY}, {"routing_key_file": "/f"}, "routing_key"),
        ({"routing_key_file": "/f"}, {"routing_key": KEY}, "routing_key_file"),
        ({"routing_key": ""}, {"routing_key_file": "/f"}, "routing_key_file"),
        ({"routing_key": " ", "routing_key_file": ""}, {"routing_key": KEY}, "routing_key"),
        ({"routing_key": "", "routing_key_file": "/f"}, {"routing_key": KEY}, "routing_key_file"),
        ({"routing_key_file": ""}, {"routing_key": "", "routing_key_file": "/f"}, "routing_key_file"),
    ],
)
def test_the_first_place_that_says_something_decides_for_key_and_key_file(
    environ: dict[str, str], section: dict[str, str], counts: str, read: Resolve
) -> None:
    resolved = read(environ, section)
    assert [name for name in ("routing_key", "routing_key_file") if resolved.values[name]] == [counts]
    assert resolved.warnings == ()


@pytest.mark.parametrize("place", PLACES)
def test_of_two_in_one_place_the_key_counts_with_a_warning(place: str, read: Resolve) -> None:
    both = {"routing_key": OTHER_KEY, "routing_key_file": "/f"}
    resolved = read(both, {}) if place == "environment" else read({}, both)
    assert (resolved.values["routing_key"], resolved.values["routing_key_file"]) == (OTHER_KEY, None)
    (warning,) = resolved.warnings
    assert "both give an integration key" in warning
    assert place in warning


# --- paths, lists, quotes ---------------------------------------------------------------------------------------


def test_paths_of_ansible_cfg_begin_beside_it_and_others_where_the_run_is(
    read: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOLDER", "there")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read({"ca_path": "$FOLDER/a.pem"}).values["ca_path"] == str(Path.cwd() / "there" / "a.pem")
    resolved = read(section={"ca_path": "$FOLDER/a.pem", "client_cert": "~/b.pem", "outbox_path": "{{CWD}}/c"})
    assert resolved.values["ca_path"] == str(Path(str(constants.CONFIG_FILE)).parent / "there" / "a.pem")
    assert resolved.values["client_cert"] == str(tmp_path / "b.pem")
    assert resolved.values["outbox_path"] == str(Path.cwd() / "c")


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("*x*,", ["*x*"]),
        ("*x*,,!y", ["*x*", "!y"]),
        ('"*x*", "y"', ["*x*", "y"]),
        ('"*x*, y"', ["*x*", "y"]),
        ("a[bc], x[yz]", ["a[bc]", "x[yz]"]),
    ],
)
def test_lists(text: str, patterns: list[str], read: Resolve) -> None:
    for place in PLACES:
        assert read(**written(place, "redact_variables", text)).values["redact_variables"] == patterns


def test_a_file_with_letters_of_another_encoding_is_read(
    read: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ansible.cfg"
    file.write_bytes(b"# caf\xe9\n[pagerduty]\nseverity = critical\n")
    monkeypatch.setattr(constants, "CONFIG_FILE", str(file))
    assert resolve(OPTIONS, environ={}).values["severity"] == "critical"


def test_what_a_program_gives_counts_before_the_environment() -> None:
    resolved = resolve(OPTIONS, {"timeout": 3, "region": ""}, {"PAGERDUTY_TIMEOUT": "9", "PAGERDUTY_REGION": "eu"})
    assert (resolved.values["timeout"], resolved.values["region"]) == (3, "eu")


def test_the_settings_that_tasks_share_have_the_same_names() -> None:
    # What is not here is what tasks alone need.
    assert {*SHARED_OPTIONS} - {*OPTIONS} == {"queue", "api_version", "max_retries", "deadline"}
