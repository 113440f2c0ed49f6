# SPDX-License-Identifier: Apache-2.0
"""A load on all processors for some minutes: no clock stops, none goes wrong."""

import re
import time

import machine as lab
from checks import is_quiet
from machine import Failed

SAMPLE_SECONDS = 10.0
# Of the root's clock from the host's: asking takes its time on a machine that is busy.
MOST_CLOCK_ERROR = 2.0
TICK_RATES = (100, 250, 300, 1000)
# One a processor: computing, with processes that come and go.
LOAD = "while :; do sha256sum /bin/busybox >/dev/null; done"
# Beside them the devices.
DISK_LOAD = "while :; do dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null; done"
NETWORK_LOAD = (f"while :; do head -c 100000 /dev/urandom | nc {lab.ECHO_ADDRESS} {lab.ECHO_PORT}"
                " >/dev/null; done")


# Both from one reader: what comes between two is time that looks like lost ticks.
SAMPLE = ("grep -e '^now at' -e jiffies: /proc/timer_list;"
          " grep -E 'LOC:|HVS:' /proc/interrupts")


def timer_counts(text, cpus):
    """Each processor's timer interrupts, of its own and of the hypervisor's."""
    counts = [0] * cpus
    for line in re.findall(r"(?:LOC|HVS): +(.*)", text):
        for index, word in enumerate(line.split()[:cpus]):
            counts[index] += int(word)
    return counts


class Sample:
    """Clocks and counts of one moment, from what SAMPLE has said."""

    def __init__(self, text, cpus):
        self.root = int(re.search(r"^now at (\d+) nsecs", text, re.MULTILINE).group(1)) / 1e9
        self.jiffies = int(re.search(r"jiffies: (\d+)", text).group(1))
        self.timers = timer_counts(text, cpus)


class Timed(Sample):
    """And the host's clock."""

    def __init__(self, machine):
        before = time.monotonic()
        super().__init__(machine.run(SAMPLE), machine.arguments.cpus)
        self.host = (before + time.monotonic()) / 2


def tick_rate(first, last):
    ticks = last.jiffies - first.jiffies
    return min(TICK_RATES, key=lambda one: abs(ticks / (last.root - first.root) - one))


def check_timers(before, after, whose):
    for cpu, (old, new) in enumerate(zip(before.timers, after.timers)):
        if new <= old:
            raise Failed(f"the timer of processor {cpu} of {whose} stood still")


def watch(machine, seconds):
    """Takes what comes for so long."""
    try:
        machine.wait(lambda: "Kernel panic" in machine.console.text, "", seconds)
    except Failed:
        if not machine.open or lab.LAST_WORDS.search(machine.log.text):
            raise
        return
    raise Failed("the kernel panics")


def start_load(machine):
    machine.run("ifconfig eth0 10.0.2.15 netmask 255.255.255.0")
    for cpu in range(machine.arguments.cpus):
        machine.run(f"(taskset -c {cpu} sh -c '{LOAD}' >/dev/null 2>&1 &)")
    for load in (DISK_LOAD, NETWORK_LOAD):
        machine.run(f"(sh -c '{load}' >/dev/null 2>&1 &)")


def summary(first, last):
    host = last.host - first.host
    root = last.root - first.root
    ticks = last.jiffies - first.jiffies
    rate = tick_rate(first, last)
    lost = round(root * rate) - ticks
    each = [(b - a) / root for a, b in zip(first.timers, last.timers)]
    text = (f"{host:.0f} s, the root's clock {(root - host) * 1000:+.0f} ms, {lost} of"
            f" {ticks} ticks lost, timer interrupts a second "
            + " ".join(f"{value:.0f}" for value in each))
    # The last one may be under way.
    if abs(root - host) > MOST_CLOCK_ERROR or abs(lost) > rate // 10:
        raise Failed(text)
    return text


def of(minutes):
    """The check that takes so long."""
    def loaded(machine, kernel):
        """under load no processor's timer stops, and no clock goes wrong"""
        start_load(machine)
        first = last = Timed(machine)
        while last.host - first.host < minutes * 60:
            watch(machine, SAMPLE_SECONDS)
            is_quiet(machine, kernel)
            now = Timed(machine)
            check_timers(last, now, "the root")
            last = now
        return summary(first, last)
    return loaded
