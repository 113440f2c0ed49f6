// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<CompareRequest>() {
    static constexpr std::array list{
        field<&CompareRequest::path>("path", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<Obstacle>() {
    static constexpr std::array list{
        field<&Obstacle::code>("code", Presence::required),
        field<&Obstacle::message>("message", Presence::required),
        field<&Obstacle::hint>("hint"),
    };
    return list;
}

template <>
Fields fields_of<Comparison>() {
    static constexpr std::array list{
        field<&Comparison::path>("path", Presence::required),
        field<&Comparison::name>("name"),
        field<&Comparison::uuid>("uuid"),
        field<&Comparison::vmm>("vmm"),
        field<&Comparison::saved_ms>("saved_ms"),
        field<&Comparison::obstacles>("obstacles", Presence::always),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(CompareRequest)
MSHV_DOCUMENT(Comparison)

} // namespace mshv::api
