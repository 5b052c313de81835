# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to events when everything goes wrong: killed processes, outages, full disks, clocks that jump.

`pytest tests/chaos` takes some seconds. `CHAOS_POINTS=1000 pytest tests/chaos -s` kills that many processes; with
`CHAOS_SEED=7` at other points than the usual ones.

`python -m tests.chaos.forks` looks for hangs in hundreds of forked workers; `python -m tests.chaos.scale` measures what
10,000 failing hosts cost.
"""
