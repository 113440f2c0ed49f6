// SPDX-License-Identifier: Apache-2.0
//
// The daemon, or a keeper, dies at each crash point, each time that it is passed, during one life
// of partitions. After each death the next daemon must find every step either done or not begun,
// and the invariants must hold.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/invariants.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>
#include <regex>
#include <set>
#include <system_error>

using namespace mshv::e2e;

namespace {

namespace fs = std::filesystem;

/// Every crash point in the sources below `folder` whose name begins with `prefix`.
std::vector<std::string> crash_points(const std::string& folder, const std::string& prefix) {
    std::set<std::string> points;
    const std::regex pattern("MSHV_CRASHPOINT\\(\"([a-z_.]+)\"\\)");
    for (const auto& entry : fs::recursive_directory_iterator(source_path(folder))) {
        if (entry.path().extension() != ".cpp") {
            continue;
        }
        const auto text = mshv::posix::read_file(entry.path(), 1 << 20);
        for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
             ++match) {
            if ((*match)[1].str().starts_with(prefix)) {
                points.insert((*match)[1]);
            }
        }
    }
    return {points.begin(), points.end()};
}

struct Step {
    std::vector<std::string> command;
    std::string after; ///< what signature() is once it was done
    int status = 0;    ///< of mshvctl
};

/// "+vda=" of a partition with this disk in what runs and in its definition; - where it has it not;
/// "(a)" = the medium in a drive, by the first letter of its name; #50 where it is held to so many
/// requests a second.
/// Waits until nothing of it is on its way.
std::string disks_of(Host& host, const std::string& uuid) {
    for (;;) {
        const auto answer = host.http("GET", "/v1/partitions/uuid%3A" + uuid + "/disks");
        if (answer.status != 200) {
            return {}; // it is gone
        }
        std::string text;
        bool rests = true;
        for (const auto& view : Json::parse(answer.body)["disks"].items()) {
            const auto state = view["state"].text();
            rests = rests && state != "attaching" && state != "detaching";
            text += "+" + view["disk"]["target"].text() + (state == "defined" ? "-" : "") +
                    (view.has("config") && view["config"].flag() ? "=" : "");
            const auto& disk = view["disk"];
            if (disk.has("device") && disk["device"].text() == "cdrom") {
                const auto path = disk.has("path") ? disk["path"].text() : "/";
                text += "(" + path.substr(path.rfind('/') + 1, 1) + ")";
            }
            if (disk.has("iotune")) {
                text += "#" + std::to_string(disk["iotune"]["total_iops"]["per_second"].number());
            }
        }
        if (rests) {
            return text;
        }
    }
}

/// "~96": what the guest of a partition shall have and has, where that is not all of its memory.
std::string memory_of(Host& host, const std::string& uuid) {
    for (const auto deadline = soon(); !deadline.expired();) {
        const auto answer = host.http("GET", "/v1/partitions/uuid%3A" + uuid + "/memory");
        if (answer.status != 200) {
            return "";
        }
        const auto memory = Json::parse(answer.body);
        const auto target = memory["target"].number();
        if (target == memory["maximum"].number()) {
            return "";
        }
        if (!memory.has("reached") || memory["reached"].number() == target) {
            return "~" + std::to_string(target >> 20);
        }
    }
    return "?";
}

/// "^3": how many virtual processors its VMM has and it shall have, where that is not one.
std::string vcpus_of(Host& host, const Json& row) {
    const auto selector = "uuid%3A" + row["uuid"].text();
    for (const auto deadline = soon(); !deadline.expired();) {
        const auto view = host.http("GET", "/v1/partitions/" + selector);
        const auto has = host.http("GET", "/v1/partitions/" + selector + "/vcpus");
        if (view.status != 200 || has.status != 200) {
            return "";
        }
        const auto shall = Json::parse(view.body)["vcpus"].number();
        if (static_cast<std::size_t>(shall) == Json::parse(has.body)["vcpus"].items().size()) {
            return shall == 1 ? "" : "^" + std::to_string(shall);
        }
    }
    return "?";
}

/// The same of its interfaces, "+net0="; ! where the cable is pulled.
std::string nics_of(Host& host, const std::string& uuid) {
    for (;;) {
        const auto answer = host.http("GET", "/v1/partitions/uuid%3A" + uuid + "/interfaces");
        if (answer.status != 200) {
            return {};
        }
        std::string text;
        bool rests = true;
        for (const auto& view : Json::parse(answer.body)["interfaces"].items()) {
            const auto state = view["state"].text();
            const auto& nic = view["interface"];
            rests = rests && state != "attaching" && state != "detaching";
            text += "+" + nic["alias"].text() + (state == "defined" ? "-" : "") +
                    (view.has("config") && view["config"].flag() ? "=" : "") +
                    (nic.has("link_up") && !nic["link_up"].flag() ? "!" : "");
        }
        if (rests) {
            return text;
        }
    }
}

/// Everything that the daemon tells of, in one line.
std::string signature(Host& host) {
    std::set<std::string> rows;
    for (const auto& row : host.rows()) {
        rows.insert(row["name"].text() + ":" + row["state"].text() +
                    (row["persistent"].flag() ? "" : "(transient)") + vcpus_of(host, row) +
                    memory_of(host, row["uuid"].text()) + disks_of(host, row["uuid"].text()) +
                    nics_of(host, row["uuid"].text()));
    }
    std::string text;
    for (const auto& row : rows) {
        text += row + " ";
    }
    return text;
}

using Life = std::vector<Step> (*)(Host&);

/// One life with every changing verb in it.
std::vector<Step> usual_life(Host& host) {
    const auto file = [&](const std::string& name) {
        return host.write_file(name + ".xml", host.fake_guest(name).text());
    };
    const auto disk = host.write_file("disk", std::string(4096, 'd'));
    const auto other = host.write_file("other", std::string(4096, 'o'));
    const auto with_drive = [&](const std::string& name) {
        auto guest = host.fake_guest(name);
        guest.vcpus_most = 3;
        guest.devices = {"<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"};
        return host.write_file(name + "-drive.xml", guest.text());
    };
    return {
        {{"define", with_drive("p")}, "p:shutoff+sda-=() "},
        {{"start", "p"}, "p:running+sda=() "},
        {{"block-attach", "p", disk}, "p:running+sda=()+vda "},
        {{"block-resize", "p", "vda", "8192"}, "p:running+sda=()+vda "},
        {{"mem-set", "p", "96"}, "p:running~96+sda=()+vda "},
        {{"mem-set", "--live", "--config", "p", "128"}, "p:running+sda=()+vda "},
        {{"vcpu-pin", "p", "0", "0"}, "p:running+sda=()+vda "},
        {{"vcpu-set", "-i", "p", "3"}, "p:running^3+sda=()+vda "},
        {{"vcpu-set", "p", "1"}, "p:running+sda=()+vda "},
        {{"block-limit", "p", "vda", "--total-iops-sec", "50"}, "p:running+sda=()+vda#50 "},
        {{"block-limit", "p", "vda", "--total-iops-sec", "0"}, "p:running+sda=()+vda "},
        {{"block-attach", "--live", "--config", "p", other}, "p:running+sda=()+vda+vdb= "},
        {{"block-detach", "p", "vda"}, "p:running+sda=()+vdb= "},
        {{"block-detach", "--live", "--config", "p", "vdb"}, "p:running+sda=() "},
        {{"block-attach", "--config", "p", disk}, "p:running+sda=()+vda-= "},
        {{"block-detach", "--config", "p", "vda"}, "p:running+sda=() "},
        {{"network-attach", "p", "type=user"}, "p:running+sda=()+net0 "},
        {{"network-link", "p", "0", "down"}, "p:running+sda=()+net0! "},
        {{"network-attach", "--live", "--config", "p", "type=user"},
         "p:running+sda=()+net0!+net1= "},
        {{"network-link", "--live", "--config", "p", "1", "down"},
         "p:running+sda=()+net0!+net1=! "},
        {{"network-detach", "p", "0"}, "p:running+sda=()+net1=! "},
        {{"network-detach", "--live", "--config", "p", "1"}, "p:running+sda=() "},
        {{"pause", "p"}, "p:paused+sda=() "},
        {{"unpause", "p"}, "p:running+sda=() "},
        {{"cd-insert", "p", "sda", disk}, "p:running+sda=(d) "},
        {{"cd-insert", "--live", "--config", "p", "sda", other}, "p:running+sda=(o) "},
        {{"cd-eject", "p", "sda"}, "p:running+sda=() "},
        {{"rename", "p", "q"}, "q:running+sda=() "},
        {{"reset", "q"}, "q:running+sda=() "},
        {{"autostart", "--enable", "q"}, "q:running+sda=() "},
        {{"destroy", "q"}, "q:shutoff+sda-=(o) "},
        {{"undefine", "q"}, ""},
        {{"create", file("t")}, "t:running(transient) "},
        {{"shutdown", "-w", "--method", "acpi", "--timeout", "20", "t"}, ""},
        {{"create", "--define", file("d")}, "d:running "},
        {{"undefine", "d"}, "d:running(transient) "},
        {{"destroy", "d"}, ""},
    };
}

/// What goes wrong, and what is done seldom.
std::vector<Step> unusual_life(Host& host) {
    const auto file = [&](const std::string& name, const std::vector<std::string>& faults) {
        return host.write_file(name + std::to_string(faults.size()) + ".xml",
                               host.fake_guest(name, faults).text());
    };
    const auto fails = file("f", {"exit-before-ready=1"});
    const auto other = [&](const std::string& name, const std::string& uuid,
                           const std::string& on_reboot) {
        auto guest = host.fake_guest("f");
        guest.uuid = uuid;
        guest.on_reboot = on_reboot;
        return host.write_file(name + ".xml", guest.text());
    };
    return {
        {{"create", fails}, "", 1},
        {{"define", fails}, "f:shutoff "},
        {{"start", "f"}, "f:shutoff ", 1},
        {{"define", "--replace", file("f", {})}, "f:shutoff "},
        {{"start", "f"}, "f:running "},
        {{"define", "--replace", other("policy", "", "destroy")}, "f:running "},
        {{"config", "rollback", "f", "1"}, "f:running "},
        {{"apply", other("policy", "", "destroy")}, "f:running "},
        {{"create", file("deaf", {"ignore-powerdown"})}, "deaf:running(transient) f:running "},
        {{"shutdown", "-w", "--method", "acpi", "--timeout", "1", "deaf"},
         "deaf:running(transient) f:running ",
         9},
        {{"destroy", "deaf"}, "f:running "},
        {{"destroy", "f"}, "f:shutoff "},
        {{"apply", "--yes", other("other", "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f", "destroy")},
         "f:shutoff "},
        {{"create", "--define", "--replace",
          other("other", "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f", "restart")},
         "f:running "},
        {{"destroy", "f"}, "f:shutoff "},
    };
}

std::string words(const std::vector<std::string>& command) {
    std::string text;
    for (const auto& word : command) {
        text += word + " ";
    }
    return text;
}

/// After a death of the daemon during `step`: done or not begun; then it is done.
void recover(Host& host, const Step& step, const std::string& before, int status) {
    BOOST_REQUIRE(host.start_daemon());
    check_invariants(host); // waits until what was begun has come to rest
    auto now = signature(host);
    BOOST_CHECK_MESSAGE(now == step.after || now == before, "'" << words(step.command) << "' left '"
                                                                << now << "': neither '" << before
                                                                << "' nor '" << step.after << "'");
    // What was answered with success has survived.
    BOOST_CHECK_MESSAGE(status != step.status || now == step.after,
                        "'" << words(step.command) << "' was answered and is lost: " << now);
    // A step that cannot be seen from outside is done again unless it was answered.
    if (now != step.after || (now == before && status != step.status)) {
        BOOST_REQUIRE_EQUAL(host.ctl(step.command).status, step.status);
        now = signature(host);
    }
    BOOST_REQUIRE_MESSAGE(now == step.after, "'" << words(step.command) << "' leads to " << now);
}

/// What `ask` returns, or nothing when the daemon is gone: it may die after its answer, in what it
/// does behind it.
template <typename Ask>
std::optional<std::string> unless_dead(Host& host, Ask ask) {
    try {
        if (host.daemon_runs()) {
            return ask();
        }
    } catch (const std::system_error&) {
        return std::nullopt;
    } catch (const std::runtime_error&) {
        return std::nullopt;
    }
    return std::nullopt;
}

/// Lives one life with a daemon that dies at the n-th passing of `point`; false when it was never
/// passed so often.
bool live_and_die(Life life, const std::string& point, int n) {
    Host host({.fake_vmm = true, .crashpoint = point + ":" + std::to_string(n)});
    bool died = !host.daemon_runs();
    if (died) { // at the daemon's own start
        BOOST_REQUIRE(host.start_daemon());
    }
    std::string before;
    for (const auto& step : life(host)) {
        const auto outcome = host.ctl(step.command);
        const auto now = unless_dead(host, [&] { return signature(host); });
        if (!now && !died) {
            died = true;
            (void)host.wait_daemon_ended();
            recover(host, step, before, outcome.status);
        } else {
            BOOST_REQUIRE_MESSAGE(outcome.status == step.status && now,
                                  words(step.command) << outcome.err << host.daemon_log());
            BOOST_REQUIRE_EQUAL(*now, step.after);
        }
        before = step.after;
    }
    if (!died && !unless_dead(host, [&] {
            await_rest(host); // of what is done after the last answer
            return signature(host);
        })) {
        died = true;
        (void)host.wait_daemon_ended();
        BOOST_REQUIRE(host.start_daemon());
    }
    check_invariants(host);
    return died;
}

void matrix(const std::string& folder, const std::string& prefix, int most) {
    const auto points = crash_points(folder, prefix);
    BOOST_TEST(!points.empty());
    most = sanitized() ? 1 : most; // a life takes several times as long
    int deaths = 0;
    for (const auto& point : points) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            int here = 0;
            while (here < most && live_and_die(usual_life, point, here + 1)) {
                ++here;
            }
            if (here == 0) {
                here = live_and_die(unusual_life, point, 1) ? 1 : 0;
            }
            BOOST_TEST_MESSAGE(point << ": " << here << " deaths");
            deaths += here;
        }
    }
    BOOST_TEST(deaths > 0);
}

} // namespace

BOOST_AUTO_TEST_CASE(control_dies) {
    matrix("daemon/control", "control.", 3);
}

BOOST_AUTO_TEST_CASE(store_dies) {
    matrix("daemon/store", "store.", 40);
}

BOOST_AUTO_TEST_CASE(vmm_dies) {
    matrix("daemon/vmm", "vmm.", 3);
}

BOOST_AUTO_TEST_CASE(the_next_daemon_dies_while_it_repairs) {
    // The first daemon leaves work behind: a create without an end, and guests to adopt.
    for (const std::string first : {"control.after_launch:2", "control.after_kill"}) {
        for (const auto& point : crash_points("daemon/control", "control.")) {
            BOOST_TEST_CONTEXT("crash points " << first << " and then " << point) {
                Host host({.fake_vmm = true, .crashpoint = first});
                const auto file = host.write_file("b.xml", host.fake_guest("b").text());
                host.create(host.fake_guest("a"), {"--define"});
                (void)host.ctl({"create", "--define", file});
                (void)host.ctl({"destroy", "b"});
                (void)host.wait_daemon_ended();
                if (!host.start_daemon(point)) {
                    BOOST_REQUIRE(host.start_daemon());
                } else if (!unless_dead(host, [&] {
                               await_rest(host);
                               return signature(host);
                           })) {
                    (void)host.wait_daemon_ended();
                    BOOST_REQUIRE(host.start_daemon());
                } else { // the point was not passed, and shall not be later
                    host.kill_daemon();
                    BOOST_REQUIRE(host.start_daemon());
                }
                check_invariants(host);
                BOOST_TEST(host.view("a")["state"].text() == "running"); // no guest was lost
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_console_is_handed_over_or_not) {
    for (const auto& point : crash_points("daemon/vmm", "vmm.console")) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            Host host({.fake_vmm = true, .crashpoint = point});
            host.create(host.fake_guest("c", {"console-count=100"}));
            auto client = host.session({"console", "--no-input", "--replay", "all", "c"});
            (void)host.wait_daemon_ended();
            BOOST_REQUIRE(host.start_daemon());
            auto second = host.session({"console", "--no-input", "--replay", "all", "c"});
            second.wait_for("done", soon());
        }
    }
}

BOOST_AUTO_TEST_CASE(keepers_die) {
    for (const auto& point : crash_points("daemon/keeper", "keeper.")) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            Host host({.fake_vmm = true, .daemon_env = {"MSHV_KEEPER_CRASHPOINT=" + point}});
            host.define(host.fake_guest("k", {"console-count=10"}));
            const auto disk = host.write_file("disk", std::string(4096, 'd'));
            // Any of these may fail, since its keeper dies under it. None may hang or leave a
            // thing.
            for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
                     {"start", "k"},
                     {"block-attach", "k", disk},
                     {"block-resize", "k", "vda", "8192"},
                     {"vcpu-pin", "k", "0", "0"},
                     {"block-detach", "k", "vda"},
                     {"network-attach", "k", "type=user"},
                     {"network-link", "k", "0", "down"},
                     {"network-detach", "k", "0"},
                     {"pause", "k"},
                     {"unpause", "k"},
                     {"reset", "k"},
                     {"shutdown", "-w", "--method", "acpi", "--timeout", "5", "--escalate",
                      "destroy", "k"}}) {
                const auto outcome = host.ctl(command);
                const std::set<int> documented{0, 1, 3, 5, 9}; // 3: it got no disk to detach
                BOOST_TEST(documented.contains(outcome.status),
                           words(command) << outcome.status << " " << outcome.err);
            }
            BOOST_TEST(host.daemon_runs());
        }
    }
}

BOOST_AUTO_TEST_CASE(real_vmms_survive_what_the_daemon_does_not) {
    for (const std::string point :
         {"vmm.keeper.after_spawn", "vmm.resume.after", "store.after_commit:2", "vmm.kill.before",
          "vmm.kill.after", "vmm.kernel_cache.before_rename", "vmm.kernel_cache.after_rename",
          "vmm.stage.before", "vmm.stage.after"}) {
        BOOST_TEST_CONTEXT("crash point " << point) {
            // A cache of its own, so that the kernel is unpacked; an initrd that the VMM's user
            // cannot read, so that a copy of it is staged.
            Host host({.private_cache = true, .crashpoint = point});
            auto guest = GuestXml{.name = "r", .steps = "shell"}.text();
            const auto secret = host.path("initrd");
            BOOST_REQUIRE_EQUAL(run({"/bin/cp", guest_initrd(), secret}).status, 0);
            BOOST_REQUIRE_EQUAL(run({"/bin/chmod", "600", secret}).status, 0);
            guest.replace(guest.find(guest_initrd()), guest_initrd().size(), secret);
            const auto file = host.write_file("r.xml", guest);
            for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
                     {"create", "--define", file}, {"destroy", "r"}}) {
                (void)host.ctl(command);
                if (!unless_dead(host, [&] { return signature(host); })) {
                    (void)host.wait_daemon_ended();
                    BOOST_REQUIRE(host.start_daemon());
                    check_invariants(host);
                }
            }
            // Whatever was left behind does not stand in the way of the next one.
            (void)host.ctl({"undefine", "r"});
            host.ok({"create", file});
            host.wait_console("r", "MSHV-GUEST-HELLO");
        }
    }
}

BOOST_AUTO_TEST_CASE(a_hundred_kills_at_random_moments) {
    Host host({.fake_vmm = true});
    std::uint32_t seed = 20261121;
    const auto random = [&] { // a linear congruence: the same kills in every run
        seed = seed * 1664525U + 1013904223U;
        return seed >> 16U;
    };
    for (int i = 0; i < 8; ++i) {
        host.define(host.fake_guest("r" + std::to_string(i)));
    }
    for (int round = 0; round < (sanitized() ? 10 : 50); ++round) {
        std::vector<Program> clients;
        for (int i = 0; i < 8; ++i) {
            const auto name = "r" + std::to_string(random() % 8);
            const char* verbs[] = {"start", "destroy", "pause", "unpause", "reset"};
            clients.push_back(host.session({verbs[random() % 5], name}));
        }
        // After as many answers as chance says.
        for (std::size_t answered = random() % 4; answered > 0; --answered) {
            (void)clients[answered].finish(guest_time());
        }
        host.kill_daemon();
        clients.clear();
        BOOST_REQUIRE_MESSAGE(host.start_daemon(), "the daemon did not start again");
    }
    check_invariants(host);
    BOOST_TEST(host.rows().size() == 8U); // no definition was lost
}
