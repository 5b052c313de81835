# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and passwords are hidden wherever they stand in what is about to be shown."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import (
    MASK,
    mask,
    mask_url,
    mask_url_credentials,
    url_secrets,
)
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
OTHER = "http://user:hunter2@proxy.example.com:3128"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (KEY, MASK),
        (f"a {KEY} b {KEY}", f"a {MASK} b {MASK}"),
        ([KEY, 1, None, True], [MASK, 1, None, True]),
        ((KEY, "b"), [MASK, "b"]),
        ({KEY: {"a": [{"b": KEY}]}}, {MASK: {"a": [{"b": MASK}]}}),
        ("nothing", "nothing"),
        (7, 7),
        (None, None),
    ],
)
def test_a_secret_is_masked_at_any_depth(value: Any, masked: Any) -> None:
    assert mask(value, [KEY]) == masked
    assert_no_secret(mask(value, [KEY]), KEY)


def test_all_secrets_are_masked() -> None:
    assert_no_secret(mask({"a": f"{KEY} over {OTHER}"}, [KEY, OTHER]), KEY, OTHER)


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_without_a_secret_nothing_is_masked(secrets: list[str]) -> None:
    assert mask({"a": ["b"]}, secrets) == {"a": ["b"]}


def test_masking_leaves_the_given_value_as_it_is() -> None:
    value = {"a": [KEY]}
    mask(value, [KEY])
    assert value == {"a": [KEY]}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://user:hunter2@proxy:3128", f"http://{MASK}@proxy:3128"),
        ("http://hunter2@proxy", f"http://{MASK}@proxy"),
        ("http://user:hunter2/x@proxy", f"http://{MASK}@proxy"),
        ("http://user:hunter2@x@proxy", f"http://{MASK}@proxy"),
        ("no https://a:hunter2@b/c and http://d:hunter2@e", f"no https://{MASK}@b/c and http://{MASK}@e"),
        ("http://proxy:3128/path", "http://proxy:3128/path"),
        ("somebody@example.com", "somebody@example.com"),
    ],
)
def test_credentials_in_the_urls_of_a_text_are_masked(text: str, masked: str) -> None:
    assert mask_url_credentials(text) == masked


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://user:hunter2@proxy:3128", f"http://{MASK}@proxy:3128"),
        ("user:hunter2@proxy:3128", f"{MASK}@proxy:3128"),
        ("http://user:hunter2 with spaces@proxy", f"http://{MASK}@proxy"),
        ("http://user:hunter2/?#[@proxy", f"http://{MASK}@proxy"),
        ("http://user:hunter2@at@proxy", f"http://{MASK}@proxy"),
        ("socks5://user:hunter2\n@proxy", f"socks5://{MASK}@proxy"),
        ("http://proxy:3128", "http://proxy:3128"),
        ("proxy", "proxy"),
        ("", ""),
    ],
)
def test_the_credentials_of_a_url_are_masked_however_badly_it_is_written(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("http://user:hunter2@proxy:3128", {"user:hunter2", "hunter2", "dXNlcjpodW50ZXIy"}),
        ("user:hunter2@proxy:3128", {"user:hunter2", "hunter2", "dXNlcjpodW50ZXIy"}),
        ("http://u:p%40ss@proxy", {"u:p%40ss", "p%40ss", "p@ss", "dTpwQHNz"}),
        ("http://token@proxy", {"token", "dG9rZW4="}),
        ("http://proxy:3128", set()),
        ("", set()),
    ],
)
def test_what_of_a_url_must_not_be_shown(url: str, secrets: set[str]) -> None:
    assert set(url_secrets(url)) == secrets
