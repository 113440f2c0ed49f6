// SPDX-License-Identifier: Apache-2.0
//
// Those parts of the stand-in that need no machine: memory map, nested tables, deposit pool, the two
// words of a hypercall, text.
#include "tests/standin/freestanding/text.hpp"
#include "tests/standin/memory/memory_map.hpp"
#include "tests/standin/hypercall/control.hpp"
#include "tests/standin/lp/mailbox.hpp"
#include "tests/standin/memory/deposit_pool.hpp"
#include "tests/standin/memory/nested_table.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace mshv::standin {
namespace {

struct Page {
    alignas(page_size) u8 bytes[page_size] = {};
};

std::vector<std::unique_ptr<Page>> pages;
std::size_t most_pages = 0;

void* next_page(void*) {
    if (pages.size() == most_pages) {
        return nullptr;
    }
    pages.push_back(std::make_unique<Page>());
    return pages.back().get();
}

struct Pages {
    Pages() { most_pages = 100; }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;
    ~Pages() { pages.clear(); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(standin_parts)

BOOST_AUTO_TEST_CASE(ranges_are_carved_out_of_what_is_usable) {
    MemoryMap map;
    BOOST_TEST(map.add({0x100000, 0x3FF00000, MemoryRange::usable}));
    BOOST_TEST(map.add({0, 0x9FC00, MemoryRange::usable}));
    BOOST_TEST(map.add({0xFEC00000, 0x1000, MemoryRange::reserved}));
    BOOST_TEST(map.carve(0x100000, 0x200000, MemoryRange::reserved));
    BOOST_TEST(map.carve(0x1000000, 0x1000, MemoryRange::reserved));
    const u64 wanted[][3] = {{0, 0x9FC00, 1},
                             {0x100000, 0x200000, 2},
                             {0x300000, 0xD00000, 1},
                             {0x1000000, 0x1000, 2},
                             {0x1001000, 0x3EFFF000, 1},
                             {0xFEC00000, 0x1000, 2}};
    BOOST_REQUIRE(map.ranges().size() == std::size(wanted));
    for (std::size_t i = 0; i < std::size(wanted); ++i) {
        const MemoryRange range = map.ranges()[i];
        BOOST_TEST((range.base == wanted[i][0] && range.length == wanted[i][1] &&
                    range.type == wanted[i][2]));
    }
    BOOST_TEST(map.end() == 0x40000000U);
    BOOST_TEST(map.find(0x10000, page_size, 0, ~0ULL) == 0x3FFF0000U);
    BOOST_TEST(map.find(0x10000, page_size, 0, 0x1000000) == 0xFF0000U);
    BOOST_TEST(map.find(0xD00000, page_size, 0x300000, 0x1000000) == 0x300000U);
    BOOST_TEST(map.find(0x40000000, page_size, 0, ~0ULL) == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_map_says_so) {
    MemoryMap map;
    for (u64 i = 0; i < MemoryMap::most; ++i) {
        BOOST_TEST(map.add({i * 0x10000, 0x1000, MemoryRange::usable}));
    }
    BOOST_TEST(!map.add({0, 0x1000, MemoryRange::usable}));
}

BOOST_FIXTURE_TEST_CASE(a_nested_table_maps_with_the_largest_pages_and_splits_them, Pages) {
    NestedTable table({next_page});
    BOOST_TEST(table.map(0, 0, 4 * huge_page_size, Rights{}));
    BOOST_TEST(pages.size() == 2U);
    BOOST_TEST(table.find(3 * huge_page_size + 0x123).address == 3 * huge_page_size + 0x123);
    BOOST_TEST(table.map(0x1000, 0x5000, page_size, {false, true}));
    BOOST_TEST(pages.size() == 4U); // 1 GiB became 2 MiB, one of which became 4 KiB
    BOOST_TEST(table.unmap(0x3000, 2 * page_size));
    const auto changed = table.find(0x1234);
    BOOST_TEST((changed.present && changed.address == 0x5234 && !changed.rights.write &&
                changed.rights.execute));
    BOOST_TEST(!table.find(0x3000).present);
    BOOST_TEST(!table.find(0x4FFF).present);
    for (const u64 same : {u64{0}, u64{0x2FFF}, u64{0x5000}, large_page_size, huge_page_size - 1}) {
        const auto found = table.find(same);
        BOOST_TEST((found.present && found.address == same && found.rights.write));
    }
    BOOST_TEST(!table.find(4 * huge_page_size).present);
}

BOOST_FIXTURE_TEST_CASE(a_nested_table_without_memory_fails, Pages) {
    most_pages = 1;
    NestedTable table({next_page});
    BOOST_TEST(!table.map(0, 0, page_size, Rights{}));
    BOOST_TEST(!table.find(0).present);
}

BOOST_AUTO_TEST_CASE(what_is_deposited_comes_back) {
    DepositPool pool;
    std::vector<Page> own(3);
    for (Page& page : own) {
        pool.deposit(address_of(&page));
    }
    void* taken = pool.take();
    BOOST_REQUIRE(taken != nullptr);
    BOOST_TEST(*static_cast<u64*>(taken) == 0U);
    BOOST_TEST(pool.free() == 2U);
    pool.put(address_of(taken));
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(pool.withdraw() != 0U);
    }
    BOOST_TEST(pool.withdraw() == 0U);
    BOOST_TEST(pool.take() == nullptr);
    BOOST_TEST(pool.deposited() == pool.withdrawn());
}

BOOST_AUTO_TEST_CASE(a_hypercalls_words) {
    using namespace hypercall;
    const Control control = decode(0x0003'0005'0004'0048);
    BOOST_TEST(control.code == 0x48);
    BOOST_TEST(control.var_header == 16U);
    BOOST_TEST(control.rep_count == 5U);
    BOOST_TEST(control.rep_start == 3U);
    BOOST_TEST((!control.fast && !control.nested && !control.reserved_bits));
    BOOST_TEST(decode(0x10000).fast);
    BOOST_TEST(decode(0x80000000).nested);
    for (const unsigned bit : {27U, 30U, 44U, 47U, 60U, 63U}) {
        BOOST_TEST(decode(1ULL << bit).reserved_bits);
    }
    BOOST_TEST(encode_result(Status::insufficient_memory, 7) == 0x7'0000'000BU);
}

BOOST_AUTO_TEST_CASE(a_hypercalls_form_is_checked) {
    using namespace hypercall;
    constexpr Form list{0x48, "list", true, false, 8, 8, 0, 0};
    constexpr Form plain{0x46, "plain", false, false, 0, 0, 0, 8};
    constexpr Form wide{0x7C, "wide", false, true, 72, 0, 0, 56};
    const auto word = [](u64 count, u64 start) { return decode(count << 32 | start << 48); };
    BOOST_TEST((check(list, word(511, 0), 0x1000, 0) == Status::success));
    BOOST_TEST((check(list, word(512, 0), 0x1000, 0) == Status::invalid_alignment));
    BOOST_TEST((check(list, word(2, 0), 0x1FF0, 0) == Status::invalid_alignment));
    BOOST_TEST((check(list, word(2, 0), 0x1004, 0) == Status::invalid_alignment));
    BOOST_TEST((check(list, word(2, 2), 0x1000, 0) == Status::invalid_hypercall_input));
    BOOST_TEST((check(plain, word(1, 0), 0, 0x1000) == Status::invalid_hypercall_input));
    BOOST_TEST((check(plain, word(0, 0), 3, 0x1000) == Status::success));
    BOOST_TEST((check(plain, word(0, 0), 0, 0x1FFC) == Status::invalid_alignment));
    BOOST_TEST((check(plain, decode(0x10000), 0, 0) == Status::invalid_hypercall_input));
    BOOST_TEST((check(list, decode(0x10000), 0, 0) == Status::success));
    BOOST_TEST((check(plain, decode(0x20000), 0, 0x1000) == Status::invalid_hypercall_input));
    BOOST_TEST((check(wide, decode(0x40000), 0x1000, 0x2000) == Status::success));
    BOOST_TEST((check(wide, decode(0x80000000), 0x1000, 0x2000) ==
                Status::invalid_hypercall_input));
}

BOOST_AUTO_TEST_CASE(an_init_undoes_a_start_and_a_start_follows_an_init) {
    Mailbox box;
    u32 vector = 0;
    box.post_init();
    box.post_startup(0x99);
    BOOST_TEST(box.take_init());
    BOOST_TEST(!box.take_init());
    BOOST_TEST(box.take_startup(vector));
    BOOST_TEST(vector == 0x99U);
    BOOST_TEST(!box.take_startup(vector));
    box.post_startup(0x98);
    box.post_init();
    BOOST_TEST(!box.take_startup(vector));
    BOOST_TEST(box.take_init());
}

BOOST_AUTO_TEST_CASE(words_and_numbers) {
    Line line;
    line << "a " << u64{0} << ' ' << -12 << ' ' << Hex{0xFEE00000} << ' ' << Hex{0};
    BOOST_TEST(line.text() == "a 0 -12 0xfee00000 0x0");
    for (int i = 0; i < 100; ++i) {
        line << "0123456789";
    }
    BOOST_TEST(line.text().size() == 240U);
    std::string_view rest = "  one two  ";
    BOOST_TEST(next_word(rest) == "one");
    BOOST_TEST(next_word(rest) == "two");
    BOOST_TEST(next_word(rest).empty());
    u64 number = 0;
    BOOST_TEST((parse_number("0x1F", number) == false));
    BOOST_TEST((parse_number("0x1f", number) && number == 0x1F));
    BOOST_TEST((parse_number("18446744073709551615", number) && number == ~0ULL));
    BOOST_TEST(!parse_number("18446744073709551616", number));
    BOOST_TEST(!parse_number("", number));
    BOOST_TEST(!parse_number("12a", number));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
