// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/faults/plan.hpp"

#include "tests/standin/freestanding/text.hpp"

namespace mshv::standin::faults {
namespace {

/// Takes the next field off `rest`: what stands up to a colon. Empty at the end and where there is none.
std::string_view next_field(std::string_view& rest) {
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != ':') {
        ++length;
    }
    const std::string_view field = rest.substr(0, length);
    const bool last = length == rest.size();
    rest.remove_prefix(last ? length : length + 1);
    return !last && rest.empty() ? std::string_view{} : field; // nothing behind a colon is no field
}

bool take_number(std::string_view& rest, u64 most, u64& number) {
    return parse_number(next_field(rest), number) && number <= most;
}

bool parse_when(std::string_view text, When& when) {
    if (text == "every") {
        when = {1, true};
        return true;
    }
    const bool on = !text.empty() && text.back() == '+';
    text.remove_suffix(on ? 1 : 0);
    when.on = on;
    return parse_number(text, when.first) && when.first != 0;
}

bool is_memory_status(u64 status) {
    constexpr Status known[] = {Status::insufficient_memory, Status::insufficient_root_memory,
                                Status::insufficient_contiguous_memory,
                                Status::insufficient_contiguous_root_memory};
    for (const Status one : known) {
        if (status == static_cast<u64>(one)) {
            return true;
        }
    }
    return false;
}

/// WHEN[:STATUS]
bool parse_memory(std::string_view rest, Plan& plan) {
    When when;
    if (!parse_when(next_field(rest), when)) {
        return false;
    }
    u64 status = static_cast<u64>(Status::insufficient_memory);
    if (!rest.empty() && !take_number(rest, 0xFFFF, status)) {
        return false;
    }
    plan.memory.when = when;
    plan.memory_status = static_cast<Status>(status);
    return is_memory_status(status) && rest.empty();
}

CallFault* free_place(Plan& plan) {
    for (CallFault& call : plan.calls) {
        if (call.fault.when.first == 0) {
            return &call;
        }
    }
    return nullptr;
}

/// CODE:STATUS:WHEN[:ELEMENTS]
bool parse_status(std::string_view rest, Plan& plan) {
    CallFault* const place = free_place(plan);
    u64 code = 0;
    u64 status = 0;
    u64 elements = 0;
    When when;
    if (place == nullptr || !take_number(rest, 0xFFFF, code) ||
        !take_number(rest, 0xFFFF, status) || !parse_when(next_field(rest), when)) {
        return false;
    }
    if (!rest.empty() && !take_number(rest, 0xFFF, elements)) {
        return false;
    }
    if (status == 0 || status == static_cast<u64>(Status::call_pending) || !rest.empty()) {
        return false;
    }
    *place = {static_cast<u32>(code), static_cast<Status>(status), static_cast<u32>(elements), {}};
    place->fault.when = when;
    return true;
}

/// CODE:WHEN
bool parse_pending(std::string_view rest, Plan& plan) {
    CallFault* const place = free_place(plan);
    u64 code = 0;
    When when;
    if (place == nullptr || !take_number(rest, 0xFFFF, code) ||
        !parse_when(next_field(rest), when) || !rest.empty()) {
        return false;
    }
    *place = {static_cast<u32>(code), Status::call_pending, 0, {}};
    place->fault.when = when;
    return true;
}

bool parse_elements(std::string_view rest, Plan& plan) {
    u64 most = 0;
    if (!parse_number(rest, most) || most == 0 || most > 0xFFF) {
        return false;
    }
    plan.most_elements = static_cast<u32>(most);
    return true;
}

bool parse_end_of_message(std::string_view rest, Plan& plan) {
    plan.end_of_message.when = {1, false};
    return rest == "ignore-once";
}

bool parse_message(std::string_view rest, Plan& plan) {
    if (rest == "repeat-interrupt") {
        plan.repeated_interrupts = true;
        return true;
    }
    if (rest == "unknown-once") {
        plan.unknown.when = {1, false};
        return true;
    }
    plan.message.when = {1, false};
    return rest == "hold-once";
}

struct Word {
    std::string_view name;
    bool (*parse)(std::string_view, Plan&);
};
constexpr Word words[] = {{"memory=", parse_memory},   {"status=", parse_status},
                          {"pending=", parse_pending}, {"elements=", parse_elements},
                          {"message=", parse_message}, {"eom=", parse_end_of_message}};

} // namespace

bool Plan::add(std::string_view word) {
    for (const Word& one : words) {
        if (word.starts_with(one.name)) {
            word.remove_prefix(one.name.size());
            return one.parse(word, *this);
        }
    }
    return false;
}

CallFault* Plan::on_call(u32 code) {
    CallFault* found = nullptr;
    for (CallFault& call : calls) {
        if (call.code == code && call.fault.when.first != 0 && call.fault.due() &&
            found == nullptr) {
            found = &call;
        }
    }
    return found;
}

} // namespace mshv::standin::faults
