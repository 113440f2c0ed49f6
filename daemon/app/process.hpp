// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mshv::app {

/// Brings the process into a known condition, whoever started it: descriptors 0 to 2 are open, the
/// umask is 0077, the folder is /, as many descriptors as the limit allows, and the signals that
/// wait_for_end() takes are blocked for every thread to come. Before the first thread.
void settle_process();

/// What ended the wait.
struct Ending {
    int signal = 0;
};

/// Waits for SIGTERM or SIGINT; `on_hangup` is called for each SIGHUP. Afterwards a second SIGTERM
/// or SIGINT kills the process as if nobody had asked for it.
Ending wait_for_end(void (*on_hangup)(void* context), void* context);

} // namespace mshv::app
