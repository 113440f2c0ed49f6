// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/list_format.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

namespace mshv::ctl {
namespace {

using api::PartitionView;
using api::Reason;
using api::State;

constexpr std::int64_t mebibyte = 1024L * 1024;
constexpr std::string_view xl_reasons = "-rscwS";

/// To xl a domain that sleeps is down.
bool is_suspended(const PartitionView& view) {
    return view.state == State::running && view.runtime && view.runtime->suspended;
}

/// xl's number of the reason for which a partition is down (the index in "-rscwS").
int shutdown_code(const PartitionView& view) {
    if (is_suspended(view)) {
        return 2;
    }
    switch (view.reason) {
    case Reason::guest_reboot:
    case Reason::restarted:
        return 1;
    case Reason::guest_panic:
    case Reason::vmm_failed:
    case Reason::vmm_killed:
    case Reason::start_failed:
    case Reason::restart_limit:
    case Reason::keeper_lost:
    case Reason::io_error:
        return 3;
    case Reason::watchdog:
        return 4;
    default:
        return view.state == State::crashed ? 3 : view.state == State::restarting ? 1 : 0;
    }
}

bool is_down(State state) {
    return state == State::shutoff || state == State::crashed || state == State::restarting;
}

void append_number(std::string& out, std::int64_t value, std::size_t width) {
    std::array<char, 24> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const auto length = static_cast<std::size_t>(end - digits.data());
    out.append(length < width ? width - length : 0, ' ');
    out.append(digits.data(), length);
}

/// Of its virtual processors, where the hypervisor tells it, else of its VMM.
std::optional<std::int64_t> waiting_ms(const PartitionView& view) {
    if (!view.runtime) {
        return std::nullopt;
    }
    const auto& has = view.runtime->hypervisor;
    return has && has->waiting_ms ? has->waiting_ms : view.runtime->waiting_ms;
}

std::string letters_text(const PartitionView& view) {
    const auto letters = state_letters(view);
    return {letters.data(), letters.size()};
}

std::string labels_text(const PartitionView& view) {
    std::string text;
    for (const auto& [key, value] : view.labels) {
        text += text.empty() ? "" : ",";
        text += key;
        text += '=';
        text += value;
    }
    return text;
}

/// A number of the hypervisor's, where it is known.
template <typename Number>
std::string of_hypervisor(const PartitionView& view, Number api::HypervisorView::*member) {
    if (!view.runtime || !view.runtime->hypervisor) {
        return "-";
    }
    const std::optional<std::int64_t> number = (*view.runtime->hypervisor).*member;
    return number ? std::to_string(*number) : "-";
}

constexpr std::array columns{
    ListColumn{"name", "Name", Align::left, [](const PartitionView& v) { return v.name; }},
    ListColumn{"id", "ID", Align::right,
               [](const PartitionView& v) { return std::to_string(v.id); }},
    ListColumn{"uuid", "UUID", Align::left,
               [](const PartitionView& v) { return api::to_string(v.uuid); }},
    ListColumn{"state", "State", Align::left,
               [](const PartitionView& v) { return std::string(api::to_name(v.state)); }},
    ListColumn{"reason", "Reason", Align::left,
               [](const PartitionView& v) { return std::string(api::to_name(v.reason)); }},
    ListColumn{"letters", "State", Align::left, letters_text},
    ListColumn{"mem", "Mem", Align::right,
               [](const PartitionView& v) { return std::to_string(guest_memory(v) / mebibyte); }},
    ListColumn{"max-mem", "MaxMem", Align::right,
               [](const PartitionView& v) { return std::to_string(v.memory / mebibyte); }},
    ListColumn{"vcpus", "VCPUs", Align::right,
               [](const PartitionView& v) { return std::to_string(v.vcpus); }},
    ListColumn{"time", "Time(s)", Align::right,
               [](const PartitionView& v) { return tenths(cpu_time_ms(v)); }},
    ListColumn{"uptime", "Uptime", Align::right,
               [](const PartitionView& v) {
                   return v.runtime ? uptime_text(v.runtime->uptime_ms / 1000, false) : "-";
               }},
    ListColumn{"rss", "RSS", Align::right,
               [](const PartitionView& v) {
                   return v.runtime ? std::to_string(v.runtime->rss / mebibyte) : "-";
               }},
    ListColumn{"accel", "Accel", Align::left,
               [](const PartitionView& v) { return v.runtime ? v.runtime->accelerator : "-"; }},
    ListColumn{"vmm", "VMM", Align::left,
               [](const PartitionView& v) { return v.runtime ? v.runtime->vmm : "-"; }},
    ListColumn{"pid", "PID", Align::right,
               [](const PartitionView& v) {
                   return v.runtime ? std::to_string(v.runtime->vmm_pid) : "-";
               }},
    ListColumn{"waiting", "Wait(s)", Align::right,
               [](const PartitionView& v) {
                   const auto waited = waiting_ms(v);
                   return waited ? tenths(*waited) : "-";
               }},
    ListColumn{"hv", "HV", Align::right,
               [](const PartitionView& v) {
                   return of_hypervisor(v, &api::HypervisorView::partition_id);
               }},
    ListColumn{"deposited", "Deposited", Align::right,
               [](const PartitionView& v) {
                   return of_hypervisor(v, &api::HypervisorView::deposited_pages);
               }},
    ListColumn{
        "intercepts", "Intercepts", Align::right,
        [](const PartitionView& v) { return of_hypervisor(v, &api::HypervisorView::intercepts); }},
    ListColumn{"persistent", "Persistent", Align::left,
               [](const PartitionView& v) { return std::string(v.persistent ? "yes" : "no"); }},
    ListColumn{"autostart", "Autostart", Align::left,
               [](const PartitionView& v) { return std::string(v.autostart ? "yes" : "no"); }},
    ListColumn{"operation", "Operation", Align::left,
               [](const PartitionView& v) { return v.operation ? v.operation->verb : "-"; }},
    ListColumn{"revision", "Revision", Align::right,
               [](const PartitionView& v) { return std::to_string(v.revision); }},
    ListColumn{"pending", "Pending", Align::left,
               [](const PartitionView& v) {
                   return std::string(v.runtime && v.runtime->pending ? "yes" : "no");
               }},
    ListColumn{"owner", "Owner", Align::left,
               [](const PartitionView& v) { return v.owner.empty() ? "-" : v.owner; }},
    ListColumn{"title", "Title", Align::left, [](const PartitionView& v) { return v.title; }},
    ListColumn{"labels", "Labels", Align::left, labels_text},
};

} // namespace

std::array<char, 6> state_letters(const PartitionView& view) {
    std::array<char, 6> letters{'-', '-', '-', '-', '-', '-'};
    switch (view.state) {
    case State::running:
        if (is_suspended(view)) {
            letters[3] = 's';
            letters[4] = xl_reasons[static_cast<std::size_t>(shutdown_code(view))];
        } else {
            letters[0] = 'r';
        }
        break;
    case State::starting: // xl too builds a domain paused
    case State::paused:
        letters[2] = 'p';
        break;
    case State::stopping:
        letters[0] = 'r';
        letters[5] = 'd';
        break;
    case State::stuck:
        letters[5] = 'd';
        break;
    case State::shutoff:
    case State::crashed:
    case State::restarting:
        letters[3] = 's';
        letters[4] = xl_reasons[static_cast<std::size_t>(shutdown_code(view))];
        break;
    }
    return letters;
}

void append_list_header(std::string& out, ListStyle style, bool verbose) {
    if (style == ListStyle::xl) {
        out += "Name                                        ID   Mem VCPUs\tState\tTime(s)";
        out += verbose ? "   UUID                            Reason-Code\tSecurity Label\n" : "\n";
        return;
    }
    out += "Name                                        ID   Mem VCPUs     State    Time(s)";
    out += verbose ? " UUID                                 Condition  Reason\n" : "\n";
}

namespace {

/// The name's column, which a longer name pushes the others out of.
void append_name(std::string& out, std::string_view name) {
    const std::size_t start = out.size();
    append_escaped(out, name);
    const std::size_t width = display_width(std::string_view(out).substr(start));
    out.append(width < 40 ? 40 - width : 0, ' ');
    out += ' ';
}

} // namespace

void append_unmanaged_row(std::string& out, const api::UnmanagedPartition& partition) {
    const auto& has = partition.hypervisor;
    append_name(out,
                partition.name + " (unmanaged, process " + std::to_string(partition.process) + ')');
    out += "    - ";
    append_number(out, has.guest_memory.value_or(0) / mebibyte, 5);
    out += ' ';
    append_number(out, has.vps.value_or(0), 5);
    out += "     ------  ";
    append_padded(out, has.cpu_time_ms ? tenths(*has.cpu_time_ms) : "-", 8, Align::right);
    out += '\n';
}

void append_list_row(std::string& out, const PartitionView& view, ListStyle style, bool verbose) {
    append_name(out, view.name);
    append_number(out, view.id, 5);
    out += ' ';
    append_number(out, guest_memory(view) / mebibyte, 5);
    out += ' ';
    append_number(out, view.vcpus, 5);
    out += "     ";
    const auto letters = state_letters(view);
    out.append(letters.data(), letters.size());
    out += "  ";
    append_padded(out, tenths(cpu_time_ms(view)), 8, Align::right);
    if (verbose) {
        out += ' ';
        out += api::to_string(view.uuid);
        out += ' ';
        if (style == ListStyle::xl) {
            append_padded(out,
                          is_down(view.state) || is_suspended(view)
                              ? std::to_string(shutdown_code(view))
                              : "-",
                          8, Align::right);
            out += "                -"; // %16s of no label, after its space
        } else {
            append_padded(out, api::to_name(view.state), 10, Align::left);
            out += ' ';
            out += api::to_name(view.reason);
            // Its definition has changed in what only another start brings.
            out += view.runtime && view.runtime->pending ? " *" : "";
        }
    }
    out += '\n';
}

std::int64_t guest_memory(const PartitionView& view) {
    return view.runtime ? view.runtime->memory.value_or(view.memory) : view.memory;
}

std::int64_t cpu_time_ms(const PartitionView& view) {
    if (!view.runtime) {
        return 0;
    }
    const auto& has = view.runtime->hypervisor;
    return has && has->cpu_time_ms ? *has->cpu_time_ms : view.runtime->cpu_time_ms;
}

std::span<const ListColumn> list_columns() {
    return columns;
}

std::string tenths(std::int64_t thousandths) {
    const std::int64_t rounded = (thousandths + 50) / 100;
    return std::to_string(rounded / 10) + "." + std::to_string(rounded % 10);
}

std::string uptime_text(std::int64_t seconds, bool short_form) {
    const std::int64_t days = seconds / 86'400;
    const int hours = static_cast<int>(seconds / 3600 % 24);
    const int minutes = static_cast<int>(seconds / 60 % 60);
    std::string text;
    if (days > 0) {
        text = std::to_string(days) + (days == 1 ? " day, " : " days, ");
    }
    std::array<char, 24> clock{};
    std::snprintf(clock.data(), clock.size(), short_form ? "%2d:%02d" : "%2d:%02d:%02d", hours,
                  minutes, static_cast<int>(seconds % 60));
    return text + clock.data();
}

std::string time_text(std::int64_t unix_ms) {
    if (unix_ms <= 0) {
        return "-";
    }
    const std::time_t seconds = unix_ms / 1000;
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
    return {text.data(), length};
}

} // namespace mshv::ctl
