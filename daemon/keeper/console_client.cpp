// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console_client.hpp"

#include <algorithm>

namespace mshv::keeper {

using console::FrameType;

namespace {

constexpr std::string_view upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                      "Upgrade: mshv-console/1\r\n\r\n";
/// A replay that does not reach back to the guest's first byte starts at a line's start, if there
/// is one so near.
constexpr std::size_t line_search = 1024;

std::string skipped(std::uint64_t bytes) {
    return "\r\n[mshv: " + std::to_string(bytes) + " bytes skipped]\r\n";
}

} // namespace

void ConsoleStream::mark(FrameType type, std::string text) {
    markers.push_back({next_marker++, ring.end(), type, std::move(text)});
    if (markers.size() > most_markers) {
        markers.pop_front();
    }
}

ConsoleCursor::ConsoleCursor(const ConsoleStream& stream, const SessionStart& start)
    : stream_(stream), raw_(start.raw) {
    control_ = upgraded;
    tell(FrameType::state, start.state);
    tell(FrameType::writer, start.writer ? "1" : "0");
    begin(start);
}

void ConsoleCursor::begin(const SessionStart& start) {
    const Ring& ring = stream_.ring;
    const std::uint64_t end = ring.end();
    replay_end_ = end;
    const std::uint64_t oldest =
        std::max(ring.begin(), end - std::min<std::uint64_t>(end, start.most_replay));
    if (start.since && *start.since <= end) {
        at_ = *start.since; // what the ring has lost is told by skip_lost
    } else if (start.since) {
        tell(FrameType::notice, "The console has started anew");
        at_ = oldest;
    } else {
        const auto wanted = std::min(start.replay.value_or(end), end);
        at_ = std::max(oldest, end - wanted);
        strip_ = true;
        if (at_ > 0 && at_ < end) {
            const auto nearby = ring.at(at_).substr(0, line_search);
            const auto line_end = nearby.find('\n');
            at_ += line_end == std::string_view::npos ? 0 : line_end + 1;
        }
    }
    const auto after = std::find_if(stream_.markers.begin(), stream_.markers.end(),
                                    [&](const Marker& marker) { return marker.offset >= at_; });
    next_marker_ = after == stream_.markers.end() ? stream_.next_marker : after->number;
    if (!raw_) {
        const auto bytes = console::encode_u64(at_);
        control_ += console::encode_frame(FrameType::replay_begin, {bytes.data(), bytes.size()});
    }
}

void ConsoleCursor::tell(FrameType type, std::string_view text) {
    if (!raw_ && control_.size() + text.size() <= most_control) {
        control_ += console::encode_frame(type, text);
    }
}

void ConsoleCursor::frame(FrameType type, std::string_view payload) {
    if (!raw_) {
        out_ += console::encode_frame(type, payload);
    }
}

void ConsoleCursor::data(std::string_view bytes) {
    if (raw_) {
        out_ += bytes;
    } else if (!bytes.empty()) {
        out_ += console::encode_frame(FrameType::data, bytes);
    }
}

void ConsoleCursor::offset(FrameType type, std::uint64_t value) {
    const auto bytes = console::encode_u64(value);
    frame(type, {bytes.data(), bytes.size()});
}

std::string ConsoleCursor::next() {
    out_.clear();
    out_.swap(control_);
    do {
        skip_lost();
        pass_markers();
        if (replaying_ && at_ >= replay_end_) {
            end_replay();
        }
    } while (out_.size() < chunk && copy_some());
    end_session();
    return std::move(out_);
}

void ConsoleCursor::skip_lost() {
    const std::uint64_t begin = stream_.ring.begin();
    if (at_ >= begin) {
        return;
    }
    data(filter_.finish());
    data(skipped(begin - at_));
    at_ = begin;
    offset(FrameType::offset, at_);
}

void ConsoleCursor::pass_markers() {
    for (const auto& marker : stream_.markers) {
        if (marker.number < next_marker_) {
            continue;
        }
        if (marker.offset > at_) {
            return;
        }
        // A state that was once is no news to one who reads the past.
        if (marker.type != FrameType::state || !replaying_) {
            frame(marker.type, marker.text);
        }
        next_marker_ = marker.number + 1;
    }
}

void ConsoleCursor::end_replay() {
    data(filter_.finish());
    replaying_ = false;
    frame(FrameType::replay_end, "");
    offset(FrameType::offset, at_);
}

bool ConsoleCursor::copy_some() {
    std::uint64_t limit = replaying_ ? replay_end_ : stream_.ring.end();
    for (const auto& marker : stream_.markers) {
        if (marker.number >= next_marker_) {
            limit = std::min(limit, marker.offset);
            break;
        }
    }
    if (at_ >= limit) {
        return false;
    }
    const auto piece = stream_.ring.at(at_).substr(0, std::min<std::uint64_t>(limit - at_, chunk));
    at_ += piece.size();
    if (!replaying_ || !strip_) {
        data(piece);
        return true;
    }
    data(filter_.filter(piece));
    if (filter_.take_removed() > 0) {
        // The client counts what it gets; from now on its count would be too small.
        offset(FrameType::offset, at_ - filter_.held());
    }
    return true;
}

void ConsoleCursor::end_session() {
    if (finished_ || !stream_.exit_reason || replaying_ || at_ != stream_.ring.end() ||
        next_marker_ != stream_.next_marker) {
        return;
    }
    frame(FrameType::exit, *stream_.exit_reason);
    finished_ = true;
}

bool ClientInput::take(std::string_view bytes, std::string& typed) {
    if (raw_) {
        typed += bytes;
        return true;
    }
    while (!bytes.empty()) {
        if (left_ == 0) {
            const auto need = console::header_size - header_.size();
            header_ += bytes.substr(0, need);
            bytes.remove_prefix(std::min(need, bytes.size()));
            if (header_.size() < console::header_size) {
                return true;
            }
            const auto header = console::decode_header(header_);
            header_.clear();
            if (!header || header->type == FrameType::detach) {
                return false;
            }
            type_ = header->type;
            left_ = header->length;
            continue;
        }
        const auto piece = bytes.substr(0, left_);
        if (type_ == FrameType::data) {
            typed += piece;
        }
        left_ -= piece.size();
        bytes.remove_prefix(piece.size());
    }
    return true;
}

} // namespace mshv::keeper
