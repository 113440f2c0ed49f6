// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/planner.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

/// What a keeper starts each generation of its VMM with.
struct MakeUp {
    std::vector<std::string> argv;
    std::vector<std::string> setup;
    std::vector<int> targets; ///< descriptors, by their numbers in the VMM
    std::int64_t generation = 0;
    /// The first number for a new fd set: a device that is leaving may have others in the present
    /// VMM.
    int next_set = 1;
};

/// A descriptor that the VMM gets by its monitor, into an fd set.
struct AddedFile {
    domain::FilePlan file;
    int set = 0;
};

/// A tap whose descriptor the present VMM gets by its monitor, under a name.
struct AddedTap {
    domain::TapPlan tap;
    std::string name;
};

/// A device that comes: what is added to the make-up, and what the present VMM is told.
struct Addition {
    std::vector<std::string> argv;
    std::vector<std::string> setup;
    std::vector<AddedFile> files;
    std::vector<AddedTap> taps;
    std::vector<std::string> commands; ///< after each file and tap has been sent
};

/// The options of `now` that a disk stands for. Pure. Throws api::Error: no free port, a machine
/// that takes no device while it runs, a bus that does not, an alias that is taken.
/// `bus`: the port that it must have; empty = the first that is free.
Addition add_disk(const MakeUp& now, const api::PartitionSpec& spec, const api::Disk& disk,
                  const std::string& bus = {});

/// The same for a NIC, whose tap is called nic.target.
Addition add_nic(const MakeUp& now, const api::PartitionSpec& spec, const api::Nic& nic,
                 const std::string& bus = {});
/// Throws Error{unsupported} where a NIC cannot come or go while the guest runs.
void refuse_fixed(const api::PartitionSpec& spec, const api::Nic& nic);

/// Makes of the plan for a definition (input.spec) that for a guest which was started so and has
/// the disks and NICs of `live` since; `buses` says where those stand that came.
void change_devices(domain::LaunchPlan& plan, const PlanInput& input,
                    const api::PartitionSpec& live,
                    const std::map<std::string, std::string>& buses);

/// True when the command makes a device of this id.
bool has_device(const MakeUp& now, std::string_view id);
/// What kind of device it is; empty when there is none.
std::string driver_of(const MakeUp& now, std::string_view id);
/// The node that the device reads; empty when it has no such device, or that has no medium.
std::string drive_of(const MakeUp& now, std::string_view id);
/// What the NIC is connected to; empty when there is no such device, or it is no NIC.
std::string backend_of(const MakeUp& now, std::string_view id);
/// `now` with the cable of the NIC's backend plugged in or not.
MakeUp with_link(const MakeUp& now, const std::string& backend, bool up);
/// `now` without the device, its blocks or backend, and their descriptors.
MakeUp without_device(const MakeUp& now, std::string_view id);
/// `now` and what is added, without its commands.
MakeUp with_addition(const MakeUp& now, const Addition& addition);

/// The blocks and files of a medium, beside what the drive reads now.
struct Medium {
    std::string node;
    Addition addition;
};
/// `drive`: the CD drive with that medium. Throws api::Error.
Medium make_medium(const MakeUp& now, const api::PartitionSpec& spec, const api::Disk& drive);
/// `now` with the drive `id` reading `node`, or nothing when that is empty, and without what it
/// read until now.
MakeUp with_medium(const MakeUp& now, std::string_view id, const std::string& node);

/// By its id, the bus that each device stands on.
std::map<std::string, std::string> buses_of(const MakeUp& now);

/// Names of block nodes and numbers of fd sets that the command makes.
std::set<std::string> nodes_of(const MakeUp& now);
std::set<std::int64_t> sets_of(const MakeUp& now);
/// Names of the backends of NICs that the command makes.
std::set<std::string> backends_of(const MakeUp& now);

} // namespace mshv::vmm::qemu
