// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/top/columns.hpp"

#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/output/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mshv::ctl {
namespace {

using api::PartitionView;
using api::State;

constexpr std::string_view unknown = "-";
constexpr std::int64_t kibibyte = 1024;
constexpr std::int64_t sector = 512;
constexpr std::int64_t page = 4096;
constexpr std::size_t shortest_name = 10;

std::string whole(std::int64_t number) {
    return std::to_string(number);
}

std::string whole(const std::optional<double>& number, double unit = 1) {
    return number ? std::to_string(std::llround(*number / unit)) : std::string(unknown);
}

std::string with_tenth(const std::optional<double>& number) {
    if (!number) {
        return std::string(unknown);
    }
    std::array<char, 32> digits{};
    const int length = std::snprintf(digits.data(), digits.size(), "%.1f", *number);
    return {digits.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string share_of_memory(std::int64_t bytes, const HostSize& host) {
    return host.memory == 0
               ? std::string(unknown)
               : with_tenth(100 * static_cast<double>(bytes) / static_cast<double>(host.memory));
}

template <auto Member>
std::optional<double> of_run(const Usage& usage) {
    if (!usage.view.runtime) {
        return std::nullopt;
    }
    const std::optional<std::int64_t> number = (*usage.view.runtime).*Member;
    return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

std::optional<double> held_pages(const Usage& usage) {
    const auto& run = usage.view.runtime;
    return run && run->hypervisor && run->hypervisor->held_pages
               ? std::optional(static_cast<double>(*run->hypervisor->held_pages))
               : std::nullopt;
}

/// xentop's: dying, shut down, blocked, paused, crashed, running. Whether all its processors are
/// halted nobody tells.
std::string letters(const PartitionView& view) {
    std::string text = "------";
    switch (view.state) {
    case State::running:
        text[5] = 'r';
        break;
    case State::starting:
    case State::paused:
        text[3] = 'p';
        break;
    case State::stopping:
    case State::stuck:
        text[0] = 'd';
        break;
    case State::crashed:
        text[4] = 'c';
        break;
    case State::shutoff:
    case State::restarting:
        text[1] = 's';
        break;
    }
    return text;
}

std::string count(const std::optional<std::size_t>& number) {
    return number ? std::to_string(*number) : std::string(unknown);
}

using Run = api::RuntimeView;

// What several columns show, or are sorted by.

std::string not_told(const Usage& /*usage*/, const HostSize& /*host*/) {
    return std::string(unknown);
}

std::string left_text(const Usage& usage, const HostSize& /*host*/) {
    return whole(guest_memory(usage.view) / kibibyte);
}

std::string left_share(const Usage& usage, const HostSize& host) {
    return share_of_memory(guest_memory(usage.view), host);
}

std::optional<double> left(const Usage& usage) {
    return static_cast<double>(guest_memory(usage.view));
}

std::string memory_text(const Usage& usage, const HostSize& /*host*/) {
    return whole(usage.view.memory / kibibyte);
}

std::string memory_share(const Usage& usage, const HostSize& host) {
    return share_of_memory(usage.view.memory, host);
}

std::optional<double> memory(const Usage& usage) {
    return static_cast<double>(usage.view.memory);
}

/// A counter of the run, in `Unit` bytes.
template <auto Member, std::int64_t Unit>
std::string run_text(const Usage& usage, const HostSize& /*host*/) {
    return whole(of_run<Member>(usage), Unit);
}

template <std::optional<double> Usage::*Rate>
std::optional<double> rate(const Usage& usage) {
    return usage.*Rate;
}

template <std::optional<double> Usage::*Rate>
std::string percent_text(const Usage& usage, const HostSize& /*host*/) {
    return with_tenth(usage.*Rate);
}

template <std::optional<double> Usage::*Rate, std::int64_t Unit>
std::string rate_text(const Usage& usage, const HostSize& /*host*/) {
    return whole(usage.*Rate, Unit);
}

constexpr std::array table{
    TopColumn{"name", "NAME", shortest_name,
              [](const Usage& u, const HostSize&) { return u.view.name; }, nullptr},
    TopColumn{"state", "STATE", 6, [](const Usage& u, const HostSize&) { return letters(u.view); },
              nullptr},
    TopColumn{
        "cpu-time", "CPU(sec)", 10,
        [](const Usage& u, const HostSize&) { return whole(cpu_time_ms(u.view) / 1000); },
        [](const Usage& u) { return std::optional(static_cast<double>(cpu_time_ms(u.view))); }},
    TopColumn{"cpu", "CPU(%)", 6, percent_text<&Usage::cpu>, rate<&Usage::cpu>},
    TopColumn{"steal", "STEAL(%)", 8, percent_text<&Usage::waiting>, rate<&Usage::waiting>},
    TopColumn{"exits", "EXITS/s", 8, rate_text<&Usage::exits, 1>, rate<&Usage::exits>},
    TopColumn{"mem", "MEM(k)", 10, left_text, left},
    TopColumn{"mem-share", "MEM(%)", 6, left_share, left},
    TopColumn{"max-mem", "MAXMEM(k)", 10, memory_text, memory},
    TopColumn{"max-mem-share", "MAXMEM(%)", 9, memory_share, memory},
    TopColumn{"rss", "RSS(k)", 10, run_text<&Run::rss, kibibyte>, of_run<&Run::rss>},
    TopColumn{"deposit", "DEPOSIT(k)", 10,
              [](const Usage& u, const HostSize&) {
                  return whole(held_pages(u), static_cast<double>(kibibyte) / page);
              },
              held_pages},
    TopColumn{"vcpus", "VCPUS", 5,
              [](const Usage& u, const HostSize&) { return whole(u.view.vcpus); },
              [](const Usage& u) { return std::optional(static_cast<double>(u.view.vcpus)); }},
    TopColumn{"nets", "NETS", 4,
              [](const Usage& u, const HostSize&) { return count(u.interfaces); }, nullptr},
    TopColumn{"net-sent", "NETTX(k)", 8, run_text<&Run::network_sent, kibibyte>,
              of_run<&Run::network_sent>},
    TopColumn{"net-received", "NETRX(k)", 8, run_text<&Run::network_received, kibibyte>,
              of_run<&Run::network_received>},
    TopColumn{"tx", "TX(k/s)", 8, rate_text<&Usage::network_sent, kibibyte>,
              rate<&Usage::network_sent>},
    TopColumn{"rx", "RX(k/s)", 8, rate_text<&Usage::network_received, kibibyte>,
              rate<&Usage::network_received>},
    TopColumn{"disks", "VBDS", 4, [](const Usage& u, const HostSize&) { return count(u.disks); },
              nullptr},
    TopColumn{"disk-queue", "VBD_OO", 8, not_told, nullptr},
    TopColumn{"disk-reads", "VBD_RD", 8, not_told, nullptr},
    TopColumn{"disk-writes", "VBD_WR", 8, not_told, nullptr},
    TopColumn{"disk-read", "VBD_RSECT", 10, run_text<&Run::storage_read, sector>,
              of_run<&Run::storage_read>},
    TopColumn{"disk-written", "VBD_WSECT", 10, run_text<&Run::storage_written, sector>,
              of_run<&Run::storage_written>},
    TopColumn{"rd", "RD(k/s)", 8, rate_text<&Usage::storage_read, kibibyte>,
              rate<&Usage::storage_read>},
    TopColumn{"wr", "WR(k/s)", 8, rate_text<&Usage::storage_written, kibibyte>,
              rate<&Usage::storage_written>},
    TopColumn{"ssid", "SSID", 4, not_told, nullptr},
};

constexpr std::array<std::string_view, 12> ours{
    "name", "state", "cpu-time", "cpu", "steal", "exits", "mem", "vcpus", "rd", "wr", "tx", "rx"};
constexpr std::array<std::string_view, 19> of_xentop{
    "name",        "state",        "cpu-time",      "cpu",        "mem",
    "mem-share",   "max-mem",      "max-mem-share", "vcpus",      "nets",
    "net-sent",    "net-received", "disks",         "disk-queue", "disk-reads",
    "disk-writes", "disk-read",    "disk-written",  "ssid"};

bool is_name(const TopColumn& column) {
    return column.name == "name";
}

void append_cell(std::string& line, const TopColumn& column, std::string_view text,
                 std::size_t width) {
    line += line.empty() ? "" : " ";
    append_padded(line, text, is_name(column) ? width : column.width, Align::right);
}

} // namespace

std::span<const TopColumn> top_columns() {
    return table;
}

const TopColumn* find_top_column(std::string_view name) {
    const auto* found = std::find_if(table.begin(), table.end(),
                                     [&](const TopColumn& each) { return each.name == name; });
    return found == table.end() ? nullptr : found;
}

std::vector<const TopColumn*> default_top_columns(TopStyle style) {
    std::vector<const TopColumn*> chosen;
    const auto add = [&](auto& names) {
        for (const auto name : names) {
            chosen.push_back(find_top_column(name));
        }
    };
    if (style == TopStyle::xl) {
        add(of_xentop);
    } else {
        add(ours);
    }
    return chosen;
}

void sort_usages(std::vector<Usage>& usages, const TopColumn& by, bool reverse) {
    const auto before = [&](const Usage& a, const Usage& b) {
        if (by.number == nullptr) {
            const auto left = by.text(a, {});
            const auto right = by.text(b, {});
            return left != right ? left < right : a.view.id < b.view.id;
        }
        const auto left = by.number(a).value_or(-1);
        const auto right = by.number(b).value_or(-1);
        return left != right ? left > right : a.view.id < b.view.id;
    };
    std::sort(usages.begin(), usages.end(), [&](const Usage& a, const Usage& b) {
        return reverse ? before(b, a) : before(a, b);
    });
}

std::string top_header(const std::vector<const TopColumn*>& columns, std::size_t name_width) {
    std::string line;
    for (const auto* column : columns) {
        append_cell(line, *column, column->title, name_width);
    }
    return line;
}

std::string top_row(const Usage& usage, const std::vector<const TopColumn*>& columns,
                    const HostSize& host, TopStyle style, std::size_t name_width) {
    std::string line;
    for (const auto* column : columns) {
        std::string text;
        append_escaped(text, column->text(usage, host));
        if (is_name(*column)) {
            // By characters: a name is UTF-8.
            std::size_t end = text.size();
            while (display_width(std::string_view(text).substr(0, end)) > name_width) {
                --end;
            }
            while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
                --end;
            }
            text.resize(end);
        } else if (style == TopStyle::xl && text == unknown) {
            text = column->name == "cpu" || column->name.ends_with("share") ? "0.0" : "0";
        }
        append_cell(line, *column, text, name_width);
    }
    return line;
}

std::string top_vcpus(const Usage& usage) {
    std::string line = "VCPUs(sec):";
    for (std::size_t i = 0; i < usage.vcpu_ms.size(); ++i) {
        line += ' ' + std::to_string(i) + ": " + std::to_string(usage.vcpu_ms[i] / 1000) + 's';
    }
    return line;
}

std::size_t name_width(const std::vector<Usage>& usages, bool full) {
    std::size_t width = shortest_name;
    for (const auto& usage : usages) {
        std::string escaped;
        append_escaped(escaped, usage.view.name);
        width = full ? std::max(width, display_width(escaped)) : width;
    }
    return width;
}

} // namespace mshv::ctl
