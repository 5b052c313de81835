# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection in an execution environment, as far as ansible-builder goes without a container engine."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from .conftest import Tool


def test_an_execution_environment_with_the_tarball_is_created(tool: Tool, tarball: Path, tmp_path: Path) -> None:
    source = f"/build/{tarball.name}"
    definition = {
        "version": 3,
        "images": {"base_image": {"name": "registry.example.org/python:3.12"}},
        "dependencies": {"galaxy": {"collections": [{"name": source, "type": "file"}]}},
        "additional_build_files": [{"src": str(tarball), "dest": "."}],
    }
    (tmp_path / "ee.yml").write_text(json.dumps(definition))
    done = tool(
        "ansible-builder", "create", "--file", "ee.yml", "--context", "context", "--output-filename", "Containerfile"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    context = tmp_path / "context"
    assert "ansible-galaxy collection install" in (context / "Containerfile").read_text()
    galaxy = yaml.safe_load((context / "_build" / "requirements.yml").read_text())
    assert [entry["name"] for entry in galaxy["collections"]] == [source]
    assert (context / "_build" / tarball.name).read_bytes() == tarball.read_bytes()


def test_what_the_collection_needs_is_found(tool: Tool, collections: Path) -> None:
    done = tool("ansible-builder", "introspect", str(collections))
    assert done.returncode == 0, done.stdout + done.stderr
    found = yaml.safe_load(done.stdout)
    assert "requests>=2.28" in json.dumps(found["python"])
