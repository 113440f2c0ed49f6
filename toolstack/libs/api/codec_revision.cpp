// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<Revision>() {
    static constexpr std::array list{
        field<&Revision::number>("number", Presence::required),
        field<&Revision::at_ms>("at_ms"),
        field<&Revision::actor>("actor"),
        field<&Revision::cause>("cause", Presence::required),
        field<&Revision::detail>("detail"),
    };
    return list;
}

template <>
Fields fields_of<RevisionList>() {
    static constexpr std::array list{
        field<&RevisionList::current>("current", Presence::required),
        field<&RevisionList::running>("running"),
        field<&RevisionList::revisions>("revisions", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<SpecChange>() {
    static constexpr std::array list{
        field<&SpecChange::path>("path", Presence::required),
        field<&SpecChange::before>("before"),
        field<&SpecChange::after>("after"),
        field<&SpecChange::takes>("takes", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<ChangeList>() {
    static constexpr std::array list{
        field<&ChangeList::from>("from", Presence::required),
        field<&ChangeList::to>("to", Presence::required),
        field<&ChangeList::changes>("changes", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<PlanRequest>() {
    static constexpr std::array list{
        field<&PlanRequest::spec>("spec", Presence::required),
        field<&PlanRequest::xml>("xml"),
    };
    return list;
}

template <>
Fields fields_of<Plan>() {
    static constexpr std::array list{
        field<&Plan::action>("action", Presence::required),
        field<&Plan::name>("name", Presence::required),
        field<&Plan::partition>("partition"),
        field<&Plan::changes>("changes", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<ReplaceRequest>() {
    static constexpr std::array list{
        field<&ReplaceRequest::spec>("spec", Presence::required),
        field<&ReplaceRequest::xml>("xml"),
        field<&ReplaceRequest::revision>("revision"),
        field<&ReplaceRequest::cause>("cause"),
    };
    return list;
}

template <>
Fields fields_of<RollbackRequest>() {
    static constexpr std::array list{
        field<&RollbackRequest::to>("to", Presence::required),
        field<&RollbackRequest::revision>("revision"),
    };
    return list;
}

template <>
Fields fields_of<VmmArgumentsRequest>() {
    static constexpr std::array list{field<&VmmArgumentsRequest::spec>("spec", Presence::required)};
    return list;
}

template <>
Fields fields_of<VmmArguments>() {
    using Arguments = VmmArguments;
    static constexpr std::array list{
        field<&Arguments::program>("program", Presence::required),
        field<&Arguments::argv>("argv", Presence::required),
        field<&Arguments::accelerator>("accelerator"),
        field<&Arguments::accelerator_reason>("accelerator_reason"),
        field<&Arguments::vmm>("vmm"),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(Revision)
MSHV_DOCUMENT(RevisionList)
MSHV_DOCUMENT(SpecChange)
MSHV_DOCUMENT(ChangeList)
MSHV_DOCUMENT(PlanRequest)
MSHV_DOCUMENT(Plan)
MSHV_DOCUMENT(ReplaceRequest)
MSHV_DOCUMENT(RollbackRequest)
MSHV_DOCUMENT(VmmArgumentsRequest)
MSHV_DOCUMENT(VmmArguments)

} // namespace mshv::api
