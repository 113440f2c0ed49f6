// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/document.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// What a problem is about, for its place and its XPath.
struct Spot {
    enum class Part { name, text, attribute_name, attribute_value };
    const Node* node = nullptr;
    Part part = Part::name;
    const Attribute* attribute = nullptr;

    static Spot of(const Node& node) { return {&node, Part::name, nullptr}; }
    static Spot text(const Node& node) { return {&node, Part::text, nullptr}; }
    static Spot name(const Node& node, const Attribute& attribute) {
        return {&node, Part::attribute_name, &attribute};
    }
    static Spot value(const Node& node, const Attribute& attribute) {
        return {&node, Part::attribute_value, &attribute};
    }
    /// The attribute's value, or the element when it has no such attribute.
    static Spot value_or_name(const Node& node, std::string_view attribute);
};

class Report {
public:
    Report(std::string_view document, const ParseOptions& options)
        : document_(document), options_(options), lines_(document) {}

    void set_root(const Node& root) { root_ = &root; }

    void error(std::string_view code, Spot spot, std::string message, std::string hint = {}) {
        add(code, spot, std::move(message), std::move(hint), false);
    }
    void warning(std::string_view code, Spot spot, std::string message, std::string hint = {}) {
        add(code, spot, std::move(message), std::move(hint), true);
    }
    void fault(const ScanFault& fault);
    /// About an override that names no place.
    void override_error(std::string_view code, int origin, std::string message,
                        std::string hint = {});

    /// "line 12, column 5", or "--set memory".
    [[nodiscard]] std::string place_text(Spot spot) const;

    /// True when more problems would only be counted, so that their wording is wasted work.
    [[nodiscard]] bool full() const { return problems_.size() >= gathered; }
    void count() { ++uncounted_; }
    [[nodiscard]] bool failed() const { return failed_; }

    /// By line and column, cut to the number asked for.
    std::vector<api::Problem> take();

private:
    static constexpr std::size_t gathered = 1000;

    void add(std::string_view code, Spot spot, std::string message, std::string hint, bool warning);
    [[nodiscard]] std::string xpath(Spot spot) const;

    std::string_view document_;
    const ParseOptions& options_;
    LineTable lines_;
    const Node* root_ = nullptr;
    std::vector<api::Problem> problems_;
    std::size_t uncounted_ = 0;
    bool failed_ = false;
};

} // namespace mshv::guestxml
