# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page comes even if its text cannot be written, and then holds nothing that could be secret."""

from __future__ import annotations

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._page_writer import PageWriter
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import Variables
from ansible_collections.oncall.pagerduty.tests.support.failures import outcome, steering
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret

SECRET = "correct horse battery"


def unreadable(host: str, cause: Outcome | None) -> Variables | None:
    raise RuntimeError(f"the vault's password is {SECRET}")


def written(warnings: list[str]) -> PageWriter:
    return PageWriter(RunContext(job_name="deploy.yml"), (), unreadable, warnings.append)


def incident() -> Incident:
    made = Incident("ansible:deploy.yml", steering(client="the shop"), {}, outcome(message=SECRET), "error")
    made.hosts.update({"web1": ("failed", None), "web2": ("failed", None)})
    return made


def test_what_cannot_be_redacted_is_left_out_and_the_page_comes() -> None:
    warnings: list[str] = []
    event = written(warnings).trigger(incident())
    assert (event.dedup_key, event.summary, event.source) == ("ansible:deploy.yml", "deploy.yml failed", "web1")
    assert event.custom_details == {"failed_hosts": ["web1", "web2"]}
    assert not event.client
    assert warnings == ["the incident's text cannot be written, so it is left out: RuntimeError"]
    assert_no_secret([event, warnings], SECRET)


def test_a_part_of_a_key_that_cannot_be_redacted_is_left_out() -> None:
    warnings: list[str] = []
    assert written(warnings).mask(SECRET, outcome()) == ""
    assert warnings == ["a part of the dedup key cannot be redacted, so it is left out: RuntimeError"]
    assert_no_secret(warnings, SECRET)
