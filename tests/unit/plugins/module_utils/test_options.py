# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings: which place decides, what values are taken, and that a refused one never shows a secret."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils import _change, _incident
from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import OptionError
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import (
    SETTINGS_SPEC,
    SHARED_OPTIONS,
    Source,
    check_key,
    environment,
    fill_in,
    read_key_file,
    routing_key,
    settings,
)
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
KEY_2 = "0" * 16 + "abcdefghABCDEFGH"
DEFAULTS = {name: spec.get("default") for name, spec in SETTINGS_SPEC.items()}


def configured(**values: Any) -> Any:
    """Settings of these options, everything else as the specification says."""
    return settings({**DEFAULTS, **values})


def variables(**values: Any) -> Source:
    return Source("among the variables", lambda option: f"pagerduty_{option}", values.get)


def ini(**values: Any) -> Source:
    return Source("in ansible.cfg", lambda option: option, values.get)


# --- which place decides ----------------------------------------------------------------------------------------------


def test_the_first_place_that_says_something_counts() -> None:
    sources = [
        variables(pagerduty_region="eu"),
        environment({"PAGERDUTY_REGION": "us", "PAGERDUTY_TIMEOUT": "3"}),
        ini(region="us", timeout="9", deadline="60"),
    ]
    options, origins = fill_in({"summary": "s"}, _incident.SPEC, sources)
    assert options == {"summary": "s", "region": "eu", "timeout": "3", "deadline": "60"}
    assert origins == {
        "region": "pagerduty_region among the variables",
        "timeout": "PAGERDUTY_TIMEOUT in the environment",
        "deadline": "deadline in ansible.cfg",
    }


def test_the_task_itself_comes_before_all() -> None:
    options, origins = fill_in({"region": "us"}, _incident.SPEC, [variables(pagerduty_region="eu")])
    assert (options, origins) == ({"region": "us"}, {})


@pytest.mark.parametrize("value", [False, 0, 0.0])
def test_what_is_false_or_zero_says_something(value: Any) -> None:
    assert fill_in({}, _incident.SPEC, [variables(pagerduty_jitter=value)])[0] == {"jitter": value}
    assert fill_in({"jitter": value}, _incident.SPEC, [variables(pagerduty_jitter=True)])[0] == {"jitter": value}


@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_empty_in_a_place_says_nothing(nothing: str | None) -> None:
    sources = [variables(pagerduty_region=nothing), environment({"PAGERDUTY_REGION": "eu"})]
    assert fill_in({"region": None}, _incident.SPEC, sources)[0] == {"region": "eu"}


BLANK = ("", " ", "\n", "\t ", '""', "''")


@pytest.mark.parametrize("name", sorted(SHARED_OPTIONS & _incident.SPEC.keys()))
def test_what_is_blank_leaves_it_to_the_next_place_and_is_noted(name: str) -> None:
    for blank in BLANK:
        notes: list[str] = []
        sources = [
            variables(**{f"pagerduty_{name}": blank}),
            environment({f"PAGERDUTY_{name.upper()}": blank}),
            ini(**{name: "x"}),
        ]
        options, origins = fill_in({name: blank}, _incident.SPEC, sources, note=notes.append)
        assert (options, origins) == ({name: "x"}, {name: f"{name} in ansible.cfg"})
        assert notes == [
            f"pagerduty_{name} among the variables is empty, which counts as not given",
            f"PAGERDUTY_{name.upper()} in the environment is empty, which counts as not given",
        ]


@pytest.mark.parametrize(
    ("name", "spec"),
    [*((name, _incident.SPEC) for name in _incident.SPEC), *((name, _change.SPEC) for name in _change.SPEC)],
)
def test_a_blank_argument_of_a_task_counts_as_left_out_unless_it_is_text_of_the_event(
    name: str, spec: dict[str, dict[str, Any]]
) -> None:
    is_text = spec[name]["type"] == "str" and "default" not in spec[name] and name not in SHARED_OPTIONS
    for alias in (name, *spec[name].get("aliases", ())):
        for blank in (*BLANK, *([[], [""], ","] if spec[name]["type"] == "list" else [])):
            given = fill_in({alias: blank}, spec, [])[0]
            assert given == ({alias: blank} if is_text else {})


def test_a_blank_key_is_no_choice_between_key_and_file() -> None:
    options, _origins = fill_in({"routing_key": "", "routing_key_file": "f"}, _incident.SPEC, [ini(routing_key=KEY)])
    assert options == {"routing_key_file": "f"}


@pytest.mark.parametrize("blank", ["", [], [""]])
def test_no_numbers_are_not_the_same_as_no_list(blank: Any) -> None:
    spec = {"ids": {"type": "list", "elements": "int"}}
    assert fill_in({"ids": blank}, spec, [])[0] == {"ids": blank}


@pytest.mark.parametrize("name", SETTINGS_SPEC)
def test_every_setting_can_come_from_the_environment(name: str) -> None:
    options, _origins = fill_in({}, _incident.SPEC, [environment({f"PAGERDUTY_{name.upper()}": "value"})])
    assert options == {name: "value"}


def test_the_api_version_can_come_from_elsewhere_where_a_task_has_it() -> None:
    source = environment({"PAGERDUTY_API_VERSION": "v1"})
    assert fill_in({}, _incident.SPEC, [source])[0] == {"api_version": "v1"}
    assert fill_in({}, _change.SPEC, [source])[0] == {}


@pytest.mark.parametrize("name", ["summary", "dedup_key", "source", "state", "custom_details", "client"])
def test_what_an_event_says_comes_from_its_task_alone(name: str) -> None:
    assert fill_in({}, _incident.SPEC, [environment({f"PAGERDUTY_{name.upper()}": "x"})]) == ({}, {})


@pytest.mark.parametrize("name", ["routing_key", "integration_key", "service_key", "routing_key_file"])
@pytest.mark.parametrize("elsewhere", ["routing_key", "routing_key_file"])
def test_a_key_in_the_task_shuts_out_all_others(name: str, elsewhere: str) -> None:
    sources = [variables(**{f"pagerduty_{elsewhere}": "other"}), ini(**{elsewhere: "other"})]
    assert fill_in({name: "mine"}, _incident.SPEC, sources) == ({name: "mine"}, {})


@pytest.mark.parametrize(
    ("first", "second"), [("routing_key", "routing_key_file"), ("routing_key_file", "routing_key")]
)
def test_key_and_key_file_are_one_choice_of_the_first_place(first: str, second: str) -> None:
    sources = [variables(**{f"pagerduty_{first}": "here"}), ini(**{second: "there", "region": "eu"})]
    options, origins = fill_in({}, _incident.SPEC, sources)
    assert options == {first: "here", "region": "eu"}
    assert origins[first] == f"pagerduty_{first} among the variables"


def test_of_both_in_one_place_the_key_counts_with_a_warning() -> None:
    warnings: list[str] = []
    source = environment({"PAGERDUTY_ROUTING_KEY": KEY, "PAGERDUTY_ROUTING_KEY_FILE": "f"})
    options, origins = fill_in({}, _incident.SPEC, [source, ini(routing_key_file="g")], warnings.append)
    assert options == {"routing_key": KEY}
    assert set(origins) == {"routing_key"}
    (warning,) = warnings
    assert warning.startswith("PAGERDUTY_ROUTING_KEY and PAGERDUTY_ROUTING_KEY_FILE in the environment both give ")


def test_an_alias_in_the_task_shuts_out_other_places() -> None:
    source = environment({"PAGERDUTY_API_URL": "https://other.example.com"})
    assert fill_in({"url": "https://mine.example.com"}, _change.SPEC, [source])[1] == {}


def test_the_given_options_are_not_changed() -> None:
    given = {"region": None}
    fill_in(given, _incident.SPEC, [variables(pagerduty_region="eu")])
    assert given == {"region": None}


# --- integration keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [KEY, f" {KEY}", f"{KEY}\n", f"\t{KEY} \r\n"])
def test_a_key_is_taken_without_the_white_space_around_it(given: str) -> None:
    assert check_key("routing_key", given) == KEY
    assert routing_key({"routing_key": given}) == KEY


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "the value given is empty"),
        (" \n", "the value given is empty"),
        (KEY[:-1], "the value given has 31 characters"),
        (KEY + "x", "the value given has 33 characters"),
        (KEY[:16] + " " + KEY[16:], "the value given has 33 characters"),
        (KEY[:-1] + "-", "the value given has characters that no key has"),
        (KEY[:-1] + "é", "the value given has characters that no key has"),
        (KEY[:-1] + "٣", "the value given has characters that no key has"),
        (KEY[:15] + "\n" + KEY[16:], "the value given has characters that no key has"),
        (KEY[:-1] + "\x00", "the value given has characters that no key has"),
        (f"{KEY}\n{KEY_2}", "the value given has 65 characters"),
    ],
)
def test_a_malformed_key_is_refused_without_being_shown(given: str, message: str) -> None:
    checks: list[Callable[[], str]] = [
        lambda: check_key("routing_key", given),
        lambda: routing_key({"routing_key": given}),
    ]
    for check in checks:
        with pytest.raises(OptionError) as caught:
            check()
        assert (
            str(caught.value) == f"routing_key: {message}; expected a PagerDuty integration key: 32 letters and digits"
        )
        assert caught.value.option == "routing_key"
        for part in (given.strip(), KEY[:15], KEY[16:31]):
            if part:
                assert_no_secret(caught.value, part)


@pytest.mark.parametrize("options", [{}, {"routing_key": None}])
def test_no_key_at_all_says_where_to_put_one(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"^routing_key: no integration key was given") as caught:
        routing_key(options)
    for place in ("routing_key_file", "pagerduty_routing_key", "PAGERDUTY_ROUTING_KEY", "[pagerduty]", "ansible.cfg"):
        assert place in str(caught.value)


# --- key files --------------------------------------------------------------------------------------------------------


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> str:
    path = folder / "pagerduty.key"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("around", [b"%s", b"%s\n", b"  %s\r\n", b"\n\n%s\n\n"])
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_key_file_is_read_and_trimmed(tmp_path: Path, around: bytes, mode: int) -> None:
    path = key_file(tmp_path, around % KEY.encode(), mode)
    assert read_key_file(path) == (KEY, None)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o444, 0o666])
def test_a_key_file_that_everybody_can_read_gives_a_warning(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, KEY.encode(), mode)
    key, warning = read_key_file(path)
    assert key == KEY
    assert warning == (
        f"routing_key_file: everybody can read {path!r} (mode {mode:04o}); `chmod 600` keeps the key to yourself"
    )
    assert_no_secret(warning, KEY)


def test_a_decrypted_copy_is_read_while_the_messages_and_the_mode_are_the_originals(tmp_path: Path) -> None:
    path = key_file(tmp_path, b"$ANSIBLE_VAULT;1.1;AES256\n", 0o644)
    copy = tmp_path / "decrypted"
    copy.write_text(KEY)
    copy.chmod(0o600)
    key, warning = read_key_file(path, str(copy))
    assert key == KEY
    assert path in (warning or "")
    copy.write_text("no key")
    with pytest.raises(OptionError) as caught:
        read_key_file(path, str(copy))
    assert path in str(caught.value)
    assert str(copy) not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (KEY[:-2].encode(), "has 30 characters"),
        (b"routing_key=" + KEY.encode(), "has 44 characters"),
        (b"\xff" * 32, "has characters that no key has"),
        (b"x" * 100_000, "has 4096 characters"),
        (KEY.encode() + b"\n" + KEY_2.encode(), "has 65 characters"),
    ],
)
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes, problem: str) -> None:
    path = key_file(tmp_path, content)
    with pytest.raises(OptionError) as caught:
        read_key_file(path)
    assert str(caught.value).startswith(f"routing_key_file: the content of {path!r} {problem}; expected a PagerDuty")
    assert_no_secret(caught.value, KEY[:-2], KEY_2)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(OptionError) as caught:
        read_key_file(missing)
    assert str(caught.value) == f"routing_key_file: {missing!r} cannot be read: No such file or directory"
    with pytest.raises(OptionError, match="cannot be read: Is a directory"):
        read_key_file(str(tmp_path))
    with pytest.raises(OptionError, match="cannot be read: Not a directory"):
        read_key_file(key_file(tmp_path, b"") + "/key")


def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY.encode(), 0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root could read it
    try:
        with pytest.raises(OptionError, match="cannot be read: Permission denied"):
            read_key_file(path)
    finally:
        os.seteuid(user)


# --- where to ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "base"), [("us", "https://events.pagerduty.com"), ("eu", "https://events.eu.pagerduty.com")]
)
def test_the_region_chooses_the_host(region: str, base: str) -> None:
    assert configured(region=region).connection.base_url == base
    assert configured(region=region, api_url="").connection.base_url == base


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://events.pagerduty.com", "https://events.pagerduty.com"),
        ("https://events.pagerduty.com/", "https://events.pagerduty.com"),
        (" https://events.pagerduty.com\n", "https://events.pagerduty.com"),
        ("https://events.pagerduty.com/v2/enqueue", "https://events.pagerduty.com"),
        ("https://events.pagerduty.com/v2/change/enqueue/", "https://events.pagerduty.com"),
        ("https://events.pagerduty.com/generic/2010-04-15/create_event.json", "https://events.pagerduty.com"),
        ("https://gateway.example.com:8443/pagerduty", "https://gateway.example.com:8443/pagerduty"),
        ("https://gateway.example.com/pagerduty/v2/enqueue", "https://gateway.example.com/pagerduty"),
        ("HTTPS://Gateway.Example.com", "https://Gateway.Example.com"),
        ("https://gateway.example.com/?#", "https://gateway.example.com"),
        ("http://127.0.0.1:8181", "http://127.0.0.1:8181"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8181/", "http://localhost:8181"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:8181", "http://[::1]:8181"),
    ],
)
def test_an_address_is_taken_with_or_without_its_path(given: str, base: str) -> None:
    assert configured(api_url=given).connection.base_url == base


@pytest.mark.parametrize(
    "given",
    [
        "http://events.pagerduty.com",
        "http://10.0.0.1:8181",
        "http://128.0.0.1",
        "http://0.0.0.0:8181",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ],
)
def test_http_goes_to_loopback_only_unless_it_is_allowed(given: str) -> None:
    with pytest.raises(OptionError, match=r"^api_url: .* would send the integration key unencrypted") as caught:
        configured(api_url=given)
    assert "allow_http: true" in str(caught.value)
    assert configured(api_url=given, allow_http=True).connection.base_url == given


@pytest.mark.parametrize("allow_http", [True, False])
@pytest.mark.parametrize(
    "given",
    [
        "events.pagerduty.com",
        "ftp://events.pagerduty.com",
        "file:///etc/passwd",
        "https://",
        "https:///v2/enqueue",
        "//events.pagerduty.com",
        "https://events.pagerduty.com:0",
        "https://events.pagerduty.com:99999",
        "https://events.pagerduty.com:https",
        "https://[::1",
        "https://events.pager duty.com",
        "https://events.pagerduty.com/a\nb",
        "https://events.pagerduty.com?key=1",
        "https://events.pagerduty.com#fragment",
        "http://127.0.0.1#@example.com",
        "http://127.0.0.1\\@example.com",
        "https://exa℀mple.com",
    ],
)
def test_what_is_no_address_of_an_api_is_refused(given: str, allow_http: bool) -> None:
    with pytest.raises(OptionError, match=r"^api_url: .* expected the address of an Events API, as in https://"):
        configured(api_url=given, allow_http=allow_http)


@pytest.mark.parametrize(
    "given",
    [
        "https://user:hunter2@events.pagerduty.com",
        "https://hunter2@events.pagerduty.com",
        "https://user:hunter2/x@events.pagerduty.com",
        "https://user:hunter2 x@events.pagerduty.com",
        "user:hunter2@events.pagerduty.com",
        "http://user:hunter2@127.0.0.1",
        "http://user:hunter2@example.com",
        "https://user:hunter2@[::1",
    ],
)
def test_an_address_with_a_password_is_refused_without_showing_it(given: str) -> None:
    with pytest.raises(OptionError, match=r"^api_url: ") as caught:
        configured(api_url=given)
    assert_no_secret(caught.value, "hunter2")


# --- over what --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "http://proxy.example.com:3128",
        "https://proxy.example.com",
        "socks5://proxy.example.com:1080",
        "socks5h://proxy.example.com:1080",
        "http://user:p%40ss@proxy.example.com:3128",
    ],
)
def test_a_proxy_is_taken_and_not_shown(given: str) -> None:
    how = configured(proxy=given)
    assert how.connection.proxy == given
    assert_no_secret(repr(how), given)


@pytest.mark.parametrize("given", [None, ""])
def test_no_proxy_is_no_proxy(given: str | None) -> None:
    assert configured(proxy=given).connection.proxy is None


@pytest.mark.parametrize(
    "given",
    [
        "proxy.example.com:3128",
        "user:hunter2@proxy.example.com:3128",
        "http://user:hunter2/x@proxy.example.com:3128",
        "http://user:hunter2#x@proxy.example.com:3128",
        "http://user:hunter2 x@:3128",
        "ftp://user:hunter2@proxy.example.com",
        "http://user:hunter2@",
        "http://user:hunter2@proxy.example.com:port",
        "http://user:hunter2@proxy.example.com:0",
        "http://user:hunter2@[::1",
    ],
)
def test_what_is_no_proxy_is_refused_without_showing_its_password(given: str) -> None:
    with pytest.raises(OptionError, match=r"^proxy: .* was given; expected a URL") as caught:
        configured(proxy=given)
    assert_no_secret(caught.value, "hunter2")


def test_the_rest_of_the_connection_is_taken_as_given() -> None:
    connection = configured(
        validate_certs=False, ca_path="/ca", client_cert="/cert.pem", client_key="/key.pem"
    ).connection
    assert (connection.validate_certs, connection.ca_path) == (False, "/ca")
    assert (connection.client_cert, connection.client_key) == ("/cert.pem", "/key.pem")


# --- how patiently ----------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_documentation() -> None:
    how = configured()
    assert how.policy == RetryPolicy(5, 1.0, 60.0, True, 120.0) == RetryPolicy()
    assert how.timeout == 10.0
    assert how.connection.validate_certs is True


def test_the_retry_options_reach_the_policy() -> None:
    how = configured(
        max_retries=7, retry_base_interval=10, retry_max_interval=3600, jitter=False, deadline=7200, timeout=3
    )
    assert how.policy == RetryPolicy(7, 10, 3600, False, 7200)
    assert how.timeout == 3


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("deadline", 0),
        ("deadline", float("inf")),
        ("max_retries", -1),
        ("retry_base_interval", -1),
        ("retry_max_interval", float("nan")),
    ],
)
def test_a_number_out_of_range_is_refused(option: str, value: float) -> None:
    with pytest.raises(OptionError, match=rf"^{option}: {value} was given; expected"):
        configured(**{option: value})


def test_the_specification_marks_what_is_secret() -> None:
    assert {name for name, spec in SETTINGS_SPEC.items() if spec.get("no_log")} == {"routing_key", "proxy"}
    for name in SETTINGS_SPEC:
        if "key" in name:
            assert "no_log" in SETTINGS_SPEC[name], name


def test_a_key_in_the_place_of_its_file_is_not_shown() -> None:
    with pytest.raises(OptionError, match="looks like a key") as failure:
        read_key_file(f"/nowhere/{KEY}")
    assert_no_secret(failure.value, KEY)
