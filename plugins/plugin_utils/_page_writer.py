# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the event for an incident of a run: text, the user's templates, redaction. What it returns may leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Action, Alert
from ansible_collections.oncall.pagerduty.plugins.module_utils._plain import optional_text, plain
from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _incident_text
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Incident
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outcome import Outcome
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._redact import Redactor
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._run_context import RunContext
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._secret_variables import secrets_of
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._variables import Variables

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
        self._secrets: dict[str, frozenset[str]] = {}

    def trigger(self, incident: Incident) -> Alert:
        """Return the event that opens or updates an incident.

        It is a page, so it comes whatever goes wrong here: if the text cannot be written or redacted, it says where
        the run failed and nothing else.
        """
        try:
            return self._trigger(incident)
        except Exception as error:  # pylint: disable=broad-except  # a page must not be lost by its text
            self._warn(f"the incident's text cannot be written, so it is left out: {type(error).__name__}")
            return self._alert(incident, f"{self._run.job_name} failed", {"failed_hosts": list(incident.hosts)[:100]})

    def resolve(self, dedup_key: str, summary: str, source: str) -> Alert:
        """Return the event that ends an incident."""
        return Alert(Action.RESOLVE, dedup_key, summary=summary, source=source)

    def summary(self, incident: Incident) -> str:
        """Return an incident's title, redacted."""
        redactor = self._redactor(incident)
        return redactor.text(_incident_text.summary(incident, self._run.job_name))

    def _trigger(self, incident: Incident) -> Alert:
        redactor = self._redactor(incident)
        title = _incident_text.summary(incident, self._run.job_name)
        details = _incident_text.details(incident, self._run)
        title, extra = self._rendered(incident, title, details)
        return self._alert(incident, redactor.text(title), redactor.value(plain({**details, **extra})))

    def _alert(self, incident: Incident, title: str, details: dict[str, Any]) -> Alert:
        steering = incident.steering
        cause = incident.cause
        link = self._run.build.url
        return Alert(
            Action.TRIGGER,
            incident.dedup_key,
            summary=title,
            source=cause.host if isinstance(cause, Outcome) else self._run.controller,
            severity=incident.severity,
            component=steering.component,
            group=steering.group,
            class_=steering.class_,
            custom_details=details,
            client=steering.client,
            client_url=steering.client_url or link,
            links=({"href": link, "text": self._run.build.name or "Job"},) if link else (),
        )

    def _rendered(self, incident: Incident, title: str, details: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the user's own title and details where there are any, rendered for the incident's first failure."""
        steering = incident.steering
        if not steering.summary and not steering.custom_details:
            return title, {}
        cause = incident.cause
        variables = self._variables(cause.host, cause) if isinstance(cause, Outcome) else self._variables("", None)
        if variables is None:
            self._warn("summary and custom_details are left out, since there are no variables to render them with")
            return title, {}
        facts = {
            **details,
            "host": cause.host if isinstance(cause, Outcome) else "",
            "kind": cause.kind if isinstance(cause, Outcome) else "",
            "hosts": list(incident.hosts),
            "failed": len(incident.hosts),
            "total": incident.total,
            "summary": title,
        }
        own_title = self._render("summary", variables, steering.summary, facts)
        extra = {
            name: self._render(f"custom_details.{name}", variables, template, facts)
            for name, template in steering.custom_details.items()
        }
        return optional_text(own_title) or title, extra

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
        if incident.steering.target is not None:
            secrets.add(incident.steering.target.routing_key)
        return Redactor(secrets)

    def _secrets_of(self, outcome: Outcome) -> frozenset[str]:
        if outcome.host not in self._secrets:
            variables = self._variables(outcome.host, outcome)
            self._secrets[outcome.host] = (
                secrets_of(variables.values, self._patterns, variables.template) if variables else frozenset()
            )
        return self._secrets[outcome.host]

    def _variables(self, host: str, outcome: Outcome | None) -> Variables | None:
        return self._variables_of(host, outcome)
