// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/view.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mshv::ctl {

/// A partition and what it used lately. What is not known is absent; no rate is before the second
/// look.
struct Usage {
    api::PartitionView view;
    std::optional<double> cpu;                           ///< percent of one processor
    std::optional<double> waiting;                       ///< likewise: could have run, and had none
    std::optional<double> exits;                         ///< a second, that the VMM had to handle
    std::optional<double> storage_read, storage_written; ///< bytes a second
    std::optional<double> network_received, network_sent; ///< bytes a second
    std::optional<std::size_t> disks, interfaces;         ///< of the definition
    std::vector<std::int64_t>
        vcpu_ms; ///< processor time of each virtual processor, where asked for
};

/// Turns counters into rates. The daemon looks at a VMM every few seconds and says how long ago
/// that was: a rate is taken between two such samples and stays until the next, however often one
/// asks.
class Rates {
public:
    using Clock = std::chrono::steady_clock;

    /// The views, each with its rates; what is not among them is forgotten.
    std::vector<Usage> look(std::vector<api::PartitionView> views, Clock::time_point now);

private:
    /// Counters at a time.
    struct Sample {
        Clock::time_point at;
        std::map<std::string_view, std::int64_t> counters;
    };
    /// The last sample, and the rates between it and the one before, by the counters' names.
    struct Series {
        std::optional<Sample> last;
        std::map<std::string_view, double> rates;

        void add(Sample sample);
        [[nodiscard]] std::optional<double> rate(std::string_view counter, double unit) const;
    };
    struct Known {
        std::string run; ///< another run begins anew
        Series process, hypervisor;
    };

    static void add(Known& known, const api::RuntimeView& runtime, Clock::time_point now);
    static void fill(Usage& usage, const Known& known);

    std::map<api::Uuid, Known> known_;
};

} // namespace mshv::ctl
