#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine with the stand-in hypervisor and a root partition, for a shell or for the checks."""

import argparse
import os
import pathlib
import sys
import tempfile

import bench
import checks
import child_qemu
import faults
import pair
import session
import soak
import stack
from machine import add_arguments, make_disk, qemu


def check(arguments):
    kernel = (arguments.root / "kernel").read_text().strip()
    print(f"kernel: {kernel}, {arguments.cpus} processors", flush=True)
    if arguments.loader != "qemu":
        return session.run(arguments, checks.LOADED, ["-no-reboot"])
    return (session.run(arguments, checks.LIFE, ["-no-reboot"])
            and session.run(arguments, checks.ENDS, []))


def check_child(arguments):
    if not arguments.child_disk:
        raise SystemExit("--check-child wants --child-disk")
    kernel = (arguments.root / "kernel").read_text().strip()
    print(f"kernel: {kernel}, {arguments.cpus} processors", flush=True)
    return session.run(arguments, child_qemu.CHECKS,
                       ["-no-reboot", *child_qemu.devices(arguments.child_disk)])


def check_stack(arguments):
    if not arguments.child_disk or not arguments.build:
        raise SystemExit("--check-stack wants --child-disk and --build")
    kernel = (arguments.root / "kernel").read_text().strip()
    print(f"kernel: {kernel}, {arguments.cpus} processors", flush=True)
    with tempfile.TemporaryDirectory(prefix="mshv-lab.") as folder:
        extra = ["-no-reboot", *stack.devices(arguments, pathlib.Path(folder))]
        if not checks.Kernel(arguments.root).patched:
            return session.run(arguments, stack.STOCK, extra)
        return (session.run(arguments, stack.CHECKS, extra)
                and session.run(arguments, stack.CLOSED, extra)
                and session.run(arguments, stack.ALONE, extra, standin=False))


def check_pair(arguments):
    """Two children at once."""
    if not arguments.child_disk:
        raise SystemExit("--children wants --child-disk")
    arguments.cpus = max(arguments.cpus, 2)
    # It lasts, and QEMU with more threads may lose the root's state beside children.
    arguments.thread = "single"
    kernel = (arguments.root / "kernel").read_text().strip()
    print(f"kernel: {kernel}, {arguments.cpus} processors", flush=True)
    return session.run(arguments, pair.checks(arguments.children),
                       ["-no-reboot", *child_qemu.devices(arguments.child_disk)])


def bench_child(arguments):
    if not arguments.child_disk or not arguments.kvm_root:
        raise SystemExit("--bench-child wants --child-disk and --kvm-root")
    return bench.child(arguments)


def shell(arguments):
    # Not removed: exec leaves nobody to do it. QEMU keeps it open, so its name is not needed.
    disk = tempfile.NamedTemporaryFile(prefix="mshv-lab.", delete=False)
    make_disk(arguments.root, disk.name)
    command = qemu(arguments, f"/dev/fd/{disk.fileno()}",
                   ["-no-reboot", "-serial", "mon:stdio", "-serial", "null"])
    os.unlink(disk.name)
    os.set_inheritable(disk.fileno(), True)
    os.execvp(command[0], command)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--soak", type=float, metavar="MINUTES")
    what.add_argument("--bench", type=int, metavar="TIMES")
    what.add_argument("--faults", action="store_true")
    what.add_argument("--check-child", action="store_true")
    what.add_argument("--check-stack", action="store_true")
    what.add_argument("--children", type=float, metavar="MINUTES")
    what.add_argument("--bench-child", type=int, metavar="TIMES")
    parser.add_argument("--child-disk", type=pathlib.Path,
                        help="with what makes children by QEMU: what tests/lab/root/qemu made")
    parser.add_argument("--kvm-root", type=pathlib.Path,
                        help="with --bench-child: what root/make made of a kernel that has KVM")
    parser.add_argument("--child-cpus", type=int, default=1,
                        help="with --bench-child: the child's processors")
    parser.add_argument("--build", type=pathlib.Path,
                        help="with --check-stack: build tree of the programs")
    parser.add_argument("--kills", type=int, default=5,
                        help="with --check-child: how often QEMU is killed")
    parser.add_argument("--movable", action="store_true",
                        help="with --check-child: guest memory is not pinned")
    parser.add_argument("--record", action="store_true",
                        help="with --faults: write down what the kernel does, whatever that is")
    parser.add_argument("--only", default="", help="with --faults: those that contain this")
    arguments = parser.parse_args()
    if arguments.check:
        return 0 if check(arguments) else 1
    if arguments.check_child:
        return 0 if check_child(arguments) else 1
    if arguments.check_stack:
        return 0 if check_stack(arguments) else 1
    if arguments.soak:
        return 0 if session.run(arguments, [checks.boots, soak.of(arguments.soak), checks.is_quiet,
                                            checks.powers_off], ["-no-reboot"]) else 1
    if arguments.faults:
        return 0 if faults.check(arguments) else 1
    if arguments.children:
        return 0 if check_pair(arguments) else 1
    if arguments.bench:
        return 0 if bench.root(arguments) else 1
    if arguments.bench_child:
        return 0 if bench_child(arguments) else 1
    return shell(arguments)


if __name__ == "__main__":
    sys.exit(main())
