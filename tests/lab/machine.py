# SPDX-License-Identifier: Apache-2.0
"""QEMU with the stand-in hypervisor and a root partition, and its two serial ports."""

import functools
import hashlib
import json
import pathlib
import re
import select
import socket
import subprocess
import time

import grub

TOP = pathlib.Path(__file__).resolve().parents[2]
STANDIN = TOP / "build/dev/tests/standin/standin.elf"
# How long one step may take on a machine that does other things, too. No step waits for it in vain:
# the end of QEMU or of the stand-in ends every wait.
PATIENCE = 240.0
# What the stand-in says last; it stops the machine with it.
LAST_WORDS = re.compile(r"^HV (?:panic|exception) .*$(?=\n)", re.MULTILINE)
# `iomem`: lab-clock-drift maps a page that the memory map calls reserved.
KERNEL_WORDS = "console=ttyS0 no_timer_check panic=-1 iomem=relaxed"
READY = "MSHV-GUEST-READY"
PROMPT = "MSHV-GUEST# "
# Where the network's one service answers: what it gets it sends back.
ECHO_ADDRESS = "10.0.2.100"
ECHO_PORT = 7
# The disk holds the kernel and the initial RAM disk, each from a border of so many bytes on.
DISK_STEP = 64 << 20


class Failed(Exception):
    """A check that did not hold."""


def add_arguments(parser):
    """What makes the machine, for the command line of a program that boots one."""
    parser.add_argument("--standin", type=pathlib.Path, default=STANDIN)
    parser.add_argument("--root", type=pathlib.Path, required=True,
                        help="folder that tests/lab/root/make made")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--options", default="", help="words for the stand-in")
    parser.add_argument("--append", default="", help="words for the kernel")
    parser.add_argument("--loader", choices=["qemu", "grub", "uefi"], default="qemu",
                        help="what loads the stand-in: QEMU, or GRUB from BIOS or from UEFI")
    # See standin/svm/processor.cpp for what a QEMU with more threads may lose.
    parser.add_argument("--thread", choices=["multi", "single"], default="multi",
                        help="whether each processor of the machine is a thread of QEMU's")


def make_disk(root, path):
    with open(path, "wb") as disk:
        for index, name in enumerate(("vmlinuz", "initrd.gz")):
            disk.seek(index * DISK_STEP)
            disk.write((root / name).read_bytes())
        disk.truncate(2 * DISK_STEP)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@functools.cache
def loses_device_accesses():
    """Whether this QEMU wants the stand-in's option hold-for-pci: it is older than 8.1."""
    said = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True,
                          check=True).stdout
    major, minor = re.search(r"version (\d+)\.(\d+)", said).groups()
    return (int(major), int(minor)) < (8, 1)


def options_of(arguments):
    """Words for the stand-in."""
    hold = arguments.cpus > 1 and loses_device_accesses()
    return f"{arguments.options} hold-for-pci".strip() if hold else arguments.options


def boot(arguments, disk, standin):
    """How the machine gets what it boots. Without the stand-in the kernel has it to itself."""
    words = f"{KERNEL_WORDS} {arguments.append}".strip()
    kernel = arguments.root / "vmlinuz"
    initrd = arguments.root / "initrd.gz"
    if not standin:
        return ["-kernel", str(kernel), "-append", words, "-initrd", str(initrd)]
    if arguments.loader == "qemu":
        root = f"{kernel} {words}".replace(",", ",,")
        return ["-kernel", str(arguments.standin), "-append", options_of(arguments),
                "-initrd", f"{root},{initrd}"]
    image = disk.with_name("image")
    grub.make_image(image, arguments.standin, kernel, initrd, options_of(arguments), words)
    return grub.devices(image, arguments.loader == "uefi")


def qemu(arguments, disk, serials, standin=True):
    """The machine: what it is apart from where its two serial ports go."""
    return ["qemu-system-x86_64", "-accel", f"tcg,thread={arguments.thread}", "-cpu", "max,+svm",
            "-machine", "q35", "-m", "1024", "-smp", str(arguments.cpus), "-display", "none",
            "-nodefaults", *boot(arguments, disk, standin),
            "-drive", f"file={disk},if=none,id=disk,format=raw,readonly=on",
            "-device", "virtio-blk-pci,drive=disk",
            "-netdev", "user,id=net,restrict=on,"
                       f"guestfwd=tcp:{ECHO_ADDRESS}:{ECHO_PORT}-cmd:cat",
            "-device", "virtio-net-pci,netdev=net,romfile=", *serials]


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

    def close(self):
        self.listener.close()
        if self.connection:
            self.connection.close()


class Machine:
    """QEMU while it is checked."""

    def __init__(self, arguments, folder, extra=(), standin=True):
        self.arguments = arguments
        self.patience = PATIENCE
        disk = folder / "disk"
        if not disk.exists():
            make_disk(arguments.root, disk)
        self.ports = {}
        serials = list(extra)
        for name in ("console", "log"):
            path = folder / name
            path.unlink(missing_ok=True)
            self.ports[name] = Port(str(path))
            serials += ["-chardev", f"socket,id={name},path={path}", "-serial", f"chardev:{name}"]
        self.console = self.ports["console"]
        self.log = self.ports["log"]
        control = folder / "control"
        control.unlink(missing_ok=True)
        self.control = Port(str(control))
        serials += ["-chardev", f"socket,id=control,path={control}", "-mon",
                    "chardev=control,mode=control"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(qemu(arguments, disk, serials, standin),
                                        stdin=subprocess.DEVNULL)
        self.open = {}
        for port in self.ports.values():
            port.accept()
            self.open[port.connection] = port
        self.control.accept()
        self.control.connection.settimeout(PATIENCE)
        self.control_lines = self.control.connection.makefile("r")
        self.control_lines.readline()  # the greeting
        self.ask("qmp_capabilities")

    def ask(self, command):
        """QEMU itself, by its monitor."""
        try:
            self.control.connection.sendall(json.dumps({"execute": command}).encode())
            for line in self.control_lines:
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise Failed(f"{command}: {answer['error']}")
        except OSError as error:
            raise Failed(f"{command}: {error}") from error
        raise Failed(f"{command}: the machine has ended")

    def wait(self, condition, what, patience=None):
        """Until condition() gives something, which is returned: the stand-in's panic only to who waits
        for that."""
        deadline = time.monotonic() + (patience or self.patience)
        while True:
            result = condition()
            if result:
                return result
            stopped = LAST_WORDS.search(self.log.text)
            if stopped:
                raise Failed(f"{what}: the stand-in has stopped: {stopped[0]}")
            left = deadline - time.monotonic()
            if left <= 0 or not self.open:
                ended = "" if self.open else ": the machine has ended"
                raise Failed(f"{what}{ended}")
            ready, _, _ = select.select(list(self.open), [], [], left)
            for connection in ready:
                if not self.open[connection].take():
                    del self.open[connection]

    def send(self, command):
        """To the root's shell, without waiting for what it does."""
        self.console.connection.sendall(f"{command}\n".encode())

    def run(self, command, patience=None):
        """Output of a command in the root's shell."""
        # The shell's echo shows the quotes; only its output has the words whole.
        begin = len(self.console.text)
        self.send(f"echo BEG''IN; {command}; echo E''ND=$?")
        found = self.wait(
            lambda: re.search(r"^BEGIN\n(.*?)^END=(\d+)$", self.console.text[begin:],
                              re.DOTALL | re.MULTILINE), f"no answer to: {command}", patience)
        if found.group(2) != "0":
            raise Failed(f"{command}: status {found.group(2)}: {found.group(1)}")
        return found.group(1).strip()

    def wait_shell(self, begin=0):
        """Of the root that boots; `begin` is where its console does. An older shell's last prompt may
        come behind that. From then on the kernel writes into its log only, not between a command's
        words, but for what it dies of."""
        self.wait(lambda: READY in self.console.text[begin:], "no init")
        ready = self.console.text.index(READY, begin)
        self.wait(lambda: PROMPT in self.console.text[ready:], "no shell")
        self.send("dmesg -n 1")

    def wait_log(self, pattern, begin=0):
        return self.wait(lambda: re.search(pattern, self.log.text[begin:], re.MULTILINE),
                         f"the stand-in never says {pattern}")

    def wait_end(self):
        self.wait(lambda: not self.open, "the machine goes on")
        if self.process.wait() != 0:
            raise Failed("QEMU failed")

    def end(self):
        self.process.kill()
        self.process.wait()
        for port in (*self.ports.values(), self.control):
            port.close()
