// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/document.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <memory>

// The only user of libxml2. The scan has refused what may make libxml2 slow, fetch or expand, so
// that its parser is run on harmless bytes and is the second, independent judge of them.

namespace mshv::guestxml {
namespace {

struct FreeContext {
    void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};
struct FreeDocument {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using Context = std::unique_ptr<xmlParserCtxt, FreeContext>;
using Tree = std::unique_ptr<xmlDoc, FreeDocument>;

const char* chars(const xmlChar* text) {
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

class Joiner {
public:
    Joiner(std::string_view bytes, const Scan& scan) : bytes_(bytes), scan_(scan) {}

    /// False when the two readers disagree on what the document holds.
    bool element(const xmlNode& from, Node& to, const xmlNode* outermost_foreign) {
        if (next_ >= scan_.elements.size()) {
            return false;
        }
        const ScannedElement& seen = scan_.elements[next_++];
        to.name = at(seen.name);
        if (to.local_name() != chars(from.name)) {
            return false;
        }
        to.name_at = seen.name;
        to.text_at = seen.text;
        to.whole = seen.whole;
        to.content = seen.content;
        if (from.ns != nullptr) {
            to.space = chars(from.ns->href);
            outermost_foreign = outermost_foreign == nullptr ? &from : outermost_foreign;
            to.undeclared_here = !declared_within(from, from.ns, outermost_foreign);
        }
        return attributes(from, seen, to, outermost_foreign) &&
               children(from, to, outermost_foreign);
    }

    [[nodiscard]] bool complete() const { return next_ == scan_.elements.size(); }

private:
    [[nodiscard]] std::string at(Place place) const {
        return std::string(bytes_.substr(place.offset, place.length));
    }

    static bool declared_within(const xmlNode& user, const xmlNs* wanted, const xmlNode* top) {
        for (const xmlNode* node = &user; node != nullptr && node->type == XML_ELEMENT_NODE;
             node = node->parent) {
            for (const xmlNs* ns = node->nsDef; ns != nullptr; ns = ns->next) {
                if (ns == wanted) {
                    return true;
                }
            }
            if (node == top) {
                break;
            }
        }
        return wanted->prefix != nullptr && std::string_view(chars(wanted->prefix)) == "xml";
    }

    bool attributes(const xmlNode& from, const ScannedElement& seen, Node& to,
                    const xmlNode* outermost_foreign) {
        const xmlAttr* attribute = from.properties;
        for (std::size_t i = 0; i < seen.attribute_count; ++i) {
            const ScannedAttribute& place = scan_.attributes[seen.first_attribute + i];
            Attribute made;
            made.name = at(place.name);
            if (made.name == "xmlns" || made.name.starts_with("xmlns:")) {
                continue; // libxml2 keeps these apart
            }
            if (attribute == nullptr || !made.name.ends_with(chars(attribute->name))) {
                return false;
            }
            made.foreign = attribute->ns != nullptr;
            if (made.foreign && outermost_foreign != nullptr &&
                !declared_within(from, attribute->ns, outermost_foreign)) {
                to.undeclared_here = true;
            }
            for (const xmlNode* part = attribute->children; part != nullptr; part = part->next) {
                made.value += chars(part->content);
            }
            made.name_at = place.name;
            made.value_at = place.value;
            to.attributes.push_back(std::move(made));
            attribute = attribute->next;
        }
        return attribute == nullptr;
    }

    bool children(const xmlNode& from, Node& to, const xmlNode* outermost_foreign) {
        for (const xmlNode* node = from.children; node != nullptr; node = node->next) {
            if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
                to.text += chars(node->content);
            } else if (node->type == XML_ELEMENT_NODE &&
                       !element(*node, to.children.emplace_back(), outermost_foreign)) {
                return false;
            }
        }
        return true;
    }

    std::string_view bytes_;
    const Scan& scan_;
    std::size_t next_ = 0;
};

/// What libxml2 disliked, at its line and column.
ScanFault fault_of(const xmlParserCtxt& context, std::string_view bytes) {
    ScanFault fault;
    const xmlError& error = context.lastError;
    fault.message = std::string(trimmed(chars(reinterpret_cast<const xmlChar*>(error.message))));
    if (fault.message.empty()) {
        fault.message = "the document is not well-formed";
    }
    fault.message = api::escape_terminal(fault.message);
    std::size_t start = 0;
    for (int line = 1; line < error.line && start != std::string_view::npos; ++line) {
        start = bytes.find('\n', start);
        start = start == std::string_view::npos ? start : start + 1;
    }
    if (start == std::string_view::npos) {
        start = 0;
    }
    start += error.int2 > 1 ? static_cast<std::size_t>(error.int2 - 1) : 0;
    start = std::min(start, bytes.empty() ? 0 : bytes.size() - 1);
    fault.at = {static_cast<std::uint32_t>(start), 1};
    return fault;
}

} // namespace

const Attribute* Node::attribute(std::string_view wanted) const {
    for (const Attribute& candidate : attributes) {
        if (candidate.name == wanted) {
            return &candidate;
        }
    }
    return nullptr;
}

const Node* Node::child(std::string_view wanted) const {
    for (const Node& candidate : children) {
        if (candidate.name == wanted) {
            return &candidate;
        }
    }
    return nullptr;
}

Document read_document(std::string_view bytes) {
    Document document;
    const Scan found = scan(bytes);
    if (found.fault) {
        document.fault = found.fault;
        return document;
    }
    const Context context(xmlNewParserCtxt());
    if (!context) {
        throw std::bad_alloc();
    }
    const int options =
        XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    const Tree tree(xmlCtxtReadMemory(context.get(), bytes.data(), static_cast<int>(bytes.size()),
                                      nullptr, nullptr, options));
    if (!tree || context->wellFormed == 0 || context->nsWellFormed == 0) {
        document.fault = fault_of(*context, bytes);
        return document;
    }
    Joiner joiner(bytes, found);
    const xmlNode* root = xmlDocGetRootElement(tree.get());
    if (root == nullptr || !joiner.element(*root, document.root, nullptr) || !joiner.complete()) {
        document.root = {};
        document.fault = ScanFault{false, {0, 1}, "the document can be read in two ways", {}};
    }
    return document;
}

} // namespace mshv::guestxml
