// SPDX-License-Identifier: Apache-2.0
// One token of an accepted document deleted, renamed or doubled: it is told, or means the same, or
// was a statement whose absence has a documented meaning. It is never taken for something else.
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

namespace {

struct Token {
    std::size_t offset, length;
};

bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Words and the single characters of markup, outside comments.
std::vector<Token> tokens(const std::string& document) {
    std::vector<Token> found;
    for (std::size_t at = 0; at < document.size();) {
        if (document.compare(at, 4, "<!--") == 0) {
            at = document.find("-->", at) + 3;
            continue;
        }
        std::size_t end = at;
        while (end < document.size() && is_word(document[end])) {
            ++end;
        }
        end = std::max(end, at + 1);
        if (std::string_view(" \n\t").find(document[at]) == std::string_view::npos) {
            found.push_back({at, end - at});
        }
        at = end;
    }
    return found;
}

bool in_a_tag(const std::string& document, std::size_t at) {
    return document.find('>', at) < document.find('<', at + 1);
}

/// The words that name elements and attributes, by what follows or precedes them.
std::vector<Token> names(const std::string& document) {
    std::vector<Token> found;
    for (const Token& token : tokens(document)) {
        const std::size_t end = token.offset + token.length;
        const bool element = document[token.offset - (token.offset > 0 ? 1 : 0)] == '<';
        const bool attribute = end < document.size() && document[end] == '=';
        const bool word = is_word(document[token.offset]);
        if (word && (element || (attribute && in_a_tag(document, end)))) {
            found.push_back(token);
        }
    }
    return found;
}

std::string any_sample() {
    static const std::vector<std::string> samples = [] {
        std::vector<std::string> all;
        for (const auto& path : documents(source_dir() / "configs/guests")) {
            all.push_back(read(path));
        }
        return all;
    }();
    return *rc::gen::elementOf(samples);
}

/// Every problem is placed; a spec that is given can be written and read again.
void sound(const std::string& document, const ParseResult& result) {
    for (const api::Problem& problem : result.problems) {
        RC_ASSERT(problem.line >= 1 && problem.column >= 1);
        RC_ASSERT(!format_problem(problem, document).empty());
    }
    RC_ASSERT(result.spec.has_value() || !result.problems.empty());
    if (result.spec) {
        const ParseResult again = parse(to_xml(*result.spec));
        RC_ASSERT(again.spec == result.spec);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(mutation)

BOOST_AUTO_TEST_CASE(a_renamed_element_or_attribute_is_told) {
    BOOST_TEST(rc::check("a renamed name is reported on its line", [] {
        std::string document = any_sample();
        const Token token = *rc::gen::elementOf(names(document));
        const auto letter = static_cast<char>(*rc::gen::inRange<int>('a', 'z' + 1));
        const std::size_t at = token.offset + *rc::gen::inRange<std::size_t>(0, token.length + 1);
        document.insert(at, 1, letter);
        const ParseResult result = parse(document);
        sound(document, result);
        RC_ASSERT(!result.spec);
        const auto line = 1 + std::count(document.begin(),
                                         document.begin() + static_cast<std::ptrdiff_t>(at), '\n');
        RC_ASSERT(std::any_of(result.problems.begin(), result.problems.end(),
                              [&](const auto& problem) { return problem.line >= line; }));
    }));
}

BOOST_AUTO_TEST_CASE(a_doubled_token_is_told_or_means_the_same) {
    BOOST_TEST(rc::check("a doubled markup token", [] {
        std::string document = any_sample();
        const api::PartitionSpec before = accepted(document);
        const Token token = *rc::gen::elementOf(names(document));
        document.insert(token.offset, document.substr(token.offset, token.length));
        const ParseResult result = parse(document);
        sound(document, result);
        RC_ASSERT((!result.spec || *result.spec == before));
    }));
}

BOOST_AUTO_TEST_CASE(a_doubled_single_element_is_told) {
    BOOST_TEST(rc::check("a second <memory>, <os> or <devices>", [] {
        std::string document = any_sample();
        const std::string name =
            *rc::gen::elementOf(std::vector<std::string>{"name", "memory", "devices"});
        const std::size_t start = document.find("<" + name);
        const std::size_t end = document.find("</" + name + ">") + name.size() + 3;
        document.insert(end, document.substr(start, end - start));
        const ParseResult result = parse(document);
        RC_ASSERT(!result.spec);
        RC_ASSERT(std::any_of(result.problems.begin(), result.problems.end(),
                              [](const auto& problem) { return problem.code == "E-DUP"; }));
    }));
}

BOOST_AUTO_TEST_CASE(a_deleted_name_or_mark_is_told) {
    BOOST_TEST(rc::check("a deleted name or mark of markup", [] {
        std::string document = any_sample();
        const api::PartitionSpec before = accepted(document);
        std::vector<Token> marks = names(document);
        for (const Token& token : tokens(document)) {
            const bool mark =
                std::string_view("<>='\"").find(document[token.offset]) != std::string_view::npos;
            if (mark && in_a_tag(document, token.offset)) {
                marks.push_back(token);
            }
        }
        const Token token = *rc::gen::elementOf(marks);
        document.erase(token.offset, token.length);
        const ParseResult result = parse(document);
        sound(document, result);
        RC_ASSERT((!result.spec || *result.spec == before));
    }));
}

BOOST_AUTO_TEST_CASE(any_token_changed_is_survived) {
    BOOST_TEST(rc::check("delete, double or replace any token", [] {
        std::string document = any_sample();
        const auto all = tokens(document);
        const Token token = *rc::gen::elementOf(all);
        const Token other = *rc::gen::elementOf(all);
        const std::string word = document.substr(other.offset, other.length);
        switch (*rc::gen::inRange(0, 3)) {
        case 0:
            document.erase(token.offset, token.length);
            break;
        case 1:
            document.insert(token.offset, word);
            break;
        default:
            document.replace(token.offset, token.length, word);
            break;
        }
        sound(document, parse(document));
    }));
}

BOOST_AUTO_TEST_SUITE_END()
