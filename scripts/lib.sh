# shellcheck shell=bash
# Shared by the scripts of this folder: timed stages and system packages. Source it, do not run it.

# shellcheck disable=SC2034  # used by the scripts that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# log_to FILE: the file that stages write their commands' output to.
log_to() {
    log=$1
    mkdir -p "$(dirname "$log")"
    : >"$log"
}

# stage TITLE COMMAND...: runs a command, logs its output, and prints title, seconds and outcome. Returns the command's
# status; after a failure prints the end of its output.
stage() {
    local title=$1 start=$SECONDS from status=0
    shift
    printf '%-46s ' "$title"
    printf '\n== %s: %s\n' "$title" "$*" >>"$log"
    from=$(($(wc -l <"$log") + 1))
    "$@" >>"$log" 2>&1 </dev/null || status=$?
    if ((status == 0)); then
        printf '%5d s\n' $((SECONDS - start))
    else
        printf '%5d s  FAILED\n' $((SECONDS - start))
        tail -n "+$from" "$log" | tail -n 40 | sed 's/^/    /'
        say "    (all of it: $log)"
    fi
    return "$status"
}

# install_packages PACKAGE...: installs Debian packages, as root or through sudo.
install_packages() {
    local as_root=()
    if ! have apt-get; then
        say "This is not a Debian system. Install the equivalent of these Debian packages, then run this again: $*" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || {
            say "Missing packages. Ask an administrator to run: apt-get install $*" >&2
            return 1
        }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# links LIBRARY...: whether the C++ compiler finds these libraries.
links() {
    printf 'int main() {}\n' | c++ -x c++ - -o /dev/null "${@/#/-l}" >/dev/null 2>&1
}

# build_packages: installs missing packages that colidx with faiss needs to compile.
build_packages() {
    local missing=()
    have cmake || missing+=(cmake)
    have make || missing+=(make)
    have cc && have c++ || missing+=(g++)
    links blas lapack gomp || missing+=(libopenblas-dev)
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}
