# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that did not fail the run on a host, as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ansible_collections.oncall.pagerduty.plugins.plugin_utils._incidents import Place


@dataclass(frozen=True)
class Passage:
    """How a task went on a host.

    Attributes:
        host: the host's name.
        place: where the task stands.
        how: it ended well, was skipped, failed with C(ignore_errors), or did not reach the host with
            C(ignore_unreachable); or it ended well, and may have failed elsewhere in the playbook.
        reached: whether it shows that the host can be reached.
        began: when the task began, on whichever host first, in seconds since the boot.
    """

    host: str
    place: Place
    how: Literal["ok", "skipped", "ignored", "unreached", "elsewhere"]
    reached: bool
    began: float

    @property
    def ended_well(self) -> bool:
        """Whether the task ran and did not fail."""
        return self.how == "ok"

    @property
    def took_part(self) -> bool:
        """Whether the host took part in the run with it."""
        return self.how != "unreached"

    @property
    def failed(self) -> bool:
        """Whether it went wrong, and only nobody is to be told."""
        return self.how in ("ignored", "unreached")

    @property
    def skipped(self) -> bool:
        """Whether the task did not run."""
        return self.how == "skipped"
