# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the Compose specification, a value for each, and what becomes of it."""

from __future__ import annotations

import yaml

#: The fields of schema/compose-spec.json, by where they are.
FIELDS = {
    "service": "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command"
    " configs container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period"
    " cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop"
    " device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment"
    " expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc"
    " isolation label_file labels links logging mac_address mem_limit mem_reservation"
    " mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj pid"
    " pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy"
    " pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open"
    " stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user"
    " userns_mode uts volumes volumes_from working_dir",
    "service.blkio_config": "device_read_bps device_read_iops device_write_bps device_write_iops"
    " weight weight_device",
    "service.build": "additional_contexts args cache_from cache_to context dockerfile"
    " dockerfile_inline entitlements extra_hosts isolation labels network no_cache platforms"
    " privileged provenance pull sbom secrets shm_size ssh tags target ulimits",
    "service.depends_on.b": "condition required restart",
    "service.deploy": "endpoint_mode labels mode placement replicas resources restart_policy"
    " rollback_config update_config",
    "service.deploy.resources.limits": "cpus memory pids",
    "service.deploy.resources.reservations": "cpus devices generic_resources memory",
    "service.deploy.restart_policy": "condition delay max_attempts window",
    "service.deploy.update_config": "delay failure_action max_failure_ratio monitor order"
    " parallelism",
    "service.healthcheck": "disable interval retries start_interval start_period test timeout",
    "service.logging": "driver options",
    "service.networks.n": "aliases driver_opts gw_priority interface_name ipv4_address ipv6_address"
    " link_local_ips mac_address priority",
    "service.configs[]": "gid mode source target uid",
    "service.devices[]": "permissions source target",
    "service.env_file[]": "format path required",
    "service.ports[]": "app_protocol host_ip mode name protocol published target",
    "service.secrets[]": "gid mode source target uid",
    "service.volumes[]": "bind consistency image read_only source target tmpfs type volume",
    "service.volumes[].bind": "create_host_path propagation recursive selinux",
    "service.volumes[].image": "subpath",
    "service.volumes[].tmpfs": "mode size",
    "service.volumes[].volume": "labels nocopy subpath",
    "network": "attachable driver driver_opts enable_ipv4 enable_ipv6 external internal ipam labels"
    " name",
    "network.ipam": "config driver options",
    "network.ipam.config[]": "aux_addresses gateway ip_range subnet",
    "volume": "driver driver_opts external labels name",
    "secret": "driver driver_opts environment external file labels name template_driver",
    "config": "content environment external file labels name template_driver",
    "": "configs include models name networks secrets services version volumes",
}

#: A value for each field, by where it is.
VALUES = yaml.safe_load(
    """
service:
  annotations: {a: b}
  attach: false
  blkio_config: {weight: 10}
  build: .
  cap_add: [X]
  cap_drop: [X]
  cgroup: host
  cgroup_parent: x
  command: x
  configs: [t]
  container_name: x
  cpu_count: 1
  cpu_percent: 1
  cpu_period: 1
  cpu_quota: 1
  cpu_rt_period: 1
  cpu_rt_runtime: 1
  cpu_shares: 1
  cpus: 1
  cpuset: '0'
  credential_spec: {file: x}
  depends_on: [b]
  deploy: {replicas: 2}
  develop: {watch: []}
  device_cgroup_rules: [x]
  devices: [/dev/x]
  dns: x
  dns_opt: [x]
  dns_search: x
  domainname: x
  entrypoint: x
  env_file: [x.env]
  environment: {A: x}
  expose: [80]
  extends: {service: d}
  external_links: [x]
  extra_hosts: [x:1.1.1.1]
  gpus: all
  group_add: [1]
  healthcheck: {test: x}
  hostname: x
  image: x
  init: true
  ipc: host
  isolation: x
  label_file: x.env
  labels: {A: x}
  links: [b]
  logging: {driver: x}
  mac_address: x
  mem_limit: 1g
  mem_reservation: 1g
  mem_swappiness: 1
  memswap_limit: 1g
  models: [x]
  network_mode: host
  networks: [n]
  oom_kill_disable: true
  oom_score_adj: 1
  pid: host
  pids_limit: 1
  platform: linux/arm64
  ports: [80]
  post_start: [{command: x}]
  pre_stop: [{command: x}]
  privileged: true
  profiles: [x]
  provider: {type: x}
  pull_policy: daily
  pull_refresh_after: 1h
  read_only: true
  restart: always
  runtime: x
  scale: 2
  secrets: [s]
  security_opt: [x]
  shm_size: 1g
  stdin_open: true
  stop_grace_period: 1s
  stop_signal: INT
  storage_opt: {size: 1g}
  sysctls: {x: 1}
  tmpfs: /x
  tty: true
  ulimits: {x: 1}
  use_api_socket: true
  user: x
  userns_mode: host
  uts: host
  volumes: [v:/x]
  volumes_from: [b]
  working_dir: /x
service.blkio_config:
  device_read_bps: [{path: /dev/x, rate: 1m}]
  device_read_iops: [{path: /dev/x, rate: 1}]
  device_write_bps: [{path: /dev/x, rate: 1m}]
  device_write_iops: [{path: /dev/x, rate: 1}]
  weight: 10
  weight_device: [{path: /dev/x, weight: 10}]
service.build:
  additional_contexts: {x: /x}
  args: {A: x}
  cache_from: [x]
  cache_to: [x]
  context: x
  dockerfile: x
  dockerfile_inline: FROM x
  entitlements: [x]
  extra_hosts: ['x=1.1.1.1']
  isolation: x
  labels: {A: x}
  network: host
  no_cache: true
  platforms: [linux/arm64]
  privileged: true
  provenance: true
  pull: true
  sbom: true
  secrets: [s]
  shm_size: 1g
  ssh: [mine=/run/agent]
  tags: [x]
  target: x
  ulimits: {x: 1}
service.depends_on.b: {condition: service_healthy, required: true, restart: true}
service.deploy:
  endpoint_mode: vip
  labels: {A: x}
  mode: global
  placement: {constraints: [x]}
  replicas: 2
  resources: {limits: {cpus: 1}}
  restart_policy: {condition: any}
  rollback_config: {order: stop-first}
  update_config: {order: start-first}
service.deploy.resources.limits: {cpus: 1, memory: 1g, pids: 1}
service.deploy.resources.reservations:
  cpus: 1
  devices: [{capabilities: [gpu]}]
  generic_resources: [{discrete_resource_spec: {kind: x, value: 1}}]
  memory: 1g
service.deploy.restart_policy: {condition: on-failure, delay: 1s, max_attempts: 2, window: 1s}
service.deploy.update_config:
  delay: 1s
  failure_action: rollback
  max_failure_ratio: 0.1
  monitor: 1s
  order: start-first
  parallelism: 2
service.healthcheck:
  disable: true
  interval: 1s
  retries: 1
  start_interval: 1s
  start_period: 1s
  test: x
  timeout: 1s
service.logging: {driver: local, options: {x: y}}
service.networks.n:
  aliases: [x]
  driver_opts: {x: y}
  gw_priority: 1
  interface_name: x
  ipv4_address: 10.1.1.1
  ipv6_address: 2001:db8::1
  link_local_ips: [169.254.1.1]
  mac_address: 02:00:00:00:00:01
  priority: 9
service.configs[]: {gid: '1', mode: 0400, source: c, target: /x, uid: '1'}
service.devices[]: {permissions: r, source: /dev/y, target: /dev/z}
service.env_file[]: {format: raw, path: y.env, required: true}
service.ports[]:
  app_protocol: http
  host_ip: 127.0.0.1
  mode: host
  name: x
  protocol: udp
  published: 8080
  target: 81
service.secrets[]: {gid: '1', mode: 0400, source: e, target: x, uid: '1'}
service.volumes[]:
  bind: {propagation: rslave}
  consistency: cached
  image: {subpath: x}
  read_only: true
  source: w
  target: /y
  tmpfs: {size: 1m}
  type: tmpfs
  volume: {nocopy: true}
service.volumes[].bind:
  create_host_path: false
  propagation: rslave
  recursive: disabled
  selinux: z
service.volumes[].image: {subpath: x}
service.volumes[].tmpfs: {mode: 0700, size: 1m}
service.volumes[].volume: {labels: {A: x}, nocopy: true, subpath: x}
network:
  attachable: true
  driver: macvlan
  driver_opts: {x: y}
  enable_ipv4: false
  enable_ipv6: true
  external: true
  internal: true
  ipam: {config: [{subnet: 10.1.0.0/24}]}
  labels: {A: x}
  name: x
network.ipam: {config: [{subnet: 10.1.0.0/24}], driver: x, options: {x: y}}
network.ipam.config[]:
  aux_addresses: {x: 10.1.0.9}
  gateway: 10.1.0.1
  ip_range: 10.1.0.0/25
  subnet: 10.1.0.0/24
volume: {driver: x, driver_opts: {x: y}, external: true, labels: {A: x}, name: x}
secret:
  driver: x
  driver_opts: {x: y}
  environment: TOKEN
  external: true
  file: y
  labels: {A: x}
  name: x
  template_driver: x
config: {content: y, environment: TOKEN, external: true, file: y, labels: {A: x}, name: x,
         template_driver: x}
'':
  configs: {x: {content: y}}
  include: [other.yaml]
  models: {x: {model: y}}
  name: other
  networks: {x: }
  secrets: {x: {content: y}}
  services: {x: {image: y}}
  version: '3'
  volumes: {x: }
"""
)

#: What is refused, with words of the reason; the place is said before it.
REFUSED = {
    "service.annotations": "nothing here stands for it",
    "service.cpu_count": "Windows",
    "service.cpu_percent": "Windows",
    "service.cpu_rt_period": "realtime scheduling",
    "service.cpu_rt_runtime": "realtime scheduling",
    "service.credential_spec": "Windows",
    "service.develop": "the work on an image",
    "service.gpus": "list the device nodes",
    "service.isolation": "Windows",
    "service.models": "models are not run here",
    "service.post_start": "use a service that depends on it",
    "service.pre_stop": "use its stop_signal",
    "service.provider": "nothing but containers",
    "service.pull_refresh_after": "use pull_policy",
    "service.storage_opt": "on a volume",
    "service.use_api_socket": "there is no daemon",
    "service.blkio_config.weight_device": "nothing here stands for it",
    "service.build.entitlements": "no more rights",
    "service.build.isolation": "Windows",
    "service.build.privileged": "no more rights",
    "service.deploy.resources.reservations.devices": "list the device nodes",
    "service.networks.n.link_local_ips": "nothing here stands for it",
    "service.volumes[].bind.recursive": "nothing here stands for it",
    "secret.driver": "there is no store",
    "secret.external": "there is no store",
    "secret.template_driver": "is not replaced in it",
    "config.external": "there is no store",
    "config.template_driver": "is not replaced in it",
    "models": "models are not run here",
}

#: What has no effect, and is named in a warning.
WARNED = {
    "service.deploy.endpoint_mode",
    "service.deploy.labels",
    "service.deploy.mode",
    "service.deploy.placement",
    "service.deploy.resources.reservations.cpus",
    "service.deploy.resources.reservations.generic_resources",
    "service.deploy.rollback_config",
    "service.deploy.update_config.delay",
    "service.deploy.update_config.failure_action",
    "service.deploy.update_config.max_failure_ratio",
    "service.deploy.update_config.monitor",
    "service.deploy.update_config.parallelism",
    "service.volumes[].bind.selinux",
}

#: What has no effect by the specification, or on what is made: the default, what only tells people
#: something, what is about an object in a store, or what no service uses.
WITHOUT_EFFECT = {
    "service.attach",
    "service.build.provenance",
    "service.build.sbom",
    "service.depends_on.b.required",
    "service.env_file[].required",
    "service.ports[].app_protocol",
    "service.ports[].mode",
    "service.ports[].name",
    "service.volumes[].consistency",
    "secret.driver_opts",
    "secret.labels",
    "secret.name",
    "config.labels",
    "config.name",
    "configs",
    "networks",
    "secrets",
    "version",
    "volumes",
}
