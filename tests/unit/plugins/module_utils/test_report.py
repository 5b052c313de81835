# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of an event is told in a sentence that says what, how often, PagerDuty's words and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import TransportError
from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert, Api, Change, prepare
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import SETTINGS_SPEC, settings
from ansible_collections.oncall.pagerduty.plugins.module_utils._report import describe
from ansible_collections.oncall.pagerduty.plugins.module_utils._retry import RetryPolicy
from ansible_collections.oncall.pagerduty.plugins.module_utils._transport import RawAnswer
from ansible_collections.oncall.pagerduty.tests.support.secrets import assert_no_secret
from ansible_collections.oncall.pagerduty.tests.unit.plugins.module_utils.support.world import World

KEY = "R0123456789abcdefGHIJKLMNOPqrstu"
DEFAULTS = {name: spec.get("default") for name, spec in SETTINGS_SPEC.items()}
POLICY = RetryPolicy(max_retries=2, base_interval=1, jitter=False)

ACCEPTED = RawAnswer(202, {}, b'{"status":"success","message":"Event processed"}')
BUSY = RawAnswer(503, {}, b"")
UNKNOWN_KEY = RawAnswer(400, {}, b"Invalid routing key")
SILENT = TransportError("no answer from events.pagerduty.com within 10 s", maybe_taken=True)
REFUSED_CONNECTION = TransportError("no connection to events.pagerduty.com: Connection refused", maybe_taken=False)
NO_TUNNEL = TransportError("the proxy did not connect to events.pagerduty.com: refused", maybe_taken=False)
BAD_CERTIFICATE = TransportError("TLS with events.pagerduty.com failed: unable to get issuer", maybe_taken=False)


def told(*script: Any, api: Api = Api.V2, policy: RetryPolicy = POLICY, region: str = "us", **options: Any) -> str:
    what: Any = Change("s") if api is Api.CHANGE else Alert(Action.TRIGGER, dedup_key="db1/lag", summary="s")
    event = prepare(what, KEY, now=0, new_key="n", api=api)
    delivery = World(list(script), takes=0.5).sender(policy).send(event)
    noun = "change event" if api is Api.CHANGE else "trigger event"
    text = describe(event, noun, delivery, settings({**DEFAULTS, "region": region, **options}), region)
    assert_no_secret(text, KEY)
    assert len(text.splitlines()) == 1
    return text


def test_accepted() -> None:
    assert told(ACCEPTED) == "PagerDuty accepted the trigger event 'db1/lag'."
    assert told(ACCEPTED, api=Api.CHANGE) == "PagerDuty accepted the change event."
    assert told(BUSY, ACCEPTED) == "PagerDuty accepted the trigger event 'db1/lag' after 2 attempts in 2.0 s."


@pytest.mark.parametrize(
    ("api", "integration"),
    [(Api.V2, "an Events API v2"), (Api.V1, "an Events API v1"), (Api.CHANGE, "an Events API v2")],
)
@pytest.mark.parametrize("region", ["us", "eu"])
def test_an_unknown_key(api: Api, integration: str, region: str) -> None:
    assert told(UNKNOWN_KEY, api=api, region=region).endswith(
        ": HTTP 400 Invalid routing key. What to do: check that the integration key belongs to"
        f" {integration} integration in region {region}."
    )


def test_an_unknown_key_at_an_address_of_ones_own() -> None:
    assert told(UNKNOWN_KEY, region="", api_url="https://relay.example.com").endswith(
        " an Events API v2 integration of an account that relay.example.com serves."
    )


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (RawAnswer(400, {}, b'{"message":"Event object is invalid","errors":["x"]}'), "correct what PagerDuty names"),
        (
            RawAnswer(400, {}, b'{"message":"m","errors":["Length of \'routing_key\' is incorrect"]}'),
            "check that the integration key belongs",
        ),
        (
            RawAnswer(400, {}, b'{"message":"m","errors":["Service key is the wrong length"]}'),
            "check that the integration key belongs",
        ),
        (RawAnswer(302, {}, b""), "redirects, which is not followed; give the final address as api_url"),
        (RawAnswer(401, {}, b""), "check the proxy"),
        (RawAnswer(403, {}, b""), "check the proxy"),
        (RawAnswer(407, {}, b""), "check the proxy"),
        (RawAnswer(404, {}, b""), "check api_url: events.pagerduty.com has no Events API"),
        (RawAnswer(413, {}, b""), "check that events.pagerduty.com is PagerDuty's Events API"),
    ],
)
def test_each_refusal_says_what_to_do(answer: RawAnswer, remedy: str) -> None:
    text = told(answer)
    assert text.startswith(f"PagerDuty refused the trigger event 'db1/lag': HTTP {answer.http_status} ")
    assert remedy in text.split("What to do: ")[1]


def test_pagerdutys_own_full_stop_does_not_double_ours() -> None:
    assert ": HTTP 400 Not today. What to do: " in told(RawAnswer(400, {}, b'{"message":"Not today."}'))


def test_a_refusal_after_other_attempts_counts_them() -> None:
    assert told(BUSY, UNKNOWN_KEY).startswith("PagerDuty refused the trigger event 'db1/lag' (2 attempts): HTTP 400 ")


def test_not_accepted_says_how_often_how_long_and_why_no_more() -> None:
    assert told(BUSY) == (
        "PagerDuty has not accepted the trigger event 'db1/lag': 3 attempts in 4.5 s, and no retry is left. The last"
        " one: HTTP 503 Service Unavailable. What to do: events.pagerduty.com has trouble of its own (see"
        " https://status.pagerduty.com); run the task again when that is over."
    )
    assert "1 attempt in 0.5 s, and max_retries is 0." in told(BUSY, policy=RetryPolicy(max_retries=0))


@pytest.mark.parametrize(
    ("step", "api", "remedy"),
    [
        (REFUSED_CONNECTION, Api.V2, "check the network, the proxy and the firewall"),
        (NO_TUNNEL, Api.V2, "check the proxy (option proxy, or HTTPS_PROXY in the environment)"),
        (BAD_CERTIFICATE, Api.V2, "check the certificate of events.pagerduty.com, and ca_path"),
        (RawAnswer(429, {}, b""), Api.V2, "about 120 events a minute"),
        (RawAnswer(403, {}, b""), Api.V1, "about 120 events a minute"),
    ],
)
def test_each_failure_says_what_to_do(step: Any, api: Api, remedy: str) -> None:
    assert remedy in told(step, api=api).split("What to do: ")[1]


def test_a_doubt_says_that_sending_again_is_safe_where_it_is() -> None:
    assert "sending again with dedup_key 'db1/lag' opens no second incident" in told(SILENT, BUSY)
    change = told(SILENT, BUSY, api=Api.CHANGE)
    assert change.endswith("An attempt may have reached PagerDuty without its answer reaching us.")
    assert "reached" not in told(REFUSED_CONNECTION)


def test_the_place_is_the_one_that_was_asked() -> None:
    assert "gateway.example.com:8443 has no" in told(
        RawAnswer(404, {}, b""), api_url="https://gateway.example.com:8443/pd"
    )
