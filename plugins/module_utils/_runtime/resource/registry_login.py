# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of a registry as a resource: what is stored, what the registry says of it, log in, log
out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from ..base.errors import Error, Unreachable
from ..base.frozen import dataclass, replace
from ..plan.plan import Host, Plan, Resource, Step
from ..registry import credentials as stored
from ..registry.client import Registry
from ..registry.credentials import Credentials
from ..registry.failure import Denied
from ..registry.settings import read_settings


@dataclass(frozen=True)
class Declared:
    """What a task says. ``credentials`` is None for logging out; ``path`` is the file to keep them
    in.
    """

    domain: str
    registry_url: str
    path: Path
    credentials: Optional[Credentials] = None
    reauthorize: bool = False
    validate: bool = True
    insecure: Optional[bool] = None
    ca_file: Optional[str] = None


@dataclass(frozen=True)
class Login:
    """What is stored for a registry, without the secret: whether that is the declared one.

    ``problem`` says why the registry could not be asked, or is empty.
    """

    domain: str
    registry_url: str
    username: Optional[str]
    as_declared: bool
    problem: str = ""


@dataclass(frozen=True)
class LogIn(Step[Login]):
    declared: Declared
    credentials: Credentials

    def describe(self) -> str:
        return f"log in to {self.declared.domain} as {self.credentials.username}"

    def after(self, have: Login) -> Login:
        return replace(have, username=self.credentials.username, as_declared=True)

    def execute(self, host: Host) -> None:
        stored.store(self.declared.path, self.declared.domain, self.credentials)


@dataclass(frozen=True)
class LogOut(Step[Login]):
    declared: Declared

    def describe(self) -> str:
        return f"log out of {self.declared.domain}"

    def after(self, have: Login) -> Login:
        return replace(have, username=None, as_declared=True)

    def execute(self, host: Host) -> None:
        stored.erase(self.declared.path, self.declared.domain)


def observe(host: Host, declared: Declared) -> Login:
    """What is stored, and with ``validate`` what the registry says of the declared login.

    A login the registry refuses is an Error, in check mode as well: it never becomes the host's
    state.
    """
    found = stored.read(declared.path, declared.domain)
    as_declared = found == declared.credentials
    problem = ""
    if declared.credentials is not None and declared.validate:
        problem = _ask(host, declared, declared.credentials)
        if problem and as_declared:
            # Nothing is to be done, so nothing is in the way; but nobody knows whether it still
            # holds.
            host.warn(f"the stored login could not be checked: {problem}")
            problem = ""
    username = None if found is None else found.username or "(identity token)"
    return Login(declared.domain, declared.registry_url, username, as_declared, problem)


def plan(declared: Declared, have: Login) -> Plan[Login]:
    """Log in when another login, or none, is stored; log out when one is."""
    if declared.credentials is None:
        return Plan(have, () if have.username is None else (LogOut(declared),))
    if have.as_declared and not declared.reauthorize:
        return Plan(have)
    reasons: tuple[str, ...] = ("reauthorize",)
    if have.username is None:
        reasons = ("not logged in",)
    elif have.username != declared.credentials.username:
        reasons = ("username",)
    elif not have.as_declared:
        reasons = ("password",)
    unmet = (have.problem,) if have.problem else ()
    return Plan(have, (LogIn(declared, declared.credentials),), unmet, reasons)


def view(state: Login) -> dict[str, Any]:
    """What diffs show: that a password differs, never the password."""
    if state.username is None:
        return {"registry": state.domain, "logged_in": False}
    return {
        "registry": state.domain,
        "logged_in": True,
        "username": state.username,
        "password": "(hidden, the declared one)"
        if state.as_declared
        else "(hidden, a different one)",
    }


def result(host: Host, state: Login) -> dict[str, Any]:
    """community.docker's ``login_result``, which its documentation calls ``login_results``."""
    if state.username is None:
        return {}
    login = {"serveraddress": state.registry_url, "username": state.username}
    return {"login_result": login, "login_results": login}


def predict(state: Login) -> dict[str, dict[str, Any]]:
    """For later tasks of a check-mode run: a registry may refuse them only because this is not
    stored.
    """
    found = None if state.username is None else {"username": state.username}
    return {"registry_login": {state.domain: found}}


def lock(declared: Declared) -> tuple[str, str]:
    return "registry", declared.domain


def _ask(host: Host, declared: Declared, login: Credentials) -> str:
    """Why the registry could not be asked, or the empty text when it accepts the login."""
    settings = read_settings(
        host.layout, declared.domain, insecure=declared.insecure, ca_file=declared.ca_file
    )
    try:
        with Registry(declared.domain, settings, login, warn=host.warn) as registry:
            registry.check()
    except Unreachable as exc:
        return str(exc)
    except Denied as exc:
        raise Error(
            f"logging in to {declared.domain} as {login.username!r} failed: {exc.message}",
            hint="check username and password",
        ) from exc
    return ""


RESOURCE: Resource[Declared, Login] = Resource(
    observe=observe, plan=plan, view=view, result=result, lock=lock, predict=predict
)
