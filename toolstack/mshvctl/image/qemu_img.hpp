// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace mshv::ctl {

/// Percent, while a run of qemu-img goes on that was told to say it (-p).
using ImageProgress = std::function<void(const std::string& percent)>;

/// Runs qemu-img, as PATH finds it, with these arguments and returns what it printed. It ends with
/// this thread. Throws api::Error: unsupported where there is none, busy when another process has
/// the image, else failed with its own words.
std::string run_qemu_img(std::vector<std::string> arguments, const ImageProgress& progress = {});

/// A path as qemu-img takes it: never an address, whatever it contains.
std::string image_path(const std::string& path);

} // namespace mshv::ctl
