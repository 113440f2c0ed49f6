// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/qmp_scan.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace mshv::keeper {
namespace {

constexpr std::size_t longest_kept = 256;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A recursive descent over one line. It keeps nothing but the few values asked for, and its depth
/// is bounded, so a hostile line costs one pass and no memory.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    std::optional<QmpLine> run() {
        skip_space();
        if (!object(1)) {
            return std::nullopt;
        }
        skip_space();
        if (at_ != text_.size() || duplicate_) {
            return std::nullopt;
        }
        return result_;
    }

private:
    /// Which object a member belongs to: only three are looked into.
    enum class Place { elsewhere, top, data, returned, error };

    [[nodiscard]] bool more() const { return at_ < text_.size(); }
    [[nodiscard]] char peek() const { return more() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (!more() || text_[at_] != c) {
            return false;
        }
        ++at_;
        return true;
    }
    void skip_space() {
        while (more() && (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n')) {
            ++at_;
        }
    }

    bool object(int depth) {
        const Place place = depth == 1 ? Place::top : depth == 2 ? entered_ : Place::elsewhere;
        if (depth > deepest_qmp_value || !take('{')) {
            return false;
        }
        skip_space();
        if (take('}')) {
            return true;
        }
        do {
            skip_space();
            std::string_view key;
            if (!string(key)) {
                return false;
            }
            skip_space();
            if (!take(':')) {
                return false;
            }
            skip_space();
            if (!member(place, key, depth)) {
                return false;
            }
            skip_space();
        } while (take(','));
        return take('}');
    }

    bool array(int depth) {
        if (depth > deepest_qmp_value || !take('[')) {
            return false;
        }
        skip_space();
        if (take(']')) {
            return true;
        }
        do {
            skip_space();
            std::string_view ignored;
            if (!value(depth, ignored)) {
                return false;
            }
            skip_space();
        } while (take(','));
        return take(']');
    }

    bool member(Place place, std::string_view key, int depth) {
        if (place == Place::top) {
            entered_ = key == "data"     ? Place::data
                       : key == "return" ? Place::returned
                       : key == "error"  ? Place::error
                                         : Place::elsewhere;
        }
        std::string_view text;
        const bool is_true = peek() == 't';
        const std::size_t begin = at_;
        if (!value(depth, text)) {
            return false;
        }
        if (place == Place::data && key == "actual") {
            keep_number(text_.substr(begin, at_ - begin));
        }
        keep(place, key, text.substr(0, longest_kept), is_true);
        return true;
    }

    void keep_number(std::string_view text) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc{} && end == text.data() + text.size()) {
            result_.actual = number;
        }
    }

    void keep(Place place, std::string_view key, std::string_view text, bool is_true) {
        if (place == Place::top) {
            if (key == "QMP") {
                kind(QmpLine::Kind::greeting);
            } else if (key == "event") {
                kind(QmpLine::Kind::event);
                result_.event = text;
            } else if (key == "return") {
                kind(QmpLine::Kind::returned);
            } else if (key == "error") {
                kind(QmpLine::Kind::error);
            } else if (key == "execute" || key == "exec-oob") {
                kind(QmpLine::Kind::command);
            } else if (key == "id") {
                duplicate_ = duplicate_ || result_.has_id;
                result_.has_id = true;
                result_.id = text;
            }
        } else if (place == Place::data && key == "reason") {
            result_.reason = text;
        } else if (place == Place::data && key == "action") {
            result_.action = text;
        } else if (place == Place::data && key == "device") {
            result_.device = text;
        } else if (place == Place::data && key == "path") {
            result_.path = text;
        } else if (place == Place::data && key == "guest") {
            result_.guest = is_true;
        } else if (place == Place::returned && key == "status") {
            result_.status = text;
        } else if (place == Place::error && key == "desc") {
            result_.text = text;
        }
    }

    /// A line that says twice what it is, or two different things, is none.
    void kind(QmpLine::Kind kind) {
        duplicate_ = duplicate_ || result_.kind != QmpLine::Kind::other;
        result_.kind = kind;
    }

    bool value(int depth, std::string_view& text) {
        switch (peek()) {
        case '{':
            return object(depth + 1);
        case '[':
            return array(depth + 1);
        case '"':
            return string(text);
        case 't':
            return word("true");
        case 'f':
            return word("false");
        case 'n':
            return word("null");
        default:
            return number();
        }
    }

    bool word(std::string_view expected) {
        if (text_.substr(at_, expected.size()) != expected) {
            return false;
        }
        at_ += expected.size();
        return true;
    }

    bool digits() {
        if (!is_digit(peek())) {
            return false;
        }
        while (is_digit(peek())) {
            ++at_;
        }
        return true;
    }

    bool number() {
        take('-');
        if (!take('0') && !digits()) {
            return false;
        }
        if (take('.') && !digits()) {
            return false;
        }
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take('+')) {
                take('-');
            }
            return digits();
        }
        return true;
    }

    bool string(std::string_view& content) {
        if (!take('"')) {
            return false;
        }
        const std::size_t begin = at_;
        while (more()) {
            const auto c = static_cast<unsigned char>(text_[at_]);
            if (c == '"') {
                content = text_.substr(begin, at_ - begin);
                ++at_;
                return true;
            }
            if (c < 0x20 || (c == '\\' && !escape()) || (c >= 0x80 && !multibyte())) {
                return false;
            }
            if (c >= 0x20 && c < 0x80 && c != '\\') {
                ++at_;
            }
        }
        return false;
    }

    bool hex4(std::uint32_t& code) {
        if (text_.size() - at_ < 4) {
            return false;
        }
        code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = text_[at_];
            if (!is_hex(c)) {
                return false;
            }
            const int digit = is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
            code = code * 16 + static_cast<std::uint32_t>(digit);
        }
        return true;
    }

    bool escape() {
        ++at_; // the backslash
        const char c = peek();
        if (!more()) {
            return false;
        }
        ++at_;
        if (c != 'u') {
            return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        }
        std::uint32_t code = 0;
        if (!hex4(code) || (code >= 0xdc00 && code <= 0xdfff)) {
            return false;
        }
        if (code < 0xd800 || code > 0xdfff) {
            return true;
        }
        return take('\\') && take('u') && hex4(code) && code >= 0xdc00 && code <= 0xdfff;
    }

    /// One well-formed UTF-8 sequence of 2 to 4 bytes.
    bool multibyte() {
        const auto at = [&](std::size_t i) {
            return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0U;
        };
        const unsigned lead = at(0);
        const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        unsigned low = 0x80;
        unsigned high = 0xbf;
        if (lead < 0xc2 || lead > 0xf4) {
            return false;
        }
        if (lead == 0xe0) {
            low = 0xa0;
        } else if (lead == 0xed) {
            high = 0x9f;
        } else if (lead == 0xf0) {
            low = 0x90;
        } else if (lead == 0xf4) {
            high = 0x8f;
        }
        for (std::size_t i = 1; i < length; ++i) {
            if (at(i) < low || at(i) > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
        at_ += length;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Place entered_ = Place::elsewhere;
    bool duplicate_ = false;
    QmpLine result_;
};

} // namespace

std::optional<QmpLine> scan_qmp(std::string_view line) {
    if (line.size() > longest_qmp_line) {
        return std::nullopt;
    }
    return Scanner(line).run();
}

} // namespace mshv::keeper
