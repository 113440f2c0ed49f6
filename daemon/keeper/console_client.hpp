// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/query_filter.hpp"
#include "daemon/keeper/ring.hpp"
#include "toolstack/libs/console/frames.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::keeper {

/// Something that happened at a place of the console's stream, told to everybody who passes it.
struct Marker {
    std::uint64_t number = 0; ///< 0, 1, 2 … without gaps
    std::uint64_t offset = 0;
    console::FrameType type = console::FrameType::notice;
    std::string text;
};

/// The console's past, shared by all readers.
struct ConsoleStream {
    explicit ConsoleStream(std::size_t capacity) : ring(capacity) {}

    void mark(console::FrameType type, std::string text);

    static constexpr std::size_t most_markers = 256;
    Ring ring;
    std::deque<Marker> markers;
    std::uint64_t next_marker = 0;
    std::optional<std::string> exit_reason; ///< no byte follows any more
};

/// Where a session starts.
struct SessionStart {
    bool raw = false;
    std::optional<std::uint64_t> replay; ///< bytes of scrollback; empty = all there is
    std::optional<std::uint64_t> since;  ///< exactly from here instead
    std::size_t most_replay = 0;         ///< the configured bound
    std::string state;                   ///< "GENERATION STATE"
    bool writer = false;
};

/// What one reader is to be sent, as a pure function of the stream and of what was sent already. A
/// reader is a place in the ring: replay and live output are one walk over it, so nothing is lost
/// or doubled between them, and one that is slower than the ring is long loses its oldest bytes and
/// is told how many.
class ConsoleCursor {
public:
    static constexpr std::size_t chunk = 16 * 1024;
    static constexpr std::size_t most_control = 64 * 1024;

    ConsoleCursor(const ConsoleStream& stream, const SessionStart& start);

    /// The next bytes for the socket; empty when there is nothing to tell now.
    std::string next();
    /// Everything was told, the exit included: the socket may be closed.
    [[nodiscard]] bool finished() const { return finished_; }
    /// A frame for this reader alone, ahead of what is not sent yet.
    void tell(console::FrameType type, std::string_view text);

private:
    void begin(const SessionStart& start);
    void frame(console::FrameType type, std::string_view payload);
    void data(std::string_view bytes);
    void offset(console::FrameType type, std::uint64_t value);
    void skip_lost();
    void pass_markers();
    void end_replay();
    void end_session();
    bool copy_some();

    const ConsoleStream& stream_;
    bool raw_;
    bool strip_ = false;
    bool replaying_ = true;
    bool finished_ = false;
    std::uint64_t at_ = 0;
    std::uint64_t replay_end_ = 0;
    std::uint64_t next_marker_ = 0;
    QueryFilter filter_;
    std::string out_, control_;
};

/// Undoes the frames of a client: keeps the console bytes, notices the end.
class ClientInput {
public:
    explicit ClientInput(bool raw) : raw_(raw) {}

    /// Appends the console bytes of `bytes` to `typed`; false when the client detached or what it
    /// sent is not of this protocol.
    bool take(std::string_view bytes, std::string& typed);

private:
    bool raw_;
    std::string header_;
    std::size_t left_ = 0; ///< of the present frame's payload
    console::FrameType type_ = console::FrameType::data;
};

} // namespace mshv::keeper
