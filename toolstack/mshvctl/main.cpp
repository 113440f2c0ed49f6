// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/run.hpp"

int main(int argc, char** argv) {
    return mshv::ctl::run({argv + 1, argv + (argc > 0 ? argc : 1)});
}
