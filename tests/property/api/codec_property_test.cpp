// SPDX-License-Identifier: Apache-2.0
// What is encoded is decoded to the same value; what is damaged is refused or means something that
// can be encoded again, and never ends the program.
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/differences.hpp"
#include "toolstack/libs/api/json_codec.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace mshv::api;

namespace {

using json::Kind;
using json::Token;

std::string any_text() {
    static const std::vector<std::string> pieces{"a",
                                                 "web",
                                                 " ",
                                                 "/",
                                                 "\"",
                                                 "\\",
                                                 "\n",
                                                 "\x01",
                                                 "\x7f",
                                                 "\xc3\xa4",
                                                 "\xe2\x82\xac",
                                                 "\xf0\x9f\x98\x80",
                                                 "}",
                                                 "0",
                                                 "\xef\xbf\xbf",
                                                 "\xe2\x80\xae"};
    std::string text;
    for (const auto& piece :
         *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces))) {
        text += piece;
    }
    return text;
}

void fill(const Kind& kind, void* member);

Token any_token(const Kind& kind, std::string& storage) {
    Token token{.type = Token::Type::text};
    if (kind.words != nullptr) {
        const auto words = kind.words();
        token.text = words[*rc::gen::inRange<std::size_t>(0, words.size())];
    } else if (kind.wanted == "true or false") {
        token.type = Token::Type::boolean;
        token.boolean = *rc::gen::arbitrary<bool>();
    } else if (kind.wanted == "a whole number") {
        token.type = Token::Type::integer;
        token.magnitude = *rc::gen::arbitrary<std::uint64_t>();
        token.negative = *rc::gen::arbitrary<bool>();
    } else if (kind.wanted == "a UUID") {
        Uuid uuid{};
        for (auto& byte : uuid.data) {
            byte = *rc::gen::arbitrary<std::uint8_t>();
        }
        storage = to_string(uuid);
        token.text = storage;
    } else {
        storage = any_text();
        token.text = storage;
    }
    return token;
}

void fill_scalar(const Kind& kind, void* object) {
    std::string storage;
    Token token = any_token(kind, storage);
    // A number that the member cannot hold is halved until it can.
    while (!kind.set(object, token).message.empty()) {
        token.magnitude /= 2;
        token.negative = token.negative && token.magnitude != 0;
        if (token.magnitude == 0) {
            token.negative = false;
        }
    }
}

void fill(const Kind& kind, void* member) {
    void* object = kind.enter(member);
    switch (kind.shape) {
    case Kind::Shape::scalar:
        fill_scalar(kind, object);
        break;
    case Kind::Shape::object:
        for (const auto& field : kind.fields()) {
            if (field.presence != json::Presence::normal || *rc::gen::arbitrary<bool>()) {
                fill(*field.kind, field.at(object));
            }
        }
        break;
    case Kind::Shape::array:
        for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
            fill(*kind.element, kind.append(object));
        }
        break;
    case Kind::Shape::map:
        for (int left = *rc::gen::inRange(0, 4); left > 0; --left) {
            if (void* value = kind.insert(object, any_text())) {
                fill(*kind.element, value);
            }
        }
        break;
    }
}

template <typename T>
T any() {
    T value;
    fill(json::kind_of<T>, &value);
    return value;
}

template <typename T>
void round_trips() {
    const std::string text = encode(any<T>());
    DecodeOptions options;
    options.max_bytes = text.size();
    RC_ASSERT(encode(decode<T>(text, options)) == text);
}

} // namespace

RC_BOOST_PROP(specs_round_trip, ()) {
    const auto spec = any<PartitionSpec>();
    RC_ASSERT(decode<PartitionSpec>(encode(spec)) == spec);
}

RC_BOOST_PROP(documents_round_trip, ()) {
    round_trips<CreateRequest>();
    round_trips<StartRequest>();
    round_trips<ShutdownRequest>();
    round_trips<DestroyRequest>();
    round_trips<TriggerRequest>();
    round_trips<RenameRequest>();
    round_trips<AutostartRequest>();
    round_trips<StoredDefinition>();
    round_trips<PartitionView>();
    round_trips<PartitionList>();
    round_trips<EventPage>();
    round_trips<HistoryList>();
    round_trips<VcpuList>();
    round_trips<VersionInfo>();
    round_trips<HostView>();
    round_trips<RevisionList>();
    round_trips<ChangeList>();
    round_trips<PlanRequest>();
    round_trips<Plan>();
    round_trips<ReplaceRequest>();
    round_trips<RollbackRequest>();
    round_trips<VmmArgumentsRequest>();
    round_trips<VmmArguments>();
}

RC_BOOST_PROP(differences_are_found_exactly_where_there_are_some, ()) {
    const auto spec = any<PartitionSpec>();
    RC_ASSERT(differences(spec, spec).empty());
    const auto other = any<PartitionSpec>();
    RC_ASSERT(differences(spec, other).empty() == (spec == other));
    // One member at a time: the change is told where it is.
    for (const auto& field : json::fields_of<PartitionSpec>()) {
        PartitionSpec changed = spec;
        fill(*field.kind, field.at(&changed));
        const auto found = differences(spec, changed);
        RC_ASSERT(found.empty() == (spec == changed));
        for (const auto& change : found) {
            RC_ASSERT(change.path.starts_with("/" + std::string(field.name)));
        }
    }
}

RC_BOOST_PROP(errors_round_trip, ()) {
    const auto& row = error_table()[*rc::gen::inRange<std::size_t>(0, error_table().size())];
    Error error(row.code, any_text(), any_text());
    error
        .with_problems(
            {{any_text(), any_text(), any_text(), any_text(), any_text(), 1, 2, 3, true}})
        .because(any_text());
    const Error again = decode_error(encode_error(error), row.http_status);
    RC_ASSERT(again.code() == error.code());
    RC_ASSERT(again.message() == error.message());
    RC_ASSERT(again.hint() == error.hint());
    RC_ASSERT(again.problems() == error.problems());
    RC_ASSERT(again.causes() == error.causes());
}

RC_BOOST_PROP(damage_is_refused_or_harmless, ()) {
    std::string text = encode(any<CreateRequest>());
    for (int left = *rc::gen::inRange(1, 5); left > 0; --left) {
        const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
        switch (*rc::gen::inRange(0, 3)) {
        case 0:
            text[at] = *rc::gen::arbitrary<char>();
            break;
        case 1:
            text.erase(at, *rc::gen::inRange<std::size_t>(1, 20));
            break;
        default:
            text.insert(at, text.substr(*rc::gen::inRange<std::size_t>(0, text.size()), 20));
            break;
        }
        if (text.empty()) {
            break;
        }
    }
    try {
        const auto value = decode<CreateRequest>(text);
        RC_ASSERT(encode(decode<CreateRequest>(encode(value))) == encode(value));
    } catch (const Error& error) {
        RC_ASSERT(error.code() == ErrorCode::usage || error.code() == ErrorCode::invalid);
        RC_ASSERT((error.code() == ErrorCode::invalid) == !error.problems().empty());
    }
}
