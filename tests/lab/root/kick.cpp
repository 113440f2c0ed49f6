// SPDX-License-Identifier: Apache-2.0
//
// lab-kick ACCELERATOR: every ten seconds a signal to each thread that QEMU runs a processor in,
// until it is killed. QEMU 11.1 stops its processors by that signal, once, and on mshv forgets one
// that comes while the thread is not in the kernel; it then waits for a processor that never learns
// of it, for ever if the guest does nothing but poll a port, as Linux does once it has switched the
// machine off. The threads have names with -name NAME,debug-threads=on.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr unsigned interval_s = 10;

/// Calls visit(number) for each numbered entry of a folder; one that is gone has none.
template <typename Visit>
void for_numbers(const std::string& path, Visit visit) {
    DIR* const folder = ::opendir(path.c_str());
    if (folder == nullptr) {
        return;
    }
    while (const dirent* const entry = ::readdir(folder)) {
        const int number = std::atoi(entry->d_name);
        if (number > 0) {
            visit(number);
        }
    }
    ::closedir(folder);
}

/// "CPU N/ACCELERATOR", which is how QEMU names them.
bool is_processor(const std::string& folder, const char* accelerator) {
    std::FILE* const file = std::fopen((folder + "/comm").c_str(), "r");
    if (file == nullptr) {
        return false;
    }
    char name[32] = "";
    const bool read = std::fgets(name, sizeof(name), file) != nullptr;
    std::fclose(file);
    name[std::strcspn(name, "\n")] = '\0';
    const char* const slash = std::strchr(name, '/');
    return read && std::strncmp(name, "CPU ", 4) == 0 && slash != nullptr &&
           std::strcmp(slash + 1, accelerator) == 0;
}

} // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::fprintf(stderr, "usage: lab-kick ACCELERATOR\n");
        return 2;
    }
    for (;; ::sleep(interval_s)) { // paces: QEMU tells nobody that it waits
        for_numbers("/proc", [&](int process) {
            const std::string tasks = "/proc/" + std::to_string(process) + "/task";
            for_numbers(tasks, [&](int thread) {
                if (is_processor(tasks + "/" + std::to_string(thread), words[1])) {
                    ::syscall(SYS_tgkill, process, thread, SIGUSR1);
                }
            });
        });
    }
}
