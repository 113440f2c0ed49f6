// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/io_limits.hpp"

namespace mshv::api {
namespace {

void judge(const std::string& name, const IoLimit& limit, std::vector<LimitFault>& faults) {
    if (limit.max != 0 && limit.per_second == 0) {
        faults.push_back({name + "_max", name + "_max needs " + name});
    } else if (limit.max != 0 && limit.max < limit.per_second) {
        faults.push_back({name + "_max", name + "_max is below " + name});
    }
    if (limit.max_length != 0 && limit.max == 0) {
        faults.push_back({name + "_max_length", name + "_max_length needs " + name + "_max"});
    }
    if (limit.per_second > most_io || limit.max > most_io ||
        (limit.max_length > 1 && limit.max > most_io / limit.max_length)) {
        faults.push_back({name, name + " is beyond what a VMM counts"});
    }
}

bool has(const std::optional<IoLimit>& limit) {
    return limit && *limit != IoLimit{};
}

void exclude(const std::string& kind, const std::optional<IoLimit>& total,
             const std::optional<IoLimit>& read, const std::optional<IoLimit>& write,
             std::vector<LimitFault>& faults) {
    for (const auto& [other, limit] : {std::pair("read_", read), std::pair("write_", write)}) {
        if (has(total) && has(limit)) {
            faults.push_back({other + kind + "_sec", "total_" + kind + "_sec and " + other + kind +
                                                         "_sec exclude each other"});
        }
    }
}

} // namespace

std::vector<LimitFault> faults_of(const IoTune& tune) {
    std::vector<LimitFault> faults;
    for (const auto& [name, member] : io_limits) {
        if (const auto& limit = tune.*member) {
            judge(std::string(name) + "_sec", *limit, faults);
        }
    }
    exclude("bytes", tune.total_bytes, tune.read_bytes, tune.write_bytes, faults);
    exclude("iops", tune.total_iops, tune.read_iops, tune.write_iops, faults);
    return faults;
}

void normalise(std::optional<IoTune>& tune) {
    if (!tune) {
        return;
    }
    for (const auto& [name, member] : io_limits) {
        if (!has((*tune).*member)) {
            ((*tune).*member).reset();
        }
    }
    if (*tune == IoTune{}) {
        tune.reset();
    }
}

std::string limits_text(const std::optional<IoTune>& tune) {
    std::string text;
    for (const auto& [name, member] : io_limits) {
        const auto limit = tune ? (*tune).*member : std::nullopt;
        if (!limit) {
            continue;
        }
        const auto add = [&](std::string_view suffix, std::uint64_t value) {
            if (value != 0) {
                text += text.empty() ? "" : " ";
                text += std::string(name) + std::string(suffix) + '=' + std::to_string(value);
            }
        };
        add("_sec", limit->per_second);
        add("_sec_max", limit->max);
        add("_sec_max_length", limit->max_length);
    }
    return text;
}

} // namespace mshv::api
