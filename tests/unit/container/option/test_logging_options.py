# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What log_driver and log_options say together, and what syslog is sent of a line."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    logging,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.logging import (  # noqa: E501
    Logging,
    Syslog,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import syslog
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)


def spec(driver: str = "", **options: Any) -> ContainerSpec:
    driver = logging.log_driver(driver or "json-file")
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return ContainerSpec(
        "web",
        "docker.io/library/busybox:1",
        "sha256:0",
        log_driver=driver,
        log_options=logging.log_options(given),
        labels={"stage": "test", "app.name": "a&b", "other": "x"},
        env={"OS": "linux"},
    )


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (spec(), Logging()),
        (spec(max_size="1m"), Logging(max_bytes=1 << 20)),
        (spec(max_size="1m", max_file=3), Logging(max_bytes=1 << 20, files=3)),
        (spec(max_file="5"), Logging(files=5)),
        (spec(max_size="1m", max_file=2, compress=True), Logging(max_bytes=1 << 20, files=2)),
        (spec(labels="a", env="b,c", tag="{{.Whatever}}", mode="non-blocking"), Logging()),
        (spec("local"), Logging("local", 20 << 20, 5)),
        (spec("journald", tag="{{.Name}}", labels="a"), Logging("journald", tag="web")),
        (spec("none", max_buffer_size="4m"), Logging("none")),
        (spec("gelf", gelf_address="udp://192.0.2.1:12201"), Logging("gelf")),
        (spec("syslog"), Logging("syslog", 5 << 20, 2, "{{.ID}}", Syslog())),
        (
            spec("syslog", syslog_facility="local7", tag="{{.Name}}", syslog_format="rfc3164"),
            Logging("syslog", 5 << 20, 2, "web", Syslog(facility=23, form="rfc3164")),
        ),
    ],
)
def test_what_both_options_say(given: ContainerSpec, meaning: Logging) -> None:
    assert logging.logging(given) == meaning
    assert not logging.logging(spec(max_file="5")).rotates, "there is no size to rotate at"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (spec(nonsense="1"), "unknown option 'nonsense'"),
        (spec(syslog_facility="daemon"), "unknown option 'syslog-facility'"),
        (spec("syslog", max_size="1m"), "unknown option 'max-size'"),
        (spec(mode="sometimes"), "use blocking or non-blocking"),
        (spec(compress="perhaps"), "use true or false"),
        (spec(max_file="0"), "at least 1"),
        (spec("syslog", syslog_facility="none"), "syslog-facility"),
        (spec("syslog", syslog_facility="24"), "syslog-facility"),
        (spec("syslog", syslog_format="json"), "syslog-format"),
        (spec("journald", tag="{{.Nope}}"), "known fields"),
    ],
)
def test_what_a_driver_does_not_know(given: ContainerSpec, why: str) -> None:
    with pytest.raises(Error, match=why):
        logging.logging(given)


def test_drivers_are_refused_when_they_are_to_serve() -> None:
    for driver in logging.DRIVERS:
        logging.served(spec(driver))
    for driver in logging.FOREIGN:
        with pytest.raises(Error, match=f"the log driver {driver} is not available"):
            logging.served(spec(driver))
    with pytest.raises(Error, match="log_driver"):
        logging.log_driver("bogus")


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("unix:///dev/log", (socket.AF_UNIX, "/dev/log")),
        ("udp://192.0.2.1:1514", (socket.AF_INET, ("192.0.2.1", 1514))),
        ("udp://192.0.2.1", (socket.AF_INET, ("192.0.2.1", 514))),
        ("udp://[2001:db8::1]:514", (socket.AF_INET6, ("2001:db8::1", 514))),
        ("tcp://192.0.2.1:514", None),
        ("unix://relative", None),
        ("udp://", None),
        ("udp://host:http", None),
    ],
)
def test_addresses_of_syslog(address: str, where: Any) -> None:
    if where is None:
        with pytest.raises(Error, match="syslog-address"):
            logging.served(spec("syslog", syslog_address=address))
    else:
        assert Syslog(address).endpoint == where


def test_a_long_line_is_sent_in_pieces() -> None:
    entry = conmon_files.LogEntry("2026-01-02T03:04:05Z", "stderr", b"x" * 20000 + b"\n")
    first, second = syslog.messages(entry, Syslog(form="rfc5424"), "web[7]")
    head = f"<27>1 2026-01-02T03:04:05.000000000Z {socket.gethostname()} web 7 web - ".encode()
    assert (first, second) == (head + b"x" * 16384, head + b"x" * 3616)
    empty = conmon_files.LogEntry("2026-01-02T03:04:05Z", "stdout", b"\n")
    assert [one[:4] for one in syslog.messages(empty, Syslog(), "web[7]")] == [b"<30>"]


def test_details_of_a_line() -> None:
    given = spec(labels="stage,missing", labels_regex="^app", env="OS", tag="{{.Name}}")
    shown = logging.details(given, given.env, given.labels)
    assert shown == "OS=linux,app.name=a%26b,stage=test,tag=web"
    assert logging.details(spec(), given.env, given.labels) == ""
