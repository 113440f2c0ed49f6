// SPDX-License-Identifier: Apache-2.0
// Every document of tests/data/import: its report to the letter, and the guest that comes of it.
#include "tests/unit/import/support.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <sstream>

using namespace mshv;
using namespace mshv::foreign;
using namespace mshv::foreign::test;

namespace {

/// What the document's own comments ask of its second import.
ImportOptions asked(const std::string& document) {
    ImportOptions options;
    std::istringstream lines(document);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(0, line.find("-->")));
        std::string mark, what, word;
        words >> mark >> what;
        if (mark != "#" && mark != "<!--") {
            continue;
        }
        options.compat_libvirt = options.compat_libvirt || what == "compat";
        while ((what == "accept:" || what == "bridge:") && words >> word) {
            if (what == "accept:") {
                options.accepted.push_back(word);
            } else {
                const std::size_t equals = word.find('=');
                options.bridges.emplace_back(word.substr(0, equals), word.substr(equals + 1));
            }
        }
    }
    return options;
}

bool says_something(const ImportOptions& options) {
    return !options.accepted.empty() || !options.bridges.empty() || options.compat_libvirt;
}

Imported import_file(const std::filesystem::path& path, const std::string& document,
                     ImportOptions options) {
    options.file_name = path.filename();
    return path.extension() == ".cfg" ? import_xl(document, options)
                                      : import_libvirt(document, options);
}

void sound(const Imported& made, const std::string& document) {
    for (const api::Problem& problem : made.problems) {
        BOOST_TEST((problem.line >= 1 && problem.column >= 1), problem.message);
        BOOST_TEST(!problem.message.empty());
        BOOST_TEST(!guestxml::format_problem(problem, document).empty());
    }
    const bool errors = std::any_of(made.problems.begin(), made.problems.end(),
                                    [](const api::Problem& problem) { return !problem.warning; });
    BOOST_TEST(made.spec.has_value() == !errors);
    if (made.spec) {
        const std::string xml = guestxml::to_xml(*made.spec);
        const auto again = guestxml::parse(xml);
        BOOST_TEST((again.spec == made.spec));
        BOOST_TEST(guestxml::to_xml(*again.spec) == xml);
    }
}

std::string outcome(const std::filesystem::path& path) {
    const std::string document = read(path);
    Imported made = import_file(path, document, {});
    sound(made, document);
    std::string text =
        "# SPDX-License-Identifier: Apache-2.0\n# import\n" + report_of(made.problems, document);
    const ImportOptions options = asked(document);
    if (says_something(options)) {
        made = import_file(path, document, options);
        sound(made, document);
        text += "# import as asked\n" + report_of(made.problems, document);
    }
    text += made.spec ? "# guest\n" + guestxml::to_xml(*made.spec) : "# no guest\n";
    return text;
}

void check_folder(const std::string& folder, const std::string& extension, std::size_t least) {
    const auto all = documents(folder, extension);
    BOOST_TEST(all.size() >= least);
    for (const auto& path : all) {
        auto expectation = path;
        expectation.replace_extension(".expect");
        const std::string got = outcome(path);
        if (std::getenv("MSHV_WRITE_EXPECTATIONS") != nullptr) {
            std::ofstream(expectation) << got;
        }
        BOOST_TEST(got == read(expectation), path.filename());
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(documents_of_others)

BOOST_AUTO_TEST_CASE(xl_documents) {
    check_folder("tests/data/import/xl", ".cfg", 20);
}

BOOST_AUTO_TEST_CASE(libvirt_documents) {
    check_folder("tests/data/import/libvirt", ".xml", 15);
}

BOOST_AUTO_TEST_CASE(samples_of_libvirt_are_imported) {
    for (const auto& path : documents("tests/data/guestxml/libvirt", ".xml")) {
        const std::string document = read(path);
        ImportOptions options;
        options.compat_libvirt = true;
        const Imported made = import_libvirt(document, options);
        BOOST_TEST(made.spec.has_value(), report_of(made.problems, document));
        sound(made, document);
    }
}

BOOST_AUTO_TEST_SUITE_END()
