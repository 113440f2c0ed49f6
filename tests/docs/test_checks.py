#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checks of this folder can fail: each is given something wrong and must say so."""

import pathlib
import shutil
import tempfile
import unittest

import elements
import exercised
import host_files
import install
import links
import lint
import metrics
import settings
import verbs
from manual import section

TREE = {
    "global_options": [{"names": ["--json"], "value": "", "choices": []}],
    "verbs": [{"name": "list", "group": "Looking", "hidden": False, "arguments":
               [{"name": "PARTITION", "choices": []}],
               "options": [{"names": ["-f", "--format"], "value": "FORMAT", "choices": ["csv", "json"]}]},
              {"name": "__tree", "group": "Host", "hidden": True, "options": [], "arguments": []}],
}
PAGE = """# OPTIONS

*--json*
	JSON.

*-h*, *--help*, *--version*
	Others.

# VERBS

## Looking

*list* [_OPTIONS_] _PARTITION_
	List, also with *--json*.

	*-f*, *--format* _FORMAT_
		*csv* or *json*.

# FILES
"""


def said(problems):
    return "\n".join(problems)


class Verbs(unittest.TestCase):
    def test_true_page(self):
        self.assertEqual(said(verbs.page_problems(TREE, PAGE, "")), "")

    def test_wrong_pages(self):
        for old, new, words in (
                ("*list* [", "*lisst* [", "verb 'list' is not in mshvctl(1)"),
                ("*list* [", "*lisst* [", "describes verb 'lisst', which does not exist"),
                ("*-f*, *--format*", "*-f*", "list's option '--format' is not in"),
                ("*-f*,", "*-f*, *-x*,", "describes list's option '-x'"),
                ("_FORMAT_", "_WORD_", "list --format takes FORMAT"),
                ("*csv* or", "", "does not name the choice 'csv'"),
                ("_PARTITION_", "_NAME_", "list takes PARTITION"),
                ("## Looking", "## Seeing", "the groups ['Seeing']"),
                ("*--json*\n\tJSON", "*--jsonn*\n\tJSON", "global option '--json' is not in")):
            with self.subTest(words=words):
                self.assertIn(old, PAGE)
                self.assertIn(words, said(verbs.page_problems(TREE, PAGE.replace(old, new), "")))

    def test_command_lines(self):
        self.assertEqual(said(verbs.command_problems(TREE, "mshvctl list --json -f csv | sort -k")), "")
        self.assertIn("no verb 'lsit'", said(verbs.command_problems(TREE, "mshvctl lsit")))
        self.assertIn("no option '--jsn'", said(verbs.command_problems(TREE, "mshvctl list --jsn")))


class Exercised(unittest.TestCase):
    def test_what_no_case_runs_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            tests = pathlib.Path(folder) / "tests/e2e"
            tests.mkdir(parents=True)
            (tests / "verbs_test.cpp").write_text("""
BOOST_AUTO_TEST_CASE(looks) {
    host.create({.name = "list"});
    host.ok({"--json", "list", "jobs"});
}
BOOST_AUTO_TEST_CASE(looks_only) { host.ok({"list"}); }
""")
            found = exercised.exercised(pathlib.Path(folder), ["create", "list", "jobs"])
        self.assertEqual(found["list"], ["e2e_verbs: looks_only", "e2e_verbs: looks"])
        self.assertEqual(found["create"], ["e2e_verbs: looks"])
        self.assertEqual(exercised.problems(found), ["no end-to-end test runs 'jobs'"])


class Settings(unittest.TestCase):
    FILE = "[api]\n# the group\n#admin_group = \"mshv\"\n"
    PRINTED = {"api": {"admin_group": "mshv"}}
    PAGE = "# SETTINGS\n\n## [api]\n\n*admin\\_group*\n\tDefault: mshv\n\n# FILES\n"

    def test_true(self):
        self.assertEqual(said(settings.file_problems(self.FILE, self.PRINTED)), "")
        self.assertEqual(said(settings.page_problems(self.PAGE, self.PRINTED)), "")

    def test_options(self):
        page = "# OPTIONS\n\n*--config* _FILE_\n\tx\n\n# FILES\n"
        self.assertEqual(said(settings.option_problems("  --config FILE  x\n", page)), "")
        self.assertIn("'--foo' is not in mshvd(8)",
                      said(settings.option_problems("--config FILE, --foo", page)))

    def test_wrong(self):
        more = {"api": {"admin_group": "mshv", "socket": "/x"}}
        self.assertIn("'api.socket' is not in", said(settings.file_problems(self.FILE, more)))
        self.assertIn("'api.socket' is not in", said(settings.page_problems(self.PAGE, more)))
        other = {"api": {"admin_group": "wheel"}}
        self.assertIn("the default is 'wheel'", said(settings.file_problems(self.FILE, other)))
        self.assertIn("does not name its default", said(settings.page_problems(self.PAGE, other)))
        self.assertIn("sets something",
                      said(settings.file_problems(settings.with_defaults(self.FILE), self.PRINTED)))
        self.assertIn("does not exist", said(settings.file_problems(self.FILE, {"api": {}})))


class HostFiles(unittest.TestCase):
    UNIT = "[Service]\nType=notify\nKillMode=process\nDelegate=yes\nTasksMax=infinity\n"

    def test_unit(self):
        self.assertEqual(said(host_files.unit_problems(self.UNIT)), "")
        self.assertIn("KillMode is control-group",
                      said(host_files.unit_problems(self.UNIT.replace("process", "control-group"))))
        self.assertIn("PrivateTmp= would reach",
                      said(host_files.unit_problems(self.UNIT + "PrivateTmp=yes\n")))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is absent")
    def test_systemd_is_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "mshvd.service"
            unit.write_text(self.UNIT + "ExecStart=/x\nKilMode=process\n", encoding="utf-8")
            self.assertIn("KilMode", said(host_files.verify_units(pathlib.Path(folder))))

    def test_groups(self):
        sysusers = "g mshv -\ng mshv-read -\ng mshv-vmm -\n"
        tmpfiles = "d /run/mshv 0755 root root - -\nd /var/lib/mshv 0700 root root - -\nd /var/log/mshv 0750 root mshv - -\n"
        udev = 'KERNEL=="mshv", GROUP="mshv-vmm"'
        socket = "ListenStream=/run/mshv/mshvd.sock\nSocketGroup=mshv\n"
        config = {"api": {"admin_group": "mshv", "reader_group": "mshv-read"},
                  "paths": {"state_dir": "/var/lib/mshv", "run_dir": "/run/mshv"}}
        self.assertEqual(said(host_files.agreement(sysusers, tmpfiles, udev, socket, config)), "")
        self.assertIn("group mshv-vmm is used but not made",
                      said(host_files.agreement("g mshv -\ng mshv-read -\n", tmpfiles, udev, socket, config)))
        self.assertIn("not api.admin_group",
                      said(host_files.agreement(sysusers, tmpfiles, udev, "SocketGroup=mshv-read\n", config)))
        self.assertIn("does not listen on /run/mshv/mshvd.sock", said(host_files.agreement(
            sysusers, tmpfiles, udev, socket.replace("/run", "/tmp"), config)))
        self.assertIn("could talk to the daemon", said(host_files.agreement(
            sysusers, tmpfiles, udev.replace("mshv-vmm", "mshv"), socket, config)))
        self.assertIn("must be 0700", said(host_files.agreement(
            sysusers, tmpfiles.replace("0700", "0755"), udev, socket, config)))


class Others(unittest.TestCase):
    def test_elements(self):
        table = "|  devices/disk/@type\n"
        self.assertEqual(said(elements.missing(table, "x devices/disk/@type y")), "")
        self.assertIn("devices/disk/@type", said(elements.missing(table, "x devices/disk y")))

    def test_install(self):
        wanted = install.expected("# x\n0755 bin/a\n0644 sysconf/mshv/b\n", "/usr", "/etc")
        self.assertEqual(wanted, {"/usr/bin/a": "0755", "/etc/mshv/b": "0644"})
        guest = {"/usr/share/mshv/guests/a.xml": "0644"}
        self.assertEqual(said(install.compare(wanted, wanted | guest)), "")
        self.assertIn("no sample guest", said(install.compare(wanted, wanted)))
        self.assertIn("not installed: /usr/bin/a", said(install.compare(wanted, guest)))
        self.assertIn("not in the manifest: /usr/c", said(install.compare({}, guest | {"/usr/c": "0644"})))
        self.assertIn("mode 0600", said(install.compare(wanted, guest | {"/usr/bin/a": "0600"})))

    def test_metrics(self):
        source, manual = 'out.family("mshv_a", "gauge", "A.");', "_mshv\\_a_\n\tA.\n"
        board = {"panels": [{"targets": [{"expr": "rate(mshv_a[5m])"}]}], "templating": {"list": []}}
        self.assertEqual(said(metrics.problems(source, manual, board)), "")
        self.assertIn("no metric is found", said(metrics.problems("", "", board)))
        self.assertIn("mshv_a: only in the daemon", said(metrics.problems(source, "", board)))
        board["panels"][0]["targets"][0]["expr"] = "mshv_b"
        self.assertIn("no metric is called mshv_b", said(metrics.problems(source, manual, board)))

    def test_links(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "README.md").write_text("[a](b.md)\n\n```\ntests/run\n```\n")
            report = said(links.problems(folder))
            self.assertIn("b.md leads nowhere", report)
            self.assertIn("tests/run cannot be run", report)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is absent")
    def test_lint(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "mshv.7").write_text(
                '.TH "mshv" "7" "2026-11-21"\n.SH NAME\nmshv \\- x\n.SH SEE ALSO\n\\fBmshvd\\fR(8)\n@X@\n.XX\n')
            report = said(lint.problems(folder))
            self.assertIn("no section DESCRIPTION", report)
            self.assertIn("refers to mshvd(8)", report)
            self.assertIn("XX", report)
            self.assertIn("@X@ was not replaced", report)

    def test_sections(self):
        self.assertEqual(section("# A\nx\n# B\ny\n", "A").strip(), "x")
        self.assertEqual(section("# A\nx\n", "C"), "")


if __name__ == "__main__":
    unittest.main()
