// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/http/client.hpp"

#include <cerrno>
#include <string>
#include <string_view>
#include <unistd.h>

namespace mshv::ctl {

/// Sends a request to the daemon and returns its answer's body. Every failure is api::Error: the
/// daemon's own, or unreachable, denied or timeout. `changes`: it may have been carried out
/// although nobody has heard of it.
std::string exchange(http::Client& http, const std::string& socket,
                     const http::ClientRequest& request, bool changes, posix::Deadline deadline);

/// An answer that cannot be read is the daemon's failure, not a misuse of this program.
template <typename Decode>
auto decoded(Decode decode) {
    try {
        return decode();
    } catch (const api::Error& error) {
        throw api::Error(api::ErrorCode::failed, error.message(),
                         "are mshvctl and mshvd of the same release? see mshvctl version")
            .with_problems(error.problems());
    }
}

template <typename T>
T decode_answer(std::string_view body) {
    return decoded([&] { return api::decode<T>(body, api::DecodeOptions::answer()); });
}

inline constexpr int first_error_status = 400;

/// Runs `call` and says in the words of the contract what can go wrong below it.
template <typename Call>
auto translated(const std::string& socket, bool changes, Call call) {
    constexpr auto look = "the daemon may carry it out all the same: mshvctl list shows it";
    try {
        return call();
    } catch (const http::Unreachable& error) {
        // Who may not reach the socket cannot know whether a daemon listens there.
        if (!error.sent() && ::access(socket.c_str(), R_OK | W_OK) != 0 && errno == EACCES) {
            throw api::Error(api::ErrorCode::denied, error.what(),
                             "run as root or as a member of the socket's group");
        }
        throw api::Error(api::ErrorCode::unreachable, error.what(),
                         changes && error.sent() ? look : error.hint());
    } catch (const posix::TimedOut& error) {
        throw api::Error(api::ErrorCode::timeout, std::string("no answer from the daemon in time"),
                         changes ? look : "give it longer with --timeout")
            .because(error.what());
    } catch (const http::BadMessage& error) {
        throw api::Error(api::ErrorCode::unreachable, socket + " does not answer as mshvd does")
            .because(error.what());
    }
}

} // namespace mshv::ctl
