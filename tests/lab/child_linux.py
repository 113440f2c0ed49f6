#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linux as root partition with a driver that makes /dev/mshv: what the smallest VMM of root/child_vmm.cpp
finds there, and what is left when a VMM is killed."""

import argparse
import re
import sys

import checks
import children
import observed
import session
from machine import Failed, add_arguments

# As many as a check can wait for; where it kills is not in its hands.
KILLS = 20


def knows_who_schedules(machine, kernel):
    """the driver is told who schedules children, and says so"""
    if kernel.upstream:
        return "not asked of this kernel"
    wanted = "classic SMT" if "sched=lp" in machine.arguments.options.split() else "root"
    said = machine.run("dmesg | grep 'mshv: hypervisor'")
    if not said.endswith(f", {wanted} scheduler"):
        raise Failed(said)
    return wanted


def says_all(machine, command):
    """How many lines it says of what holds, and all of them do."""
    said = machine.run(f"{command} || true")
    wrong = re.findall(r"^FAILED: .*", said, re.MULTILINE)
    if wrong or "ok: all" not in said:
        raise Failed(f"{wrong or 'it does not come to its end'}\n{said}")
    return said.count("ok: ")


def runs_children(machine, kernel):
    """the smallest VMM finds all as it should be"""
    return f"{says_all(machine, 'lab-child-vmm')} checks"


def holds_its_interface(machine, kernel, but=""):
    """the selftests of the series find the interface as it should be"""
    # Those of a pattern may be left out.
    said = machine.run(f"for t in /lib/selftests/*; do case $t in {but or '-'}) continue;; esac;"
                       " test ! -x $t || $t || echo it ends with $?; done")
    if not said:
        return "there are none"
    passed = len(re.findall(r"^ok (?!.*# SKIP)", said, re.MULTILINE))
    wrong = re.findall(r"^(?:not ok|it ends with) .*", said, re.MULTILINE)
    begun = len(re.findall(r"^TAP version", said, re.MULTILINE))
    totals = [int(total) for total in re.findall(r"^# Totals: pass:(\d+) ", said, re.MULTILINE)]
    skipped = re.findall(r"^(?:1\.\.0|ok \d+) # SKIP .*", said, re.MULTILINE)
    ended = len(totals) + sum(line.startswith("1..0") for line in skipped)
    if not begun or ended != begun or sum(totals) != passed:
        raise Failed(f"they do not come to their end\n{said}")
    if kernel.upstream:
        # Not ours to mend, and some of what is asked are extensions: a table.
        return "\n".join([f"{passed} hold", *(f"    {line}" for line in wrong + skipped)])
    if wrong or "SKIP" in said:
        raise Failed(said)
    return f"{passed} checks"


def killed_vmms_leave_nothing(machine, kernel):
    """a VMM that is killed leaves nothing behind"""
    begin = len(machine.log.text)
    # Each says so in a file of its own when its child runs: an older one's word would be early, and
    # so would be that of the last time.
    machine.run("rm -f /tmp/said*; i=0; while [ $i -lt %d ]; do lab-child-vmm spin >/tmp/said$i & p=$!;"
                " until grep -q SPINS /tmp/said$i 2>/dev/null; do :; done; kill -9 $p; wait $p;"
                " i=$((i+1)); done; true" % KILLS)
    pages = children.wait_ends(machine, begin, KILLS)
    if len(pages) != KILLS:
        raise Failed(f"there were {len(pages)} children")
    return f"{KILLS} times, {pages[0]} pages each"


def is_charged(machine, kernel):
    """what a child takes is charged to the control group of its VMM"""
    if not kernel.patched:
        return "not asked of this kernel"
    begin = len(machine.log.text)
    group = "/tmp/groups/one"
    said = machine.run("mkdir -p /tmp/groups; mount -t cgroup2 none /tmp/groups;"
                       f" mkdir {group}; echo +memory >/tmp/groups/cgroup.subtree_control;"
                       f" (echo 0 >{group}/cgroup.procs; exec lab-child-vmm spin) >/tmp/said & p=$!;"
                       " until grep -q SPINS /tmp/said 2>/dev/null; do :; done;"
                       f" grep '^kernel ' {group}/memory.stat; kill -9 $p; wait $p;"
                       f" rmdir {group}; umount /tmp/groups")
    pages = children.wait_ends(machine, begin, 1)
    charged = int(said.split()[1]) // 4096
    if charged < pages[0]:
        raise Failed(f"{charged} pages are charged, {pages[0]} are deposited")
    return f"{pages[0]} pages deposited, {charged} charged"


def survives_anything(machine, kernel):
    """calls that no VMM would make are refused or answered, and leave nothing behind"""
    arguments = machine.arguments
    if kernel.upstream:
        return "not asked of this kernel"
    begin = len(machine.log.text)
    said = machine.run(f"lab-mshv-fuzz {arguments.seed} {arguments.fuzz}",
                       machine.patience + arguments.fuzz)
    if not said.startswith("ok: "):
        raise Failed(f"{said}\n---- its log ----\n{machine.run('dmesg | tail -n 200')}")
    left = machine.run("mkdir -p /tmp/debug; mount -t debugfs none /tmp/debug;"
                       " cat /tmp/debug/mshv/partitions; umount /tmp/debug").splitlines()[1:]
    if left:
        raise Failed(f"partitions are left: {left}")
    pages = children.wait_ends(machine, begin)
    return f"seed {arguments.seed}, {said.removeprefix('ok: ')}, {len(pages)} partitions"


def keeps_pinned_memory(machine, kernel):
    """pinned guest memory stays, by large pages, and accesses to it are noted"""
    if kernel.upstream:
        return "not asked of this kernel"
    return f"{says_all(machine, 'lab-guest-memory pinned')} checks"


def moves_movable_memory(machine, kernel):
    """movable guest memory is swapped, moved and taken under the guest, and all comes back"""
    if kernel.upstream:
        return "not asked of this kernel"
    begin = len(machine.log.text)
    # Nothing but memory is there to swap to.
    machine.run("dd if=/dev/zero of=/swap bs=1M count=64 2>/dev/null && losetup /dev/loop0 /swap &&"
                f" mkswap /dev/loop0 >/dev/null && swapon /dev/loop0 && echo Y >{checks.MOVABLE}")
    count = says_all(machine, "lab-guest-memory movable") + says_all(machine, "lab-child-vmm")
    # What is locked, and charged for that, is asked of memory that is pinned.
    tests = holds_its_interface(machine, kernel, "*_limits | *_memory")
    killed = killed_vmms_leave_nothing(machine, kernel)
    machine.run(f"echo N >{checks.MOVABLE}; swapoff /dev/loop0; losetup -d /dev/loop0; rm /swap")
    return f"{count} checks, {tests} of the interface, killed {killed}," \
           f" {len(children.wait_ends(machine, begin))} partitions"


CHECKS = [checks.boots, checks.has_driver, knows_who_schedules, runs_children,
          holds_its_interface, observed.counts, observed.tells_events, killed_vmms_leave_nothing, is_charged,
          survives_anything, keeps_pinned_memory, moves_movable_memory, checks.is_quiet]
# Where the hypervisor has no pages to count in.
UNCOUNTED = [checks.boots, checks.has_driver, runs_children, observed.goes_on_uncounted,
             checks.is_quiet]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--uncounted", action="store_true",
                        help="the options refuse statistics, and the driver does without")
    parser.add_argument("--fuzz", type=int, default=5, help="seconds of calls at random")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    list_ = UNCOUNTED if arguments.uncounted else CHECKS
    return 0 if session.run(arguments, list_, ["-no-reboot"]) else 1


if __name__ == "__main__":
    sys.exit(main())
