// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/store.hpp"
#include "tests/unit/api/thrown.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <cstdlib>
#include <memory>
#include <string>

namespace mshv::testing {

/// A folder and a database in it.
struct StoreFixture {
    StoreFixture() {
        std::string pattern = "/tmp/mshv-store-XXXXXX";
        dir = ::mkdtemp(pattern.data());
        open();
    }
    StoreFixture(const StoreFixture&) = delete;
    StoreFixture& operator=(const StoreFixture&) = delete;
    ~StoreFixture() {
        db.reset();
        posix::remove_tree(dir);
    }

    void open(store::Options options = {}) {
        db.reset();
        db = store::Store::open(path(), std::move(options));
    }
    [[nodiscard]] std::string path() const { return dir + "/mshv.db"; }

    static store::Definition definition(const std::string& name) {
        store::Definition definition;
        definition.uuid = api::random_uuid();
        definition.name = name;
        definition.spec = R"({"name":")" + name + "\"}";
        definition.memory = 1 << 20;
        return definition;
    }
    store::PartitionRow define(const std::string& name, bool persistent = true) {
        const auto d = definition(name);
        return db->write([&](store::Transaction& t) { return t.insert(d, persistent, "tester"); });
    }
    static store::Runtime runtime(const std::string& incarnation) {
        store::Runtime runtime;
        runtime.incarnation = incarnation;
        runtime.run_dir = "/run/x";
        runtime.nonce = "n";
        runtime.boot_id = "b";
        runtime.keeper = {10, 11};
        runtime.vmm = {12, 13};
        runtime.started_ms = runtime.generation_started_ms = 99;
        runtime.accelerator = "tcg";
        runtime.revision = 1; // the first, which define() writes
        return runtime;
    }
    static store::Intent intent(store::IntentKind kind, const std::string& incarnation) {
        store::Intent intent;
        intent.kind = kind;
        intent.actor = "tester";
        intent.started_ms = 5;
        intent.deadline_boot = 100;
        intent.incarnation = incarnation;
        intent.methods = {api::ShutdownMethod::agent, api::ShutdownMethod::acpi};
        return intent;
    }
    /// A partition that runs.
    store::PartitionRow run(const std::string& name, bool persistent = true) {
        const auto row = define(name, persistent);
        return db->write([&](store::Transaction& t) {
            t.change(row.id, domain::Change::start, api::Reason::user, "tester");
            t.put_intent(row.id, intent(store::IntentKind::start, "inc-" + name));
            t.begin_run(row.id, runtime("inc-" + name), "tester");
            t.change(row.id, domain::Change::run, api::Reason::started, "tester");
            t.drop_intent(row.id);
            return t.find(row.id).value();
        });
    }
    std::optional<store::PartitionRow> find(store::PartitionNumber id) {
        return db->write([&](store::Transaction& t) { return t.find(id); });
    }

    std::string dir;
    std::unique_ptr<store::Store> db;
};

} // namespace mshv::testing
