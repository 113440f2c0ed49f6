// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/new_partition.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/mshvctl/result.hpp"

namespace mshv::ctl::verbs {

api::CreateRequest new_partition_request(const Document& document) {
    api::CreateRequest request;
    request.spec = document.spec;
    request.xml = document.xml;
    return request;
}

void print_canonical(Context& context, const Document& document) {
    const std::string xml = guestxml::to_xml(document.spec);
    if (!context.json()) {
        context.out().write(xml);
        return;
    }
    JsonWriter json(context.out().buffer());
    begin_document(json, "check");
    json.field("xml", xml).key("spec").raw(api::encode(document.spec)).end_object();
    context.out().write("\n");
}

} // namespace mshv::ctl::verbs
