// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/admission.hpp"

#include "daemon/control/host_memory.hpp"
#include "daemon/control/process_figures.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::uint64_t mebibyte = 1ULL << 20U;
constexpr std::uint64_t page = 4096;

std::uint64_t less(std::uint64_t from, std::uint64_t what) {
    return from > what ? from - what : 0;
}

std::string in_mib(std::uint64_t bytes) {
    return std::to_string((bytes + mebibyte - 1) / mebibyte) + " MiB";
}

void put(const Admission::Promise& promise, api::ClaimView& claim) {
    claim.memory = promise.memory;
    claim.overhead = promise.overhead;
    claim.deposit = promise.deposit;
}

std::uint64_t outstanding_of(const std::vector<api::ClaimView>& claims) {
    std::uint64_t sum = 0;
    for (const auto& claim : claims) {
        sum += claim.outstanding;
    }
    return sum;
}

} // namespace

Admission::Ticket::Ticket(Ticket&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)), uuid_(other.uuid_) {}

Admission::Ticket::~Ticket() {
    if (admission_ != nullptr) {
        admission_->forget(uuid_);
    }
}

void Admission::forget(const api::Uuid& uuid) {
    posix::Lock lock(mutex_);
    starting_.erase(uuid);
}

Admission::Promise Admission::promise_of(const api::PartitionSpec& spec) const {
    const bool mshv =
        spec.accelerator == api::Accelerator::mshv ||
        (spec.accelerator == api::Accelerator::automatic && core_.census.get()->known);
    // Huge pages are memory that the host has set aside already.
    return {spec.memory.hugepages ? 0 : spec.memory.size, spec.reserve.overhead,
            mshv ? spec.reserve.deposit : 0};
}

/// What a run was started with, and what the present definition says that it needs beside.
Admission::Promise Admission::recorded(const store::PartitionRow& row) const {
    {
        posix::Lock lock(mutex_);
        const auto known = known_.find(row.uuid);
        if (known != known_.end() && known->second.incarnation == row.runtime->incarnation &&
            known->second.revision == row.revision) {
            return known->second.promise;
        }
    }
    api::PartitionSpec spec = core_.running_spec(row);
    spec.reserve = core_.definition(row).spec.reserve;
    spec.accelerator =
        api::from_name<api::Accelerator>(row.runtime->accelerator).value_or(spec.accelerator);
    const Promise promise = promise_of(spec);
    posix::Lock lock(mutex_);
    known_[row.uuid] = {row.runtime->incarnation, row.revision, promise};
    return promise;
}

std::uint64_t Admission::resident(const store::PartitionRow& row, bool fresh) const {
    if (fresh) {
        constexpr std::size_t most = 4096;
        try {
            const auto& vmm = row.runtime->vmm;
            const auto now =
                parse_stat(posix::read_file(
                               core_.options.proc + '/' + std::to_string(vmm.pid) + "/stat", most),
                           vmm);
            return now ? static_cast<std::uint64_t>(now->rss) : 0;
        } catch (const std::system_error&) {
            return 0; // it has ended: soon it is no longer in the directory
        }
    }
    const LivePtr live = core_.lives.find(row.uuid);
    if (!live) {
        return 0;
    }
    posix::Lock lock(live->mutex);
    return live->sample ? static_cast<std::uint64_t>(live->sample->rss) : 0;
}

std::vector<api::ClaimView> Admission::claims(bool fresh) const {
    std::vector<api::ClaimView> all;
    std::map<api::Uuid, api::ClaimView> starting;
    {
        posix::Lock lock(mutex_);
        starting = starting_;
    }
    for (const auto& entry : core_.directory.all()) {
        const auto& row = entry->row;
        if (!row.runtime) {
            continue;
        }
        const api::PartitionView view = core_.view(*entry);
        Promise promise;
        try {
            promise = recorded(row);
        } catch (const Error&) {
            continue; // it is gone meanwhile
        }
        api::ClaimView claim{view.id, view.uuid, view.name, view.state, view.vcpus};
        claim.cpu_time_ms = view.runtime ? view.runtime->cpu_time_ms : 0;
        put(promise, claim);
        std::uint64_t lent = 0;
        if (view.runtime && view.runtime->hypervisor) {
            const auto& has = *view.runtime->hypervisor;
            lent = static_cast<std::uint64_t>(std::max<std::int64_t>(
                       has.deposited_pages.value_or(0) - has.withdrawn_pages.value_or(0), 0)) *
                   page;
        }
        const std::uint64_t used = resident(row, fresh);
        claim.taken = used + lent;
        claim.outstanding =
            less(promise.memory + promise.overhead, used) + less(promise.deposit, lent);
        starting.erase(row.uuid);
        all.push_back(std::move(claim));
    }
    for (auto& [uuid, claim] : starting) {
        all.push_back(std::move(claim));
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return all;
}

void Admission::refuse_without_pages(const api::PartitionSpec& spec) const {
    const auto memory = host_memory(core_.options.proc);
    const std::uint64_t size = spec.memory.hugepages->page_size > 0 || !memory
                                   ? spec.memory.hugepages->page_size
                                   : memory->huge_page;
    const auto free = size == 0 ? std::nullopt : free_huge_pages(core_.options.sys, size);
    if (!free) {
        return; // the VMM's own word is the better one
    }
    const std::uint64_t wanted = (spec.memory.size + size - 1) / size;
    if (wanted > *free) {
        throw Error(ErrorCode::no_resource,
                    "No room for '" + spec.name + "': it needs " + std::to_string(wanted) +
                        " huge pages of " + std::to_string(size / 1024) + " KiB, and " +
                        std::to_string(*free) + " are free",
                    "give the host more of them (vm.nr_hugepages), or the partition less memory");
    }
}

void Admission::judge(const api::PartitionSpec& spec) const {
    if (spec.memory.hugepages) {
        refuse_without_pages(spec);
    }
    const std::uint64_t wanted = promise_of(spec).sum();
    const std::uint64_t kept = core_.options.memory_reserve;
    // What was looked at lately is good enough for a yes, not for a no.
    for (const bool fresh : {false, true}) {
        const auto host = host_memory(core_.options.proc);
        if (!host) {
            return;
        }
        const std::uint64_t promised = outstanding_of(claims(fresh));
        if (wanted <= less(host->available, promised + kept)) {
            return;
        }
        if (fresh) {
            throw Error(ErrorCode::no_resource,
                        "No room for '" + spec.name + "': it needs " + in_mib(wanted) +
                            ", and of the host's memory " + in_mib(host->available) +
                            " are available, of which " + in_mib(promised) +
                            " are promised to other partitions and " + in_mib(kept) +
                            " kept for the host",
                        "mshvctl claims shows who may take it; [memory] of mshvd.toml has what is "
                        "kept and whether a start is refused");
        }
    }
}

Admission::Ticket Admission::admit(const store::PartitionRow& row, const api::PartitionSpec& spec) {
    const auto policy = core_.options.admission;
    posix::Lock one_at_a_time(judging_);
    if (policy != api::Admission::off) {
        try {
            judge(spec);
        } catch (const Error& error) {
            if (policy == api::Admission::refuse) {
                throw;
            }
            core_.log(Severity::warning, error.message() + "; it is started all the same");
        }
    }
    const Promise promise = promise_of(spec);
    api::ClaimView claim;
    claim.id = row.id;
    claim.uuid = row.uuid;
    claim.name = row.name;
    claim.state = api::State::starting;
    claim.vcpus = spec.cpu.current;
    put(promise, claim);
    claim.outstanding = promise.sum();
    posix::Lock lock(mutex_);
    starting_[row.uuid] = std::move(claim);
    return {*this, row.uuid};
}

std::uint64_t Admission::outstanding() const {
    return outstanding_of(claims(false));
}

api::ClaimList Admission::list() const {
    api::ClaimList list;
    list.admission = core_.options.admission;
    list.claims = claims(false);
    list.outstanding = outstanding_of(list.claims);
    list.reserved = core_.options.memory_reserve;
    if (const auto host = host_memory(core_.options.proc)) {
        list.total = host->total;
        list.available = host->available;
        list.room = less(host->available, list.outstanding + list.reserved);
    }
    return list;
}

} // namespace mshv::control
