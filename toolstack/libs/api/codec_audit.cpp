// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<AuditRecord>() {
    using Record = AuditRecord;
    static constexpr std::array list{
        field<&Record::time>("time", Presence::required),
        field<&Record::request>("request", Presence::required),
        field<&Record::uid>("uid", Presence::required),
        field<&Record::gid>("gid", Presence::required),
        field<&Record::pid>("pid", Presence::required),
        field<&Record::login_uid>("login_uid"),
        field<&Record::program>("program"),
        field<&Record::method>("method", Presence::required),
        field<&Record::path>("path", Presence::required),
        field<&Record::query>("query"),
        field<&Record::asked>("asked"),
        field<&Record::asked_bytes>("asked_bytes"),
        field<&Record::status>("status", Presence::required),
        field<&Record::took_us>("took_us", Presence::required),
        field<&Record::error>("error"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(AuditRecord)

} // namespace mshv::api
