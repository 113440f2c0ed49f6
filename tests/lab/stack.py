# SPDX-License-Identifier: Apache-2.0
"""The whole stack in the root: mshvd and mshvctl, as they are installed, with Debian's own QEMU on
/dev/mshv. What must hold of it, asserted from outside. There is no systemd, so what its units, udev and
sysusers.d do on a host is done here."""

import json
import pathlib
import re
import subprocess
import time

import children
import machine as lab
from checks import boots, has_driver, is_quiet
from machine import Failed

ROOT = pathlib.Path(__file__).parent / "root"
MEMORY = 256  # MiB of the child
MEBIBYTE = 1 << 20
CYCLES = 5
SLACK_MS = 2000  # the thread's time is read at once, the VP's every two seconds
DISK_MEBIBYTES = 4
# A processor of a child takes a machine's time like one of the root's, and its tick some ten exits.
PATIENCE = 900.0
TREE = "/tree"  # where the root has the two disks, one over the other, and can write
LIBRARIES = "/usr/local/lib/of-build"  # as root/stack has it
GROUPS = {"mshv": 900, "mshv-read": 901, "mshv-vmm": 902}
# What doctor must find good where partitions run under mshv.
NEEDED = {"hypervisor", "dev-mshv", "scheduler", "partitions", "vmm", "accelerator", "daemon",
          "cgroup"}
DETACH = "\x1d"
CONFIGURATION = "/tmp/mshvd.toml"
GROUP_PARENT = "/sys/fs/cgroup/mshv"
GUEST = f"""<partition>
  <name>child</name>
  <memory unit='MiB'>{MEMORY}</memory>
  <vcpu>1</vcpu>
  <os>
    <kernel>/boot/vmlinuz</kernel>
    <initrd>/boot/initrd.gz</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/var/lib/mshv-disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <console type='pty'/>
  </devices>
</partition>
"""


def devices(arguments, folder):
    """What the machine has more than without the stack, as words for QEMU: memory, the disk of
    root/qemu, and one with the programs of the build tree, made in `folder`."""
    programs = folder / "programs"
    subprocess.run([ROOT / "stack", arguments.build, programs], check=True)
    words = ["-m", "2048"]
    for name, file in (("tree", arguments.child_disk / "disk"), ("programs", programs)):
        words += ["-drive", f"file={file},if=none,id={name},format=raw,readonly=on",
                  "-device", f"virtio-blk-pci,drive={name}"]
    return words


def ctl(machine, words, patience=PATIENCE):
    """Output of mshvctl, as it is where no terminal shows it."""
    return machine.run(f'said=$(chroot {TREE} mshvctl {words} 2>&1); status=$?; echo "$said";'
                       ' (exit $status)', patience)


def items(machine, words):
    return json.loads(ctl(machine, f"--json {words}"))["items"]


def ask_until(ask, is_good):
    """The answer that is as it should be: the daemon looks at some things now and then only."""
    deadline = time.monotonic() + lab.PATIENCE
    while True:
        answer = ask()
        if is_good(answer):
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"it stays at {answer}")


def one_partition(machine):
    """The row of `list`, of the one there is."""
    rows = items(machine, "list")
    if len(rows) != 1:
        raise Failed(f"list: {rows}")
    return rows[0]


def prepares(machine, kernel):
    """the root has the programs, groups and mounts that an installed host has"""
    groups = "".join(rf"{name}:x:{number}:\n" for name, number in GROUPS.items())
    machine.run(
        f"mkdir -p /low/tree /low/programs /new {TREE} && mount -o ro /dev/vdb /low/tree &&"
        " mount -o ro /dev/vdc /low/programs && mount -t tmpfs new /new &&"
        " mkdir /new/up /new/work && mount -t overlay -o"
        f" lowerdir=/low/programs:/low/tree,upperdir=/new/up,workdir=/new/work tree {TREE} &&"
        " mount -t debugfs debug /sys/kernel/debug && mount -t cgroup2 cgroup /sys/fs/cgroup &&"
        f" for f in dev proc sys; do mount --rbind /$f {TREE}/$f || exit 1; done;"
        rf" printf 'root:x:0:\n{groups}' >{TREE}/etc/group; mkdir -p {TREE}/var/lib;"
        f" dd if=/dev/urandom of={TREE}/var/lib/mshv-disk bs=1M count={DISK_MEBIBYTES} 2>/dev/null;"
        f" export LD_LIBRARY_PATH={LIBRARIES} PATH=$PATH:/usr/local/sbin:/usr/local/bin")
    machine.run(f"printf '[cgroup]\\nparent = \"{GROUP_PARENT}\"\\n' >{TREE}{CONFIGURATION}")
    guest = GUEST.replace("\n", r"\n")
    machine.run(f'printf "{guest}" >{TREE}/tmp/guest.xml')


def opens_device(machine):
    """As configs/udev does."""
    machine.run(f"chown 0:{GROUPS['mshv-vmm']} /dev/mshv && chmod 660 /dev/mshv")


def starts_daemon(machine):
    machine.run(f"chroot {TREE} mshvd --config {CONFIGURATION} --log-target stderr >>/tmp/mshvd.log 2>&1 & daemon=$!;"
                " until grep -q 'answers at' /tmp/mshvd.log; do kill -0 $daemon || break; done;"
                " cat /tmp/mshvd.log; kill -0 $daemon")


def has_daemon(machine, kernel):
    """mshvd starts"""
    opens_device(machine)
    starts_daemon(machine)
    return ctl(machine, "version").splitlines()[0]


def verdicts(machine):
    """What doctor finds, by name. It fails where no partition can run."""
    return {check["id"]: check for check in json.loads(
        machine.run(f"chroot {TREE} mshvctl --json doctor 2>/dev/null || true"))["items"]}


def print_checks(checks):
    for check in checks.values():
        print(f"doctor| {check['verdict']:4}  {check['id']}: {check['what']}")
        if check["fix"]:
            print(f"doctor|       fix: {check['fix']}")


def is_healthy(machine, kernel):
    """doctor has nothing to complain of"""
    checks = verdicts(machine)
    print_checks(checks)
    wrong = [name for name, check in checks.items() if check["verdict"] not in ("ok", "info")]
    good = [name for name, check in checks.items() if check["verdict"] == "ok"]
    if wrong or not NEEDED <= set(good):
        raise Failed(f"{wrong}, {NEEDED - set(good)}")
    return f"{len(good)} of {len(checks)} ok, the others say what there is"


def finds(**wanted):
    """A check of what doctor finds wrong: by name the verdict, a word of what and one of the fix."""
    def finds_wrong(machine, kernel):
        checks = verdicts(machine)
        print_checks(checks)
        found = {name.replace("-", "_") for name, check in checks.items()
                 if check["verdict"] in ("warn", "fail")}
        if found != set(wanted):
            raise Failed(f"it complains of {sorted(found)}")
        for name, (verdict, what, fix) in wanted.items():
            check = checks[name.replace("_", "-")]
            if check["verdict"] != verdict or what not in check["what"] or fix not in check["fix"]:
                raise Failed(str(check))
    finds_wrong.__doc__ = f"doctor complains of {', '.join(sorted(wanted))}, and of nothing else"
    return finds_wrong


def knows_host(machine, kernel):
    """info says which hypervisor this is, its scheduler and the root's privileges by name, dmesg the rest"""
    facts = ask_until(lambda: json.loads(ctl(machine, "--json info"))["host"],
                      lambda host: "accel.mshv" in host)
    wanted = {"hv_vendor": "Microsoft Hv", "hv_root": "yes", "hv_scheduler": "root"}
    wrong = {key: facts.get(key) for key, value in wanted.items() if facts.get(key) != value}
    if wrong or not facts["accel.mshv"].startswith("yes"):
        raise Failed(f"{wrong}, {facts}")
    if not {"CreatePartitions", "CpuManagement"} <= set(facts["hv_privileges"].split(", ")):
        raise Failed(facts["hv_privileges"])
    log = ctl(machine, "dmesg")
    if "mshv: hypervisor" not in log or "root scheduler" not in log:
        raise Failed(f"dmesg: {log}")
    return f"{facts['hv_version']}, {facts['hv_scheduler']} scheduler, {facts['hv_privileges']}"


def creates(machine, kernel):
    """create makes a partition under mshv, without having been told to"""
    machine.begin_of_child = len(machine.log.text)
    began = time.monotonic()
    ctl(machine, "create /tmp/guest.xml")
    took = time.monotonic() - began
    machine.wait_log(r"^HV partition \d+ created ", machine.begin_of_child)
    runtime = one_partition(machine)["runtime"]
    if runtime["accelerator"] != "mshv":
        raise Failed(f"{runtime['accelerator']}: {runtime['accelerator_reason']}")
    machine.vmm = runtime["vmm_pid"]
    return f"{took:.1f} s, {runtime['vmm']}"


def attach(machine, replay="0"):
    """Where the console's text begins. What the child said before comes again only where it is wanted:
    among it are older commands and their answers."""
    begin = len(machine.console.text)
    machine.send(f"chroot {TREE} mshvctl console --replay {replay} child;"
                 " echo CONSOLE''-ENDED=$?")
    machine.wait(lambda: "Connected to child" in machine.console.text[begin:] or
                 "CONSOLE-ENDED=" in machine.console.text[begin:], "no console")
    return begin


def detach(machine):
    begin = len(machine.console.text)
    machine.console.connection.sendall(DETACH.encode())
    ended = machine.wait(lambda: re.search(r"^CONSOLE-ENDED=(\d+)$", machine.console.text[begin:],
                                           re.MULTILINE), "the console cannot be left")
    if ended.group(1) != "0":
        raise Failed(machine.console.text[begin:])


def has_console(machine, kernel):
    """the child boots to its shell, and mshvctl console carries what is typed and answered"""
    began = time.monotonic()
    begin = attach(machine, "all")
    machine.wait(lambda: lab.READY in machine.console.text[begin:], "the child does not boot",
                 PATIENCE)
    machine.wait_shell(begin)
    took = time.monotonic() - began
    for line in machine.console.text[begin:].splitlines():
        print("child|", line)
    if machine.run("nproc; dmesg | grep -c 'Hypervisor detected: Microsoft Hyper-V'") != "1\n1":
        raise Failed("it is not where it should be")
    machine.run("echo marked >/tmp/mark")
    said = machine.run("md5sum </dev/vda")
    detach(machine)
    if machine.run(f"md5sum <{TREE}/var/lib/mshv-disk") != said:
        raise Failed("the child did not read its disk right")
    return f"{took:.1f} s"


def shows(machine, kernel):
    """list and vcpu-list show it as it is"""
    row = one_partition(machine)
    if (row["name"], row["state"], row["vcpus"]) != ("child", "running", 1):
        raise Failed(f"list: {row}")
    if row["memory"] != MEMORY * MEBIBYTE or row["runtime"]["cpu_time_ms"] <= 0:
        raise Failed(f"list: {row}")
    created = re.search(r"^HV partition (\d+) created ", machine.log.text[machine.begin_of_child:],
                        re.MULTILINE)
    has = ask_until(lambda: one_partition(machine)["runtime"], lambda now: "hypervisor" in now)
    has = has["hypervisor"]
    if has.get("partition_id") != int(created.group(1)) or has.get("vps") != 1:
        raise Failed(f"{created.group(0)}, and the list says {has}")
    if has["guest_memory"] < MEMORY * MEBIBYTE or has["deposited_pages"] <= 0:
        raise Failed(f"list: {has}")
    if has["held_pages"] != has["deposited_pages"] - has["withdrawn_pages"]:
        raise Failed(f"list: {has}")
    if has["cpu_time_ms"] <= 0 or has["waiting_ms"] < 0 or has["intercepts"] <= 0:
        raise Failed(f"list: {has}")
    vcpus = items(machine, "vcpu-list child")[0]["vcpus"]
    if [vcpu["index"] for vcpu in vcpus] != [0] or vcpus[0]["cpu_time_ms"] <= 0:
        raise Failed(f"vcpu-list: {vcpus}")
    # The thread that runs it under the root's scheduler has done that and more.
    vp = vcpus[0]["hypervisor"]
    if not 0 < vp["cpu_time_ms"] <= vcpus[0]["cpu_time_ms"] + SLACK_MS or vp["halted_ms"] <= 0:
        raise Failed(f"vcpu-list: {vcpus}")
    grown = ask_until(lambda: items(machine, "vcpu-list child")[0]["vcpus"][0]["hypervisor"],
                      lambda now: now["cpu_time_ms"] > vp["cpu_time_ms"])
    if grown["intercepts"] < vp["intercepts"]:
        raise Failed(f"vcpu-list: {vp}, then {grown}")
    for words in ("list", "info child", "-v vcpu-list child"):
        for line in ctl(machine, words).splitlines():
            print("mshvctl|", line)


def stands_still(machine, kernel):
    """pause and unpause reach the child's processor"""
    ctl(machine, "pause child")
    if one_partition(machine)["state"] != "paused":
        raise Failed("it is not paused")
    ctl(machine, "unpause child")
    attach(machine)
    machine.run("true")
    detach(machine)


def unmanaged(machine):
    return json.loads(ctl(machine, "--json list")).get("unmanaged", [])


def wait_unmanaged(machine, count):
    return ask_until(lambda: unmanaged(machine), lambda found: len(found) == count)


def leaves_strangers(machine, kernel):
    """a partition that another program made is shown, and nobody can command it"""
    if unmanaged(machine):
        raise Failed("there is one already")
    machine.run(f"chroot {TREE} qemu-system-x86_64 -accel mshv -machine q35 -m 64 -nodefaults"
                " -display none -S >/dev/null 2>&1 </dev/null & stranger=$!")
    stranger, = wait_unmanaged(machine, 1)
    process = machine.run("echo $stranger")
    if str(stranger["process"]) != process:
        raise Failed(f"{stranger}, and its process is {process}")
    line = next(line for line in ctl(machine, "list").splitlines() if "unmanaged" in line)
    print("mshvctl|", line)
    for verb in ("destroy", "pause", "console", "info"):
        said = machine.run(f"chroot {TREE} mshvctl {verb} {stranger['name']} 2>&1 && echo DID;true")
        if f"{stranger['name']} is not managed here: process {process} made it" not in said:
            raise Failed(f"{verb}: {said}")
    machine.run("kill -0 $stranger && kill -9 $stranger; wait $stranger; true")
    wait_unmanaged(machine, 0)
    if one_partition(machine)["state"] != "running":
        raise Failed("ours does not run any more")
    return line


def survives_daemon(machine, kernel):
    """the daemon is killed and started again: the same process, the same console"""
    machine.run("kill -9 $daemon; wait $daemon; >/tmp/mshvd.log; true")
    starts_daemon(machine)
    runtime = one_partition(machine)["runtime"]
    if runtime["vmm_pid"] != machine.vmm:
        raise Failed(f"process {runtime['vmm_pid']}, not {machine.vmm}")
    attach(machine)
    if machine.run("cat /tmp/mark") != "marked":
        raise Failed("it is another child")
    detach(machine)


def group_of(machine):
    return f"{GROUP_PARENT}/{one_partition(machine)['uuid']}"


def group_says(machine, **wanted):
    """The files of the partition's group hold what they are to."""
    folder = group_of(machine)
    for name, value in wanted.items():
        file = name.replace("_", ".", 1)
        said = machine.run(f"cat {folder}/{file}").strip()
        if said != value:
            raise Failed(f"{file}: {said}, not {value}")


def throttled(machine):
    return int(re.search(r"nr_throttled (\d+)", machine.run(f"cat {group_of(machine)}/cpu.stat"))[1])


def is_scheduled(machine, kernel):
    """weight, cap and pool are the kernel's, also when the daemon dies between"""
    group_says(machine, cpu_weight="100", cpu_max="max 100000")
    processes = machine.run(f"cat {group_of(machine)}/cgroup.procs").split()
    if str(machine.vmm) not in processes or len(processes) != 2:
        raise Failed(f"{processes} are in the group, not {machine.vmm} and its keeper")
    ctl(machine, "sched --weight 300 --cap 5 child")
    group_says(machine, cpu_weight="300", cpu_max="5000 100000")
    before = throttled(machine)
    ask_until(lambda: throttled(machine), lambda now: now > before + 3)
    group = group_of(machine)
    machine.run("kill -9 $daemon; wait $daemon; >/tmp/mshvd.log; true")
    machine.run(f"echo 77 >{group}/cpu.weight")
    starts_daemon(machine)
    ask_until(lambda: machine.run(f"cat {group_of(machine)}/cpu.weight").strip(),
              lambda now: now == "300")
    ctl(machine, "sched-credit -d child -w 256 -c 0")
    group_says(machine, cpu_weight="100", cpu_max="max 100000")
    count = int(machine.run("nproc"))
    if count == 1:
        said = machine.run(f"chroot {TREE} mshvctl cpupool-create name=fast cpus=0 2>&1 || true")
        if "must keep a processor" not in said:
            raise Failed(said)
        return f"throttled {throttled(machine)} times; one processor, so no pool"
    last = count - 1
    ctl(machine, f"cpupool-create name=fast cpus={last}")
    ctl(machine, "cpupool-migrate child fast")
    group_says(machine, cpuset_cpus=str(last))
    allowed = machine.run(f"cat /proc/{machine.vmm}/task/*/status | grep Cpus_allowed_list:")
    allowed = set(allowed.split()[1::2])
    if allowed != {str(last)}:
        raise Failed(f"the threads may run on {allowed}")
    ctl(machine, "cpupool-migrate child Pool-0")
    ctl(machine, "cpupool-destroy fast")
    group_says(machine, cpuset_cpus=f"0-{last}")
    return f"throttled {throttled(machine)} times"


def reboots(machine, kernel):
    """its reboot gives it another process by its policy, and the console goes on"""
    begin = attach(machine)
    began = time.monotonic()
    machine.send("reboot -f")
    machine.wait(lambda: lab.READY in machine.console.text[begin:] or
                 "CONSOLE-ENDED=" in machine.console.text[begin:], "it does not boot", PATIENCE)
    machine.wait_shell(begin)
    machine.run("test ! -e /tmp/mark")
    took = time.monotonic() - began
    detach(machine)
    runtime = one_partition(machine)["runtime"]
    if runtime["generation"] != 2 or runtime["vmm_pid"] == machine.vmm:
        raise Failed(str(runtime))
    return f"{took:.1f} s to its shell"


def shuts_down(machine, kernel):
    """shutdown asks it, it powers off, and nothing of it is left"""
    ctl(machine, f"--timeout {PATIENCE:.0f} shutdown -w child")
    pages = children.wait_ends(machine, machine.begin_of_child)
    if items(machine, "list --all"):
        raise Failed("it is still listed")
    machine.run(f"until [ -z \"$(ls {GROUP_PARENT} | grep -- -)\" ]; do :; done")
    return f"{' and '.join(str(one) for one in pages)} pages deposited and withdrawn"


def destroys(machine, kernel):
    """one is created and destroyed five times, and nothing of them is left"""
    begin = len(machine.log.text)
    for _ in range(CYCLES):
        ctl(machine, "create /tmp/guest.xml")
        ctl(machine, "destroy child")
    pages = children.wait_ends(machine, begin)
    if len(pages) != CYCLES or items(machine, "list --all"):
        raise Failed(f"{len(pages)} have ended")
    # The stand-in says it before the kernel has taken it from its list.
    machine.run("until [ $(wc -l </sys/kernel/debug/mshv/partitions) = 1 ]; do :; done")
    return f"{pages} pages deposited and withdrawn"


# A boot each.
CHECKS = [boots, has_driver, prepares, has_daemon, is_healthy, knows_host, creates, has_console,
          shows, stands_still, leaves_strangers, survives_daemon, is_scheduled,
          reboots,
          shuts_down, destroys, is_quiet]
CLOSED = [boots, has_driver, prepares,
          finds(dev_mshv=("warn", "only to root", "70-mshv.rules"),
                daemon=("warn", "cannot connect", "is mshvd running?"))]
STOCK = [boots, prepares,
         finds(dev_mshv=("fail", "/dev/mshv does not exist: no driver", "CONFIG_MSHV_ROOT"),
               accelerator=("warn", "tcg", "what mshv and kvm lack"),
               daemon=("warn", "cannot connect", "is mshvd running?"))]
ALONE = [boots, prepares,
         finds(hypervisor=("warn", "TCGTCGTCGTCG, not Microsoft's", "as root partition"),
               accelerator=("warn", "tcg", "what mshv and kvm lack"),
               daemon=("warn", "cannot connect", "is mshvd running?"))]
