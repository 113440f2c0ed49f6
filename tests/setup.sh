# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What tests/run and tests/quickstart share. Sourced, with `root` set to the source tree.

: "${root:?is set by the program that sources this}"

# As root when this is not root, so that both programs work with and without sudo.
privileged() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

# packages SECTION…: the names that tests/deps lists there; '?' marks what a release may lack.
packages() {
    local section
    for section in "$@"; do
        sed -n "/^\[$section\]/,/^\[/ { /^[a-z0-9?]/p }" "$root/tests/deps"
    done
}

# install_packages SECTION…: installs what is missing. Without a missing one apt is not even asked,
# so that a machine that is set up needs no network.
install_packages() {
    local name missing=() optional=()
    for name in $(packages "$@"); do
        if dpkg-query -W -f '${db:Status-Status}\n' "${name#\?}" 2>/dev/null | grep -qx installed; then
            continue
        fi
        case $name in
            \?*) optional+=("${name#\?}") ;;
            *) missing+=("$name") ;;
        esac
    done
    ((${#missing[@]} + ${#optional[@]})) || return 0
    if ((${#missing[@]})) || [[ -z $(find /var/lib/apt/lists -name '*_Packages*' -print -quit) ]]; then
        privileged apt-get -qq update
    fi
    for name in "${optional[@]}"; do
        if [[ -n $(apt-cache policy "$name" | sed -n 's/^ *Candidate: \([^(]\)/\1/p') ]]; then
            missing+=("$name")
        fi
    done
    ((${#missing[@]})) || return 0
    echo "installing: ${missing[*]}"
    # apt's own chatter is only of interest when it fails.
    local log
    log=$(mktemp)
    if ! privileged env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        install "${missing[@]}" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# phase TITLE COMMAND…: runs it and says how long it took.
phase() {
    local title=$1 started=$SECONDS
    shift
    echo "== $title"
    "$@"
    echo "== $title: $((SECONDS - started)) s"
}
