#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules can fail: each is fed a tree with a planted violation and must name it, and must be
silent on the same tree without it. A rule without a planted violation fails this test."""

import pathlib
import subprocess
import tempfile
import unittest

import rules_contract
import rules_history
import rules_layers
import rules_text
from run import GROUPS
from tree import Tree, without_comments_and_strings

HERE = pathlib.Path(__file__).parent
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
ERROR_HPP = "enum class ErrorCode {\n    failed, ///< tried\n    not_found,\n};\n"
ERROR_CPP = ('ErrorInfo{ErrorCode::failed, "failed", 500, 1},\n'
             'ErrorInfo{ErrorCode::not_found, "not_found", 404, 3},\n')
MAN = "# EXIT STATUS\n\n[[ status\n:- error\n|  0\n:  ok\n|  1\n:  failed\n|  3\n:  not_found\n\n# FILES\n"
OPENAPI = "code:\n  enum: [failed, not_found]\n"
LAYERS = (HERE / "layers.toml").read_text(encoding="utf-8")

# A tree that keeps every rule.
CLEAN = {
    "toolstack/libs/posix/fd.hpp": SPDX + "#pragma once\n",
    "toolstack/libs/posix/fd.cpp": SPDX + '#include "toolstack/libs/posix/fd.hpp"\n#include <poll.h>\n',
    "toolstack/libs/posix/README.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n",
    "toolstack/libs/api/error.hpp": SPDX + "#pragma once\n" + ERROR_HPP,
    "toolstack/libs/api/error.cpp": SPDX + '#include "toolstack/libs/api/error.hpp"\n' + ERROR_CPP,
    "toolstack/libs/api/README.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n",
    "toolstack/libs/api/openapi.yaml": "# SPDX-License-Identifier: Apache-2.0\n" + OPENAPI,
    "man/mshvctl.1.scd": "; SPDX-License-Identifier: Apache-2.0\n" + MAN,
    "tests/arch/layers.toml": LAYERS,
}


def cpp(text):
    return SPDX + text + "\n"


# rule -> [(files that break it, words of the report)]
PLANTED = {
    rules_layers.arrows: [
        ({"toolstack/libs/posix/bad.cpp": cpp('#include "toolstack/libs/api/error.hpp"')},
         "toolstack/libs/posix must not include toolstack/libs/api"),
        ({"daemon/domain/bad.cpp": cpp('#include "daemon/store/store.hpp"')}, "must not include"),
        ({"daemon/store/bad.cpp": cpp('#include "toolstack/mshvctl/verbs.hpp"')}, "must not include"),
        ({"toolstack/mshvctl/bad.cpp": cpp('#include "daemon/domain/plan.hpp"')}, "must not include"),
        ({"toolstack/libs/posix/bad.cpp": cpp('#include "fd.hpp"')}, "from the repository root"),
        ({"toolstack/libs/posix/bad.cpp": cpp("#include <toolstack/libs/posix/fd.hpp>")}, "quotes"),
        ({"toolstack/libs/surprise/bad.cpp": cpp("")}, "is no module"),
        ({"daemon/app/bad.cpp": cpp('#include "tests/fake/fake.hpp"')}, "from the repository root"),
    ],
    rules_layers.acyclic: [
        ({"tests/arch/layers.toml": LAYERS.replace(
            '"toolstack/libs/api" = []', '"toolstack/libs/api" = ["daemon/domain"]')}, "part of a circle"),
    ],
    rules_layers.quarantine: [
        ({"daemon/rest/bad.cpp": cpp("#include <boost/beast/http.hpp>")}, "allowed only in toolstack/libs/http"),
        ({"toolstack/libs/http/bad.hpp": cpp("#include <boost/beast/http.hpp>")}, "allowed only in"),
        ({"daemon/control/bad.cpp": cpp("#include <SQLiteCpp/Database.h>")}, "allowed only in daemon/store"),
        ({"daemon/app/bad.cpp": cpp("#include <libxml/parser.h>")}, "toolstack/libs/guestxml"),
        ({"daemon/app/bad.cpp": cpp("#include <CLI/CLI.hpp>")}, "toolstack/mshvctl"),
        ({"daemon/keeper/bad.cpp": cpp("#include <rapidjson/document.h>")}, "allowed only in"),
        ({"daemon/rest/bad.cpp": cpp("#include <spdlog/spdlog.h>")}, "daemon/app"),
        ({"daemon/app/bad.cpp": cpp("#include <coroutine>")}, "nowhere"),
    ],
    rules_layers.include_style: [
        ({"toolstack/libs/posix/bad.hpp": cpp("int x();")}, "no #pragma once"),
        ({"toolstack/libs/posix/fd.cpp": cpp('#include <poll.h>\n#include "toolstack/libs/posix/fd.hpp"')},
         "first include"),
    ],
    rules_text.spdx: [
        ({"toolstack/libs/posix/bad.cpp": "int x;\n"}, "no SPDX"),
        ({"configs/bad.toml": "x = 1\n"}, "no SPDX"),
        ({"configs/guests/bad.xml": "<partition/>\n"}, "no SPDX"),
        ({"tests/bad": "#!/bin/sh\n"}, "no SPDX"),
        ({"daemon/CMakeLists.txt": "project(x)\n"}, "no SPDX"),
        ({"kernel-patches/check.sh": "# SPDX-License-Identifier: Apache-2.0\n"}, "must be GPL-2.0-only"),
        ({"daemon/app/bad.cpp": "// SPDX-License-Identifier: GPL-2.0-only\n"}, "must be Apache-2.0"),
    ],
    rules_text.short_files: [({"daemon/app/bad.cpp": cpp("int x;\n" * 601)}, "at most 600")],
    rules_text.calls: [
        ({"daemon/app/bad.cpp": cpp("co_await x;")}, "no coroutines"),
        ({"daemon/app/bad.cpp": cpp("std::this_thread::sleep_for(1s);")}, "never sleep"),
        ({"tests/e2e/bad.cpp": cpp("usleep(5);")}, "never sleep"),
        ({"tests/e2e/bad.cpp": cpp("::sleep(5);")}, "never sleep"),
        ({"tests/unit/bad.cpp": cpp("poll(nullptr, 0, 5);")}, "disguise"),
        ({"tests/unit/bad.cpp": cpp("poll(nullptr, 0, 5); // paces: it")}, "disguise"),
        ({"tests/arch/bad.py": "time.sleep" "(1)\n"}, "never sleep"),
        ({"daemon/app/bad.cpp": cpp('std::system("x");')}, "no shell"),
        ({"daemon/app/bad.cpp": cpp('auto* f = popen("x", "r");')}, "no shell"),
        ({"daemon/app/bad.cpp": cpp("strcpy(a, b);")}, "unsafe"),
        ({"daemon/app/bad.cpp": cpp("using namespace std;")}, "spell names"),
        ({"toolstack/mshvctl/bad.cpp": cpp("getgrnam(x);")}, "no NSS"),
    ],
    rules_text.finished: [
        ({"daemon/app/bad.cpp": cpp("// TO" "DO: later")}, "finish it"),
        ({"README.md": "FIX" "ME\n"}, "finish it"),
        ({"daemon/app/bad.cpp": cpp("// a st" "ub for now")}, "build it"),
    ],
    rules_text.reasons: [
        ({"daemon/app/bad.cpp": cpp("f(); // NO" "LINT")}, "states its reason"),
        ({"daemon/app/bad.cpp": cpp("f(); // NO" "LINT(bugprone-x)")}, "states its reason"),
    ],
    rules_text.names: [
        ({"toolstack/libs/util/x.hpp": cpp("#pragma once")}, "'util' says nothing"),
        ({"daemon/app/helpers.cpp": cpp("")}, "'helpers' says nothing"),
    ],
    rules_text.readmes: [({"daemon/net/tap.cpp": cpp("")}, "daemon/net/README.md: missing")],
    rules_contract.errors_in_table: [
        ({"toolstack/libs/api/error.hpp": CLEAN["toolstack/libs/api/error.hpp"].replace(
            "not_found", "not_found, extra")}, "not the enumerators"),
        ({"toolstack/libs/api/error.cpp": CLEAN["toolstack/libs/api/error.cpp"].replace(
            '"failed"', '"broken"')}, "on the wire"),
    ],
    rules_contract.errors_in_man: [
        ({"man/mshvctl.1.scd": MAN.replace("|  3\n:  not_found\n", "")}, "error 'not_found'"),
        ({"man/mshvctl.1.scd": MAN.replace("|  3\n", "|  4\n")}, "exit status 4 there, 3 in"),
        ({"man/mshvctl.1.scd": MAN.replace("not_found", "not\\_found\n|  9\n:  lost")}, "error 'lost'"),
        ({"man/mshvctl.1.scd": "# FILES\n"}, "error 'failed'"),
    ],
    rules_contract.errors_in_openapi: [
        ({"toolstack/libs/api/openapi.yaml": "code:\n  enum: [not_found]\n"}, "'failed' is only in"),
        ({"toolstack/libs/api/openapi.yaml": "code:\n  enum: [failed, not_found, odd]\n"}, "'odd' is only there"),
    ],
    rules_contract.crash_points: [
        ({"daemon/app/bad.cpp": cpp('MSHV_CRASHPOINT("app.x");\nMSHV_CRASHPOINT("app.x");')}, "stands also at"),
        ({"daemon/app/bad.cpp": cpp('MSHV_CRASHPOINT("Now");')}, "module.what"),
    ],
    rules_history.committed_text: [
        ({"README.md": "see /wo" "rk/main\n"}, "somebody's machine"),
        ({"configs/bad.toml": "# mirror = 'http:" "//apt.mirror.corp.net/debian'\n"}, "host 'apt.mirror"),
    ],
}


class Planted(unittest.TestCase):
    def tree(self, folder, files):
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Tree(folder)

    def test_every_rule_is_planted(self):
        rules = {rule for group in GROUPS.values() for rule in group}
        self.assertEqual(rules, set(PLANTED) | {rules_history.commit_messages})

    def test_silent_on_the_clean_tree(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = self.tree(folder, CLEAN)
            for rule in PLANTED:
                self.assertEqual(list(rule(tree)), [], rule.__name__)

    def test_each_violation_is_found(self):
        for rule, cases in PLANTED.items():
            for files, words in cases:
                with self.subTest(rule=rule.__name__, words=words), \
                        tempfile.TemporaryDirectory() as folder:
                    report = "\n".join(rule(self.tree(folder, CLEAN | files)))
                    self.assertIn(words, report)

    def test_a_paced_retry_says_why(self):
        files = {"daemon/app/x.cpp": cpp("poll(nullptr, 0, 5); // paces: the next try to connect")}
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(list(rules_text.calls(self.tree(folder, files))), [])

    def test_comments_and_strings_are_not_code(self):
        text = 'a("co_await"); // co_await\n/* co_await\n*/ R"(co_await)" \'"\' 60\'000 b'
        self.assertEqual(without_comments_and_strings(text), 'a(""); \n\n "" "" 60\'000 b')

    def test_link_graph(self):
        files = CLEAN | {"daemon/store/x.cpp": cpp('#include "daemon/domain/d.hpp"')}
        good = "posix|toolstack/libs/posix|\napi|toolstack/libs/api|pthread\ndomain|daemon/domain|api\nstore|daemon/store|domain\n"
        with tempfile.TemporaryDirectory() as folder:
            tree = self.tree(folder, files)
            self.assertEqual(list(rules_layers.link_graph(tree, good)), [])
            wrong = good.replace("posix|toolstack/libs/posix|", "posix|toolstack/libs/posix|api")
            self.assertIn("toolstack/libs/posix must not link toolstack/libs/api",
                          "\n".join(rules_layers.link_graph(tree, wrong)))
            missing = good.replace("store|daemon/store|domain", "store|daemon/store|api")
            self.assertIn("no target of daemon/store links it",
                          "\n".join(rules_layers.link_graph(tree, missing)))

    def test_commit_messages(self):
        def git(folder, *arguments):
            subprocess.run(["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org",
                            *arguments], check=True, capture_output=True)

        for message, words in ((None, ""), ("x" * 76, "76 characters"), ("a\nb", "no empty line"),
                               ("a\n\nin /wo" "rk/x", "somebody's machine")):
            with self.subTest(words=words), tempfile.TemporaryDirectory() as folder:
                git(folder, "init", "-q")
                git(folder, "commit", "-q", "--allow-empty", "--cleanup=verbatim", "-m",
                    message or "Do it\n\nBecause.")
                report = "\n".join(rules_history.commit_messages(Tree(folder)))
                if words:
                    self.assertIn(words, report)
                else:
                    self.assertEqual(report, "")


if __name__ == "__main__":
    unittest.main()
