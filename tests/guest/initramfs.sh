# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How an initramfs of busybox, tests/guest/init.cpp and some of a kernel's modules is made. Sourced by
# tests/guest/make and tests/lab/root/make, with `guest` set to this folder.

: "${guest:?is set by the program that sources this}"

# What it is made of beside what the caller adds.
# shellcheck disable=SC2034 # for who sources this
initramfs_sources=("$guest/initramfs.sh" "$guest/init.cpp")

# compile_static PROGRAM SOURCE: nothing is there to link to.
compile_static() {
    g++ -std=c++20 -Os -static -s -Wall -Wextra -Werror -fno-exceptions -fno-rtti \
        -ffunction-sections -Wl,--gc-sections -o "$1" "$2"
}

# start_initramfs ROOT BUSYBOX: a tree with a shell and an init.
start_initramfs() {
    local applet
    mkdir -p "$1"/{bin,dev,proc,sys,tmp,lib/drivers}
    compile_static "$1/init" "$guest/init.cpp"
    cp "$2" "$1/bin/busybox"
    for applet in $("$2" --list); do
        [[ $applet == busybox ]] || ln -s busybox "$1/bin/$applet"
    done
}

# add_module ROOT MODULES LIST NAME: puts the module below the folder MODULES, and before it those that
# it depends on, into ROOT/lib/drivers, and their names into the file LIST in that order. One that is
# not there is taken to be built in. Debian 13 packs its modules with xz, Debian 12 does not.
add_module() {
    local root=$1 modules=$2 list=$3 name=${4//-/_} file dependence target
    target=$root/lib/drivers/$name.ko
    [[ ! -e $target ]] || return 0
    file=$(find "$modules" -name "${name//_/[-_]}.ko*" -print -quit)
    [[ -n $file ]] || return 0
    case $file in
        *.xz) xz -dc "$file" >"$target" ;;
        *) cp "$file" "$target" ;;
    esac
    for dependence in $(objcopy -O binary --only-section=.modinfo "$target" /dev/stdout |
        tr '\0' '\n' | sed -n 's/^depends=//p' | tr ',' ' '); do
        add_module "$root" "$modules" "$list" "$dependence"
    done
    echo "$name.ko" >>"$list"
}

# pack_initramfs ROOT FILE
pack_initramfs() {
    (cd "$1" && find . -print0 | sort -z | cpio --null --quiet -o -H newc -R 0:0) | gzip -9n >"$2"
}
