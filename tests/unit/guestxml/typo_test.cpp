// SPDX-License-Identifier: Apache-2.0
// The seven one-token typing errors with which libvirt's schema names the right line once.
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

namespace {

struct Typo {
    std::string from, to; ///< the first `from` of the full example becomes `to`
    std::string wrong;    ///< what is underlined: found in `to`
    std::string code, where, hint;
};

std::ostream& operator<<(std::ostream& out, const Typo& typo) {
    return out << typo.to;
}

const std::vector<Typo> typos{
    {"<vcpu placement='static' cpuset='4-7' current='2'>4</vcpu>", "<vcpus>2</vcpus>", "vcpus",
     "E-ELEMENT", "/partition/vcpus", "did you mean 'vcpu'?"},
    {"<target dev='vda' bus='virtio'/>", "<target dev='vda' buss='virtio'/>", "buss", "E-ATTR",
     "/partition/devices/disk[1]/target/@buss", "did you mean 'bus'?"},
    {"<target dev='vda' bus='virtio'/>", "<target dev='vda' bus='virtoi'/>", "virtoi", "E-ENUM",
     "/partition/devices/disk[1]/target/@bus", "did you mean 'virtio'?"},
    {"<model type='virtio'/>", "<modle type='virtio'/>", "modle", "E-ELEMENT",
     "/partition/devices/interface/modle", "did you mean 'model'?"},
    {"<mac address='52:54:00:6b:3c:01'/>", "<mac address='52:54:00:6b:3c:1'/>", "52:54:00:6b:3c:1",
     "E-TYPE", "/partition/devices/interface/mac/@address",
     "six pairs of hexadecimal digits: 52:54:00:12:34:56"},
    {"<memory unit='GiB'>4</memory>", "<memory unit='KB1'>4</memory>", "KB1", "E-UNIT",
     "/partition/memory/@unit", "did you mean 'KB'?"},
    {"<on_reboot>restart</on_reboot>", "<on_reboot>restrat</on_reboot>", "restrat", "E-ENUM",
     "/partition/on_reboot", "did you mean 'restart'?"},
};

} // namespace

BOOST_AUTO_TEST_SUITE(typing_errors)

BOOST_DATA_TEST_CASE(a_typo_is_told_at_its_place_with_the_right_word,
                     boost::unit_test::data::make(typos), typo) {
    std::string document = read(data_dir() / "full-example.xml");
    const std::size_t at = document.find(typo.from);
    BOOST_REQUIRE(at != std::string::npos);
    document.replace(at, typo.from.size(), typo.to);

    const std::size_t wrong = at + typo.to.find(typo.wrong);
    const auto line = 1 + std::count(document.begin(),
                                     document.begin() + static_cast<std::ptrdiff_t>(wrong), '\n');
    const auto column = static_cast<long>(wrong - document.rfind('\n', wrong));

    const ParseResult before = parse(read(data_dir() / "full-example.xml"));
    const ParseResult result = parse(document);
    std::vector<api::Problem> fresh; // what the example as it is does not have
    for (const api::Problem& problem : result.problems) {
        const bool known =
            std::any_of(before.problems.begin(), before.problems.end(), [&](const auto& old) {
                return old.where == problem.where && old.code == problem.code;
            });
        if (!known) {
            fresh.push_back(problem);
        }
    }
    const auto found = std::find_if(fresh.begin(), fresh.end(), [&](const api::Problem& problem) {
        return problem.where == typo.where;
    });
    BOOST_REQUIRE_MESSAGE(found != fresh.end(), texts(fresh));
    BOOST_TEST(found->code == typo.code);
    BOOST_TEST(found->line == line);
    BOOST_TEST(found->column == column);
    BOOST_TEST(found->length == static_cast<long>(typo.wrong.size()));
    BOOST_TEST(found->hint == typo.hint);
}

BOOST_AUTO_TEST_CASE(the_full_example_is_refused_for_this_release_only) {
    const ParseResult result = parse(read(data_dir() / "full-example.xml"));
    BOOST_TEST(!result.spec);
    BOOST_TEST(result.problems.size() > 20U);
    for (const api::Problem& problem : result.problems) {
        BOOST_TEST((problem.code == "E-UNSUPPORTED"), format_problem(problem, ""));
    }
}

BOOST_AUTO_TEST_CASE(names_in_the_wrong_place_are_told_the_right_one) {
    const auto hint = [](const std::string& body) {
        const ParseResult result = parse(partition(body));
        return result.problems.empty() ? std::string() : result.problems.front().hint;
    };
    BOOST_TEST(hint("<disk/>") == "<disk> stands in /partition/devices");
    BOOST_TEST(hint("<kernel>/a</kernel>") == "<kernel> stands in /partition/os");
    BOOST_TEST(hint("<ram>1</ram>") == "did you mean 'memory'?");
    BOOST_TEST(hint("<VCPU>1</VCPU>") == "did you mean 'vcpu'?");
    BOOST_TEST(hint("<devices><disk file='/a'><source/><target dev='vda'/></disk></devices>") ==
               "the attribute 'file' belongs to /partition/devices/disk/source");
}

BOOST_AUTO_TEST_SUITE_END()
