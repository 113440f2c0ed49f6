# SPDX-License-Identifier: Apache-2.0
"""How long things take on the stand-in, beside the same without it: to the root's shell; and to that of a
child, beside one of KVM's in a Linux that has the same machine to itself."""

import argparse
import pathlib
import statistics
import tempfile
import time

import checks
import child_qemu
from machine import Machine


def seconds_to_shells(arguments, extra, accelerator=None, standin=True):
    """From the start of the machine's QEMU to the root's prompt; and with an accelerator, from the start
    of the QEMU in the root to the child's."""
    with tempfile.TemporaryDirectory(prefix="mshv-lab.") as folder:
        machine = Machine(arguments, pathlib.Path(folder), ["-no-reboot", *extra], standin)
        try:
            machine.wait_shell()
            root = time.monotonic() - machine.began
            if accelerator is None:
                return root, None
            if accelerator == "mshv":
                checks.has_driver(machine, None)
            else:
                machine.run("for m in $(cat /lib/kvm.list); do insmod /lib/drivers/$m || exit 1; done;"
                            " test -c /dev/kvm")
            child_qemu.has_qemu(machine, None)
            return root, child_qemu.start_child(machine, arguments.child_cpus, accelerator)[0]
        finally:
            machine.end()


def root(arguments):
    """The two by turns, so that what else the machine does falls on both."""
    below, alone = [], []
    for _ in range(arguments.bench):
        below.append(seconds_to_shells(arguments, [])[0])
        alone.append(seconds_to_shells(arguments, [], standin=False)[0])
    print(f"{arguments.cpus} processors, median of {arguments.bench}:"
          f" {statistics.median(below):.2f} s on the stand-in,"
          f" {statistics.median(alone):.2f} s without,"
          f" ratio {statistics.median(below) / statistics.median(alone):.2f}")
    return True


def child(arguments):
    """By turns, too. KVM's root has a kernel of its own, since the series' has no KVM."""
    extra = child_qemu.devices(arguments.child_disk)
    other = argparse.Namespace(**{**vars(arguments), "root": arguments.kvm_root})
    mshv, kvm = [], []
    for turn in range(arguments.bench_child):
        mshv.append(seconds_to_shells(arguments, extra, "mshv"))
        kvm.append(seconds_to_shells(other, extra, "kvm", standin=False))
        print(f"turn {turn + 1}: mshv {mshv[-1][0]:.2f} s to the root, {mshv[-1][1]:.2f} s to the child;"
              f" kvm {kvm[-1][0]:.2f} s, {kvm[-1][1]:.2f} s", flush=True)
    (mshv_root, mshv_child), (kvm_root, kvm_child) = (
        [statistics.median(times) for times in zip(*turns)] for turns in (mshv, kvm))
    print(f"{arguments.cpus} processors, a child of {arguments.child_cpus}, median of"
          f" {arguments.bench_child}: to the root's shell {mshv_root:.2f} s on the stand-in,"
          f" {kvm_root:.2f} s without; from there to the child's by mshv {mshv_child:.2f} s, by kvm"
          f" {kvm_child:.2f} s, ratio {mshv_child / kvm_child:.2f}")
    return True
