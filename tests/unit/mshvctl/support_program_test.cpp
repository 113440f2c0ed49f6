// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/programs.hpp"
#include "toolstack/mshvctl/support/redaction.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace {

using namespace mshv;
using test::ProgramFixture;

constexpr const char* uuid = "3f2c1a9e-8b7d-4c55-9a20-5d1f6b0e7c11";

struct SupportFixture : ProgramFixture {
    std::string temporary = folder / "tmp";
    std::string bundle = folder / "bundle.tar.gz";

    SupportFixture() {
        posix::make_directories(temporary, 0700);
        environment = {"PATH=/usr/bin:/bin", "TMPDIR=" + temporary};
        daemon.on("GET /v1/partitions", 200,
                  std::string(R"({"partitions":[{"id":7,"uuid":")") + uuid +
                      R"(","name":"web01","state":"shutoff","reason":"defined","persistent":true,)"
                      R"("memory":1048576,"vcpus":1,"spec_rev":1}]})");
        api::StoredDefinition stored;
        stored.spec.name = "web01";
        stored.spec.uuid = *api::parse_uuid(uuid);
        stored.spec.memory.size = 64UL << 20U;
        stored.spec.title = "secret title";
        stored.spec.boot.kernel = "/boot/vmlinuz";
        stored.spec.boot.cmdline = "password=secret";
        daemon.on("GET /v1/partitions/uuid:" + std::string(uuid) + "/spec", 200,
                  api::encode(stored));
    }

    /// A file of the bundle.
    [[nodiscard]] std::string content(const std::string& name) const {
        const posix::Fd output = posix::memory_file_for_writing("out");
        ctl::run_program({"/usr/bin/tar", "--extract", "--to-stdout", "--wildcards", "--file",
                          bundle, "*/" + name},
                         output.get(), posix::Deadline::after(std::chrono::seconds(60)));
        ::lseek(output.get(), 0, SEEK_SET);
        return posix::read_all(output.get(), 1 << 20, name);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(support_program, SupportFixture)

BOOST_AUTO_TEST_CASE(the_bundle_has_definitions_without_secrets) {
    const auto result = run({"support-bundle", "-o", bundle});
    BOOST_TEST(result.status == 0, result.err);
    BOOST_TEST(result.err.find("without partitions") == std::string::npos, result.err);
    BOOST_TEST(result.out == bundle + "\n");
    const std::string xml = content("partitions/web01.xml");
    BOOST_TEST(xml.find("web01") != std::string::npos);
    BOOST_TEST(xml.find("(redacted)") != std::string::npos);
    BOOST_TEST(xml.find("secret") == std::string::npos);
    BOOST_TEST(content("partitions.json").find("web01") != std::string::npos);
    struct stat facts {};
    BOOST_TEST_REQUIRE(::stat(bundle.c_str(), &facts) == 0);
    BOOST_TEST((facts.st_mode & 07777U) == 0600U);
    BOOST_TEST(std::filesystem::is_empty(temporary));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_had_is_noted_and_no_error) {
    daemon.on("GET /v1/partitions", 500, R"({"error":{"code":"failed","message":"it is broken"}})");
    const auto result = run({"support-bundle", "-o", bundle});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err.find("without partitions: it is broken") != std::string::npos);
    BOOST_TEST(content("manifest.json").find("it is broken") != std::string::npos);
    BOOST_TEST(!content("doctor.json").empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_exists_stays_and_one_that_cannot_be_is_told_at_once) {
    posix::replace_file(bundle, "mine");
    const auto result = run({"support-bundle", "-o", bundle});
    BOOST_TEST(result.status == 4);
    BOOST_TEST(posix::read_file(bundle, 100) == "mine");
    const auto nowhere = run({"support-bundle", "-o", folder / "missing/b.tar.gz"});
    BOOST_TEST(nowhere.status == 1);
    BOOST_TEST(std::filesystem::is_empty(temporary));
}

BOOST_AUTO_TEST_CASE(without_tar_there_is_no_bundle) {
    environment = {"PATH=" + temporary, "TMPDIR=" + temporary};
    const auto result = run({"support-bundle", "-o", bundle});
    BOOST_TEST(result.status == 7);
    BOOST_TEST(result.err.find("there is no tar on this host") != std::string::npos);
    BOOST_TEST(!std::filesystem::exists(bundle));
}

BOOST_AUTO_TEST_SUITE_END()
