// SPDX-License-Identifier: Apache-2.0
// The generated schema, judged by libxml2's RELAX NG: it takes what the parser takes.
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <memory>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

namespace {

template <auto Free>
struct Freer {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

class Schema {
public:
    explicit Schema(const std::string& text) {
        const std::unique_ptr<xmlRelaxNGParserCtxt, Freer<xmlRelaxNGFreeParserCtxt>> parser(
            xmlRelaxNGNewMemParserCtxt(text.data(), static_cast<int>(text.size())));
        schema_.reset(xmlRelaxNGParse(parser.get()));
    }
    [[nodiscard]] bool sound() const { return schema_ != nullptr; }

    [[nodiscard]] bool takes(const std::string& document) const {
        const std::unique_ptr<xmlDoc, Freer<xmlFreeDoc>> tree(
            xmlReadMemory(document.data(), static_cast<int>(document.size()), nullptr, nullptr,
                          XML_PARSE_NONET | XML_PARSE_NOERROR));
        const std::unique_ptr<xmlRelaxNGValidCtxt, Freer<xmlRelaxNGFreeValidCtxt>> context(
            xmlRelaxNGNewValidCtxt(schema_.get()));
        xmlRelaxNGSetValidStructuredErrors(
            context.get(), [](void*, auto) {}, nullptr);
        return tree && xmlRelaxNGValidateDoc(context.get(), tree.get()) == 0;
    }

private:
    std::unique_ptr<xmlRelaxNG, Freer<xmlRelaxNGFree>> schema_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(schema)

BOOST_AUTO_TEST_CASE(the_file_in_configs_is_what_the_table_makes) {
    BOOST_TEST((read(source_dir() / "configs/schema/partition.rng") == relax_ng()),
               "stale: run ninja mshv_schema");
}

BOOST_AUTO_TEST_CASE(it_takes_what_the_parser_takes) {
    const Schema schema(relax_ng());
    BOOST_REQUIRE(schema.sound());
    for (const auto& path : documents(source_dir() / "configs/guests")) {
        BOOST_TEST(schema.takes(read(path)), path);
        BOOST_TEST(schema.takes(to_xml(accepted(read(path)))), path);
    }
}

BOOST_AUTO_TEST_CASE(it_refuses_what_the_table_does_not_know) {
    const Schema schema(relax_ng());
    const char* const bodies[] = {
        "<vcpus>2</vcpus>",
        "<vcpu>0</vcpu>",
        "<vcpu curent='1'>2</vcpu>",
        "<on_reboot>restrat</on_reboot>",
        "<devices><disk><target dev='vda' bus='virtoi'/></disk></devices>",
        "<devices><interface type='user'><modle/></interface></devices>",
        "<devices><hostdev/></devices>",
        "<memory unit='KB1'>3</memory>",
        "<metadata><owner/></metadata>",
        "<name>second</name>"};
    BOOST_TEST(schema.takes(partition("<vcpu>2</vcpu>")));
    for (const char* const body : bodies) {
        BOOST_TEST(!schema.takes(partition(body)), body);
        BOOST_TEST(!parse(partition(body)).spec.has_value(), body);
    }
}

BOOST_AUTO_TEST_CASE(the_manual_has_every_row) {
    const std::string manual = manual_table();
    for (const char* const path :
         {"*devices/disk/target/@bus* (virtio, sata)", "*mshv/restart/@window*", "*on\\_crash*",
          "*devices/hostdev*", "Default: KiB"}) {
        BOOST_TEST(manual.find(path) != std::string::npos, path);
    }
}

BOOST_AUTO_TEST_SUITE_END()
