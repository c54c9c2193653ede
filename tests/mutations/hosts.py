# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, their mounts, commands, users, copies and networks."""

from __future__ import annotations

from .row import Row

_BUNDLE = "unit/container/bundle/test_bundle.py::"
_SECCOMP = "unit/container/bundle/test_bundle_seccomp.py::"
_SNAPSHOT = "integration/tree/test_snapshot.py::"
_MOUNTS = "integration/container/root/test_mount_security.py::"
_USER = "integration/container/root/test_user.py::"
_CONFINED = "unit/container/test_confinement.py::"
_OPTIONS = "unit/container/option/"
_TRANSFER = "integration/container/test_transfer.py::"
_FIREWALL = "integration/network/test_network_firewall.py::"

ROWS = (
    Row(
        "/dev, /proc and /sys of a container are real directories",
        "tree/snapshot.py",
        '_DIRECTORIES = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")',
        '_DIRECTORIES = ("etc",)',
        _SNAPSHOT + "test_a_link_of_the_image_leads_nowhere",
    ),
    Row(
        "a link that a container made of its /etc is replaced",
        "tree/snapshot.py",
        "        os.unlink(path, dir_fd=top)\n        os.mkdir(path, 0o700, dir_fd=top)",
        "        return",
        _SNAPSHOT + "test_a_link_of_the_image_in_the_upper_layer_itself_is_replaced",
    ),
    Row(
        "a mount goes where it was resolved within the root",
        "container/root/mounting.py",
        'return os.path.normpath("/" + os.path.relpath(found, top)), os.fstat(fd)',
        "return target, os.fstat(fd)",
        _MOUNTS + "test_no_link_leads_a_mount_over_what_protects_the_host",
    ),
    Row(
        "nothing is mounted over /proc and /sys",
        "container/bundle/mounts.py",
        'if path in ("/", "/proc", "/sys") or path.startswith(("/proc/", "/sys/")):',
        "if False:",
        _BUNDLE + "test_nothing_is_mounted_over_what_is_masked",
    ),
    Row(
        "a place within a volume is a descriptor from then on",
        "container/root/mount_assembly.py",
        """linux.mount(mounted, f"/proc/self/fd/{target}", None""",
        "linux.mount(mounted, os.path.join(top, path), None",
        _MOUNTS + "test_a_volume_that_is_swapped_while_others_start",
    ),
    Row(
        "no capability is inheritable",
        "container/bundle/capabilities.py",
        '"inheritable": [],',
        '"inheritable": list(bounding),',
        _BUNDLE + "test_no_capability_is_ever_inherited",
    ),
    Row(
        "a user other than root has no capability in effect",
        "container/bundle/capabilities.py",
        "effective = list(bounding) if uid == 0 else []",
        "effective = list(bounding)",
        _BUNDLE + "test_a_user_other_than_root_begins_with_no_capability_in_effect",
    ),
    Row(
        "capabilities are Docker's default",
        "container/bundle/capabilities.py",
        '_DEFAULT_NAMES = """\nCHOWN',
        '_DEFAULT_NAMES = """\nSYS_ADMIN CHOWN',
        _BUNDLE + "test_the_usual_container",
    ),
    Row(
        "system calls are filtered",
        "container/bundle/config.py",
        "    if not asked:\n        return seccomp_profile(bounding, machine)",
        "    if not asked:\n        return None",
        _BUNDLE + "test_the_usual_container",
    ),
    Row(
        "parts of /proc and /sys are masked",
        "container/bundle/config.py",
        "        **masks(spec),\n",
        "",
        _BUNDLE + "test_the_usual_container",
    ),
    Row(
        "/proc/kcore is masked",
        "container/bundle/masks.py",
        '    "/proc/kcore",\n',
        "",
        _BUNDLE + "test_the_usual_container",
    ),
    Row(
        "/proc/sys is read-only",
        "container/bundle/masks.py",
        '"/proc/irq", "/proc/sys", "/proc/sysrq-trigger")',
        '"/proc/irq", "/proc/sysrq-trigger")',
        _BUNDLE + "test_the_usual_container",
    ),
    Row(
        "a working directory is not below /proc",
        "container/bundle/process.py",
        'if normal == "/proc" or normal.startswith("/proc/"):',
        "if False:",
        _BUNDLE + "test_a_working_directory_that_leads_to_the_host_is_refused",
    ),
    Row(
        "a working directory is no link to below /proc",
        "container/bundle/process.py",
        '        check_cwd("/" + os.path.relpath(found, top))',
        "        pass",
        "integration/container/engine/test_oci_runtime.py"
        "::test_a_working_directory_that_is_a_link_into_proc",
    ),
    Row(
        "the bundle is for root alone",
        "container/bundle/config.py",
        'write_atomic(path, json.dumps(value, separators=(",", ":")).encode(), durable=False)',
        'write_atomic(path, json.dumps(value, separators=(",", ":")).encode(), 0o644, False)',
        _BUNDLE + "test_the_written_bundle_is_for_root_only",
    ),
    Row(
        "a container that runs systemd sees its own control group as the root",
        "container/root/host_support.py",
        'cgroup="" if cgroup == "private" or writes_cgroups else "host",',
        'cgroup="" if cgroup == "private" else "host",',
        "unit/container/test_systemd.py::test_who_writes_control_groups_sees_its_own_as_the_root",
    ),
    Row(
        "SELinux without a policy for containers is an error",
        "container/root/confinement.py",
        'if selinux is not None and not selinux and "label=disable" not in spec.security_opts:',
        "if False:",
        _CONFINED + "test_selinux_without_a_policy_for_containers_is_said",
    ),
    Row(
        "a container has our profile of AppArmor",
        "container/root/confinement.py",
        "apparmor = wanted[0] if wanted else PROFILE",
        'apparmor = wanted[0] if wanted else ""',
        _CONFINED + "test_the_profile_that_is_loaded_is_used",
    ),
    Row(
        "a text is one line",
        "container/option/form/text.py",
        "    if _CONTROL.search(text):",
        "    if False:",
        _OPTIONS + "test_container_forms.py::test_hostile_strings_are_refused_or_stay_one_value",
    ),
    Row(
        "the target of a mount is one line",
        "container/option/form/mount_forms.py",
        'if not target.startswith("/") or any(ord(c) < 0x20 or ord(c) == 0x7F for c in target):',
        'if not target.startswith("/"):',
        _OPTIONS + "test_mount_options.py::test_what_is_refused_says_why",
    ),
    Row(
        "a user's id is in range",
        "container/root/user.py",
        "if len(part) > 20 or int(part) > MAXIMUM_ID:",
        "if False:",
        _USER + "test_refused",
    ),
    Row(
        "digits are an id, not a name",
        "container/root/user.py",
        "if found.uid == number if number is not None else found.name == wanted:",
        "if found.name == wanted or found.uid == number:",
        _USER + "test_users",
    ),
    Row(
        "an image's accounts are read up to a limit",
        "container/root/user.py",
        "text = root.read_text(path, _FILE_LIMIT)",
        "text = root.read_text(path, 1 << 40)",
        _USER + "test_a_file_that_is_a_trap",
    ),
    Row(
        "the primary group is listed",
        "container/root/user.py",
        "additional = tuple(sorted({gid, *more}))",
        "additional = tuple(sorted({*more}))",
        _USER + "test_users",
    ),
    Row(
        "what a command writes is kept up to a limit",
        "container/engine/capture.py",
        "        self.data += part[:room]",
        "        self.data += part",
        "integration/container/engine/test_oci_runtime.py::test_output_of_an_exec_is_bounded",
    ),
    Row(
        "what leaves a container has no set-uid bits",
        "tree/scan.py",
        "mode &= ~(stat.S_ISUID | stat.S_ISGID)",
        "pass",
        _TRANSFER + "test_copies_of_a_hostile_container",
    ),
    Row(
        "a container stands still while it is copied",
        "container/engine/oci_runtime.py",
        "    process.run(argv, env=ENVIRONMENT, pass_fds=pass_fds)",
        "    return",
        _TRANSFER + "test_a_container_stands_still_while_it_is_copied",
    ),
    Row(
        "packets to 127.0.0.1 from outside are dropped",
        "network/firewall/chains.py",
        "    first = (*_martians(), *_questions(families), *zoned)",
        "    first = (*_questions(families), *zoned)",
        _FIREWALL + "test_a_port_published_on_loopback_stays_there",
    ),
    Row(
        "only what is for the host is translated",
        "network/firewall/chains.py",
        '    published = [[LOCAL, {"jump": {"target": "publish"}}]]',
        '    published = [[{"jump": {"target": "publish"}}]]',
        _FIREWALL + "test_transit_traffic_is_not_hijacked",
    ),
    Row(
        "unpublished ports are not reachable",
        "network/firewall/chains.py",
        '    yield [matches(outgoing, "@bridges"), drop]\n',
        "",
        _FIREWALL + "test_unpublished_ports_are_unreachable_from_the_segment",
    ),
    Row(
        "an internal network has no way out",
        "network/firewall/chains.py",
        '    yield [matches(incoming, "@internal"), drop]\n',
        "",
        _FIREWALL + "test_internal_networks_have_no_way_out_or_in",
    ),
    Row(
        "a port is for those in its scope",
        "network/firewall/chains.py",
        "        if limited_in(family, publications):",
        "        if False:",
        _FIREWALL + "test_a_published_port_is_for_those_in_its_scope",
    ),
    Row(
        "no router advertisement is believed",
        "network/link/sysctl.py",
        '    write(f"net/ipv6/conf/{interface}/accept_ra", "0")\n',
        "",
        _FIREWALL + "test_a_router_that_a_container_pretends_to_be_is_believed_by_nobody",
    ),
    Row(
        "IPv6 is off where a network has none",
        "network/link/sysctl.py",
        '"0" if enabled else "1")',
        '"0")',
        _FIREWALL + "test_without_an_ipv6_subnet_there_is_no_ipv6",
    ),
    Row(
        "the rules of the table follow from its name",
        "network/firewall/firewall.py",
        "    return found == uses or",
        "    return found.keys() == uses.keys() or",
        _FIREWALL + "test_rules_flushed_from_the_table_are_noticed",
    ),
    Row(
        "a rule that somebody adds to the table or removes is noticed",
        "network/firewall/firewall.py",
        "    found = dict(zip(uses, nf_tables.uses_of_chains(TABLE, list(uses))))",
        "    found = uses if stands(_marker(commands)) else {}",
        "integration/network/test_network_rules.py::test_a_rule_that_somebody_adds_or_removes_is_noticed",
    ),
    Row(
        "names do not forge a line for the name server",
        "network/names/etc_files.py",
        "    if not _HOST_NAME.match(name):",
        "    if False:",
        "unit/network/test_network_plans.py::test_names_that_would_forge_a_line_are_refused",
    ),
)
