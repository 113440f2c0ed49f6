// SPDX-License-Identifier: Apache-2.0
//
// Documents that users, and attackers, write: through `mshvctl check`, which needs no daemon.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/json.hpp"
#include "tests/e2e/lib/program.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>

using namespace mshv::e2e;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> sanitizer_options() {
    std::vector<std::string> env;
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) {
            env.push_back(std::string(name) + "=" + value);
        }
    }
    return env;
}

Outcome check(const std::string& file, const std::string& input = {}) {
    return run({mshvctl_path(), "--json", "check", file},
               {.env = sanitizer_options(), .input = input});
}

std::vector<std::string> files_below(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(source_path(folder))) {
        if (entry.is_regular_file() && entry.path().extension() != ".md") {
            files.push_back(entry.path().string());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Each file is refused with exit status 6 and at least one problem that has a place.
void check_refused(const std::string& file) {
    const auto outcome = check(file);
    BOOST_CHECK_MESSAGE(outcome.status == 6,
                        file << ": status " << outcome.status << " " << outcome.err);
    const auto item = Json::parse(outcome.out)["items"].items().at(0);
    BOOST_REQUIRE_MESSAGE(!item["ok"].flag(), file << " was accepted");
    const auto problems = item["error"]["problems"].items();
    BOOST_CHECK_MESSAGE(!problems.empty(), file << ": no problem is named");
    for (const auto& problem : problems) {
        BOOST_CHECK_MESSAGE(problem.has("line") && problem["line"].number() >= 1,
                            file << ": no line in " << problem.dump());
        BOOST_CHECK_MESSAGE(problem.has("message") && !problem["message"].text().empty(),
                            file << ": no message in " << problem.dump());
    }
    // The text for people holds nothing that drives their terminal.
    const auto text = run({mshvctl_path(), "check", file}, {.env = sanitizer_options()});
    BOOST_CHECK_EQUAL(text.status, 6);
    BOOST_CHECK_MESSAGE(text.err.find('\033') == std::string::npos, file << ": an escape got out");
    BOOST_CHECK_MESSAGE(contains(text.err, ":"), file << ": " << text.err);
}

} // namespace

BOOST_AUTO_TEST_CASE(hostile_documents) {
    const auto files = files_below("tests/data/guestxml/invalid");
    BOOST_TEST(files.size() >= 60U);
    for (const auto& file : files) {
        BOOST_TEST_CONTEXT(file) {
            check_refused(file);
        }
    }
}

BOOST_AUTO_TEST_CASE(documents_made_here) {
    const auto refused = [](const std::string& text) {
        const auto outcome = check("-", text);
        return outcome.status;
    };
    BOOST_TEST(refused("") == 6);
    BOOST_TEST(refused(std::string(1000, '\0')) == 6);
    BOOST_TEST(refused("<partition>") == 6);
    BOOST_TEST(refused("<!DOCTYPE x [<!ENTITY a 'b'>]><partition/>") == 6);
    std::string deep;
    for (int i = 0; i < 10'000; ++i) {
        deep += "<a>";
    }
    BOOST_TEST(refused(deep) == 6);
    BOOST_TEST(refused("<partition>" + std::string(60'000, ' ') + "</partition>") == 6);
}

BOOST_AUTO_TEST_CASE(documents_that_are_too_large) {
    // Longer than a pipe takes at once, so from a file.
    std::string folder = "/tmp/mshv-e2e-doc.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(folder.data()) != nullptr);
    mshv::posix::replace_file(folder + "/huge.xml", "<partition><name>" +
                                                        std::string(64 << 20, 'a') +
                                                        "</name></partition>");
    std::string attributes = "<partition ";
    for (int i = 0; i < 50'000; ++i) {
        attributes += "a" + std::to_string(i) + "='1' ";
    }
    mshv::posix::replace_file(folder + "/attributes.xml", attributes + "/>");
    std::string devices = "<partition><name>x</name><devices>";
    for (int i = 0; i < 100'000; ++i) {
        devices += "<rng model='virtio'/>";
    }
    mshv::posix::replace_file(folder + "/devices.xml", devices + "</devices></partition>");
    for (const char* name : {"/huge.xml", "/attributes.xml", "/devices.xml"}) {
        BOOST_TEST(check(folder + name).status == 6);
    }
    BOOST_TEST(check(folder + "/absent.xml").status != 0);
    mshv::posix::remove_tree(folder);
}

BOOST_AUTO_TEST_CASE(every_sample_is_valid) {
    const auto samples = files_below("configs/guests");
    BOOST_TEST(samples.size() >= 4U);
    for (const auto& sample : samples) {
        const auto outcome = run({mshvctl_path(), "check", sample}, {.env = sanitizer_options()});
        BOOST_TEST(outcome.status == 0, sample << ": " << outcome.err);
    }
}

namespace {

/// One token of a valid document spelled wrongly, as features.md's table has them.
struct Typo {
    const char* right;
    const char* wrong;
    const char* marked; ///< what the column must point at
    const char* hint;   ///< what the hint must contain
};

std::ostream& operator<<(std::ostream& out, const Typo& typo) {
    return out << typo.wrong;
}

const std::vector<Typo> typos{
    {"<vcpu>2</vcpu>", "<vcpus>2</vcpus>", "vcpus", "vcpu"},
    {"dev='vda' bus='virtio'", "dev='vda' buss='virtio'", "buss", "bus"},
    {"dev='vda' bus='virtio'", "dev='vda' bus='virtoi'", "virtoi", "virtio"},
    {"<model type='virtio'/>", "<modle type='virtio'/>", "modle", "model"},
    {"52:54:00:6b:3c:01", "52:54:00:6b:3c:1", "52:54:00:6b:3c:1", ""},
    {"unit='KiB'", "unit='KB1'", "KB1", "K"},
    {"<on_reboot>restart</on_reboot>", "<on_reboot>restrat</on_reboot>", "restrat", "restart"},
};

const std::string document = R"(<?xml version="1.0" encoding="UTF-8"?>
<partition type='tcg'>
  <name>typo</name>
  <memory unit='KiB'>131072</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
  </os>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <source file='/srv/typo.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'>
      <mac address='52:54:00:6b:3c:01'/>
      <model type='virtio'/>
    </interface>
  </devices>
</partition>
)";

} // namespace

BOOST_DATA_TEST_CASE(seven_typos, boost::unit_test::data::make(typos), typo) {
    BOOST_REQUIRE_EQUAL(check("-", document).status, 0);
    auto text = document;
    const auto at = text.find(typo.right);
    BOOST_REQUIRE(at != std::string::npos);
    text.replace(at, std::string_view(typo.right).size(), typo.wrong);
    const auto place = text.find(typo.marked, at);
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(place), '\n');
    const auto column = place - text.rfind('\n', place);

    const auto outcome = check("-", text);
    BOOST_TEST(outcome.status == 6);
    const auto problems =
        Json::parse(outcome.out)["items"].items().at(0)["error"]["problems"].items();
    BOOST_REQUIRE_EQUAL(problems.size(), 1U); // one typo, one problem
    BOOST_TEST(problems[0]["line"].number() == line);
    BOOST_TEST(problems[0]["column"].number() == static_cast<std::int64_t>(column));
    if (*typo.hint != '\0') {
        BOOST_TEST(contains(problems[0]["hint"].text(), typo.hint), problems[0].dump());
    }
}
