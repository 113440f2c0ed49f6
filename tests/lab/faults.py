# SPDX-License-Identifier: Apache-2.0
"""Boots a root kernel on the stand-in with one fault after the other and says what became of each.

Without --record, a kernel has to do what the list expects of one that is robust: come up with all of
its processors or with fewer, or end with a message; never hang. With --record it is only written down:
what an unpatched kernel does is a fact and no failure."""

import dataclasses
import pathlib
import re
import tempfile
import time

import machine as lab
from checks import complaints
from machine import Failed, Machine

# What a kernel came to.
BOOTS = "boots"
FEWER = "boots with fewer processors"
ENDS = "ends with a message"
WITHOUT = "comes up without devices, the console's among them, whose drivers are told"
REFUSED = "the stand-in refuses the word"
HANGS = "HANGS"


@dataclasses.dataclass(frozen=True)
class Case:
    """Words for the stand-in, what a robust kernel may come to, whether a fault must be seen, and what
    the kernel has to say of it."""
    options: str
    may: tuple = (BOOTS,)
    injected: bool = True
    says: str = ""


CASES = [
    Case("", injected=False),
    Case("strict lab", injected=False),
    # Deposits: each of the statuses that ask for one, and one that is never enough.
    Case("memory=1"),
    Case("memory=2+", (FEWER, ENDS)),
    Case("memory=1:0x73"),
    Case("memory=1:0x75"),
    Case("memory=1:0x83"),
    Case("memory=every:0x75", (FEWER, ENDS)),
    Case("elements=1", injected=False),
    Case("status=0x48:0x71:1", (BOOTS, FEWER, ENDS)),
    Case("status=0x48:0x71:every", (FEWER, ENDS)),
    Case("strict status=0x48:0xb:1:0", (BOOTS, FEWER, ENDS)),
    # Processors.
    Case("status=0x76:0x71:1", (FEWER, ENDS)),
    Case("status=0x76:5:every", (FEWER, ENDS)),
    Case("status=0x4e:0x71:1", (FEWER, ENDS)),
    Case("status=0x4e:0xe:every", (FEWER, ENDS)),
    Case("status=0x46:6:every", (BOOTS, ENDS)),
    # Interrupts of devices, which a machine need not have.
    Case("status=0x7c:5:1", (BOOTS, ENDS), injected=False),
    Case("status=0x7c:0x1d:4", (BOOTS, ENDS)),
    Case("status=0x7c:0x1d:4+", (WITHOUT, ENDS)),
    Case("status=0x7d:0x10:every", injected=False),
    # What the guest is advised to do.
    Case("hints=flush", injected=False, says="Using hypercall for remote TLB flush"),
    Case("hints=ipi", injected=False, says="Using IPI hypercalls"),
    Case("hints=apic", injected=False, says="Using enlightened APIC"),
    Case("hints=flush,ipi,masks,apic,auto-eoi", injected=False),
    # Messages; none is sent but what the lab asks for.
    Case("lab pending=0x8f00:1 eom=ignore-once message=hold-once message=repeat-interrupt",
         injected=False),
    # Words that make no sense.
    Case("memory=0", (REFUSED,), injected=False),
    Case("pending=0x48:1", (REFUSED,), injected=False),
]

PANIC = re.compile(r"^HV panic .*$(?=\n)", re.MULTILINE)
TOLD = re.compile(r"\S+ \S+: probe with driver \S+ failed with error -\d+")
ENDED = re.compile(r"Kernel panic|kernel BUG at|BUG:|reboot: ")


def without(machine, case):
    """That a driver is told, where this may be all; else nothing. The kernel has gone on to its init."""
    return (WITHOUT in case.may and "Run /init" in machine.console.text and
            TOLD.search(machine.console.text))


def come_to(machine, case, arguments):
    """Which of the outcomes above, and the line that shows it."""
    def settled():
        return (lab.PROMPT in machine.console.text or ENDED.search(machine.console.text) or
                PANIC.search(machine.log.text) or not machine.open or without(machine, case))

    try:
        machine.wait(settled, "nothing happens")
        if without(machine, case):
            return WITHOUT, without(machine, case)[0]
        if lab.PROMPT not in machine.console.text and not PANIC.search(machine.log.text):
            machine.wait(lambda: not machine.open, "it neither comes up nor ends")
    except Failed:
        return HANGS, (machine.console.text.rstrip().rsplit("\n", 1)[-1] or
                       machine.log.text.rstrip().rsplit("\n", 1)[-1])
    panic = PANIC.search(machine.log.text)
    if panic:
        refused = "unknown option" in panic[0] or "no such call" in panic[0]
        return REFUSED if refused else ENDS, panic[0]
    if lab.PROMPT not in machine.console.text:
        found = ENDED.search(machine.console.text)
        text = machine.console.text[found.start():] if found else "it ends without a word"
        return ENDS if found else HANGS, text.split("\n", 1)[0]
    machine.run("dmesg -n 1")
    count = machine.run("nproc")
    return (BOOTS if count == str(arguments.cpus) else FEWER), f"{count} processors"


def judge(case, outcome, machine, arguments):
    """What is wrong; empty when nothing is."""
    faults = len(re.findall(r"^HV fault ", machine.log.text, re.MULTILINE))
    if case.injected and faults == 0:
        return "no fault was injected"
    if case.says not in machine.console.text:
        return f"the kernel never says: {case.says}"
    if not arguments.record and outcome not in case.may:
        return "expected: " + " or ".join(case.may)
    if outcome in (BOOTS, FEWER) and not arguments.record:
        found = complaints(machine.console.text)
        if found and case.may == (BOOTS,):
            return found[0]
    return ""


def run(case, arguments):
    arguments.options = case.options
    with tempfile.TemporaryDirectory(prefix="mshv-faults.") as folder:
        machine = Machine(arguments, pathlib.Path(folder), ["-no-reboot"])
        began = time.monotonic()
        try:
            outcome, line = come_to(machine, case, arguments)
            wrong = judge(case, outcome, machine, arguments)
        except Failed as failure:
            outcome, line, wrong = HANGS, str(failure), "the shell does not answer"
        finally:
            machine.end()
    mark = "FAILED" if wrong else "ok"
    print(f"{mark}: {case.options or '-'} | {outcome} | {line} | {wrong} "
          f"({time.monotonic() - began:.0f} s)", flush=True)
    return not wrong


def check(arguments):
    """All of them, or those whose words contain arguments.only."""
    results = [run(case, arguments) for case in CASES if arguments.only in case.options]
    print(f"{results.count(True)} of {len(results)} as expected")
    return all(results)
