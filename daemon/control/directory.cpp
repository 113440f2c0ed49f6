// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/directory.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <charconv>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t shortest_prefix = 4;
constexpr std::size_t most_candidates = 10;

/// The hex digits of a UUID or a prefix of one; empty for other text.
std::string prefix_digits(const std::string& text) {
    std::string digits;
    for (const char c : text) {
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
            digits += c;
        } else if (c >= 'A' && c <= 'F') {
            digits += static_cast<char>(c + ('a' - 'A'));
        } else if (c != '-') {
            return {};
        }
    }
    return digits.size() >= shortest_prefix && digits.size() <= 32 ? digits : std::string{};
}

std::string hex_of(const api::Uuid& uuid) {
    std::string text = api::to_string(uuid);
    std::erase(text, '-');
    return text;
}

} // namespace

api::PartitionView to_view(const store::PartitionRow& row) {
    api::PartitionView view;
    view.id = row.id;
    view.uuid = row.uuid;
    view.name = row.name;
    view.title = row.title;
    view.state = row.state;
    view.reason = row.reason;
    view.persistent = row.persistent;
    view.autostart = row.autostart;
    view.memory = row.memory;
    view.vcpus = row.vcpus;
    view.labels = row.labels;
    view.state_since_ms = row.state_since_ms;
    view.revision = row.revision;
    view.owner = row.owner;
    view.saved = !row.saved.empty();
    view.last_exit = row.last_exit;
    return view;
}

void Directory::insert(store::PartitionRow row) {
    erase(row.id);
    auto entry = std::make_shared<Entry>();
    if (!row.runtime && !row.intent) {
        api::encode(to_view(row), entry->json);
    }
    names_[row.name] = row.id;
    uuids_[row.uuid] = row.id;
    entry->row = std::move(row);
    const store::PartitionNumber id = entry->row.id;
    entries_[id] = std::move(entry);
}

void Directory::erase(store::PartitionNumber id) {
    const auto entry = entries_.find(id);
    if (entry != entries_.end()) {
        names_.erase(entry->second->row.name);
        uuids_.erase(entry->second->row.uuid);
        entries_.erase(entry);
    }
}

void Directory::load(std::vector<store::PartitionRow> rows) {
    posix::Lock lock(mutex_);
    entries_.clear();
    names_.clear();
    uuids_.clear();
    for (auto& row : rows) {
        insert(std::move(row));
    }
    ++version_;
    changed_.notify_all();
}

void Directory::apply(const store::Committed& committed) {
    posix::Lock lock(mutex_);
    for (const store::PartitionNumber id : committed.removed) {
        erase(id);
    }
    // Names may have been exchanged within the commit: all old ones go before the new ones come.
    for (const auto& row : committed.changed) {
        erase(row.id);
    }
    for (const auto& row : committed.changed) {
        insert(row);
    }
    ++version_;
    changed_.notify_all();
}

Directory::EntryPtr Directory::by_id(store::PartitionNumber id) const {
    const auto entry = entries_.find(id);
    return entry == entries_.end() ? nullptr : entry->second;
}

Directory::EntryPtr Directory::find(const api::Uuid& uuid) const {
    posix::Lock lock(mutex_);
    const auto id = uuids_.find(uuid);
    return id == uuids_.end() ? nullptr : by_id(id->second);
}

Directory::EntryPtr Directory::find(const std::string& name) const {
    posix::Lock lock(mutex_);
    const auto id = names_.find(name);
    return id == names_.end() ? nullptr : by_id(id->second);
}

Directory::EntryPtr Directory::by_number(const std::string& text) const {
    store::PartitionNumber id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    return error == std::errc{} && end == text.data() + text.size() ? by_id(id) : nullptr;
}

Directory::EntryPtr Directory::by_uuid(const std::string& text) const {
    const std::string digits = prefix_digits(text);
    if (digits.empty()) {
        return nullptr;
    }
    api::Uuid lowest{};
    const std::string padded = digits + std::string(32 - digits.size(), '0');
    for (std::size_t i = 0; i < 16; ++i) {
        std::from_chars(&padded[2 * i], &padded[2 * i] + 2, lowest.data[i], 16);
    }
    std::vector<EntryPtr> found;
    for (auto it = uuids_.lower_bound(lowest);
         it != uuids_.end() && hex_of(it->first).starts_with(digits); ++it) {
        found.push_back(by_id(it->second));
    }
    if (found.size() <= 1) {
        return found.empty() ? nullptr : found.front();
    }
    std::string candidates;
    for (std::size_t i = 0; i < std::min(found.size(), most_candidates); ++i) {
        candidates += (i == 0 ? "" : ", ") + found[i]->row.name + " (" +
                      api::to_string(found[i]->row.uuid) + ')';
    }
    throw Error(ErrorCode::usage,
                "'" + text + "' is the beginning of " + std::to_string(found.size()) + " UUIDs",
                "one of them: " + candidates + (found.size() > most_candidates ? ", …" : ""));
}

Directory::EntryPtr Directory::resolve(const api::Selector& selector) const {
    using Kind = api::Selector::Kind;
    posix::Lock lock(mutex_);
    EntryPtr entry;
    if (selector.kind == Kind::any || selector.kind == Kind::number) {
        entry = by_number(selector.text);
    }
    if (!entry && (selector.kind == Kind::any || selector.kind == Kind::name)) {
        const auto id = names_.find(selector.text);
        entry = id == names_.end() ? nullptr : by_id(id->second);
    }
    if (!entry && (selector.kind == Kind::any || selector.kind == Kind::uuid)) {
        entry = by_uuid(selector.text);
    }
    if (!entry) {
        throw Error(ErrorCode::not_found, "No partition '" + selector.to_string() + "' exists",
                    "list --all shows what there is");
    }
    return entry;
}

std::vector<Directory::EntryPtr> Directory::all() const {
    posix::Lock lock(mutex_);
    std::vector<EntryPtr> entries;
    entries.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) {
        entries.push_back(entry);
    }
    return entries;
}

std::uint64_t Directory::version() const {
    posix::Lock lock(mutex_);
    return version_;
}

std::uint64_t Directory::wait(std::uint64_t seen, posix::Deadline deadline) {
    posix::Lock lock(mutex_);
    while (version_ == seen && !stopped_ && !deadline.expired()) {
        changed_.wait_until(lock, deadline.point());
    }
    if (stopped_) {
        throw Error(ErrorCode::unreachable, "The daemon is stopping", "ask again in a moment");
    }
    return version_;
}

Directory::EntryPtr
Directory::await(const api::Uuid& uuid, posix::Deadline deadline,
                 const std::function<bool(const store::PartitionRow&)>& done) {
    for (std::uint64_t seen = version();;) {
        EntryPtr entry = find(uuid);
        if (!entry || done(entry->row) || deadline.expired()) {
            return entry;
        }
        seen = wait(seen, deadline);
    }
}

void Directory::stop() {
    posix::Lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

} // namespace mshv::control
