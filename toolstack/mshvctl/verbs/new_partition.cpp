// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/new_partition.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/mshvctl/result.hpp"

namespace mshv::ctl::verbs {

api::CreateRequest new_partition_request(const Document& document) {
    api::CreateRequest request;
    request.spec = document.spec;
    request.xml = document.xml;
    return request;
}

std::optional<api::PartitionView> existing_partition(Context& context,
                                                     const api::PartitionSpec& spec) {
    const api::Selector selector =
        spec.uuid ? api::Selector{api::Selector::Kind::uuid, api::to_string(*spec.uuid)}
                  : api::Selector{api::Selector::Kind::name, spec.name};
    try {
        return context.client().get(selector, context.read_deadline());
    } catch (const api::Error& error) {
        if (error.code() != api::ErrorCode::not_found) {
            throw;
        }
        return std::nullopt;
    }
}

std::pair<api::PartitionView, bool> create_partition(Context& context,
                                                     const api::CreateRequest& request,
                                                     bool if_not_exists, posix::Deadline deadline) {
    try {
        return {context.client().create(request, deadline), true};
    } catch (const api::Error& error) {
        // A disk or a MAC address may be another's, too, and that is no success.
        if (if_not_exists && error.code() == api::ErrorCode::exists) {
            if (auto view = existing_partition(context, request.spec)) {
                return {std::move(*view), false};
            }
        }
        throw;
    }
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
