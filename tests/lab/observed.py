# SPDX-License-Identifier: Apache-2.0
"""What the series' driver tells of itself: its tables in debugfs, and its events in tracefs."""

import contextlib
import re
import time

from machine import PATIENCE, Failed

FOLDER = "/sys/kernel/debug/mshv"
TRACING = "/sys/kernel/tracing"
SLACK_NS = 100_000_000  # what is counted at different moments of one dispatch
# Events, each with what one of them must say, of lab-child-vmm and the selftests.
EVENTS = {
    "create_partition": r"partition=\d+ flags=0x",
    "initialize_partition": r"error=0",
    "delete_partition": r"deposited=(\d+) withdrawn=\1$",
    "create_vp": r"vp=1 error=0",
    "delete_vp": r"vp=0 error=0",
    "map_memory": r"gfn=0x0 pages=512 flags=0x\w+ error=0",
    "unmap_memory": r"pages=512 flags=0x\w+ error=0",
    "deposit": r"pages=208 error=0",
    "withdraw": r"pages=\d\d+ error=0",
    "run_begin": r"vp=0",
    "run_end": r"vp=0 error=0",
    "intercept": r"\(io-port\) rip=0x\w+ detail=0x10$",
    "hypercall_failed": r"code=0x49 status=0x\w+ \(NO_RESOURCES\)",
    "irqfd_assert": r"gsi=5 status=0x0$",
    "doorbell": r"gone=0",
    "cancel_run": r"vp=0",
}
# What the hypervisor says to the root of VPs that the root schedules, and of those it does not.
MESSAGES = {True: "signal-pairs", False: "opaque-intercept"}
MEMORY = r"^mshv_intercept: .*\(unmapped-gpa\) rip=0x\w+ detail=0xd0000040$"


def read(machine, name):
    """The lines of one of the files."""
    return machine.run(f"test -d {FOLDER} || mount -t debugfs debug /sys/kernel/debug;"
                       f" cat {FOLDER}/{name}").splitlines()


def table(machine, name):
    """Its rows by the names of their columns; None is what is not known."""
    head, *rows = read(machine, name)
    return [{key: None if word == "-" else int(word)
             for key, word in zip(head.split(), row.split(), strict=True)} for row in rows]


def whole(machine):
    """What the hypervisor counts of itself."""
    found = dict(line.split() for line in read(machine, "hypervisor"))
    return {key: None if word == "-" else int(word) for key, word in found.items()}


@contextlib.contextmanager
def spinning(machine):
    """A child that spins, by the row of its partition and a function that reads that of its VP."""
    machine.run("lab-child-vmm spin >/tmp/spins & spinner=$!;"
                " until grep -q SPINS /tmp/spins; do :; done")
    process = int(machine.run("echo $spinner"))
    try:
        partition, = (row for row in table(machine, "partitions") if row["process"] == process)

        def processor():
            return next(row for row in table(machine, "processors")
                        if row["partition"] == partition["id"])
        yield partition, processor
    finally:
        machine.run("kill -9 $spinner; wait $spinner; true")


def by_root(machine):
    """The root schedules children, so that the driver knows of their turns."""
    return "sched=lp" not in machine.arguments.options.split()


def wait_growth(processor, names):
    """Two rows between which all of these have grown."""
    first = processor()
    deadline = time.monotonic() + PATIENCE
    while True:
        last = processor()
        still = [name for name in names if not (last[name] or 0) > (first[name] or 0)]
        if not still:
            return first, last
        if time.monotonic() > deadline:
            raise Failed(f"{still} stay as they are: {last}")


def counts(machine, kernel):
    """debugfs shows what the hypervisor and the driver count, and that grows"""
    if kernel.upstream:
        return "not asked of this kernel"
    cpus = machine.arguments.cpus
    with spinning(machine) as (partition, processor):
        if partition["held"] != partition["deposited"] - partition["withdrawn"]:
            raise Failed(str(partition))
        if (partition["processors"], partition["initialized"]) != (1, 1):
            raise Failed(str(partition))
        turns = ["dispatched_ns", "dispatches", "waiting_ns"]
        first, last = wait_growth(processor, ["run_ns", "hypervisor_ns", "external_interrupts",
                                              *(turns if by_root(machine) else [])])
        if not by_root(machine) and any(last[name] is not None for name in turns):
            raise Failed(f"the root knows of turns that it does not give: {last}")
        if by_root(machine) and not 0 < last["run_ns"] <= last["dispatched_ns"] + SLACK_NS:
            raise Failed(f"it ran longer than it was dispatched: {last}")
        if last["runs"] != 1 or last["memory"] or last["ports"]:
            raise Failed(f"it does nothing but spin: {last}")
        found = whole(machine)
        if found != {"logical_processors": cpus, "partitions": 2, "virtual_processors": cpus + 1}:
            raise Failed(f"the hypervisor: {found}")
        lps = table(machine, "logical_processors")
        if [row["lp"] for row in lps] != list(range(cpus)) or not all(row["run_ns"] for row in lps):
            raise Failed(f"logical processors: {lps}")
    if table(machine, "processors"):
        raise Failed("one is left")
    ran = (last["run_ns"] - first["run_ns"]) // 1_000_000
    return f"{ran} ms in the guest"


def goes_on_uncounted(machine, kernel):
    """where the hypervisor counts nothing, only that is not known, and the log says why"""
    if "mshv: not all is counted: ACCESS_DENIED (0x6)" not in machine.run("dmesg | grep counted"):
        raise Failed("the log does not say why")
    with spinning(machine) as (partition, processor):
        if partition["held"] is not None or not partition["deposited"]:
            raise Failed(str(partition))
        _, last = wait_growth(processor, ["dispatched_ns", "dispatches"])
        unknown = {name for name, number in last.items() if number is None}
        if unknown != {"run_ns", "hypervisor_ns", "hypercalls", "external_interrupts"}:
            raise Failed(f"not known are {unknown}")
        if set(whole(machine).values()) != {None}:
            raise Failed(f"the hypervisor: {whole(machine)}")
    return f"{last['dispatches']} dispatches counted by the driver"


def tells_events(machine, kernel):
    """each event of the driver appears in tracefs, with what it is about"""
    if kernel.upstream:
        return "not asked of this kernel"
    said = machine.run(
        f"test -d {TRACING}/events || mount -t tracefs trace {TRACING};"
        f" echo 1 >{TRACING}/events/mshv/enable; lab-child-vmm >/dev/null;"
        f" /lib/selftests/mshv_abi >/dev/null; echo 0 >{TRACING}/events/mshv/enable;"
        f" sed -n 's/.*: mshv_/mshv_/p' {TRACING}/trace | sort -u; echo >{TRACING}/trace")
    events = EVENTS | {"message": rf"\({MESSAGES[by_root(machine)]}\) .* known=1"}
    missing = [name for name, wanted in events.items()
               if not re.search(rf"^mshv_{name}: .*{wanted}", said, re.MULTILINE)]
    if missing or not re.search(MEMORY, said, re.MULTILINE):
        raise Failed(f"{missing or MEMORY} not among\n{said}")
    return f"{len(events)} kinds"
