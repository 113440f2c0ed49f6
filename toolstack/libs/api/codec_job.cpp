// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_codec.hpp"

namespace mshv::api::json {

template <>
Fields fields_of<SaveRequest>() {
    static constexpr std::array list{
        field<&SaveRequest::path>("path"),
        field<&SaveRequest::then>("then"),
    };
    return list;
}

template <>
Fields fields_of<RestoreRequest>() {
    using Request = RestoreRequest;
    static constexpr std::array list{
        field<&Request::path>("path", Presence::required),
        field<&Request::paused>("paused"),
        field<&Request::force>("force"),
        field<&Request::timeout_ms>("timeout_ms"),
    };
    return list;
}

template <>
Fields fields_of<DumpRequest>() {
    static constexpr std::array list{
        field<&DumpRequest::path>("path", Presence::required),
        field<&DumpRequest::format>("format"),
    };
    return list;
}

template <>
Fields fields_of<JobView>() {
    static constexpr std::array list{
        field<&JobView::id>("id", Presence::required),
        field<&JobView::kind>("kind", Presence::required),
        field<&JobView::state>("state", Presence::required),
        field<&JobView::phase>("phase", Presence::required),
        field<&JobView::name>("name", Presence::required),
        field<&JobView::uuid>("uuid", Presence::required),
        field<&JobView::path>("path"),
        field<&JobView::managed>("managed"),
        field<&JobView::actor>("actor"),
        field<&JobView::started_ms>("started_ms"),
        field<&JobView::ended_ms>("ended_ms"),
        field<&JobView::done>("done"),
        field<&JobView::total>("total"),
        field<&JobView::cancelling>("cancelling"),
        field<&JobView::error>("error"),
        field<&JobView::message>("message"),
        field<&JobView::hint>("hint"),
    };
    return list;
}

template <>
Fields fields_of<JobList>() {
    static constexpr std::array list{field<&JobList::jobs>("jobs", Presence::required)};
    return list;
}

template <>
Fields fields_of<SavedFile>() {
    static constexpr std::array list{
        field<&SavedFile::path>("path", Presence::required),
        field<&SavedFile::writable>("writable"),
        field<&SavedFile::block_device>("block_device"),
        field<&SavedFile::inode>("inode"),
        field<&SavedFile::size>("size"),
        field<&SavedFile::mtime_ns>("mtime_ns"),
    };
    return list;
}

template <>
Fields fields_of<DevicePlace>() {
    static constexpr std::array list{
        field<&DevicePlace::alias>("alias", Presence::required),
        field<&DevicePlace::bus>("bus", Presence::required),
    };
    return list;
}

template <>
Fields fields_of<SaveManifest>() {
    using Manifest = SaveManifest;
    static constexpr std::array list{
        field<&Manifest::spec>("spec", Presence::required),
        field<&Manifest::started>("started"),
        field<&Manifest::places>("places"),
        field<&Manifest::saved_ms>("saved_ms"),
        field<&Manifest::saved_by>("saved_by"),
        field<&Manifest::token>("token"),
        field<&Manifest::vmm>("vmm", Presence::required),
        field<&Manifest::machine>("machine", Presence::required),
        field<&Manifest::accelerator>("accelerator", Presence::required),
        field<&Manifest::cpu_flags>("cpu_flags"),
        field<&Manifest::hardware>("hardware"),
        field<&Manifest::files>("files"),
        field<&Manifest::stream_size>("stream_size", Presence::required),
        field<&Manifest::stream_sha256>("stream_sha256", Presence::required),
    };
    return list;
}

} // namespace mshv::api::json

namespace mshv::api {

MSHV_DOCUMENT(SaveRequest)
MSHV_DOCUMENT(RestoreRequest)
MSHV_DOCUMENT(DumpRequest)
MSHV_DOCUMENT(JobView)
MSHV_DOCUMENT(JobList)
MSHV_DOCUMENT(SaveManifest)

} // namespace mshv::api
