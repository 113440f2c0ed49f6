// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/hostprobe/kernel_log.hpp"
#include "toolstack/libs/hostprobe/partitions.hpp"
#include "toolstack/libs/hostprobe/text.hpp"

#include <algorithm>
#include <dirent.h>
#include <memory>
#include <string_view>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

namespace mshv::hostprobe {
namespace {

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

int cgroup_version() {
    if (exists("/sys/fs/cgroup/cgroup.controllers")) {
        return 2;
    }
    return exists("/sys/fs/cgroup/memory") || exists("/sys/fs/cgroup/systemd") ? 1 : 0;
}

std::vector<std::string> firmware_descriptors() {
    std::vector<std::string> found;
    for (const std::string folder : {"/etc/qemu/firmware", "/usr/share/qemu/firmware"}) {
        const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(folder.c_str()), ::closedir);
        while (list) {
            const dirent* entry = ::readdir(list.get()); // NOLINT(concurrency-mt-unsafe): own DIR
            if (entry == nullptr) {
                break;
            }
            if (std::string_view(entry->d_name).ends_with(".json")) {
                found.push_back(folder + "/" + entry->d_name);
            }
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// What /proc/cpuinfo says of the first processor.
std::string of_first_cpu(const std::string& info, std::string_view key) {
    const auto at = info.find(key);
    const auto colon = at == std::string::npos ? at : info.find(": ", at);
    return colon == std::string::npos ? std::string()
                                      : info.substr(colon + 2, info.find('\n', colon) - colon - 2);
}

std::string scheduler() {
    try {
        return scheduler_of_log(read_kernel_log());
    } catch (const std::system_error&) {
        return {};
    }
}

} // namespace

SystemFacts probe_system() {
    SystemFacts facts;
    utsname name{};
    if (::uname(&name) == 0) {
        facts.kernel = name.release;
        facts.kernel_build = name.version;
        facts.machine = name.machine;
        facts.hostname = name.nodename;
    }
    const std::string cpus = read_text("/proc/cpuinfo");
    facts.cpu_model = of_first_cpu(cpus, "model name");
    facts.cpu_mhz = of_first_cpu(cpus, "cpu MHz");
    facts.cpus_online = static_cast<unsigned>(std::max(0L, ::sysconf(_SC_NPROCESSORS_ONLN)));
    facts.cpus_present = static_cast<unsigned>(std::max(0L, ::sysconf(_SC_NPROCESSORS_CONF)));
    const std::string memory = read_text("/proc/meminfo");
    facts.memory_total = number_behind(memory, "MemTotal") * 1024;
    facts.memory_available = number_behind(memory, "MemAvailable") * 1024;
    facts.hugepages_free = number_behind(memory, "HugePages_Free");
    facts.cgroup_version = cgroup_version();
    facts.sys_hypervisor_type = read_line("/sys/hypervisor/type");
    const auto partitions = read_partitions();
    facts.lists_partitions = partitions.known;
    facts.why_no_partitions = partitions.why;
    facts.firmware = firmware_descriptors();
    for (const char* path : {"/usr/share/qemu/qboot.rom", "/usr/share/seabios/qboot.rom"}) {
        if (facts.qboot.empty() && exists(path)) {
            facts.qboot = path;
        }
    }
    facts.scheduler = scheduler();
    return facts;
}

HostFacts probe(posix::Deadline deadline) {
    HostFacts facts;
    facts.hypervisor = probe_hypervisor();
    facts.mshv = probe_device("/dev/mshv");
    facts.tun = probe_device("/dev/net/tun");
    facts.vhost_net = probe_device("/dev/vhost-net");
    facts.system = probe_system();
    facts.kvm = probe_kvm(deadline);
    return facts;
}

} // namespace mshv::hostprobe
