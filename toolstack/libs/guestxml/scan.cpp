// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/scan.hpp"

#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>
#include <array>

namespace mshv::guestxml {
namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr bool is_name_start(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}
constexpr bool is_name_char(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

std::string code_point(char32_t c) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out = "U+";
    for (int shift = c > 0xffff ? 20 : 12; shift >= 0; shift -= 4) {
        out += digits[(c >> shift) & 0xf];
    }
    return out;
}

constexpr std::string_view xinclude = "http://www.w3.org/2001/XInclude";

class Scanner {
public:
    Scanner(std::string_view text, Scan& out) : text_(text), out_(out) {}

    void run() {
        check_size_and_encoding();
        if (look("<?xml") && pos_ + 5 < text_.size() && is_blank(text_[pos_ + 5])) {
            declaration();
        }
        misc("the root element");
        if (at_end()) {
            fail(pos_, 0, "the document holds no element");
        }
        element_tree();
        misc("the end of the document");
        if (!at_end()) {
            fail(pos_, 1, "more follows the end of the root element");
        }
    }

private:
    [[noreturn]] void fail(std::size_t offset, std::size_t length, std::string message,
                           std::string hint = {}, bool limit = false) const {
        // A fault at the very end is shown on the last byte that there is.
        const std::size_t start = std::min(offset, text_.empty() ? 0 : text_.size() - 1);
        const std::size_t left = text_.size() - start;
        throw ScanFault{limit, place(start, std::min(length, left)), std::move(message),
                        std::move(hint)};
    }
    [[noreturn]] void fail_limit(std::size_t offset, std::size_t length,
                                 std::string message) const {
        fail(offset, length, std::move(message), {}, true);
    }

    static Place place(std::size_t offset, std::size_t length) {
        return {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)};
    }
    [[nodiscard]] bool at_end() const { return pos_ >= text_.size(); }
    [[nodiscard]] bool look(std::string_view what) const {
        return text_.substr(pos_, what.size()) == what;
    }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[pos_]; }
    bool skip_blanks() {
        const std::size_t before = pos_;
        while (!at_end() && is_blank(text_[pos_])) {
            ++pos_;
        }
        return pos_ != before;
    }

    void check_size_and_encoding() const {
        if (text_.size() > Limits::document) {
            fail_limit(0, 0,
                       "the document has " + std::to_string(text_.size()) + " bytes; at most " +
                           std::to_string(Limits::document) + " are read");
        }
        if (look("\xef\xbb\xbf")) {
            fail(0, 3, "the document starts with a byte order mark",
                 "save it as UTF-8 without one");
        }
        if (look("\xff\xfe") || look("\xfe\xff") || look(std::string_view("<\0", 2)) ||
            look(std::string_view("\0<", 2))) {
            fail(0, 2, "the document is not UTF-8 (it looks like UTF-16)", "save it as UTF-8");
        }
    }

    /// One character of content at pos_; refuses what is no text.
    void character() {
        const char c = text_[pos_];
        if ((c >= 0x20 && c < 0x7f) || is_blank(c)) {
            ++pos_;
            return;
        }
        const api::Utf8Char decoded = api::decode_utf8(text_.substr(pos_));
        if (decoded.length == 0) {
            fail(pos_, 1, "this byte is not UTF-8", "save the document as UTF-8");
        }
        refuse_control(decoded.code, pos_, decoded.length);
        pos_ += decoded.length;
    }

    void refuse_control(char32_t c, std::size_t offset, std::size_t length) const {
        const bool no_char = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
        if (no_char || (api::is_terminal_control(c) && c != '\t' && c != '\n')) {
            fail(offset, length, "the control character " + code_point(c) + " may not be used",
                 "controls and invisible characters are refused everywhere in a document");
        }
    }

    Place name(std::string_view what) {
        const std::size_t start = pos_;
        if (at_end() || !is_name_start(text_[pos_])) {
            fail(pos_, 1, "here should stand " + std::string(what));
        }
        int colons = 0;
        while (!at_end() && is_name_char(text_[pos_])) {
            colons += text_[pos_] == ':' ? 1 : 0;
            ++pos_;
        }
        if (!at_end() && static_cast<unsigned char>(text_[pos_]) >= 0x80) {
            fail(pos_, 1, "names of elements and attributes are ASCII");
        }
        const std::size_t length = pos_ - start;
        if (length > Limits::name) {
            fail_limit(start, length,
                       "a name of " + std::to_string(length) + " characters; at most " +
                           std::to_string(Limits::name) + " are read");
        }
        if (colons > 1 || text_[pos_ - 1] == ':') {
            fail(start, length, "the name is not of the form prefix:name");
        }
        return place(start, length);
    }

    [[nodiscard]] std::string_view bytes(Place at) const {
        return text_.substr(at.offset, at.length);
    }

    void reference() {
        const std::size_t start = pos_;
        const std::size_t end = text_.find(';', start);
        constexpr std::size_t longest = 12;
        if (end == std::string_view::npos || end - start > longest) {
            fail(start, 1, "'&' starts no character reference", "write &amp; for the character &");
        }
        const std::string_view body = text_.substr(start + 1, end - start - 1);
        const std::size_t length = end + 1 - start;
        if (body.starts_with('#')) {
            refuse_control(number_of(body.substr(1), start, length), start, length);
        } else {
            static constexpr std::array<std::string_view, 5> known{"amp", "lt", "gt", "quot",
                                                                   "apos"};
            if (std::find(known.begin(), known.end(), body) == known.end()) {
                fail(start, length,
                     "the entity " + shown(bytes(place(start, length))) + " is not defined",
                     "only &amp; &lt; &gt; &quot; &apos; and numbers such as &#233; are read");
            }
        }
        pos_ = end + 1;
    }

    [[nodiscard]] char32_t number_of(std::string_view body, std::size_t at,
                                     std::size_t length) const {
        const bool hex = body.starts_with('x');
        if (hex) {
            body.remove_prefix(1);
        }
        char32_t code = body.empty() ? 0x110000 : 0;
        for (const char c : body) {
            const bool digit = c >= '0' && c <= '9';
            const bool letter = hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
            if (!digit && !letter) {
                code = 0x110000;
                break;
            }
            const auto value = static_cast<char32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
            code = std::min<char32_t>(code * (hex ? 16 : 10) + value, 0x110000);
        }
        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
            fail(at, length, "the character reference names no character");
        }
        return code;
    }

    void declaration() {
        const std::size_t start = pos_;
        const std::size_t end = text_.find("?>", start);
        if (end == std::string_view::npos) {
            fail(start, 5, "the XML declaration has no end");
        }
        pos_ = start + 5;
        while (skip_blanks(), pos_ < end) {
            const Place key = name("version, encoding or standalone");
            skip_blanks();
            if (peek() != '=') {
                fail(pos_, 1, "here should stand '='");
            }
            ++pos_;
            skip_blanks();
            const Place value = quoted();
            if (pos_ > end) {
                fail(start, 5, "the XML declaration has no end");
            }
            judge_declaration(bytes(key), key, value);
        }
        pos_ = end + 2;
    }

    void judge_declaration(std::string_view key, Place at, Place value) const {
        std::string word(bytes(value));
        std::transform(word.begin(), word.end(), word.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        if (key == "encoding" && word != "utf-8") {
            fail(value.offset, value.length, "the encoding " + shown(bytes(value)) + " is not read",
                 "save the document as UTF-8");
        }
        if (key == "version" && word != "1.0") {
            fail(value.offset, value.length, "only XML 1.0 is read");
        }
        if (key != "encoding" && key != "version" && key != "standalone") {
            fail(at.offset, at.length, "the XML declaration knows version, encoding, standalone");
        }
    }

    Place quoted() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') {
            fail(pos_, 1, "an attribute's value stands in quotes");
        }
        const std::size_t start = ++pos_;
        while (peek() != quote || at_end()) {
            if (at_end()) {
                fail(start - 1, 1, "the attribute's value has no closing quote");
            }
            if (text_[pos_] == '<') {
                fail(pos_, 1, "'<' may not stand in an attribute's value",
                     "a closing quote is missing before it, or write &lt;");
            }
            text_[pos_] == '&' ? reference() : character();
        }
        if (pos_ - start > Limits::text) {
            fail_limit(start, pos_ - start, "an attribute's value of more than 64 KiB");
        }
        return place(start, pos_++ - start);
    }

    /// Comments and blanks outside the root.
    void misc(std::string_view before) {
        while (skip_blanks(), !at_end() && !(text_[pos_] == '<' && is_name_start(next()))) {
            if (look("<!--")) {
                comment();
                continue;
            }
            refuse_markup();
            fail(pos_, 1, "here should stand " + std::string(before));
        }
    }
    [[nodiscard]] char next() const { return pos_ + 1 < text_.size() ? text_[pos_ + 1] : '\0'; }

    void refuse_markup() const {
        if (look("<!DOCTYPE") || look("<!ENTITY") || look("<!ELEMENT") || look("<!ATTLIST")) {
            fail(pos_, 9, "a document type definition is refused",
                 "delete the DOCTYPE; a guest document has no entities of its own");
        }
        if (look("<?")) {
            fail(pos_, 2, "a processing instruction is refused",
                 look("<?xml") ? "the XML declaration stands at the very start" : "delete it");
        }
    }

    void comment() {
        const std::size_t start = pos_;
        pos_ += 4;
        while (!look("--")) {
            if (at_end()) {
                fail(start, 4, "the comment has no end");
            }
            character();
        }
        if (!look("-->")) {
            fail(pos_, 2, "'--' may not stand in a comment");
        }
        pos_ += 3;
    }

    void element_tree() {
        do {
            if (at_end()) {
                const ScannedElement& open = out_.elements[open_.back()];
                fail(open.whole.offset, open.name.length + 1,
                     "<" + std::string(bytes(open.name)) + "> is not closed",
                     "add </" + std::string(bytes(open.name)) + ">");
            }
            content();
        } while (!open_.empty());
    }

    void content() {
        if (peek() != '<') {
            text();
        } else if (look("</")) {
            end_tag();
        } else if (look("<!--")) {
            comment();
        } else if (look("<![CDATA[")) {
            cdata();
        } else {
            refuse_markup();
            start_tag();
        }
    }

    void text() {
        const std::size_t start = pos_;
        while (!at_end() && text_[pos_] != '<') {
            if (look("]]>")) {
                fail(pos_, 3, "']]>' may not stand in text", "write ]]&gt;");
            }
            text_[pos_] == '&' ? reference() : character();
        }
        note_text(start, pos_);
    }

    void cdata() {
        const std::size_t start = pos_;
        pos_ += 9;
        const std::size_t inside = pos_;
        while (!look("]]>")) {
            if (at_end()) {
                fail(start, 9, "the CDATA section has no end");
            }
            character();
        }
        note_text(inside, pos_);
        pos_ += 3;
    }

    void note_text(std::size_t start, std::size_t end) {
        if (end - start > Limits::text) {
            fail_limit(start, 1, "a text of more than 64 KiB");
        }
        while (start < end && is_blank(text_[start])) {
            ++start;
        }
        while (end > start && is_blank(text_[end - 1])) {
            --end;
        }
        ScannedElement& element = out_.elements[open_.back()];
        if (end > start && element.text.length == 0) {
            element.text = place(start, end - start);
        }
    }

    void start_tag() {
        const std::size_t start = pos_++;
        ScannedElement element;
        element.name = name("an element's name");
        element.whole.offset = static_cast<std::uint32_t>(start);
        element.first_attribute = static_cast<std::uint32_t>(out_.attributes.size());
        if (out_.elements.size() >= Limits::elements) {
            fail_limit(start, element.name.length + 1, "more than 4096 elements");
        }
        if (open_.size() >= Limits::depth) {
            fail_limit(start, element.name.length + 1, "elements nested deeper than 32");
        }
        while (skip_blanks() && is_name_start(peek())) {
            attribute(element);
        }
        const bool empty = look("/>");
        if (!empty && peek() != '>') {
            fail(at_end() ? start : pos_, 1,
                 "the tag <" + std::string(bytes(element.name)) + "> is not well-formed here",
                 "an attribute is name='value', the tag ends with > or />");
        }
        pos_ += empty ? 2 : 1;
        element.content.offset = static_cast<std::uint32_t>(pos_);
        element.whole.length = static_cast<std::uint32_t>(pos_ - start);
        if (!empty) {
            open_.push_back(out_.elements.size());
        }
        out_.elements.push_back(element);
    }

    void attribute(ScannedElement& element) {
        ScannedAttribute found;
        found.name = name("an attribute's name");
        skip_blanks();
        if (peek() != '=') {
            fail(found.name.offset, found.name.length,
                 "the attribute '" + std::string(bytes(found.name)) + "' has no value",
                 "write " + std::string(bytes(found.name)) + "='…'");
        }
        ++pos_;
        skip_blanks();
        found.value = quoted();
        if (element.attribute_count >= Limits::attributes) {
            fail_limit(found.name.offset, found.name.length,
                       "more than 64 attributes on an element");
        }
        for (std::size_t i = element.first_attribute; i < out_.attributes.size(); ++i) {
            if (bytes(out_.attributes[i].name) == bytes(found.name)) {
                fail(found.name.offset, found.name.length,
                     "the attribute '" + std::string(bytes(found.name)) + "' is given twice");
            }
        }
        if (bytes(found.value) == xinclude) {
            fail(found.value.offset, found.value.length, "XInclude is refused",
                 "a guest document is one file");
        }
        out_.attributes.push_back(found);
        ++element.attribute_count;
    }

    void end_tag() {
        const std::size_t start = pos_;
        ScannedElement& element = out_.elements[open_.back()];
        pos_ += 2;
        const Place closing = name("the name of the element that ends");
        if (bytes(closing) != bytes(element.name)) {
            const LineColumn opened = LineTable(text_).of(element.whole.offset);
            const std::string open(bytes(element.name));
            fail(start, closing.length + 2,
                 "</" + std::string(bytes(closing)) + "> does not close <" + open +
                     ">, which stands at " + std::to_string(opened.line) + ":" +
                     std::to_string(opened.column),
                 "write </" + open + "> before it");
        }
        skip_blanks();
        if (peek() != '>') {
            fail(pos_, 1, "here should stand '>'");
        }
        ++pos_;
        element.content.length = static_cast<std::uint32_t>(start - element.content.offset);
        element.whole.length = static_cast<std::uint32_t>(pos_ - element.whole.offset);
        open_.pop_back();
    }

    std::string_view text_;
    Scan& out_;
    std::size_t pos_ = 0;
    std::vector<std::size_t> open_; ///< indices of the elements not yet closed
};

} // namespace

Scan scan(std::string_view document) {
    Scan out;
    try {
        Scanner(document, out).run();
    } catch (ScanFault& fault) {
        out.fault = std::move(fault);
    }
    return out;
}

LineTable::LineTable(std::string_view document) : starts_{0} {
    for (std::size_t at = document.find('\n'); at != std::string_view::npos;
         at = document.find('\n', at + 1)) {
        starts_.push_back(static_cast<std::uint32_t>(at + 1));
    }
}

LineColumn LineTable::of(std::size_t offset) const {
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = static_cast<long>(next - starts_.begin());
    return {line, static_cast<long>(offset) - static_cast<long>(*(next - 1)) + 1};
}

} // namespace mshv::guestxml
