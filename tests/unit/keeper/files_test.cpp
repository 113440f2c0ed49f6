// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console_log.hpp"
#include "daemon/keeper/error_tail.hpp"
#include "daemon/keeper/journal.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

using namespace mshv::keeper;
using mshv::posix::read_file;

namespace {

struct Folder {
    Folder() {
        std::array<char, 32> pattern{"/tmp/mshv-keeper-XXXXXX"};
        path = ::mkdtemp(pattern.data());
    }
    ~Folder() { mshv::posix::remove_tree(path); }
    std::string path;
};

LaunchSpec spec_in(const std::string& folder) {
    LaunchSpec spec;
    spec.run_dir = folder;
    spec.nonce = "abc";
    spec.name = "web1";
    return spec;
}

} // namespace

BOOST_AUTO_TEST_SUITE(files)

BOOST_AUTO_TEST_CASE(the_log_is_rotated_and_exact) {
    const Folder folder;
    std::string all;
    {
        ConsoleLog log(folder.path, {0, 100, 2});
        for (int i = 0; i < 50; ++i) {
            const std::string line = "line " + std::to_string(i) + "\n";
            log.append(line);
            all += line;
        }
        BOOST_TEST(log.lost() == 0);
    }
    const std::string kept = read_file(folder.path + "/console.log.2", 1000) +
                             read_file(folder.path + "/console.log.1", 1000) +
                             read_file(folder.path + "/console.log", 1000);
    BOOST_TEST(all.ends_with(kept));
    BOOST_TEST(kept.size() > 200U);
    BOOST_TEST(read_file(folder.path + "/console.log.1", 1000).size() == 100U);
    BOOST_TEST(::access((folder.path + "/console.log.3").c_str(), F_OK) != 0);
    ConsoleLog none(folder.path, {0, 10, 0}); // keep nothing
    none.append("0123456789abc");
    BOOST_TEST(read_file(folder.path + "/console.log", 1000).size() <= 10U);
}

BOOST_AUTO_TEST_CASE(a_log_that_cannot_be_written_is_counted_and_comes_back) {
    const Folder folder;
    const std::string logs = folder.path + "/logs";
    ConsoleLog log(logs, {0, 100, 1}); // no such folder
    log.append("lost");
    BOOST_TEST(log.lost() == 4);
    BOOST_TEST(log.losing() == 4);
    BOOST_TEST(!log.trouble().empty());
    ::mkdir(logs.c_str(), 0700);
    log.append("kept");
    BOOST_TEST(log.losing() == 0);
    BOOST_TEST(log.lost() == 4);
    BOOST_TEST(read_file(logs + "/console.log", 100) == "kept");
}

BOOST_AUTO_TEST_CASE(the_journal_numbers_keeps_and_forgets) {
    const Folder folder;
    Journal journal(spec_in(folder.path));
    for (int i = 0; i < 10; ++i) {
        journal.append(Message().set("kind", "running"), i % 2 == 0);
    }
    BOOST_TEST(journal.last_seq() == 10);
    BOOST_TEST(journal.kept().size() == 10U);
    journal.acknowledge(7);
    BOOST_TEST(journal.kept().size() == 3U);
    BOOST_TEST(journal.lost_since(0) == 0); // acknowledged is not lost
    journal.acknowledge(100);
    BOOST_TEST(journal.kept().empty());
    LineBuffer lines;
    lines.append(read_file(folder.path + "/events", 10000));
    for (int i = 1; i <= 10; ++i) {
        BOOST_TEST(decode(lines.next().value()).number("seq").value() == i);
    }
}

BOOST_AUTO_TEST_CASE(the_journal_is_bounded_on_disk_and_in_memory) {
    const Folder folder;
    Journal journal(spec_in(folder.path));
    for (int i = 0; i < 6000; ++i) {
        journal.append(Message().set("detail", std::string(100, 'x')), false);
    }
    BOOST_TEST(journal.kept().size() == Journal::most_kept);
    BOOST_TEST(journal.lost_since(0) == 6000 - 4096);
    const auto text = read_file(folder.path + "/events", Journal::largest_file);
    LineBuffer lines;
    lines.append(text);
    std::int64_t before = 0;
    while (const auto line = lines.next()) {
        const auto seq = decode(*line).number("seq").value();
        BOOST_REQUIRE(before == 0 || seq == before + 1);
        before = seq;
    }
    BOOST_TEST(before == 6000);
}

BOOST_AUTO_TEST_CASE(the_state_record_says_whose_process_it_is) {
    const Folder folder;
    Journal journal(spec_in(folder.path));
    journal.write_state(3, mshv::posix::ProcessIdentity{42, 77});
    const auto text = read_file(folder.path + "/state", 10000);
    const auto state = decode(std::string_view(text).substr(0, text.size() - 1));
    BOOST_TEST(state.word == "state");
    BOOST_TEST(state.number("vmm_pid").value() == 42);
    BOOST_TEST(state.number("vmm_ticks").value() == 77);
    BOOST_TEST(state.number("keeper_pid").value() == ::getpid());
    BOOST_TEST(state.text("nonce") == "abc");
    BOOST_TEST(state.text("boot_id") == mshv::posix::boot_id());
}

BOOST_AUTO_TEST_CASE(last_words_are_bounded_and_printable) {
    const Folder folder;
    ErrorTail tail(folder.path + "/vmm.log");
    tail.append("bad \x1b[31mthing\xff\r\n\n");
    BOOST_TEST(tail.text() == "bad \\x1b[31mthing\\xff");
    for (int i = 0; i < 1000; ++i) {
        tail.append(std::string(1000, 'y'));
    }
    tail.append("END");
    BOOST_TEST(tail.text().size() == ErrorTail::most_kept);
    BOOST_TEST(tail.text().ends_with("yEND"));
    BOOST_TEST(read_file(folder.path + "/vmm.log", 1U << 20U).size() == ErrorTail::largest_log);
    tail.clear();
    BOOST_TEST(tail.text().empty());
}

BOOST_AUTO_TEST_SUITE_END()
