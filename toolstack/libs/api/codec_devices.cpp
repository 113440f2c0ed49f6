// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<AttachDiskRequest>() {
    using Request = AttachDiskRequest;
    static constexpr std::array list{
        field<&Request::disk>("disk", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<DetachDiskRequest>() {
    using Request = DetachDiskRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<ResizeDiskRequest>() {
    using Request = ResizeDiskRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::size>("size", Presence::required),
        field<&Request::shrink>("shrink"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<ChangeMediumRequest>() {
    using Request = ChangeMediumRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::path>("path"),
        field<&Request::source>("source"),
        field<&Request::format>("format"),
        field<&Request::force>("force"),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<IoLimitChange>() {
    static constexpr std::array list{
        field<&IoLimitChange::per_second>("per_second"),
        field<&IoLimitChange::max>("max"),
        field<&IoLimitChange::max_length>("max_length"),
    };
    return list;
}

template <>
Fields fields_of<SetDiskLimitsRequest>() {
    using Request = SetDiskLimitsRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::total_bytes>("total_bytes"),
        field<&Request::read_bytes>("read_bytes"),
        field<&Request::write_bytes>("write_bytes"),
        field<&Request::total_iops>("total_iops"),
        field<&Request::read_iops>("read_iops"),
        field<&Request::write_iops>("write_iops"),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<DiskView>() {
    static constexpr std::array list{
        field<&DiskView::disk>("disk", Presence::required),
        field<&DiskView::state>("state", Presence::required),
        field<&DiskView::config>("config"),
    };
    return list;
}

template <>
Fields fields_of<DiskList>() {
    static constexpr std::array list{field<&DiskList::disks>("disks", Presence::required)};
    return list;
}

template <>
Fields fields_of<AttachNicRequest>() {
    using Request = AttachNicRequest;
    static constexpr std::array list{
        field<&Request::interface>("interface", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<DetachNicRequest>() {
    using Request = DetachNicRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<SetLinkRequest>() {
    using Request = SetLinkRequest;
    static constexpr std::array list{
        field<&Request::target>("target", Presence::required),
        field<&Request::up>("up", Presence::required),
        field<&Request::live>("live"),
        field<&Request::config>("config"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<NicView>() {
    static constexpr std::array list{
        field<&NicView::interface>("interface", Presence::required),
        field<&NicView::state>("state", Presence::required),
        field<&NicView::config>("config"),
        field<&NicView::tap>("tap"),
        field<&NicView::received>("received"),
        field<&NicView::sent>("sent"),
    };
    return list;
}

template <>
Fields fields_of<NicList>() {
    static constexpr std::array list{field<&NicList::interfaces>("interfaces", Presence::required)};
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(Disk)
MSHV_DOCUMENT(AttachDiskRequest)
MSHV_DOCUMENT(DetachDiskRequest)
MSHV_DOCUMENT(ResizeDiskRequest)
MSHV_DOCUMENT(ChangeMediumRequest)
MSHV_DOCUMENT(SetDiskLimitsRequest)
MSHV_DOCUMENT(DiskList)
MSHV_DOCUMENT(Nic)
MSHV_DOCUMENT(AttachNicRequest)
MSHV_DOCUMENT(DetachNicRequest)
MSHV_DOCUMENT(SetLinkRequest)
MSHV_DOCUMENT(NicList)

} // namespace mshv::api
