# SPDX-License-Identifier: Apache-2.0
"""Two children at once in a root all of whose processors are busy: no clock goes wrong, no tick is lost.
The root's console is the root's: each child has its own in two pipes there."""

import re
import shlex

import child_qemu
import children
import machine as lab
import soak
from checks import MOST_DRIFT
from child_qemu import PATIENCE, TREE
from machine import Failed

PROCESSORS = (1, 2)  # of each child
READINGS = 5
INTERVAL = 5.0  # seconds between two looks at the timers
MOST_LOST = 2  # ticks; one may be under way at either end
# A processor may wait so long for its turn in QEMU's one thread (100 ms), and its ticks are late then.
MOST_LATE = 25
# A child's disk is this program, and zeros up to a whole sector.
MOMENT = "/bin/lab-moment"
LOOP = "while :; do :; done"
# child N COMMAND: in that child's shell. What it prints comes behind the echo of the command.
SHELL = ("child() { printf '%s; echo DO\"\"NE=$?\\n' \"$2\" >pair$1.in;"
         " while read -r line; do case $line in *DONE=[0-9]*) break;; esac; echo \"$line\";"
         " done <pair$1.out; case $line in *DONE=0*) ;; *) false;; esac; }")


class Guest:
    """The root or a child, by how a command runs in it. The log is the stand-in's."""

    def __init__(self, name, cpus, run, log):
        self.name = name
        self.cpus = cpus
        self.run = run
        self.log = log
        self.first = None
        self.last = None


class Reading:
    """Clock and TSC, which is the machine's in root and children alike, and counts. Clock and ticks some
    times: where they are interrupted, there are more ticks than their clock has."""

    def __init__(self, guest):
        text = guest.run(f"lab-moment {READINGS}")
        self.tsc, self.clock = (int(word) for word in
                                re.search(r"^tsc (\d+) clock (\d+)$", text, re.MULTILINE).groups())
        self.moments = [(int(now) / 1e9, int(jiffies)) for now, jiffies in
                        re.findall(r"^now (\d+) jiffies (\d+)$", text, re.MULTILINE)]
        self.root, self.jiffies = self.moments[-1]
        self.timers = soak.timer_counts(text, guest.cpus)

    def behind(self, rate):
        """Ticks that are missing by its own clock, at the least and at the most: some come late, and in
        what is interrupted between clock and count there are some too many."""
        missing = [clock * rate - jiffies for clock, jiffies in self.moments]
        return min(missing), max(missing)


def boots_both(machine, kernel):
    """two children boot at once, of one processor and of two"""
    machine.run(f"dd if={MOMENT} of={TREE}/tmp/moment bs=512 conv=sync 2>/dev/null; {SHELL}")
    size = machine.run(f"stat -c %s {MOMENT}")
    machine.log_of_child = len(machine.log.text)
    for number, cpus in enumerate(PROCESSORS):
        serial = f"-chardev pipe,id=console,path=/tmp/pair{number} -serial chardev:console"
        command = child_qemu.qemu(cpus, serial, disk=f"moment{number}")
        machine.run(f"mkfifo pair{number}.in pair{number}.out; cp moment moment{number};"
                    f" ({command} </dev/null >said{number} 2>&1 &)")
    machine.guests = [Guest("the root", machine.arguments.cpus, machine.run, machine.log)]
    for number, cpus in enumerate(PROCESSORS):
        machine.run(f"while read -r line; do case $line in *{lab.READY}*) break;; esac;"
                    f" done <pair{number}.out", PATIENCE)

        def run(command, number=number):
            return machine.run(f"child {number} {shlex.quote(command)}", PATIENCE)
        run(f"dmesg -n 1; head -c {size} /dev/vda >{MOMENT} && chmod +x {MOMENT}")
        machine.guests.append(Guest(f"child {number}", cpus, run, machine.log))


def starts_load(machine):
    for cpu in range(machine.arguments.cpus):
        machine.run(f"(taskset -c {cpu} sh -c '{soak.LOAD}' >/dev/null 2>&1 & echo $! >>/load)")
    for guest in machine.guests[1:]:
        for cpu in range(guest.cpus):
            guest.run(f"(taskset -c {cpu} sh -c '{LOOP}' & echo $! >>/load)")


def stops_load(machine):
    for guest in machine.guests:
        guest.run("kill $(cat /load)")


def summary(guest, root):
    def rate(one):
        return (one.last.clock - one.first.clock) / (one.last.tsc - one.first.tsc)

    begin, end = guest.first, guest.last
    ticks = soak.tick_rate(begin, end)
    (before_least, before_most), (least, most) = begin.behind(ticks), end.behind(ticks)
    lost, late = least - before_most, most - before_least
    drift = (rate(guest) / rate(root) - 1) * 1e6
    text = (f"{guest.name}: {end.root - begin.root:.0f} s, drift {drift:+.3f} ppm,"
            f" {lost:+.1f} to {late:+.1f} of {end.jiffies - begin.jiffies} ticks lost")
    return text, abs(drift) < MOST_DRIFT and lost <= MOST_LOST and late <= MOST_LOST + MOST_LATE


def of(minutes):
    """The check that takes so long."""
    def keep_time(machine, kernel):
        """beside busy loops on all processors each clock keeps the root's time, and no tick is lost"""
        guests = machine.guests
        # The first and the last without load: beside it, a tick may be late for as long as the processor
        # that counts them waits for its turn, and none of those is lost.
        for guest in guests:
            guest.first = guest.last = Reading(guest)
        starts_load(machine)
        while min(guest.last.root - guest.first.root for guest in guests) < minutes * 60:
            soak.watch(machine, INTERVAL)
            for guest in guests:
                before, guest.last = guest.last, Reading(guest)
                soak.check_timers(before, guest.last, guest.name)
        stops_load(machine)
        for guest in guests:
            guest.last = Reading(guest)
        said = [summary(guest, guests[0]) for guest in guests]
        text = "; ".join(text for text, _ in said)
        if not all(good for _, good in said):
            raise Failed(text)
        return text
    return keep_time


def power_off(machine, kernel):
    """both power off, have not complained, and nothing of them is left"""
    for number, guest in enumerate(machine.guests[1:]):
        child_qemu.is_quiet(guest, kernel)
        machine.run(f"echo 'poweroff -f' >pair{number}.in; while read -r line; do :;"
                    f" done <pair{number}.out", PATIENCE)
    pages = children.wait_ends(machine, machine.log_of_child, len(PROCESSORS))
    return f"{' and '.join(map(str, pages))} pages deposited and withdrawn"


def checks(minutes):
    return [child_qemu.boots, child_qemu.has_driver, child_qemu.has_qemu, boots_both, of(minutes),
            power_off, child_qemu.is_quiet]
