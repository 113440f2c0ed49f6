# SPDX-License-Identifier: Apache-2.0
"""Boots a root partition that is nothing but checks, once for each set of options, and reads what it
and the stand-in say. What it wants to hear is its caller's."""

import argparse
import dataclasses
import pathlib
import re
import subprocess

import children

# Against a machine that hangs; none of these takes more than seconds.
PATIENCE = 120


@dataclasses.dataclass(frozen=True)
class Run:
    """Words for the stand-in, what the stand-in has to say, words for the probe."""
    options: str
    wanted: tuple = ()
    words: str = ""


def boot(arguments, run):
    """What it said on its two serial ports."""
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,+svm", "-machine",
               "q35", "-m", "256", "-smp", str(arguments.cpus), "-display", "none", "-no-reboot",
               "-kernel", str(arguments.standin), "-append", run.options,
               "-initrd", f"{arguments.probe} {run.words}".strip(), "-serial", "stdio", "-serial",
               "file:/dev/stderr"]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=PATIENCE, check=False)
        return result.stdout.replace("\r", ""), result.stderr.replace("\r", "")
    except subprocess.TimeoutExpired as expired:
        said = [(part or b"").decode("utf-8", "replace").replace("\r", "")
                for part in (expired.stdout, expired.stderr)]
        return said[0] + "\nFAILED: it hangs\n", said[1]


def check(arguments, run):
    """Whether all was as it should be; says what was not."""
    said, log = boot(arguments, run)
    wrong = re.findall(r"^FAILED: .*", said, re.MULTILINE)
    if not re.search(r"^ok: all$", said, re.MULTILINE):
        wrong.append("it does not come to its end")
    wrong += [f"the stand-in never says {one}" for one in run.wanted
              if not re.search(one, log, re.MULTILINE)]
    wrong += [f"not all of a child came back: {line}" for line in children.incomplete_ends(log)]
    count = len(re.findall(r"^ok: ", said, re.MULTILINE))
    what = f"{run.words} with {run.options}" if run.words else run.options
    print(f"{'FAILED' if wrong else 'ok'}: {what}: {count} checks", flush=True)
    for line in wrong:
        print("   ", line)
    if wrong:
        print("---- the root ----", said[-3000:], "---- the stand-in ----", log[-3000:], sep="\n")
    return not wrong


def main(description, runs):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--standin", type=pathlib.Path, required=True)
    parser.add_argument("--probe", type=pathlib.Path, required=True)
    parser.add_argument("--cpus", type=int, default=1)
    arguments = parser.parse_args()
    return 0 if all([check(arguments, run) for run in runs]) else 1
