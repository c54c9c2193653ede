# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that speak to a registry, verify signatures, or make an image."""

from __future__ import annotations


class ModuleDocFragment:
    """What a task may say of its registry beside what the host knows of it."""

    DOCUMENTATION = r"""
options:
  username:
    description:
      - A user of the registry, for this task only; neither username nor password is stored.
      - By default the login stored by M(slipway.engine.registry_login) is used, if any.
      - Requires O(password).
    type: str
  password:
    description:
      - The user's password or access token, for this task only.
    type: str
  insecure_registry:
    description:
      - Allow plain http, and certificates not signed by a trusted authority, for this task.
      - A registry on the host's own loopback addresses needs no permission. A certificate that
        nobody vouches for is accepted there with a warning, unless this is V(false) or O(ca_path)
        names an authority.
      - The default is taken from C(/etc/slipway/registries.json).
    type: bool
  ca_path:
    description:
      - A PEM file on the host with CA certificates to trust in addition to the system's.
      - The default is taken from C(/etc/slipway/registries.json).
    type: path
"""

    # What is asked of an image's signatures.
    SIGNATURE = r"""
options:
  public_keys:
    description:
      - Public keys in PEM, for example the content of a C(cosign.pub). The image needs valid
        signatures of O(threshold) of them.
      - RSA, ECDSA and Ed25519 keys are understood.
    type: list
    elements: str
  threshold:
    description: Of how many of O(public_keys) signatures are needed.
    type: int
    default: 1
  identity:
    description:
      - What name a signature has to be for. V(exact) is the name with its tag, so that an old image
        that was signed once cannot be served as a new one; of an image that is named by its digest,
        the repository.
      - V(repository) accepts every tag, and signatures of the repository as C(cosign sign) makes
        them.
    type: str
    choices: [exact, repository]
    default: exact
  policy:
    description:
      - A file on the host in the format of C(containers-policy.json(5\)), such as
        V(/etc/containers/policy.json), which is to accept the image too.
      - Of its requirements V(sigstoreSigned) with keys, V(insecureAcceptAnything) and V(reject) are
        served. An image for which it asks anything else is refused.
    type: path
"""

    # The same as one option of modules that pull or use images.
    REQUIRE_SIGNATURE = r"""
options:
  require_signature:
    description:
      - Signatures that the image needs to be pulled, and to be used when it is on the host already.
        Without them the task fails before anything is touched.
      - Independent of it, what is pulled to a host needs what its C(/etc/slipway/policy.json) asks
        for, or else its C(/etc/containers/policy.json), if it has one of these files, in the format
        of C(containers-policy.json(5\)).
      - The host needs the Python library C(cryptography).
    type: dict
    version_added: 0.3.0
    suboptions:
      public_keys:
        description:
          - Public keys in PEM, for example the content of a C(cosign.pub). The image needs valid
            signatures of O(require_signature.threshold) of them.
        type: list
        elements: str
      threshold:
        description: Of how many of O(require_signature.public_keys) signatures are needed.
        type: int
        default: 1
      identity:
        description:
          - What name a signature has to be for. V(exact) is the name with its tag, V(repository)
            accepts every tag, and signatures of the repository as C(cosign sign) makes them.
        type: str
        choices: [exact, repository]
        default: exact
      policy:
        description:
          - A file on the host in the format of C(containers-policy.json(5\)), such as
            V(/etc/containers/policy.json), which is to accept the image too.
        type: path
"""

    # What an image made here says of the containers made from it.
    DEFAULTS = r"""
options:
  changes:
    description:
      - Instructions as in a Dockerfile, one per entry, that change the image's defaults. They come
        after the options that do the same.
      - Understood are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(LABEL), C(ONBUILD),
        C(STOPSIGNAL), C(USER), C(VOLUME) and C(WORKDIR).
    type: list
    elements: str
  cmd:
    description: The command, or the arguments of O(entrypoint), of containers that name none.
    type: list
    elements: str
  entrypoint:
    description:
      - The program of the containers. Unless O(cmd) is given too, the image then has no command.
    type: list
    elements: str
  env:
    description: Environment variables.
    type: dict
  exposed_ports:
    description: Ports that containers listen on, such as V(80), V(53/udp) or V(8000-8010).
    type: list
    elements: str
  labels:
    description: Labels of the image.
    type: dict
  stop_signal:
    description: The signal that asks a container to end, such as V(SIGQUIT).
    type: str
  user:
    description: The user that the containers' main process runs as.
    type: str
  volumes:
    description: Absolute paths in the containers that get a volume of their own.
    type: list
    elements: str
  working_dir:
    description: The directory in which the containers' main process starts.
    type: str
"""
