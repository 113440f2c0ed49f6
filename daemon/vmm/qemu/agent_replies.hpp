// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/guest_agent.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "toolstack/libs/api/guest.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mshv::vmm::qemu {

// What QEMU's guest agent returns, as the contract says it. Texts and lists are cut to a size that
// an honest guest does not need; what is of another type than it should be is taken for absent.

/// guest-info: version and enabled commands.
void read_agent_info(const JsonValue& reply, api::GuestInfo& info);
bool knows(const api::GuestInfo& info, std::string_view command);
void read_hostname(const JsonValue& reply, api::GuestInfo& info);
void read_os(const JsonValue& reply, api::GuestInfo& info);
void read_timezone(const JsonValue& reply, api::GuestInfo& info);
void read_users(const JsonValue& reply, api::GuestInfo& info);
void read_filesystems(const JsonValue& reply, api::GuestInfo& info);
/// guest-network-get-interfaces
api::GuestAddresses read_interfaces(const JsonValue& reply);

/// The arguments of guest-exec. Throws api::Error{invalid} for text that is not UTF-8.
std::string exec_arguments(const api::GuestExecRequest& request);
/// guest-exec: throws api::Error{failed} when it is no number of a process.
std::int64_t read_pid(const JsonValue& reply);
/// guest-exec-status: throws api::Error{failed} when it is none.
api::GuestExecStatus read_exec_status(const JsonValue& reply);

/// guest-get-vcpus, and the arguments of guest-set-vcpus.
std::vector<GuestVcpu> read_vcpus(const JsonValue& reply);
std::string vcpu_arguments(const std::vector<GuestVcpu>& vcpus);

} // namespace mshv::vmm::qemu
