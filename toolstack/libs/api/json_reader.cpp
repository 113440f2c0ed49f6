// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"
#include "toolstack/libs/api/nearest.hpp"
#include "toolstack/libs/api/utf8.hpp"

#include <array>
#include <cstring>
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

namespace mshv::api::json {
namespace {

constexpr std::size_t deepest = 32;
constexpr std::size_t most_problems = 50;
constexpr std::size_t longest_shown = 64;
/// RapidJSON reads whole 16-byte blocks when it skips white space.
constexpr std::size_t padding = 16;

/// Takes RapidJSON's events and puts the values where the tables say. One pass, no tree: memory is
/// the result's and a fixed stack, and a duplicate key is seen when it comes.
class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
public:
    Handler(const DecodeOptions& options, const Kind& kind, void* object, bool escapes)
        : options_(options), root_{&kind, object}, escapes_(escapes) {}

    [[nodiscard]] std::vector<Problem> take_problems() { return std::move(problems_); }
    [[nodiscard]] bool too_deep() const { return too_deep_; }

    // NOLINTBEGIN(readability-identifier-naming): RapidJSON's names
    bool Null() { return scalar({}); }
    bool Bool(bool value) {
        Token token{.type = Token::Type::boolean};
        token.boolean = value;
        return scalar(token);
    }
    bool Int(int value) { return Int64(value); }
    bool Uint(unsigned value) { return Uint64(value); }
    bool Int64(std::int64_t value) {
        Token token{.type = Token::Type::integer, .negative = value < 0};
        const auto bits = static_cast<std::uint64_t>(value);
        token.magnitude = value < 0 ? 0 - bits : bits;
        return scalar(token);
    }
    bool Uint64(std::uint64_t value) {
        Token token{.type = Token::Type::integer};
        token.magnitude = value;
        return scalar(token);
    }
    bool Double(double /*value*/) { return scalar({.type = Token::Type::fraction}); }
    bool String(const char* data, rapidjson::SizeType size, bool /*copy*/) {
        Token token{.type = Token::Type::text};
        token.text = {data, size};
        return scalar(token);
    }
    bool Key(const char* data, rapidjson::SizeType size, bool /*copy*/) {
        return key({data, size});
    }
    bool StartObject() { return start(Kind::Shape::object); }
    bool EndObject(rapidjson::SizeType /*count*/) { return end_object(); }
    bool StartArray() { return start(Kind::Shape::array); }
    bool EndArray(rapidjson::SizeType /*count*/) {
        --depth_;
        return true;
    }
    // NOLINTEND(readability-identifier-naming)

private:
    struct Place {
        const Kind* kind = nullptr; ///< null: what comes is skipped
        void* member = nullptr;
    };
    struct Frame {
        Place place; ///< of this object, array or map
        Fields fields;
        std::uint64_t seen = 0;   ///< bit i: fields[i] was there
        std::size_t expected = 0; ///< the field after the last one: a written document is in order
        std::size_t count = 0;    ///< elements of an array so far
        std::string_view key;     ///< the present one
        Place value;              ///< where its value goes
    };

    Frame& top() { return frames_[depth_ - 1]; }

    /// Where the next value goes.
    Place next_place() {
        if (depth_ == 0) {
            return root_;
        }
        Frame& frame = top();
        if (frame.place.kind == nullptr) {
            return {};
        }
        if (frame.place.kind->shape != Kind::Shape::array) {
            return frame.value;
        }
        ++frame.count;
        return {frame.place.kind->element, frame.place.kind->append(frame.place.member)};
    }

    bool scalar(const Token& token) {
        const Place place = next_place();
        if (place.kind == nullptr) {
            return true;
        }
        if (token.type == Token::Type::null) {
            return complain({"E-TYPE", "wants " + std::string(place.kind->wanted) + ", not null",
                             "leave the key out instead"});
        }
        if (place.kind->shape != Kind::Shape::scalar) {
            return complain(wrong_type(place.kind->wanted));
        }
        if (escapes_ && token.type == Token::Type::text && !is_clean(token.text)) {
            return complain({"E-TEXT", "holds a NUL or half a surrogate pair", ""});
        }
        Complaint complaint = place.kind->set(place.kind->enter(place.member), token);
        return complaint.message.empty() || complain(std::move(complaint));
    }

    bool start(Kind::Shape shape) {
        if (depth_ == deepest) {
            too_deep_ = true;
            return false;
        }
        Place place = next_place();
        if (place.kind != nullptr) {
            const Kind::Shape wanted =
                place.kind->shape == Kind::Shape::map ? Kind::Shape::object : place.kind->shape;
            if (wanted != shape) {
                if (!complain(wrong_type(place.kind->wanted))) {
                    return false;
                }
                place = {};
            }
        }
        Frame& frame = frames_[depth_++];
        frame = {};
        frame.place = place;
        if (place.kind != nullptr) {
            frame.place.member = place.kind->enter(place.member);
            if (place.kind->shape == Kind::Shape::object) {
                frame.fields = place.kind->fields();
            }
        }
        return true;
    }

    bool key(std::string_view name) {
        Frame& frame = top();
        frame.key = name;
        frame.value = {};
        if (frame.place.kind == nullptr) {
            return true;
        }
        if (escapes_ && !is_clean(name)) {
            return complain({"E-TEXT", "the key holds a NUL or half a surrogate pair", ""});
        }
        if (frame.place.kind->shape == Kind::Shape::map) {
            frame.value = {frame.place.kind->element,
                           frame.place.kind->insert(frame.place.member, name)};
            if (frame.value.member == nullptr) {
                frame.value = {};
                return complain({"E-DUPLICATE", "the key is there twice", ""});
            }
            return true;
        }
        return object_key(frame, name);
    }

    bool object_key(Frame& frame, std::string_view name) {
        const std::size_t count = frame.fields.size();
        const Field* fields = frame.fields.data();
        // What our own encoder wrote comes in the order of the table: the search goes on where the
        // last key was found.
        for (std::size_t step = 0, i = frame.expected; step < count; ++step) {
            const Field& field = fields[i];
            const std::size_t next = i + 1 == count ? 0 : i + 1;
            if (field.name.size() != name.size() || field.name[0] != name[0] ||
                std::memcmp(field.name.data(), name.data(), name.size()) != 0) {
                i = next;
                continue;
            }
            frame.expected = next;
            const std::uint64_t bit = std::uint64_t{1} << i;
            if ((frame.seen & bit) != 0) {
                return complain({"E-DUPLICATE", "the key is there twice", ""});
            }
            frame.seen |= bit;
            frame.value = {field.kind, field.at(frame.place.member)};
            return true;
        }
        return options_.ignore_unknown || unknown_key(frame, name);
    }

    bool unknown_key(const Frame& frame, std::string_view name) {
        std::vector<std::string_view> names;
        for (const Field& field : frame.fields) {
            names.push_back(field.name);
        }
        const auto near = nearest_word(name, names);
        return complain({"E-UNKNOWN", "no such key",
                         near.empty() ? "" : "did you mean '" + std::string(near) + "'?"});
    }

    bool end_object() {
        Frame& frame = top();
        frame.key = {};
        for (std::size_t i = 0; i < frame.fields.size(); ++i) {
            const bool seen = (frame.seen >> i & 1U) != 0;
            if (!seen && frame.fields[i].presence == Presence::required) {
                frame.key = frame.fields[i].name;
                if (!complain({"E-MISSING", "is missing", ""})) {
                    return false;
                }
            }
        }
        --depth_;
        return true;
    }

    static bool is_clean(std::string_view text) {
        return text.find('\0') == std::string_view::npos &&
               find_bad_utf8(text) == std::string_view::npos;
    }

    /// Records a fault of the present value; false when that was one too many.
    bool complain(Complaint complaint) {
        Problem problem;
        problem.code = complaint.code;
        problem.where = path();
        problem.message = std::move(complaint.message);
        problem.hint = std::move(complaint.hint);
        problems_.push_back(std::move(problem));
        return problems_.size() < most_problems;
    }

    /// RFC 6901.
    [[nodiscard]] std::string path() const {
        std::string text;
        for (std::size_t i = 0; i < depth_; ++i) {
            const Frame& frame = frames_[i];
            const bool array =
                frame.place.kind != nullptr && frame.place.kind->shape == Kind::Shape::array;
            if (array && frame.count == 0) {
                break;
            }
            text += '/';
            if (array) {
                text += std::to_string(frame.count - 1);
                continue;
            }
            for (const char c : frame.key.substr(0, longest_shown)) {
                text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
            }
        }
        return text.empty() ? "/" : text;
    }

    const DecodeOptions& options_;
    Place root_;
    bool escapes_;
    bool too_deep_ = false;
    std::size_t depth_ = 0;
    std::array<Frame, deepest> frames_{};
    std::vector<Problem> problems_;
};

[[noreturn]] void refuse(const DecodeOptions& options, const std::string& why,
                         std::string_view hint = {}) {
    throw Error(ErrorCode::usage, "malformed " + std::string(options.what) + ": " + why,
                std::string(hint));
}

void check_text(std::string_view text, const DecodeOptions& options) {
    if (text.size() > options.max_bytes) {
        refuse(options, "longer than " + std::to_string(options.max_bytes) + " bytes");
    }
    if (const auto bad = find_bad_utf8(text); bad != std::string_view::npos) {
        refuse(options, "byte " + std::to_string(bad) + " is not UTF-8");
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        refuse(options, "byte " + std::to_string(nul) + " is a NUL");
    }
}

void throw_problems(const DecodeOptions& options, std::vector<Problem> problems) {
    const Problem& first = problems.front();
    std::string message =
        "invalid " + std::string(options.what) + ": " + first.where + ": " + first.message;
    if (problems.size() > 1) {
        message += " (and " + std::to_string(problems.size() - 1) + " more)";
    }
    std::string hint = first.hint;
    throw Error(ErrorCode::invalid, std::move(message), std::move(hint))
        .with_problems(std::move(problems));
}

/// `text` is checked and may be written to.
void parse(std::string& text, const DecodeOptions& options, const Kind& kind, void* object) {
    const bool escapes = text.find("\\u") != std::string::npos;
    text.append(padding, '\0');
    Handler handler(options, kind, object, escapes);
    rapidjson::Reader reader;
    rapidjson::InsituStringStream stream(text.data());
    const auto result = reader.Parse<rapidjson::kParseInsituFlag>(stream, handler);
    if (handler.too_deep()) {
        refuse(options, "nests more than " + std::to_string(deepest) + " deep");
    }
    if (auto problems = handler.take_problems(); !problems.empty()) {
        throw_problems(options, std::move(problems));
    }
    if (result.IsError()) {
        std::string why = rapidjson::GetParseError_En(result.Code());
        if (!why.empty() && why.back() == '.') {
            why.pop_back();
        }
        refuse(options, "at byte " + std::to_string(result.Offset()) + ": " + why);
    }
}

} // namespace

void read(std::string_view text, const DecodeOptions& options, const Kind& kind, void* object) {
    check_text(text, options);
    // RapidJSON decodes strings in place, so it gets a copy that it may write to.
    std::string copy;
    copy.reserve(text.size() + padding);
    copy += text;
    parse(copy, options, kind, object);
}

void read_in_place(std::string& text, const DecodeOptions& options, const Kind& kind,
                   void* object) {
    check_text(text, options);
    parse(text, options, kind, object);
}

} // namespace mshv::api::json
