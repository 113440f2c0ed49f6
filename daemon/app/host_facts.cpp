// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/host_facts.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mshv::app {
namespace {

constexpr std::chrono::seconds fresh_for{15};
constexpr std::uint64_t mebibyte = 1024 * 1024;

std::string version_of(const domain::VmmCapability& vmm) {
    if (!vmm.why.empty()) {
        return "not usable: " + vmm.why;
    }
    return vmm.version.empty() ? vmm.program : vmm.version + " (" + vmm.program + ")";
}

std::string verdict_of(const domain::AcceleratorCapability& accelerator) {
    std::string text = accelerator.usable ? "yes" : "no";
    if (!accelerator.why.empty()) {
        text += " (" + accelerator.why + ")";
    }
    for (const auto& lack : accelerator.lacks) {
        text += "; without " + lack;
    }
    return text;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? "" : ", ") + word;
    }
    return text;
}

} // namespace

HostFacts::HostFacts(vmm::VmmHost& vmm, std::function<control::Service::Counts()> counts,
                     std::int64_t schema)
    : vmm_(vmm), counts_(std::move(counts)), schema_(schema),
      thread_([this](const std::stop_token& stop) { look_again(stop); }) {}

HostFacts::~HostFacts() {
    thread_.request_stop();
    const posix::Lock lock(mutex_);
    wanted_.notify_all();
}

void HostFacts::look_again(const std::stop_token& stop) {
    posix::Lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (!stale_) {
            wanted_.wait(lock);
            continue;
        }
        stale_ = false;
        lock.unlock();
        Found found;
        found.hypervisor = hostprobe::probe_hypervisor();
        found.system = hostprobe::probe_system();
        found.topology = hostprobe::read_topology();
        try {
            found.vmms = vmm_.capabilities();
        } catch (const std::exception& error) {
            domain::VmmCapability broken;
            broken.name = "qemu";
            broken.why = error.what();
            found.vmms = {broken};
        }
        found.at = std::chrono::steady_clock::now();
        lock.lock();
        if (found_ && found.system.scheduler.empty()) {
            // The kernel says it once, and its log forgets.
            found.system.scheduler = found_->system.scheduler;
        }
        found_ = std::move(found);
    }
}

api::HostView HostFacts::view() {
    api::HostView view;
    const auto add = [&](std::string key, std::string value) {
        view.facts.push_back({std::move(key), std::move(value)});
    };
    {
        const posix::Lock lock(mutex_);
        if (!found_ || std::chrono::steady_clock::now() - found_->at > fresh_for) {
            stale_ = true;
            wanted_.notify_all();
        }
        if (found_) {
            const auto& system = found_->system;
            const auto& hypervisor = found_->hypervisor;
            const auto& topology = found_->topology;
            add("host", system.hostname);
            add("release", system.kernel);
            add("version", system.kernel_build);
            add("machine", system.machine);
            add("nr_cpus", std::to_string(system.cpus_online));
            add("max_cpu_id",
                std::to_string(system.cpus_present == 0 ? 0 : system.cpus_present - 1));
            add("nr_nodes", std::to_string(std::max<std::size_t>(1, topology.nodes.size())));
            add("cores_per_socket", std::to_string(topology.cores_per_socket));
            add("threads_per_core", std::to_string(topology.threads_per_core));
            add("cpu_mhz", system.cpu_mhz);
            add("cpu_model", system.cpu_model);
            add("total_memory", std::to_string(system.memory_total / mebibyte));
            add("free_memory", std::to_string(system.memory_available / mebibyte));
            add("hv_vendor", hypervisor.vendor.empty() ? "none" : hypervisor.vendor);
            add("hv_version", hypervisor.version);
            add("hv_root", hypervisor.root ? "yes" : "no (" + hypervisor.why + ")");
            add("hv_privileges", joined(hypervisor.privileges));
            add("hv_scheduler", system.scheduler.empty() ? "unknown" : system.scheduler);
            for (const auto& vmm : found_->vmms) {
                add("vmm." + vmm.name, version_of(vmm));
                for (const auto& accelerator : vmm.accelerators) {
                    add("accel." + std::string(api::to_name(accelerator.accelerator)),
                        verdict_of(accelerator));
                }
            }
        } else {
            add("host_facts", "being found out");
        }
    }
    const auto counts = counts_();
    add("outstanding_claims", std::to_string(counts.promised / mebibyte));
    add("hv_partitions", counts.hypervisor);
    add("partitions", std::to_string(counts.partitions));
    add("running", std::to_string(counts.live));
    add("mshvd_version", MSHV_VERSION);
    add("db_schema", std::to_string(schema_));
    return view;
}

} // namespace mshv::app
