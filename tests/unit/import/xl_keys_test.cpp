// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/import/support.hpp"
#include "toolstack/libs/import/xl_keys.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::foreign;
using namespace mshv::foreign::test;

namespace {

/// A value that a handler can read.
std::string sample_of(std::string_view key) {
    for (const std::string_view list : {"disk", "vif", "pci", "p9", "channel", "vtpm", "smbios"}) {
        if (key == list) {
            return "[ '' ]";
        }
    }
    return "'1'";
}

const api::Problem* about(const Imported& made, std::string_view key) {
    const std::string where = "key '" + std::string(key);
    const auto found =
        std::find_if(made.problems.begin(), made.problems.end(),
                     [&](const api::Problem& problem) { return problem.where.starts_with(where); });
    return found == made.problems.end() ? nullptr : &*found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(xl_keys_known)

BOOST_AUTO_TEST_CASE(the_table_is_sorted_and_whole) {
    const auto table = xl_key_table();
    BOOST_TEST(table.size() >= 170U);
    for (std::size_t i = 1; i < table.size(); ++i) {
        BOOST_TEST((table[i - 1].name < table[i].name), table[i].name);
    }
    for (const XlKey& key : table) {
        BOOST_TEST((find_xl_key(key.name) == &key));
        BOOST_TEST((key.fate == Fate::mapped) == key.why.empty(), key.name);
        BOOST_TEST((key.why.empty() || key.why.back() != '.'), key.name);
    }
    BOOST_TEST((find_xl_key("memry") == nullptr));
}

BOOST_AUTO_TEST_CASE(what_is_not_mapped_is_told_on_its_line) {
    for (const XlKey& key : xl_key_table()) {
        if (key.fate == Fate::mapped) {
            continue;
        }
        const std::string value = key.when == When::if_false ? "0" : "'1'";
        const Imported made = import_xl(xl_guest(std::string(key.name) + " = " + value));
        const api::Problem* told = about(made, key.name);
        BOOST_REQUIRE_MESSAGE(told != nullptr, key.name << " is not told");
        BOOST_TEST(told->line == 4, key.name);
        BOOST_TEST(told->warning == (key.fate == Fate::ignored), key.name);
        BOOST_TEST(made.spec.has_value() == told->warning, key.name);
    }
}

BOOST_AUTO_TEST_CASE(what_is_so_anyway_is_not_told) {
    for (const XlKey& key : xl_key_table()) {
        if (key.fate == Fate::mapped || key.when == When::always) {
            continue;
        }
        const std::string value = key.when == When::if_false ? "1" : "0";
        const Imported made = import_xl(xl_guest(std::string(key.name) + " = " + value));
        BOOST_TEST(made.problems.empty(), key.name);
    }
}

BOOST_AUTO_TEST_CASE(a_loss_is_accepted_by_its_name) {
    for (const XlKey& key : xl_key_table()) {
        if (key.fate != Fate::lost) {
            continue;
        }
        const std::string document = xl_guest(std::string(key.name) + " = '1'");
        ImportOptions options;
        options.accepted = {std::string(key.name)};
        const Imported made = import_xl(document, options);
        BOOST_TEST(made.spec.has_value(), report_of(made.problems, document));
        BOOST_TEST((about(made, key.name) != nullptr && about(made, key.name)->warning), key.name);
        options.accepted = {"another"};
        BOOST_TEST(!import_xl(document, options).spec.has_value(), key.name);
    }
}

BOOST_AUTO_TEST_CASE(every_mapped_key_is_looked_at) {
    // A list in a list suits no key: a handler that reads its key says so, or says more.
    for (const XlKey& key : xl_key_table()) {
        if (key.fate != Fate::mapped || key.name == "type" || key.name == "viridian") {
            continue;
        }
        const Imported made =
            import_xl(xl_guest(std::string(key.name) + " = [ [ 'x' ] ]\nnographic = 0"));
        BOOST_TEST((about(made, key.name) != nullptr), key.name << " is not looked at");
        static_cast<void>(import_xl(xl_guest(std::string(key.name) + " = " + sample_of(key.name))));
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_told_with_what_was_meant) {
    const Imported made = import_xl(xl_guest("vcpu = 2"));
    BOOST_TEST(!made.spec);
    const api::Problem* told = about(made, "vcpu");
    BOOST_REQUIRE(told != nullptr);
    BOOST_TEST(told->hint.find("did you mean 'vcpus'?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(overrides_come_behind_the_file) {
    ImportOptions options;
    options.overrides = {{"name", "other"}, {"memory", "1G"}};
    const auto spec = imported_xl("type = 'pvh'\nkernel = '/k'\n", options);
    BOOST_TEST(spec.name == "other");
    BOOST_TEST(spec.memory.size == 1ULL << 30);
    options.overrides = {{"memroy", "1G"}};
    const Imported made = import_xl(xl_guest(""), options);
    BOOST_TEST(!made.spec);
    BOOST_TEST(made.problems.at(0).where == "--set memroy");
}

BOOST_AUTO_TEST_SUITE_END()
