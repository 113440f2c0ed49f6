// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <cpuid.h>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace mshv::hostprobe {
namespace {

/// Steps of the probe; the child's exit status names the one that failed.
enum class Step : int {
    done = 0,
    create_vm = 1,
    memory = 2,
    create_vcpu = 3,
    registers = 4,
    run = 5,
    wrong_exit = 6
};

const char* text_of(Step step) {
    switch (step) {
    case Step::done:
        return "a probe machine ran";
    case Step::create_vm:
        return "KVM cannot create a virtual machine";
    case Step::memory:
        return "KVM cannot give a virtual machine memory";
    case Step::create_vcpu:
        return "KVM cannot create a virtual processor";
    case Step::registers:
        return "KVM cannot set registers";
    case Step::run:
        return "KVM_RUN failed";
    case Step::wrong_exit:
        return "KVM_RUN came back without having run the probe's instructions";
    }
    return "?";
}

/// Runs `mov al,42; out 0x10,al; hlt` in real mode. Only system calls: it is the child of a process
/// that may have had threads.
Step run_probe_machine() {
    constexpr std::size_t page = 4096;
    constexpr unsigned char program[] = {0xb0, 42, 0xe6, 0x10, 0xf4};
    const int kvm = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
    const int vm = ::ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) {
        return Step::create_vm;
    }
    void* const memory =
        ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return Step::memory;
    }
    std::memcpy(memory, program, sizeof program);
    kvm_userspace_memory_region region{};
    region.guest_phys_addr = page;
    region.memory_size = page;
    region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory);
    if (::ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0) {
        return Step::memory;
    }
    const int vcpu = ::ioctl(vm, KVM_CREATE_VCPU, 0);
    const int size = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (vcpu < 0 || size < static_cast<int>(sizeof(kvm_run))) {
        return Step::create_vcpu;
    }
    void* const shared = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                                MAP_SHARED, vcpu, 0);
    if (shared == MAP_FAILED) {
        return Step::create_vcpu;
    }
    const auto* const run = static_cast<const kvm_run*>(shared);
    kvm_sregs special{};
    kvm_regs registers{};
    if (::ioctl(vcpu, KVM_GET_SREGS, &special) != 0) {
        return Step::registers;
    }
    special.cs.base = 0;
    special.cs.selector = 0;
    registers.rip = page;
    registers.rflags = 2;
    if (::ioctl(vcpu, KVM_SET_SREGS, &special) != 0 ||
        ::ioctl(vcpu, KVM_SET_REGS, &registers) != 0) {
        return Step::registers;
    }
    if (::ioctl(vcpu, KVM_RUN, 0) != 0) {
        return Step::run;
    }
    const auto* const data = static_cast<const unsigned char*>(shared);
    const bool spoke =
        run->exit_reason == KVM_EXIT_IO && run->io.port == 0x10 && data[run->io.data_offset] == 42;
    if (!spoke || ::ioctl(vcpu, KVM_RUN, 0) != 0 || run->exit_reason != KVM_EXIT_HLT) {
        return Step::wrong_exit;
    }
    return Step::done;
}

std::string cpu_flag() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned vmx_bit = 1U << 5U;
    constexpr unsigned svm_bit = 1U << 2U;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & vmx_bit) != 0) {
        return "vmx";
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) != 0 && (c & svm_bit) != 0) {
        return "svm";
    }
    return {};
}

void run_in_child(KvmFacts& facts, posix::Deadline deadline) {
    const pid_t pid = ::fork();
    if (pid < 0) {
        facts.why = "cannot start the probe: " + std::generic_category().message(errno);
        return;
    }
    if (pid == 0) {
        // Nothing of the parent's must stay open in a child that may hang for good.
        ::syscall(SYS_close_range, 0, ~0U, 0);
        ::_exit(static_cast<int>(run_probe_machine()));
    }
    const auto child = posix::PidFd::open_child(pid);
    try {
        child.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child.signal(SIGKILL);
        facts.why = "a probe machine did not come back from KVM_RUN";
        try {
            child.wait_ended(posix::Deadline::after(std::chrono::seconds(1)));
        } catch (const posix::TimedOut&) {
            facts.why += ", and the kernel cannot end it";
            return;
        }
        (void)child.reap();
        return;
    }
    const auto status = child.reap();
    if (!status || status->signalled) {
        facts.why = "the probe was ended by a signal";
        return;
    }
    facts.runs = status->value == static_cast<int>(Step::done);
    facts.why = text_of(static_cast<Step>(status->value));
}

} // namespace

KvmFacts probe_kvm(posix::Deadline deadline) {
    KvmFacts facts;
    facts.device = probe_device("/dev/kvm");
    facts.cpu_flag = cpu_flag();
    if (!facts.device.openable) {
        facts.why = facts.device.why;
        return facts;
    }
    {
        const posix::Fd kvm{::open("/dev/kvm", O_RDWR | O_CLOEXEC)};
        facts.api_version = kvm ? ::ioctl(kvm.get(), KVM_GET_API_VERSION, 0) : -1;
    }
    constexpr int wanted = 12;
    if (facts.api_version != wanted) {
        facts.why = "/dev/kvm answers with API version " + std::to_string(facts.api_version);
    } else if (facts.cpu_flag.empty()) {
        facts.why = "the CPU shows neither vmx nor svm, so /dev/kvm cannot run a guest";
    } else {
        run_in_child(facts, deadline);
    }
    return facts;
}

} // namespace mshv::hostprobe
