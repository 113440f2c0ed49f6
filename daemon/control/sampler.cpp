// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/sampler.hpp"

#include "daemon/control/process_figures.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <system_error>

namespace mshv::control {

namespace {

/// A VMM's taps are looked for once in so many samples: that reads a file for each of its
/// descriptors, and they change only when an interface is attached.
constexpr unsigned samples_with_same_taps = 16;

} // namespace

Sample Sampler::sample_of(const Live& live, const posix::ProcessIdentity& vmm, Sample sample) {
    const std::string& proc = core_.options.proc;
    sample.waiting_ms = waiting_of(proc, vmm.pid);
    if (const auto storage = storage_of(proc, vmm.pid)) {
        sample.storage_read = storage->in;
        sample.storage_written = storage->out;
    }
    Taps& taps = taps_[live.incarnation];
    if (taps.vmm != vmm.pid || taps.samples++ % samples_with_same_taps == 0) {
        taps.vmm = vmm.pid;
        taps.names = taps_of(proc, vmm.pid);
    }
    if (const auto traffic = traffic_of(core_.options.sys + "/class/net", taps.names)) {
        sample.network_received = traffic->in;
        sample.network_sent = traffic->out;
    }
    sample.at_boot_ms = core_.clock.boot_ms();
    return sample;
}

void Sampler::sample_all() noexcept {
    const auto lives = core_.lives.all();
    std::erase_if(taps_, [&](const auto& taps) {
        return std::none_of(lives.begin(), lives.end(),
                            [&](const LivePtr& live) { return live->incarnation == taps.first; });
    });
    for (const LivePtr& live : lives) {
        const auto entry = core_.directory.find(live->uuid);
        if (!entry || !entry->row.runtime || entry->row.runtime->vmm.pid == 0) {
            continue;
        }
        const auto& vmm = entry->row.runtime->vmm;
        try {
            const std::string path = core_.options.proc + '/' + std::to_string(vmm.pid) + "/stat";
            if (const auto stat = parse_stat(posix::read_file(path, 4096), vmm)) {
                const Sample sample = sample_of(*live, vmm, *stat);
                posix::Lock lock(live->mutex);
                live->sample = sample;
            }
        } catch (const std::exception&) {
            continue; // it ended: its keeper says so
        }
    }
}

} // namespace mshv::control
