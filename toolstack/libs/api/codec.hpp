// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/libs/api/revision.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// The JSON of the contract. Encoder and decoder of a struct share one list of its fields
// (codec_fields.hpp), so that neither knows a key that the other does not.
//
// The decoder is strict. Text that is no JSON in UTF-8, is longer than the limit, nests too deeply
// or goes on behind its end is Error{usage}. JSON that is not the document asked for is
// Error{invalid} with one Problem for each fault, `where` being the JSON path
// (/spec/devices/disks/0/bus): an unknown, duplicate or missing key, a wrong type, a number out of
// its field's range, a word that is not in the enum, a NUL in a string.

namespace mshv::api {

struct DecodeOptions {
    /// What the client sets for answers: those of a newer daemon may know more keys.
    bool ignore_unknown = false;
    std::size_t max_bytes = 1024 * 1024;
    std::string_view what = "request"; ///< subject of the error message

    /// For answers of the daemon.
    static DecodeOptions answer() { return {true, 256UL * 1024 * 1024, "answer of the daemon"}; }
};

/// The documents that hold lists.
struct PartitionList {
    std::vector<PartitionView> partitions;
    std::vector<UnmanagedPartition> unmanaged; ///< absent when there is none
};
struct HistoryList {
    std::vector<HistoryEntry> history;
};
struct VcpuList {
    std::vector<VcpuView> vcpus;
};

/// Defined for the documents of openapi.yaml: PartitionSpec, CreateRequest, EmptyRequest,
/// StartRequest, ShutdownRequest, HostShutdownRequest, DestroyRequest, TriggerRequest,
/// RenameRequest, AutostartRequest, StoredDefinition, PartitionView, PartitionList, Event,
/// EventPage, HistoryEntry, HistoryList, VcpuView, VcpuList, VersionInfo, HostView, Revision,
/// RevisionList, SpecChange, ChangeList, PlanRequest, Plan, ReplaceRequest, RollbackRequest,
/// VmmArgumentsRequest, VmmArguments, SaveRequest, RestoreRequest, DumpRequest, JobView, JobList,
/// Disk, AttachDiskRequest, DetachDiskRequest, ResizeDiskRequest, ChangeMediumRequest,
/// SetDiskLimitsRequest, DiskList, Nic, AttachNicRequest, DetachNicRequest, SetLinkRequest,
/// NicList, SetMemoryRequest, MemoryView, PinVcpuRequest, ClaimList, CompareRequest, Comparison;
/// and for SaveManifest and AuditRecord, which stand in files. Any other type does not link.
template <typename T>
T decode(std::string_view json, const DecodeOptions& options = {});

/// Appends the document to `out`. Bytes that are no UTF-8 become U+FFFD.
template <typename T>
void encode(const T& value, std::string& out);

template <typename T>
std::string encode(const T& value) {
    std::string out;
    encode(value, out);
    return out;
}

/// The answer of GET /v1/partitions. Fast: 10,000 rows in a few milliseconds.
std::vector<PartitionView> decode_partition_list(std::string_view json);
/// The same row by row, for who prints and forgets: most of the time of a long list goes into the
/// pages that it fills. `json` is used up. Rows before a fault have been given when this throws.
/// Returns what is not managed.
std::vector<UnmanagedPartition>
decode_partition_rows(std::string json, const std::function<void(const PartitionView&)>& row);

/// {"error":{"code":…,"message":…,"hint":…,"problems":[…],"causes":[…]}}
std::string encode_error(const Error& error);
/// The error that an answer with `http_status` carries; a body that is no error document (a
/// proxy's, a foreign daemon's) gives an Error that says so.
Error decode_error(std::string_view json, int http_status);

} // namespace mshv::api
