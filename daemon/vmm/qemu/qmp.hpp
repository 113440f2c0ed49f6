// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/capabilities.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

/// Largest QMP line that is accepted, and how deep its JSON may nest.
inline constexpr std::size_t longest_qmp_line = 4UL * 1024 * 1024;
inline constexpr std::size_t deepest_qmp_value = 32;

/// {"execute":"NAME"} or with "arguments".
std::string qmp_command(std::string_view name);
std::string qmp_command(std::string_view name, std::string_view arguments_json);

/// What a line from a VMM is. Anything else makes parse_line throw: a VMM that breaks the protocol
/// is faulty.
enum class QmpLine { greeting, event, success, error };

/// Throws api::Error{failed} when `line` is no QMP line.
QmpLine classify_line(std::string_view line);

/// Checks that `line` is {"return":…}; throws api::Error{failed} with the VMM's own text when it is
/// an error. `what` is the subject of the message, e.g. "pause".
void expect_success(std::string_view line, std::string_view what);

struct QmpCpu {
    int index = 0;
    std::int64_t thread_id = 0;
};
/// The reply to query-cpus-fast.
std::vector<QmpCpu> parse_cpus(std::string_view line);

/// The reply to query-chardev: is the guest's end of `label` open?
bool parse_frontend_open(std::string_view line, std::string_view label);

/// The reply to query-version.
Version parse_version(std::string_view line);

/// The member `key` of each object of a list reply; also that of `alias_key` where it is there.
std::set<std::string> parse_names(std::string_view line, std::string_view key = "name",
                                  std::string_view alias_key = {});

/// The number `key` of each object of a list reply.
std::vector<std::int64_t> parse_numbers(std::string_view line, std::string_view key);

/// Bytes that the balloon leaves the guest, from the reply to query-balloon.
std::uint64_t parse_balloon(std::string_view line);

/// Bytes of the image under the node, from the reply to query-named-block-nodes.
std::uint64_t parse_disk_size(std::string_view line, std::string_view node);

/// A drive whose medium can be changed, as the VMM has it.
struct QmpDrive {
    std::string node; ///< that it reads; empty = there is no medium
    bool tray_open = false;
    bool locked = false; ///< the guest keeps its tray closed
};
/// The drive with this id, from the reply to query-block.
QmpDrive parse_drive(std::string_view line, std::string_view id);

/// Names of the backends to which no NIC is connected, from the reply to "info network".
std::set<std::string> parse_idle_backends(std::string_view line);

/// Text of {"error":{"desc":…}}, bounded and escaped; empty when `line` is no error.
std::string error_text(std::string_view line);

} // namespace mshv::vmm::qemu
