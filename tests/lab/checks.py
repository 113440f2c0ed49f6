# SPDX-License-Identifier: Apache-2.0
"""What must hold of a root partition on the stand-in, asserted from outside by the serial ports."""

import ipaddress
import re

import machine as lab
from machine import Failed

# What a kernel says when something is wrong with it or below it.
COMPLAINTS = re.compile(
    r"BUG:|Oops|Call Trace|INFO: rcu|detected stall|self-detected|soft lockup|WARNING:|Kernel panic"
    r"|general protection fault")
MOST_DRIFT = 100.0  # parts per million
DRIFT_SECONDS = 5
RELOADS = 20
PAUSES = 200
KEXECS = 2
LEFT_FREE = 32  # MiB, for what else goes on
# A reset may cut short what another processor writes just then.
STARTS = r"HV standin \d"
# The parameter of our driver by which guest memory is not pinned.
MOVABLE = "/sys/module/mshv_root/parameters/movable"
GATEWAY = "10.0.2.2"
ADDRESS = "10.0.2.15"
PCI_DEVICE = 1 << 62  # what a device id is of: TLFS, "Device Identifiers"


def complaints(text):
    """The lines of it in which the kernel complains."""
    return [line for line in text.splitlines() if COMPLAINTS.search(line)]


class Kernel:
    """What is known of the kernel before it boots, and so must show."""

    def __init__(self, root):
        word = (root / "kernel").read_text().split()[0]
        # Of kernel-patches/build: with the series, or with upstream's own driver.
        self.patched = word in ("root", "debug")
        self.upstream = word == "upstream"
        # How much longer a step may take than on a kernel that does not watch itself.
        self.slowness = 5 if word.endswith("debug") else 1


def boots(machine, kernel):
    """the root's init runs and its shell answers"""
    machine.wait_shell()
    return machine.run("uname -r")


def is_root(machine, kernel):
    """the kernel takes itself for the root partition"""
    if "running as root partition" not in machine.run("dmesg | grep -i hyper-v"):
        raise Failed("dmesg does not say so")
    if kernel.patched and machine.run("cat /sys/hypervisor/properties/partition_type") != "root":
        raise Failed("/sys/hypervisor does not say so")


def has_clock(machine, kernel):
    """the clock is the hypervisor's reference TSC page"""
    # Upstream's kernel knows it, and trusts the TSC itself.
    which = "available" if kernel.upstream else "current"
    sources = machine.run(f"cat /sys/devices/system/clocksource/clocksource0/{which}_clocksource")
    if "hyperv_clocksource_tsc_page" not in sources.split():
        raise Failed(f"{which}: {sources}")


def clock_is_right(machine, kernel):
    """the page drifts from the ACPI timer by less than 100 ppm"""
    said = machine.run(f"lab-clock-drift {DRIFT_SECONDS}")
    drift = re.search(r"^drift (-?[0-9.]+) ppm", said, re.MULTILINE)
    if not drift or abs(float(drift.group(1))) >= MOST_DRIFT:
        raise Failed(said)
    return f"{drift.group(1)} ppm"


def timer_interrupts(machine):
    """Of the hypervisor's timer, a number for each processor."""
    return [int(word) for word in machine.run("grep HVS: /proc/interrupts").split()
            if word.isdigit()]


def ticks_by_hypervisor(machine, kernel):
    """each processor's tick comes from the hypervisor's timer"""
    cpus = machine.arguments.cpus
    devices = re.findall(r"^Clock Event Device: (.*)$",
                         machine.run("grep -A1 '^Per CPU device' /proc/timer_list"), re.MULTILINE)
    if devices != ["Hyper-V clockevent"] * cpus:
        raise Failed(f"the tick devices are {devices}")
    before = timer_interrupts(machine)
    machine.run(f"for n in $(seq {cpus}); do"
                " (i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done) & done; wait")
    after = timer_interrupts(machine)
    if len(after) != cpus or not all(a > b for a, b in zip(after, before)):
        raise Failed(f"timer interrupts were {before}, are {after}")


def all_processors(machine, kernel):
    """each processor was added with deposited memory, has a VP and runs"""
    cpus = machine.arguments.cpus
    if machine.run("nproc") != str(cpus):
        raise Failed("the root has not got all of them")
    for index in range(1, cpus):
        machine.wait_log(rf"^HV lp {index} added$")
        machine.wait_log(rf"^HV partition 1 vp {index} created$")
        machine.wait_log(rf"^HV lp {index} starts at ")
    if cpus > 1:
        machine.wait_log(r"^HV hypercall 0x76 partition 1 status 0xb ")


def processor_goes_and_comes(machine, kernel):
    """a processor is taken offline and comes back"""
    cpus = machine.arguments.cpus
    if cpus == 1:
        return
    control = f"/sys/devices/system/cpu/cpu{cpus - 1}/online"
    machine.run(f"echo 0 >{control}")
    if machine.run("nproc") != str(cpus - 1):
        raise Failed("it is still there")
    machine.run(f"echo 1 >{control}")
    machine.wait_log(rf"^HV lp {cpus - 1} init$")
    if machine.run("nproc") != str(cpus):
        raise Failed("it did not come back")


class Device:
    """A PCI device of the root, by the folder in sysfs of what its driver makes of it."""

    def __init__(self, machine, folder):
        self.machine = machine
        path = machine.run(f"readlink -f {folder}/device").split("/")
        self.name = path[-1]  # virtio0, as its interrupts begin
        bus, slot, function = re.fullmatch(r"\w+:(\w+):(\w+)\.(\w)", path[-2]).groups()
        self.id = PCI_DEVICE | int(bus, 16) << 8 | int(slot, 16) << 3 | int(function, 16)

    def count(self):
        """Its interrupts since boot. All of them come through the hypervisor's mappings."""
        total = 0
        for line in self.machine.run(f"grep {self.name}- /proc/interrupts").splitlines():
            if "HV-PCI-MSI" not in line:
                raise Failed(f"not the hypervisor's: {line}")
            total += sum(int(word) for word in line.split()[1:1 + self.machine.arguments.cpus])
        return total

    def check_since(self, before):
        after = self.count()
        if after <= before:
            raise Failed(f"no interrupt of {self.name}: {before} and {after}")
        self.machine.wait_log(rf"^HV device {self.id:#x} vector ")
        return f"{after - before} interrupts"


def disk_interrupts(machine, kernel):
    """a disk is read right, and interrupts by mappings of the hypervisor"""
    disk = Device(machine, "/sys/block/vda")
    before = disk.count()
    for index, name in enumerate(("vmlinuz", "initrd.gz")):
        file = machine.arguments.root / name
        skip = index * lab.DISK_STEP >> 20
        size = file.stat().st_size
        said = machine.run(f"dd if=/dev/vda bs=1M skip={skip} count={(size >> 20) + 1} 2>/dev/null |"
                           f" head -c {size} | tee /tmp/{name} | md5sum")
        if said.split()[0] != lab.md5(file):
            raise Failed(f"{name} was read wrongly")
    return disk.check_since(before)


def network_interrupts(machine, kernel):
    """packets go and come, and interrupt by mappings of the hypervisor"""
    card = Device(machine, "/sys/class/net/eth0")
    before = card.count()
    machine.run("ifconfig eth0 up")
    lease = machine.run("udhcpc -n -q -i eth0 -s /bin/true 2>&1")
    if f"lease of {ADDRESS}" not in lease:
        raise Failed(lease)
    network = ipaddress.ip_interface(f"{ADDRESS}/24")
    machine.run(f"ifconfig eth0 {network.ip} netmask {network.netmask}")
    machine.run(f"ping -c 3 {GATEWAY}")
    said = machine.run("head -c 300000 /dev/urandom >/tmp/sent; md5sum </tmp/sent;"
                       f" nc {lab.ECHO_ADDRESS} {lab.ECHO_PORT} </tmp/sent | md5sum")
    sums = said.split("\n")
    if len(sums) != 2 or sums[0] != sums[1]:
        raise Failed(f"what came back is not what was sent: {said}")
    return card.check_since(before)


def has_driver(machine, kernel):
    """the kernel makes /dev/mshv"""
    machine.run("for m in $(cat /lib/driver.list); do insmod /lib/drivers/$m || exit 1; done;"
                " test -c /dev/mshv")
    if getattr(machine.arguments, "movable", False):
        machine.run(f"echo Y >{MOVABLE}")
        return "guest memory is movable"
    return None


def driver_comes_and_goes(machine, kernel):
    """the driver is loaded and unloaded 20 times, and /dev/mshv comes and goes with it"""
    modules = machine.run("cat /lib/driver.list").split()
    if not modules:
        if kernel.upstream:
            raise Failed("there is none")
        return "this kernel has none"
    steps = [f"insmod /lib/drivers/{name}" for name in modules] + ["test -c /dev/mshv"]
    steps += [f"rmmod {name.removesuffix('.ko')}" for name in reversed(modules)]
    steps.append("test ! -e /dev/mshv")
    machine.run(f"( for turn in $(seq {RELOADS}); do {' && '.join(steps)} || exit 1; done )")


def is_not_seen(machine, kernel):
    """the root can see neither SVM nor the hypervisor's console"""
    if machine.run("grep -cw svm /proc/cpuinfo || true") != "0":
        raise Failed("SVM is seen")
    ports = machine.run("grep serial /proc/ioports")
    if "03f8-" not in ports or "02f8-" in ports:
        raise Failed("the second serial port is seen")


def goes_on(machine, kernel):
    """the root goes on when QEMU, busy, is stopped and continued 200 times"""
    # Each calls all processors out of what they do, wherever they are.
    machine.run(f"for n in $(seq {machine.arguments.cpus}); do"
                " (while :; do md5sum /bin/busybox; done) >/dev/null & done")
    for _ in range(PAUSES):
        machine.ask("stop")
        machine.ask("cont")
    machine.run("kill $(jobs -p); wait")


def is_quiet(machine, kernel):
    """the kernel has not complained, nor the hypervisor"""
    found = complaints(machine.run("dmesg"))
    if found:
        raise Failed("; ".join(found[:5]))
    # Of the others it is known.
    if kernel.patched and "HV leftovers" in machine.log.text:
        raise Failed("the input of a hypercall is what an earlier one left")


def has_all_memory(machine):
    """What the kernel calls free is memory: all of it but a little is written to."""
    machine.run("mkdir -p /tmp/all; mount -t tmpfs -o size=100% none /tmp/all;"
                f" m=$(awk '/^MemAvailable/ {{print int($2 / 1024) - {LEFT_FREE}}}' /proc/meminfo);"
                " dd if=/dev/zero of=/tmp/all/file bs=1M count=$m 2>/dev/null;"
                " s=$?; umount /tmp/all; test $s = 0")


def starts_another(machine, kernel):
    """kexec, twice: the same kernel again, with all processors, in memory that is its own"""
    if not kernel.patched:
        return "not asked of this kernel"
    # Children end with their monitor, and leave pages with the root that nobody uses.
    has_driver(machine, kernel)
    machine.run("lab-child-vmm >/tmp/said; grep 'ok: all' /tmp/said")
    for turn in range(KEXECS):
        words = f"{lab.KERNEL_WORDS} {machine.arguments.append} lab.turn={turn}"
        begin = len(machine.console.text)
        # disk_interrupts leaves the two files there.
        machine.send(f"lab-kexec /tmp/vmlinuz /tmp/initrd.gz '{words}'")
        machine.wait_shell(begin)
        if f"lab.turn={turn}" not in machine.run("cat /proc/cmdline"):
            raise Failed(f"it is not that of turn {turn}")
        if machine.run("nproc") != str(machine.arguments.cpus):
            raise Failed("it has not got all processors")
        is_root(machine, kernel)
        has_clock(machine, kernel)
        has_all_memory(machine)
        disk_interrupts(machine, kernel)
        is_quiet(machine, kernel)


def powers_off(machine, kernel):
    """power-off ends the machine, by the hypervisor where the kernel asks it, and nothing is lost"""
    machine.send("poweroff -f")
    machine.wait_end()
    asked = kernel.patched or kernel.upstream
    found = machine.wait_log(r"^HV power off$" if asked else r"^HV root switches the machine off$")
    pool = machine.wait_log(
        r"^HV partition 1 deposited (\d+) withdrawn (\d+) held (\d+) free (\d+)$", found.end())
    deposited, withdrawn, held, free = (int(number) for number in pool.groups())
    # Each processor but the first and its VP keep a page each; a driver that has left keeps none.
    if held != deposited - withdrawn or held - free != 2 * (machine.arguments.cpus - 1):
        raise Failed(pool.group(0))
    # The kernels before took back what was free.
    if kernel.patched and free != 0:
        raise Failed(f"left by kexec: {pool.group(0)}")
    return f"{deposited} pages deposited, {withdrawn} withdrawn, {free} free"


def restarts(machine, kernel):
    """reboot starts the machine anew, by the hypervisor where the kernel asks it"""
    begin = len(machine.log.text)
    before = len(machine.console.text)
    machine.send("reboot -f")
    machine.wait_log(STARTS, begin)
    asked = "reset" if kernel.patched else "root resets the machine"
    if not re.search(rf"^HV {asked}$", machine.log.text[begin:], re.MULTILINE):
        raise Failed(f"the stand-in does not say {asked}")
    machine.wait_shell(before)


def reports_panic(machine, kernel):
    """a panic of the root is printed by the hypervisor, and the machine restarts"""
    begin = len(machine.log.text)
    machine.send("echo c >/proc/sysrq-trigger")
    machine.wait_log(r"^HV partition 1 crashed 0x", begin)
    machine.wait_log(r"^HV crash\| .*sysrq triggered crash", begin)
    machine.wait_log(STARTS, begin)


# A boot each. What ends the machine stands last.
LIFE = [boots, is_root, has_clock, all_processors, processor_goes_and_comes, ticks_by_hypervisor,
        is_not_seen, disk_interrupts, network_interrupts, goes_on, clock_is_right,
        driver_comes_and_goes, is_quiet, starts_another, powers_off]
ENDS = [boots, restarts, reports_panic]
# For another loader: that everything is found where that has left it.
LOADED = [boots, is_root, all_processors, is_quiet, powers_off]
