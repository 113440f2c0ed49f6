// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <string_view>

namespace mshv::vmm {

class VmmProcess;

/// Virtual processors are numbered from 0. One that comes is the first that is not there, one that
/// goes the last, so that those which are there are the first ones, unless the guest let go of
/// another by itself.
struct VcpuCount {
    unsigned present = 0; ///< in the present VMM; one that the guest has not let go of is there
    unsigned later = 0;   ///< in each later generation
    bool in_order = true; ///< those that are there are the first ones
    bool operator==(const VcpuCount&) const = default;
};

/// A VmmProcess whose processors come and go while its guest runs. Both throw api::Error.
class VcpuPlug {
public:
    virtual ~VcpuPlug() = default;

    virtual VcpuCount vcpu_count(posix::Deadline deadline) = 0;
    /// Gives the present VMM so many, and each later generation. Timeout when the guest had not let
    /// go of one until the deadline: it goes when the guest does it, or with the generation.
    /// Whatever this throws, vcpu_count() says what has come of it.
    virtual void set_vcpus(unsigned count, posix::Deadline deadline) = 0;
};

/// Null when it cannot.
VcpuPlug* vcpu_plug_of(VmmProcess& process);

/// Whether what a keeper names as a device is a virtual processor.
bool is_vcpu(std::string_view device);

} // namespace mshv::vmm
