// SPDX-License-Identifier: Apache-2.0
//
// Partitions saved to files and restored from them: the guest goes on where it stood, and whatever
// goes wrong either the guest or a whole file is there. And their memory alone, dumped.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/invariants.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace mshv::e2e;

namespace {

namespace fs = std::filesystem;

GuestXml ticking(Host& host, const std::string& name) {
    const auto disk = host.path(name + ".disk");
    if (!fs::exists(disk)) {
        host.write_file(name + ".disk", std::string(1 << 20, '\0'), 0666);
    }
    return {.name = name, .steps = "tick:100", .devices = {disk_xml(disk)}};
}

std::string console_log(Host& host, const std::string& name) {
    return host.http("GET", "/v1/partitions/" + name + "/console/log").body;
}

std::string tick(int number) {
    return "\nT" + std::to_string(number) + "\r";
}

/// The last number that the guest has printed.
int last_tick(Host& host, const std::string& name) {
    const auto log = console_log(host, name);
    int last = 0;
    while (contains(log, tick(last + 1))) {
        ++last;
    }
    return last;
}

/// The guest prints more, and its numbers follow each other as if nothing had been.
void goes_on(Host& host, const std::string& name) {
    const int now = last_tick(host, name);
    host.wait_console(name, tick(now + 3));
    const auto log = console_log(host, name);
    for (int i = 1; i <= now + 3; ++i) {
        const auto text = tick(i);
        const auto first = log.find(text);
        BOOST_TEST(first != std::string::npos, name << " did not print " << i);
        BOOST_TEST(log.find(text, first + 1) == std::string::npos, name << " printed twice " << i);
    }
}

std::string state(Host& host, const std::string& name) {
    const auto view = host.view(name);
    return view["state"].text() + "," + view["reason"].text();
}

/// Waits until no job is under way.
void await_jobs(Host& host) {
    const auto until = Deadline::after(120s);
    for (;;) {
        bool open = false;
        for (const auto& job : Json::parse(host.http("GET", "/v1/jobs").body)["jobs"].items()) {
            if (job["state"].text() == "running") {
                open = true;
                const auto id = std::to_string(job["id"].number());
                (void)host.http("GET", "/v1/jobs/" + id + "?wait_ms=10000");
            }
        }
        if (!open) {
            return;
        }
        BOOST_REQUIRE_MESSAGE(!until.expired(), "a job does not end");
    }
}

Json last_job(Host& host) {
    return Json::parse(host.http("GET", "/v1/jobs").body)["jobs"].items().at(0);
}

void change_byte(const std::string& path, std::size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte ^ 0x20));
    BOOST_REQUIRE(file.good());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_goes_on_where_it_was_saved) {
    Host host;
    host.create(ticking(host, "s"), {"--define"});
    host.wait_console("s", tick(5));
    const auto file = host.path("s.save");
    host.ok({"save", "s", file});
    BOOST_TEST(state(host, "s") == "shutoff,saved");
    BOOST_TEST(!fs::exists(file + ".part"));
    struct stat info {};
    BOOST_REQUIRE(::stat(file.c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 07777U) == 0600U);
    BOOST_TEST(contains(host.fails(5, {"save", "s", host.path("other")}), "not running"));

    host.ok({"restore", file});
    BOOST_TEST(state(host, "s") == "running,user");
    goes_on(host, "s");
    // It is the guest that it was in everything: also when it reboots.
    host.ok({"reset", "s"});
    host.wait_console("s", "MSHV-GUEST-HELLO");

    // Paused when it was saved, and to be paused when it is restored.
    host.ok({"destroy", "s"});
    host.ok({"start", "s"});
    host.wait_console("s", tick(3));
    host.ok({"pause", "s"});
    const auto second = host.path("second.save");
    host.ok({"save", "s", second});
    host.ok({"restore", "-p", "-e", second});
    BOOST_TEST(state(host, "s") == "paused,user");
    host.ok({"unpause", "s"});
    host.wait_console("s", "\nT");
}

BOOST_AUTO_TEST_CASE(a_transient_partition_comes_back_with_its_file) {
    Host host;
    host.create({.name = "t", .steps = "tick:100"});
    host.wait_console("t", tick(3));
    const auto file = host.path("t.save");
    host.ok({"save", "t", file});
    BOOST_TEST(!host.exists("t"));
    host.ok({"restore", file});
    BOOST_TEST(!host.view("t")["persistent"].flag());
    goes_on(host, "t");
    BOOST_TEST(contains(host.fails(5, {"restore", file}), "already active"));
    host.ok({"destroy", "t"});
    host.define({.name = "t"});
    BOOST_TEST(contains(host.fails(4, {"restore", file}), "the name 't' is in use"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_leaves_the_guest_running) {
    Host host;
    host.create(ticking(host, "c"), {"--define"});
    host.wait_console("c", tick(3));
    const auto file = host.path("c.save");
    host.ok({"save", "-c", "c", file});
    BOOST_TEST(host.view("c")["state"].text() == "running");
    goes_on(host, "c");
    host.ok({"save", "--paused", "c", host.path("p.save")});
    BOOST_TEST(host.view("c")["state"].text() == "paused");
    host.ok({"unpause", "c"});
    goes_on(host, "c");
    host.ok({"destroy", "c"});
    host.ok({"restore", file});
    host.wait_console("c", "\nT");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_early) {
    Host host;
    auto guest = ticking(host, "r");
    host.create(guest, {"--define"});
    host.wait_console("r", tick(3));
    const auto file = host.path("r.save");
    host.ok({"save", "r", file});
    const auto whole = mshv::posix::read_file(file, 1UL << 30U);
    BOOST_TEST(contains(host.ok({"compare", file}), "this host would restore it"));
    BOOST_TEST(host.ctl({"compare", host.path("r.disk")}).status == 6);

    for (const std::size_t at :
         {std::size_t{0}, std::size_t{15}, std::size_t{30}, std::size_t{60}, std::size_t{200},
          std::size_t{4000}, whole.size() / 2, whole.size() - 1}) {
        BOOST_TEST_CONTEXT("byte " << at) {
            change_byte(file, at);
            const auto outcome = host.ctl({"restore", file});
            BOOST_TEST(outcome.status == 6);
            BOOST_TEST(std::count(outcome.err.begin(), outcome.err.end(), '\n') <= 2);
            BOOST_TEST(state(host, "r") == "shutoff,saved");
            change_byte(file, at);
        }
    }
    fs::resize_file(file, whole.size() - 1);
    BOOST_TEST(contains(host.fails(6, {"restore", file}), "bytes"));
    mshv::posix::replace_file(file, whole + "x");
    BOOST_TEST(contains(host.fails(6, {"restore", file}), "bytes"));
    mshv::posix::replace_file(file, whole);
    BOOST_TEST(contains(host.fails(3, {"restore", host.path("none")}), "none"));
    BOOST_TEST(contains(host.fails(6, {"restore", host.path("r.disk")}), "no saved partition"));

    // The disk.
    change_byte(host.path("r.disk"), 0);
    BOOST_TEST(contains(host.fails(5, {"restore", file}), "r.disk has been written to"));
    fs::resize_file(host.path("r.disk"), 2 << 20);
    BOOST_TEST(contains(host.fails(5, {"restore", file}), "had 1048576 bytes"));
    fs::resize_file(host.path("r.disk"), 1 << 20);
    // The machine.
    guest.memory_mib = 192;
    const auto larger = host.write_file("larger.xml", guest.text());
    host.ok({"define", "--replace", larger});
    BOOST_TEST(contains(host.fails(5, {"restore", "--force", file}), "/memory/size"));
    // All at once: the machine, the disk, and who has it.
    host.create({.name = "thief", .devices = {disk_xml(host.path("r.disk"))}});
    const auto compared = host.ctl({"compare", file});
    BOOST_TEST(compared.status == 6);
    BOOST_TEST(contains(compared.out, "/memory/size"));
    BOOST_TEST(contains(compared.out, "r.disk has been written to"));
    BOOST_TEST(contains(compared.out, "is being written by the partition 'thief'"));
    host.ok({"destroy", "thief"});
    host.ok({"config", "rollback", "r", "1"});
    // And nothing of it has been used up.
    host.ok({"restore", "--force", file});
    host.wait_console("r", "\nT");
}

BOOST_AUTO_TEST_CASE(a_save_without_room_leaves_the_guest_as_it_was) {
    Host host;
    host.create(ticking(host, "f"), {"--define"});
    host.wait_console("f", tick(3));
    const auto folder = host.path("small");
    fs::create_directory(folder);
    BOOST_REQUIRE(::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=4m") == 0);
    const auto text = host.fails(12, {"save", "f", folder + "/f.save"});
    BOOST_TEST(contains(text, "No space left"));
    BOOST_TEST(fs::is_empty(folder));
    BOOST_TEST(::umount(folder.c_str()) == 0);
    BOOST_TEST(host.view("f")["state"].text() == "running");
    goes_on(host, "f");
    BOOST_TEST(last_job(host)["state"].text() == "failed");
    BOOST_TEST(!contains(host.ok({"jobs"}), "f.save"));
    const auto ended = host.ok({"jobs", "--all"});
    BOOST_TEST(contains(ended, "failed"), ended);
    BOOST_TEST(contains(ended, "No space left"), ended);
}

BOOST_AUTO_TEST_CASE(a_cancelled_save_leaves_the_guest_as_it_was) {
    Host host;
    auto guest = ticking(host, "x");
    guest.memory_mib = 512;
    host.create(guest, {"--define"});
    host.wait_console("x", tick(3));
    const auto file = host.path("x.save");
    bool cancelled = false;
    for (int i = 0; i < 10 && !cancelled; ++i) {
        const auto answer = Json::parse(host.ok({"--json", "save", "--no-wait", "x", file}))["job"];
        const auto outcome = host.ctl({"job-cancel", std::to_string(answer["id"].number())});
        await_jobs(host);
        cancelled = outcome.status == 0;
        if (!cancelled) { // it was faster
            BOOST_REQUIRE(outcome.status == 5);
            BOOST_REQUIRE(fs::exists(file));
            host.ok({"restore", file});
            fs::remove(file);
        }
    }
    BOOST_TEST(cancelled);
    BOOST_TEST(last_job(host)["state"].text() == "cancelled");
    BOOST_TEST(!fs::exists(file));
    BOOST_TEST(!fs::exists(file + ".part"));
    BOOST_TEST(host.view("x")["state"].text() == "running");
    goes_on(host, "x");
}

BOOST_AUTO_TEST_CASE(a_managed_save_survives_the_daemon_and_is_used_up_by_start) {
    Host host;
    host.create(ticking(host, "m"), {"--define"});
    host.wait_console("m", tick(4));
    host.ok({"managed-save", "m"});
    BOOST_TEST(state(host, "m") == "shutoff,saved");
    BOOST_TEST(host.view("m")["saved"].flag());
    BOOST_TEST(contains(host.fails(5, {"undefine", "m"}), "has a saved state"));
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(host.view("m")["saved"].flag());
    host.ok({"start", "--all", "--saved"});
    BOOST_TEST(!host.view("m")["saved"].flag());
    goes_on(host, "m");
    BOOST_TEST(fs::is_empty(host.path("state/saved")));

    host.ok({"managed-save", "m"});
    host.write_file("m.disk", std::string(1 << 20, 'y'), 0666);
    BOOST_TEST(contains(host.fails(5, {"start", "m"}), "--discard-saved"));
    host.ok({"start", "--discard-saved", "m"});
    host.wait_console("m", "MSHV-GUEST-HELLO");
    host.ok({"managed-save", "m"});
    host.ok({"managed-save-remove", "m"});
    BOOST_TEST(fs::is_empty(host.path("state/saved")));
    host.create({.name = "t"});
    BOOST_TEST(contains(host.fails(5, {"managed-save", "t"}), "is transient"));
}

BOOST_AUTO_TEST_CASE(the_daemon_dies_at_each_step_of_a_save) {
    Host host; // one guest that lives through all of it
    host.create(ticking(host, "d"), {"--define"});
    host.wait_console("d", tick(3));
    const auto file = host.path("d.save");
    for (const std::string point :
         {"save.before_job", "save.after_job", "save.before_part", "save.after_part",
          "save.after_pause", "save.before", "save.after", "save.after_begin", "save.before_flush",
          "save.after_head", "save.before_rename", "save.after_rename", "save.after_decided",
          "save.after_kill", "save.before_job_end", "save.after_job_end"}) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            host.kill_daemon();
            BOOST_REQUIRE(host.start_daemon(point));
            (void)host.ctl({"save", "d", file});
            (void)host.wait_daemon_ended();
            BOOST_REQUIRE(host.start_daemon());
            await_jobs(host);
            check_invariants(host);
            const bool saved = state(host, "d") == "shutoff,saved";
            BOOST_TEST(fs::exists(file) == saved);
            BOOST_TEST(!fs::exists(file + ".part"));
            if (saved) {
                host.ok({"restore", file});
                fs::remove(file);
            }
            BOOST_TEST(host.view("d")["state"].text() == "running");
            goes_on(host, "d");
            BOOST_TEST_MESSAGE(point << ": " << (saved ? "saved" : "goes on"));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_daemon_dies_at_each_step_of_a_start_from_a_saved_state) {
    Host host;
    host.create(ticking(host, "d"), {"--define"});
    host.wait_console("d", tick(3));
    for (const std::string point :
         {"restore.load_before", "restore.load_after", "restore.after_load_begin",
          "restore.after_load", "control.before_record", "control.after_record",
          "restore.before_resume", "restore.after_resume", "restore.after_saved_unlink"}) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            host.ok({"managed-save", "d"});
            host.kill_daemon();
            BOOST_REQUIRE(host.start_daemon(point));
            (void)host.ctl({"start", "d"});
            (void)host.wait_daemon_ended();
            BOOST_REQUIRE(host.start_daemon());
            check_invariants(host);
            if (host.view("d")["state"].text() == "shutoff") {
                BOOST_TEST(host.view("d")["saved"].flag()); // it is not lost
                host.ok({"start", "d"});
            }
            host.wait_state("d", "running");
            BOOST_TEST(!host.view("d")["saved"].flag());
            BOOST_TEST(fs::is_empty(host.path("state/saved")));
            goes_on(host, "d");
        }
    }
}

BOOST_AUTO_TEST_CASE(the_hosts_shutdown_takes_each_its_own_way) {
    Host host;
    const auto guest = [&](const std::string& name, const std::string& order,
                           const std::string& action, const std::string& escalate) {
        host.create({.name = name,
                     .steps = "shell",
                     .autostart = "<autostart order='" + order + "'/>",
                     .shutdown = "timeout='5' escalate='" + escalate + "'",
                     .mshv = {"<hostshutdown action='" + action + "' timeout='30'/>"}},
                    {"--define"});
    };
    guest("saved", "10", "save", "none");
    guest("left", "20", "leave", "destroy");
    guest("down", "30", "shutdown", "none");
    guest("killed", "30", "destroy", "none");
    for (const char* name : {"saved", "left", "down", "killed"}) {
        host.wait_console(name, "MSHV-GUEST-READY");
    }
    const auto before = host.last_event();
    const auto plan = host.ok({"-N", "host-shutdown"});
    BOOST_TEST(plan.find("down") < plan.find("left"), plan);
    BOOST_TEST(plan.find("left") < plan.find("saved"), plan);
    BOOST_TEST(host.last_event() == before);
    const auto done = Json::parse(host.ok({"--json", "host-shutdown", "--deadline", "120"}));
    std::string outcomes;
    for (const auto& item : done["items"].items()) {
        outcomes += item["name"].text() + "=" + item["outcome"].text() + " ";
    }
    BOOST_TEST(outcomes == "down=shut-down killed=destroyed left=left saved=saved ");
    BOOST_TEST(state(host, "down") == "shutoff,shutdown");
    BOOST_TEST(state(host, "killed") == "shutoff,destroyed");
    BOOST_TEST(state(host, "saved") == "shutoff,saved");
    BOOST_TEST(host.view("left")["state"].text() == "running");
    for (const auto& [name, told] : {std::pair("down", "host shutdown: shut-down"),
                                     {"killed", "host shutdown: destroyed"},
                                     {"saved", "host shutdown: saved"},
                                     {"left", "host shutdown: left"}}) {
        BOOST_TEST(contains(host.ok({"history", name}), told), name);
    }
    // The order is that of the events.
    std::string order;
    for (const auto& event : host.events(before)) {
        if (event["kind"].text() == "partition.host-shutdown-done") {
            order += event["name"].text() + " ";
        }
    }
    BOOST_TEST((order == "down killed left saved " || order == "killed down left saved "), order);
    host.ok({"destroy", "left"});
    host.ok({"managed-save-remove", "saved"});
}

BOOST_AUTO_TEST_CASE(a_guest_that_does_not_hear_ends_as_its_escalation_says) {
    Host host;
    for (const char* escalate : {"destroy", "none"}) {
        // Firmware without anything to boot hears no button.
        host.create({.name = std::string("deaf-") + escalate,
                     .firmware_boot = true,
                     .shutdown = std::string("escalate='") + escalate + "'",
                     .mshv = {"<hostshutdown action='shutdown' timeout='2'/>"}},
                    {"--define"});
    }
    const auto told = host.fails(13, {"host-shutdown"});
    BOOST_TEST(contains(told, "1 of 2 partitions did not end: deaf-none"), told);
    BOOST_TEST(state(host, "deaf-destroy") == "shutoff,destroyed");
    BOOST_TEST(host.view("deaf-none")["state"].text() == "running");
    BOOST_TEST(contains(host.ok({"history", "deaf-none"}), "did not shut itself down in time"));
    host.ok({"destroy", "deaf-none"});
}

// ---- memory alone ----

namespace {

/// The bytes of memory in an ELF core of a machine of 64 bits; 0 when it is none.
std::uint64_t memory_in(const std::string& file) {
    const auto fd = mshv::posix::open_file(file, O_RDONLY);
    Elf64_Ehdr head{};
    if (::pread(fd.get(), &head, sizeof(head), 0) != sizeof(head) ||
        std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_type != ET_CORE) {
        return 0;
    }
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < head.e_phnum; ++i) {
        Elf64_Phdr part{};
        const auto at = head.e_phoff + i * sizeof(part);
        if (::pread(fd.get(), &part, sizeof(part), static_cast<off_t>(at)) != sizeof(part)) {
            return 0;
        }
        sum += part.p_type == PT_LOAD ? part.p_filesz : 0;
    }
    return sum;
}

std::size_t files_in(const std::string& folder) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

constexpr std::uint64_t mebibyte = 1 << 20;

} // namespace

BOOST_AUTO_TEST_CASE(a_guests_memory_in_a_file) {
    Host host;
    auto guest = ticking(host, "d");
    guest.memory_mib = 96;
    host.create(guest, {"--define"});
    host.wait_console("d", tick(3));
    const auto file = host.path("d.core");
    BOOST_TEST(host.ok({"dump-core", "d", file}).empty());
    BOOST_TEST(memory_in(file) >= 96 * mebibyte);
    struct stat info {};
    BOOST_REQUIRE(::stat(file.c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 0777U) == 0600U);
    // What the kernel was told is somewhere in it.
    BOOST_TEST(run({"/bin/grep", "-qa", "mshv.test=tick:100", file}).status == 0);
    BOOST_TEST(host.view("d")["state"].text() == "running");
    goes_on(host, "d");
    BOOST_TEST(contains(host.fails(4, {"dump-core", "d", file}), "is there already"));
    BOOST_TEST(contains(host.ok({"jobs", "--all"}), "dump-core"));

    host.ok({"pause", "d"});
    const auto packed = host.path("d.kdump");
    host.ok({"dump-core", "--format", "kdump-zlib", "d", packed});
    BOOST_TEST(mshv::posix::read_file(packed, 1UL << 30U).starts_with("makedumpfile"));
    BOOST_TEST(fs::file_size(packed) < fs::file_size(file));
    BOOST_TEST(host.view("d")["state"].text() == "paused");
    BOOST_TEST(contains(host.fails(1, {"dump-core", "-f", "win-dmp", "d", host.path("x")}),
                        "is the format one for this guest"));
    BOOST_TEST(!fs::exists(host.path("x")));
    host.ok({"destroy", "d"});
    host.fails(5, {"dump-core", "d", host.path("x")});
}

BOOST_AUTO_TEST_CASE(a_guest_that_crashed_and_was_kept_is_dumped) {
    Host host;
    host.create({.name = "c", .steps = "panic", .on_crash = "preserve"}, {"--define"});
    host.wait_state("c", "crashed");
    const auto file = host.path("c.core");
    host.ok({"dump-core", "c", file});
    BOOST_TEST(memory_in(file) >= 96 * mebibyte);
    BOOST_TEST(host.view("c")["state"].text() == "crashed");
    host.ok({"destroy", "c"});
}

BOOST_AUTO_TEST_CASE(a_dump_without_room_leaves_nothing) {
    Host host;
    host.create(ticking(host, "d"), {"--define"});
    host.wait_console("d", tick(3));
    const auto folder = host.path("small");
    fs::create_directory(folder);
    BOOST_REQUIRE(::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=4m") == 0);
    BOOST_TEST(contains(host.fails(1, {"dump-core", "d", folder + "/d"}), "is there room"));
    BOOST_TEST(fs::is_empty(folder));
    BOOST_TEST(::umount(folder.c_str()) == 0);
    BOOST_TEST(host.view("d")["state"].text() == "running");
    goes_on(host, "d");
}

BOOST_AUTO_TEST_CASE(the_daemon_dies_at_each_step_of_a_dump) {
    Host host; // one guest that lives through all of it
    host.create(ticking(host, "d"), {"--define"});
    host.wait_console("d", tick(3));
    const auto folder = host.path("dumps");
    fs::create_directory(folder);
    const auto file = folder + "/d.core";
    for (const std::string point :
         {"dump.after_job", "dump.before", "dump.vmm_before", "dump.vmm_after", "dump.after",
          "dump.before_name", "save.before_rename", "save.after_rename", "dump.after_name",
          "dump.before_job_end", "dump.after_job_end"}) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            host.kill_daemon();
            BOOST_REQUIRE(host.start_daemon(point));
            (void)host.ctl({"dump-core", "d", file});
            (void)host.wait_daemon_ended();
            BOOST_REQUIRE(host.start_daemon());
            await_jobs(host);
            check_invariants(host);
            const bool dumped = last_job(host)["state"].text() == "done";
            BOOST_TEST(files_in(folder) == (dumped ? 1U : 0U));
            if (dumped) {
                BOOST_TEST(memory_in(file) >= 96 * mebibyte);
                fs::remove(file);
            }
            BOOST_TEST(host.view("d")["state"].text() == "running");
            goes_on(host, "d");
            BOOST_TEST_MESSAGE(point << ": " << (dumped ? "dumped" : "not dumped"));
        }
    }
}
