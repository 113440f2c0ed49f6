// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<OperationView>() {
    static constexpr std::array list{
        field<&OperationView::verb>("verb"),
        field<&OperationView::actor>("actor"),
        field<&OperationView::since_ms>("since_ms"),
    };
    return list;
}

template <>
Fields fields_of<HypervisorView>() {
    using View = HypervisorView;
    static constexpr std::array list{
        field<&View::partition_id>("partition_id", Presence::required),
        field<&View::vps>("vps"),
        field<&View::guest_memory>("guest_memory"),
        field<&View::deposited_pages>("deposited_pages"),
        field<&View::withdrawn_pages>("withdrawn_pages"),
        field<&View::held_pages>("held_pages"),
        field<&View::cpu_time_ms>("cpu_time_ms"),
        field<&View::waiting_ms>("waiting_ms"),
        field<&View::intercepts>("intercepts"),
        field<&View::sample_age_ms>("sample_age_ms"),
    };
    return list;
}

template <>
Fields fields_of<HypervisorVpView>() {
    using View = HypervisorVpView;
    static constexpr std::array list{
        field<&View::cpu_time_ms>("cpu_time_ms"),
        field<&View::waiting_ms>("waiting_ms"),
        field<&View::halted_ms>("halted_ms"),
        field<&View::intercepts>("intercepts"),
    };
    return list;
}

template <>
Fields fields_of<UnmanagedPartition>() {
    using View = UnmanagedPartition;
    static constexpr std::array list{
        field<&View::name>("name", Presence::required),
        field<&View::process>("process"),
        field<&View::hypervisor>("hypervisor", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<RuntimeView>() {
    using View = RuntimeView;
    static constexpr std::array list{
        field<&View::keeper_pid>("keeper_pid"),
        field<&View::vmm_pid>("vmm_pid"),
        field<&View::incarnation>("incarnation"),
        field<&View::generation>("generation"),
        field<&View::accelerator>("accelerator"),
        field<&View::accelerator_reason>("accelerator_reason"),
        field<&View::vmm>("vmm"),
        field<&View::started_ms>("started_ms"),
        field<&View::uptime_ms>("uptime_ms"),
        field<&View::cpu_time_ms>("cpu_time_ms"),
        field<&View::waiting_ms>("waiting_ms"),
        field<&View::rss>("rss"),
        field<&View::memory>("memory"),
        field<&View::storage_read>("storage_read"),
        field<&View::storage_written>("storage_written"),
        field<&View::network_received>("network_received"),
        field<&View::network_sent>("network_sent"),
        field<&View::sample_age_ms>("sample_age_ms"),
        field<&View::responsive>("responsive"),
        field<&View::suspended>("suspended"),
        field<&View::revision>("revision"),
        field<&View::pending>("pending"),
        field<&View::hypervisor>("hypervisor"),
    };
    return list;
}

template <>
Fields fields_of<LastExit>() {
    static constexpr std::array list{
        field<&LastExit::at_ms>("at_ms"),         field<&LastExit::reason>("reason"),
        field<&LastExit::exit_code>("exit_code"), field<&LastExit::signal>("signal"),
        field<&LastExit::detail>("detail"),
    };
    return list;
}

template <>
Fields fields_of<PartitionView>() {
    using View = PartitionView;
    static constexpr std::array list{
        field<&View::id>("id", Presence::required),
        field<&View::uuid>("uuid", Presence::required),
        field<&View::name>("name", Presence::required),
        field<&View::title>("title"),
        field<&View::state>("state", Presence::required),
        field<&View::reason>("reason"),
        field<&View::persistent>("persistent"),
        field<&View::autostart>("autostart"),
        field<&View::memory>("memory"),
        field<&View::vcpus>("vcpus"),
        field<&View::labels>("labels"),
        field<&View::state_since_ms>("state_since_ms"),
        field<&View::revision>("revision"),
        field<&View::owner>("owner"),
        field<&View::saved>("saved"),
        field<&View::operation>("operation"),
        field<&View::runtime>("runtime"),
        field<&View::last_exit>("last_exit"),
    };
    return list;
}

template <>
Fields fields_of<PartitionList>() {
    static constexpr std::array list{
        field<&PartitionList::partitions>("partitions", Presence::required),
        field<&PartitionList::unmanaged>("unmanaged"),
    };
    return list;
}

template <>
Fields fields_of<Event>() {
    static constexpr std::array list{
        field<&Event::seq>("seq", Presence::required),
        field<&Event::at_ms>("at_ms"),
        field<&Event::kind>("kind", Presence::required),
        field<&Event::uuid>("uuid"),
        field<&Event::id>("id"),
        field<&Event::name>("name"),
        field<&Event::actor>("actor"),
        field<&Event::from>("from"),
        field<&Event::to>("to"),
        field<&Event::reason>("reason"),
        field<&Event::detail>("detail"),
    };
    return list;
}

template <>
Fields fields_of<EventPage>() {
    static constexpr std::array list{
        field<&EventPage::events>("events", Presence::required),
        field<&EventPage::last_seq>("last_seq", Presence::required),
        field<&EventPage::oldest_seq>("oldest_seq"),
    };
    return list;
}

template <>
Fields fields_of<HistoryEntry>() {
    using Entry = HistoryEntry;
    static constexpr std::array list{
        field<&Entry::id>("id", Presence::required),
        field<&Entry::uuid>("uuid", Presence::required),
        field<&Entry::name>("name", Presence::required),
        field<&Entry::started_ms>("started_ms"),
        field<&Entry::started_by>("started_by"),
        field<&Entry::ended_ms>("ended_ms"),
        field<&Entry::ended_by>("ended_by"),
        field<&Entry::reason>("reason"),
        field<&Entry::exit_code>("exit_code"),
        field<&Entry::signal>("signal"),
        field<&Entry::generations>("generations"),
        field<&Entry::detail>("detail"),
    };
    return list;
}

template <>
Fields fields_of<HistoryList>() {
    static constexpr std::array list{field<&HistoryList::history>("history", Presence::required)};
    return list;
}

template <>
Fields fields_of<VcpuView>() {
    static constexpr std::array list{
        field<&VcpuView::index>("index", Presence::required),
        field<&VcpuView::thread_id>("thread_id"),
        field<&VcpuView::cpu_time_ms>("cpu_time_ms"),
        field<&VcpuView::waiting_ms>("waiting_ms"),
        field<&VcpuView::last_cpu>("last_cpu"),
        field<&VcpuView::state>("state"),
        field<&VcpuView::affinity>("affinity"),
        field<&VcpuView::hypervisor>("hypervisor"),
    };
    return list;
}

template <>
Fields fields_of<VcpuList>() {
    static constexpr std::array list{field<&VcpuList::vcpus>("vcpus", Presence::required)};
    return list;
}

template <>
Fields fields_of<VersionInfo>() {
    static constexpr std::array list{
        field<&VersionInfo::version>("version", Presence::required),
        field<&VersionInfo::schema>("schema"),
        field<&VersionInfo::pid>("pid"),
        field<&VersionInfo::started_ms>("started_ms"),
    };
    return list;
}

template <>
Fields fields_of<HostFact>() {
    static constexpr std::array list{
        field<&HostFact::key>("key", Presence::required),
        field<&HostFact::value>("value", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<HostView>() {
    static constexpr std::array list{field<&HostView::facts>("facts", Presence::required)};
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(PartitionView)
MSHV_DOCUMENT(PartitionList)
MSHV_DOCUMENT(UnmanagedPartition)
MSHV_DOCUMENT(Event)
MSHV_DOCUMENT(EventPage)
MSHV_DOCUMENT(HistoryEntry)
MSHV_DOCUMENT(HistoryList)
MSHV_DOCUMENT(VcpuView)
MSHV_DOCUMENT(VcpuList)
MSHV_DOCUMENT(VersionInfo)
MSHV_DOCUMENT(HostView)

std::vector<PartitionView> decode_partition_list(std::string_view json) {
    // A row is about 230 bytes at least: with that, growing the vector moves no row.
    constexpr std::size_t shortest_row = 200;
    PartitionList list;
    list.partitions.reserve(json.size() / shortest_row + 1);
    json::read(json, DecodeOptions::answer(), json::kind_of<PartitionList>, &list);
    return std::move(list.partitions);
}

namespace {

/// Stands where a PartitionList would: one row's memory, used again for each.
struct RowStream {
    const std::function<void(const PartitionView&)>* sink = nullptr;
    PartitionView row;
    bool pending = false;
    std::vector<UnmanagedPartition> unmanaged;

    void flush() {
        if (std::exchange(pending, false)) {
            (*sink)(row);
        }
    }
};

constexpr json::Kind row_kind() {
    json::Kind kind = json::kind_of<std::vector<PartitionView>>;
    kind.enter = json::itself;
    kind.append = [](void* array) -> void* {
        auto& rows = json::as<RowStream>(array);
        rows.flush();
        rows.row = {};
        rows.pending = true;
        return &rows.row;
    };
    return kind;
}

json::Fields row_stream_fields() {
    static constexpr json::Kind rows = row_kind();
    static constexpr std::array fields{
        json::Field{"partitions", &rows, json::itself, json::Presence::required},
        json::field<&RowStream::unmanaged>("unmanaged")};
    return fields;
}

} // namespace

std::vector<UnmanagedPartition>
decode_partition_rows(std::string json, const std::function<void(const PartitionView&)>& row) {
    json::Kind kind{.shape = json::Kind::Shape::object, .wanted = "an object"};
    kind.enter = json::itself;
    kind.fields = row_stream_fields;
    RowStream rows{&row, {}, false, {}};
    json::read_in_place(json, DecodeOptions::answer(), kind, &rows);
    rows.flush();
    return std::move(rows.unmanaged);
}

} // namespace mshv::api
