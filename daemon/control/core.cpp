// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/core.hpp"

#include "daemon/net/netlink.hpp"
#include "toolstack/libs/api/codec.hpp"

namespace mshv::control {
namespace {

const cgroup::Groups& no_groups() {
    static const cgroup::Groups none{std::string("control groups are not used")};
    return none;
}

} // namespace

using api::Error;
using api::ErrorCode;

Core::Core(const Dependencies& d)
    : store(d.store), vmm(d.vmm), groups(d.groups != nullptr ? *d.groups : no_groups()),
      clock(d.clock), dirs(d.dirs), hooks(d.hooks), options(d.options),
      boot_id(d.options.boot_id.empty() ? posix::boot_id() : d.options.boot_id), hub(d.store),
      pool(d.options.max_threads) {}

void Core::log(Severity severity, std::string_view text) const {
    if (hooks.log) {
        hooks.log(severity, text);
    }
}

Deadline Core::vmm_deadline() const {
    return Deadline::after(options.vmm_timeout);
}

std::vector<net::Neighbour> Core::neighbours(const std::string& bridge) const {
    if (options.neighbours) {
        return options.neighbours(bridge);
    }
    const auto index = net::interface_index(bridge);
    auto all = index ? net::neighbours() : std::vector<net::Neighbour>{};
    std::erase_if(all, [&](const net::Neighbour& one) { return one.interface != *index; });
    return all;
}

void Core::on_commit(const store::Committed& committed) {
    directory.apply(committed);
    if (!committed.events.empty()) {
        hub.announce(committed.events.back().seq);
    }
    if (changed) {
        changed();
    }
}

void Core::add_live_parts(api::PartitionView& view, const store::PartitionRow& row) {
    if (!row.runtime) {
        return;
    }
    const store::Runtime& from = *row.runtime;
    api::RuntimeView runtime;
    runtime.keeper_pid = from.keeper.pid;
    runtime.vmm_pid = from.vmm.pid;
    runtime.incarnation = from.incarnation;
    runtime.generation = from.generation;
    runtime.accelerator = from.accelerator;
    runtime.accelerator_reason = from.accelerator_reason;
    runtime.vmm = from.vmm_version;
    runtime.started_ms = from.started_ms;
    runtime.uptime_ms = std::max<std::int64_t>(clock.wall_ms() - from.generation_started_ms, 0);
    runtime.responsive = from.responsive;
    runtime.suspended = from.suspended;
    runtime.revision = from.revision;
    runtime.pending = from.pending;
    if (const LivePtr live = lives.find(row.uuid); live && live->incarnation == from.incarnation) {
        posix::Lock lock(live->mutex);
        if (live->sample) {
            runtime.cpu_time_ms = live->sample->cpu_time_ms;
            runtime.waiting_ms = live->sample->waiting_ms;
            runtime.rss = live->sample->rss;
            runtime.storage_read = live->sample->storage_read;
            runtime.storage_written = live->sample->storage_written;
            runtime.network_received = live->sample->network_received;
            runtime.network_sent = live->sample->network_sent;
            runtime.sample_age_ms =
                std::max<std::int64_t>(clock.boot_ms() - live->sample->at_boot_ms, 0);
        }
        runtime.memory = live->memory;
        view.vcpus = live->vcpus.value_or(view.vcpus);
        runtime.responsive = runtime.responsive && live->process != nullptr;
    }
    const auto truth = census.get();
    if (const auto found = truth->by_process.find(from.vmm.pid); found != truth->by_process.end()) {
        runtime.hypervisor = found->second;
        runtime.hypervisor->sample_age_ms =
            std::max<std::int64_t>(clock.boot_ms() - truth->at_boot_ms, 0);
    }
    view.runtime = std::move(runtime);
}

api::PartitionView Core::view_with(const Directory::Entry& entry,
                                   const std::optional<api::OperationView>& operation) {
    api::PartitionView view = to_view(entry.row);
    view.operation = operation;
    if (!operation && entry.row.intent) {
        const store::Intent& intent = *entry.row.intent;
        view.operation = api::OperationView{std::string(api::to_name(intent.kind)), intent.actor,
                                            intent.started_ms};
    }
    add_live_parts(view, entry.row);
    return view;
}

api::PartitionView Core::view(const Directory::Entry& entry) {
    return view_with(entry, locks.holder(entry.row.uuid));
}

api::PartitionView Core::view(const api::Uuid& uuid) {
    const auto entry = directory.find(uuid);
    if (!entry) {
        throw Error(ErrorCode::not_found, "The partition is gone");
    }
    return view(*entry);
}

bool Core::await_recorded(const api::Uuid& uuid, const std::string& incarnation, std::int64_t told,
                          Deadline deadline) {
    const auto recorded = [&](const store::PartitionRow& now) {
        return !now.runtime || now.runtime->incarnation != incarnation ||
               now.runtime->acked_seq >= told;
    };
    const auto after = directory.await(uuid, deadline, recorded);
    return !after || recorded(after->row);
}

std::string Core::list_json(bool include_off) {
    const auto entries = directory.all();
    const auto operations = locks.holders();
    std::string out = "{\"partitions\":[";
    std::size_t size = out.size() + 2;
    for (const auto& entry : entries) {
        size += include_off ? entry->json.size() + 1 : 0;
    }
    out.reserve(size);
    bool first = true;
    for (const auto& entry : entries) {
        const auto operation = operations.find(entry->row.uuid);
        const bool held = operation != operations.end();
        const bool off = entry->row.state == api::State::shutoff && !held;
        if (off && !include_off) {
            continue;
        }
        out += first ? "" : ",";
        first = false;
        if (entry->json.empty() || held) {
            api::encode(view_with(*entry, held ? std::optional(operation->second) : std::nullopt),
                        out);
        } else {
            out += entry->json;
        }
    }
    out += ']';
    if (const auto truth = census.get(); !truth->unmanaged.empty()) {
        out += ",\"unmanaged\":[";
        for (const auto& stranger : truth->unmanaged) {
            out += &stranger == truth->unmanaged.data() ? "" : ",";
            api::encode(stranger, out);
        }
        out += ']';
    }
    out += '}';
    return out;
}

store::Intent Core::new_intent(store::IntentKind kind, const std::string& actor, Deadline deadline,
                               std::string incarnation) const {
    store::Intent intent;
    intent.kind = kind;
    intent.actor = actor;
    intent.started_ms = clock.wall_ms();
    intent.started_boot = clock.boot_ms();
    intent.deadline_boot =
        deadline.is_never() ? Clock::never : intent.started_boot + deadline.poll_timeout();
    intent.incarnation = std::move(incarnation);
    return intent;
}

Directory::EntryPtr Core::resolve(const api::Selector& selector) const {
    if (const auto refused = refusal(*census.get(), selector)) {
        throw Error(*refused);
    }
    return directory.resolve(selector);
}

api::StoredDefinition Core::definition(const store::PartitionRow& row,
                                       std::optional<std::int64_t> revision) {
    const auto text = store.definition(row.id, revision);
    if (!text && revision && store.definition(row.id)) {
        throw Error(ErrorCode::not_found,
                    "'" + row.name + "' has no revision " + std::to_string(*revision),
                    "mshvctl config log shows those that are kept");
    }
    if (!text) {
        throw Error(ErrorCode::not_found, "Partition '" + row.name + "' is gone");
    }
    api::DecodeOptions decode;
    decode.what = "stored definition";
    return {api::decode<api::PartitionSpec>(text->spec, decode), text->xml, text->revision};
}

namespace {

api::PartitionSpec decoded_spec(const std::string& text) {
    api::DecodeOptions decode;
    decode.what = "stored definition";
    return api::decode<api::PartitionSpec>(text, decode);
}

} // namespace

api::PartitionSpec Core::running_spec(const store::PartitionRow& row) {
    if (const auto live = store.live_spec(row.id)) {
        return decoded_spec(live->spec);
    }
    return started_spec(row);
}

api::PartitionSpec Core::started_spec(const store::PartitionRow& row) {
    if (const auto live = store.live_spec(row.id); live && !live->started.empty()) {
        return decoded_spec(live->started);
    }
    const bool known = row.runtime && row.runtime->revision > 0;
    return definition(row, known ? std::optional(row.runtime->revision) : std::nullopt).spec;
}

OperationLocks::Guard Core::lock(const store::PartitionRow& row, std::string_view verb,
                                 const std::string& actor, Deadline deadline,
                                 std::string incarnation) {
    return locks.acquire(row.uuid, row.name,
                         api::OperationView{std::string(verb), actor, clock.wall_ms()}, deadline,
                         std::move(incarnation));
}

Core::Held Core::hold(const Directory::Entry& entry, std::string_view verb,
                      const std::string& actor, Deadline wait_busy) {
    auto guard = lock(entry.row, verb, actor, wait_busy);
    const auto now = directory.find(entry.row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + entry.row.name + "' is gone");
    }
    return {std::move(guard), now->row};
}

std::shared_ptr<vmm::VmmProcess> Core::process_of(const store::PartitionRow& row) {
    const LivePtr live = lives.find(row.uuid);
    auto process = live ? live->get_process() : nullptr;
    if (!process) {
        throw Error(ErrorCode::wrong_state, "The VMM of '" + row.name + "' does not answer yet",
                    "try again in a moment, or destroy the partition");
    }
    return process;
}

void require(domain::Verb verb, const store::PartitionRow& row) {
    const auto why = domain::why_not(verb, row.name, row.state, row.reason, row.state_since_ms);
    if (why) {
        throw Error(ErrorCode::wrong_state, *why, std::string(domain::hint_for(verb, row.state)));
    }
    if (row.state != api::State::crashed) {
        return;
    }
    // A crashed partition is one of two things, and only its runtime tells which.
    const bool needs_vmm = verb == domain::Verb::destroy || verb == domain::Verb::reset ||
                           verb == domain::Verb::trigger || verb == domain::Verb::console ||
                           verb == domain::Verb::vcpus;
    if (needs_vmm && !row.runtime) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' is not running (crashed since " +
                        domain::format_time(row.state_since_ms) + ')',
                    "start it first");
    }
    if (verb == domain::Verb::start && row.runtime) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' crashed and its VMM is kept for inspection",
                    "destroy it first");
    }
}

store::Definition make_definition(const api::PartitionSpec& spec, std::string xml) {
    store::Definition definition;
    definition.uuid = spec.uuid.value();
    definition.name = spec.name;
    definition.title = spec.title;
    definition.spec = api::encode(spec);
    definition.xml = std::move(xml);
    definition.memory = static_cast<std::int64_t>(spec.memory.size);
    definition.vcpus = spec.cpu.current;
    definition.labels = spec.labels;
    for (const auto& nic : spec.devices.nics) {
        definition.macs.push_back(nic.mac);
    }
    definition.autostart = spec.autostart.enabled;
    definition.autostart_order = spec.autostart.order;
    definition.protect_destroy = spec.protect_destroy;
    definition.protect_delete = spec.protect_delete;
    return definition;
}

} // namespace mshv::control
