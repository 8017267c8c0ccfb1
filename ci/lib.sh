# shellcheck shell=bash
# What every script in ci/ shares: saying what happens, failing plainly, asking for tools.
set -euo pipefail

# shellcheck disable=SC2034 # for the scripts that read this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(realpath --relative-to="$root" "$0")

# Progress goes to standard error, so that a script's output can be piped.
say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { local status=$1; shift; say "$*"; exit "$status"; }

# Seconds since a moment that `now` gave, with one decimal.
now() { date +%s%3N; }
since() { local ms=$(($(now) - $1)); printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)); }

is_root() { [ "$(id -u)" = 0 ]; }
have() { command -v "$1" >/dev/null 2>&1; }

# packages COMMAND-OR-FILE=PACKAGE…: installs the packages whose command (or file) is missing, where that is possible; exit 3 where it is not.
packages() {
    local pair missing=()
    for pair in "$@"; do have "${pair%%=*}" || [ -e "${pair%%=*}" ] || missing+=("${pair#*=}"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || die 3 "please install: ${missing[*]}"
    is_root || die 3 "missing here; please run: sudo apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    install_packages "${missing[@]}" || die 3 "apt-get could not install ${missing[*]}; its words are above"
}

# The package lists may be absent (a fresh container) or stale (a package is gone from the mirror): both show as a failed install.
install_packages() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    if "${apt[@]}" install --no-install-recommends "$@" >/dev/null 2>&1 </dev/null; then return; fi
    "${apt[@]}" update >/dev/null </dev/null
    "${apt[@]}" install --no-install-recommends "$@" >&2 </dev/null
}
