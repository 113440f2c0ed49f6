// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/guestxml.hpp"

#include "toolstack/libs/guestxml/validate.hpp"

namespace mshv::guestxml {

ParseResult parse(std::string_view document, const ParseOptions& options) {
    ParseResult result;
    Report report(document, options);
    Document read = read_document(document);
    if (read.fault) {
        report.fault(*read.fault);
        result.problems = report.take();
        return result;
    }
    report.set_root(read.root);
    Build build;
    const bool partition = read.root.local_name() == "partition" || read.root.name == "domain";
    if (partition) {
        apply_overrides(read.root, options, report);
    }
    if (validate(read.root, document, options, report, build)) {
        check(read.root, report, build);
    }
    if (!report.failed()) {
        result.spec = std::move(build.spec);
    }
    result.problems = report.take();
    return result;
}

} // namespace mshv::guestxml
