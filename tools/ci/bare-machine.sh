#!/usr/bin/env bash
# The README's commands on a machine that has nothing: a fresh clone of HEAD in an empty Debian.
#
# Everything mounted or started lives in name spaces of its own, so it is gone when this script is,
# however it ends.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tools/ci/bare-machine.sh [OPTION]... FOLDER [COMMAND]...
Make an empty Debian (debootstrap --variant=minbase) below FOLDER, clone HEAD of this repository
into it and run each COMMAND there, from the clone. Default: tools/test, then tools/demo.
Needs root, about 3 GB in FOLDER, and debootstrap. The mirror is the one this machine's apt uses.

  --suite NAME   bookworm (Debian 12, the default) or trixie (Debian 13)
  --reuse        keep what an earlier run installed; only the clone is fresh
  --ref REF      clone this commit or branch instead of HEAD
  --help         this text

An empty root is kept as FOLDER/NAME.tar, so that the next run need not download it again.
Exit status: 0 all commands passed, 1 one failed, 2 bad usage.
TEXT
}

die() {
    echo "bare-machine: $1" >&2
    exit "${2:-1}"
}

suite=bookworm reuse=no ref=HEAD folder='' commands=()
while [ $# -gt 0 ]; do
    case $1 in
    --suite) suite=${2:?--suite needs a name} && shift ;;
    --ref) ref=${2:?--ref needs a commit} && shift ;;
    --reuse) reuse=yes ;;
    --help) usage && exit 0 ;;
    -*) die "unknown option $1; see --help" 2 ;;
    *) if [ -z "$folder" ]; then folder=$1; else commands+=("$1"); fi ;;
    esac
    shift
done
[ -n "$folder" ] || die "which folder may I use? see --help" 2
[ ${#commands[@]} -gt 0 ] || commands=(tools/test tools/demo)
[ "$(id -u)" = 0 ] || die "must be root, to make a root of its own" 2
for need in debootstrap git unshare; do
    command -v "$need" >/dev/null || die "$need is not installed" 2
done
case $suite in bookworm | trixie) ;; *) die "unknown suite $suite: bookworm or trixie" 2 ;; esac

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
root=$folder/$suite

# The archive this machine installs from: the URI that serves the main component of a suite.
mirror_uri() {
    # shellcheck disable=SC2016 # apt's own notation
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
        awk '$3 == "main" && $2 !~ /-(security|updates|backports)/ { print $1; exit }'
}

# What the host's apt needs to reach its archive, a new root needs as well: name look-up, proxy,
# credentials, trusted certificates, and whether dates are checked.
copy_network_settings() {
    local file
    for file in /etc/resolv.conf /etc/hosts /etc/apt/auth.conf; do
        [ ! -f "$file" ] || cp -L "$file" "$root$file"
    done
    [ ! -d /etc/apt/auth.conf.d ] || cp -rL /etc/apt/auth.conf.d "$root/etc/apt/"
    apt-config dump | grep -iE '^Acquire::(https?|ftp|proxy|Check-|Retries)' \
        >"$root/etc/apt/apt.conf.d/90host" || true
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$root/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    fi
}

write_sources() {
    local mirror=$1
    rm -f "$root/etc/apt/sources.list"
    cat >"$root/etc/apt/sources.list.d/debian.sources" <<TEXT
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
TEXT
}

make_root() {
    local mirror
    mirror=$(mirror_uri)
    [ -n "$mirror" ] || die "apt here knows no archive; run apt-get update first"
    rm -rf --one-file-system "$root"
    if [ -f "$folder/$suite.tar" ]; then
        mkdir "$root"
        tar -C "$root" -xpf "$folder/$suite.tar"
    else
        debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$folder/$suite.debootstrap.log" ||
            die "debootstrap failed, see $folder/$suite.debootstrap.log"
        rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
        tar -C "$root" -cpf "$folder/$suite.tar.part" .
        mv "$folder/$suite.tar.part" "$folder/$suite.tar"
    fi
    copy_network_settings
    write_sources "$mirror"
}

clone_into_root() {
    rm -rf --one-file-system "$root/src"
    mkdir -p "$root/src"
    git clone --quiet --no-local --no-checkout "$source_dir" "$root/src/ecm"
    git -C "$root/src/ecm" -c advice.detachedHead=false checkout --quiet "$(git -C "$source_dir" rev-parse "$ref")"
}

# Run one command in the root, with its own processes and mounts and a clean environment.
run_inside() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child --mount-proc sh -euc '
        mount --rbind /dev "$1/dev"
        mount --rbind /sys "$1/sys"
        mount -t proc proc "$1/proc"
        mount -t tmpfs tmpfs "$1/run"
        mount -t tmpfs tmpfs "$1/tmp"
        exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
            sh -c "cd /src/ecm && exec $2"
    ' sh "$root" "$1"
}

if [ "$reuse" = no ] || [ ! -d "$root/etc" ]; then
    make_root
fi
clone_into_root
failed=0
for command in "${commands[@]}"; do
    started=$SECONDS
    echo "bare-machine: $suite, commit $(git -C "$source_dir" rev-parse --short "$ref"): $command"
    rc=0
    run_inside "$command" || rc=$?
    echo "bare-machine: $command: exit $rc after $((SECONDS - started)) s"
    [ "$rc" = 0 ] || failed=1
done
exit "$failed"
