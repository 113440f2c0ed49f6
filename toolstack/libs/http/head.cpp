// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/head.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>
#include <limits>

namespace mshv::http {
namespace {

namespace beast_http = boost::beast::http;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    return result;
}

/// Folded lines (obsolete) are refused, since programs disagree on what they mean.
void refuse_folding(std::string_view text) {
    if (text.find("\r\n ") != std::string_view::npos ||
        text.find("\r\n\t") != std::string_view::npos) {
        throw BadMessage(400, "folded header line");
    }
}

template <bool is_request>
void feed(beast_http::parser<is_request, beast_http::empty_body>& parser, std::string_view text) {
    refuse_folding(text);
    // The length of head and body is limited by who reads them.
    parser.header_limit(static_cast<std::uint32_t>(text.size()));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    boost::system::error_code error;
    parser.put(boost::asio::const_buffer(text.data(), text.size()), error);
    if (error && error != beast_http::error::need_more) {
        throw BadMessage(400, "malformed head: " + error.message());
    }
    if (!parser.is_header_done()) {
        throw BadMessage(400, "malformed head");
    }
}

Headers take_headers(const beast_http::fields& fields) {
    Headers headers;
    headers.reserve(8);
    for (const auto& field : fields) {
        const auto name = field.name_string();
        const auto value = field.value();
        headers.emplace_back(lower({name.data(), name.size()}),
                             std::string(value.data(), value.size()));
    }
    return headers;
}

std::optional<std::uint64_t> content_length(const Headers& headers) {
    std::optional<std::uint64_t> length;
    for (const auto& [name, value] : headers) {
        if (name != "content-length") {
            continue;
        }
        std::uint64_t number = 0;
        const char* last = value.data() + value.size();
        const auto [end, error] = std::from_chars(value.data(), last, number);
        if (length || error != std::errc{} || end != last) {
            throw BadMessage(400, "bad or repeated Content-Length");
        }
        length = number;
    }
    return length;
}

} // namespace

const std::string* find_header(const Headers& headers, std::string_view name) {
    const auto at = std::find_if(headers.begin(), headers.end(),
                                 [&](const auto& header) { return header.first == name; });
    return at == headers.end() ? nullptr : &at->second;
}

std::optional<std::size_t> find_head(std::string_view bytes, std::size_t& scanned,
                                     std::size_t limit) {
    for (;;) {
        const auto line_end = bytes.find('\n', scanned);
        const bool none = line_end == std::string_view::npos;
        if (none ? bytes.size() > limit : line_end >= limit) {
            throw BadMessage(431, "head longer than " + std::to_string(limit) + " bytes");
        }
        if (none) {
            scanned = bytes.size();
            return std::nullopt;
        }
        if (line_end == 0 || bytes[line_end - 1] != '\r') {
            throw BadMessage(400, "line that does not end with CR LF");
        }
        scanned = line_end + 1;
        if (line_end == 1) {
            throw BadMessage(400, "empty request line");
        }
        if (line_end >= 3 && bytes[line_end - 2] == '\n') {
            return line_end + 1;
        }
    }
}

Head parse_request_head(std::string_view text) {
    beast_http::request_parser<beast_http::empty_body> parser;
    feed(parser, text);
    const auto& message = parser.get();
    Head head;
    head.method = std::string(message.method_string());
    const auto target = message.target();
    head.target = parse_target({target.data(), target.size()});
    head.headers = take_headers(message);
    head.keep_alive = message.keep_alive();
    const auto length = content_length(head.headers);
    head.content_length = length.value_or(0);
    if (find_header(head.headers, "transfer-encoding") != nullptr) {
        throw BadMessage(length ? 400 : 411, "Transfer-Encoding: bodies come with Content-Length");
    }
    if (const auto* expect = find_header(head.headers, "expect")) {
        if (lower(*expect) != "100-continue") {
            throw BadMessage(417, "unknown expectation");
        }
        head.expects_continue = true;
    }
    return head;
}

ResponseHead parse_response_head(std::string_view text) {
    beast_http::response_parser<beast_http::empty_body> parser;
    feed(parser, text);
    const auto& message = parser.get();
    ResponseHead head;
    head.status = static_cast<int>(message.result_int());
    head.headers = take_headers(message);
    head.keep_alive = message.keep_alive();
    head.content_length = content_length(head.headers);
    if (find_header(head.headers, "transfer-encoding") != nullptr) {
        throw BadMessage(502, "answer with Transfer-Encoding");
    }
    return head;
}

} // namespace mshv::http
