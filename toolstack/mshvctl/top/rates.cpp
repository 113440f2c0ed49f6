// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/top/rates.hpp"

namespace mshv::ctl {
namespace {

/// Two samples that are said to be closer than this are one, whose age was told a little later or
/// earlier.
constexpr std::chrono::milliseconds same_sample{200};
constexpr double millisecond = 1e-3; ///< in seconds
constexpr double percent = 100;

} // namespace

void Rates::Series::add(Sample sample) {
    if (last && sample.at - last->at < same_sample) {
        return;
    }
    rates.clear();
    if (last) {
        const double seconds = std::chrono::duration<double>(sample.at - last->at).count();
        for (const auto& [name, value] : sample.counters) {
            const auto before = last->counters.find(name);
            if (before != last->counters.end() && value >= before->second) {
                rates[name] = static_cast<double>(value - before->second) / seconds;
            }
        }
    }
    last = std::move(sample);
}

std::optional<double> Rates::Series::rate(std::string_view counter, double unit) const {
    const auto found = rates.find(counter);
    return found == rates.end() ? std::nullopt : std::optional(found->second * unit);
}

void Rates::add(Known& known, const api::RuntimeView& runtime, Clock::time_point now) {
    std::string run = runtime.incarnation + '/' + std::to_string(runtime.generation);
    if (run != known.run) {
        known = Known{std::move(run), {}, {}};
    }
    const auto put = [](Sample& sample, std::string_view name,
                        const std::optional<std::int64_t>& value) {
        if (value) {
            sample.counters[name] = *value;
        }
    };
    if (runtime.rss != 0) { // else the daemon has not looked yet
        Sample sample{now - std::chrono::milliseconds(runtime.sample_age_ms), {}};
        put(sample, "cpu", runtime.cpu_time_ms);
        put(sample, "waiting", runtime.waiting_ms);
        put(sample, "read", runtime.storage_read);
        put(sample, "written", runtime.storage_written);
        put(sample, "received", runtime.network_received);
        put(sample, "sent", runtime.network_sent);
        known.process.add(std::move(sample));
    }
    if (const auto& has = runtime.hypervisor; has && has->sample_age_ms) {
        Sample sample{now - std::chrono::milliseconds(*has->sample_age_ms), {}};
        put(sample, "cpu", has->cpu_time_ms);
        put(sample, "waiting", has->waiting_ms);
        put(sample, "exits", has->intercepts);
        known.hypervisor.add(std::move(sample));
    }
}

void Rates::fill(Usage& usage, const Known& known) {
    constexpr double share = millisecond * percent;
    const auto& has = usage.view.runtime->hypervisor;
    const Series& of_cpu = has && has->cpu_time_ms ? known.hypervisor : known.process;
    const Series& of_waiting = has && has->waiting_ms ? known.hypervisor : known.process;
    usage.cpu = of_cpu.rate("cpu", share);
    usage.waiting = of_waiting.rate("waiting", share);
    usage.exits = known.hypervisor.rate("exits", 1);
    usage.storage_read = known.process.rate("read", 1);
    usage.storage_written = known.process.rate("written", 1);
    usage.network_received = known.process.rate("received", 1);
    usage.network_sent = known.process.rate("sent", 1);
}

std::vector<Usage> Rates::look(std::vector<api::PartitionView> views, Clock::time_point now) {
    std::map<api::Uuid, Known> next;
    std::vector<Usage> all;
    all.reserve(views.size());
    for (auto& view : views) {
        Usage& usage = all.emplace_back();
        usage.view = std::move(view);
        if (!usage.view.runtime) {
            continue;
        }
        Known& known = next[usage.view.uuid];
        if (const auto before = known_.find(usage.view.uuid); before != known_.end()) {
            known = std::move(before->second);
        }
        add(known, *usage.view.runtime, now);
        fill(usage, known);
    }
    known_ = std::move(next);
    return all;
}

} // namespace mshv::ctl
