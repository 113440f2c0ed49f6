// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/accelerator.hpp"

#include "toolstack/libs/api/error.hpp"

#include <utility>

namespace mshv::vmm::qemu {
namespace {

std::string name_of(api::Accelerator accelerator) {
    return std::string(api::to_name(accelerator));
}

void require_version(const api::PartitionSpec& spec, const Capabilities& capabilities) {
    if (spec.vmm.minimum.empty()) {
        return;
    }
    const auto minimum = Version::parse(spec.vmm.minimum);
    if (!minimum) {
        throw api::Error(api::ErrorCode::invalid, "'" + spec.vmm.minimum + "' is not a VMM version",
                         "write it as in minimum=\"10.2\"");
    }
    if (capabilities.version < *minimum) {
        throw api::Error(api::ErrorCode::unsupported,
                         "The partition asks for QEMU " + spec.vmm.minimum + " or later, and " +
                             capabilities.program + " is " + capabilities.version.to_string(),
                         "install a newer QEMU, or lower mshv/vmm/@minimum");
    }
}

} // namespace

std::string why_not(api::Accelerator accelerator, const Capabilities& capabilities,
                    const HostAccelerators& host) {
    if (!capabilities.accelerators.contains(name_of(accelerator))) {
        const std::string hint =
            accelerator == api::Accelerator::mshv ? " (QEMU 10.2 is the first that can)" : "";
        return "QEMU " + capabilities.version.to_string() + " was built without it" + hint;
    }
    if (accelerator == api::Accelerator::mshv && !host.mshv.usable) {
        return host.mshv.why;
    }
    if (accelerator == api::Accelerator::kvm && !host.kvm.usable) {
        return host.kvm.why;
    }
    return {};
}

AcceleratorChoice choose_accelerator(const api::PartitionSpec& spec,
                                     const Capabilities& capabilities,
                                     const HostAccelerators& host) {
    require_version(spec, capabilities);
    if (spec.accelerator != api::Accelerator::automatic) {
        const std::string why = why_not(spec.accelerator, capabilities, host);
        if (!why.empty()) {
            throw api::Error(api::ErrorCode::unsupported,
                             "The accelerator " + name_of(spec.accelerator) +
                                 " cannot be used here: " + why,
                             "run 'mshvctl doctor', or let type=\"auto\" choose");
        }
        return {spec.accelerator, "asked for by the definition"};
    }
    std::string refused;
    for (const auto candidate :
         {api::Accelerator::mshv, api::Accelerator::kvm, api::Accelerator::tcg}) {
        std::string why = why_not(candidate, capabilities, host);
        if (why.empty() && candidate == api::Accelerator::tcg && !spec.vmm.fallback_tcg) {
            why = "the definition forbids it (fallback_tcg)";
        }
        if (why.empty()) {
            std::string reason = "the first that works";
            if (!refused.empty()) {
                reason.append("; not ").append(refused);
            }
            return {candidate, std::move(reason)};
        }
        refused.append(refused.empty() ? "" : "; not ");
        refused.append(api::to_name(candidate)).append(": ").append(why);
    }
    throw api::Error(api::ErrorCode::unsupported, "No accelerator can be used: not " + refused,
                     "run 'mshvctl doctor'");
}

std::vector<std::string> lacking(api::Accelerator accelerator, const Version& version) {
    constexpr Version first_unknown{11, 2, 0}; // to be looked at again then
    if (accelerator == api::Accelerator::mshv && version < first_unknown) {
        return {"nmi",     "save",     "migrate",   "snapshot", "suspend-to-ram",
                "balloon", "cpu-plug", "cpu-unplug"};
    }
    return {};
}

} // namespace mshv::vmm::qemu
