// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"
#include "toolstack/libs/api/utf8.hpp"

#include <algorithm>
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
    rapidjson::Writer<Sink>& operator*() { return rapid_; }
    void finish() { sink_.finish(); }

private:
    Sink sink_;
    rapidjson::Writer<Sink> rapid_;
};

void write_word(Writer& writer, std::string_view ascii) {
    (*writer).String(ascii.data(), static_cast<rapidjson::SizeType>(ascii.size()));
}

void write_text(Writer& writer, std::string_view text) {
    if (find_bad_utf8(text) == std::string_view::npos) {
        write_word(writer, text);
    } else {
        write_word(writer, without_bad_utf8(text));
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
