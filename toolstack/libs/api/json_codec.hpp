// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/audit.hpp"
#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/comparison.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/json_table.hpp"
#include "toolstack/libs/api/settings_requests.hpp"

#include <string>
#include <string_view>

// Internal to libs/api: reader and writer over the tables of fields.

namespace mshv::api::json {

/// Reads `text` into `object`, which is of type `kind`. Throws Error.
void read(std::string_view text, const DecodeOptions& options, const Kind& kind, void* object);

/// The same without a copy of the text, which is written to.
void read_in_place(std::string& text, const DecodeOptions& options, const Kind& kind, void* object);

/// Appends `object` to `out`.
void write(const void* object, const Kind& kind, std::string& out);

// Every described struct is named here, so that no use of its description comes before it.
#define MSHV_DESCRIBED(T)                                                                          \
    template <>                                                                                    \
    Fields fields_of<T>()

MSHV_DESCRIBED(HugePages);
MSHV_DESCRIBED(Memory);
MSHV_DESCRIBED(CpuTopology);
MSHV_DESCRIBED(CpuFeature);
MSHV_DESCRIBED(CpuPin);
MSHV_DESCRIBED(CpuCap);
MSHV_DESCRIBED(Cpu);
MSHV_DESCRIBED(Boot);
MSHV_DESCRIBED(SmbiosEntry);
MSHV_DESCRIBED(Disk::Backing);
MSHV_DESCRIBED(IoLimit);
MSHV_DESCRIBED(IoTune);
MSHV_DESCRIBED(Disk);
MSHV_DESCRIBED(NicRate);
MSHV_DESCRIBED(Nic);
MSHV_DESCRIBED(Console);
MSHV_DESCRIBED(VncGraphics);
MSHV_DESCRIBED(Watchdog);
MSHV_DESCRIBED(SeedDocument);
MSHV_DESCRIBED(CloudInit);
MSHV_DESCRIBED(Devices);
MSHV_DESCRIBED(Vmm);
MSHV_DESCRIBED(AutostartAfter);
MSHV_DESCRIBED(Autostart);
MSHV_DESCRIBED(ShutdownPolicy);
MSHV_DESCRIBED(HostShutdown);
MSHV_DESCRIBED(RestartPolicy);
MSHV_DESCRIBED(MemoryReserve);
MSHV_DESCRIBED(PartitionSpec);

MSHV_DESCRIBED(OperationView);
MSHV_DESCRIBED(HypervisorView);
MSHV_DESCRIBED(HypervisorVpView);
MSHV_DESCRIBED(RuntimeView);
MSHV_DESCRIBED(UnmanagedPartition);
MSHV_DESCRIBED(LastExit);
MSHV_DESCRIBED(PartitionView);
MSHV_DESCRIBED(PartitionList);
MSHV_DESCRIBED(Event);
MSHV_DESCRIBED(EventPage);
MSHV_DESCRIBED(HistoryEntry);
MSHV_DESCRIBED(HistoryList);
MSHV_DESCRIBED(VcpuView);
MSHV_DESCRIBED(VcpuList);
MSHV_DESCRIBED(AttachDiskRequest);
MSHV_DESCRIBED(DetachDiskRequest);
MSHV_DESCRIBED(ResizeDiskRequest);
MSHV_DESCRIBED(ChangeMediumRequest);
MSHV_DESCRIBED(IoLimitChange);
MSHV_DESCRIBED(SetDiskLimitsRequest);
MSHV_DESCRIBED(AttachNicRequest);
MSHV_DESCRIBED(DetachNicRequest);
MSHV_DESCRIBED(SetLinkRequest);
MSHV_DESCRIBED(NicView);
MSHV_DESCRIBED(NicList);
MSHV_DESCRIBED(DiskView);
MSHV_DESCRIBED(DiskList);
MSHV_DESCRIBED(SetMemoryRequest);
MSHV_DESCRIBED(PinVcpuRequest);
MSHV_DESCRIBED(MemoryView);
MSHV_DESCRIBED(ClaimView);
MSHV_DESCRIBED(ClaimList);
MSHV_DESCRIBED(Obstacle);
MSHV_DESCRIBED(Comparison);
MSHV_DESCRIBED(CompareRequest);
MSHV_DESCRIBED(VersionInfo);
MSHV_DESCRIBED(HostFact);
MSHV_DESCRIBED(HostView);

MSHV_DESCRIBED(CreateRequest);
MSHV_DESCRIBED(EmptyRequest);
MSHV_DESCRIBED(StartRequest);
MSHV_DESCRIBED(ShutdownRequest);
MSHV_DESCRIBED(DestroyRequest);
MSHV_DESCRIBED(HostShutdownRequest);
MSHV_DESCRIBED(TriggerRequest);
MSHV_DESCRIBED(RenameRequest);
MSHV_DESCRIBED(AutostartRequest);
MSHV_DESCRIBED(StoredDefinition);

MSHV_DESCRIBED(Revision);
MSHV_DESCRIBED(RevisionList);
MSHV_DESCRIBED(SpecChange);
MSHV_DESCRIBED(ChangeList);
MSHV_DESCRIBED(PlanRequest);
MSHV_DESCRIBED(Plan);
MSHV_DESCRIBED(ReplaceRequest);
MSHV_DESCRIBED(RollbackRequest);
MSHV_DESCRIBED(VmmArgumentsRequest);
MSHV_DESCRIBED(VmmArguments);

MSHV_DESCRIBED(SaveRequest);
MSHV_DESCRIBED(RestoreRequest);
MSHV_DESCRIBED(DumpRequest);
MSHV_DESCRIBED(JobView);
MSHV_DESCRIBED(JobList);
MSHV_DESCRIBED(SavedFile);
MSHV_DESCRIBED(DevicePlace);
MSHV_DESCRIBED(SaveManifest);

MSHV_DESCRIBED(AuditRecord);

#undef MSHV_DESCRIBED

} // namespace mshv::api::json

/// Defines decode and encode of a document; stands in namespace mshv::api behind its fields.
#define MSHV_DOCUMENT(T)                                                                           \
    template <>                                                                                    \
    T decode<T>(std::string_view text, const DecodeOptions& options) {                             \
        T value;                                                                                   \
        json::read(text, options, json::kind_of<T>, &value);                                       \
        return value;                                                                              \
    }                                                                                              \
    template <>                                                                                    \
    void encode<T>(const T& value, std::string& out) {                                             \
        json::write(&value, json::kind_of<T>, out);                                                \
    }
