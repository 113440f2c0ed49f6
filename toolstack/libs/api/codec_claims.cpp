// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<ClaimView>() {
    static constexpr std::array list{
        field<&ClaimView::id>("id", Presence::required),
        field<&ClaimView::uuid>("uuid", Presence::required),
        field<&ClaimView::name>("name", Presence::required),
        field<&ClaimView::state>("state", Presence::required),
        field<&ClaimView::vcpus>("vcpus", Presence::required),
        field<&ClaimView::cpu_time_ms>("cpu_time_ms", Presence::required),
        field<&ClaimView::memory>("memory", Presence::required),
        field<&ClaimView::overhead>("overhead", Presence::required),
        field<&ClaimView::deposit>("deposit", Presence::required),
        field<&ClaimView::taken>("taken", Presence::required),
        field<&ClaimView::outstanding>("outstanding", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<ClaimList>() {
    static constexpr std::array list{
        field<&ClaimList::admission>("admission", Presence::required),
        field<&ClaimList::total>("total", Presence::required),
        field<&ClaimList::available>("available", Presence::required),
        field<&ClaimList::reserved>("reserved", Presence::required),
        field<&ClaimList::outstanding>("outstanding", Presence::required),
        field<&ClaimList::room>("room", Presence::required),
        field<&ClaimList::claims>("claims", Presence::required),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(ClaimList)

} // namespace mshv::api
