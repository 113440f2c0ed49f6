// SPDX-License-Identifier: Apache-2.0
//
// Source: AMD64 APM volume 2, §11.5 and volume 4, XSAVE.
#include "tests/standin/vp/extended_state.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/x87_image.hpp"

namespace mshv::standin::extended_state {
namespace {

constexpr u32 leaf = 0xD;
constexpr u64 x87_sse_avx = 7;
constexpr u32 tsc_aux = 0xC0000103;
constexpr u32 legacy_and_header = 576;
constexpr u32 mxcsr_at = 24;
constexpr u32 default_mxcsr = 0x1F80;
constexpr u16 default_control_word = 0x37F;

u64 read_xcr0() {
    u32 low = 0;
    u32 high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return u64{high} << 32 | low;
}

void write_xcr0(u64 value) {
    asm volatile("xsetbv"
                 :
                 : "c"(0), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)));
}

void save(u8* area, u64 mask) {
    asm volatile("xsave64 (%0)"
                 :
                 : "r"(area), "a"(static_cast<u32>(mask)), "d"(static_cast<u32>(mask >> 32))
                 : "memory");
}

/// An x87 unit in its initial state is said to be so, rather than loaded: QEMU's TCG (7.2, and
/// later ones) changes flags of the machine's first processor when any loads one, see svm/processor.cpp.
void restore(u8* area, u64 mask) {
    constexpr u64 x87 = 1;
    constexpr std::size_t components_at = 512;
    u64 whole = 0;
    __builtin_memcpy(&whole, area + components_at, sizeof(whole));
    const u64 loaded = is_initial_x87(std::span<const u8, 160>(area, 160)) ? whole & ~x87 : whole;
    __builtin_memcpy(area + components_at, &loaded, sizeof(loaded));
    asm volatile("xrstor64 (%0)"
                 :
                 : "r"(area), "a"(static_cast<u32>(mask)), "d"(static_cast<u32>(mask >> 32))
                 : "memory");
    __builtin_memcpy(area + components_at, &whole, sizeof(whole));
}

void read_debug(u64* to) {
    asm volatile("mov %%dr0, %0" : "=r"(to[0]));
    asm volatile("mov %%dr1, %0" : "=r"(to[1]));
    asm volatile("mov %%dr2, %0" : "=r"(to[2]));
    asm volatile("mov %%dr3, %0" : "=r"(to[3]));
}

void write_debug(const u64* from) {
    asm volatile("mov %0, %%dr0" : : "r"(from[0]));
    asm volatile("mov %0, %%dr1" : : "r"(from[1]));
    asm volatile("mov %0, %%dr2" : : "r"(from[2]));
    asm volatile("mov %0, %%dr3" : : "r"(from[3]));
}

u64 all_of_machine() {
    const CpuidResult r = cpuid(leaf);
    return u64{r.edx} << 32 | r.eax;
}

/// What the root has, behind its own XSAVE area.
struct RootRest {
    u64 xcr0;
    u64 debug[4];
    u64 aux;
};
RootRest& rest_of(Lp& lp) {
    return *at<RootRest>(address_of(lp.root_extended) + page_size - sizeof(RootRest));
}

} // namespace

void enable() {
    constexpr u32 xsave = 1U << 26;
    constexpr u64 cr4_osxsave = 1U << 18;
    constexpr u64 cr4_osfxsr = 1U << 9;
    if ((cpuid(1).ecx & xsave) == 0) {
        panic("the processor has no XSAVE");
    }
    if (cpuid(leaf).ecx > page_size - sizeof(RootRest)) {
        panic("the processor's extended state is too large", cpuid(leaf).ecx);
    }
    u64 cr4 = 0;
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    asm volatile("mov %0, %%cr4" : : "r"(cr4 | cr4_osxsave | cr4_osfxsr) : "memory");
}

u64 components() {
    return all_of_machine() & x87_sse_avx;
}

u32 size() {
    constexpr u32 avx = 2;
    if ((components() >> avx & 1) == 0) {
        return legacy_and_header;
    }
    const CpuidResult r = cpuid(leaf, avx);
    return r.ebx + r.eax;
}

void reset(VpContext& context) {
    __builtin_memset(context.extended, 0, sizeof(context.extended));
    __builtin_memcpy(context.extended, &default_control_word, sizeof(default_control_word));
    __builtin_memcpy(context.extended + mxcsr_at, &default_mxcsr, sizeof(default_mxcsr));
    constexpr u64 x87_and_sse = 3;
    __builtin_memcpy(context.extended + 512, &x87_and_sse, sizeof(x87_and_sse));
    context.xcr0 = 1;
    __builtin_memset(context.debug, 0, sizeof(context.debug));
}

void load_child(Lp& lp, VpContext& context) {
    RootRest& root = rest_of(lp);
    root.xcr0 = read_xcr0();
    read_debug(root.debug);
    root.aux = read_msr(tsc_aux);
    write_xcr0(all_of_machine());
    save(lp.root_extended, all_of_machine());
    restore(context.extended, components());
    write_xcr0(context.xcr0);
    write_debug(context.debug);
    write_msr(tsc_aux, context.msrs.tsc_aux);
}

void load_root(Lp& lp, VpContext& context) {
    const RootRest& root = rest_of(lp);
    context.xcr0 = read_xcr0();
    read_debug(context.debug);
    write_xcr0(all_of_machine());
    save(context.extended, components());
    restore(lp.root_extended, all_of_machine());
    write_xcr0(root.xcr0);
    write_debug(root.debug);
    write_msr(tsc_aux, root.aux);
}

} // namespace mshv::standin::extended_state
