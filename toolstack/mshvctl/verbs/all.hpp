// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/verb.hpp"

#include <memory>

/// One function a verb, each in the file of its name.
namespace mshv::ctl::verbs {

std::unique_ptr<Command> make_apply();
std::unique_ptr<Command> make_autostart();
std::unique_ptr<Command> make_block_attach();
std::unique_ptr<Command> make_block_detach();
std::unique_ptr<Command> make_block_limit();
std::unique_ptr<Command> make_block_list();
std::unique_ptr<Command> make_block_resize();
std::unique_ptr<Command> make_cd_eject();
std::unique_ptr<Command> make_cd_insert();
std::unique_ptr<Command> make_check();
std::unique_ptr<Command> make_complete();
std::unique_ptr<Command> make_completion();
std::unique_ptr<Command> make_config();
std::unique_ptr<Command> make_console();
std::unique_ptr<Command> make_create();
std::unique_ptr<Command> make_define();
std::unique_ptr<Command> make_destroy();
std::unique_ptr<Command> make_dmesg();
std::unique_ptr<Command> make_doctor();
std::unique_ptr<Command> make_domid();
std::unique_ptr<Command> make_domname();
std::unique_ptr<Command> make_dumpxml();
std::unique_ptr<Command> make_events();
std::unique_ptr<Command> make_export();
std::unique_ptr<Command> make_guest();
std::unique_ptr<Command> make_help();
std::unique_ptr<Command> make_history();
std::unique_ptr<Command> make_claims();
std::unique_ptr<Command> make_compare();
std::unique_ptr<Command> make_host_shutdown();
std::unique_ptr<Command> make_run();
std::unique_ptr<Command> make_image();
std::unique_ptr<Command> make_support_bundle();
std::unique_ptr<Command> make_import();
std::unique_ptr<Command> make_info();
std::unique_ptr<Command> make_job_cancel();
std::unique_ptr<Command> make_jobs();
std::unique_ptr<Command> make_list();
std::unique_ptr<Command> make_mem_max();
std::unique_ptr<Command> make_mem_set();
std::unique_ptr<Command> make_metrics();
std::unique_ptr<Command> make_managed_save();
std::unique_ptr<Command> make_managed_save_remove();
std::unique_ptr<Command> make_network_attach();
std::unique_ptr<Command> make_network_detach();
std::unique_ptr<Command> make_network_link();
std::unique_ptr<Command> make_network_list();
std::unique_ptr<Command> make_pause();
std::unique_ptr<Command> make_reboot();
std::unique_ptr<Command> make_rename();
std::unique_ptr<Command> make_reset();
std::unique_ptr<Command> make_restore();
std::unique_ptr<Command> make_save();
std::unique_ptr<Command> make_dump_core();
std::unique_ptr<Command> make_resume();
std::unique_ptr<Command> make_shutdown();
std::unique_ptr<Command> make_start();
std::unique_ptr<Command> make_suspend();
std::unique_ptr<Command> make_top();
std::unique_ptr<Command> make_tree();
std::unique_ptr<Command> make_trigger();
std::unique_ptr<Command> make_undefine();
std::unique_ptr<Command> make_unpause();
std::unique_ptr<Command> make_uptime();
std::unique_ptr<Command> make_vcpu_list();
std::unique_ptr<Command> make_vcpu_pin();
std::unique_ptr<Command> make_vcpu_set();
std::unique_ptr<Command> make_version();
std::unique_ptr<Command> make_vmm_args();
std::unique_ptr<Command> make_wait();

} // namespace mshv::ctl::verbs
