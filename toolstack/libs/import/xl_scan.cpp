// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/xl_scan.hpp"

#include "toolstack/libs/api/utf8.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>
#include <optional>

namespace mshv::foreign {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7f;
}

bool is_unprintable(char c) {
    return is_control(c) || c == '\n' || c == '\r';
}

int digit_of(char c) {
    const char low = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    return is_digit(low) ? low - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

class Scanner {
public:
    explicit Scanner(std::string_view document) : bytes_(document) {}

    XlDocument run() {
        if (const auto fault = unreadable()) {
            made_.faults.push_back(*fault);
            return std::move(made_);
        }
        while (!over()) {
            skip_blanks(Lines::cross);
            if (at_ < bytes_.size() && bytes_[at_] == ';') {
                ++at_;
            } else if (at_ < bytes_.size()) {
                one_setting();
            }
        }
        return std::move(made_);
    }

private:
    enum class Lines { cross, stay };

    [[nodiscard]] bool over() const {
        return at_ >= bytes_.size() || made_.faults.size() >= XlLimits::faults ||
               (!made_.faults.empty() && made_.faults.back().limit);
    }
    [[nodiscard]] char here() const { return at_ < bytes_.size() ? bytes_[at_] : '\0'; }
    [[nodiscard]] bool ends() const {
        return at_ >= bytes_.size() || bytes_[at_] == '\n' || bytes_[at_] == ';';
    }
    static Place place(std::size_t from, std::size_t to) {
        return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
    }

    [[nodiscard]] std::optional<XlFault> unreadable() const {
        if (bytes_.size() > XlLimits::document) {
            return XlFault{true, {}, "the file is longer than 256 KiB", "is it an xl.cfg?"};
        }
        const std::size_t bad = api::find_bad_utf8(bytes_);
        if (bad != std::string_view::npos) {
            return XlFault{false, place(bad, bad + 1), "this is not UTF-8", "save it as UTF-8"};
        }
        const auto* control = std::find_if(bytes_.begin(), bytes_.end(), is_control);
        if (control != bytes_.end()) {
            const auto offset = static_cast<std::size_t>(control - bytes_.begin());
            return XlFault{false, place(offset, offset + 1), "a control character", "delete it"};
        }
        return std::nullopt;
    }

    void fault(Place at, std::string message, std::string hint = {}, bool limit = false) {
        made_.faults.push_back({limit, at, std::move(message), std::move(hint)});
        failed_ = true;
    }
    void fault_here(std::string message, std::string hint = {}) {
        fault(place(at_, std::min(at_ + 1, bytes_.size())), std::move(message), std::move(hint));
    }

    void skip_line() { at_ = std::min(bytes_.find('\n', at_), bytes_.size()); }

    void skip_blanks(Lines lines) {
        for (; at_ < bytes_.size(); ++at_) {
            const char c = bytes_[at_];
            if (c == '#') {
                skip_line();
            }
            if (at_ >= bytes_.size() ||
                !(bytes_[at_] == ' ' || bytes_[at_] == '\t' || bytes_[at_] == '\r' ||
                  (bytes_[at_] == '\n' && lines == Lines::cross))) {
                return;
            }
        }
    }

    /// One KEY = VALUE; after a fault the rest of its line is not looked at.
    void one_setting() {
        failed_ = false;
        if (made_.settings.size() >= XlLimits::settings) {
            fault(place(at_, at_ + 1),
                  "more than " + std::to_string(XlLimits::settings) + " settings", "", true);
            return;
        }
        XlSetting setting;
        read_key(setting);
        if (!failed_) {
            skip_blanks(Lines::stay);
            setting.value = read_value(0);
        }
        if (!failed_) {
            made_.settings.push_back(std::move(setting));
            skip_blanks(Lines::stay);
            if (!ends()) {
                fault_here("more than one value",
                           "settings are separated by a line's end or ';', list items by ','");
            }
        }
        if (failed_) {
            skip_line();
        }
    }

    void read_key(XlSetting& setting) {
        const std::size_t start = at_;
        while (at_ < bytes_.size() && (is_letter(bytes_[at_]) || is_digit(bytes_[at_]))) {
            ++at_;
        }
        if (at_ == start || is_digit(bytes_[start])) {
            at_ = start;
            fault_here("a key is expected here", "a line is KEY = VALUE");
            return;
        }
        setting.key = bytes_.substr(start, at_ - start);
        setting.key_at = place(start, at_);
        skip_blanks(Lines::stay);
        if (here() == '+' && at_ + 1 < bytes_.size() && bytes_[at_ + 1] == '=') {
            setting.adds = true;
            ++at_;
        }
        if (here() != '=') {
            fault(setting.key_at, "no '=' follows " + guestxml::shown(setting.key),
                  "a line is KEY = VALUE; xl.cfg holds no other statement");
            return;
        }
        ++at_;
    }

    XlValue read_value(std::size_t depth) {
        const char c = here();
        if (++values_ > XlLimits::values || depth > XlLimits::depth) {
            fault(place(at_, at_ + 1),
                  depth > XlLimits::depth
                      ? "lists in lists, more than " + std::to_string(XlLimits::depth) + " deep"
                      : "more than " + std::to_string(XlLimits::values) + " values",
                  "", true);
            return {};
        }
        if (c == '\'' || c == '"') {
            return read_text(c);
        }
        if (c == '[') {
            return read_list(depth);
        }
        if (is_digit(c) || c == '-') {
            return read_number();
        }
        if (ends()) {
            fault(place(at_ == 0 ? 0 : at_ - 1, at_), "a value is missing");
        } else {
            const std::size_t start = at_;
            std::size_t end = start;
            while (end < bytes_.size() &&
                   std::string_view(" \t\r\n;,]#").find(bytes_[end]) == std::string_view::npos) {
                ++end;
            }
            fault(place(start, std::max(end, start + 1)), "a value without quotes",
                  "write '…' around a text; true and false are 1 and 0");
        }
        return {};
    }

    XlValue read_number() {
        XlValue value;
        value.kind = XlValue::Kind::number;
        const std::size_t start = at_;
        at_ += here() == '-' ? 1 : 0;
        while (at_ < bytes_.size() && (is_letter(bytes_[at_]) || is_digit(bytes_[at_]))) {
            ++at_;
        }
        value.text = bytes_.substr(start, at_ - start);
        value.at = place(start, at_);
        std::string_view digits = value.text;
        digits.remove_prefix(digits.starts_with('-') ? 1 : 0);
        const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
        const bool octal = !hexadecimal && digits.size() > 1 && digits.front() == '0';
        digits.remove_prefix(hexadecimal ? 2 : 0);
        const int base = hexadecimal ? 16 : octal ? 8 : 10;
        if (digits.empty() || digits.size() > 16 ||
            std::any_of(digits.begin(), digits.end(),
                        [&](char c) { return digit_of(c) >= base; })) {
            fault(value.at, guestxml::shown(value.text) + " is not a number",
                  "decimal, 0x… or 0…; a text stands in quotes");
        }
        return value;
    }

    XlValue read_text(char quote) {
        XlValue value;
        const std::size_t start = at_++;
        while (at_ < bytes_.size() && bytes_[at_] != quote && bytes_[at_] != '\n') {
            if (bytes_[at_] != '\\') {
                value.text += bytes_[at_++];
            } else if (!read_escape(value.text)) {
                return value;
            }
        }
        if (here() != quote) {
            fault(place(start, at_), "the string is not closed", "a string ends on its line");
            return value;
        }
        ++at_;
        value.at = place(start, at_);
        if (value.text.size() > XlLimits::text) {
            fault(value.at, "a string of more than 16 KiB", "", true);
        } else if (api::find_bad_utf8(value.text) != std::string_view::npos ||
                   std::any_of(value.text.begin(), value.text.end(), is_unprintable)) {
            fault(value.at, "the escapes of this string do not make text on one line");
        }
        return value;
    }

    bool read_escape(std::string& text) {
        constexpr std::string_view plain = "abfnrtv\\'\"";
        constexpr std::string_view meant = "\a\b\f\n\r\t\v\\'\"";
        const std::size_t start = at_++;
        const char c = here();
        const std::size_t known = c == '\0' ? std::string_view::npos : plain.find(c);
        if (known != std::string_view::npos) {
            text += meant[known];
            ++at_;
            return true;
        }
        const bool hexadecimal = c == 'x';
        const int base = hexadecimal ? 16 : 8;
        const std::size_t first = at_ + (hexadecimal ? 1 : 0);
        const std::size_t most = hexadecimal ? 2 : 3;
        int code = 0;
        std::size_t end = first;
        while (end < bytes_.size() && end - first < most && digit_of(bytes_[end]) < base) {
            code = code * base + digit_of(bytes_[end++]);
        }
        if (end == first || code > 255) {
            at_ = start;
            fault_here("an unknown escape", "write \\\\ for one backslash");
            return false;
        }
        text += static_cast<char>(code);
        at_ = end;
        return true;
    }

    XlValue read_list(std::size_t depth) {
        XlValue value;
        value.kind = XlValue::Kind::list;
        const std::size_t start = at_++;
        skip_blanks(Lines::cross);
        while (!failed_ && here() != ']') {
            if (at_ >= bytes_.size()) {
                fault(place(start, start + 1), "the list is not closed", "add ]");
                return value;
            }
            value.items.push_back(read_value(depth + 1));
            if (failed_) {
                return value;
            }
            skip_blanks(Lines::cross);
            if (here() == ',') {
                ++at_;
                skip_blanks(Lines::cross);
            } else if (at_ < bytes_.size() && here() != ']') {
                fault_here("',' or ']' is expected here");
            }
        }
        at_ += failed_ ? 0 : 1;
        value.at = place(start, std::min(at_, bytes_.size()));
        return value;
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
    std::size_t values_ = 0;
    bool failed_ = false;
    XlDocument made_;
};

} // namespace

XlDocument scan_xl(std::string_view document) {
    return Scanner(document).run();
}

} // namespace mshv::foreign
