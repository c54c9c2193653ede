# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on disk, what is left after a fault and who clears it away, check mode."""

from __future__ import annotations

from .row import Row

_FILES = "unit/base/test_files.py::"
_POWER = "faults/power/test_power.py::test_power_is_cut"
_UNREADABLE = "faults/damage/test_unreadable_shared.py::"
_LEFT = "faults/points/test_left_behind.py::"

ROWS = (
    Row(
        "directories of the state are 0700 whatever the umask",
        "base/files.py",
        "    directory.mkdir(mode=0o700, parents=True, exist_ok=True)\n"
        "    if directory.stat().st_mode & 0o077:\n        directory.chmod(0o700)",
        "    directory.mkdir(parents=True, exist_ok=True)",
        _FILES + "test_prepared_directories_are_private_whatever_the_umask",
    ),
    Row(
        "files of the state are 0600",
        "base/files.py",
        "def write_atomic(path: Path, data: bytes, mode: int = 0o600,",
        "def write_atomic(path: Path, data: bytes, mode: int = 0o644,",
        _FILES + "test_an_atomic_write_leaves_the_old_file_when_it_fails",
    ),
    Row(
        "the file of logins is for root alone",
        "base/files.py",
        "    write_atomic(path, data, durable=durable)",
        "    write_atomic(path, data, 0o644, durable=durable)",
        "unit/registry/test_registry_credentials.py::test_the_mode_does_not_follow_the_umask",
    ),
    Row(
        "a text of a login does not show its secret",
        "registry/credentials.py",
        'return f"Credentials(username={self.username!r}, {secret}=<hidden>)"',
        'return f"Credentials(username={self.username!r}, {secret}={self.password})"',
        "unit/registry/test_registry_credentials.py::test_no_text_of_a_login_shows_its_secret",
    ),
    Row(
        "a file takes its place whole",
        "base/files.py",
        "        os.rename(temporary, path)",
        "        path.write_bytes(temporary.read_bytes())\n        temporary.unlink()",
        _FILES + "test_whoever_reads_the_old_file_reads_all_of_it",
    ),
    Row(
        "a file is on disk before its name is",
        "base/files.py",
        "        os.fsync(fd)\n",
        "        pass\n",
        _POWER + "[ext4-replace]",
    ),
    Row(
        "a name is on disk before a task ends",
        "base/files.py",
        "        fsync(fd)\n    finally:\n        os.close(fd)",
        "        pass\n    finally:\n        os.close(fd)",
        _POWER + "[ext4-remove]",
    ),
    Row(
        "layers are on disk before their names are",
        "image/store/layers.py",
        "            _syncfs(self._layout.layers)",
        "            pass",
        _POWER + "[ext4-pull]",
    ),
    Row(
        "a power cut during a removal leaves a record that can be read",
        "records/container_record.py",
        '"record.json", document.to_json(record))',
        '"record.json", document.to_json(record), record.phase != "removing")',
        _POWER + "[ext4-remove]",
    ),
    Row(
        "a writer that fails leaves nothing beside the file",
        "base/files.py",
        "        with contextlib.suppress(OSError):\n            os.unlink(temporary)\n"
        "        raise",
        "        raise",
        _FILES + "test_an_atomic_write_leaves_the_old_file_when_it_fails",
    ),
    Row(
        "what killed processes left half made is removed",
        "base/files.py",
        "    for directory in (layout.tmp, layout.trash, layout.run_builds, layout.run_progress):",
        "    for directory in ():",
        _FILES + "test_what_killed_processes_left_is_swept_and_nothing_else",
    ),
    Row(
        "records of a newer version stop everything",
        "base/files.py",
        "    if version is not None and version != SCHEMA_VERSION:",
        "    if False:",
        _FILES + "test_records_of_another_version_stop_everything",
    ),
    Row(
        "locks are taken without room on the disk",
        "base/files.py",
        "            with contextlib.suppress(OSError):\n                os.truncate(fd, 0)",
        "            with contextlib.suppress():\n                os.truncate(fd, 0)",
        _FILES + "test_a_lock_needs_no_room_on_the_disk",
    ),
    Row(
        "the pid in a lock is not written where a link leads",
        "base/files.py",
        "        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC",
        "        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC",
        _FILES + "test_a_lock_is_a_file",
    ),
    Row(
        "who attends to an end is meant by its start time too",
        "container/engine/conmon_files.py",
        "    return processes.alive(pid, start)",
        '    return os.path.exists(f"/proc/{pid}")',
        "faults/damage/test_other_pids.py::test_an_end_that_nobody_attends_to",
    ),
    Row(
        "a name server is known by its arguments",
        "network/names/server.py",
        '    return here and ours and b"aardvark-dns" in arguments[0]',
        "    return here",
        "faults/damage/test_other_pids.py::test_a_name_server_of_that_number",
    ),
    Row(
        "a tree is removed without following links",
        "base/files.py",
        "            found = os.stat(name, dir_fd=fd, follow_symlinks=False)",
        "            found = os.stat(name, dir_fd=fd)",
        _FILES + "test_removing_a_tree_follows_no_link",
    ),
    Row(
        "a process is meant by its start time too",
        "kernel/processes.py",
        " and int(fields[19]) == start",
        "",
        "unit/kernel/test_linux.py::test_a_process_that_got_the_number_of_another_is_not_it",
    ),
    Row(
        "a removal that was killed is finished",
        "resource/leftovers.py",
        "        creation.recover(host, actions.remove)\n",
        "",
        _LEFT + "test_a_removal_takes_its_volumes_along",
    ),
    Row(
        "a removal has a journal of its volumes",
        "container/lifecycle/creation.py",
        "    files.write_json(_path(layout, container_id), document.to_json(going))\n",
        "",
        _LEFT + "test_a_removal_takes_its_volumes_along",
    ),
    Row(
        "volumes of a creation that was killed are removed",
        "container/lifecycle/creation.py",
        "                volume_users.remove(host, name)",
        "                pass",
        _LEFT + "test_a_creation_leaves_no_volumes",
    ),
    Row(
        "a guard unfreezes a container whose freezer was killed",
        "container/engine/oci_runtime.py",
        '_GUARD = """read -r done || { "$@" && rm -f "$0"; }"""',
        '_GUARD = "read -r done"',
        _LEFT + "test_a_commit_leaves_nothing_frozen",
    ),
    Row(
        "ends that nobody recorded are",
        "resource/leftovers.py",
        "        actions.settle_left(host)\n",
        "",
        _LEFT + "test_an_end_that_nobody_recorded_is",
    ),
    Row(
        "the firewall follows changes that were interrupted",
        "resource/leftovers.py",
        "        synchronise.catch_up(layout)",
        "        pass",
        _LEFT + "test_rules_of_a_network_that_is_gone_go",
    ),
    Row(
        "a replacement that fails restores the old container",
        "container/lifecycle/replacement.py",
        "            try:\n                _back(host, plan)\n            except Error as second:",
        "            try:\n                pass\n            except Error as second:",
        "integration/container/test_lifecycle.py::test_a_swap_that_fails_brings_the_old_one_back",
    ),
    Row(
        "a copy into a volume that was killed is made again",
        "volume/store.py",
        '        if volume.phase == "filling":',
        "        if False:",
        "integration/container/root/test_mount_security.py::test_a_copy_that_was_killed_is_made_again",
    ),
    Row(
        "descriptors of the library are closed in a child",
        "kernel/linux.py",
        "flags | os.O_CLOEXEC, mode, resolve",
        "flags, mode, resolve",
        "unit/kernel/test_linux.py::test_openat2_gives_a_descriptor_no_child_inherits",
    ),
    Row(
        "a monitor is known by its arguments",
        "container/engine/conmon_files.py",
        'return pid if b"--cid" in arguments and container_id.encode() in arguments else 0',
        "return pid",
        "unit/container/test_container_answers.py::test_a_monitor_is_known_by_its_arguments",
    ),
    Row(
        "a start ends with its claim",
        "network/synchronise.py",
        "    _unlink_claims(_claims_directory(layout), [container_id])",
        "    return",
        _LEFT + "test_a_start_leaves_no_claim",
    ),
    Row(
        "check mode writes nothing",
        "../_task.py",
        "        if module.check_mode:",
        "        if False:",
        "integration/collection/test_smoke.py::test_a_task_in_check_mode_makes_nothing",
    ),
    Row(
        "content of images that were given up is removed by the next task",
        "resource/leftovers.py",
        "        image_remove.collect(layout)",
        "        pass",
        _LEFT + "test_content_of_an_image_that_was_given_up_goes",
    ),
    Row(
        "what was half written beside a record is removed",
        "records/container_record.py",
        "        files.sweep_beside(path.parent)\n        yield",
        "        yield",
        _LEFT + "test_what_was_half_written_beside_a_record_goes",
    ),
    Row(
        "the next login removes what was half written beside the file",
        "registry/credentials.py",
        "            files.sweep_of(path)",
        "            pass",
        "unit/registry/test_registry_credentials.py"
        "::test_what_a_killed_writer_left_of_the_logins_goes",
    ),
    Row(
        "values of variables are masked in diffs",
        "container/option/process.py",
        'companions=(Argument("env_file", "path"),),\n'
        "        show=lambda value: dict.fromkeys(value, HIDDEN),",
        'companions=(Argument("env_file", "path"),),\n        show=dict,',
        "unit/resource/test_container_declare.py::test_env_values_are_never_shown",
    ),
    Row(
        "a secret is not in what a check-mode run tells its later tasks",
        "records/prediction.py",
        'found["secret_env"] = {k: veil.veil(v, values) for k, v in spec.secret_env.items()}',
        "pass",
        "unit/records/test_foreseen.py::test_secrets_come_back_and_are_not_in_what_is_said",
    ),
    Row(
        "a whiteout is not damaged by its time",
        "image/verify.py",
        "    if stat.S_ISDIR(wanted.st_mode) or _is_whiteout(wanted):",
        "    if stat.S_ISDIR(wanted.st_mode):",
        "integration/image/test_unpack.py::test_a_layer_unpacked_twice_is_the_same",
    ),
    Row(
        "what is mounted in a volume without a readable record does not go with it",
        "volume/store.py",
        "            local.detach(name, data(layout, name))\n",
        "",
        _UNREADABLE + "test_what_its_options_mounted_stays",
    ),
    Row(
        "a container ends, whatever the records of its volumes say",
        "volume/users.py",
        "            if store.is_damaged(layout, name):",
        "            if False:",
        _UNREADABLE + "test_what_its_options_mounted_stays",
    ),
)
