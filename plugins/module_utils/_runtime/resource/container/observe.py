# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for a container starts from: the container as found, and what around it matters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...container.status import adrift, fingerprint, liveness, logs
from ...container.supervision import boot, first_moment, health, policy, watcher
from ...network import attach
from ...plan.plan import Host, difference
from ...records import container_record, foreseen, journal
from ...records.journal import Swap
from ...spec.container import ContainerSpec, ImageDefaults, endpoints
from . import image
from .declare import Declared, shown


@dataclass(frozen=True)
class Around:
    """What a plan relies on beside the container itself.

    ``reference`` is the normalised name of the declared image, ``image_id`` what it means on this
    host now (None: it is not here; "": it will be, and its id is not known yet), ``newer`` the
    digest a registry has for it when that is not the one here. ``missing_networks`` are declared
    and do not exist.
    """

    reference: str = ""
    image_id: Optional[str] = None
    newer: str = ""
    missing_networks: tuple[str, ...] = ()
    unreachable: str = ""
    #: The names of the image's own labels, where they are asked for.
    labels: tuple[str, ...] = ()
    #: What it is to mount and what is not there: ``container x`` or ``image y``.
    missing_mounts: tuple[str, ...] = ()
    #: The containers it is to link to that are not there.
    missing_links: tuple[str, ...] = ()
    #: The platform that was asked for, where it matters: "" is the host's own.
    platform: str = ""
    #: Whether the image of that name on this host is for another platform.
    misfits: bool = False
    #: The volumes that would be made with it.
    missing_volumes: tuple[str, ...] = ()
    #: Whether the host lacks the declared name, and it means the image that the container has.
    nameless: bool = False
    #: Whether a registry was asked because its last answer was too old, and had nothing newer.
    looked: bool = False
    #: Whether ``actions`` are told as docker_container tells them, with the image as it is written.
    debug: bool = False
    written: str = ""
    #: What the container's own image brings, where the task may say the same in other words.
    brought: Optional[ImageDefaults] = None
    #: What is added where no image of the name is found: why one cannot be read.
    unread: str = ""


@dataclass(frozen=True)
class State:
    """A container as it is, or as a plan will make it; ``spec`` None is that there is none.

    ``running`` is also a paused one, and one that waits for its next start. ``damage`` names what a
    running container lost on the host. ``interrupted`` is a replacement that was interrupted; the
    container is then the one that will remain. ``ending`` says how the main process ended where
    that was a failure, ``outlived`` that it was not at once; like ``id``, ``around`` and ``begun``,
    which is that the plan starts it, they are not part of what is compared. ``anonymous`` are the
    volumes that were made for it, ``gone`` those that went with it, ``made`` those with a name that
    came with it.
    """

    name: str
    spec: Optional[ContainerSpec] = None
    running: bool = False
    paused: bool = False
    image_is_current: bool = True
    damage: tuple[str, ...] = ()
    #: What it lost that only a new start brings back.
    adrift: tuple[str, ...] = ()
    interrupted: Optional[Swap] = None
    #: What its health check says of a running container; "" without one.
    health: str = ""
    #: Whether it runs with something that the watcher does.
    watched: bool = False
    #: Whether the host starts its containers when it comes up; true where that does not matter.
    boots: bool = True
    #: Whether it starts once the host is told: the last boot left it out.
    comes_up: bool = False
    #: Paths of the host whose content is not what the container was started with.
    changed: tuple[str, ...] = ()
    id: str = ""
    ending: str = ""
    outlived: bool = False
    begun: bool = False
    around: Around = Around()
    anonymous: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    #: Whether it ran to its end, and well.
    completed: bool = False
    #: Its files that cannot be read, where it is to be absent and nothing else is known of it.
    damaged: tuple[str, ...] = ()
    #: Whether a plan leaves it as it is whether the container runs; it may end or start meanwhile.
    runs_as_it_likes: bool = False


def observe(host: Host, declared: Declared) -> State:
    """Read the container, what its image's name means, and whether its networks exist."""
    for text in declared.ignored:
        host.warn(f"container {declared.name}: {text}")
    found = _find(host, declared)
    found = _with_boot(host, declared, found)
    around = _around(host, declared, found.spec)
    return replace(found, around=around, image_is_current=is_current(found, around))


def _with_boot(host: Host, declared: Declared, found: State) -> State:
    """The same, with whether the host starts its containers when it comes up."""
    policies = [found.spec.restart_policy] if found.spec is not None else []
    asked = declared.values.get("restart_policy")
    new = [asked] if asked is not None else []
    if all(policy.name == "no" for policy in (*policies, *new)):
        return replace(found, comes_up=False)
    way = host.once("boot", lambda: boot.arrangement(host.layout))
    comes_up = found.comes_up and way is not None and bool(way.commands)
    if foreseen.boot_stands(host):
        # An earlier task would have had it started too.
        return replace(found, running=found.running or comes_up, comes_up=False)
    if way is not None:
        arranged = way
        boots = host.once("boots", lambda: boot.stands(arranged))
        return replace(found, boots=boots, comes_up=comes_up and not boots)
    if asked is not None and all(policy.name == "no" for policy in policies):
        host.warn(
            f"container {declared.name} will not be started after a reboot: this host has neither"
            f" systemd nor OpenRC nor cron to run {' '.join(boot.command_line(host.layout))} boot"
        )
    return replace(found, comes_up=False)


def is_current(found: State, around: Around) -> bool:
    """Whether the container has the image that its name refers to; unknown counts as yes."""
    if found.spec is not None and around.misfits:
        return False
    if found.spec is None or not around.image_id:
        return True
    return not around.newer and found.spec.image_id in ("", around.image_id)


def _find(host: Host, declared: Declared) -> State:
    name = declared.name
    told = foreseen.told_containers(host)
    if name in told:
        return _foretold(name, told[name])
    cut = journal.interrupted(host.layout, name)
    try:
        if cut is not None:
            container_id = cut.new if cut.committed else cut.old
        else:
            container_id = container_record.by_name(host.layout, name)
        spec = container_record.read_spec(host.layout, container_id)
        found = policy.current(host.layout, container_id, spec.restart_policy)
    except NotFound:
        nameless = container_record.lost_name(host.layout, name)
        if nameless:
            link = host.layout.names / name
            raise Error(
                f"container {nameless[:12]} has the name {name}, but the link {link} is gone",
                hint=f"restore it: ln -s {nameless} {link}",
            ) from None
        return State(name)
    except Error as exc:
        if declared.state != "absent":
            raise
        from ...container.lifecycle import salvage  # Hardly ever.

        container_id, damaged = salvage.damaged(host, name, exc)
        spec = ContainerSpec(name, "", "")
        return State(name, spec, running=True, id=container_id, damaged=damaged)
    asked = declared.values.get("restart_on_change", ())
    watched = sorted({*asked, *spec.restart_on_change})
    live = found.phase in container_record.LIVE
    damage = _damage(host, found, spec) if live else ()
    gone = adrift.adrift(host.layout, found, spec) if live else ()
    if damage or gone:
        # What looks like damage may be a container that ends just now.
        generation = found.generation
        liveness.current_past_exit(host.layout, container_id)
        found = policy.current(host.layout, container_id, spec.restart_policy)
        if found.phase not in container_record.LIVE or found.generation != generation:
            damage = gone = ()
    running = found.phase in container_record.UP
    state = State(
        name,
        spec,
        running,
        found.phase == "paused",
        damage=damage,
        adrift=gone,
        interrupted=cut,
        changed=fingerprint.changed(watched, found) if running else (),
        health=health.verdict(host.layout, found) if running else "",
        watched=running and watcher.needed(found),
        id=container_id,
        anonymous=found.anonymous_volumes,
    )
    if not running and found.boot_id:
        with contextlib.suppress(NotFound):
            kept = container_record.read_record(host.layout, container_id)
            comes_up = policy.comes_up(kept, spec.restart_policy)
            state = replace(state, comes_up=comes_up)
    if found.phase == "exited":
        outlived = first_moment.outlived(found)
        ending = _ending(host, found, spec, outlived)
        completed = liveness.ended_well(found)
        state = replace(state, ending=ending, outlived=outlived, completed=completed)
    return state


def _damage(host: Host, found: container_record.Record, spec: ContainerSpec) -> tuple[str, ...]:
    # What an earlier task of a check-mode run would have restored is not reported twice.
    lost = attach.damage(host, found, rules=not foreseen.firewall_stands(host))
    if not attach.settled(host, found, endpoints(spec)):
        lost = (*lost, "a change of its networks that was interrupted")
    lacking = watcher.needed(found) and not watcher.listens(host.layout)
    if lacking and not foreseen.watcher_runs(host):
        lost = (*lost, "its watcher, which runs health checks, rotates logs and serves ports")
    if journal.left_frozen(host.layout, found.id):
        lost = (*lost, "a leftover freeze of its processes")
    return lost


def _foretold(name: str, told: Optional[foreseen.Container]) -> State:
    if told is None:
        return State(name)
    return State(name, told.spec, told.running, told.paused, completed=told.completed)


def _ending(host: Host, found: container_record.Record, spec: ContainerSpec, outlived: bool) -> str:
    # One that was started again until its policy gave up has done as it was asked to.
    if liveness.ended_well(found) or spec.auto_remove or found.restart_count:
        return ""
    when = "" if outlived else " right after its start"
    return f"{liveness.ending(found)}{when}{logs.last_words(host.layout, found.id)}"


def _around(host: Host, declared: Declared, spec: Optional[ContainerSpec]) -> Around:
    if declared.state == "absent":
        return Around(debug=declared.debug)
    networks = declared.values.get("networks", spec.networks if spec else ())
    missing = _missing(host, (endpoint.network for endpoint in networks))
    unlinked = tuple(
        name
        for link in declared.values.get("links", ())
        if foreseen.container(host, name := link.partition(":")[0]) is None
    )
    if not declared.image:
        return Around(
            missing_networks=missing,
            missing_links=unlinked,
            debug=declared.debug,
            brought=image.brought(host, declared, spec),
        )
    unmounted = _missing_mounts(host, declared)
    unmade = _missing_volumes(host, declared)
    meant = image.meant(host, declared, spec)
    return Around(
        meant.name,
        meant.id,
        meant.newer,
        missing,
        meant.unreachable,
        meant.labels,
        unmounted,
        unlinked,
        meant.platform,
        meant.misfits,
        unmade,
        meant.nameless,
        meant.looked,
        declared.debug,
        declared.image,
        image.brought(host, declared, spec),
        meant.unread,
    )


def _missing_mounts(host: Host, declared: Declared) -> tuple[str, ...]:
    """The containers and images that a container to be made would mount from, and that are not
    there.
    """
    missing = []
    for text in declared.values.get("volumes_from", ()):
        name = text.partition(":")[0]
        if foreseen.container(host, name) is None:
            missing.append(f"container {name}")
    for mount in declared.values.get("mounts", ()):
        if mount.kind == "image" and image.named(host, mount.source)[1] is None:
            missing.append(f"image {mount.source}")
    return tuple(missing)


def _missing_volumes(host: Host, declared: Declared) -> tuple[str, ...]:
    """The volumes a task names that do not exist yet."""
    told = foreseen.told_volumes(host)
    named = {m.source for m in declared.values.get("mounts", ()) if m.kind == "volume"}
    return tuple(
        name
        for name in sorted(named)
        if (told.gone(name) if name in told else not host.layout.volume(name).is_dir())
    )


def _missing(host: Host, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if foreseen.network(host, name) is None)


def _image_is(state: State) -> str:
    if state.around.nameless:
        return "current, without its name"
    return "current" if state.image_is_current else "outdated"


def view(state: State) -> dict[str, Any]:
    """What diffs show, in the module's words."""
    if state.spec is None:
        return {"name": state.name, "state": "absent"}
    shows: dict[str, Any] = {
        "name": state.name,
        "state": "present",
        "running": state.running,
        "image_is": _image_is(state),
        **shown(state.spec),
    }
    if state.paused:
        shows["paused"] = True
    if state.changed:
        shows["changed_files"] = [p for p in state.changed if p in state.spec.restart_on_change]
    if state.damage or state.adrift:
        shows["damage"] = [*state.adrift, *state.damage]
    if not state.boots and state.spec.restart_policy.name != "no":
        shows["started_after_a_reboot"] = False
    if state.interrupted is not None:
        shows["replacement"] = "interrupted"
    return shows


def predict(state: State) -> dict[str, dict[str, Any]]:
    """What later tasks of a check-mode run are told of this container and the image it pulled."""
    made = None
    if state.spec is not None:
        completed = state.completed and not state.running
        made = foreseen.as_container(
            state.spec, state.running, state.paused, state.id, completed=completed
        )
    told: dict[str, dict[str, Any]] = {"container": {state.name: made}}
    volumes: dict[str, Any] = dict.fromkeys(state.gone)
    for mount in state.spec.mounts if state.spec is not None else ():
        if mount.source in state.made:
            volumes[mount.source] = foreseen.as_volume(mount.driver_options, mount.labels)
    if volumes:
        told["volume"] = volumes
    if state.spec is not None and state.running and not state.spec.network_mode:
        # Starting it, or finding it whole, means that the rules of all containers stand.
        told.update(foreseen.FIREWALL)
    if state.spec is not None and state.running:
        check = health.effective(state.spec.healthcheck, None)
        if state.watched or check is not None:
            told.update(foreseen.WATCHER)
    if state.spec is not None and state.spec.restart_policy.name != "no" and state.boots:
        told.update(foreseen.BOOT)
    if state.around.image_id == "":
        told["image"] = {state.around.reference: foreseen.as_image("")}
    return told


def verify(want: State, found: State) -> list[str]:
    """The differences that are failures: a container that ended badly is one when it did so in its
    first moment, or when the plan did not even start it.
    """
    if want.running and found.spec is None and want.spec and want.spec.auto_remove:
        # It did its work, and is gone as it was asked to.
        return []
    if want.runs_as_it_likes:
        found = replace(found, running=want.running, paused=want.paused)
    differing = difference(view(want), view(found))
    if want.running and not found.running and found.spec is not None:
        differing = [line for line in differing if not line.startswith(".running:")]
        failed = found.ending and not (want.begun and found.outlived)
        if failed and not differing:
            raise Error(f"container {found.name} {found.ending}")
        if failed:
            differing.append(f"it {found.ending}")
    return differing
