#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""metrics.py SOURCE: the metrics that the daemon has, those that mshvd(8) names and those that the dashboard
shows are the same."""

import json
import pathlib
import re
import sys

from manual import report

NAME = re.compile(r"\bmshvd?_\w+")


def problems(source, manual, dashboard):
    has = set(re.findall(r'"(mshvd?_\w+)", "(?:gauge|counter)"', source))
    described = set(re.findall(r"^_(mshvd?_\w+)_$", manual.replace("\\_", "_"), re.MULTILINE))
    if not has:
        yield "metrics.cpp: no metric is found in it"
    for name in sorted(has ^ described):
        yield f"{name}: only {'in the daemon' if name in has else 'in mshvd.8.scd'}"
    shown = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            shown |= set(NAME.findall(target["expr"]))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            shown |= set(NAME.findall(variable["query"]["query"]))
    for name in sorted(shown - has):
        yield f"configs/grafana/mshv.json: no metric is called {name}"


if __name__ == "__main__":
    top = pathlib.Path(sys.argv[1])
    report(problems((top / "daemon/rest/metrics.cpp").read_text(),
                    (top / "man/mshvd.8.scd").read_text(),
                    json.loads((top / "configs/grafana/mshv.json").read_text())))
