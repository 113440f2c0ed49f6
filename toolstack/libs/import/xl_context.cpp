// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/xl_context.hpp"

#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/accept.hpp"
#include "toolstack/libs/import/problems.hpp"

#include <algorithm>
#include <charconv>

namespace mshv::foreign {
namespace {

using guestxml::shown;

/// xl's own reading of "+=": strings are joined, lists lengthened.
void append(XlValue& to, XlValue&& more) {
    if (to.kind == XlValue::Kind::list && more.kind == XlValue::Kind::list) {
        std::move(more.items.begin(), more.items.end(), std::back_inserter(to.items));
    } else if (to.kind == more.kind) {
        to.text += more.text;
    } else {
        to = std::move(more);
    }
}

/// The message without the element that it begins with and the line that it names, both of a
/// document that nobody has seen.
std::string without_places(std::string message) {
    const std::size_t tag = message.find(">: ");
    if (message.starts_with('<') && tag != std::string::npos) {
        message.erase(0, tag + 3);
    }
    for (const std::string_view start :
         {" (see line ", "; first at line ", "; the first stands at line "}) {
        const std::size_t at = message.find(start);
        if (at != std::string::npos) {
            const std::size_t end = message.find(')', at);
            message.erase(at, start.front() == ' ' && end != std::string::npos ? end + 1 - at
                                                                               : std::string::npos);
        }
    }
    return message;
}

} // namespace

std::optional<std::int64_t> number_of(const XlValue& value) {
    if (value.kind == XlValue::Kind::list) {
        return std::nullopt;
    }
    std::string_view text = guestxml::trimmed(value.text);
    const bool minus = text.starts_with('-');
    text.remove_prefix(minus ? 1 : 0);
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    } else if (text.size() > 1 && text.front() == '0') {
        base = 8;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.starts_with('-')) {
        return std::nullopt;
    }
    return minus ? -number : number;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.push_back(guestxml::trimmed(text.substr(0, end)));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

XlContext::XlContext(std::string_view document, const XlDocument& read,
                     const ImportOptions& options)
    : document_(document), options_(options), lines_(document) {
    for (const XlSetting& setting : read.settings) {
        const auto known = settings_.find(setting.key);
        if (known == settings_.end()) {
            order_.push_back(setting.key);
            settings_.emplace(setting.key, setting);
            continue;
        }
        if (setting.adds) {
            append(known->second.value, XlValue(setting.value));
            continue;
        }
        const auto first = lines_.of(known->second.key_at.offset);
        known->second = setting;
        warn("W-DUP", origin(setting.key),
             "given twice, first on line " + std::to_string(first.line) +
                 "; as in xl, this one counts",
             "keep one of them");
    }
}

const XlValue* XlContext::value(std::string_view key) const {
    const auto found = settings_.find(key);
    return found == settings_.end() ? nullptr : &found->second.value;
}

Origin XlContext::origin(std::string_view key) {
    const auto found = settings_.find(key);
    const Place at = found == settings_.end() ? Place{} : found->second.key_at;
    return part(no_origin, key, at);
}

bool XlContext::overridden(std::string_view word) const {
    return std::any_of(options_.overrides.begin(), options_.overrides.end(),
                       [&](const auto& override) { return override.first == word; });
}

Origin XlContext::part(Origin of, std::string_view name, Place at) {
    const std::string key =
        of == no_origin ? std::string(name)
                        : origins_[static_cast<std::size_t>(of)].key + "/" + std::string(name);
    const auto [known, fresh] = by_key_.emplace(key, static_cast<Origin>(origins_.size()));
    if (fresh) {
        origins_.push_back({key, at});
    }
    return known->second;
}

std::vector<std::string_view> XlContext::keys() const {
    return {order_.begin(), order_.end()};
}

std::string XlContext::text(std::string_view key) {
    const XlValue* found = value(key);
    if (found == nullptr) {
        return {};
    }
    if (found->kind == XlValue::Kind::list) {
        error("E-TYPE", origin(key), "a list, where a text is expected");
        return {};
    }
    return found->text;
}

std::optional<std::int64_t> XlContext::number(std::string_view key) {
    const XlValue* found = value(key);
    if (found == nullptr) {
        return std::nullopt;
    }
    const auto number = number_of(*found);
    if (!number) {
        error("E-TYPE", origin(key),
              found->kind == XlValue::Kind::list ? "a list, where a number is expected"
                                                 : shown(found->text) + " is not a number");
    }
    return number;
}

std::optional<bool> XlContext::flag(std::string_view key) {
    const auto read = number(key);
    return read ? std::optional(*read != 0) : std::nullopt;
}

std::vector<XlItem> XlContext::items(std::string_view key) {
    const XlValue* found = value(key);
    if (found == nullptr) {
        return {};
    }
    if (found->kind != XlValue::Kind::list) {
        return {{found, found->text, origin(key)}};
    }
    std::vector<XlItem> made;
    for (std::size_t i = 0; i < found->items.size(); ++i) {
        const XlValue& item = found->items[i];
        const Origin by =
            part(no_origin, std::string(key) + "[" + std::to_string(i + 1) + "]", item.at);
        if (item.kind == XlValue::Kind::list) {
            error("E-TYPE", by, "a list, where a text is expected");
        } else {
            made.push_back({&item, item.text, by});
        }
    }
    return made;
}

// ---- the report
// ----------------------------------------------------------------------------------

void XlContext::error(std::string_view code, Origin origin, std::string message, std::string hint) {
    add(code, origin, std::move(message), std::move(hint), false);
}

void XlContext::warn(std::string_view code, Origin origin, std::string message, std::string hint) {
    add(code, origin, std::move(message), std::move(hint), true);
}

bool XlContext::accepted(Origin origin) const {
    return origin != no_origin &&
           accepts(options_.accepted, origins_[static_cast<std::size_t>(origin)].key);
}

bool XlContext::loses(Origin origin, const std::string& message, const std::string& instead) {
    if (accepted(origin)) {
        warn("W-LOSS", origin, message, "accepted");
        return true;
    }
    error("E-LOSS", origin, message,
          "--accept=" + origins_[static_cast<std::size_t>(origin)].key + " " + instead);
    return false;
}

void XlContext::verdict(Origin origin, const api::Problem& problem) {
    if (problem.line == 0) { // about an override
        failed_ = failed_ || !problem.warning;
        problems_.push_back(problem);
        return;
    }
    std::string hint = problem.hint;
    if (!problem.warning && origin != no_origin) {
        hint += std::string(hint.empty() ? "" : "; or ") +
                "--accept=" + origins_[static_cast<std::size_t>(origin)].key + " leaves it out";
    }
    add(problem.code, origin, without_places(problem.message), hint, problem.warning);
}

void XlContext::leave_out(Origin origin, const api::Problem& problem) {
    warn("W-LOSS", origin, without_places(problem.message), "accepted: it is left out");
}

void XlContext::fault(const XlFault& fault) {
    const auto at = lines_.of(fault.at.offset);
    failed_ = true;
    problems_.push_back({fault.limit ? "E-LIMIT" : "E-SYNTAX", "", fault.message, fault.hint,
                         options_.file_name, at.line, at.column, fault.at.length, false});
}

void XlContext::add(std::string_view code, Origin origin, std::string message, std::string hint,
                    bool warning) {
    failed_ = failed_ || !warning;
    const Asked about = origin == no_origin ? Asked{} : origins_[static_cast<std::size_t>(origin)];
    const auto at = lines_.of(about.at.offset);
    problems_.push_back({std::string(code), about.key.empty() ? "" : "key " + shown(about.key),
                         std::move(message), std::move(hint), options_.file_name, at.line,
                         at.column, about.at.length, warning});
}

std::vector<api::Problem> XlContext::take() {
    return in_order(std::move(problems_), options_.most_problems);
}

} // namespace mshv::foreign
