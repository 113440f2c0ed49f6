// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"

#include <algorithm>

namespace mshv::hostprobe {
namespace {

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

Check check_hypervisor(const HypervisorFacts& facts) {
    Check check{"hypervisor", Verdict::ok, {}, {}};
    if (facts.root) {
        check.what = "Microsoft hypervisor " + facts.version + ", and this is its root partition";
    } else if (facts.microsoft) {
        check.verdict = Verdict::warn;
        check.what = "Microsoft hypervisor " + facts.version +
                     ", but this is not its root partition: " + facts.why;
        check.fix = "start the hypervisor on the machine itself and boot this kernel as its root";
    } else {
        check.verdict = Verdict::warn;
        check.what = facts.present ? "the hypervisor below is " + facts.vendor + ", not Microsoft's"
                                   : "no hypervisor runs below this kernel";
        check.fix = "boot the Microsoft hypervisor with this kernel as root partition; until then "
                    "partitions run under kvm or tcg";
    }
    return check;
}

/// Root opens every device; the VMMs' users only what is theirs.
bool open_to_group(const DeviceFacts& device) {
    constexpr mode_t group_bits = 0060;
    constexpr mode_t other_bits = 0006;
    return (device.mode & group_bits) == group_bits || (device.mode & other_bits) == other_bits;
}

Check check_mshv(const HostFacts& facts) {
    Check check{"dev-mshv", Verdict::ok, "/dev/mshv opens", {}};
    if (facts.mshv.openable && open_to_group(facts.mshv)) {
        return check;
    }
    if (facts.mshv.openable) {
        check.verdict = Verdict::warn;
        check.what += ", but only to root: VMMs run as users of their own";
        check.fix = "install the udev rule 70-mshv.rules, run 'udevadm trigger /dev/mshv' and "
                    "restart mshvd";
        return check;
    }
    check.verdict = facts.hypervisor.root ? Verdict::fail : Verdict::info;
    check.what = facts.mshv.why;
    if (!facts.hypervisor.root) {
        return check;
    }
    check.fix = "install the udev rule 70-mshv.rules, or run as root";
    if (!facts.mshv.exists) {
        check.what += ": no driver of Linux " + facts.system.kernel + " has made it";
        check.fix = "load the module mshv_root; where there is none, boot a kernel with "
                    "CONFIG_MSHV_ROOT: Linux 6.12 with mshv's patches, or 6.15 and newer";
    }
    return check;
}

/// What the hypervisor has beside our own partitions can only be seen where the kernel lists it.
Check check_partitions(const SystemFacts& facts) {
    if (facts.lists_partitions) {
        return {"partitions", Verdict::ok, "the kernel lists the hypervisor's partitions", {}};
    }
    return {"partitions", Verdict::info,
            "partitions of other programs cannot be seen: " + facts.why_no_partitions,
            "as root, with a kernel with CONFIG_DEBUG_FS: mount -t debugfs debugfs "
            "/sys/kernel/debug"};
}

Check check_scheduler(const SystemFacts& facts) {
    if (facts.scheduler.empty()) {
        return {"scheduler", Verdict::info,
                "the hypervisor's scheduler is not known: the kernel's log does not say it, or "
                "cannot be read",
                {}};
    }
    return {
        "scheduler", Verdict::ok, "the hypervisor's scheduler is the " + facts.scheduler + " one", {}};
}

Check check_kvm(const KvmFacts& facts) {
    if (facts.runs) {
        return {
            "kvm", Verdict::ok, "KVM runs guests (" + facts.cpu_flag + ", " + facts.why + ")", {}};
    }
    return {"kvm", Verdict::info, "KVM cannot be used: " + facts.why,
            facts.device.exists && !facts.device.openable ? "look at the mode of /dev/kvm" : ""};
}

/// Does the VMM, if one was looked at, have the accelerator?
bool offers(const HostFacts& facts, const std::string& accelerator) {
    return !facts.vmm || std::find(facts.vmm->accelerators.begin(), facts.vmm->accelerators.end(),
                                   accelerator) != facts.vmm->accelerators.end();
}

bool has_mshv(const HostFacts& facts) {
    return facts.hypervisor.root && facts.mshv.openable;
}

Check check_accelerator(const HostFacts& facts) {
    const bool mshv = has_mshv(facts) && offers(facts, "mshv");
    if (mshv || (facts.kvm.runs && offers(facts, "kvm"))) {
        return {"accelerator",
                Verdict::ok,
                std::string("partitions run under ") + (mshv ? "mshv" : "kvm"),
                {}};
    }
    return {"accelerator", Verdict::warn, "partitions run under tcg, which is slow",
            "see the other checks for what mshv and kvm lack"};
}

Check check_vmm(const VmmFacts& vmm) {
    constexpr const char* install =
        "install the package qemu-system-x86 (Debian, Ubuntu) or qemu-system-x86-core (Fedora)";
    if (!vmm.version) {
        return {"vmm", Verdict::fail, vmm.why,
                vmm.path.empty() ? std::string(install)
                                 : std::string(install) + " again, or set qemu in mshvd.toml"};
    }
    const std::string what = vmm.path + " is QEMU " + vmm.version->text;
    const bool old = vmm.version->major < 7 || (vmm.version->major == 7 && vmm.version->minor < 2);
    if (old) {
        return {"vmm", Verdict::fail, what + ", and mshvd needs 7.2 or newer",
                "upgrade the package qemu-system-x86, or set qemu in mshvd.toml to a newer one"};
    }
    return {"vmm", Verdict::ok, what, {}};
}

/// What the VMM was built with, and what of it the host can use.
Check check_vmm_accelerators(const HostFacts& facts) {
    std::vector<std::string> works;
    for (const auto& name : facts.vmm->accelerators) {
        if (name == "tcg" || (name == "kvm" && facts.kvm.runs) ||
            (name == "mshv" && has_mshv(facts))) {
            works.push_back(name);
        }
    }
    Check check{"vmm-accelerators", Verdict::ok,
                "QEMU offers " + join(facts.vmm->accelerators) + "; usable here: " + join(works), {}};
    if (works.empty()) {
        check.verdict = Verdict::fail;
        check.what = facts.vmm->accelerators.empty()
                         ? "QEMU offers no accelerator"
                         : "QEMU offers " + join(facts.vmm->accelerators) + "; none is usable here";
        check.fix = "install a QEMU with tcg: the package qemu-system-x86";
    } else if (has_mshv(facts) && !offers(facts, "mshv")) {
        check.verdict = Verdict::warn;
        check.fix = "install a QEMU that was built with mshv, or set qemu in mshvd.toml to one";
    }
    return check;
}

Check check_memory(const SystemFacts& facts) {
    constexpr std::uint64_t little = 512ULL * 1024 * 1024;
    const std::string text = std::to_string(facts.memory_available >> 20U) + " MiB of " +
                             std::to_string(facts.memory_total >> 20U) + " MiB available";
    return facts.memory_available < little
               ? Check{"memory", Verdict::warn, text, "end what is not needed, or add memory"}
               : Check{"memory", Verdict::ok, text, {}};
}

Check check_cgroup(const SystemFacts& facts) {
    if (facts.cgroup_version == 2) {
        return {"cgroup", Verdict::ok, "cgroup v2 is mounted", {}};
    }
    return {"cgroup", Verdict::info,
            facts.cgroup_version == 1 ? "only cgroup v1 is mounted" : "no cgroups are mounted",
            "boot with systemd.unified_cgroup_hierarchy=1"};
}

Check check_tun(const DeviceFacts& tun) {
    if (tun.openable) {
        return {"tun", Verdict::ok, "/dev/net/tun opens: NICs can be bridged", {}};
    }
    return {"tun", Verdict::warn, "NICs cannot be bridged: " + tun.why,
            tun.exists ? "run as root" : "load the module tun"};
}

Check check_firmware(const SystemFacts& facts) {
    if (facts.firmware.empty()) {
        return {"efi", Verdict::info, "no EFI firmware for guests is installed",
                "install the package ovmf"};
    }
    return {"efi",
            Verdict::ok,
            "EFI firmware is installed (" + std::to_string(facts.firmware.size()) + " kinds)",
            {}};
}

} // namespace

std::vector<Check> run_checks(const HostFacts& facts) {
    std::vector<Check> checks{check_hypervisor(facts.hypervisor)};
    if (!facts.hypervisor.privileges.empty()) {
        checks.push_back({"privileges",
                          Verdict::info,
                          "this partition holds: " + join(facts.hypervisor.privileges),
                          {}});
    }
    checks.push_back(check_mshv(facts));
    if (facts.mshv.exists) {
        checks.push_back(check_scheduler(facts.system));
        checks.push_back(check_partitions(facts.system));
    }
    checks.push_back(check_kvm(facts.kvm));
    if (facts.vmm) {
        checks.push_back(check_vmm(*facts.vmm));
        if (facts.vmm->version) {
            checks.push_back(check_vmm_accelerators(facts));
        }
    }
    checks.push_back(check_accelerator(facts));
    checks.push_back({"kernel",
                      Verdict::info,
                      "Linux " + facts.system.kernel + " on " + facts.system.cpu_model,
                      {}});
    checks.push_back({"cpus",
                      Verdict::info,
                      std::to_string(facts.system.cpus_online) + " CPUs online of " +
                          std::to_string(facts.system.cpus_present),
                      {}});
    checks.push_back(check_memory(facts.system));
    checks.push_back(check_cgroup(facts.system));
    checks.push_back(check_tun(facts.tun));
    checks.push_back(facts.vhost_net.openable
                         ? Check{"vhost-net", Verdict::ok, "/dev/vhost-net opens", {}}
                         : Check{"vhost-net", Verdict::info, facts.vhost_net.why, {}});
    checks.push_back(check_firmware(facts.system));
    checks.push_back(facts.system.qboot.empty()
                         ? Check{"qboot", Verdict::info, "qboot.rom is not installed",
                                 "install qemu-system-data: kernels boot faster under tcg with it"}
                         : Check{"qboot", Verdict::ok, "qboot.rom is installed", {}});
    return checks;
}

} // namespace mshv::hostprobe
