#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine with the stand-in hypervisor and a root partition, for a shell or for the checks."""

import argparse
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import tempfile
import time

# How long one step may take on a machine that does other things, too. No step waits for it in vain:
# the end of QEMU ends every wait.
PATIENCE = 240.0
KERNEL_WORDS = "console=ttyS0 no_timer_check panic=-1"
PROMPT = "MSHV-GUEST# "
# What a kernel says when something is wrong with it or below it.
COMPLAINTS = re.compile(r"BUG:|Oops|Call Trace|detected stall|self-detected|soft lockup|WARNING:|Kernel panic")


class Failed(Exception):
    """A check that did not hold."""


def qemu(arguments, serials):
    """The machine: what it is apart from where its two serial ports go."""
    kernel = arguments.kernel or arguments.guest / "vmlinuz"
    root = f"{kernel} {KERNEL_WORDS} {arguments.append}".strip().replace(",", ",,")
    initrd = str(arguments.guest / "initrd.gz").replace(",", ",,")
    return ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,+svm",
            "-machine", "q35", "-m", "1024", "-smp", str(arguments.cpus), "-display", "none",
            "-no-reboot", "-kernel", str(arguments.standin), "-append", arguments.options,
            "-initrd", f"{root},{initrd}", *serials]


class Port:
    """One of the machine's serial ports, and all that came from it."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.connection = None
        self.text = ""

    def accept(self):
        self.connection, _ = self.listener.accept()

    def take(self):
        """False at the end."""
        data = self.connection.recv(65536)
        self.text += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)


class Machine:
    """QEMU while it is checked."""

    def __init__(self, arguments, folder):
        self.console = Port(f"{folder}/console")
        self.log = Port(f"{folder}/log")
        serials = []
        for name in ("console", "log"):
            serials += ["-chardev", f"socket,id={name},path={folder}/{name}",
                        "-serial", f"chardev:{name}"]
        self.process = subprocess.Popen(qemu(arguments, serials), stdin=subprocess.DEVNULL)
        self.console.accept()
        self.log.accept()
        self.open = {self.console.connection: self.console, self.log.connection: self.log}

    def wait(self, condition, what):
        """Until condition() gives something, which is returned."""
        deadline = time.monotonic() + PATIENCE
        while True:
            result = condition()
            if result:
                return result
            left = deadline - time.monotonic()
            if left <= 0 or not self.open:
                ended = "" if self.open else ": the machine has ended"
                raise Failed(f"{what}{ended}")
            ready, _, _ = select.select(list(self.open), [], [], left)
            for connection in ready:
                if not self.open[connection].take():
                    del self.open[connection]

    def run(self, command):
        """Output of a command in the root's shell."""
        # The shell's echo shows the quotes; only its output has the words whole.
        begin = len(self.console.text)
        line = f"echo BEG''IN; {command}; echo E''ND=$?\n"
        self.console.connection.sendall(line.encode())
        found = self.wait(
            lambda: re.search(r"^BEGIN\n(.*?)^END=(\d+)$", self.console.text[begin:],
                              re.DOTALL | re.MULTILINE), f"no answer to: {command}")
        if found.group(2) != "0":
            raise Failed(f"{command}: status {found.group(2)}: {found.group(1)}")
        return found.group(1).strip()

    def wait_log(self, pattern):
        return self.wait(lambda: re.search(pattern, self.log.text, re.MULTILINE),
                         f"the stand-in never says {pattern}")

    def end(self):
        self.process.kill()
        self.process.wait()


def boots(machine, arguments):
    """the root's init runs and its shell answers"""
    machine.wait(lambda: PROMPT in machine.console.text, "no shell")


def is_root(machine, arguments):
    """the kernel takes itself for the root partition"""
    if "running as root partition" not in machine.run("dmesg | grep -i hyper-v"):
        raise Failed("dmesg does not say so")


def all_processors(machine, arguments):
    """each processor was added with deposited memory, has a VP and runs"""
    if machine.run("nproc") != str(arguments.cpus):
        raise Failed("the root has not got all of them")
    for index in range(1, arguments.cpus):
        machine.wait_log(rf"^HV lp {index} added$")
        machine.wait_log(rf"^HV partition 1 vp {index} created$")
        machine.wait_log(rf"^HV lp {index} starts at ")
    if arguments.cpus > 1:
        machine.wait_log(r"^HV hypercall 0x76 partition 1 status 0xb ")


def processor_goes_and_comes(machine, arguments):
    """a processor is taken offline and comes back"""
    if arguments.cpus == 1:
        return
    last = arguments.cpus - 1
    control = f"/sys/devices/system/cpu/cpu{last}/online"
    machine.run(f"echo 0 >{control}")
    if machine.run("nproc") != str(last):
        raise Failed("it is still there")
    machine.run(f"echo 1 >{control}")
    machine.wait_log(rf"^HV lp {last} init$")
    if machine.run("nproc") != str(arguments.cpus):
        raise Failed("it did not come back")


def timer_interrupts(machine):
    """Of the hypervisor's timer, a number for each processor."""
    return [int(word) for word in machine.run("grep HVS: /proc/interrupts").split()
            if word.isdigit()]


def ticks_by_hypervisor(machine, arguments):
    """each processor's tick comes from the hypervisor's timer"""
    devices = re.findall(r"^Clock Event Device: (.*)$",
                         machine.run("grep -A1 '^Per CPU device' /proc/timer_list"), re.MULTILINE)
    if devices != ["Hyper-V clockevent"] * arguments.cpus:
        raise Failed(f"the tick devices are {devices}")
    before = timer_interrupts(machine)
    machine.run(f"for n in $(seq {arguments.cpus}); do"
                " (i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done) & done; wait")
    after = timer_interrupts(machine)
    if len(after) != arguments.cpus or not all(a > b for a, b in zip(after, before)):
        raise Failed(f"timer interrupts were {before}, are {after}")


def is_not_seen(machine, arguments):
    """the root can see neither SVM nor the hypervisor's console"""
    if machine.run("grep -cw svm /proc/cpuinfo || true") != "0":
        raise Failed("SVM is seen")
    if "2F8" in machine.run("cat /proc/tty/driver/serial | grep -v unknown").upper():
        raise Failed("the second serial port is seen")


def is_quiet(machine, arguments):
    """the kernel has not complained"""
    found = COMPLAINTS.search(machine.console.text)
    if found:
        line = machine.console.text[found.start():].split("\n", 1)[0]
        raise Failed(line)


def ends(machine, arguments):
    """power-off ends the machine"""
    machine.console.connection.sendall(b"poweroff -f\n")
    machine.wait(lambda: not machine.open, "it goes on")
    if machine.process.wait() != 0:
        raise Failed("QEMU failed")


CHECKS = [boots, is_root, all_processors, processor_goes_and_comes, ticks_by_hypervisor,
          is_not_seen, is_quiet, ends]


def check(arguments):
    with tempfile.TemporaryDirectory(prefix="mshv-lab.") as folder:
        machine = Machine(arguments, folder)
        try:
            for one in CHECKS:
                began = time.monotonic()
                one(machine, arguments)
                print(f"ok: {one.__doc__} ({time.monotonic() - began:.1f} s)", flush=True)
        except Failed as failure:
            print(f"FAILED: {one.__doc__}: {failure}")
            print("---- the stand-in ----", machine.log.text[-4000:],
                  "---- the root ----", machine.console.text[-4000:], sep="\n")
            return 1
        finally:
            machine.end()
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--standin", type=pathlib.Path, required=True)
    parser.add_argument("--guest", type=pathlib.Path, required=True,
                        help="folder that tests/guest/make made")
    parser.add_argument("--kernel", type=pathlib.Path)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--options", default="")
    parser.add_argument("--append", default="", help="words for the kernel")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments)
    command = qemu(arguments, ["-serial", "mon:stdio", "-serial", "null"])
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
