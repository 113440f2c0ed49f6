// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

// NICs that come and go while the guest runs: what they have besides other devices. A tap is an
// interface as long as one has its descriptor: the keeper, for later generations, or the VMM.

namespace mshv::vmm {

using qemu::JsonObject;

Fd make_tap(const TapOpener& opener, const domain::TapPlan& plan) {
    if (!opener) {
        throw api::Error(api::ErrorCode::unsupported, "This daemon cannot make bridged NICs");
    }
    return opener(plan);
}

void KeeperProcess::attach_nic(const api::PartitionSpec& spec, const api::Nic& nic,
                               Deadline deadline) {
    const auto before = makeup(deadline);
    const auto addition = qemu::add_nic(before, spec, nic);
    std::vector<Fd> fds;
    for (const auto& added : addition.taps) {
        fds.push_back(make_tap(open_tap_, added.tap));
        MSHV_CRASHPOINT("vmm.attach.after_tap");
    }
    amend(before, qemu::with_addition(before, addition), &addition, fds, deadline);
    add(addition, fds, deadline);
}

void KeeperProcess::set_link(const std::string& alias, bool up, Deadline deadline) {
    const auto before = makeup(deadline);
    const auto backend = qemu::backend_of(before, alias);
    if (backend.empty()) {
        throw api::Error(api::ErrorCode::failed, "The VMM has no interface " + alias);
    }
    amend(before, qemu::with_link(before, backend, up), nullptr, {}, deadline);
    qemu::expect_success(qmp(qemu::set_link(backend, up), "plug or pull a cable", deadline),
                         up ? "plug the cable in" : "pull the cable");
    MSHV_CRASHPOINT("vmm.link.after");
}

void KeeperProcess::sweep_backends(const qemu::MakeUp& now, const std::string& alias,
                                   Deadline deadline) {
    // QMP has no list of backends; the monitor for people has had this one since ever.
    const auto idle = qemu::parse_idle_backends(
        qmp(qemu::qmp_command("human-monitor-command",
                              JsonObject().text("command-line", "info network").str()),
            "look at the VMM's networks", deadline));
    const auto wanted = qemu::backends_of(now);
    for (const auto& backend : idle) {
        if (!wanted.contains(backend)) {
            MSHV_CRASHPOINT("vmm.sweep.before_backend");
            (void)qmp(qemu::qmp_command("netdev_del", JsonObject().text("id", backend).str()),
                      "take away an interface's backend", deadline);
        }
    }
    (void)qmp(qemu::qmp_command("closefd", JsonObject().text("fdname", alias).str()),
              "take away an interface's tap", deadline); // refused when there is none
}

} // namespace mshv::vmm
