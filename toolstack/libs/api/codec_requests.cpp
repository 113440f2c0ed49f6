// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<CreateRequest>() {
    using Request = CreateRequest;
    static constexpr std::array list{
        field<&Request::spec>("spec", Presence::required),
        field<&Request::mode>("mode"),
        field<&Request::xml>("xml"),
        field<&Request::paused>("paused"),
        field<&Request::replace>("replace"),
        field<&Request::owner>("owner"),
        field<&Request::cause>("cause"),
        field<&Request::recreates>("recreates"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<EmptyRequest>() {
    return {};
}

template <>
Fields fields_of<StartRequest>() {
    static constexpr std::array list{
        field<&StartRequest::paused>("paused"),
        field<&StartRequest::force>("force"),
        field<&StartRequest::discard_saved>("discard_saved"),
        field<&StartRequest::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<ShutdownRequest>() {
    static constexpr std::array list{
        field<&ShutdownRequest::methods>("methods"),
        field<&ShutdownRequest::timeout_s>("timeout_s"),
        field<&ShutdownRequest::escalate>("escalate"),
    };
    return list;
}

template <>
Fields fields_of<DestroyRequest>() {
    static constexpr std::array list{
        field<&DestroyRequest::grace_ms>("grace_ms"),
        field<&DestroyRequest::timeout_ms>("timeout_ms"),
        field<&DestroyRequest::override_protection>("override_protection"),
    };
    return list;
}

template <>
Fields fields_of<HostShutdownRequest>() {
    static constexpr std::array list{
        field<&HostShutdownRequest::outcome>("outcome", Presence::required),
        field<&HostShutdownRequest::detail>("detail"),
    };
    return list;
}

template <>
Fields fields_of<TriggerRequest>() {
    static constexpr std::array list{
        field<&TriggerRequest::trigger>("trigger", Presence::required)};
    return list;
}

template <>
Fields fields_of<RenameRequest>() {
    static constexpr std::array list{field<&RenameRequest::name>("name", Presence::required)};
    return list;
}

template <>
Fields fields_of<AutostartRequest>() {
    static constexpr std::array list{
        field<&AutostartRequest::enabled>("enabled", Presence::required),
        field<&AutostartRequest::order>("order"),
        field<&AutostartRequest::delay_s>("delay_s"),
    };
    return list;
}

template <>
Fields fields_of<StoredDefinition>() {
    static constexpr std::array list{
        field<&StoredDefinition::spec>("spec", Presence::required),
        field<&StoredDefinition::xml>("xml"),
        field<&StoredDefinition::revision>("revision"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(CreateRequest)
MSHV_DOCUMENT(EmptyRequest)
MSHV_DOCUMENT(StartRequest)
MSHV_DOCUMENT(ShutdownRequest)
MSHV_DOCUMENT(DestroyRequest)
MSHV_DOCUMENT(HostShutdownRequest)
MSHV_DOCUMENT(TriggerRequest)
MSHV_DOCUMENT(RenameRequest)
MSHV_DOCUMENT(AutostartRequest)
MSHV_DOCUMENT(StoredDefinition)

} // namespace mshv::api
