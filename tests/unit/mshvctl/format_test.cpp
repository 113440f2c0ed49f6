// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/mshvctl/output/json.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/output/table.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::ctl;
using api::Reason;
using api::State;

api::PartitionView web1() {
    api::PartitionView view;
    view.id = 7;
    view.uuid = *api::parse_uuid("0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f");
    view.name = "web1";
    view.state = State::running;
    view.reason = Reason::started;
    view.memory = 512LL * 1024 * 1024;
    view.vcpus = 2;
    view.runtime.emplace().cpu_time_ms = 12'340;
    return view;
}

std::string letters(State state, Reason reason = Reason::none) {
    api::PartitionView view;
    view.state = state;
    view.reason = reason;
    const auto six = state_letters(view);
    return {six.data(), six.size()};
}

std::string row(ListStyle style, bool verbose, const api::PartitionView& view) {
    std::string out;
    append_list_row(out, view, style, verbose);
    return out;
}

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(xl_header_is_byte_for_byte_that_of_xl) {
    std::string out;
    append_list_header(out, ListStyle::xl, false);
    BOOST_TEST(out ==
               "Name                                        ID   Mem VCPUs\tState\tTime(s)\n");
    out.clear();
    append_list_header(out, ListStyle::xl, true);
    BOOST_TEST(out == "Name                                        ID   Mem VCPUs\tState\tTime(s)"
                      "   UUID                            Reason-Code\tSecurity Label\n");
}

BOOST_AUTO_TEST_CASE(xl_rows_are_byte_for_byte_those_of_xl) {
    // "%-40s %5d %5lu %5d     %c%c%c%c%c%c  %8.1f" and, verbose, " UUID %8x|- %16s"
    BOOST_TEST(row(ListStyle::xl, false, web1()) ==
               "web1                                         7   512     2     r-----      12.3\n");
    BOOST_TEST(row(ListStyle::xl, true, web1()) ==
               "web1                                         7   512     2     r-----      12.3"
               " 0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f        -                -\n");
    auto crashed = web1();
    crashed.state = State::crashed;
    crashed.reason = Reason::guest_panic;
    crashed.runtime.reset();
    BOOST_TEST(row(ListStyle::xl, true, crashed) ==
               "web1                                         7   512     2     ---sc-       0.0"
               " 0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f        3                -\n");
}

BOOST_AUTO_TEST_CASE(wide_values_push_the_others_as_in_xl) {
    auto view = web1();
    view.name = std::string(44, 'n');
    view.id = 1'234'567;
    BOOST_TEST(row(ListStyle::xl, false, view) ==
               std::string(44, 'n') + " 1234567   512     2     r-----      12.3\n");
}

BOOST_AUTO_TEST_CASE(our_header_stands_over_its_columns) {
    for (const bool verbose : {false, true}) {
        std::string header;
        append_list_header(header, ListStyle::ours, verbose);
        const auto line = row(ListStyle::ours, verbose, web1());
        BOOST_TEST(header.find('\t') == std::string::npos);
        BOOST_TEST(header.find("State") == line.find("r-----"));
        BOOST_TEST(header.find("Time(s)") + 7 == line.find("12.3") + 4);
        if (verbose) {
            BOOST_TEST(header.find("UUID") == line.find("0b1e5c1e"));
            BOOST_TEST(header.find("Condition") == line.find("running"));
            BOOST_TEST(header.find("Reason") == line.find("started"));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_managed_says_so_in_the_same_columns) {
    api::UnmanagedPartition stranger{"hv:3", 321, {}};
    stranger.hypervisor.vps = 2;
    stranger.hypervisor.guest_memory = 512LL * 1024 * 1024;
    std::string line;
    append_unmanaged_row(line, stranger);
    BOOST_TEST(line ==
               "hv:3 (unmanaged, process 321)                -   512     2     ------         -\n");
    BOOST_TEST(line.size() == row(ListStyle::ours, false, web1()).size());
    stranger.hypervisor.cpu_time_ms = 12'340;
    line.clear();
    append_unmanaged_row(line, stranger);
    BOOST_TEST(line ==
               "hv:3 (unmanaged, process 321)                -   512     2     ------      12.3\n");
}

BOOST_AUTO_TEST_CASE(time_is_of_the_virtual_processors_where_that_is_known) {
    auto view = web1();
    view.runtime->cpu_time_ms = 9'000;
    const auto time_of = [](const api::PartitionView& shown) {
        const std::string line = row(ListStyle::ours, false, shown);
        return line.substr(line.find_last_of(' ') + 1);
    };
    BOOST_TEST(time_of(view) == "9.0\n");
    view.runtime->hypervisor.emplace().partition_id = 9;
    BOOST_TEST(time_of(view) == "9.0\n");
    view.runtime->hypervisor->cpu_time_ms = 7'500;
    BOOST_TEST(time_of(view) == "7.5\n");
}

BOOST_AUTO_TEST_CASE(what_the_hypervisor_tells_has_columns) {
    const auto value = [](const char* name, const api::PartitionView& view) {
        for (const auto& column : list_columns()) {
            if (column.name == name) {
                return column.value(view);
            }
        }
        return std::string("no such column");
    };
    auto view = web1();
    for (const char* name : {"hv", "deposited", "waiting", "intercepts"}) {
        BOOST_TEST(value(name, view) == "-");
        BOOST_TEST(value(name, {}) == "-");
    }
    view.runtime->waiting_ms = 1'250;
    view.runtime->hypervisor.emplace().partition_id = 9;
    BOOST_TEST(value("waiting", view) == "1.3");
    BOOST_TEST(value("hv", view) == "9");
    BOOST_TEST(value("deposited", view) == "-");
    view.runtime->hypervisor->deposited_pages = 298;
    BOOST_TEST(value("deposited", view) == "298");
    view.runtime->hypervisor->waiting_ms = 400;
    view.runtime->hypervisor->intercepts = 77;
    BOOST_TEST(value("waiting", view) == "0.4");
    BOOST_TEST(value("intercepts", view) == "77");
}

BOOST_AUTO_TEST_CASE(no_state_is_six_dashes) {
    for (const auto& [state, name] : api::EnumNames<State>::names) {
        BOOST_TEST(letters(state) != "------", name);
    }
    BOOST_TEST(letters(State::running) == "r-----");
    BOOST_TEST(letters(State::paused) == "--p---");
    BOOST_TEST(letters(State::shutoff, Reason::guest_poweroff) == "---s--");
    BOOST_TEST(letters(State::restarting) == "---sr-");
    BOOST_TEST(letters(State::crashed) == "---sc-");
    BOOST_TEST(letters(State::crashed, Reason::watchdog) == "---sw-");
    BOOST_TEST(letters(State::stuck) == "-----d");
    // xl's shutdown reason 2, "suspend".
    auto sleeper = web1();
    sleeper.runtime->suspended = true;
    const auto six = state_letters(sleeper);
    BOOST_TEST(std::string(six.data(), six.size()) == "---ss-");
    BOOST_TEST(row(ListStyle::xl, true, sleeper).find("        2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_from_outside_cannot_move_the_cursor) {
    auto view = web1();
    view.name = "a\x1b[2J\n\xc2\x9b\xe2\x80\xae"
                "b";
    for (const auto style : {ListStyle::xl, ListStyle::ours}) {
        const auto line = row(style, true, view);
        BOOST_TEST(line.find('\x1b') == std::string::npos);
        BOOST_TEST(line.find('\n') == line.size() - 1);
        BOOST_TEST(line.find("\xe2\x80\xae") == std::string::npos);
    }
    Table table({{"Name"}});
    table.cell(view.name);
    for (const auto format : {TableFormat::table, TableFormat::csv, TableFormat::tsv}) {
        std::string out;
        table.print(out, format, true);
        BOOST_TEST(out.find('\x1b') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(tables_align) {
    Table table({{"Name"}, {"ID", Align::right}, {"Title"}});
    table.cell("a").cell(1).cell("x").cell("longer").cell(1000).cell("gr\xc3\xbcn");
    std::string out;
    table.print(out, TableFormat::table, true);
    BOOST_TEST(out == "Name      ID  Title\n"
                      "a          1  x\n"
                      "longer  1000  gr\xc3\xbcn\n");
    out.clear();
    table.print(out, TableFormat::table, false);
    BOOST_TEST(out.starts_with("a          1  x\n"));
}

BOOST_AUTO_TEST_CASE(csv_quotes_and_tsv_escapes) {
    Table table({{"name"}, {"title"}});
    table.cell("a,b").cell("say \"hi\"").cell("=1+1").cell("-5.0").cell("t\tb").cell("");
    std::string out;
    table.print(out, TableFormat::csv, true);
    BOOST_TEST(out == "name,title\n\"a,b\",\"say \"\"hi\"\"\"\n'=1+1,-5.0\nt\\tb,\n");
    out.clear();
    table.print(out, TableFormat::tsv, false);
    BOOST_TEST(out == "a,b\tsay \"hi\"\n=1+1\t-5.0\nt\\tb\t\n");
}

BOOST_AUTO_TEST_CASE(uptimes_read_as_in_xl) {
    BOOST_TEST(uptime_text(0, false) == " 0:00:00");
    BOOST_TEST(uptime_text(3'599, false) == " 0:59:59");
    BOOST_TEST(uptime_text(86'400 + 3'600 + 61, false) == "1 day,  1:01:01");
    BOOST_TEST(uptime_text(12 * 86'400 + 23 * 3'600, false) == "12 days, 23:00:00");
    BOOST_TEST(uptime_text(2 * 86'400 + 60, true) == "2 days,  0:01");
}

BOOST_AUTO_TEST_CASE(rows_come_one_by_one_and_do_not_mix) {
    auto off = web1();
    off.name = "off";
    off.runtime.reset();
    const std::string json =
        R"({"partitions":[)" + api::encode(web1()) + "," + api::encode(off) + "]}";
    std::vector<std::string> seen;
    api::decode_partition_rows(json, [&](const api::PartitionView& view) {
        seen.push_back(view.name + (view.runtime ? " on" : " off"));
    });
    BOOST_TEST(seen == (std::vector<std::string>{"web1 on", "off off"}),
               boost::test_tools::per_element());
    api::decode_partition_rows(R"({"partitions":[]})",
                               [](const api::PartitionView&) { BOOST_ERROR("there is no row"); });
    for (const auto* bad : {"{}", "[]", R"({"partitions":{}})", R"({"partitions":[1]})", "{"}) {
        BOOST_CHECK_THROW(api::decode_partition_rows(bad, [](const api::PartitionView&) {}),
                          api::Error);
    }
}

BOOST_AUTO_TEST_CASE(tenths_round) {
    BOOST_TEST(tenths(0) == "0.0");
    BOOST_TEST(tenths(49) == "0.0");
    BOOST_TEST(tenths(50) == "0.1");
    BOOST_TEST(tenths(999'951) == "1000.0");
}

BOOST_AUTO_TEST_CASE(json_strings_are_json) {
    std::string out;
    append_json_string(out, std::string("a\"\\\n\x01\xff\xc3\xbc", 8));
    BOOST_TEST(out == "\"a\\\"\\\\\\u000a\\u0001\xef\xbf\xbd\xc3\xbc\"");
    out.clear();
    JsonWriter json(out);
    json.begin_object().field("a", "b").key("c").begin_array().number(1).boolean(true);
    json.end_array().key("d").begin_object().end_object().end_object();
    BOOST_TEST(out == R"({"a":"b","c":[1,true],"d":{}})");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
