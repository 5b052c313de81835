# Copyright (c) 2026, the oncall.pagerduty authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One nox session for each job; `make` calls them, and `nox --list` shows them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # nox itself does not put it there

from tools import interpreters, tree  # noqa: E402  # see the line above
from tools.interpreters import CORES, Core, dotted  # noqa: E402  # as above

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "sanity", "units-targets", "matrix"]

CODE = ("plugins", "tests", "tools", "noxfile.py")
TYPED = ("plugins", "tests/support", "tests/simulator", "tests/demo", "tests/integration/support")
# Managed hosts may run these, older than any controller; the newest ansible-test that knows both is 2.18's.
TARGET_PYTHONS = ((3, 8), (3, 9))
TARGET_CORE = next(core for core in CORES if core.release.startswith("2.18."))

PYTHONS = interpreters.find()
# Real interpreters before version managers' shims, for nox and for all else that looks for a python3.X.
os.environ["PATH"] = os.pathsep.join(
    [*dict.fromkeys(str(path.parent) for path in PYTHONS.values()), os.environ.get("PATH", os.defpath)]
)
os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"


def private_folder(session: nox.Session) -> Path:
    """A folder of the session's own that is there in its next run too."""
    folder = ROOT / ".nox" / session.name / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@nox.session
def lint(session: nox.Session) -> None:
    """Run ruff, yamllint, reuse, antsibull-changelog, antsibull-docs and ansible-lint."""
    session.install("--quiet", "-r", "tests/requirements-lint.txt")
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    session.run("yamllint", "--strict", ".")
    session.run("reuse", "lint", "--lines")
    folder = private_folder(session)
    with session.chdir(tree.copy(folder)):
        session.run("antsibull-changelog", "lint")
        validate = ("--plugin-docs", "--skip-rstcheck", "--validate-collection-refs=all")
        session.run("antsibull-docs", "lint-collection-docs", *validate, ".")
        # Without --offline it installs a copy of the collection, which from then on hides the checkout.
        visible = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
        session.run("ansible-lint", "--offline", "--profile", "production", env=visible)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site; a warning is an error."""
    session.install("--quiet", "-r", "tests/requirements-docs.txt")
    folder = private_folder(session)
    pages = folder / "pages"
    guides = tree.copy(folder) / "docs" / "docsite" / "rst"
    pages.mkdir(mode=0o700, exist_ok=True)  # antsibull-docs writes to no folder that others may write to
    visible = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
    strict = ("--fail-on-error", "--cleanup", "everything")
    write = ("collection", "--use-current", "--squash-hierarchy", *strict, "--dest-dir", str(pages))
    session.run("antsibull-docs", *write, "oncall.pagerduty", env=visible)
    # antsibull-docs copies the guides without their pictures.
    shutil.copytree(guides / "images", pages / "docsite" / "images", dirs_exist_ok=True)
    site = ROOT / "docs" / "build"
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-E", "-c", "tools/site", str(pages), str(site))
    session.log(f"The site is in {site / 'index.html'}")


@nox.session(name="format")
def format_code(session: nox.Session) -> None:
    """Let ruff format the code and fix what it can."""
    session.install("--quiet", "-c", "tests/constraints.txt", "ruff")
    session.run("ruff", "check", "--fix", *CODE, success_codes=[0, 1])
    session.run("ruff", "format", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Run mypy in strict mode."""
    session.install("--quiet", "-r", "tests/requirements-lint.txt")
    collection = Path("ansible_collections", "oncall", "pagerduty")
    folder = private_folder(session)
    tree.copy(folder)
    with session.chdir(folder):
        session.run("mypy", "--config-file", str(ROOT / "pyproject.toml"), *(str(collection / path) for path in TYPED))
    session.run("mypy", "tools", "noxfile.py")


@nox.session
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity; further arguments name a test or files."""
    session.install("--quiet", "-r", "tests/requirements-sanity.txt")
    ansible_test(session, "sanity", "--python", dotted(sys.version_info[:2]), *session.posargs)


@nox.session
def pins(session: nox.Session) -> None:
    """Renew the versions in tests/constraints.txt; ansible-core's own are renewed by hand."""
    session.install("--quiet", "-c", "tests/constraints.txt", "uv")
    session.run("python", "-m", "tools.pins")


@nox.session(name="units-targets", venv_backend="none")
def units_targets(session: nox.Session) -> None:
    """Unit tests of module_utils on the oldest Pythons of managed hosts."""
    for python in TARGET_PYTHONS:
        session.notify(f"units-target-{dotted(python)}")


@nox.session(venv_backend="none")
def matrix(session: nox.Session) -> None:
    """Unit and integration tests on every ansible-core that a Python on this machine can run."""
    if not any(interpreters.fitting(core, PYTHONS) for core in CORES):
        session.error("no Python on this machine can run any of these releases of ansible-core")
    for core in CORES:
        session.notify(f"matrix-{core.release}")


def ansible_test(session: nox.Session, *arguments: str) -> None:
    """Run ansible-test of the session's ansible-core on a copy of the checkout."""
    session.run("python", "-m", "tools.ansible_test", str(private_folder(session)), *arguments)


def session_on_core(core: Core) -> None:
    """Define the session of the matrix for a release of ansible-core."""
    python = interpreters.fitting(core, PYTHONS)

    @nox.session(name=f"matrix-{core.release}", python=[dotted(python)] if python else None)
    def on_core(session: nox.Session) -> None:
        if python is None:
            session.skip(f"needs one of Python {', '.join(map(dotted, core.pythons))}, and none is on this machine")
        session.install("--quiet", "-r", "tests/requirements-pytest.txt", f"ansible-core=={core.release}")
        # The tests of the simulator and of module_utils have nothing, or next to nothing, to do with ansible-core.
        paths = session.posargs or ["tests/unit/plugins/plugin_utils", "tests/integration", "tests/differential"]
        scope = {"DIFFERENTIAL": os.environ.get("DIFFERENTIAL", "matrix")}
        session.run("python", "-m", "pytest", "-n", "auto", "--dist", "loadfile", *paths, env=scope)


def session_on_target(python: interpreters.Version) -> None:
    """Define the session that runs module_utils' unit tests on a target's Python, with ansible-test on a newer one."""
    controller = interpreters.fitting(TARGET_CORE, PYTHONS)

    @nox.session(name=f"units-target-{dotted(python)}", python=[dotted(controller)] if controller else None)
    def on_target(session: nox.Session) -> None:
        if python not in PYTHONS or controller is None:
            session.skip(f"needs Python {dotted(python)}, and one of {', '.join(map(dotted, TARGET_CORE.pythons))}")
        session.install("--quiet", "-c", "tests/constraints.txt", f"ansible-core=={TARGET_CORE.release}")
        paths = session.posargs or ["tests/unit/plugins/module_utils/"]
        ansible_test(session, "units", "--venv", "--python", dotted(python), "--num-workers", "1", *paths)


for _core in CORES:
    session_on_core(_core)
for _python in TARGET_PYTHONS:
    session_on_target(_python)
