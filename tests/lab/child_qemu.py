# SPDX-License-Identifier: Apache-2.0
"""Debian's own QEMU in the root, on /dev/mshv, with Debian's own kernel as its guest: what must hold of
the two, asserted from outside. The child's console is the root's, and that the lab's first serial port."""

import random
import re
import time

import children
import machine as lab
from checks import ADDRESS, GATEWAY, has_driver, is_quiet
from machine import Failed

CHILD_MEMORY = 256
TREE = "/tree"  # where the root has the disk of root/qemu
DISK_MEBIBYTES = 4
SENT_KIBIBYTES = 256
# A processor of a child takes a machine's time like one of the root's, and its tick some ten exits.
PATIENCE = 900.0
ENDED = re.compile(r"^CHILD-ENDED=(\d+)$", re.MULTILINE)
# So far the root's shell counts until QEMU is killed, at the most: somewhere in the boot of a child.
MOST_COUNTS_BEFORE_KILL = 100_000


def devices(folder):
    """What the machine has more than without children, as words for QEMU: memory and a second disk.
    `folder` is what root/qemu made."""
    return ["-m", "2048", "-drive", f"file={folder}/disk,if=none,id=tree,format=raw,readonly=on",
            "-device", "virtio-blk-pci,drive=tree"]


def qemu(cpus, serial, accelerator="mshv", disk="disk"):
    """The command. QEMU cannot reset a partition (11.1): a child that wants it gets another process, from
    who started it."""
    return (f"chroot {TREE} qemu-system-x86_64 -accel {accelerator} -name child,debug-threads=on"
            " -machine q35 -cpu host"
            f" -m {CHILD_MEMORY} -smp {cpus} -nodefaults -display none -no-reboot"
            " -kernel /boot/vmlinuz -initrd /boot/initrd.gz -append 'console=ttyS0 quiet'"
            f" -drive file=/tmp/{disk},if=none,id=disk,format=raw"
            " -device virtio-blk-pci,drive=disk,disable-legacy=on"
            f" -netdev 'user,id=net,restrict=on,"
            f"guestfwd=tcp:{lab.ECHO_ADDRESS}:{lab.ECHO_PORT}-cmd:/tmp/busybox cat'"
            f" -device virtio-net-pci,netdev=net,romfile=,disable-legacy=on {serial}")


def boots(machine, kernel):
    """the root boots to its shell"""
    machine.wait_shell()
    return f"{time.monotonic() - machine.began:.1f} s from the start of QEMU"


def mounts_tree(machine):
    machine.run(f"mkdir -p {TREE} && mount -o ro /dev/vdb {TREE} && mount -t tmpfs tmp {TREE}/tmp &&"
                f" for f in dev proc sys; do mount --bind /$f {TREE}/$f || exit 1; done")


def has_qemu(machine, kernel):
    """Debian's QEMU runs in it"""
    mounts_tree(machine)
    # What the child's network answers with is a program that QEMU reaches by the root's loopback.
    machine.run(f"ifconfig lo up; cd {TREE}/tmp; cp /bin/busybox .;"
                f" dd if=/dev/urandom of=disk bs=1M count={DISK_MEBIBYTES} 2>/dev/null")
    machine.run("(lab-kick MSHV >/dev/null 2>&1 &)")
    if "mshv" not in machine.run(f"chroot {TREE} qemu-system-x86_64 -accel help").split():
        raise Failed("it does not know mshv")
    said = machine.run(f"chroot {TREE} qemu-system-x86_64 --version")
    return said.split("\n", 1)[0].removeprefix("QEMU emulator version ")


def start_child(machine, cpus, accelerator="mshv"):
    """Until its shell answers. Seconds from the start of its QEMU, and what it said meanwhile."""
    machine.log_of_child = len(machine.log.text)
    begin = len(machine.console.text)
    began = time.monotonic()
    machine.send(f"{qemu(cpus, '-serial stdio', accelerator)}; echo CHILD''-ENDED=$?")
    machine.wait(lambda: lab.READY in machine.console.text[begin:] or
                 ENDED.search(machine.console.text, begin), "the child does not boot", PATIENCE)
    if ENDED.search(machine.console.text, begin):
        raise Failed(f"QEMU has ended: {machine.console.text[begin:][-2000:]}")
    machine.wait_shell(begin)
    took = time.monotonic() - began
    if machine.run("nproc") != str(cpus):
        raise Failed("it has not got all of its processors")
    return took, machine.console.text[begin:]


def end_child(machine, command):
    """By a command in its shell; its QEMU ends, and nothing of it is left."""
    log = machine.log_of_child
    begin = len(machine.console.text)
    machine.send(command)
    ended = machine.wait(lambda: ENDED.search(machine.console.text, begin), "its QEMU goes on")
    if ended.group(1) != "0":
        raise Failed(machine.console.text[begin:])
    return f"{children.wait_ends(machine, log)[0]} pages deposited and withdrawn"


def boots_child(machine, kernel):
    """a child boots to its shell"""
    took, said = start_child(machine, 1)
    for line in said.splitlines():
        print("child|", line)
    return f"{took:.1f} s from the start of its QEMU, {machine.run('uname -r')}"


def knows_hypervisor(machine, kernel):
    """it knows its hypervisor, and has its clock from it"""
    # The console is slow, so each looks for its lines there.
    print("child|", machine.run("dmesg | grep 'Hypervisor detected: Microsoft Hyper-V'"))
    clock = machine.run("cat /sys/devices/system/clocksource/clocksource0/current_clocksource")
    if clock != "hyperv_clocksource_tsc_page":
        raise Failed(clock)


def interrupts(machine, name):
    """Those of the child's device, since boot."""
    return sum(int(word) for line in machine.run(f"grep {name}- /proc/interrupts").splitlines()
               for word in line.split()[1:] if word.isdigit())


def uses_disk(machine, kernel):
    """it reads and writes its disk, which interrupts"""
    half = DISK_MEBIBYTES // 2
    # The first half as it came, the second its own.
    machine.run(f"dd if=/dev/urandom of=/dev/vda bs=1M seek={half} count={half} conv=fsync"
                " 2>/dev/null")
    machine.disk_sum = machine.run("echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vda")
    return f"{interrupts(machine, 'virtio[0-9]')} interrupts"


def uses_network(machine, kernel):
    """it gets an address over its network, and what it sends comes back"""
    machine.run("ifconfig eth0 up")
    lease = machine.run("udhcpc -n -q -i eth0 -s /bin/true 2>&1")
    if f"lease of {ADDRESS}" not in lease:
        raise Failed(lease)
    machine.run(f"ifconfig eth0 {ADDRESS} netmask 255.255.255.0; ping -c 3 {GATEWAY}")
    # By TCP: QEMU's TFTP answers what is sent once more as if it were the next.
    machine.run(f"head -c {SENT_KIBIBYTES}k /dev/vda >/tmp/sent")
    sent = machine.run("md5sum </tmp/sent")
    came = machine.run(f"nc {lab.ECHO_ADDRESS} {lab.ECHO_PORT} </tmp/sent | md5sum")
    if sent != came:
        raise Failed(f"{sent} was sent, {came} came back")
    machine.run("rm /tmp/sent")
    return f"{SENT_KIBIBYTES} KiB"


def powers_off(machine, kernel):
    """its power-off ends QEMU, and nothing of it is left; what it read and wrote is right"""
    said = end_child(machine, "poweroff -f")
    if machine.run(f"md5sum <{TREE}/tmp/disk") != machine.disk_sum:
        raise Failed("the disk is not what the child read and wrote")
    return said


def reboots(machine, kernel):
    """its reboot ends QEMU, and nothing of it is left"""
    start_child(machine, 1)
    return end_child(machine, "reboot -f")


def boots_with_four_processors(machine, kernel):
    """the next boots it with four processors, and each has its timer"""
    took, _ = start_child(machine, 4)
    counts = machine.run("grep HVS: /proc/interrupts").split()[1:5]
    if "0" in counts:
        raise Failed(f"timer interrupts: {counts}")
    return f"{took:.1f} s from the start of its QEMU"


def killed(machine, kernel):
    """QEMU is killed, and nothing of it is left"""
    # The first before it has a partition.
    log = len(machine.log.text)
    count = machine.arguments.kills
    points = [0] + [random.randrange(MOST_COUNTS_BEFORE_KILL) for _ in range(count - 1)]
    for index, point in enumerate(points):
        machine.run(f"{qemu((1, 4)[index % 2], '-serial null')} >/dev/null 2>&1 </dev/null & p=$!; i=0;"
                    f" while [ $i -lt {point} ]; do i=$((i+1)); done; kill -9 $p; wait $p; true")
    pages = children.wait_ends(machine, log)
    return (f"{count} times, after counts to {min(points)} … {max(points)}; {len(pages)} partitions,"
            f" {sum(pages)} pages deposited and withdrawn, {max(pages, default=0)} at most")


CHECKS = [boots, has_driver, has_qemu, boots_child, knows_hypervisor, uses_disk, uses_network,
          powers_off, reboots, boots_with_four_processors, uses_disk, uses_network, powers_off, killed,
          is_quiet]
