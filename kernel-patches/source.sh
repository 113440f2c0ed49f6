# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What build, check and kunit-run share: where things lie, the pinned source, the series. Sourced, with
# `here` set to this folder.

# Lists are compared: one order for all.
export LC_ALL=C

: "${here:?is set by the program that sources this}"
# install_packages of tests/setup.sh reads it.
root=$(cd "$here/.." && pwd)
series_folder=$here/linux-6.12
# Whose BASE says what get_source gets.
base_folder=$series_folder
# What apt is told beside its own configuration.
apt_options=()
store=$root/build/kernel
# shellcheck source=tests/setup.sh
. "$root/tests/setup.sh"

die() {
    echo "kernel-patches/${0##*/}: $*" >&2
    exit 1
}

# base KEY: what BASE says.
base() {
    sed -n "s/^$1=//p" "$base_folder/BASE"
}

# The patches in their order, one a line.
patches() {
    sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$series_folder/series"
}

# One maker at a time; held until the program ends.
lock_store() {
    mkdir -p "$store"
    exec 9>"$store/lock"
    flock 9
}

# ask_suite SUITE: apt knows that suite of Debian's archive and no other, by lists of its own: those of
# the machine stay as they are. Its signature is checked as ever.
ask_suite() {
    local apt=$store/apt/$1
    mkdir -p "$apt"/{lists,archives}/partial "$apt/parts"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "http://deb.debian.org/debian $1 main" >"$apt/sources.list"
    apt_options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o "Dir::Etc::SourceParts=$apt/parts"
        -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=$apt/parts"
        -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
    apt-get -qq "${apt_options[@]}" update >&2 || die "cannot read the lists of Debian's $1"
}

# get_source: sets `version` and `pristine`, the folder of Debian's source as it was packed. Nobody
# writes there: the build trees are hard links to it. The pinned version; when the archive has dropped
# that, the newest of the package.
get_source() {
    local package suite work
    package=$(base package)
    suite=$(base suite)
    version=$(base version)
    pristine=$store/source/$version
    [[ ! -d $pristine ]] || return 0

    [[ -z $suite ]] || ask_suite "$suite"
    if ! apt-cache "${apt_options[@]}" show "$package=$version" >/dev/null 2>&1; then
        version=$(apt-cache "${apt_options[@]}" policy "$package" | sed -n 's/^ *Candidate: \([^(]\)/\1/p')
        [[ -n $version ]] || die "apt knows no $package: apt-get update, then again"
        echo "kernel-patches: $package $(base version) is gone from the archive, taking $version" >&2
        pristine=$store/source/$version
        [[ ! -d $pristine ]] || return 0
    fi
    work=$(mktemp -d "$store/making.XXXXXX")
    # Debian's apt drops its rights for a download when the folder lets it; say so instead of a warning.
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root "${apt_options[@]}" \
        download "$package=$version" >&2) ||
        die "cannot download $package $version"
    dpkg-deb -x "$work"/*.deb "$work/package"
    mkdir "$work/source"
    tar -xJf "$work/package/usr/src/$package.tar.xz" -C "$work/source" --strip-components 1
    mkdir -p "$store/source"
    mv "$work/source" "$pristine"
    rm -rf "$work"
}

# touched PATCH…: the files that these patches change, make or remove.
touched() {
    (($#)) || return 0
    (cd "$series_folder" && sed -n -e 's|^--- a/||p' -e 's|^+++ b/||p' -- "$@") |
        sed 's/\t.*//' | sort -u
}

# patch_tree TREE PATCH…: makes TREE/src the source with just these patches. Only files whose content
# changes are written, so that make rebuilds only what depends on them.
patch_tree() {
    local tree=$1 name file log
    shift
    if [[ $(cat "$tree/version" 2>/dev/null) != "$version" ]]; then
        rm -rf "${tree:?}"
        mkdir -p "$tree"
        cp -al "$pristine" "$tree/src"
        echo "$version" >"$tree/version"
        : >"$tree/touched"
    fi
    rm -rf "$tree/patched"
    mkdir "$tree/patched"
    touched "$@" >"$tree/touched.new"
    while read -r file; do
        if [[ -e $pristine/$file ]]; then
            mkdir -p "$tree/patched/${file%/*}"
            cp -p "$pristine/$file" "$tree/patched/$file"
        fi
    done <"$tree/touched.new"
    for name in "$@"; do
        log=$(patch -p1 -F0 -N -E --no-backup-if-mismatch -r - -d "$tree/patched" \
            <"$series_folder/$name" 2>&1) || die "$name does not apply:"$'\n'"$log"
        # An offset says that the patch was made for another text; in the pinned source none is due.
        if [[ $log == *offset* && $version == "$(base version)" ]]; then
            die "$name applies with an offset only:"$'\n'"$log"
        fi
    done
    sort -u "$tree/touched" "$tree/touched.new" >"$tree/touched.both"
    # Until this is through, both lists count: an interrupted run is mended by the next.
    cp "$tree/touched.both" "$tree/touched"
    while read -r file; do
        local wanted=$tree/patched/$file
        if [[ ! -e $wanted ]] && ! grep -qxF "$file" "$tree/touched.new"; then
            wanted=$pristine/$file
        fi
        if [[ ! -e $wanted ]]; then
            rm -f "$tree/src/$file"
        elif ! cmp -s "$wanted" "$tree/src/$file"; then
            mkdir -p "$tree/src/${file%/*}"
            # A file of its own, dated now: never through the hard link into the pristine source.
            cp --remove-destination "$wanted" "$tree/src/$file"
        fi
    done <"$tree/touched.both"
    mv "$tree/touched.new" "$tree/touched"
    rm -rf "$tree/patched" "$tree/touched.both"
}

# make_in TREE ARGUMENT…: make with everything that must not depend on who builds where. The environment
# variable MAKE names another program, as for make itself.
make_in() {
    local tree=$1 compiler=gcc
    shift
    mkdir -p "$tree/obj"
    if command -v ccache >/dev/null; then
        compiler="ccache gcc"
    fi
    # `uname -r` ends in the flavour.
    CCACHE_BASEDIR=$tree LOCALVERSION=-${tree##*/} KBUILD_BUILD_USER=mshv KBUILD_BUILD_HOST=localhost \
        KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$(stat -c %Y "$pristine/Makefile")" +'%F %T UTC') \
        env -u MAKE "${MAKE:-make}" -s -C "$tree/src" O="$tree/obj" CC="$compiler" -j "$(nproc)" "$@"
}

# configure TREE FRAGMENT…: tinyconfig and the fragments, the later ones winning. Leaves an unchanged
# .config alone. Dies when an option did not come out as asked; one that this source does not have at
# all is passed over, since the series adds some.
configure() {
    local tree=$1 wanted option
    shift
    cat "$@" | sed -n -e '/^CONFIG_/p' -e '/^# CONFIG_.* is not set$/p' |
        awk '{ name = $0; sub(/^# /, "", name); sub(/[= ].*/, "", name); line[name] = $0 }
             END { for (name in line) print line[name] }' | sort >"$tree/wanted"
    if ! cmp -s "$tree/wanted" "$tree/configured" || [[ ! -e $tree/obj/.config ]] ||
        [[ -n $(find "$tree/src" -name 'Kconfig*' -newer "$tree/configured" -print -quit) ]]; then
        mkdir -p "$tree/fresh"
        make_in "$tree" O="$tree/fresh" tinyconfig >/dev/null
        cat "$tree/wanted" >>"$tree/fresh/.config"
        # Options given twice: the later wins, and says so on standard error.
        make_in "$tree" O="$tree/fresh" olddefconfig >/dev/null 2>&1 ||
            make_in "$tree" O="$tree/fresh" olddefconfig
        mkdir -p "$tree/obj"
        cmp -s "$tree/fresh/.config" "$tree/obj/.config" ||
            cp "$tree/fresh/.config" "$tree/obj/.config"
        rm -rf "$tree/fresh"
    fi
    while read -r wanted; do
        option=${wanted#\# }
        option=${option%%[= ]*}
        if [[ $wanted == "#"* ]]; then
            grep -q "^$option=" "$tree/obj/.config" || continue
        elif grep -qxF "$wanted" "$tree/obj/.config"; then
            continue
        elif ! grep -rqE --include='Kconfig*' "^(menu)?config ${option#CONFIG_}$" "$tree/src"; then
            echo "kernel-patches: this source has no ${option#CONFIG_}" >&2
            continue
        fi
        rm -f "$tree/configured"
        die "the configuration says $(grep -E "^(# )?${option}[= ]" "$tree/obj/.config" ||
            echo "nothing of $option"), wanted is $wanted"
    done <"$tree/wanted"
    cp "$tree/wanted" "$tree/configured"
}
