// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/guest.hpp"

#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

// Named before any use of their descriptions.
template <>
Fields fields_of<GuestUser>();
template <>
Fields fields_of<GuestFilesystem>();
template <>
Fields fields_of<GuestInfo>();
template <>
Fields fields_of<GuestAddress>();
template <>
Fields fields_of<GuestInterface>();
template <>
Fields fields_of<GuestAddresses>();
template <>
Fields fields_of<GuestPing>();
template <>
Fields fields_of<GuestExecRequest>();
template <>
Fields fields_of<GuestExecStarted>();
template <>
Fields fields_of<GuestExecStatusRequest>();
template <>
Fields fields_of<GuestExecStatus>();
template <>
Fields fields_of<GuestFreezeRequest>();
template <>
Fields fields_of<GuestFreeze>();
template <>
Fields fields_of<GuestTime>();

template <>
Fields fields_of<GuestUser>() {
    static constexpr std::array list{
        field<&GuestUser::name>("name", Presence::required),
        field<&GuestUser::domain>("domain"),
        field<&GuestUser::login_ms>("login_ms"),
    };
    return list;
}

template <>
Fields fields_of<GuestFilesystem>() {
    static constexpr std::array list{
        field<&GuestFilesystem::mountpoint>("mountpoint", Presence::required),
        field<&GuestFilesystem::device>("device"),
        field<&GuestFilesystem::type>("type"),
        field<&GuestFilesystem::used>("used"),
        field<&GuestFilesystem::total>("total"),
    };
    return list;
}

template <>
Fields fields_of<GuestInfo>() {
    static constexpr std::array list{
        field<&GuestInfo::hostname>("hostname"),
        field<&GuestInfo::os>("os"),
        field<&GuestInfo::kernel>("kernel"),
        field<&GuestInfo::machine>("machine"),
        field<&GuestInfo::timezone>("timezone"),
        field<&GuestInfo::timezone_offset_s>("timezone_offset_s"),
        field<&GuestInfo::agent>("agent"),
        field<&GuestInfo::commands>("commands"),
        field<&GuestInfo::users>("users"),
        field<&GuestInfo::filesystems>("filesystems"),
    };
    return list;
}

template <>
Fields fields_of<GuestAddress>() {
    static constexpr std::array list{
        field<&GuestAddress::address>("address", Presence::required),
        field<&GuestAddress::prefix>("prefix"),
    };
    return list;
}

template <>
Fields fields_of<GuestInterface>() {
    static constexpr std::array list{
        field<&GuestInterface::name>("name"),
        field<&GuestInterface::mac>("mac"),
        field<&GuestInterface::alias>("alias"),
        field<&GuestInterface::source>("source", Presence::required),
        field<&GuestInterface::addresses>("addresses"),
    };
    return list;
}

template <>
Fields fields_of<GuestAddresses>() {
    static constexpr std::array list{
        field<&GuestAddresses::interfaces>("interfaces", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<GuestPing>() {
    static constexpr std::array list{
        field<&GuestPing::took_ms>("took_ms", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<GuestExecRequest>() {
    static constexpr std::array list{
        field<&GuestExecRequest::program>("program", Presence::required),
        field<&GuestExecRequest::arguments>("arguments"),
        field<&GuestExecRequest::environment>("environment"),
        field<&GuestExecRequest::input_base64>("input_base64"),
    };
    return list;
}

template <>
Fields fields_of<GuestExecStarted>() {
    static constexpr std::array list{
        field<&GuestExecStarted::pid>("pid", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<GuestExecStatusRequest>() {
    static constexpr std::array list{
        field<&GuestExecStatusRequest::pid>("pid", Presence::required),
        field<&GuestExecStatusRequest::wait_ms>("wait_ms"),
    };
    return list;
}

template <>
Fields fields_of<GuestExecStatus>() {
    static constexpr std::array list{
        field<&GuestExecStatus::exited>("exited", Presence::required),
        field<&GuestExecStatus::exit_code>("exit_code"),
        field<&GuestExecStatus::signal>("signal"),
        field<&GuestExecStatus::out_base64>("out_base64"),
        field<&GuestExecStatus::err_base64>("err_base64"),
        field<&GuestExecStatus::out_truncated>("out_truncated"),
        field<&GuestExecStatus::err_truncated>("err_truncated"),
    };
    return list;
}

template <>
Fields fields_of<GuestFreezeRequest>() {
    static constexpr std::array list{
        field<&GuestFreezeRequest::thaw_after_s>("thaw_after_s"),
    };
    return list;
}

template <>
Fields fields_of<GuestFreeze>() {
    static constexpr std::array list{
        field<&GuestFreeze::frozen>("frozen", Presence::required),
        field<&GuestFreeze::filesystems>("filesystems"),
        field<&GuestFreeze::thaw_in_ms>("thaw_in_ms"),
    };
    return list;
}

template <>
Fields fields_of<GuestTime>() {
    static constexpr std::array list{
        field<&GuestTime::before_ms>("before_ms", Presence::required),
        field<&GuestTime::after_ms>("after_ms", Presence::required),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(GuestInfo)
MSHV_DOCUMENT(GuestAddresses)
MSHV_DOCUMENT(GuestPing)
MSHV_DOCUMENT(GuestExecRequest)
MSHV_DOCUMENT(GuestExecStarted)
MSHV_DOCUMENT(GuestExecStatusRequest)
MSHV_DOCUMENT(GuestExecStatus)
MSHV_DOCUMENT(GuestFreezeRequest)
MSHV_DOCUMENT(GuestFreeze)
MSHV_DOCUMENT(GuestTime)

} // namespace mshv::api
