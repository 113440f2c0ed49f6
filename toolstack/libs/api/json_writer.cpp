// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"
#include "toolstack/libs/api/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <rapidjson/writer.h>

namespace mshv::api::json {
namespace {

/// A RapidJSON stream that appends to a std::string without a check for each byte.
class Sink {
public:
    using Ch = char;

    explicit Sink(std::string& out) : out_(out), at_(out.size()) {}

    void reserve(std::size_t count) {
        if (out_.size() - at_ < count) {
            out_.resize(std::max(out_.size() + out_.size() / 2, at_ + count + 256));
        }
    }
    void put_unchecked(char c) { out_.data()[at_++] = c; }
    /// `text` in quotes, as it is.
    void quote(std::string_view text) {
        reserve(text.size() + 2);
        char* to = out_.data() + at_;
        *to = '"';
        std::memcpy(to + 1, text.data(), text.size());
        to[text.size() + 1] = '"';
        at_ += text.size() + 2;
    }
    void Put(char c) { // NOLINT(readability-identifier-naming): RapidJSON's name
        reserve(1);
        put_unchecked(c);
    }
    void Flush() {} // NOLINT(readability-identifier-naming): RapidJSON's name
    void finish() { out_.resize(at_); }

private:
    std::string& out_;
    std::size_t at_;
};

// Found by RapidJSON through the namespace of Sink.
// NOLINTBEGIN(readability-identifier-naming): RapidJSON's names
inline void PutReserve(Sink& sink, std::size_t count) {
    sink.reserve(count);
}
inline void PutUnsafe(Sink& sink, char c) {
    sink.put_unchecked(c);
}
// NOLINTEND(readability-identifier-naming)

/// RapidJSON's Writer looks at each character of a string; most hold nothing to escape, and are
/// copied as a whole.
class RapidWriter : public rapidjson::Writer<Sink> {
public:
    using rapidjson::Writer<Sink>::Writer;
    void quote(std::string_view text) {
        Prefix(rapidjson::kStringType);
        os_->quote(text);
    }
};

/// True for printable ASCII without a quote or backslash.
bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
    });
}

std::string without_bad_utf8(std::string_view text) {
    std::string clean;
    while (!text.empty()) {
        const Utf8Char next = decode_utf8(text);
        clean += next.length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, next.length);
        text.remove_prefix(std::max<std::size_t>(1, next.length));
    }
    return clean;
}

} // namespace

class Writer {
public:
    explicit Writer(std::string& out) : sink_(out), rapid_(sink_) {}
    RapidWriter& operator*() { return rapid_; }
    void finish() { sink_.finish(); }

private:
    Sink sink_;
    RapidWriter rapid_;
};

void write_word(Writer& writer, std::string_view ascii) {
    (*writer).quote(ascii);
}

void write_text(Writer& writer, std::string_view text) {
    const auto write = [&](std::string_view utf8) {
        (*writer).String(utf8.data(), static_cast<rapidjson::SizeType>(utf8.size()));
    };
    if (is_plain(text)) {
        (*writer).quote(text);
    } else if (find_bad_utf8(text) == std::string_view::npos) {
        write(text);
    } else {
        write(without_bad_utf8(text));
    }
}

void write_key(Writer& writer, std::string_view key) {
    write_text(writer, key);
}
void write_signed(Writer& writer, std::int64_t value) {
    (*writer).Int64(value);
}
void write_unsigned(Writer& writer, std::uint64_t value) {
    (*writer).Uint64(value);
}
void write_bool(Writer& writer, bool value) {
    (*writer).Bool(value);
}
void start_object(Writer& writer) {
    (*writer).StartObject();
}
void end_object(Writer& writer) {
    (*writer).EndObject();
}
void start_array(Writer& writer) {
    (*writer).StartArray();
}
void end_array(Writer& writer) {
    (*writer).EndArray();
}

void write_object(const void* object, Fields fields, Writer& writer) {
    start_object(writer);
    for (const Field& field : fields) {
        // `at` serves reader and writer alike; here nothing is changed through it.
        const void* member = field.at(const_cast<void*>(object));
        if (field.presence == Presence::normal && field.kind->silent(member)) {
            continue;
        }
        write_word(writer, field.name);
        field.kind->write(member, writer);
    }
    end_object(writer);
}

void write(const void* object, const Kind& kind, std::string& out) {
    Writer writer(out);
    kind.write(object, writer);
    writer.finish();
}

} // namespace mshv::api::json
