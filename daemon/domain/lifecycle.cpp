// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/lifecycle.hpp"

#include <chrono>

namespace mshv::domain {
namespace {

void append_padded(std::string& out, unsigned number, std::size_t width) {
    const std::string digits = std::to_string(number);
    out.append(width > digits.size() ? width - digits.size() : 0, '0');
    out += digits;
}

/// What the partition would have to be for `verb`.
std::string_view wanted(Verb verb) {
    switch (verb) {
    case Verb::start:
        return "already active";
    case Verb::unpause:
        return "not paused";
    case Verb::drop_saved:
        return "active";
    case Verb::undefine:
        return "being started";
    default:
        return "not running";
    }
}

} // namespace

std::string format_time(std::int64_t unix_ms) {
    using namespace std::chrono;
    const sys_time<milliseconds> point{milliseconds{unix_ms}};
    const auto day = floor<days>(point);
    const year_month_day date{day};
    const hh_mm_ss time{floor<seconds>(point - day)};
    std::string out = std::to_string(static_cast<int>(date.year())) + '-';
    append_padded(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    append_padded(out, static_cast<unsigned>(date.day()), 2);
    out += ' ';
    append_padded(out, static_cast<unsigned>(time.hours().count()), 2);
    out += ':';
    append_padded(out, static_cast<unsigned>(time.minutes().count()), 2);
    out += ':';
    append_padded(out, static_cast<unsigned>(time.seconds().count()), 2);
    return out + " UTC";
}

std::optional<std::string> why_not(Verb verb, std::string_view name, State state,
                                   api::Reason reason, std::int64_t since_ms) {
    if (allowed(verb, state)) {
        return std::nullopt;
    }
    std::string text = "Partition '";
    text += name;
    text += "' is ";
    text += wanted(verb);
    text += " (";
    text += api::to_name(state);
    if (reason != api::Reason::none && reason != api::Reason::defined) {
        text += ", ";
        text += api::to_name(reason);
        text += ',';
    }
    text += " since ";
    text += format_time(since_ms);
    text += ')';
    return text;
}

std::string_view hint_for(Verb verb, State state) {
    if (verb == Verb::start) {
        return state == State::stuck ? "the kernel still holds its VMM: destroy it again"
                                     : std::string_view{};
    }
    if (verb == Verb::drop_saved) {
        return {};
    }
    if (state == State::shutoff || (state == State::crashed && verb != Verb::unpause)) {
        return "start it first";
    }
    if (state == State::paused) {
        return "unpause it first";
    }
    if (state == State::stuck) {
        return "only destroy is possible";
    }
    return state == State::starting || state == State::restarting ? "wait until it runs"
                                                                  : std::string_view{};
}

} // namespace mshv::domain
