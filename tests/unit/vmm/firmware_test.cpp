// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/firmware.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace

std::string descriptor(const std::string& code, const std::string& features,
                       const std::string& architecture = "x86_64") {
    return R"({"description":"x","interface-types":["uefi"],"mapping":{"device":"flash",
        "executable":{"filename":")" +
           code + R"(","format":"raw"},
        "nvram-template":{"filename":"/vars.fd","format":"raw"}},
        "targets":[{"architecture":")" +
           architecture + R"(","machines":["pc-i440fx-*","pc-q35-*"]}],"features":[)" + features +
           R"(],"tags":[]})";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_descriptor_is_read) {
    const auto image = parse_firmware(descriptor("/code.fd", R"("acpi-s3","secure-boot")"));
    BOOST_REQUIRE(image.has_value());
    BOOST_TEST(image->code == "/code.fd");
    BOOST_TEST(image->vars_template == "/vars.fd");
    BOOST_TEST(image->secure_boot);
    BOOST_TEST(!image->requires_smm);
    for (const char* bad : {"", "{}", "[]", R"({"interface-types":["bios"]})",
                            R"({"interface-types":"uefi","mapping":{"device":"flash"}})"}) {
        BOOST_TEST(!parse_firmware(bad).has_value(), bad);
    }
}

BOOST_AUTO_TEST_CASE(the_plain_one_is_taken_and_the_admins_folder_goes_first) {
    std::string root = "/tmp/mshv-fw-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(root.data()) != nullptr);
    const std::string own = root + "/etc";
    const std::string shared = root + "/usr";
    std::filesystem::create_directories(own);
    std::filesystem::create_directories(shared);
    std::ofstream(shared + "/40-smm.json") << descriptor("/smm.fd", R"("requires-smm")");
    std::ofstream(shared + "/50-secure.json") << descriptor("/secure.fd", R"("secure-boot")");
    std::ofstream(shared + "/60-plain.json") << descriptor("/plain.fd", "");
    std::ofstream(shared + "/30-arm.json") << descriptor("/arm.fd", "", "aarch64");
    std::ofstream(shared + "/20-broken.json") << "{";
    const std::vector<std::string> folders{own, shared, root + "/none"};
    BOOST_TEST(find_efi(folders, api::Machine::q35)->code == "/plain.fd");
    std::ofstream(own + "/60-plain.json") << ""; // removes its namesake
    BOOST_TEST(find_efi(folders, api::Machine::q35)->code == "/secure.fd");
    std::ofstream(own + "/60-plain.json") << descriptor("/mine.fd", "");
    BOOST_TEST(find_efi(folders, api::Machine::q35)->code == "/mine.fd");
    BOOST_TEST(!find_efi({root + "/none"}, api::Machine::q35).has_value());
    posix::remove_tree(root);
}

BOOST_AUTO_TEST_CASE(json_is_read_strictly) {
    const auto good = JsonValue::parse(R"({"a":[1,-2,true,null,1.5,"x"],"b":{"c":"d"}})");
    BOOST_REQUIRE(good.has_value());
    BOOST_TEST(text_at(*good, {"b", "c"}) == "d");
    const auto& list = good->find("a")->items();
    BOOST_TEST(list[1].number().value() == -2);
    BOOST_TEST(list[2].boolean().value());
    BOOST_TEST(!list[4].number().has_value());
    BOOST_TEST(!list[5].number().has_value());
    BOOST_TEST(good->find("none") == nullptr);
    BOOST_TEST(good->at({"a", "b"}) == nullptr);
    for (const std::string& bad : std::vector<std::string>{
             "", "{", R"({"a":1,"a":2})", "{} {}", "\"\xff\"", std::string("1\0", 2), "01", "[1,]",
             std::string(33, '[') + std::string(33, ']')}) {
        BOOST_TEST(!JsonValue::parse(bad).has_value(), bad);
    }
    BOOST_TEST(!JsonValue::parse("[18446744073709551615]")->items()[0].number().has_value());
    std::string wide = "{";
    for (int i = 0; i < 5000; ++i) {
        wide += "\"k" + std::to_string(i) + "\":0,";
    }
    BOOST_TEST(!JsonValue::parse(wide + "\"z\":0}").has_value());
}
