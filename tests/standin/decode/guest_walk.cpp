// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/guest_walk.hpp"

namespace mshv::standin {

namespace {

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

/// Bits `low` up to, but not including, `high`.
constexpr std::uint64_t bits(unsigned low, unsigned high) {
    return low >= high ? 0 : (high == 64 ? 0 : bit(high)) - bit(low);
}

constexpr std::uint64_t cr0_write_protect = bit(16);
constexpr std::uint64_t cr0_paging = bit(31);
constexpr std::uint64_t cr4_page_size = bit(4);
constexpr std::uint64_t cr4_pae = bit(5);
constexpr std::uint64_t cr4_57_bits = bit(12);
constexpr std::uint64_t cr4_smep = bit(20);
constexpr std::uint64_t cr4_smap = bit(21);
constexpr std::uint64_t efer_long_active = bit(10);
constexpr std::uint64_t efer_no_execute = bit(11);
constexpr std::uint64_t rflags_ac = bit(18);

constexpr std::uint64_t entry_present = bit(0);
constexpr std::uint64_t entry_write = bit(1);
constexpr std::uint64_t entry_user = bit(2);
constexpr std::uint64_t entry_accessed = bit(5);
constexpr std::uint64_t entry_dirty = bit(6);
constexpr std::uint64_t entry_large = bit(7);
constexpr std::uint64_t entry_no_execute = bit(63);

enum class Scheme : std::uint8_t { none, two_level, pae, four_level, five_level };

/// The form of a scheme's tables.
struct Geometry {
    std::uint8_t levels;
    std::uint8_t index_bits; ///< of every table but PAE's first, which has four entries
    std::uint8_t entry_bytes;
    std::uint8_t linear_bits;
    std::uint8_t root_alignment_log2; ///< CR3's lower bits mean something else
};

constexpr Geometry geometries[5] = {
    {0, 0, 0, 32, 0}, {2, 10, 4, 32, 12}, {3, 9, 8, 32, 5}, {4, 9, 8, 48, 12}, {5, 9, 8, 57, 12},
};

Scheme scheme_of(const PagingState& state) {
    if ((state.cr0 & cr0_paging) == 0) {
        return Scheme::none;
    }
    if ((state.efer & efer_long_active) != 0) {
        return (state.cr4 & cr4_57_bits) != 0 ? Scheme::five_level : Scheme::four_level;
    }
    return (state.cr4 & cr4_pae) != 0 ? Scheme::pae : Scheme::two_level;
}

bool is_canonical(std::uint64_t linear, unsigned linear_bits) {
    const std::uint64_t sign = linear >> (linear_bits - 1);
    return sign == 0 || sign == bits(0, 64 - linear_bits + 1);
}

/// One walk from CR3 to the page. It changes nothing: set_flags() does, when all of it is known.
class Walker {
public:
    Walker(const GuestMemory& memory, const PagingState& state, std::uint64_t linear, Access access)
        : memory_(memory), state_(state), access_(access), scheme_(scheme_of(state)),
          form_(geometries[static_cast<unsigned>(scheme_)]),
          linear_(form_.linear_bits == 32 ? linear & bits(0, 32) : linear) {}

    WalkResult run();
    /// False: an entry has changed since.
    bool set_flags();

private:
    struct Entry {
        std::uint64_t gpa = 0;
        std::uint64_t value = 0;
        bool leaf = false;
    };

    [[nodiscard]] unsigned page_shift(unsigned level) const {
        return 12 + (level - 1U) * form_.index_bits;
    }
    [[nodiscard]] bool is_pae_root(unsigned level) const {
        return scheme_ == Scheme::pae && level == 3;
    }
    [[nodiscard]] bool may_be_large(unsigned level) const;
    [[nodiscard]] std::uint64_t reserved(const Entry& entry, unsigned level) const;
    [[nodiscard]] std::uint64_t address_of(const Entry& entry, unsigned level) const;
    bool read(Entry& entry) const;
    void restrict(const Entry& entry, unsigned level);
    [[nodiscard]] WalkStatus judge() const;
    [[nodiscard]] static WalkResult fault(WalkStatus status, unsigned level) {
        return {status, static_cast<std::uint8_t>(level), 0, 0};
    }

    const GuestMemory& memory_;
    const PagingState& state_;
    Access access_;
    Scheme scheme_;
    Geometry form_;
    std::uint64_t linear_;
    Entry path_[5]; ///< [level - 1]
    unsigned last_ = 0;
    bool writable_ = true;
    bool user_ = true;
    bool executable_ = true;
};

bool Walker::may_be_large(unsigned level) const {
    if (scheme_ == Scheme::two_level) {
        return level == 2 && (state_.cr4 & cr4_page_size) != 0;
    }
    return level == 2 || (level == 3 && scheme_ != Scheme::pae && state_.gigabyte_pages);
}

std::uint64_t Walker::reserved(const Entry& entry, unsigned level) const {
    if (scheme_ == Scheme::two_level) { // 4M pages carry address bits 32 to 39 in 13 to 20
        const unsigned high = state_.physical_bits > 40 ? 40 : state_.physical_bits;
        return level == 2 && entry.leaf ? bits(13 + high - 32, 22) : 0;
    }
    std::uint64_t mask = bits(state_.physical_bits, 52);
    if (is_pae_root(level)) {
        return mask | bits(52, 63) | bit(63) | bits(1, 3) | bits(5, 9);
    }
    if (scheme_ == Scheme::pae) {
        mask |= bits(52, 63);
    }
    if ((state_.efer & efer_no_execute) == 0) {
        mask |= entry_no_execute;
    }
    if (level > 1) { // 12 is the page attribute of a large page
        mask |= entry.leaf ? bits(13, page_shift(level)) : 0;
        mask |= may_be_large(level) ? 0 : entry_large;
    }
    return mask;
}

/// Of the next table, or of the page with the address' offset in it.
std::uint64_t Walker::address_of(const Entry& entry, unsigned level) const {
    const std::uint64_t field = scheme_ == Scheme::two_level ? bits(12, 32) : bits(12, 52);
    if (!entry.leaf) {
        return entry.value & field;
    }
    const std::uint64_t offset = linear_ & bits(0, page_shift(level));
    std::uint64_t page = entry.value & field & ~bits(0, page_shift(level));
    if (scheme_ == Scheme::two_level && level == 2) {
        page |= (entry.value & bits(13, 21)) << 19U;
    }
    return page | offset;
}

bool Walker::read(Entry& entry) const {
    std::uint64_t value = 0;
    if (!memory_.read64(memory_.context, entry.gpa & ~std::uint64_t{7}, value)) {
        return false;
    }
    if (form_.entry_bytes == 4) {
        value = (entry.gpa & 4U) != 0 ? value >> 32U : value & bits(0, 32);
    }
    entry.value = value;
    return true;
}

void Walker::restrict(const Entry& entry, unsigned level) {
    if (is_pae_root(level)) { // it has no rights to give
        return;
    }
    writable_ = writable_ && (entry.value & entry_write) != 0;
    user_ = user_ && (entry.value & entry_user) != 0;
    executable_ = executable_ && (entry.value & entry_no_execute) == 0;
}

WalkStatus Walker::judge() const {
    const bool paged_32 = scheme_ == Scheme::two_level; // no place for NX
    if (access_.execute && !paged_32 && !executable_) {
        return WalkStatus::no_execute;
    }
    if (access_.user && !user_) {
        return WalkStatus::supervisor_only;
    }
    if (!access_.user && user_) {
        const bool smap = (state_.cr4 & cr4_smap) != 0 && (state_.rflags & rflags_ac) == 0;
        if (access_.execute ? (state_.cr4 & cr4_smep) != 0 : smap) {
            return WalkStatus::user_page;
        }
    }
    const bool obeys_write = access_.user || (state_.cr0 & cr0_write_protect) != 0;
    return access_.write && !writable_ && obeys_write ? WalkStatus::write_protected
                                                      : WalkStatus::ok;
}

WalkResult Walker::run() {
    if (scheme_ == Scheme::none) {
        return {WalkStatus::ok, 0, linear_, 4096};
    }
    if (form_.linear_bits != 32 && !is_canonical(linear_, form_.linear_bits)) {
        return fault(WalkStatus::non_canonical, 0);
    }
    const unsigned root_high = form_.linear_bits == 32 ? 32 : 52;
    std::uint64_t table = state_.cr3 & bits(form_.root_alignment_log2, root_high);
    for (unsigned level = form_.levels; level > 0; --level) {
        const std::uint64_t index = (linear_ >> page_shift(level)) & bits(0, form_.index_bits);
        Entry& entry = path_[level - 1];
        entry.gpa = table + index * form_.entry_bytes;
        if (!read(entry)) {
            return fault(WalkStatus::unreadable, level);
        }
        if ((entry.value & entry_present) == 0) {
            return fault(WalkStatus::not_present, level);
        }
        entry.leaf = level == 1 || (may_be_large(level) && (entry.value & entry_large) != 0);
        if ((entry.value & reserved(entry, level)) != 0) {
            return fault(WalkStatus::reserved_bits, level);
        }
        restrict(entry, level);
        last_ = level;
        if (entry.leaf) {
            break;
        }
        table = address_of(entry, level);
    }
    const WalkStatus status = judge();
    if (status != WalkStatus::ok) {
        return fault(status, last_);
    }
    return {WalkStatus::ok, static_cast<std::uint8_t>(last_), address_of(path_[last_ - 1], last_),
            bit(page_shift(last_))};
}

bool Walker::set_flags() {
    if (memory_.exchange64 == nullptr || scheme_ == Scheme::none) {
        return true;
    }
    for (unsigned level = form_.levels; level >= last_; --level) {
        const Entry& entry = path_[level - 1];
        std::uint64_t flags = is_pae_root(level) ? 0 : entry_accessed;
        if (entry.leaf && access_.write) {
            flags |= entry_dirty;
        }
        if ((entry.value & flags) == flags) {
            continue;
        }
        // A 32-bit entry is exchanged together with its neighbour.
        const std::uint64_t gpa = entry.gpa & ~std::uint64_t{7};
        std::uint64_t before = 0;
        if (!memory_.read64(memory_.context, gpa, before)) {
            return false;
        }
        const unsigned shift = form_.entry_bytes == 4 && (entry.gpa & 4U) != 0 ? 32 : 0;
        const std::uint64_t width = form_.entry_bytes == 4 ? bits(0, 32) : ~std::uint64_t{0};
        if (((before >> shift) & width) != entry.value ||
            !memory_.exchange64(memory_.context, gpa, before, before | (flags << shift))) {
            return false;
        }
    }
    return true;
}

} // namespace

WalkResult walk(const GuestMemory& memory, const PagingState& state, std::uint64_t linear,
                Access access) {
    // Another processor of the guest may change an entry between its read and its flags.
    constexpr int attempts = 16;
    WalkResult result;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        Walker walker(memory, state, linear, access);
        result = walker.run();
        if (!result.ok() || walker.set_flags()) {
            return result;
        }
    }
    return {WalkStatus::contended, result.level, 0, 0};
}

std::uint32_t page_fault_code(const PagingState& state, WalkStatus status, Access access) {
    std::uint32_t code = status == WalkStatus::not_present ? 0 : 1;
    code |= access.write ? 2U : 0;
    code |= access.user ? 4U : 0;
    code |= status == WalkStatus::reserved_bits ? 8U : 0;
    // Only processors that could have refused the fetch as such say that it was one.
    const bool no_execute = (state.efer & efer_no_execute) != 0 &&
                            ((state.cr4 & cr4_pae) != 0 || (state.efer & efer_long_active) != 0);
    if (access.execute && (no_execute || (state.cr4 & cr4_smep) != 0)) {
        code |= 16U;
    }
    return code;
}

} // namespace mshv::standin
