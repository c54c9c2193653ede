# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: The containers of one or more hosts as hosts of the inventory
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Reads which containers hosts have, with C(slipway inspect) over each host's own connection, and
    adds them to the inventory with the connection plugin P(slipway.engine.container#connection).
  - Its configuration is a YAML file whose name ends with V(slipway.yml) or V(slipway.yaml). The
    names V(docker.yml) and V(docker.yaml) are for files written for
    P(community.docker.docker_containers#inventory).
  - A host that never had a container is not an error; it has none.
notes:
  - Options and variables are named as those of P(community.docker.docker_containers#inventory).
    Those about a connection to Docker's daemon are ignored with one warning.
  - Passwords are taken from the inventory's variables. Those that C(--ask-pass) and
    C(--ask-become-pass) ask for are not known to inventories.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin, by which a file says that it is for it.
    type: str
    required: true
    choices:
      - slipway.engine.containers
      - community.docker.docker_containers
  hosts:
    description:
      - The hosts whose containers are read. A name is that of a host or a group of an inventory
        that was read before, or an address.
      - By default it is the controller, V(localhost).
    type: list
    elements: str
    default:
      - localhost
  ignore_unreachable:
    description:
      - Whether a host that cannot be read is passed over with a warning. Otherwise it is an error.
    type: bool
    default: false
  hostname:
    description:
      - A Jinja2 expression for the name of a container in the inventory.
      - By default it is the container's name, followed by a dot and the host's name if that is not
        the controller, such as V(web.server).
    type: str
  connection_type:
    description:
      - How the containers are connected to. V(slipway), V(docker-api) and V(docker-cli) mean the
        connection plugin P(slipway.engine.container#connection).
      - V(ssh) sets C(ansible_ssh_host) and C(ansible_ssh_port) for an SSH server in the container
        whose port O(private_ssh_port) is published.
    type: str
    default: slipway
    choices:
      - slipway
      - ssh
      - docker-api
      - docker-cli
  private_ssh_port:
    description:
      - The port of the SSH servers in the containers.
    type: int
    default: 22
  default_ip:
    description:
      - The address for containers that publish their SSH port on all addresses. By default it is
        the host's C(ansible_host) or name, and V(127.0.0.1) for the controller.
    type: str
  verbose_output:
    description:
      - Whether all that C(docker inspect) shows becomes variables, such as C(docker_hostconfig).
      - In O(compose), O(groups), O(keyed_groups), O(filters) and O(hostname) it is known in any
        case.
    type: bool
    default: false
  add_legacy_groups:
    description:
      - Whether to add each container to the groups of Docker's old inventory script, which are
        named after its name, its ID, its short ID of 13 letters, its image (C(image_NAME)), its
        stack and service (C(stack_NAME), C(service_NAME)), and C(running) or C(stopped).
    type: bool
    default: false
  filters:
    description:
      - A list of conditions, each a Jinja2 expression. The first one that is true for a container
        decides whether it is included. One for which none is true is included.
    type: list
    elements: dict
    default: []
    suboptions:
      include:
        description:
          - Include a container for which this is true.
        type: str
      exclude:
        description:
          - Exclude a container for which this is true.
        type: str
"""

EXAMPLES = r"""
# The running containers of the controller.
plugin: slipway.engine.containers
filters:
  - exclude: not docker_state.Running

---
# Those of all hosts in the group servers, in groups by host and by a label.
plugin: slipway.engine.containers
hosts:
  - servers
keyed_groups:
  - key: slipway_host
    prefix: at
  - key: docker_config.Labels.tier | default('none')
    prefix: tier
groups:
  published: docker_hostconfig.PortBindings | length > 0
compose:
  image: docker_config.Image

---
# Only containers whose label says so; the answer is kept for a minute.
plugin: slipway.engine.containers
hosts:
  - server
filters:
  - include: docker_config.Labels.managed | default('no') == 'yes'
  - exclude: true
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /tmp/containers
cache_timeout: 60
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.play_context import PlayContext
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ansible_collections.slipway.engine.plugins.plugin_utils import _container_facts as facts
from ansible_collections.slipway.engine.plugins.plugin_utils import _docker_connection
from ansible_collections.slipway.engine.plugins.plugin_utils._container_list import (
    Containers,
    containers_of,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._engine_host import (
    CONTROLLER,
    EngineHost,
)

_ENDINGS = ("slipway.yml", "slipway.yaml", "docker.yml", "docker.yaml")

#: Options of community.docker's plugin about a connection to its daemon.
_DAEMON = {"configure_docker_daemon", *_docker_connection.OPTIONS} | {
    alias for aliases in _docker_connection.OPTIONS.values() for alias in aliases
}


@dataclass(frozen=True)
class _Entry:
    """A container that becomes a host: its name in the inventory, the host it is on, what is known
    of it, and the variables of both kinds.
    """

    name: str
    host: str
    found: Mapping[str, Any]
    brief: Mapping[str, Any]
    full: Mapping[str, Any]


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See DOCUMENTATION."""

    NAME = "slipway.engine.containers"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(_ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._warn_of_daemon(self._read_config_data(path))
        self._check()
        chosen = list(self._chosen(self._found(path, cache)))
        self._check_names(chosen)
        for one in chosen:
            self._add(one)

    def _warn_of_daemon(self, config: Mapping[str, Any]) -> None:
        ignored = sorted(_DAEMON & set(config))
        if ignored:
            self.display.warning(
                f"There is no Docker daemon to connect to; ignored options: {', '.join(ignored)}."
            )

    def _check(self) -> None:
        for given in self.get_option("filters"):
            if not isinstance(given, Mapping) or set(given) not in ({"include"}, {"exclude"}):
                raise AnsibleParserError(
                    f"filters: {given!r} must have one of include and exclude, and nothing else"
                )

    def _found(self, path: str, cache: bool) -> dict[str, Containers]:
        """The containers of each host: from the cache, if that is wanted and has them."""
        wanted = self.get_option("cache")
        key = self.get_cache_key(path)
        if wanted and cache:
            try:
                kept: dict[str, Containers] = self._cache[key]
                return kept
            except KeyError:
                pass
        found = self._read()
        if wanted:
            self._cache[key] = found
        return found

    def _read(self) -> dict[str, Containers]:
        """Ask all hosts, side by side."""
        context = PlayContext()
        hosts = [EngineHost(name, self._values(name), context) for name in self._names()]
        found: dict[str, Containers] = {}
        for host in hosts:
            # Plugins are loaded and set up by one thread.
            host.connection()
        with ThreadPoolExecutor(max(1, min(len(hosts), C.DEFAULT_FORKS))) as pool:
            answers = [(host, pool.submit(containers_of, host)) for host in hosts]
            for host, answer in answers:
                try:
                    found[host.name] = answer.result()
                except AnsibleError as exc:
                    said = f"the containers of {host.name} cannot be read: {to_text(exc)}"
                    if not self.get_option("ignore_unreachable"):
                        raise AnsibleParserError(said) from exc
                    self.display.warning(said)
                finally:
                    host.close()
        return found

    def _names(self) -> Iterator[str]:
        """The names of the hosts, each once; a group is those in it."""
        seen: set[str] = set()
        for name in self.get_option("hosts"):
            group = self.inventory.groups.get(name)
            members = [host.name for host in group.get_hosts()] if group else [name]
            yield from (member for member in members if member not in seen)
            seen.update(members)

    def _values(self, name: str) -> Mapping[str, Any]:
        """The variables of a host of the inventory, as far as inventories are read."""
        host = self.inventory.hosts.get(name)
        if host is None:
            return {}
        sources, groups = self.inventory.processed_sources, host.get_groups()
        parts = (
            get_group_vars(groups),
            get_vars_from_inventory_sources(self.loader, sources, groups, "all"),
            host.get_vars(),
            get_vars_from_inventory_sources(self.loader, sources, [host], "all"),
            self._vars,
        )
        values: dict[str, Any] = {}
        for part in parts:
            values = combine_vars(values, part)
        return _Resolved(values, self.templar)

    def _chosen(self, answers: Mapping[str, Containers]) -> Iterator[_Entry]:
        """The containers that no filter leaves out."""
        for host, containers in answers.items():
            for found in containers:
                connection = self._connection_facts(host, found)
                brief = wrap_var({**facts.brief(found, host), **connection})
                full = {**brief, **wrap_var(facts.full(found))}
                if self._is_included(full):
                    name = self._hostname(host, facts.name_of(found), full)
                    yield _Entry(name, host, found, brief, full)

    def _check_names(self, chosen: Sequence[_Entry]) -> None:
        """Refuse names that are taken, before any host is added."""
        taken = set(self.inventory.hosts)
        for one in chosen:
            if one.name in taken:
                raise AnsibleParserError(
                    f"container {facts.name_of(one.found)} of {one.host}: the inventory has a host"
                    f" {one.name} already; set the option hostname to an expression that makes"
                    " names unique, such as docker_name ~ '.' ~ slipway_host"
                )
            taken.add(one.name)

    def _add(self, one: _Entry) -> None:
        name, full = one.name, one.full
        self.inventory.add_host(name)
        for variable, value in (full if self.get_option("verbose_output") else one.brief).items():
            self.inventory.set_variable(name, variable, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), full, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), full, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), full, name, strict=strict)
        if self.get_option("add_legacy_groups"):
            # Last: a group may be named as the host, and variables would be set of the group.
            for group in facts.legacy_groups(one.found):
                self.inventory.add_host(name, group=self.inventory.add_group(group))

    def _connection_facts(self, host: str, found: Mapping[str, Any]) -> dict[str, Any]:
        """How Ansible reaches the container."""
        if self.get_option("connection_type") == "ssh":
            address = self.get_option("default_ip") or self._address(host)
            return facts.published(found, self.get_option("private_ssh_port"), address)
        return {
            "ansible_connection": "slipway.engine.container",
            "ansible_host": facts.name_of(found),
            **({} if host == CONTROLLER else {"ansible_slipway_host": host}),
        }

    def _address(self, host: str) -> str:
        if host == CONTROLLER:
            return "127.0.0.1"
        return str(self._values(host).get("ansible_host") or host)

    def _hostname(self, host: str, container: str, known: Mapping[str, Any]) -> str:
        expression = self.get_option("hostname")
        if not expression:
            return container if host == CONTROLLER else f"{container}.{host}"
        try:
            made = self._compose(expression, {**known, "docker_name": wrap_var(container)})
        except Exception as exc:
            raise AnsibleParserError(f"hostname: {expression}: {to_text(exc)}") from exc
        if not made:
            raise AnsibleParserError(f"hostname: {expression} is empty for container {container}")
        return str(made)

    def _is_included(self, known: Mapping[str, Any]) -> bool:
        for given in self.get_option("filters"):
            [(word, condition)] = given.items()
            if self._is_true(condition, known):
                return bool(word == "include")
        return True

    def _is_true(self, condition: Any, known: Mapping[str, Any]) -> bool:
        if isinstance(condition, bool):
            return condition
        try:
            answer = self._compose(condition, known)
        except Exception as exc:
            if self.get_option("strict"):
                raise AnsibleParserError(f"filters: {condition}: {to_text(exc)}") from exc
            return False
        # Before ansible-core 2.19 it is text.
        return boolean(answer, strict=False) is True if isinstance(answer, str) else bool(answer)


class _Resolved(Mapping[str, Any]):
    """Variables, of which one is resolved when it is asked for."""

    def __init__(self, values: Mapping[str, Any], templar: Any) -> None:
        self._values, self._templar = values, templar

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        self._templar.available_variables = self._values
        return self._templar.template(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
