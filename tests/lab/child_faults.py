#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linux as root partition with the series' driver, on a stand-in that fails in the midst of a VMM's calls:
what root/child_faults.cpp finds, a boot each, and whether every page came back. And the ends of such a
root: with a child, and where the hypervisor refuses to switch off."""

import argparse
import re
import sys

import checks
import children
import session
from machine import Failed, add_arguments

# `strict`: a page that is used while it is the hypervisor's is a fault. Mappings are counted: that of the
# code is the first.
CASES = {
    "deposit": "strict status=0x48:0x71:every:100",
    "map": "strict status=0x4b:0x71:2 status=0x4b:0x71:4:7 status=0x4b:0x71:6:1",
    "pending": "pending=0x45:every message=unknown-once",
    "held": "pending=0x45:every message=hold-once",
    "restart": "strict",
    "power": "status=0x84:5:every",
}
# Some of which the VMM itself cannot know.
FAULTS = {
    "deposit": r"^HV fault hypercall 0x48 answers status 0x71 after 100$",
    "map": r"^HV fault hypercall 0x4b answers status 0x71 after 1$",
    "pending": r"^HV fault message of an unknown type$",
    "held": r"^HV fault message held$",
}


def bears(name):
    def check(machine, kernel):
        begin = len(machine.log.text)
        said = machine.run(f"lab-child-faults {name} || true")
        wrong = re.findall(r"^FAILED: .*", said, re.MULTILINE)
        if wrong or "ok: all" not in said:
            raise Failed(f"{wrong or 'it does not come to its end'}\n{said}")
        machine.wait_log(FAULTS[name], begin)
        told = machine.run("dmesg | grep -c 'nobody handles message type 0x8000f00d' || true")
        if told != str(int(name == "pending")):
            raise Failed(f"the kernel says {told} times that it does not know a message")
        pages = children.wait_ends(machine, begin)
        return f"{said.count('ok: ')} checks, {len(pages)} partitions"

    check.__doc__ = f"a VMM bears it: {name}"
    return check


def restarts_with_child(machine, kernel):
    """a child that runs when the machine restarts is taken from the hypervisor before"""
    begin = len(machine.log.text)
    machine.run("lab-child-vmm spin >/tmp/said & until grep -q SPINS /tmp/said; do :; done")
    machine.send("reboot -f")
    pages = children.wait_ends(machine, begin, 1)
    machine.wait_end()
    log = machine.log.text[begin:]
    if log.index(" deleted ") > log.index("HV reset"):
        raise Failed("it is only taken then")
    return f"{pages[0]} pages"


def powers_off_without(machine, kernel):
    """where the hypervisor refuses to switch the machine off, the machine does"""
    machine.send("poweroff -f")
    machine.wait_end()
    machine.wait_log(r"^HV fault hypercall 0x84 ")
    machine.wait_log(r"^HV root switches the machine off$")


# What they end is the machine; the others' checks come from bears().
LAST = {"restart": restarts_with_child, "power": powers_off_without}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--only", choices=CASES, help="one of them")
    arguments = parser.parse_args()
    if arguments.cpus != 1:
        parser.error("which call is the how many'th is known where nobody else makes any: --cpus 1")
    good = True
    for name in [arguments.only] if arguments.only else CASES:
        arguments.options = CASES[name]
        # Nothing may depend on it; where there is none, none is missed.
        arguments.append = "debugfs=off" if name == "pending" else ""
        print(f"---- {name}: {arguments.options}", flush=True)
        list_ = [checks.boots, checks.has_driver, checks.is_quiet]
        list_.append(LAST[name]) if name in LAST else list_.insert(2, bears(name))
        good = session.run(arguments, list_, ["-no-reboot"]) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
