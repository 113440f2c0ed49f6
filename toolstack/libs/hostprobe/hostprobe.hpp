// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace mshv::hostprobe {

// ---- the hypervisor under this kernel (CPUID leaves 0x40000000 and up)
// ---------------------------

struct CpuidLeaf {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};
/// Leaf number to registers; a parameter so that a decoder can be tested with another host's
/// leaves.
using CpuidReader = std::function<CpuidLeaf(std::uint32_t leaf)>;

struct HypervisorFacts {
    bool present = false;   ///< CPUID says that this kernel runs under a hypervisor
    std::string vendor;     ///< "Microsoft Hv", "KVMKVMKVM" …; empty when none
    bool microsoft = false; ///< with the Hv#1 interface: not a look-alike's vendor string alone
    std::string version;    ///< "10.0.26100.1"; empty when it does not say
    /// Names of the partition privileges that this partition holds, e.g. "CreatePartitions".
    std::vector<std::string> privileges;
    bool root = false;         ///< may create partitions and manage CPUs
    std::string why;           ///< what led to `root`
    std::uint64_t tsc_khz = 0; ///< 0 = the CPU does not tell
};

HypervisorFacts decode_hypervisor(const CpuidReader& cpuid);
HypervisorFacts probe_hypervisor();

// ---- devices
// -------------------------------------------------------------------------------------

struct DeviceFacts {
    std::string path;
    bool exists = false;
    bool openable = false; ///< by this process, for reading and writing
    mode_t mode = 0;       ///< permission bits
    uid_t uid = 0;
    gid_t gid = 0;
    std::string why; ///< why not; or "opened"
};
DeviceFacts probe_device(const std::string& path);

struct KvmFacts {
    DeviceFacts device;
    int api_version = 0;
    std::string cpu_flag; ///< "vmx" or "svm"; empty when the CPU shows neither
    bool runs = false;    ///< a virtual machine of a few instructions ran to its end
    std::string why;
};
/// Runs a few instructions in a virtual machine, in a child that is killed at the deadline: a KVM
/// that is itself emulated badly may never come back from KVM_RUN.
KvmFacts probe_kvm(posix::Deadline deadline);

// ---- the rest
// ------------------------------------------------------------------------------------

struct SystemFacts {
    std::string kernel;       ///< release
    std::string kernel_build; ///< number and time
    std::string machine;      ///< x86_64
    std::string hostname;
    std::string cpu_model;
    std::string cpu_mhz; ///< at the moment, of the first processor: "2099.995"
    unsigned cpus_online = 0, cpus_present = 0;
    std::uint64_t memory_total = 0, memory_available = 0; ///< bytes
    std::uint64_t hugepages_free = 0;
    int cgroup_version = 0;          ///< 0 = none mounted
    std::string sys_hypervisor_type; ///< /sys/hypervisor/type
    bool lists_partitions = false;      ///< the kernel, to this process
    std::string why_no_partitions;
    std::vector<std::string> firmware; ///< descriptor files of EFI firmware
    std::string qboot;                 ///< path of qboot.rom
    std::string scheduler; ///< of the Microsoft hypervisor: "root", "core" …; empty = unknown
};
SystemFacts probe_system();

struct VmmVersion {
    unsigned major = 0, minor = 0;
    std::string text; ///< "7.2.22"
};
struct VmmFacts {
    std::string path; ///< empty = none is installed
    std::optional<VmmVersion> version;
    std::vector<std::string> accelerators; ///< that the binary was built with, sorted
    std::string why;                       ///< why there is no version
};
/// Where mshvd looks when its configuration names no VMM, in this order.
inline const std::vector<std::string> usual_vmms{
    "/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"};
/// Asks the first of `candidates` that can be executed for its version and accelerators.
VmmFacts probe_vmm(const std::vector<std::string>& candidates, posix::Deadline deadline);
/// The answers to --version and to -accel help.
std::optional<VmmVersion> parse_vmm_version(std::string_view text);
std::vector<std::string> parse_accelerators(std::string_view text);

struct HostFacts {
    HypervisorFacts hypervisor;
    DeviceFacts mshv, tun, vhost_net;
    KvmFacts kvm;
    SystemFacts system;
    std::optional<VmmFacts> vmm; ///< of who asks for it: it runs a program
};
HostFacts probe(posix::Deadline deadline);

// ---- verdicts
// ------------------------------------------------------------------------------------

enum class Verdict { ok, info, warn, fail };

/// One line of `mshvctl doctor`.
struct Check {
    std::string id; ///< stable, for scripts: "hypervisor", "dev-mshv", "kvm" …
    Verdict verdict = Verdict::ok;
    std::string what; ///< what was found
    std::string fix;  ///< what to do; empty where there is nothing to do
};

/// `fail` only where no partition at all could run.
std::vector<Check> run_checks(const HostFacts& facts);

} // namespace mshv::hostprobe
