// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verb.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/scheduling_verbs.hpp"
#include "toolstack/mshvctl/virsh_commands.hpp"
#include "toolstack/mshvctl/xl_commands.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace mshv::ctl {
namespace {

using namespace ctl::verbs;

constexpr std::string_view life = "Life cycle";
constexpr std::string_view stored = "Definitions";
constexpr std::string_view devices = "Devices";
constexpr std::string_view looking = "Looking";
constexpr std::string_view host = "Host and tool";

constexpr std::array table{
    Verb{"create", life, "create a partition from a guest XML file and start it",
         "The partition is transient: it is gone from the list when it ends, and kept in the "
         "history. With --define it is stored as well.",
         make_create},
    Verb{"run", life, "run a guest once, and end with its status",
         "The partition is transient. Its console is this command's output, from the first byte, "
         "and "
         "its input. A guest that powers off ends with 0, one that writes N to its exit port with "
         "N, "
         "any other end with 255.",
         make_run},
    Verb{"start", life, "start partitions that are defined and off", "", make_start},
    Verb{"shutdown", life, "ask the guest to shut itself down",
         "The daemon climbs the ladder of methods, also while no client waits. Without -w the "
         "command returns as soon as the guest has been asked.",
         make_shutdown},
    Verb{"reboot", life, "ask the guest to reboot itself", "", make_reboot},
    Verb{"reset", life, "restart the partition at once, without asking the guest", "", make_reset},
    Verb{"destroy", life, "end the partition at once",
         "Returns when the partition's process and resources are gone, or says which is stuck.",
         make_destroy},
    Verb{"pause", life, "stop the partition's processors", "", make_pause},
    Verb{"unpause", life, "let a paused partition go on", "", make_unpause},
    Verb{"suspend", life, "let the guest sleep in RAM",
         "Its agent puts it to sleep (ACPI S3); the partition keeps its memory and stays running. "
         "A guest that does not sleep in time is exit status 9. 'pause' asks no guest.",
         make_suspend},
    Verb{"resume", life, "wake a guest that sleeps", "", make_resume},
    Verb{"trigger", life, "press a button of the partition or inject an interrupt", "",
         make_trigger},
    Verb{"save", life, "write a partition's state to a file and end it",
         "The partition stands still meanwhile. The file has its name when it is "
         "whole and not before; a save that fails or is cancelled leaves the partition as it was. "
         "The daemon goes on with it when nobody waits, and after a restart of its own.",
         make_save},
    Verb{
        "dump-core", life, "write a partition's memory to a file",
        "For crash(8), gdb(1) and the like. The partition stands still meanwhile, and goes on. The "
        "file has its name when it is whole and not before.",
        make_dump_core},
    Verb{"restore", life, "let a saved partition go on",
         "Refused early when the file is damaged, when this host's VMM or processor is another, "
         "when the definition or a disk has changed, or when the name is in use. The file stays.",
         make_restore},
    Verb{"compare", life, "say what would keep this host from restoring a saved partition",
         "All of it at once: the file, the VMM, the machine, the processor, the definition, the "
         "disks, "
         "who has them, names and memory. Nothing is begun. Exit status 6 when there is anything.",
         make_compare},
    Verb{"managed-save", life, "save partitions where start finds their state",
         "The next start resumes from it, and uses it up.", make_managed_save},
    Verb{"managed-save-remove", life, "forget the saved state of partitions that are off",
         "The next start boots.", make_managed_save_remove},
    Verb{"host-shutdown", life, "take all partitions down as each says, before the host goes down",
         "Each as its definition's <mshv><hostshutdown> says, in the reverse order of autostart, "
         "those of one place side by side. What became of each stands in history. With -N the plan "
         "is printed, and nothing done.",
         make_host_shutdown},
    Verb{"wait", life, "wait until a partition is in a state",
         "Without --state, waits for its end: shutoff or crashed.", make_wait},
    Verb{"define", stored, "store a partition's definition without starting it", "", make_define},
    Verb{
        "apply", stored, "make the stored definitions what files say, and show the plan",
        "Every file of a folder that ends in .xml, or one file. All are checked and planned before "
        "anything is done; doing it again does nothing. Each change is felt live, with the next "
        "start, or only by another partition in the place of this.",
        make_apply},
    Verb{"config", stored, "show, edit and take back what changed in a definition",
         "diff shows what differs between two revisions, by default what a running partition has "
         "not got yet; edit opens the definition in $VISUAL or $EDITOR and refuses when somebody "
         "else has changed it meanwhile; log lists the revisions; rollback makes an earlier one "
         "the current again, as a new revision.",
         make_config},
    Verb{"undefine", stored, "remove a partition's definition",
         "One that is off is no more. One that runs becomes transient: it goes on, and is no more "
         "when it ends.",
         make_undefine},
    Verb{"dumpxml", stored, "print a partition's definition as guest XML", "", make_dumpxml},
    Verb{"rename", stored, "give a partition another name, running or not", "", make_rename},
    Verb{"autostart", stored, "say whether and when a partition starts with the host",
         "Without an option, shows the present setting.", make_autostart},
    Verb{"check", stored, "check guest XML files, without a daemon",
         "Reports every fault of every file with its line and column; exit status 6 when there is "
         "one.",
         make_check},
    Verb{"import", stored, "make guest XML of another toolstack's file",
         "Every key or element that is lost is reported with its line. What would change how the "
         "guest behaves is an error until --accept names it; the rest is a warning.",
         make_import},
    Verb{"export", stored, "write a partition's definition for another toolstack",
         "What the other toolstack has no word for is kept in <metadata>, and told.", make_export},
    Verb{"block-attach", devices, "give a partition another disk, running or not",
         "Without --live or --config what runs gets it, until it ends; of a partition that is off, "
         "the definition. With both, both.",
         make_block_attach},
    Verb{"block-detach", devices, "take a disk from a partition",
         "Of what runs the guest is asked, and may take its time or refuse.", make_block_detach},
    Verb{"block-list", devices, "list a partition's disks", "", make_block_list},
    Verb{"block-limit", devices, "show or change what a disk's transfers are held to",
         "Without a limit, shows them. Of what runs they hold at once, and in each restart of the "
         "guest; of a partition that is off, the definition is changed. 0 takes a limit away; one "
         "of both directions together excludes one of each.",
         make_block_limit},
    Verb{"block-resize", devices, "give a disk of a running partition another size",
         "The VMM changes the image and tells the guest.", make_block_resize},
    Verb{
        "cd-insert", devices, "put a medium into a CD drive of a partition",
        "In the place of the one that is there. A guest that has locked the drive is asked to open "
        "it. Without --live or --config what runs gets it, until it ends; of a partition that is "
        "off, the definition. With both, both.",
        make_cd_insert},
    Verb{"cd-eject", devices, "take the medium out of a CD drive of a partition",
         "A guest that has locked the drive is asked to open it.", make_cd_eject},
    Verb{"mem-max", devices, "say how much memory a partition has with its next start",
         "Its definition is changed: no VMM gives a guest that runs another maximum.",
         make_mem_max},
    Verb{
        "mem-set", devices, "say how much of its memory a partition's guest shall have",
        "The balloon of what runs takes the rest, or gives it back, and mem-set waits for it; of a "
        "partition that is off, the definition is changed. It holds for each restart of the guest.",
        make_mem_set},
    Verb{"vcpu-pin", devices, "say on which processors of the host virtual processors run",
         "In each restart of the guest, too, from before it runs. all takes a pin away. Not under "
         "mshv where the hypervisor schedules them: see hv_scheduler in info.",
         make_vcpu_pin},
    Verb{"vcpu-set", devices, "say how many virtual processors a partition has, running or not",
         "Those of what runs come and go with its guest's knowledge; of a partition that is off, "
         "the definition is changed. It holds for each restart of the guest.",
         make_vcpu_set},
    Verb{"sched", devices, "show or set how much processor time partitions get",
         "Weight, cap and pool by control groups of Linux. Of what runs, and else of the "
         "definition. "
         "Refused where the hypervisor schedules: see hv_scheduler in info.",
         make_sched},
    Verb{"sched-credit", devices, "the same by xl's words and weights",
         "256 here is 100 of sched. Without -w and -c lists what runs.", make_sched_credit},
    Verb{"sched-credit2", devices, "the same by xl's words and weights",
         "256 here is 100 of sched. Without -w and -c lists what runs.", make_sched_credit2},
    Verb{"cpupool-list", devices, "list the pools of the host's processors", "", make_cpupool_list},
    Verb{
        "cpupool-create", devices, "make a pool of processors",
        "Its processors are taken from Pool-0, which has those that are in no other pool and keeps "
        "one at least.",
        make_cpupool_create},
    Verb{"cpupool-destroy", devices, "remove a pool that no partition is to run in", "",
         make_cpupool_destroy},
    Verb{"cpupool-rename", devices, "rename a pool that no partition is to run in", "",
         make_cpupool_rename},
    Verb{"cpupool-cpu-add", devices, "give a pool processors of Pool-0", "", make_cpupool_cpu_add},
    Verb{"cpupool-cpu-remove", devices, "give processors of a pool back to Pool-0", "",
         make_cpupool_cpu_remove},
    Verb{"cpupool-migrate", devices, "let a running partition run in another pool", "",
         make_cpupool_migrate},
    Verb{"cpupool-numa-split", devices, "make a pool of each NUMA node but the first", "",
         make_cpupool_numa_split},
    Verb{"network-attach", devices, "give a partition another interface, running or not",
         "Without --live or --config what runs gets it, until it ends; of a partition that is off, "
         "the definition. With both, both.",
         make_network_attach},
    Verb{"network-detach", devices, "take an interface from a partition",
         "Of what runs the guest is asked, and may take its time or refuse.", make_network_detach},
    Verb{"network-link", devices, "plug the cable of an interface in, or pull it",
         "The guest sees it at once.", make_network_link},
    Verb{"network-list", devices, "list partitions' interfaces", "", make_network_list},
    Verb{"list", looking, "list partitions",
         "Columns for -o: name, id, uuid, state, reason, letters, mem, max-mem, vcpus, time, "
         "uptime, rss, "
         "accel, vmm, pid, persistent, autostart, operation, revision, pending, owner, title, "
         "labels. With MSHVCTL_COMPAT=xl "
         "in the environment the table is byte for byte that of xl.",
         make_list},
    Verb{"claims", looking, "show whom the host's memory is promised to",
         "In MiB. A partition that runs may still take what is outstanding; one that starts gets "
         "none of that.",
         make_claims},
    Verb{"info", looking, "show the host, one of its keys, or a partition in detail",
         "Without an argument prints the host's keys and values; with a key of the host, its "
         "value; else the partition of that name.",
         make_info},
    Verb{"console", looking, "attach to a partition's console",
         "Ctrl-] alone detaches; Ctrl-] twice sends one; Ctrl-] ? lists the keys. What is pasted "
         "is passed on unread. The session survives a restart of the daemon.",
         make_console},
    Verb{"guest", looking, "ask a partition's guest, by its agent",
         "info, addresses, ping and freeze-status look; exec runs a program in the guest, and ends "
         "with its exit status; freeze makes its file systems stand still until thaw, or until "
         "--thaw-after at the latest; sync-time sets its clock. All but addresses need "
         "qemu-guest-agent in the guest and its channel in the definition.",
         make_guest},
    Verb{"vcpu-list", looking, "list virtual processors", "", make_vcpu_list},
    Verb{"vmm-args", looking, "print the command line with which the VMM would be started",
         "From the stored definition of a partition, or from a guest XML file: a word with a slash "
         "or the ending .xml. Quoted for a shell; what the descriptors in it stand for is opened "
         "by mshvd.",
         make_vmm_args},
    Verb{
        "top", looking, "show what partitions use at the moment, and go on showing it",
        "On a terminal a screen: q ends it, s takes the next column to sort by, r reverses, v adds "
        "processors, f shows whole names, + and - change the delay, the arrows scroll. Elsewhere, "
        "and with -b, one table after the other; the first has no rates.",
        make_top},
    Verb{"uptime", looking, "show how long partitions have been running", "", make_uptime},
    Verb{"events", looking, "show what happened, and follow it", "", make_events},
    Verb{"history", looking, "show past runs: who started and ended them, and why", "",
         make_history},
    Verb{"metrics", looking, "print counters and gauges in Prometheus' text format",
         "With -o for node_exporter's textfile collector, which reads what others have measured.",
         make_metrics},
    Verb{"jobs", looking, "show long work: saves and restores", "", make_jobs},
    Verb{"job-cancel", looking, "undo a job that has not ended",
         "Returns when everything is as it was before the job.", make_job_cancel},
    Verb{"domid", looking, "print the number of a partition", "", make_domid},
    Verb{"domname", looking, "print the name of a partition", "", make_domname},
    Verb{"doctor", host, "say what this host can and cannot do as root partition, and the fix",
         "Exit status 0 when partitions can run here, 1 when something stands in the way.",
         make_doctor},
    Verb{"dmesg", host, "print what the kernel's log says of the hypervisor",
         "Of this root partition: the hypervisor's own log cannot be read from here.", make_dmesg},
    Verb{"image", host, "create, show, convert and resize disk images",
         "By qemu-img, without the daemon. A format is never guessed. A new image has its name "
         "when it "
         "is whole and not before.",
         make_image},
    Verb{
        "support-bundle", host, "pack what somebody needs who looks for a fault",
        "Definitions without command lines, SMBIOS values and free text; no console, no audit log. "
        "What cannot be had is noted in the bundle.",
        make_support_bundle},
    Verb{"version", host, "print the versions of mshvctl and of the daemon", "", make_version},
    Verb{"completion", host, "print the completion script for a shell", "", make_completion},
    Verb{"help", host, "show help for a verb",
         "With --xl, what became of each command of xl: the verb of the same name, what to use "
         "instead, or why there is none.",
         make_help},
    Verb{"__tree", host, "print the tree of verbs and options as JSON", "", make_tree, true},
    Verb{"__complete", host, "print words for the completion scripts", "", make_complete, true},
};

std::vector<std::string_view> shown_names() {
    std::vector<std::string_view> names;
    for (const auto& verb : table) {
        if (!verb.hidden) {
            names.push_back(verb.name);
        }
    }
    return names;
}

} // namespace

std::span<const Verb> verb_table() {
    return table;
}

const Verb* find_verb(std::string_view name) {
    const auto* found = std::find_if(table.begin(), table.end(),
                                     [&](const Verb& verb) { return verb.name == name; });
    return found == table.end() ? nullptr : found;
}

const Verb& resolve_verb(std::string_view word, bool allow_prefix) {
    if (const Verb* exact = find_verb(word)) {
        return *exact;
    }
    // Before prefixes: who types a command of xl means that.
    if (const XlCommand* xl = find_xl_command(word)) {
        throw api::Error(xl->fate == XlCommand::Fate::elsewhere ? api::ErrorCode::usage
                                                                : api::ErrorCode::unsupported,
                         "xl's '" + std::string(word) + "' is no verb of mshvctl",
                         std::string(xl->answer));
    }
    if (const std::string_view ours = virsh_counterpart(word); !ours.empty()) {
        throw api::Error(api::ErrorCode::usage,
                         "virsh's '" + std::string(word) + "' is no verb of mshvctl",
                         "use '" + std::string(ours) + "'");
    }
    const auto names = shown_names();
    std::vector<std::string_view> fitting;
    std::copy_if(names.begin(), names.end(), std::back_inserter(fitting),
                 [&](std::string_view name) { return !word.empty() && name.starts_with(word); });
    if (allow_prefix && fitting.size() == 1) {
        return *find_verb(fitting.front());
    }
    const std::string unknown = "unknown verb '" + std::string(word) + "'";
    if (fitting.size() > 1) {
        std::string list;
        for (const auto name : fitting) {
            list += (list.empty() ? "" : ", ") + std::string(name);
        }
        throw api::Error(api::ErrorCode::usage, unknown, "several begin so: " + list);
    }
    const auto meant = fitting.empty() ? nearest(word, names) : fitting.front();
    throw api::Error(api::ErrorCode::usage, unknown,
                     meant.empty() ? "mshvctl help lists the verbs"
                                   : "did you mean '" + std::string(meant) + "'?");
}

} // namespace mshv::ctl
