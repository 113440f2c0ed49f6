// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"
#include "toolstack/libs/api/machine_requests.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<SetVcpusRequest>() {
    using Request = SetVcpusRequest;
    static constexpr std::array list{
        field<&Request::count>("count", Presence::required),
        field<&Request::maximum>("maximum"),
        field<&Request::ignore_host>("ignore_host"),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<SleepRequest>() {
    static constexpr std::array list{
        field<&SleepRequest::timeout_ms>("timeout_ms"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(SetVcpusRequest)
MSHV_DOCUMENT(SleepRequest)

} // namespace mshv::api
