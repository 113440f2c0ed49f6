// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>

using namespace mshv::api;

namespace mshv::api {
std::ostream& operator<<(std::ostream& out, ErrorCode code) {
    return out << error_info(code).name;
}
} // namespace mshv::api

namespace {

const std::string smallest = R"({"name":"web","memory":{"size":1048576}})";

/// The one fault of `json` as "where: code".
template <typename T>
std::string fault(std::string_view json, const DecodeOptions& options = {}) {
    try {
        decode<T>(json, options);
    } catch (const Error& error) {
        if (error.problems().empty()) {
            return std::string(error_info(error.code()).name);
        }
        std::string text;
        for (const auto& problem : error.problems()) {
            text += text.empty() ? "" : " ";
            text += problem.where + ":" + problem.code;
        }
        return text;
    }
    return "none";
}

std::string in_request(const std::string& spec) {
    return R"({"spec":)" + spec + "}";
}

struct Case {
    const char* json;
    const char* fault;
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
    return out << one.json;
}

const Case spec_cases[] = {
    {R"({"name":"a","memory":{"size":1},"devices":{"disks":[{"target":"vda","bus":"virtoi"}]}})",
     "/devices/disks/0/bus:E-ENUM"},
    {R"({"name":"a","memory":{"size":1},"colour":1})", "/colour:E-UNKNOWN"},
    {R"({"name":"a","name":"b","memory":{"size":1}})", "/name:E-DUPLICATE"},
    {R"({"memory":{"size":1}})", "/name:E-MISSING"},
    {R"({"name":"a","memory":{}})", "/memory/size:E-MISSING"},
    {R"({"name":1,"memory":{"size":"1"}})", "/name:E-TYPE /memory/size:E-TYPE"},
    {R"({"name":"a","memory":{"size":-1}})", "/memory/size:E-RANGE"},
    {R"({"name":"a","memory":{"size":18446744073709551615}})", "none"},
    {R"({"name":"a","memory":{"size":18446744073709551616}})", "/memory/size:E-TYPE"},
    {R"({"name":"a","memory":{"size":1.0}})", "/memory/size:E-TYPE"},
    {R"({"name":"a","memory":{"size":1e3}})", "/memory/size:E-TYPE"},
    {R"({"name":"a","memory":{"size":1e400}})", "usage"},
    {R"({"name":"a","memory":{"size":1},"cpu":{"maximum":4294967296}})", "/cpu/maximum:E-RANGE"},
    {R"({"name":"a","memory":{"size":1},"cpu":{"maximum":4294967295}})", "none"},
    {R"({"name":"a","memory":{"size":1},"uuid":"12345678-1234-1234-1234-12345678901"})",
     "/uuid:E-UUID"},
    {R"({"name":"a","memory":{"size":1},"uuid":"{12345678-1234-1234-1234-1234567890}"})",
     "/uuid:E-UUID"},
    {R"({"name":"a","memory":{"size":1},"uuid":null})", "/uuid:E-TYPE"},
    {R"({"name":"a","memory":{"size":1},"acpi":1})", "/acpi:E-TYPE"},
    {R"({"name":"a","memory":{"size":1},"labels":{"x":"1","x":"2"}})", "/labels/x:E-DUPLICATE"},
    {R"({"name":"a","memory":{"size":1},"labels":{"a/b~c":2}})", "/labels/a~1b~0c:E-TYPE"},
    {R"({"name":"a","memory":{"size":1},"labels":["x"]})", "/labels:E-TYPE"},
    {R"({"name":"a","memory":{"size":1},"devices":{"disks":{"0":1}}})", "/devices/disks:E-TYPE"},
    {R"({"name":"a","memory":{"size":1},"devices":{"disks":[[],3,{}]}})",
     "/devices/disks/0:E-TYPE /devices/disks/1:E-TYPE /devices/disks/2/target:E-MISSING"},
    {R"({"name":"a\u0000b","memory":{"size":1}})", "/name:E-TEXT"},
    {R"({"name":"a","memory":{"size":1},"title":"\udc00"})", "/title:E-TEXT"},
    {R"({"name":"a","memory":{"size":1},"title":"\ud800"})", "usage"},
    {R"({"name":"a","memory":{"size":1},"title":"\ud83d\ude00"})", "none"},
    {R"({"name":"a","memory":{"size":1},"labels":{"\u0000":"x"}})", "/labels/\0:E-TEXT"},
    {"[]", "/:E-TYPE"},
    {"5", "/:E-TYPE"},
    {"null", "/:E-TYPE"},
    {"", "usage"},
    {"{", "usage"},
    {R"({"name":"a","memory":{"size":1}} x)", "usage"},
    {R"({"name":"a","memory":{"size":1}}{})", "usage"},
    {R"({"name":"a","memory":{"size":1},})", "usage"},
    {R"({"name":"a","memory":{"size":01}})", "usage"},
    {R"({"name":"a","memory":{"size":0x10}})", "usage"},
    {R"({"name":"a","memory":{"size":NaN}})", "usage"},
    {R"({'name':'a'})", "usage"},
    {"{\"name\":\"a\nb\",\"memory\":{\"size\":1}}", "usage"},
    {"{\"name\":\"\xff\",\"memory\":{\"size\":1}}", "usage"},
    {"{\"name\":\"\xc0\x80\",\"memory\":{\"size\":1}}", "usage"},
    {"{\"name\":\"\xed\xa0\x80\",\"memory\":{\"size\":1}}", "usage"},
    {"\xef\xbb\xbf{}", "usage"},
    {R"(/* c */ {"name":"a","memory":{"size":1}})", "usage"},
};

} // namespace

BOOST_DATA_TEST_CASE(hostile_specs, boost::unit_test::data::make(spec_cases)) {
    const std::string expected = std::string_view(sample.fault) == "/labels/"
                                     ? std::string("/labels/\0:E-TEXT", 16)
                                     : sample.fault;
    BOOST_TEST(fault<PartitionSpec>(sample.json) == expected);
}

BOOST_AUTO_TEST_CASE(path_reaches_into_the_request) {
    BOOST_TEST(fault<CreateRequest>(in_request(
                   R"({"name":"a","memory":{"size":1},"devices":{"disks":[{"target":"a"},)"
                   R"({"target":"b","bus":1}]}})")) == "/spec/devices/disks/1/bus:E-TYPE");
}

BOOST_AUTO_TEST_CASE(hints_name_the_nearest_word) {
    try {
        decode<PartitionSpec>(
            R"({"name":"a","memmory":{},"memory":{"size":1},"on_crash":"destory"})");
        BOOST_FAIL("accepted");
    } catch (const Error& error) {
        BOOST_TEST(error.code() == ErrorCode::invalid);
        BOOST_REQUIRE(error.problems().size() == 2U);
        BOOST_TEST(error.problems()[0].hint == "did you mean 'memory'?");
        BOOST_TEST(error.problems()[1].hint == "did you mean 'destroy'?");
        BOOST_TEST(error.message() == "invalid request: /memmory: no such key (and 1 more)");
    }
}

BOOST_AUTO_TEST_CASE(depth_is_limited_without_recursion) {
    const auto nested = [](std::size_t depth) {
        return R"({"name":"a","memory":{"size":1},"x":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}";
    };
    const DecodeOptions tolerant = DecodeOptions::answer();
    BOOST_TEST(fault<PartitionSpec>(nested(31), tolerant) == "none");
    BOOST_TEST(fault<PartitionSpec>(nested(32), tolerant) == "usage");
    BOOST_TEST(fault<PartitionSpec>(nested(1'000'000), tolerant) == "usage");
    BOOST_TEST(fault<PartitionSpec>(std::string(1'000'000, '['), tolerant) == "usage");
}

BOOST_AUTO_TEST_CASE(size_is_limited) {
    BOOST_TEST(fault<PartitionSpec>(smallest, {.max_bytes = smallest.size()}) == "none");
    BOOST_TEST(fault<PartitionSpec>(smallest, {.max_bytes = smallest.size() - 1}) == "usage");
}

BOOST_AUTO_TEST_CASE(a_nul_does_not_hide_what_follows) {
    BOOST_TEST(fault<PartitionSpec>(smallest + std::string("\0{}", 3)) == "usage");
    BOOST_TEST(fault<PartitionSpec>(smallest + std::string(1, '\0')) == "usage");
}

BOOST_AUTO_TEST_CASE(problems_are_counted_up_to_a_limit) {
    std::string many = R"({"name":"a","memory":{"size":1},"labels":{)";
    for (int i = 0; i < 1000; ++i) {
        many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
    }
    many += "}}";
    try {
        decode<PartitionSpec>(many);
        BOOST_FAIL("accepted");
    } catch (const Error& error) {
        BOOST_TEST(error.problems().size() == 50U);
    }
}

BOOST_AUTO_TEST_CASE(answers_of_a_newer_daemon_are_read) {
    const std::string json = R"({"version":"9","flavour":{"a":[1,{"b":null}],"a":2},"pid":7})";
    BOOST_TEST(fault<VersionInfo>(json) == "/flavour:E-UNKNOWN");
    const auto info = decode<VersionInfo>(json, DecodeOptions::answer());
    BOOST_TEST(info.version == "9");
    BOOST_TEST(info.pid == 7);
}

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_struct) {
    PartitionSpec expected;
    expected.name = "web";
    expected.memory.size = 1048576;
    BOOST_TEST((decode<PartitionSpec>(smallest) == expected));
    expected.shutdown.methods.clear();
    BOOST_TEST((decode<PartitionSpec>(encode(expected)) == expected));
    BOOST_TEST(decode<StartRequest>("{}").timeout_ms == StartRequest{}.timeout_ms);
}

BOOST_AUTO_TEST_CASE(optional_members_are_absent_when_empty) {
    PartitionView view;
    view.name = "a";
    view.id = 3;
    BOOST_TEST(encode(view) ==
               R"({"id":3,"uuid":"00000000-0000-0000-0000-000000000000","name":"a",)"
               R"("state":"shutoff","reason":"defined","persistent":true,"autostart":false,)"
               R"("memory":0,"vcpus":1,"state_since_ms":0,"revision":0,"saved":false})");
    view.operation.emplace().verb = "start";
    const auto again = decode<PartitionView>(encode(view));
    BOOST_TEST(again.operation.has_value());
    BOOST_TEST(!again.runtime.has_value());
}

BOOST_AUTO_TEST_CASE(encode_appends) {
    std::string out = "x";
    encode(RenameRequest{"n"}, out);
    BOOST_TEST(out == R"(x{"name":"n"})");
}

BOOST_AUTO_TEST_CASE(bad_bytes_are_replaced_not_sent) {
    LastExit exit;
    PartitionView view;
    view.name = "a";
    view.last_exit = exit;
    view.last_exit->detail = "12345678\xff ok \xed\xa0\x80";
    const auto again = decode<PartitionView>(encode(view));
    BOOST_TEST(again.last_exit->detail ==
               "12345678\xef\xbf\xbd ok \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

BOOST_AUTO_TEST_CASE(control_characters_round_trip) {
    PartitionSpec spec;
    spec.name = "a";
    for (char c = 1; c < 0x20; ++c) {
        spec.description += c;
    }
    spec.description += "\"\\\x7f";
    BOOST_TEST((decode<PartitionSpec>(encode(spec)) == spec));
}

BOOST_AUTO_TEST_CASE(lists) {
    PartitionList list;
    for (int i = 1; i <= 100; ++i) {
        auto& view = list.partitions.emplace_back();
        view.id = i;
        view.name = "p" + std::to_string(i);
        view.labels["k"] = "v";
    }
    const auto rows = decode_partition_list(encode(list));
    BOOST_REQUIRE(rows.size() == 100U);
    BOOST_TEST(rows[99].name == "p100");
    BOOST_TEST(rows[99].labels.at("k") == "v");
    BOOST_TEST(decode_partition_list(R"({"partitions":[]})").empty());
    BOOST_TEST(encode(list).find("unmanaged") == std::string::npos);
    list.unmanaged.push_back({"hv:3", 321, {}});
    list.unmanaged.back().hypervisor.partition_id = 3;
    list.unmanaged.back().hypervisor.deposited_pages = 298;
    std::size_t managed = 0;
    const auto others =
        decode_partition_rows(encode(list), [&](const PartitionView&) { ++managed; });
    BOOST_TEST(managed == 100U);
    BOOST_REQUIRE(others.size() == 1U);
    BOOST_TEST(others.front().name == "hv:3");
    BOOST_TEST(others.front().process == 321);
    BOOST_TEST(others.front().hypervisor.deposited_pages.value() == 298);
    BOOST_TEST(!others.front().hypervisor.withdrawn_pages);
}
