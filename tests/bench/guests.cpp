// SPDX-License-Identifier: Apache-2.0
//
// What it costs to start and end real guests.
#include "tests/bench/suites.hpp"

#include "tests/bench/by_hand.hpp"
#include "tests/bench/rig.hpp"
#include "tests/e2e/lib/guest_xml.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/processes.hpp"

#include <algorithm>
#include <csignal>

namespace mshv::bench {
namespace {

const std::string hello = "MSHV-GUEST-HELLO";

Deadline boot_time() {
    return Deadline::after(60s);
}

/// What somebody would type who wants this guest and has no toolstack.
std::vector<std::string> plain_qemu(const std::string& kernel) {
    return {e2e::qemu_path(),
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-machine",
            "q35",
            "-accel",
            "tcg",
            "-m",
            "128",
            "-kernel",
            kernel,
            "-initrd",
            e2e::guest_initrd(),
            "-append",
            "console=ttyS0 quiet no_timer_check",
            "-serial",
            "stdio"};
}

double plain_hello(const std::string& kernel) {
    return time_us([&] {
        e2e::Program qemu(plain_qemu(kernel), {.env = {"PATH=/usr/bin:/bin"}});
        qemu.wait_for(hello, boot_time());
    });
}

std::string value_after(const std::vector<std::string>& argv, const std::string& option) {
    const auto at = std::find(argv.begin(), argv.end(), option);
    return at == argv.end() || at + 1 == argv.end() ? "" : *(at + 1);
}

} // namespace

void measure_guests(Report& report) {
    Rig rig(Rig::Vmm::real);
    const auto file = rig.write_file("guest.xml", e2e::GuestXml{.name = "g"}.text());
    rig.ctl({"create", file}); // the kernel is unpacked, the capabilities are probed
    const auto vmm = static_cast<pid_t>(rig.row("g")["runtime"]["vmm_pid"].number());
    const auto keeper = static_cast<pid_t>(rig.row("g")["runtime"]["keeper_pid"].number());
    const auto argv = e2e::argv_of(vmm);
    report.add({"keeper, PSS", "MB", proportional_bytes(keeper) / 1e6, 0, 0, "", 1.5,
                Figure::Kind::at_most});
    rig.ctl({"destroy", "g"});

    int number = 0;
    const auto by_hand_folder = [&] { return rig.path("by-hand" + std::to_string(++number)); };
    Pair destroys;
    const auto creates = in_turns(
        15,
        [&] {
            const auto took = time_us([&] { rig.ctl({"create", file}); });
            destroys.ours.add(time_us([&] { rig.ctl({"destroy", "g"}); }));
            return took;
        },
        [&] {
            std::optional<QemuByHand> qemu;
            const auto took = time_us([&] { qemu.emplace(argv, by_hand_folder()); });
            destroys.floor.add(time_us([&] { qemu->terminate(); }));
            return took;
        });
    report.ratio("create to return", creates, "same QEMU by hand to QMP running", 1.15);
    report.ratio("destroy", destroys, "SIGTERM and wait", 2);

    const auto create_to_hello = [&] {
        std::optional<e2e::Program> client;
        const auto took = time_us([&] {
            client.emplace(rig.session({"create", "-c", file}));
            client->wait_for(hello, boot_time());
        });
        client.reset();
        rig.ctl({"destroy", "g"});
        return took;
    };
    const auto against_bzimage =
        in_turns(7, create_to_hello, [&] { return plain_hello(e2e::guest_kernel()); });
    report.ratio("create to the guest's hello", against_bzimage, "bare QEMU, same bzImage", 0.85);
    const auto against_same = in_turns(7, create_to_hello, [&] {
        return time_us([&] {
            QemuByHand qemu(argv, by_hand_folder());
            qemu.wait_for(hello, boot_time());
        });
    });
    const auto kernel = value_after(argv, "-kernel");
    report.ratio("create to the guest's hello", against_same,
                 kernel.ends_with("vmlinux") ? "bare QEMU, same vmlinux and arguments"
                                             : "bare QEMU, same arguments",
                 1.03);
}

} // namespace mshv::bench
