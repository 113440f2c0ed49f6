// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/escape.hpp"

namespace mshv::guestxml {

std::string escaped(std::string_view text, Place place) {
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '\'':
            out += place == Place::attribute ? "&apos;" : "'";
            break;
        default:
            out += c;
        }
    }
    return out;
}

} // namespace mshv::guestxml
