// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<SetMemoryRequest>() {
    using Request = SetMemoryRequest;
    static constexpr std::array list{
        field<&Request::size>("size", Presence::required),
        field<&Request::maximum>("maximum"),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<PinVcpuRequest>() {
    using Request = PinVcpuRequest;
    static constexpr std::array list{
        field<&Request::vcpu>("vcpu"),
        field<&Request::cpus>("cpus", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<MemoryView>() {
    static constexpr std::array list{
        field<&MemoryView::maximum>("maximum", Presence::required),
        field<&MemoryView::target>("target", Presence::required),
        field<&MemoryView::reached>("reached"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(SetMemoryRequest)
MSHV_DOCUMENT(PinVcpuRequest)
MSHV_DOCUMENT(MemoryView)

} // namespace mshv::api
