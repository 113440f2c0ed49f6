// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"
#include "daemon/vmm/qemu/capabilities.hpp"
#include "daemon/vmm/transfer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

// What QEMU calls migration, to and from files, and dumps.

/// The reply to query-migrate.
Transfer parse_transfer(std::string_view line);

/// Why the guest cannot be saved at the moment, by the reply to query-migrate; empty = it can.
std::string parse_blockers(std::string_view line);

/// The versioned machine type, by the reply to qom-get of /machine's type: "pc-q35-7.2".
std::string parse_machine(std::string_view line);

/// The number of the set that add-fd made.
std::int64_t parse_fdset(std::string_view line);

/// The formats in the reply to query-dump-guest-memory-capability.
std::vector<std::string> parse_dump_formats(std::string_view line);

/// The reply to query-dump. Why a dump failed QEMU does not say there.
Transfer parse_dump(std::string_view line);

/// From this version on a file is no `fd:` any more.
inline constexpr Version first_with_files_only{11, 0, 0};

/// What of a command line the guest sees: two VMMs with the same can hand it to each other.
std::vector<std::string> guest_visible(const std::vector<std::string>& argv);
/// One of these without what only the host's side of it is called.
std::string guest_visible(std::string option);

/// Throws api::Error{unsupported} when a guest that `saved_by` ("qemu 7.2.22") saved on `machine`
/// cannot be loaded by this QEMU, whose CPU model is `cpu`.
void refuse_foreign(const std::string& saved_by, const std::string& machine,
                    const Capabilities& capabilities, const std::string& cpu);

} // namespace mshv::vmm::qemu
