// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/document.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/guestxml/validate.hpp"
#include "toolstack/libs/import/edits.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/libs/import/problems.hpp"

#include <algorithm>

namespace mshv::foreign {
namespace {

using api::Accelerator;
using guestxml::Node;

/// From the canonical document of a spec to the <domain> that says the same.
class Exporter {
public:
    Exporter(const api::PartitionSpec& spec, const ExportOptions& options)
        : spec_(spec), options_(options), xml_(guestxml::to_xml(spec)), edits_(xml_),
          read_(guestxml::read_document(xml_)), given_(guestxml::read_document(options.document)),
          lines_(options.document) {}

    Exported run() {
        const Node& root = read_.root;
        root_tags(root);
        devices(root);
        if (const Node* os = root.child("os")) {
            boot(*os);
        }
        own_settings(root);
        Exported made;
        made.xml = edits_.apply();
        made.losses = in_order(std::move(losses_), losses_.size());
        return made;
    }

private:
    void root_tags(const Node& root) {
        const guestxml::Attribute* type = root.attribute("type");
        std::string word = options_.domain_type;
        if (word.empty()) {
            word = spec_.accelerator == Accelerator::kvm   ? "kvm"
                   : spec_.accelerator == Accelerator::tcg ? "qemu"
                                                           : "hyperv";
            if (spec_.accelerator == Accelerator::automatic) {
                keep("accelerator", "auto");
                loss("@type", "libvirt cannot choose the accelerator; it is told hyperv",
                     "--type=kvm or --type=qemu tells it another");
            }
        } else if (spec_.accelerator == Accelerator::automatic) {
            keep("accelerator", "auto");
        }
        edits_.replace(root.name_at, "domain");
        if (type != nullptr) {
            edits_.replace(type->value_at, word);
        } else {
            edits_.insert(std::size_t{root.name_at.offset} + root.name_at.length,
                          " type='" + word + "'");
        }
        const std::size_t end = xml_.rfind("</partition>");
        edits_.replace({static_cast<std::uint32_t>(end), 12}, "</domain>");
    }

    void devices(const Node& root) {
        const Node* devices = root.child("devices");
        if (devices == nullptr) {
            return;
        }
        for (const Node& device : devices->children) {
            if (device.name == "panic" && !spec_.devices.panic) {
                erase_line(device);
                keep("panic", "none");
            } else if (device.name == "graphics") {
                if (device.attribute("socket") == nullptr) {
                    edits_.replace(device.whole, "<graphics type='vnc'>\n"
                                                 "      <listen type='socket'/>\n"
                                                 "    </graphics>");
                }
                if (root.child("devices")->child("video") == nullptr) {
                    // Without a word of it libvirt adds an adapter to a display.
                    edits_.insert(std::size_t{device.whole.offset} + device.whole.length,
                                  "\n    <video>\n      <model type='none'/>\n    </video>");
                }
            }
        }
    }

    void boot(const Node& os) {
        const guestxml::Attribute* firmware = os.attribute("firmware");
        if (firmware != nullptr && os.child("loader") != nullptr) {
            edits_.erase(*firmware); // libvirt chooses firmware or is given it, not both
        }
        if (spec_.boot.machine == api::Machine::microvm) {
            loss("os/type/@machine", "libvirt's QEMU driver does not run microvm", "");
        }
    }

    /// <mshv> stands in <metadata>, in front of what is there already.
    void own_settings(const Node& root) {
        const Node* own = root.child("mshv");
        std::string inner;
        if (own != nullptr) {
            erase_line(*own);
            inner = indented(*own);
            for (const Node& child : own->children) {
                loss("mshv/" + child.name, "libvirt keeps it in <metadata> and does not act on it",
                     child.name == "autostart" ? "virsh autostart" : "");
            }
        }
        if (!kept_.empty()) {
            inner = "\n      <domain" + kept_ + "/>" + (inner.empty() ? "\n    " : inner);
        }
        if (inner.empty()) {
            return;
        }
        const std::string element = "<partition xmlns='" + std::string(guestxml::own_namespace) +
                                    "' version='1'>" + inner + "</partition>";
        if (const Node* metadata = root.child("metadata")) {
            edits_.insert(metadata->content.offset, element);
        } else {
            const Node* memory = root.child("memory");
            const std::size_t line = memory->whole.offset - 2;
            edits_.insert(line, "  <metadata>\n    " + element + "\n  </metadata>\n");
        }
    }

    /// What `node` holds, further in; but no text, in which blanks count.
    [[nodiscard]] std::string indented(const Node& node) const {
        std::string out;
        std::size_t at = node.content.offset;
        const auto lines = [&](std::size_t end) {
            for (; at < end; ++at) {
                out += xml_[at];
                out += xml_[at] == '\n' ? "  " : "";
            }
        };
        for (const Node& child : node.children) {
            lines(child.content.offset);
            out += child.children.empty() ? xml_.substr(child.content.offset, child.content.length)
                                          : indented(child);
            at = child.content.offset + child.content.length;
        }
        lines(node.content.offset + node.content.length);
        return out;
    }

    void keep(const std::string& name, const std::string& value) {
        kept_ += " " + name + "='" + value + "'";
    }

    void erase_line(const Node& node) {
        const std::size_t end = std::size_t{node.whole.offset} + node.whole.length;
        const std::size_t start = xml_.rfind('\n', node.whole.offset);
        edits_.replace({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end - start)},
                       {});
    }

    void loss(const std::string& path, std::string message, std::string hint) {
        api::Problem problem;
        problem.code = "W-LOSS";
        problem.where = "/partition/" + path;
        problem.message = std::move(message);
        problem.hint = std::move(hint);
        problem.warning = true;
        const Node* node = given_.fault ? nullptr : &given_.root;
        std::string_view rest = path;
        while (node != nullptr && !rest.empty() && !rest.starts_with('@')) {
            const std::size_t slash = std::min(rest.find('/'), rest.size());
            node = node->child(rest.substr(0, slash));
            rest.remove_prefix(std::min(slash + 1, rest.size()));
        }
        if (node != nullptr) {
            const auto at = lines_.of(node->name_at.offset);
            problem.file = options_.file_name;
            problem.line = at.line;
            problem.column = at.column;
            problem.length = node->name_at.length;
        }
        losses_.push_back(std::move(problem));
    }

    const api::PartitionSpec& spec_;
    const ExportOptions& options_;
    std::string xml_;
    Edits edits_;
    guestxml::Document read_, given_;
    guestxml::LineTable lines_;
    std::string kept_;
    std::vector<api::Problem> losses_;
};

} // namespace

Exported to_libvirt(const api::PartitionSpec& spec, const ExportOptions& options) {
    return Exporter(spec, options).run();
}

} // namespace mshv::foreign
