// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console_client.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

using namespace mshv::keeper;
using mshv::console::FrameType;

namespace {

/// What a client makes of a session: bytes with their offsets, and what it was told.
struct Session {
    std::string data;
    std::vector<std::string> notices;
    std::uint64_t first = 0, offset = 0;
    bool replaying = false, upgraded = false;
    std::string exit;
    std::string pending;

    void take(const std::string& bytes) {
        pending += bytes;
        if (!upgraded) {
            const auto end = pending.find("\r\n\r\n");
            BOOST_REQUIRE(end != std::string::npos);
            BOOST_TEST(pending.starts_with("HTTP/1.1 101 "));
            pending.erase(0, end + 4);
            upgraded = true;
        }
        while (pending.size() >= mshv::console::header_size) {
            const auto header = mshv::console::decode_header(pending);
            BOOST_REQUIRE(header.has_value());
            const std::string payload = pending.substr(mshv::console::header_size, header->length);
            BOOST_REQUIRE_EQUAL(payload.size(), header->length);
            pending.erase(0, mshv::console::header_size + header->length);
            frame(header->type, payload);
        }
    }

    void frame(FrameType type, const std::string& payload) {
        if (type == FrameType::data) {
            data += payload;
            offset += payload.size();
        } else if (type == FrameType::replay_begin) {
            first = offset = mshv::console::decode_u64(payload);
            replaying = true;
        } else if (type == FrameType::replay_end) {
            replaying = false;
        } else if (type == FrameType::offset) {
            offset = mshv::console::decode_u64(payload);
        } else if (type == FrameType::notice) {
            notices.push_back(payload);
        } else if (type == FrameType::exit) {
            exit = payload;
        }
    }
};

void drain(ConsoleCursor& cursor, Session& session) {
    for (auto bytes = cursor.next(); !bytes.empty(); bytes = cursor.next()) {
        session.take(bytes);
    }
}

std::string numbered(std::uint64_t from, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += static_cast<char>('a' + (from + i) % 23);
    }
    return text;
}

SessionStart everything(std::size_t most) {
    SessionStart start;
    start.most_replay = most;
    start.state = "1 running";
    return start;
}

} // namespace

BOOST_AUTO_TEST_SUITE(console)

BOOST_AUTO_TEST_CASE(the_ring_keeps_the_last_bytes) {
    Ring ring(10);
    std::string all;
    for (const std::size_t size : {3U, 9U, 1U, 0U, 25U, 10U, 4U}) {
        const auto bytes = numbered(all.size(), size);
        ring.append(bytes);
        all += bytes;
        BOOST_TEST(ring.end() == all.size());
        std::string kept;
        for (auto at = ring.begin(); at < ring.end(); at += ring.at(at).size()) {
            kept += ring.at(at);
        }
        BOOST_TEST(kept == all.substr(all.size() - std::min<std::size_t>(all.size(), 10)));
    }
}

/// The property: whatever the guest prints and whenever a client comes and reads, it gets exactly
/// the stream from where it began, in order, or a counted gap; a resume with since= continues it.
BOOST_AUTO_TEST_CASE(no_byte_is_lost_or_doubled) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937 random(seed);
        const std::size_t capacity = 1 + random() % 5000;
        ConsoleStream stream(capacity);
        std::string all;
        const auto print = [&](std::size_t most) {
            const auto bytes = numbered(all.size(), random() % (most + 1));
            stream.ring.append(bytes);
            all += bytes;
            if (random() % 4 == 0) {
                stream.mark(FrameType::notice, "mark");
            }
        };
        print(capacity * 2);
        ConsoleCursor cursor(stream, everything(capacity));
        Session session;
        drain(cursor, session);
        for (int step = 0; step < 30; ++step) {
            print(capacity / 2 + 1); // never more than the ring between two reads
            if (random() % 3 == 0) {
                const auto bytes = cursor.next();
                session.take(bytes);
            } else {
                drain(cursor, session);
            }
            if (random() % 5 == 0) { // the connection is cut and taken up again
                drain(cursor, session);
                auto again = everything(capacity);
                again.since = session.offset;
                ConsoleCursor next(stream, again);
                Session resumed;
                drain(next, resumed);
                BOOST_TEST(resumed.data.empty());
                BOOST_TEST(resumed.first == session.offset);
            }
            drain(cursor, session);
        }
        BOOST_REQUIRE_MESSAGE(session.data == all.substr(session.first), "seed " << seed);
        BOOST_REQUIRE_EQUAL(session.offset, all.size());
    }
}

BOOST_AUTO_TEST_CASE(a_slow_reader_is_told_how_much_it_missed) {
    ConsoleStream stream(100);
    ConsoleCursor cursor(stream, everything(100));
    Session session;
    drain(cursor, session);
    stream.ring.append(numbered(0, 250));
    drain(cursor, session);
    BOOST_TEST(session.data == "\r\n[mshv: 150 bytes skipped]\r\n" + numbered(150, 100));
    BOOST_TEST(session.offset == 250U);
}

BOOST_AUTO_TEST_CASE(since_what_the_ring_lost_is_counted) {
    ConsoleStream stream(100);
    stream.ring.append(numbered(0, 250));
    auto start = everything(100);
    start.since = 20;
    ConsoleCursor cursor(stream, start);
    Session session;
    drain(cursor, session);
    BOOST_TEST(session.data.starts_with("\r\n[mshv: 130 bytes skipped]\r\n"));
    start.since = 1000; // of another life
    ConsoleCursor anew(stream, start);
    Session fresh;
    drain(anew, fresh);
    BOOST_TEST(fresh.data == numbered(150, 100));
    BOOST_TEST(fresh.notices.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_replay_has_no_questions_and_the_offsets_stay_right) {
    ConsoleStream stream(1000);
    stream.ring.append("login: \x1b[6n");
    ConsoleCursor cursor(stream, everything(1000));
    Session session;
    drain(cursor, session);
    stream.ring.append("\x1b[6nlive");
    drain(cursor, session);
    BOOST_TEST(session.data == "login: \x1b[6nlive");
    BOOST_TEST(session.offset == stream.ring.end());
    auto exact = everything(1000);
    exact.since = 0;
    ConsoleCursor second(stream, exact);
    Session resumed;
    drain(second, resumed);
    BOOST_TEST(resumed.data == "login: \x1b[6n\x1b[6nlive");
}

BOOST_AUTO_TEST_CASE(raw_sessions_have_no_frames) {
    ConsoleStream stream(1000);
    stream.ring.append("one\ntwo\nthree\n");
    auto start = everything(1000);
    start.raw = true;
    start.replay = 8; // in the middle of a line: cut at the next one's start
    ConsoleCursor cursor(stream, start);
    const auto bytes = cursor.next();
    BOOST_TEST(bytes.substr(bytes.find("\r\n\r\n") + 4) == "three\n");
    stream.mark(FrameType::notice, "not shown");
    stream.exit_reason = "guest-poweroff";
    BOOST_TEST(cursor.next().empty());
    BOOST_TEST(cursor.finished());
}

BOOST_AUTO_TEST_CASE(the_end_comes_after_the_last_byte) {
    ConsoleStream stream(100000);
    ConsoleCursor cursor(stream, everything(100000));
    stream.ring.append(numbered(0, 60000));
    stream.mark(FrameType::notice, "over");
    stream.exit_reason = "guest-panic";
    Session session;
    while (!cursor.finished()) {
        BOOST_TEST(session.exit.empty());
        session.take(cursor.next());
    }
    BOOST_TEST(session.data == numbered(0, 60000));
    BOOST_TEST(session.notices.size() == 1U);
    BOOST_TEST(session.exit == "guest-panic");
}

BOOST_AUTO_TEST_CASE(input_frames_are_cut_anywhere) {
    const std::string bytes = mshv::console::encode_frame(FrameType::data, "ls") +
                              mshv::console::encode_frame(FrameType::notice, "ignored") +
                              mshv::console::encode_frame(FrameType::data, "") +
                              mshv::console::encode_frame(FrameType::data, "\r");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        ClientInput input(false);
        std::string typed;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            BOOST_REQUIRE(input.take(std::string_view(bytes).substr(at, piece), typed));
        }
        BOOST_REQUIRE_EQUAL(typed, "ls\r");
    }
    std::string typed;
    BOOST_TEST(!ClientInput(false).take(mshv::console::encode_frame(FrameType::detach, ""), typed));
    BOOST_TEST(!ClientInput(false).take("GET / HTTP/1.1", typed));
    BOOST_TEST(ClientInput(true).take("GET", typed));
    BOOST_TEST(typed == "GET");
}

BOOST_AUTO_TEST_SUITE_END()
