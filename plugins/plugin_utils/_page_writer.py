# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the event for an incident of a run: text, the user's templates, redaction. What it returns may leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert
from ansible_collections.oncall.pagerduty.plugins.module_utils._options import is_blank
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _incident_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._host_ranges import listed
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._redact import Redactor
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_variables import secrets_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._steering import Steering
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import Variables

# What templates can refer to as C(failure), beside what is counted.
_FACTS = ("job", "play", "role", "task", "path", "message", "stderr")

VariablesOf = Callable[[str, "Outcome | None"], "Variables | None"]


class PageWriter:
    """Writes events for the incidents of one run."""

    def __init__(
        self,
        run: RunContext,
        patterns: tuple[str, ...],
        variables_of: VariablesOf,
        warn: Callable[[str], None],
    ) -> None:
        """Take what all events have in common.

        Args:
            run: who runs what, where.
            patterns: names of variables whose values are never shown.
            variables_of: finds the variables of a host at a failure; None if they are not to be had.
            warn: told what could not be rendered.
        """
        self._run = run
        self._patterns = patterns
        self._variables_of = variables_of
        self._warn = warn
        self._secrets: dict[tuple[str, str], frozenset[str]] = {}
        # Most hosts have the same secrets.
        self._redactors: dict[frozenset[str], Redactor] = {}

    def trigger(self, incident: Incident) -> Alert:
        """Return the event that opens or updates an incident.

        It is a page, so it comes whatever goes wrong here: if the text cannot be written or redacted, it says where
        the run failed and nothing else.
        """
        try:
            return self._trigger(incident)
        except Exception as error:  # pylint: disable=broad-except  # a page must not be lost by its text
            self._warn(f"the incident's text cannot be written, so it is left out: {type(error).__name__}")
            failed = {"failed_hosts": listed(incident.hosts)}
            return self._alert(incident, f"{self._run.job_name} failed", failed, lambda _text: "")

    def resolve(self, dedup_key: str, summary: str, source: str) -> Alert:
        """Return the event that ends an incident."""
        return Alert(Action.RESOLVE, dedup_key, summary=summary, source=source)

    def summary(self, incident: Incident) -> str:
        """Return an incident's title, redacted."""
        redactor = self._redactor(incident)
        return redactor.text(_incident_text.summary(incident, self._run.title, self._run.shown_host))

    def mask(self, text: str, outcome: Outcome) -> str:
        """Take out of a text what is secret for the host of a failure; all of it if that cannot be found out."""
        try:
            return self._redactor_for(self._secrets_of(outcome)).text(text)
        except Exception as error:  # pylint: disable=broad-except  # a page must not be lost by its key
            self._warn(f"a part of the dedup key cannot be redacted, so it is left out: {type(error).__name__}")
            return ""

    def _trigger(self, incident: Incident) -> Alert:
        redactor = self._redactor(incident)
        title = redactor.text(_incident_text.summary(incident, self._run.title, self._run.shown_host))
        # Redacted before the user's templates see it, which may cut a secret in two, and once more with what they add.
        details = redactor.value(plain(_incident_text.details(incident, self._run, redactor.text)))
        title, extra = self._rendered(incident, title, details)
        details.update(redactor.value(plain(extra)))
        return self._alert(incident, redactor.text(title), details, redactor.text)

    def _alert(self, incident: Incident, title: str, details: dict[str, Any], mask: Callable[[str], str]) -> Alert:
        def shown(text: str | None) -> str | None:
            return mask(text) if text else None

        steering = incident.steering
        cause = incident.cause
        link = self._run.build.url
        return Alert(
            Action.TRIGGER,
            incident.dedup_key,
            summary=title,
            source=self._run.system(cause.host) if isinstance(cause, Outcome) else self._run.controller,
            severity=incident.severity,
            component=shown(steering.component),
            group=shown(steering.group),
            class_=shown(steering.class_),
            custom_details=details,
            client=shown(steering.client),
            client_url=shown(steering.client_url or link),
            links=({"href": link, "text": self._run.build.name or "Job"},) if link else (),
        )

    def _rendered(self, incident: Incident, title: str, details: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the user's own title and details where there are any, rendered for the incident's first failure."""
        steering = incident.steering
        if not steering.summary and not steering.custom_details:
            return title, {}
        cause = incident.cause
        variables = (
            self._variables_of(cause.host, cause) if isinstance(cause, Outcome) else self._variables_of("", None)
        )
        if variables is None:
            self._warn("summary and custom_details are left out, since there are no variables to render them with")
            return title, {}
        facts = {
            **{name: details.get(name, "") for name in _FACTS},
            "host": cause.host if isinstance(cause, Outcome) else "",
            "kind": cause.kind if isinstance(cause, Outcome) else "",
            "hosts": list(incident.hosts),
            "failed": len(incident.hosts),
            "total": incident.total or len(incident.hosts),
            "summary": title,
        }
        own_title = optional_text(self._render("summary", variables, steering.summary, facts))
        if own_title is None and steering.summary is not steering.otherwise.get("summary"):
            own_title = optional_text(self._render("summary", variables, steering.otherwise.get("summary"), facts))
        return own_title or title, self._own_details(variables, steering, facts)

    def _own_details(self, variables: Variables, steering: Steering, facts: Mapping[str, Any]) -> dict[str, Any]:
        given = steering.custom_details
        if not isinstance(given, Mapping):
            # What comes out is no template any more: hosts may have a part in it.
            details = self._render("custom_details", variables, given, facts)
            if isinstance(details, Mapping):
                return dict(details)
            if is_blank(details):
                given = steering.otherwise.get("custom_details") or {}
        if isinstance(given, Mapping):
            return {
                str(name): self._render(f"custom_details.{name}", variables, template, facts)
                for name, template in given.items()
            }
        self._warn(f"custom_details came to a {type(details).__name__} and is left out; expected a mapping")
        return {}

    def _render(self, option: str, variables: Variables, template: Any, facts: Mapping[str, Any]) -> Any:
        if template is None:
            return None
        try:
            return variables.render(template, facts)
        except Exception as error:  # pylint: disable=broad-except  # any template can fail in any way
            self._warn(f"{option} cannot be rendered and is left out: {type(error).__name__}: {error}")
            return None

    def _redactor(self, incident: Incident) -> Redactor:
        """Return what masks the secrets of all hosts whose failures are told."""
        secrets: set[str] = set()
        for outcome in incident.samples:
            secrets |= self._secrets_of(outcome)
        if not incident.samples:
            secrets |= self._secrets_at("", None)
        if incident.steering.target is not None:
            secrets.add(incident.steering.target.routing_key)
        return self._redactor_for(frozenset(secrets))

    def _redactor_for(self, secrets: frozenset[str]) -> Redactor:
        return self._redactors.setdefault(secrets, Redactor(secrets))

    def _secrets_of(self, outcome: Outcome) -> frozenset[str]:
        return self._secrets_at(outcome.host, outcome)

    def _secrets_at(self, host: str, outcome: Outcome | None) -> frozenset[str]:
        place = (host, outcome.task_uuid if outcome is not None else "")
        if place not in self._secrets:
            variables = self._variables_of(host, outcome)
            self._secrets[place] = (
                secrets_of(variables.values, self._patterns, variables.template) if variables else frozenset()
            )
        return self._secrets[place]
