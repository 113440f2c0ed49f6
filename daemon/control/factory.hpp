// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/cgroup/groups.hpp"
#include "daemon/control/clock.hpp"
#include "daemon/control/service.hpp"
#include "daemon/net/neighbours.hpp"
#include "daemon/store/store.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/hostprobe/partitions.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::control {

/// The folders of this daemon.
struct Dirs {
    std::string state_dir = "/var/lib/mshv";
    std::string run_dir = "/run/mshv";
    std::string log_dir = "/var/log/mshv"; ///< <uuid>/console.log below it
};

enum class Severity { debug, info, warning, error };

/// What control needs of the program around it. Each may be empty; each may be called on any
/// thread.
struct Hooks {
    std::function<void(Severity, std::string_view)> log;
    /// A definition was removed durably and nothing of it runs: what other modules keep for it
    /// (its copy of the firmware's variables) can go.
    std::function<void(const api::Uuid&)> removed;
};

struct ServiceOptions {
    std::string boot_id; ///< empty = the kernel's
    std::chrono::milliseconds sample_interval{2000};
    /// How long start_up() waits for the adoption of running partitions; the rest goes on behind
    /// it.
    std::chrono::milliseconds adopt_wait{2000};
    /// For one exchange with a keeper or VMM that no user gave a deadline for.
    std::chrono::milliseconds vmm_timeout{5000};
    std::size_t max_threads = 32;             ///< of the pool that talks to VMMs
    /// How many folders of console logs of partitions that are no more are kept.
    std::size_t keep_ended_logs = 100;
    /// Whether a partition starts for which the host has no memory, and what of that, in bytes, is
    /// kept for the host itself.
    api::Admission admission = api::Admission::off;
    std::uint64_t memory_reserve = 0;
    bool autostart = true;                    ///< off: `mshvd --no-autostart`
    std::string proc = "/proc", sys = "/sys"; ///< for tests
    /// What the hypervisor has; empty: as the kernel lists it. It may take its time.
    std::function<hostprobe::HypervisorPartitions()> partitions;
    /// Whom the host has spoken with on a bridge; empty: as the kernel lists them.
    std::function<std::vector<net::Neighbour>(const std::string& bridge)> neighbours;
};

/// Everything is referenced, not owned, and must outlive the service.
struct Dependencies {
    store::Store& store;
    vmm::VmmHost& vmm;
    Clock& clock = system_clock();
    Dirs dirs{};
    Hooks hooks{};
    ServiceOptions options{};
    const cgroup::Groups* groups = nullptr; ///< null = none
};

/// PartitionService with its threads.
class Service : public PartitionService {
public:
    /// Loads the directory, adopts what runs, repairs what an earlier daemon left half done, and
    /// starts the threads, autostart among them. Queries work from the moment it returns.
    virtual void start_up() = 0;
    /// Ends the threads and wakes every waiting query (they throw Error{unreachable}); guests run
    /// on. Operations under way are waited for. Idempotent; the destructor calls it.
    virtual void stop() = 0;

    struct Counts {
        std::size_t partitions = 0, live = 0;
        std::uint64_t promised = 0; ///< bytes of the host's memory that may still be taken
        std::string hypervisor; ///< how many partitions the hypervisor has, for people
        std::int64_t last_event_seq = 0;
    };
    [[nodiscard]] virtual Counts counts() const = 0;
};

/// Makes the service; nothing runs before start_up(). Sets the VmmHost's event sink and the store's
/// observer.
std::unique_ptr<Service> make_service(const Dependencies& dependencies);

} // namespace mshv::control
