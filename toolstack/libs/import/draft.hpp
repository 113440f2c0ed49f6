// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::foreign {

/// Which setting something came from: an index of the caller's; -1 = none.
using Origin = int;
constexpr Origin no_origin = -1;

/// Guest XML in the making: elements and attributes, each with the setting that asked for it.
class Draft {
public:
    struct Attribute {
        std::string name, value;
        Origin origin;
    };
    struct Element {
        std::string name, text;
        Origin origin = no_origin;
        bool whole = false; ///< goes with all that it holds, whoever asked for that
        std::vector<Attribute> attributes;
        std::vector<std::unique_ptr<Element>> children;

        Element& add(std::string_view child, Origin by);
        Element& set(std::string_view attribute, std::string_view value, Origin by);
        /// Of the element's own origin.
        Element& set(std::string_view attribute, std::string_view value) {
            return set(attribute, value, origin);
        }
        Element& say(std::string_view content) {
            text = content;
            return *this;
        }
    };

    /// A <partition> without anything.
    Draft();

    /// The element at a path below the root; what is missing is made, and is by `by`.
    Element& at(std::string_view path, Origin by);
    /// A child of the root; null when there is none.
    [[nodiscard]] Element* find(std::string_view name);
    /// One more element of the last name, in the element of the path before it.
    Element& another(std::string_view path, Origin by);

    /// Takes away what came from `origin`: what another() made with all that it holds, of the rest
    /// what nothing else needs. False when there was nothing.
    bool remove(Origin origin);

    /// The document; from then on origin_at() knows its places.
    std::string write();
    /// Where the thing at this place of the document came from; when that is an element that only
    /// holds what settings asked for, and it is `refused`, all of them. Never empty.
    [[nodiscard]] std::vector<Origin> origins_at(long line, long column, bool refused) const;

private:
    struct Span {
        std::size_t start, end;
        Origin origin;
        const Element* element; ///< null of an attribute
    };
    void write_element(const Element& element, std::size_t depth, std::string& out);

    Element root_;
    std::vector<Span> spans_;
    std::vector<std::size_t> lines_; ///< where each starts
};

} // namespace mshv::foreign
