// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/message.hpp"

namespace mshv::http {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const int letter = c | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                throw BadMessage(400, "bad % escape in the target");
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            throw BadMessage(400, "control character in the target");
        }
        decoded += c;
    }
    return decoded;
}

void parse_query(std::string_view text, std::map<std::string, std::string>& query) {
    while (!text.empty()) {
        const auto ampersand = text.find('&');
        const std::string_view pair = text.substr(0, ampersand);
        text = ampersand == std::string_view::npos ? "" : text.substr(ampersand + 1);
        const auto equals = pair.find('=');
        std::string key = percent_decode(pair.substr(0, equals));
        std::string value =
            equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1));
        if (key.empty()) {
            throw BadMessage(400, "nameless key in the query");
        }
        if (!query.try_emplace(std::move(key), std::move(value)).second) {
            throw BadMessage(400, "repeated key in the query");
        }
    }
}

} // namespace

Target parse_target(std::string_view text) {
    Target target;
    if (text.empty() || text.front() != '/' || text.find('#') != std::string_view::npos) {
        throw BadMessage(400, "the target is not an absolute path");
    }
    const auto question = text.find('?');
    std::string_view path =
        text.substr(1, question == std::string_view::npos ? question : question - 1);
    while (true) {
        const auto slash = path.find('/');
        std::string segment = percent_decode(path.substr(0, slash));
        if (segment.empty() || segment == "." || segment == "..") {
            throw BadMessage(400, "empty, '.' or '..' segment in the path");
        }
        target.segments.push_back(std::move(segment));
        if (slash == std::string_view::npos) {
            break;
        }
        path.remove_prefix(slash + 1);
    }
    if (question != std::string_view::npos) {
        parse_query(text.substr(question + 1), target.query);
    }
    return target;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
        // A segment of dots alone would be taken for a relative path.
        if (plain && (c != '.' || text.find_first_not_of('.') != std::string_view::npos)) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += {'%', digits[byte >> 4U], digits[byte & 0xfU]};
    }
    return encoded;
}

std::string_view status_text(int status) {
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 204:
        return "No Content";
    case 207:
        return "Multi-Status";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 411:
        return "Length Required";
    case 413:
        return "Payload Too Large";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Entity";
    case 423:
        return "Locked";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 507:
        return "Insufficient Storage";
    default:
        return "Unknown";
    }
}

} // namespace mshv::http
