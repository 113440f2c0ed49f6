#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the root partition that makes children, and reads what it says of them."""

import argparse
import pathlib
import re
import subprocess
import sys

# Against a machine that hangs; none of these takes more than seconds.
PATIENCE = 120

# Words for the stand-in, what it has to say.
CLEAN = r"^HV partition 1 deposited (\d+) withdrawn \1 held 0 free 0$"
RUNS = [
    ("lab", [CLEAN]),
    ("lab strict", [CLEAN]),
    ("lab elements=1", [CLEAN]),
    ("lab memory=3:0x0b", [CLEAN, r"^HV fault hypercall 0x[0-9a-f]+ finds no memory"]),
]


def boot(arguments, options):
    """What it said on its two serial ports."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,+svm", "-machine",
               "q35", "-m", "256", "-smp", str(arguments.cpus), "-display", "none", "-no-reboot",
               "-kernel", str(arguments.standin), "-append", options,
               "-initrd", str(arguments.probe), "-serial", "stdio", "-serial", "file:/dev/stderr"]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=PATIENCE, check=False)
        return result.stdout.replace("\r", ""), result.stderr.replace("\r", "")
    except subprocess.TimeoutExpired as expired:
        said = [(part or b"").decode("utf-8", "replace").replace("\r", "")
                for part in (expired.stdout, expired.stderr)]
        return said[0] + "\nFAILED: it hangs\n", said[1]


def check(arguments, options, wanted):
    """Whether all was as it should be; says what was not."""
    said, log = boot(arguments, options)
    wrong = re.findall(r"^FAILED: .*", said, re.MULTILINE)
    if not re.search(r"^ok: all$", said, re.MULTILINE):
        wrong.append("it does not come to its end")
    wrong += [f"the stand-in never says {one}" for one in wanted
              if not re.search(one, log, re.MULTILINE)]
    wrong += [f"not all of a child came back: {line.group()}"
              for line in re.finditer(r"^HV partition \d+ deleted deposited (\d+) withdrawn (\d+)$",
                                      log, re.MULTILINE) if line.group(1) != line.group(2)]
    count = len(re.findall(r"^ok: ", said, re.MULTILINE))
    print(f"{'FAILED' if wrong else 'ok'}: {options}: {count} checks", flush=True)
    for line in wrong:
        print("   ", line)
    if wrong:
        print("---- the root ----", said[-3000:], "---- the stand-in ----", log[-3000:], sep="\n")
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
