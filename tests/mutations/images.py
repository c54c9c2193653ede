# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers, archives, documents, and whom a registry may send where."""

from __future__ import annotations

from .row import Row

_LAYERS = "integration/image/test_unpack_malicious.py::test_a_hostile_layer_harms_nobody"
_ARCHIVES = "integration/image/test_archive_malicious.py::test_a_hostile_archive_harms_nobody"
_SAFE = "unit/kernel/test_safefs.py::"
_AUTH = "unit/registry/test_registry_auth.py::"
_LOGINS = "unit/registry/test_registry_credentials.py::"
_DOCUMENTS = "unit/image/test_image_documents.py::"
_COMPRESSION = "unit/image/test_compression.py::"

ROWS = (
    Row(
        "a layer's names do not lead out by ..",
        "image/layer/unpack.py",
        """refuse(name, "leaves the layer by '..' (CVE-2014-9356)")""",
        "parts = parts or [b'..']",
        _LAYERS + "[parent (CVE-2014-9356)]",
    ),
    Row(
        "a layer does not replace the root directory",
        "image/layer/unpack.py",
        'refuse(entry.name, "would replace the root directory (CVE-2021-29136)")',
        "return",
        _LAYERS + "[link as . (CVE-2021-29136)]",
    ),
    Row(
        "links on the way of a layer's entry are read, not followed",
        "image/layer/unpack_dir.py",
        "DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        _LAYERS + "[link to a directory (CVE-2025-47290)]",
    ),
    Row(
        "a hard link of a layer has its target inside",
        "image/layer/unpack.py",
        "found = self._tree.open(entry.link, os.O_PATH | os.O_NOFOLLOW)",
        "found = os.open(entry.link, os.O_PATH | os.O_NOFOLLOW)",
        _LAYERS + "[absolute hard link (CVE-2021-21272)]",
    ),
    Row(
        "a layer makes no whiteout of a device",
        "image/layer/unpack.py",
        "if kind == stat.S_IFCHR and device == 0:",
        "if False:",
        _LAYERS + "[device 0:0 (overlay)]",
    ),
    Row(
        "a whiteout names something",
        "image/layer/unpack.py",
        'if hidden in (b"", b".", b".."):',
        "if False:",
        _LAYERS + "[whiteout of .. (whiteout)]",
    ),
    Row(
        "a layer sets no attribute of overlayfs",
        "image/layer/unpack.py",
        'if name.split(b".")[1:2] == [b"overlay"]:',
        "if False:",
        _LAYERS + "[overlay opaque (overlay)]",
    ),
    Row(
        "a layer sets no trusted attribute",
        "image/layer/unpack.py",
        'if name.startswith(b"trusted."):',
        "if False:",
        _LAYERS + "[trusted attribute (overlay)]",
    ),
    Row(
        "an owner beyond all ids is refused",
        "image/layer/tar.py",
        "    if 0 <= number <= _MAX_ID:",
        "    if True:",
        _LAYERS + "[owner -1 (CVE-2024-40635)]",
    ),
    Row(
        "PAX records are bounded",
        "image/layer/tar.py",
        "if entry.size > self._limits.extension_bytes:",
        "if False:",
        _LAYERS + "[PAX header of 2 GiB (CVE-2023-25153)]",
    ),
    Row(
        "entries are bounded",
        "image/layer/tar.py",
        "if self.headers > self._limits.entries:",
        "if False:",
        _LAYERS + "[too many (CVE-2024-29902)]",
    ),
    Row(
        "what a layer unpacks to is bounded",
        "image/layer/stream.py",
        "if self.total > self._limits.layer_bytes:",
        "if False:",
        _LAYERS + "[too much (CVE-2025-66471)]",
    ),
    Row(
        "sparse maps are bounded",
        "image/layer/tar.py",
        "if not following or len(numbers) > 2 * self._limits.segments:",
        "if not following:",
        _LAYERS + "[sparse map loop of symbolic links (CVE-2019-20907)]",
    ),
    Row(
        "paths of strangers are resolved inside",
        "kernel/safefs.py",
        'return linux.openat2(self.fd, path or ".", flags, mode, _IN_ROOT)',
        'return linux.openat2(self.fd, path or ".", flags, mode, 0)',
        _SAFE + "test_a_path_is_resolved_inside",
    ),
    Row(
        "paths of strangers are resolved inside without openat2",
        "kernel/safefs.py",
        "                    if len(stack) > 1:\n                        os.close(stack.pop())\n"
        "                    continue",
        "                    stack.append(os.open(b'..', _ANY, dir_fd=stack[-1]))\n"
        "                    continue",
        _SAFE + "test_a_path_is_resolved_inside",
    ),
    Row(
        "only regular files of strangers are read",
        "kernel/safefs.py",
        "if not stat_module.S_ISREG(os.fstat(found).st_mode):",
        "if False:",
        _SAFE + "test_a_device_is_never_opened",
    ),
    Row(
        "digests are checked before they are used",
        "spec/oci.py",
        "if not isinstance(digest, str) or not is_digest(digest):",
        "if not isinstance(digest, str):",
        _DOCUMENTS + "test_what_is_no_manifest",
    ),
    Row(
        "a download has the digest that was asked for",
        "registry/download.py",
        "if not self.complete() or found != self._descriptor.digest:",
        "if not self.complete():",
        "integration/registry/test_registry_faults.py::test_a_lasting_fault_of_a_blob",
    ),
    Row(
        "a document is one thing",
        "image/store/manifest.py",
        "if key and key in document:",
        "if False:",
        _DOCUMENTS + "test_an_index_may_not_be_an_image_too",
    ),
    Row(
        "a key stands once",
        "spec/oci.py",
        "if len(value) != len(pairs):",
        "if False:",
        "integration/registry/test_registry_faults.py::test_a_key_that_stands_twice_is_refused",
    ),
    Row(
        "a config has a digest for each layer",
        "image/store/manifest.py",
        "if len(diff_ids) != layers:",
        "if False:",
        _DOCUMENTS + "test_what_is_no_config",
    ),
    Row(
        "foreign JSON is UTF-8 with finite numbers",
        "base/strict_json.py",
        "if value - value != 0:",
        "if False:",
        "unit/base/test_strict_json.py::test_what_is_refused",
    ),
    Row(
        "names in an archive do not lead out",
        "image/archive/members.py",
        'if name.startswith(b"/") or b".." in parts or b"\\0" in name or len(name) > ARCHIVE.path:',
        "if len(name) > ARCHIVE.path:",
        _ARCHIVES + "[parent (CVE-2014-9356)]",
    ),
    Row(
        "a name in an archive occurs once",
        "image/archive/members.py",
        "if name in self._places or name in self._links:",
        "if False:",
        _ARCHIVES + "[config twice (CVE-2021-41190)]",
    ),
    Row(
        "zstd windows are bounded",
        "image/layer/compression.py",
        'f"--memory={WINDOW_BYTES >> 20}MB"',
        '"--memory=2048MB"',
        _COMPRESSION + "test_a_zstd_window_beyond_128_mib_is_refused",
    ),
    Row(
        "xz dictionaries are bounded",
        "image/layer/compression.py",
        "FORMAT_XZ, memlimit=WINDOW_BYTES)",
        "FORMAT_XZ)",
        _COMPRESSION + "test_an_xz_dictionary_beyond_128_mib_is_refused",
    ),
    Row(
        "a login is for one host and port",
        "registry/credentials.py",
        '        entry = document["auths"].get(spelling)',
        '        host = spelling.partition(":")[0]\n'
        '        entry = next((e for k, e in document["auths"].items() if host in k), None)',
        _LOGINS + "test_only_the_exact_host_and_port_match",
    ),
    Row(
        "a login is not sent in plain text",
        "registry/origin.py",
        'if target.scheme == "https" or insecure:',
        "if True:",
        _AUTH + "test_who_may_be_the_token_service",
    ),
    Row(
        "a token service is not an inner address",
        "registry/origin.py",
        '    _check_address(registry, target, "a token service")\n    if registry.is_loopback',
        "    if registry.is_loopback",
        _AUTH + "test_who_may_be_the_token_service",
    ),
    Row(
        "a token service is in the public DNS",
        "registry/origin.py",
        "if not neighbour and (len(labels) < 2 or labels[-1] in _PRIVATE_TOP_LEVEL):",
        "if False:",
        _AUTH + "test_who_may_be_the_token_service",
    ),
    Row(
        "a redirect does not lead to this host",
        "registry/origin.py",
        '    _check_address(registry, target, "a redirect")\n',
        "",
        _AUTH + "test_where_a_redirect_may_lead",
    ),
    Row(
        "a public name has no inner address",
        "registry/origin.py",
        "if _is_inner(address):",
        "if False:",
        _AUTH + "test_a_public_name_of_an_inner_address_is_refused",
    ),
    Row(
        "an address has one spelling",
        "registry/origin.py",
        'or re.match(r"\\A(?:[0-9]+|0x[0-9a-f]*)\\Z", last)',
        "or False",
        _AUTH + "test_a_url_that_two_parsers_could_read_in_two_ways_is_refused",
    ),
    Row(
        "a token is asked for our own scope",
        "registry/auth.py",
        'query += [("scope", one) for one in scope]',
        'query += [("scope", challenge.parameters.get("scope", ""))]',
        _AUTH + "test_a_token_is_asked_for_the_scope_we_need",
    ),
    Row(
        "no .netrc is looked into",
        "registry/transport.py",
        "    session.trust_env = False\n",
        "",
        "integration/registry/test_registry_client.py::test_no_netrc_is_looked_into",
    ),
    Row(
        "redirects are ours to follow",
        "registry/transport.py",
        "allow_redirects=False,",
        "allow_redirects=True,",
        "integration/registry/test_registry_client.py::test_a_token_service_that_redirects_is_not_followed",
    ),
    Row(
        "a layer of a shared build cache is looked into before its step is kept",
        "build/work.py",
        'self.unpack(state.with_layer(current, "", kept.layer, kept.diff_id, kept.created))',
        "pass",
        "integration/build/test_build_shared.py::test_a_layer_of_other_content",
    ),
    Row(
        "a layer of a build cache in a directory has its digest",
        "build/shared/places.py",
        "if (out.digest, out.total) != (layer.digest, layer.size):",
        "if False:",
        "integration/build/test_build_shared.py::test_a_cache_that_lies",
    ),
    Row(
        "git has none of the settings of its host",
        "build/git.py",
        "environment = {name: os.environ[name] for name in _PASSED if name in os.environ}",
        "environment = dict(os.environ)",
        "integration/build/test_build_git.py::test_what_a_repository_cannot_do",
    ),
    Row(
        "a repository has the commit that a checksum says",
        "build/git.py",
        "if not any(one.startswith(repository.checksum) for one in accepted):",
        "if False:",
        "integration/build/test_build_git.py::test_what_a_repository_cannot_do",
    ),
    Row(
        "the directory of a repository is in it",
        "build/git.py",
        "if not found.is_dir() or not found.is_relative_to(os.path.realpath(top)):",
        "if not found.is_dir():",
        "integration/build/test_build_git.py::test_what_a_repository_cannot_do",
    ),
    Row(
        "a login for the host of a context goes to no other",
        "build/git.py",
        "    if own:\n",
        "    if True:\n",
        "integration/build/test_build_git.py::test_the_program_and_a_token",
    ),
)
