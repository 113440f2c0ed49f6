# SPDX-License-Identifier: Apache-2.0
"""One boot of a machine and a list of checks of it."""

import pathlib
import tempfile
import time

import checks
from machine import Failed, Machine


def run(arguments, list_, extra, standin=True):
    """What is asserted, a line each. False when something did not hold."""
    kernel = checks.Kernel(arguments.root)
    with tempfile.TemporaryDirectory(prefix="mshv-lab.") as folder:
        machine = Machine(arguments, pathlib.Path(folder), extra, standin)
        machine.patience *= kernel.slowness
        one = None
        try:
            for one in list_:
                began = time.monotonic()
                said = one(machine, kernel)
                figure = f": {said}" if said else ""
                print(f"ok: {one.__doc__}{figure} ({time.monotonic() - began:.1f} s)", flush=True)
        except Failed as failure:
            print(f"FAILED: {one.__doc__}: {failure}")
            print("---- the stand-in ----", machine.log.text[-6000:],
                  "---- the root ----", machine.console.text[-6000:], sep="\n")
            return False
        finally:
            machine.end()
    return True
