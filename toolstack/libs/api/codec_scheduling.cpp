// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"
#include "toolstack/libs/api/scheduling.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<SetSchedulingRequest>();
template <>
Fields fields_of<ThrottledView>();
template <>
Fields fields_of<SchedulingView>();
template <>
Fields fields_of<SchedulingList>();
template <>
Fields fields_of<CpuPoolView>();
template <>
Fields fields_of<CpuPoolList>();
template <>
Fields fields_of<CreateCpuPoolRequest>();
template <>
Fields fields_of<RenameCpuPoolRequest>();
template <>
Fields fields_of<CpuPoolCpusRequest>();

template <>
Fields fields_of<SetSchedulingRequest>() {
    using Request = SetSchedulingRequest;
    static constexpr std::array list{
        field<&Request::weight>("weight"), field<&Request::cap>("cap"),
        field<&Request::pool>("pool"),     field<&Request::live>("live"),
        field<&Request::config>("config"), field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<ThrottledView>() {
    static constexpr std::array list{
        field<&ThrottledView::periods>("periods", Presence::required),
        field<&ThrottledView::throttled>("throttled", Presence::required),
        field<&ThrottledView::throttled_us>("throttled_us", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<SchedulingView>() {
    using View = SchedulingView;
    static constexpr std::array list{
        field<&View::name>("name", Presence::required),
        field<&View::id>("id", Presence::required),
        field<&View::uuid>("uuid", Presence::required),
        field<&View::state>("state", Presence::required),
        field<&View::weight>("weight", Presence::required),
        field<&View::cap>("cap"),
        field<&View::pool>("pool", Presence::required),
        field<&View::throttled>("throttled"),
    };
    return list;
}

template <>
Fields fields_of<SchedulingList>() {
    static constexpr std::array list{
        field<&SchedulingList::partitions>("partitions", Presence::required)};
    return list;
}

template <>
Fields fields_of<CpuPoolView>() {
    static constexpr std::array list{
        field<&CpuPoolView::name>("name", Presence::required),
        field<&CpuPoolView::cpus>("cpus", Presence::required),
        field<&CpuPoolView::partitions>("partitions", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<CpuPoolList>() {
    static constexpr std::array list{
        field<&CpuPoolList::pools>("pools", Presence::required),
        field<&CpuPoolList::unavailable>("unavailable"),
    };
    return list;
}

template <>
Fields fields_of<CreateCpuPoolRequest>() {
    static constexpr std::array list{
        field<&CreateCpuPoolRequest::name>("name", Presence::required),
        field<&CreateCpuPoolRequest::cpus>("cpus"),
    };
    return list;
}

template <>
Fields fields_of<RenameCpuPoolRequest>() {
    static constexpr std::array list{
        field<&RenameCpuPoolRequest::name>("name", Presence::required)};
    return list;
}

template <>
Fields fields_of<CpuPoolCpusRequest>() {
    static constexpr std::array list{field<&CpuPoolCpusRequest::cpus>("cpus", Presence::required)};
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(SetSchedulingRequest)
MSHV_DOCUMENT(SchedulingView)
MSHV_DOCUMENT(SchedulingList)
MSHV_DOCUMENT(CpuPoolView)
MSHV_DOCUMENT(CpuPoolList)
MSHV_DOCUMENT(CreateCpuPoolRequest)
MSHV_DOCUMENT(RenameCpuPoolRequest)
MSHV_DOCUMENT(CpuPoolCpusRequest)

} // namespace mshv::api
