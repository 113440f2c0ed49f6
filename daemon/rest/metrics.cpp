// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/metrics.hpp"

#include "daemon/rest/routes.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::rest {
namespace {

using api::PartitionView;
using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr double thousandth = 1e-3; ///< seconds in a millisecond
constexpr std::int64_t page = 4096;

/// A backslash, a quote and a line's end are all that the format reserves in a label.
void append_label_value(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') {
            out += '\\';
        }
        out += c;
    }
}

void append_number(std::string& out, double value) {
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
    out.append(digits, end);
}

/// The families of one answer: all lines of a family stand together, under its help and type.
class Exposition {
public:
    explicit Exposition(std::string& out) : out_(out) {}

    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        out_ += "# HELP ";
        out_ += name;
        out_ += ' ';
        out_ += help;
        out_ += "\n# TYPE ";
        out_ += name;
        out_ += ' ';
        out_ += type;
        out_ += '\n';
    }
    void sample(const Labels& labels, double value) {
        out_ += name_;
        if (!labels.empty()) {
            char before = '{';
            for (const auto& [name, text] : labels) {
                out_ += before;
                out_ += name;
                out_ += "=\"";
                append_label_value(out_, text);
                out_ += '"';
                before = ',';
            }
            out_ += '}';
        }
        out_ += ' ';
        append_number(out_, value);
        out_ += '\n';
    }

private:
    std::string& out_;
    std::string_view name_;
};

/// A figure of a partition; empty where it has none, and then there is no line of it.
struct Figure {
    std::string_view name;
    std::string_view type;
    std::string_view help;
    std::optional<double> (*value)(const PartitionView&);
};

std::optional<double> scaled(const std::optional<std::int64_t>& number, double unit) {
    return number ? std::optional(static_cast<double>(*number) * unit) : std::nullopt;
}

template <auto Member>
std::optional<double> of_run(const PartitionView& view, double unit = 1) {
    return view.runtime ? scaled((*view.runtime).*Member, unit) : std::nullopt;
}

template <auto Member>
std::optional<double> of_hypervisor(const PartitionView& view, double unit = 1) {
    return view.runtime && view.runtime->hypervisor
               ? scaled((*view.runtime->hypervisor).*Member, unit)
               : std::nullopt;
}

using Run = api::RuntimeView;
using Hypervisor = api::HypervisorView;

constexpr Figure figures[] = {
    {"mshv_partition_memory_bytes", "gauge", "Memory of the definition.",
     [](const PartitionView& v) { return scaled(v.memory, 1); }},
    {"mshv_partition_vcpus", "gauge", "Virtual processors of the definition.",
     [](const PartitionView& v) { return scaled(v.vcpus, 1); }},
    {"mshv_partition_state_start_time_seconds", "gauge", "Unix time since when it is in its state.",
     [](const PartitionView& v) { return scaled(v.state_since_ms, thousandth); }},
    {"mshv_partition_start_time_seconds", "gauge", "Unix time at which it was started.",
     [](const PartitionView& v) { return of_run<&Run::started_ms>(v, thousandth); }},
    {"mshv_partition_generation", "gauge", "VMMs of this run so far: 1 and each restart.",
     [](const PartitionView& v) { return of_run<&Run::generation>(v); }},
    {"mshv_partition_responsive", "gauge", "1 if its VMM answered lately.",
     [](const PartitionView& v) {
         return v.runtime ? std::optional(v.runtime->responsive ? 1.0 : 0.0) : std::nullopt;
     }},
    {"mshv_partition_definition_pending", "gauge",
     "1 if the definition has changed in what needs another start.",
     [](const PartitionView& v) {
         return v.runtime ? std::optional(v.runtime->pending ? 1.0 : 0.0) : std::nullopt;
     }},
    {"mshv_partition_sample_age_seconds", "gauge", "How old the figures of the VMM are.",
     [](const PartitionView& v) { return of_run<&Run::sample_age_ms>(v, thousandth); }},
    {"mshv_partition_vmm_cpu_seconds_total", "counter", "Processor time of the VMM.",
     [](const PartitionView& v) { return of_run<&Run::cpu_time_ms>(v, thousandth); }},
    {"mshv_partition_vmm_waiting_seconds_total", "counter",
     "Time in which the VMM's threads were ready and had no processor.",
     [](const PartitionView& v) { return of_run<&Run::waiting_ms>(v, thousandth); }},
    {"mshv_partition_vmm_resident_memory_bytes", "gauge", "Resident memory of the VMM.",
     [](const PartitionView& v) { return of_run<&Run::rss>(v); }},
    {"mshv_partition_balloon_memory_bytes", "gauge",
     "What its balloon leaves the guest of its memory, where it has said so.",
     [](const PartitionView& v) { return of_run<&Run::memory>(v); }},
    {"mshv_partition_storage_read_bytes_total", "counter",
     "What the VMM had read from storage; what the page cache answered is not in it.",
     [](const PartitionView& v) { return of_run<&Run::storage_read>(v); }},
    {"mshv_partition_storage_written_bytes_total", "counter",
     "What the VMM had written to storage.",
     [](const PartitionView& v) { return of_run<&Run::storage_written>(v); }},
    {"mshv_partition_network_received_bytes_total", "counter",
     "What the guest received over its taps.",
     [](const PartitionView& v) { return of_run<&Run::network_received>(v); }},
    {"mshv_partition_network_sent_bytes_total", "counter", "What the guest sent over its taps.",
     [](const PartitionView& v) { return of_run<&Run::network_sent>(v); }},
    {"mshv_partition_hypervisor_cpu_seconds_total", "counter",
     "Processor time of its virtual processors, by the hypervisor's count.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::cpu_time_ms>(v, thousandth); }},
    {"mshv_partition_hypervisor_waiting_seconds_total", "counter",
     "Time in which its virtual processors could have run and did not.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::waiting_ms>(v, thousandth); }},
    {"mshv_partition_hypervisor_intercepts_total", "counter",
     "Intercepts that its VMM had to handle.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::intercepts>(v); }},
    {"mshv_partition_hypervisor_guest_memory_bytes", "gauge", "Memory that the guest has.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::guest_memory>(v); }},
    {"mshv_partition_hypervisor_held_bytes", "gauge",
     "Memory lent to the hypervisor for it and held, by the hypervisor's count.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::held_pages>(v, page); }},
    {"mshv_partition_hypervisor_deposited_bytes_total", "counter",
     "Memory lent to the hypervisor for it, given back or not.",
     [](const PartitionView& v) { return of_hypervisor<&Hypervisor::deposited_pages>(v, page); }},
};

void daemon_families(Exposition& out, const control::Snapshot& snapshot,
                     const api::VersionInfo& version) {
    out.family("mshvd_build_info", "gauge", "1, with the daemon's version.");
    out.sample({{"version", version.version}}, 1);
    out.family("mshvd_start_time_seconds", "gauge", "Unix time at which the daemon was started.");
    out.sample({}, static_cast<double>(version.started_ms) * thousandth);
    out.family("mshvd_events_total", "counter", "Number of the last event.");
    out.sample({}, static_cast<double>(snapshot.last_seq));
    out.family("mshv_partitions", "gauge", "Partitions in a state.");
    for (const auto& [state, count] : snapshot.states) {
        out.sample({{"state", api::to_name(state)}}, static_cast<double>(count));
    }
    out.family("mshv_unmanaged_partitions", "gauge",
               "Partitions that the hypervisor has and this daemon has not.");
    out.sample({}, static_cast<double>(snapshot.unmanaged));
}

/// A partition, and the identity that each of its lines carries, written once.
struct Live {
    const PartitionView& view;
    std::string uuid;

    [[nodiscard]] Labels labels() const { return {{"partition", view.name}, {"uuid", uuid}}; }
};

void info_family(Exposition& out, const std::vector<Live>& live) {
    out.family("mshv_partition_info", "gauge", "1, with what a partition is.");
    for (const auto& one : live) {
        const std::string id = std::to_string(one.view.id);
        Labels labels = one.labels();
        labels.emplace_back("id", id);
        labels.emplace_back("persistent", one.view.persistent ? "true" : "false");
        if (one.view.runtime) {
            labels.emplace_back("accelerator", one.view.runtime->accelerator);
            labels.emplace_back("vmm", one.view.runtime->vmm);
        }
        out.sample(labels, 1);
    }
}

void state_family(Exposition& out, const std::vector<Live>& live) {
    out.family("mshv_partition_state", "gauge", "1 for the state in which it is.");
    for (const auto& one : live) {
        Labels labels = one.labels();
        labels.emplace_back("state", api::to_name(one.view.state));
        out.sample(labels, 1);
    }
}

void figure_family(Exposition& out, const Figure& figure, const std::vector<Live>& live) {
    out.family(figure.name, figure.type, figure.help);
    for (const auto& one : live) {
        if (const auto value = figure.value(one.view)) {
            out.sample(one.labels(), *value);
        }
    }
}

void operation_family(Exposition& out, const std::vector<Live>& live) {
    out.family("mshv_partition_operation_start_time_seconds", "gauge",
               "Unix time since when an operation holds the partition.");
    for (const auto& one : live) {
        if (const auto& operation = one.view.operation) {
            Labels labels = one.labels();
            labels.emplace_back("verb", operation->verb);
            out.sample(labels, static_cast<double>(operation->since_ms) * thousandth);
        }
    }
}

/// What the host's memory is promised to.
void claim_families(Exposition& out, const api::ClaimList& claims) {
    out.family("mshv_host_memory_available_bytes", "gauge", "Memory that nobody has taken.");
    out.sample({}, static_cast<double>(claims.available));
    out.family("mshv_host_memory_promised_bytes", "gauge",
               "Memory that partitions which run may still take.");
    out.sample({}, static_cast<double>(claims.outstanding));
    out.family("mshv_host_memory_room_bytes", "gauge", "Memory for partitions that start.");
    out.sample({}, static_cast<double>(claims.room));
}

} // namespace

std::string metrics_text(const control::Snapshot& snapshot, const api::ClaimList& claims,
                         const api::VersionInfo& version) {
    std::string text;
    Exposition out(text);
    daemon_families(out, snapshot, version);
    claim_families(out, claims);
    std::vector<Live> live;
    live.reserve(snapshot.live.size());
    for (const auto& view : snapshot.live) {
        live.push_back({view, api::to_string(view.uuid)});
    }
    info_family(out, live);
    state_family(out, live);
    for (const auto& figure : figures) {
        figure_family(out, figure, live);
    }
    operation_family(out, live);
    return text;
}

http::Answer get_metrics(Call& call) {
    call.query.done();
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body =
        metrics_text(call.service.snapshot(), call.service.claims(), call.options.version);
    return response;
}

} // namespace mshv::rest
