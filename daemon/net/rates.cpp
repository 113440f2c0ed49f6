// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/rates.hpp"

#include "daemon/net/message.hpp"
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <system_error>
#include <utility>

namespace mshv::net {
namespace {

constexpr std::uint64_t kilobyte = 1000, kibibyte = 1024;
constexpr unsigned usual_mtu = 1500;
/// What a guest hands over at once, to be cut into packets later; a bucket that is smaller lets
/// none of these through.
constexpr std::uint64_t largest_packet = 66UL * kibibyte;
constexpr unsigned header_room = 64; ///< Ethernet's header, tags, and what rounding takes
/// The kernel's unit of time for buckets: 2^6 ns.
constexpr unsigned tick_shift = 6;
constexpr unsigned table_cell_log = 9; ///< 256 cells for packets of up to 128 KiB
constexpr unsigned char ethernet = TC_LINKLAYER_ETHERNET;
constexpr std::uint32_t ingress_handle = 0xffff0000U;
constexpr std::uint64_t largest_rate = UINT32_MAX; ///< in the kernel's older field

tc_ratespec spec_of(std::uint64_t bytes_a_second) {
    tc_ratespec spec{};
    spec.cell_log = table_cell_log;
    spec.linklayer = ethernet;
    spec.rate = static_cast<std::uint32_t>(std::min(bytes_a_second, largest_rate));
    return spec;
}

/// For so many bytes, at most UINT32_MAX.
std::uint32_t ticks(std::uint64_t bytes, std::uint64_t bytes_a_second) {
    constexpr std::uint64_t second = 1'000'000'000;
    const std::uint64_t ns = bytes * second / bytes_a_second;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(ns >> tick_shift, UINT32_MAX));
}

/// Enough for a hundredth of a second, unless something else was asked for.
std::uint64_t burst_of(const api::NicRate& rate, std::uint64_t least) {
    const std::uint64_t wanted =
        rate.burst != 0 ? rate.burst * kibibyte : rate.average * kilobyte / 100;
    return std::clamp<std::uint64_t>(wanted, least, UINT32_MAX);
}

/// A peak that is no faster is none.
std::uint64_t peak_of(const api::NicRate& rate) {
    return rate.peak > rate.average ? rate.peak * kilobyte : 0;
}

tcmsg queue(unsigned index, std::uint32_t handle, std::uint32_t parent) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(index);
    header.tcm_handle = handle;
    header.tcm_parent = parent;
    return header;
}

void hold_inbound(unsigned index, const api::NicRate& rate, unsigned mtu) {
    const std::uint64_t bytes = rate.average * kilobyte;
    const std::uint64_t peak = peak_of(rate);
    const std::uint64_t packet = mtu + header_room;
    const std::uint64_t burst = burst_of(rate, 2 * packet);
    tc_tbf_qopt options{};
    options.rate = spec_of(bytes);
    // What waits at most: a twentieth of a second.
    options.limit =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(burst + bytes / 20, UINT32_MAX));
    options.buffer = ticks(burst, bytes);
    if (peak != 0) {
        options.peakrate = spec_of(peak);
        options.mtu = ticks(packet, peak);
    }
    Message message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                    queue(index, TC_H_MAKE(1U << 16, 0U), TC_H_ROOT));
    message.add_word(TCA_KIND, "tbf");
    const auto nested = message.open(TCA_OPTIONS);
    message.add(TCA_TBF_PARMS, options);
    message.add(TCA_TBF_BURST, static_cast<std::uint32_t>(burst));
    if (bytes > largest_rate) {
        message.add(TCA_TBF_RATE64, bytes);
    }
    if (peak != 0) {
        message.add(TCA_TBF_PBURST, static_cast<std::uint32_t>(packet));
        if (peak > largest_rate) {
            message.add(TCA_TBF_PRATE64, peak);
        }
    }
    message.close(nested);
    change(std::move(message), "hold to inbound rate");
}

/// The policer wants a table of times although it computes them itself.
std::array<std::uint32_t, 256> times_of(std::uint64_t bytes_a_second) {
    std::array<std::uint32_t, 256> times{};
    for (std::size_t i = 0; i < times.size(); ++i) {
        times[i] = ticks((i + 1) << table_cell_log, bytes_a_second);
    }
    return times;
}

void add_policer(Message& message, const api::NicRate& rate) {
    const std::uint64_t bytes = rate.average * kilobyte;
    const std::uint64_t peak = peak_of(rate);
    tc_police police{};
    police.action = TC_ACT_SHOT;
    police.rate = spec_of(bytes);
    police.burst = ticks(burst_of(rate, largest_packet), bytes);
    if (peak != 0) {
        police.peakrate = spec_of(peak);
    }
    message.add(TCA_POLICE_TBF, police);
    message.add(TCA_POLICE_RATE, times_of(bytes));
    if (bytes > largest_rate) {
        message.add(TCA_POLICE_RATE64, bytes);
    }
    if (peak != 0) {
        message.add(TCA_POLICE_PEAKRATE, times_of(peak));
        if (peak > largest_rate) {
            message.add(TCA_POLICE_PEAKRATE64, peak);
        }
    }
}

void hold_outbound(unsigned index, const api::NicRate& rate) {
    Message entrance(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                     queue(index, ingress_handle, TC_H_INGRESS));
    entrance.add_word(TCA_KIND, "ingress");
    change(std::move(entrance), "hold to outbound rate");
    tcmsg header = queue(index, 0, ingress_handle);
    header.tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL));
    Message filter(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
    filter.add_word(TCA_KIND, "matchall");
    const auto options = filter.open(TCA_OPTIONS);
    const auto actions = filter.open(TCA_MATCHALL_ACT);
    const auto first = filter.open(1);
    filter.add_word(TCA_ACT_KIND, "police");
    const auto policer = filter.open(TCA_ACT_OPTIONS);
    add_policer(filter, rate);
    filter.close(policer);
    filter.close(first);
    filter.close(actions);
    filter.close(options);
    change(std::move(filter), "hold to outbound rate");
}

} // namespace

void hold_to_rates(unsigned index, const domain::TapPlan& plan) {
    try {
        if (plan.inbound) {
            hold_inbound(index, *plan.inbound, plan.mtu.value_or(usual_mtu));
        }
        if (plan.outbound) {
            hold_outbound(index, *plan.outbound);
        }
    } catch (const std::system_error& error) {
        if (error.code().value() != ENOENT && error.code().value() != EOPNOTSUPP) {
            throw;
        }
        throw api::Error(api::ErrorCode::unsupported,
                         "The kernel cannot hold the interface " + plan.name +
                             " to its <bandwidth>: " + error.code().message(),
                         "it needs sch_tbf, sch_ingress, cls_matchall and act_police");
    }
}

} // namespace mshv::net
