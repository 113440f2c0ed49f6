// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api {
namespace {

/// Error has no default: its parts are decoded into this.
struct ErrorBody {
    std::string code, message, hint;
    std::vector<Problem> problems;
    std::vector<std::string> causes;
};
struct ErrorDocument {
    ErrorBody error;
};

} // namespace

namespace json {

template <>
Fields fields_of<Problem>() {
    static constexpr std::array list{
        field<&Problem::code>("code"),       field<&Problem::where>("where"),
        field<&Problem::message>("message"), field<&Problem::hint>("hint"),
        field<&Problem::file>("file"),       field<&Problem::line>("line"),
        field<&Problem::column>("column"),   field<&Problem::length>("length"),
        field<&Problem::warning>("warning"),
    };
    return list;
}

template <>
Fields fields_of<ErrorBody>() {
    static constexpr std::array list{
        field<&ErrorBody::code>("code", Presence::required),
        field<&ErrorBody::message>("message", Presence::required),
        field<&ErrorBody::hint>("hint"),
        field<&ErrorBody::problems>("problems"),
        field<&ErrorBody::causes>("causes"),
    };
    return list;
}

template <>
Fields fields_of<ErrorDocument>() {
    static constexpr std::array list{field<&ErrorDocument::error>("error", Presence::required)};
    return list;
}

} // namespace json

std::string encode_error(const Error& error) {
    const ErrorDocument document{{std::string(error_info(error.code()).name), error.message(),
                                  error.hint(), error.problems(), error.causes()}};
    std::string out;
    json::write(&document, json::kind_of<ErrorDocument>, out);
    return out;
}

Error decode_error(std::string_view text, int http_status) {
    ErrorDocument document;
    try {
        json::read(text, DecodeOptions::answer(), json::kind_of<ErrorDocument>, &document);
    } catch (const Error& bad) {
        return Error(ErrorCode::failed,
                     "the daemon answered HTTP status " + std::to_string(http_status) +
                         " without saying why",
                     "is the socket that of mshvd?")
            .because(bad.message());
    }
    ErrorBody& body = document.error;
    // A code that only a newer daemon knows is still a failure.
    Error error(error_code_of(body.code).value_or(ErrorCode::failed), std::move(body.message),
                std::move(body.hint));
    error.with_problems(std::move(body.problems));
    for (auto& cause : body.causes) {
        error.because(std::move(cause));
    }
    return error;
}

} // namespace mshv::api
