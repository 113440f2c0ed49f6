// SPDX-License-Identifier: Apache-2.0
// Documents that must be refused: those of tests/data/guestxml/invalid and large ones made here.
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <ctime>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <map>
#include <sstream>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double longest_ms = 5000;
#else
constexpr double longest_ms = 250;
#endif

double cpu_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Expected {
    std::string code, place, where, hint;
};

std::map<std::string, Expected> expectations() {
    std::map<std::string, Expected> all;
    std::istringstream lines(read(data_dir() / "expect"));
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') {
            continue;
        }
        std::istringstream fields(line);
        std::string file;
        Expected expected;
        std::getline(fields, file, '\t');
        std::getline(fields, expected.code, '\t');
        std::getline(fields, expected.place, '\t');
        std::getline(fields, expected.where, '\t');
        std::getline(fields, expected.hint, '\t');
        all[file] = expected;
    }
    return all;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

/// Parses and holds what must hold of every refusal; returns the first error.
api::Problem refused(const std::string& document, const std::string& what) {
    const double start = cpu_ms();
    const ParseResult result = parse(document);
    const double took = cpu_ms() - start;
    BOOST_TEST(took < longest_ms, what << " took " << took << " ms");
    BOOST_TEST(!result.spec.has_value(), what);
    BOOST_TEST(result.problems.size() <= 65U, what);
    for (const api::Problem& problem : result.problems) {
        BOOST_TEST(problem.line >= 1, what);
        BOOST_TEST(problem.column >= 1, what);
        BOOST_TEST(!problem.message.empty(), what);
        BOOST_TEST(problem.message.size() < 500U, what);
        const bool placed =
            problem.code == "E-XML" || problem.code == "E-LIMIT" || problem.where.starts_with('/');
        BOOST_TEST(placed, what << ": " << problem.code << " " << problem.where);
        BOOST_TEST(!format_problem(problem, document).empty(), what);
    }
    const auto first = std::find_if(result.problems.begin(), result.problems.end(),
                                    [](const auto& problem) { return !problem.warning; });
    if (first == result.problems.end()) {
        BOOST_ERROR(what << ": no error is told");
        return {};
    }
    return *first;
}

std::string repeated(const std::string& text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

std::string many_attributes(std::size_t count) {
    std::string out = "<partition";
    for (std::size_t i = 0; i < count; ++i) {
        out += " a" + std::to_string(i) + "=''";
    }
    return out + "/>";
}

} // namespace

BOOST_AUTO_TEST_SUITE(invalid)

BOOST_AUTO_TEST_CASE(every_document_is_refused_at_its_place) {
    const auto expected = expectations();
    const auto files = documents(data_dir() / "invalid");
    BOOST_TEST(files.size() >= 60U);
    BOOST_TEST(files.size() == expected.size());
    for (const auto& path : files) {
        const std::string name = path.filename();
        const auto wanted = expected.find(name);
        BOOST_REQUIRE_MESSAGE(wanted != expected.end(), name << " is not in expect");
        const api::Problem found = refused(read(path), name);
        BOOST_TEST(found.code == wanted->second.code, name << ": " << found.message);
        BOOST_TEST(std::to_string(found.line) + ":" + std::to_string(found.column) ==
                       wanted->second.place,
                   name);
        BOOST_TEST(or_dash(found.where) == wanted->second.where, name);
        BOOST_TEST(or_dash(found.hint) == wanted->second.hint, name);
    }
}

BOOST_AUTO_TEST_CASE(large_documents_are_refused_soon) {
    const std::string open = "<partition><name>x</name><memory unit='MiB'>64</memory>";
    const std::pair<std::string, std::string> large[] = {
        {"depth 10^6", repeated("<a>", 1000000)},
        {"depth within the size", repeated("<a>", 60000)},
        {"50,000 attributes", many_attributes(50000)},
        {"attributes within the size", many_attributes(20000)},
        {"64 attributes", many_attributes(64)},
        {"11 MB of text", open + "<title>" + std::string(11U << 20, 'a') + "</title></partition>"},
        {"100 KiB of text",
         open + "<title>" + std::string(100U << 10, 'a') + "</title></partition>"},
        {"10^5 devices",
         open + "<devices>" + repeated("<disk/>", 100000) + "</devices></partition>"},
        {"4,000 devices",
         open + "<devices>" + repeated("<disk/>", 4000) + "</devices></partition>"},
        {"4,000 unknown", open + repeated("<bogus/>", 4000) + "</partition>"},
        {"unknown with attributes",
         open + repeated("<vcpu a='' b='' c='' d='' e='' f='' g=''/>", 4000) + "</partition>"},
        {"vcpu with attributes",
         open + repeated("<devices " + repeated("x", 100) + "=''/>", 2000) + "</partition>"},
        {"features", open + "<cpu>" + repeated("<feature/>", 4000) + "</cpu></partition>"},
        {"entities", open + "<title>" + repeated("&amp;", 40000) + "</title></partition>"},
        {"references", open + "<title>" + repeated("&", 200000) + "</title></partition>"},
        {"comments", repeated("<!---->", 30000)},
        {"name of 200 KB", "<" + std::string(200000, 'a') + "/>"},
        {"value of 200 KB", "<a b='" + std::string(200000, 'a') + "'/>"},
        {"new lines", repeated("\n", 250000)},
        {"end tags", repeated("</a>", 60000)},
        {"smbios", open + "<sysinfo type='smbios'><oemStrings>" + repeated("<entry/>", 4000) +
                       "</oemStrings></sysinfo></partition>"},
    };
    for (const auto& [what, document] : large) {
        refused(document, what);
    }
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_document_is_refused) {
    const std::string document = read(source_dir() / "configs/guests/efi.xml");
    const std::string whole(document.substr(0, document.rfind('>')));
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        const ParseResult result = parse(whole.substr(0, length));
        BOOST_REQUIRE(!result.spec);
        BOOST_REQUIRE_EQUAL(result.problems.size(), 1U);
        BOOST_REQUIRE(result.problems[0].line >= 1 && result.problems[0].column >= 1);
    }
}

BOOST_AUTO_TEST_CASE(any_byte_anywhere_is_survived) {
    const std::string document = read(source_dir() / "configs/guests/qcow2.xml");
    for (std::size_t at = 0; at < document.size(); ++at) {
        for (const char byte : {'\0', '<', '>', '&', '"', '\'', '/', '\x80', '\xff', ':', '!'}) {
            std::string changed = document;
            changed[at] = byte;
            const ParseResult result = parse(changed);
            BOOST_REQUIRE(result.spec.has_value() || !result.problems.empty());
        }
    }
}

/// Runs every document with a filter that ends the process at the first open or connect.
BOOST_AUTO_TEST_CASE(nothing_is_opened) {
    std::vector<std::string> all;
    for (const char* folder :
         {"tests/data/guestxml/invalid", "tests/data/guestxml/libvirt", "configs/guests"}) {
        for (const auto& path : documents(source_dir() / folder)) {
            all.push_back(read(path));
        }
    }
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 3, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_connect, 2, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 1, 0),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        };
        const sock_fprog filter{sizeof program / sizeof program[0], program};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
            ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
            ::_exit(77);
        }
        std::size_t problems = 0;
        for (const std::string& document : all) {
            problems += parse(document).problems.size();
        }
        ::_exit(problems > 0 ? 0 : 1);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
