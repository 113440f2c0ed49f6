// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/value.hpp"

#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/guestxml/grammar.hpp"
#include "toolstack/libs/guestxml/suggest.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

using namespace mshv;
using namespace mshv::guestxml;

BOOST_AUTO_TEST_SUITE(values)

BOOST_AUTO_TEST_CASE(units_are_libvirts) {
    const std::pair<std::string_view, std::uint64_t> known[] = {
        {"b", 1},
        {"bytes", 1},
        {"KB", 1000},
        {"k", 1024},
        {"KiB", 1024},
        {"MB", 1000000},
        {"M", 1 << 20},
        {"MiB", 1 << 20},
        {"GB", 1000000000},
        {"G", 1ULL << 30},
        {"GiB", 1ULL << 30},
        {"T", 1ULL << 40},
        {"PiB", 1ULL << 50},
        {"E", 1ULL << 60},
        {"EB", 1000000000000000000ULL},
    };
    for (const auto& [unit, bytes] : known) {
        BOOST_TEST(bytes_of_unit(unit).value_or(0) == bytes, unit);
    }
    for (const std::string_view unit : {"", "KB1", "Ki", "kbit", "x", "iB", "MiBs", "1"}) {
        BOOST_TEST(!bytes_of_unit(unit), unit);
    }
}

BOOST_AUTO_TEST_CASE(a_swap_is_one_step) {
    BOOST_TEST(edit_distance("virtoi", "virtio") == 1U);
    BOOST_TEST(edit_distance("", "abc") == 3U);
    BOOST_TEST(edit_distance("same", "same") == 0U);
    BOOST_TEST(nearest("restrat", {"destroy", "restart", "preserve"}) == "restart");
    BOOST_TEST(nearest("Memory", {"memory", "memtune"}) == "memory");
    BOOST_TEST(nearest("completely-else", {"memory", "memtune"}).empty());
    BOOST_TEST(nearest("x", {"y"}).empty());
}

BOOST_AUTO_TEST_CASE(the_table_is_sound) {
    std::set<std::string> seen;
    for (const Row* row : all_rows()) {
        for (std::string_view name : words_in(row->path)) {
            BOOST_TEST(seen.insert(std::string(name)).second, row->path);
        }
        BOOST_TEST((!row->doc.empty() || !row->accepted()), row->path);
        BOOST_TEST((!row->reason.empty() || row->accepted()), row->path);
        BOOST_TEST((row->type != Type::choice || !row->words.empty()), row->path);
        BOOST_TEST((row->refused_words.empty() || !row->reason.empty()), row->path);
        BOOST_TEST(!row->doc.ends_with('.'), row->path);
    }
    BOOST_TEST(seen.size() > 350U);
    BOOST_TEST(grammar().child("devices")->child("disk")->child("alias") != nullptr);
    BOOST_TEST(grammar().child("devices")->child("rng")->child("address") != nullptr);
}

BOOST_AUTO_TEST_CASE(what_a_terminal_obeys_is_spelled_out) {
    using api::escape_terminal;
    BOOST_TEST(escape_terminal("plain é 漢") == "plain é 漢");
    BOOST_TEST(escape_terminal("a\x1b[2Jb\r\n\t\x7f") == "a\\x1b[2Jb\\x0d\\n\\t\\x7f");
    BOOST_TEST(escape_terminal("a\tb\nc\r", api::EscapeLayout::keep_lines) == "a\tb\nc\\x0d");
    BOOST_TEST(escape_terminal("\xc2\x9b\xe2\x80\xae\xe2\x80\x8b") ==
               "\\u{009b}\\u{202e}\\u{200b}");
    BOOST_TEST(escape_terminal("\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80") ==
               "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
    BOOST_TEST(escape_terminal("\xe2\x82") == "\\xe2\\x82");
    BOOST_TEST(escape_terminal("\xf3\xa0\x80\x81") == "\\u{0e0001}");
    BOOST_TEST(escape_terminal(std::string_view("\0", 1)) == "\\x00");
}

BOOST_AUTO_TEST_CASE(long_text_is_cut_between_characters) {
    std::string text = "a";
    for (int i = 0; i < 40; ++i) {
        text += "é";
    }
    const std::string cut = shown(text);
    BOOST_TEST(cut.ends_with("é…'"));
    BOOST_TEST(cut.find("\\x") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
