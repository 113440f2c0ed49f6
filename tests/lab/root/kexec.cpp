// SPDX-License-Identifier: Apache-2.0
//
// lab-kexec KERNEL INITRD COMMAND-LINE: leaves this kernel for that one, without a reset. Comes back
// only when the kernel refuses.

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char** arguments) {
    if (count != 4) {
        std::puts("usage: lab-kexec KERNEL INITRD COMMAND-LINE");
        return 2;
    }
    const int kernel = ::open(arguments[1], O_RDONLY | O_CLOEXEC);
    const int initrd = ::open(arguments[2], O_RDONLY | O_CLOEXEC);
    if (kernel < 0 || initrd < 0 ||
        ::syscall(SYS_kexec_file_load, kernel, initrd, std::strlen(arguments[3]) + 1, arguments[3],
                  0UL) != 0) {
        std::printf("lab-kexec: cannot load %s: %s\n", arguments[1], std::strerror(errno));
        return 1;
    }
    ::reboot(static_cast<int>(LINUX_REBOOT_CMD_KEXEC));
    std::printf("lab-kexec: cannot start: %s\n", std::strerror(errno));
    return 1;
}
