// SPDX-License-Identifier: Apache-2.0
// The documents of tests/data/import with one thing changed: what is accepted is sound and comes
// back from libvirt's form, what is not is told with its place.
#include "tests/unit/import/support.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace mshv;
using namespace mshv::foreign;
using namespace mshv::foreign::test;

namespace {

using Importer = Imported (*)(std::string_view, const ImportOptions&);

std::string any_document(const std::string& folder, const std::string& extension) {
    return read(*rc::gen::elementOf(documents(folder, extension)));
}

ImportOptions any_options() {
    ImportOptions options;
    if (*rc::gen::arbitrary<bool>()) {
        options.accepted = {"all"};
        options.compat_libvirt = true;
    }
    return options;
}

void sound(const std::string& document, const Imported& made) {
    bool failed = false;
    for (const api::Problem& problem : made.problems) {
        failed = failed || !problem.warning;
        RC_ASSERT(problem.line >= 1 && problem.column >= 1);
        RC_ASSERT(!problem.message.empty());
        RC_ASSERT(!guestxml::format_problem(problem, document).empty());
    }
    RC_ASSERT(made.spec.has_value() != failed);
    if (!made.spec) {
        return;
    }
    const std::string xml = guestxml::to_xml(*made.spec);
    const auto again = guestxml::parse(xml);
    RC_ASSERT(again.spec == made.spec);
    RC_ASSERT(guestxml::to_xml(*again.spec) == xml);
    RC_ASSERT(import_libvirt(to_libvirt(*made.spec).xml).spec == made.spec);
}

void mutated(const std::string& folder, const std::string& extension, Importer import) {
    std::string document = any_document(folder, extension);
    const auto place = [&] { return *rc::gen::inRange<std::size_t>(0, document.size()); };
    switch (*rc::gen::inRange(0, 4)) {
    case 0:
        document.erase(place(), *rc::gen::inRange<std::size_t>(1, 20));
        break;
    case 1:
        document.insert(place(), document.substr(place(), 12));
        break;
    case 2:
        document[place()] = *rc::gen::elementOf(std::string("'\"[]=,;#<>/\\ \n0x-."));
        break;
    default:
        break;
    }
    sound(document, import(document, any_options()));
}

} // namespace

BOOST_AUTO_TEST_SUITE(mutation)

BOOST_AUTO_TEST_CASE(xl_documents_with_one_change) {
    BOOST_TEST(rc::check("an xl.cfg, changed",
                         [] { mutated("tests/data/import/xl", ".cfg", &import_xl); }));
}

BOOST_AUTO_TEST_CASE(libvirt_documents_with_one_change) {
    BOOST_TEST(rc::check("a <domain>, changed",
                         [] { mutated("tests/data/import/libvirt", ".xml", &import_libvirt); }));
}

BOOST_AUTO_TEST_CASE(a_deleted_setting_is_told_or_was_optional) {
    BOOST_TEST(rc::check("an xl.cfg without one line", [] {
        std::string document = any_document("tests/data/import/xl", ".cfg");
        const std::size_t end =
            document.find('\n', *rc::gen::inRange<std::size_t>(0, document.size() - 1));
        const std::size_t start = document.rfind('\n', end == 0 ? 0 : end - 1);
        document.erase(start == std::string::npos ? 0 : start, end - start);
        sound(document, import_xl(document, any_options()));
    }));
}

BOOST_AUTO_TEST_CASE(any_bytes_are_survived) {
    BOOST_TEST(rc::check("import(bytes) ends", [](const std::string& bytes) {
        RC_ASSERT(!import_xl(bytes).spec);
        RC_ASSERT(!import_libvirt(bytes).spec);
    }));
}

BOOST_AUTO_TEST_SUITE_END()
