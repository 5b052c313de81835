# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file that keeps events, the outbox or its substitute, and the courier that fetches them there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ansible_collections.oncall.pagerduty.plugins.module_utils._errors import PagerDutyError
from ansible_collections.oncall.pagerduty.plugins.module_utils._secrets import mask
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._courier_process import CourierProcess
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._delivery_settings import DeliverySettings
from ansible_collections.oncall.pagerduty.plugins.plugin_utils._log import append

if TYPE_CHECKING:
    from ansible_collections.oncall.pagerduty.plugins.module_utils._event import Prepared
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Counts, Put
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._route import Route
    from ansible_collections.oncall.pagerduty.plugins.plugin_utils._tally import Lane


class Depot:
    """A place where events are kept, and the courier that fetches them there. SQLite is loaded by making one."""

    def __init__(self, settings: DeliverySettings, path: str) -> None:
        """Open the file.

        Raises:
            DatabaseError: if that is not possible.
            ImportError: if Python has no SQLite.
        """
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._database import Database
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox import Outbox
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils._outbox_values import Caps

        self.database = Database(path)
        self.outbox = Outbox(self.database, Caps(settings.max_events, settings.max_age))
        self.courier = CourierProcess(settings, path)
        self._prune_superseded = settings.prune_superseded
        self._linger = settings.courier_linger
        self._version = -1
        self._waits = True

    def put(self, event: Prepared, route: Route, run: str, maybe_taken: bool) -> Put:
        """Commit an event.

        Raises:
            DatabaseError: if it could not be done, or if the file has no longer its place.
        """
        self._version = -1  # the number does not change by what is done here
        self.database.check()
        put = self.outbox.put(event, route, run, self._prune_superseded, maybe_taken, self._linger)
        self.database.check()
        self._log_news()
        return put

    def stay(self, linger: float) -> None:
        """Have a courier stay so many seconds from now for what waits."""
        with contextlib.suppress(PagerDutyError):  # a full disk: what was noted with each event holds
            self.outbox.outages.stay(linger)

    def at_work(self) -> int | None:
        """Return the process id of the courier; None if there is none."""
        return self.courier.at_work()

    def untold(self) -> list[str]:
        """Return what was dropped for one of the outbox's caps, and no run has told yet."""
        from ansible_collections.oncall.pagerduty.plugins.plugin_utils import _drops

        self.outbox.drop_outdated()
        self._log_news()
        return [untold.explained() for untold in self.outbox.take_untold(_drops.RUN)]

    def _log_news(self) -> None:
        news = self.outbox.take_news()
        if news:
            append(self.database.path, news)

    def has_waiting(self, run: str) -> bool:
        """Whether events of a run are waiting. Counts only if something has changed."""
        version = self.outbox.version()
        if version != self._version:
            self._version = version
            self._waits = self.outbox.counts(run).waiting > 0
        return self._waits

    def counts(self, run: str) -> Counts:
        """Count a run's events."""
        return self.outbox.counts(run)

    def left_of(self, run: str) -> dict[Lane, int]:
        """Return how many of a run's events are left, for each incident."""
        return self.outbox.left_of(run)

    def has_opened(self, fingerprint: str, dedup_key: str) -> bool:
        """Whether an accepted trigger may have opened an incident."""
        return self.outbox.has_opened(fingerprint, dedup_key)

    def last_problem(self, run: str) -> str | None:
        """Return why the newest of a run's troubled events is still here."""
        return self.outbox.last_problem(run)

    @property
    def problem(self) -> str | None:
        """What keeps the courier from being there."""
        return self.courier.problem

    def what_is_wrong(self) -> str | None:
        """Return why what is still waiting here might never be found again."""
        try:
            self.database.check()
        except PagerDutyError as error:
            return one_line(error)
        return None

    def ensure(self) -> str | None:
        """See to it that a courier is there; returns what keeps it from starting."""
        return self.courier.ensure()

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()


def one_line(error: Exception, *secrets: str) -> str:
    """Return an error's text in one line, without these secrets; of an unexpected error only its class."""
    text = " ".join(str(error).split()) if isinstance(error, (PagerDutyError, OSError)) else ""
    return str(mask(text or f"unexpected {type(error).__name__}", secrets))
