// SPDX-License-Identifier: Apache-2.0
//
// Prints what the programs really take and give, for check_openapi.py: each route with its role,
// each struct of the contract with its fields.

#include "daemon/rest/routes.hpp"
#include "toolstack/libs/api/guest.hpp"
#include "toolstack/libs/api/json_codec.hpp"

#include <cstdio>
#include <string>

namespace {

using namespace mshv;
using api::json::Field;
using api::json::Fields;
using api::json::Kind;

struct Described {
    const char* name;
    Fields (*fields)();
};

template <typename T>
constexpr Described described(const char* name) {
    return {name, api::json::fields_of<T>};
}

constexpr Described structs[] = {
    described<api::HugePages>("HugePages"),
    described<api::Memory>("Memory"),
    described<api::CpuTopology>("CpuTopology"),
    described<api::CpuFeature>("CpuFeature"),
    described<api::CpuPin>("CpuPin"),
    described<api::CpuCap>("CpuCap"),
    described<api::Cpu>("Cpu"),
    described<api::Boot>("Boot"),
    described<api::SmbiosEntry>("SmbiosEntry"),
    described<api::Disk::Backing>("Backing"),
    described<api::IoLimit>("IoLimit"),
    described<api::IoTune>("IoTune"),
    described<api::Disk>("Disk"),
    described<api::NicRate>("NicRate"),
    described<api::Nic>("Nic"),
    described<api::Console>("Console"),
    described<api::VncGraphics>("VncGraphics"),
    described<api::Watchdog>("Watchdog"),
    described<api::SeedDocument>("SeedDocument"),
    described<api::CloudInit>("CloudInit"),
    described<api::Devices>("Devices"),
    described<api::Vmm>("Vmm"),
    described<api::AutostartAfter>("AutostartAfter"),
    described<api::Autostart>("Autostart"),
    described<api::ShutdownPolicy>("ShutdownPolicy"),
    described<api::HostShutdown>("HostShutdown"),
    described<api::RestartPolicy>("RestartPolicy"),
    described<api::MemoryReserve>("MemoryReserve"),
    described<api::PartitionSpec>("PartitionSpec"),
    described<api::OperationView>("OperationView"),
    described<api::HypervisorView>("HypervisorView"),
    described<api::HypervisorVpView>("HypervisorVpView"),
    described<api::RuntimeView>("RuntimeView"),
    described<api::UnmanagedPartition>("UnmanagedPartition"),
    described<api::LastExit>("LastExit"),
    described<api::PartitionView>("PartitionView"),
    described<api::PartitionList>("PartitionList"),
    described<api::Event>("Event"),
    described<api::EventPage>("EventPage"),
    described<api::HistoryEntry>("HistoryEntry"),
    described<api::HistoryList>("HistoryList"),
    described<api::VcpuView>("VcpuView"),
    described<api::VcpuList>("VcpuList"),
    described<api::VersionInfo>("VersionInfo"),
    described<api::HostFact>("HostFact"),
    described<api::HostView>("HostView"),
    described<api::CreateRequest>("CreateRequest"),
    described<api::EmptyRequest>("EmptyRequest"),
    described<api::StartRequest>("StartRequest"),
    described<api::ShutdownRequest>("ShutdownRequest"),
    described<api::DestroyRequest>("DestroyRequest"),
    described<api::HostShutdownRequest>("HostShutdownRequest"),
    described<api::TriggerRequest>("TriggerRequest"),
    described<api::RenameRequest>("RenameRequest"),
    described<api::AutostartRequest>("AutostartRequest"),
    described<api::StoredDefinition>("StoredDefinition"),
    described<api::Revision>("Revision"),
    described<api::RevisionList>("RevisionList"),
    described<api::SpecChange>("SpecChange"),
    described<api::ChangeList>("ChangeList"),
    described<api::PlanRequest>("PlanRequest"),
    described<api::Plan>("Plan"),
    described<api::ReplaceRequest>("ReplaceRequest"),
    described<api::RollbackRequest>("RollbackRequest"),
    described<api::VmmArgumentsRequest>("VmmArgumentsRequest"),
    described<api::VmmArguments>("VmmArguments"),
    described<api::GuestUser>("GuestUser"),
    described<api::GuestFilesystem>("GuestFilesystem"),
    described<api::GuestInfo>("GuestInfo"),
    described<api::GuestAddress>("GuestAddress"),
    described<api::GuestInterface>("GuestInterface"),
    described<api::GuestAddresses>("GuestAddresses"),
    described<api::GuestPing>("GuestPing"),
    described<api::GuestExecRequest>("GuestExecRequest"),
    described<api::GuestExecStarted>("GuestExecStarted"),
    described<api::GuestExecStatusRequest>("GuestExecStatusRequest"),
    described<api::GuestExecStatus>("GuestExecStatus"),
    described<api::GuestFreezeRequest>("GuestFreezeRequest"),
    described<api::GuestFreeze>("GuestFreeze"),
    described<api::GuestTime>("GuestTime"),
    described<api::SaveRequest>("SaveRequest"),
    described<api::RestoreRequest>("RestoreRequest"),
    described<api::DumpRequest>("DumpRequest"),
    described<api::JobView>("JobView"),
    described<api::JobList>("JobList"),
    described<api::AttachDiskRequest>("AttachDiskRequest"),
    described<api::DetachDiskRequest>("DetachDiskRequest"),
    described<api::ResizeDiskRequest>("ResizeDiskRequest"),
    described<api::ChangeMediumRequest>("ChangeMediumRequest"),
    described<api::IoLimitChange>("IoLimitChange"),
    described<api::SetDiskLimitsRequest>("SetDiskLimitsRequest"),
    described<api::DiskView>("DiskView"),
    described<api::DiskList>("DiskList"),
    described<api::SetMemoryRequest>("SetMemoryRequest"),
    described<api::MemoryView>("MemoryView"),
    described<api::SetSchedulingRequest>("SetSchedulingRequest"),
    described<api::ThrottledView>("ThrottledView"),
    described<api::SchedulingView>("SchedulingView"),
    described<api::SchedulingList>("SchedulingList"),
    described<api::CpuPoolView>("CpuPoolView"),
    described<api::CpuPoolList>("CpuPoolList"),
    described<api::CreateCpuPoolRequest>("CreateCpuPoolRequest"),
    described<api::RenameCpuPoolRequest>("RenameCpuPoolRequest"),
    described<api::CpuPoolCpusRequest>("CpuPoolCpusRequest"),
    described<api::ClaimView>("ClaimView"),
    described<api::ClaimList>("ClaimList"),
    described<api::CompareRequest>("CompareRequest"),
    described<api::Obstacle>("Obstacle"),
    described<api::Comparison>("Comparison"),
    described<api::PinVcpuRequest>("PinVcpuRequest"),
    described<api::AttachNicRequest>("AttachNicRequest"),
    described<api::DetachNicRequest>("DetachNicRequest"),
    described<api::SetLinkRequest>("SetLinkRequest"),
    described<api::NicView>("NicView"),
    described<api::NicList>("NicList"),
};

std::string schema_of(const Kind& kind) {
    const auto quoted = [](std::string_view text) { return "\"" + std::string(text) + "\""; };
    switch (kind.shape) {
    case Kind::Shape::array:
        return "[" + schema_of(*kind.element) + "]";
    case Kind::Shape::map:
        return R"("map")";
    case Kind::Shape::object:
        for (const auto& one : structs) {
            if (one.fields == kind.fields) {
                return quoted(one.name);
            }
        }
        return R"("?")";
    case Kind::Shape::scalar:
        break;
    }
    if (kind.words == nullptr) {
        return quoted(kind.wanted);
    }
    std::string words;
    for (const auto word : kind.words()) {
        words += (words.empty() ? "" : ",") + quoted(word);
    }
    return R"({"enum":[)" + words + "]}";
}

void print_struct(const Described& one, bool last) {
    std::printf("  \"%s\": {\n", one.name);
    const Fields fields = one.fields();
    for (const Field& field : fields) {
        std::printf("   \"%s\": {\"kind\": %s, \"required\": %s}%s\n",
                    std::string(field.name).c_str(), schema_of(*field.kind).c_str(),
                    field.presence == api::json::Presence::required ? "true" : "false",
                    &field == &fields.back() ? "" : ",");
    }
    std::printf("  }%s\n", last ? "" : ",");
}

} // namespace

int main() {
    std::printf("{\n \"routes\": [\n");
    for (const auto& route : rest::routes()) {
        std::printf("  {\"method\": \"%s\", \"path\": \"%s\", \"role\": \"%s\", \"body\": %zu}%s\n",
                    std::string(route.method).c_str(), std::string(route.pattern).c_str(),
                    std::string(rest::role_name(route.role)).c_str(), route.body_limit,
                    &route == &rest::routes().back() ? "" : ",");
    }
    std::printf(" ],\n \"structs\": {\n");
    for (const auto& one : structs) {
        print_struct(one, &one == &structs[std::size(structs) - 1]);
    }
    std::printf(" }\n}\n");
    return 0;
}
