// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/fetch.hpp"
#include "tests/standin/decode/guest_walk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using namespace mshv::standin;

constexpr std::size_t memory_size = 0x4000;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool read64(void* context, std::uint64_t gpa, std::uint64_t& value) {
    const auto& memory = *static_cast<std::vector<std::uint8_t>*>(context);
    expect(gpa % 8 == 0);
    if (gpa >= memory.size()) {
        return false;
    }
    std::memcpy(&value, memory.data() + gpa, sizeof value);
    return true;
}

bool exchange64(void* context, std::uint64_t gpa, std::uint64_t expected, std::uint64_t desired) {
    auto& memory = *static_cast<std::vector<std::uint8_t>*>(context);
    std::uint64_t value = 0;
    expect(read64(context, gpa, value) && value == expected);
    expect((desired & expected) == expected); // only sets bits
    std::memcpy(memory.data() + gpa, &desired, sizeof desired);
    return true;
}

} // namespace

/// Any registers over any tables in a small memory, the input repeated: no walk leaves it, a page
/// is where its size says, and setting accessed and dirty bits moves no page. (It may end in a
/// fault: tables that contain themselves can get a reserved bit that way.)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    struct Head {
        std::uint64_t cr0, cr3, cr4, efer, rflags, linear;
        std::uint8_t physical_bits, access, mode, limit;
    } head{};
    constexpr std::size_t head_size = 52;
    if (size < head_size + 8) {
        return 0;
    }
    std::memcpy(&head, data, head_size);
    data += head_size;
    size -= head_size;
    std::vector<std::uint8_t> memory(memory_size);
    for (std::size_t at = 0; at < memory_size; at += size) {
        std::memcpy(memory.data() + at, data, std::min(size, memory_size - at));
    }
    PagingState state{head.cr0, head.cr3 & 0x3fff, head.cr4, head.efer, head.rflags, 0, true};
    state.physical_bits = static_cast<std::uint8_t>(32 + head.physical_bits % 21);
    const Access access{(head.access & 1U) != 0, (head.access & 2U) != 0, (head.access & 4U) != 0};
    const WalkResult plain = walk({&memory, read64, nullptr}, state, head.linear, access);
    const WalkResult marked = walk({&memory, read64, exchange64}, state, head.linear, access);
    if (plain.ok()) {
        expect(!marked.ok() || marked.gpa == plain.gpa);
        expect(plain.gpa % plain.page_size == head.linear % plain.page_size);
        expect(plain.gpa >> 52U == 0);
    } else {
        expect(marked.status == plain.status);
        static_cast<void>(page_fault_code(state, plain.status, access));
        expect(plain.level <= 5);
    }
    const CodeLocation code{static_cast<CodeMode>(head.mode & 3U), head.cr0, head.limit * 64U,
                            head.linear, access.user};
    const FetchResult fetched = fetch_instruction({&memory, read64, nullptr}, state, code);
    expect(fetched.count <= longest_instruction);
    return 0;
}
