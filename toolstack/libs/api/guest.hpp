// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// What a guest says of itself, through its agent. All of it is the guest's word: bounded in size and
// number, and believed by nobody.

struct GuestUser {
    std::string name;
    std::string domain; ///< of Windows; empty elsewhere
    std::int64_t login_ms = 0; ///< by the guest's clock
};

struct GuestFilesystem {
    std::string mountpoint;
    std::string device;
    std::string type;
    std::optional<std::uint64_t> used, total; ///< bytes; absent: the agent does not say
};

/// GET /v1/partitions/{sel}/guest/info. What the agent cannot tell is empty or absent.
struct GuestInfo {
    std::string hostname;
    std::string os; ///< "Debian GNU/Linux 12 (bookworm)"
    std::string kernel;
    std::string machine;  ///< "x86_64"
    std::string timezone; ///< "CEST"
    std::optional<std::int64_t> timezone_offset_s; ///< east of UTC
    std::string agent;                 ///< its version
    std::vector<std::string> commands; ///< that it answers
    std::vector<GuestUser> users;      ///< that are logged in
    std::vector<GuestFilesystem> filesystems;
};

/// Who knows an address.
enum class AddressSource {
    agent, ///< the guest says so
    arp,   ///< the host has spoken with it on the interface's bridge
};
MSHV_ENUM_NAMES(AddressSource, {AddressSource::agent, "agent"}, {AddressSource::arp, "arp"});

struct GuestAddress {
    std::string address;
    std::optional<std::int64_t> prefix; ///< absent: only the guest knows, and it was not asked
};

struct GuestInterface {
    std::string name; ///< the guest's word for it; empty: it was not asked
    std::string mac;  ///< empty: it has none
    std::string alias; ///< of the partition's interface with that address; empty: there is none
    AddressSource source = AddressSource::agent;
    std::vector<GuestAddress> addresses;
};

/// GET /v1/partitions/{sel}/guest/addresses
struct GuestAddresses {
    std::vector<GuestInterface> interfaces;
};

/// GET /v1/partitions/{sel}/guest/ping
struct GuestPing {
    std::int64_t took_ms = 0;
};

/// POST /v1/partitions/{sel}/guest/exec
struct GuestExecRequest {
    std::string program; ///< a path, or a name that the agent looks for
    std::vector<std::string> arguments;
    std::vector<std::string> environment; ///< KEY=VALUE: all that it has; empty = the agent's own
    std::string input_base64;             ///< its standard input; empty = none
};
/// The program runs in the guest.
struct GuestExecStarted {
    std::int64_t pid = 0; ///< the guest's number
};

/// POST /v1/partitions/{sel}/guest/exec-status
struct GuestExecStatusRequest {
    std::int64_t pid = 0;
    std::uint64_t wait_ms = 0; ///< for its end, at most half a minute
};
/// The guest tells of an end once: whoever asks next is told that there is no such program.
struct GuestExecStatus {
    bool exited = false;
    std::optional<std::int64_t> exit_code; ///< absent: it runs, or a signal ended it
    std::optional<std::int64_t> signal;    ///< of Windows an exception
    std::string out_base64, err_base64;    ///< what it wrote
    bool out_truncated = false, err_truncated = false; ///< by the agent
};

/// POST /v1/partitions/{sel}/guest/freeze
struct GuestFreezeRequest {
    std::uint64_t thaw_after_s = 60; ///< 1 to 3600: mshvd thaws it then, whatever happens
};
/// GET /v1/partitions/{sel}/guest/freeze, and what freeze and thaw answer.
struct GuestFreeze {
    bool frozen = false;
    std::optional<std::int64_t> filesystems; ///< how many the call has frozen or thawed
    std::optional<std::int64_t> thaw_in_ms;  ///< absent: mshvd has not frozen it
};

/// POST /v1/partitions/{sel}/guest/sync-time. The guest's clock less the host's.
struct GuestTime {
    std::int64_t before_ms = 0, after_ms = 0;
};

} // namespace mshv::api
