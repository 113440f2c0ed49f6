#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the probe on the stand-in, once for each set of options, and reads what it says."""

import argparse
import pathlib
import re
import subprocess
import sys

# Against a machine that hangs; none of these takes more than seconds.
PATIENCE = 120

# Words for the stand-in, words for the probe, what the stand-in has to say of it.
RUNS = [
    ("lab", "usual", [r"^HV partition 1 deposited 13 withdrawn 13 held 0 free 0$"]),
    ("lab strict", "usual", [r"^HV partition 1 deposited 13 withdrawn 13 held 0 free 0$"]),
    ("lab strict", "strict",
     [r"^HV root touched a deposited page gpa 0x[0-9a-f]+ rip 0x[0-9a-f]+ lp 0$"]),
    ("lab hints=flush,ipi,masks,apic", "hints", []),
    ("lab hints=auto-eoi", "auto-eoi", []),
    ("lab elements=2 memory=1:0x73 status=0x48:0x71:3:1 pending=0x8f00:1 eom=ignore-once",
     "faults",
     [r"^HV fault hypercall 0x6c finds no memory, status 0x73$",
      r"^HV fault hypercall 0x48 answers status 0x71 after 1$",
      r"^HV fault hypercall 0x8f00 answers status 0x79 after 0$",
      r"^HV fault end of message ignored$"]),
]


def boot(arguments, options, words):
    """What it said on its two serial ports."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,+svm", "-machine",
               "q35", "-m", "256", "-smp", str(arguments.cpus), "-display", "none", "-no-reboot",
               "-kernel", str(arguments.standin), "-append", options,
               "-initrd", f"{arguments.probe} {words}", "-serial", "stdio", "-serial",
               "file:/dev/stderr"]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=PATIENCE, check=False)
        return result.stdout.replace("\r", ""), result.stderr.replace("\r", "")
    except subprocess.TimeoutExpired as expired:
        said = [(part or b"").decode("utf-8", "replace").replace("\r", "")
                for part in (expired.stdout, expired.stderr)]
        return said[0] + "\nFAILED: it hangs\n", said[1]


def check(arguments, options, words, wanted):
    """Whether all was as it should be; says what was not."""
    said, log = boot(arguments, options, words)
    wrong = re.findall(r"^FAILED: .*", said, re.MULTILINE)
    if not re.search(r"^ok: all$", said, re.MULTILINE):
        wrong.append("it does not come to its end")
    wrong += [f"the stand-in never says {one}" for one in wanted
              if not re.search(one, log, re.MULTILINE)]
    count = len(re.findall(r"^ok: ", said, re.MULTILINE))
    print(f"{'FAILED' if wrong else 'ok'}: {words} with {options}: {count} checks")
    for line in wrong:
        print("   ", line)
    if wrong:
        print("---- the probe ----", said[-3000:], "---- the stand-in ----", log[-3000:], sep="\n")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--standin", type=pathlib.Path, required=True)
    parser.add_argument("--probe", type=pathlib.Path, required=True)
    parser.add_argument("--cpus", type=int, default=1)
    arguments = parser.parse_args()
    return 0 if all([check(arguments, *run) for run in RUNS]) else 1


if __name__ == "__main__":
    sys.exit(main())
