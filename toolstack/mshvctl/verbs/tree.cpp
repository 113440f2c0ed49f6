// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Tree final : public Command {
public:
    void declare(Arguments& /*arguments*/) override {}
    void run(Context& context) override { context.out().write(tree_json()); }
};

} // namespace

std::unique_ptr<Command> make_tree() {
    return std::make_unique<Tree>();
}

} // namespace mshv::ctl::verbs
