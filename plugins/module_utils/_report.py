# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in a sentence what became of an event, for tired people: what, how often, PagerDuty's words, what to do."""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Api, Prepared
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import Settings
from ansible_collections.oncall.pagerduty.plugins.module_utils._sender import Delivery, Outcome

_API_NAMES = {Api.V2: "an Events API v2", Api.V1: "an Events API v1", Api.CHANGE: "an Events API v2"}


def describe(event: Prepared, noun: str, delivery: Delivery, settings: Settings, region: str) -> str:
    """Return what became of an event.

    Args:
        event: what was sent.
        noun: what to call it, for example C(trigger event).
        delivery: what came back.
        settings: how it was sent.
        region: the service region that was chosen, C(us) or C(eu); empty if an address was.
    """
    subject = f"{noun} {event.dedup_key!r}" if event.dedup_key else noun
    count = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    if delivery.outcome is Outcome.ACCEPTED:
        tries = "" if delivery.attempts == 1 else f" after {count} in {delivery.elapsed:.1f} s"
        return f"PagerDuty accepted the {subject}{tries}."
    place = urlsplit(settings.connection.base_url).netloc
    words = delivery.errors[-1].split(": ", 1)[1].rstrip(".")
    if delivery.outcome is Outcome.REFUSED:
        again = "" if delivery.attempts == 1 else f" ({count})"
        remedy = _after_refusal(event, delivery, place, region)
        return f"PagerDuty refused the {subject}{again}: {words}. What to do: {remedy}."
    return (
        f"PagerDuty has not accepted the {subject}: {count} in {delivery.elapsed:.1f} s, and {delivery.gave_up}."
        f" The last one: {words}. What to do: {_after_failure(event, delivery, place)}.{_doubt(event, delivery)}"
    )


def _after_refusal(event: Prepared, delivery: Delivery, place: str, region: str) -> str:
    status = delivery.http_status or 0
    words = " ".join([delivery.status, delivery.message, *delivery.errors]).lower()
    if 300 <= status <= 399:
        return f"{place} redirects, which is not followed; give the final address as api_url"
    if status == 400 and ("routing key" in words or "routing_key" in words or "service key" in words):
        account = f"in region {region}" if region else f"of an account that {place} serves"
        return f"check that the integration key belongs to {_API_NAMES[event.api]} integration {account}"
    if status in (401, 403, 407):
        return (
            "something between here and PagerDuty forbids the request; check the proxy, its user and password, and"
            f" that {place} is the right address"
        )
    if status == 404:
        return f"check api_url: {place} has no Events API at this address"
    if status == 400:
        return "correct what PagerDuty names and run the task again"
    return f"check that {place} is PagerDuty's Events API, and what stands between here and there"


def _after_failure(event: Prepared, delivery: Delivery, place: str) -> str:
    status = delivery.http_status
    if status is None:
        if delivery.message.startswith("TLS "):
            return f"check the certificate of {place}, and ca_path if it comes from an authority of your own"
        if delivery.message.startswith("the proxy "):
            return (
                "check the proxy (option proxy, or HTTPS_PROXY in the environment), its user and password, and that it"
                f" lets {place} through"
            )
        return f"check the network, the proxy and the firewall between here and {place}, then run the task again"
    if 200 <= status <= 299:
        return (
            f"check the proxy and the address: what answers is not PagerDuty's Events API (a sign-in page, most"
            f" likely); see that {place} is reached, then run the task again"
        )
    if status == 429 or (status == 403 and event.api is Api.V1):
        return (
            "an integration takes about 120 events a minute; send fewer, or raise max_retries and deadline and run the"
            " task again"
        )
    return f"{place} has trouble of its own (see https://status.pagerduty.com); run the task again when that is over"


def _doubt(event: Prepared, delivery: Delivery) -> str:
    if not delivery.maybe_taken:
        return ""
    if event.dedup_key is None:
        return " An attempt may have reached PagerDuty without its answer reaching us."
    return (
        f" An attempt may have reached PagerDuty without its answer reaching us; sending again with dedup_key"
        f" {event.dedup_key!r} opens no second incident."
    )
