# shellcheck shell=bash
# packages.sh - get what packages.list names, by apt. To be sourced by the commands in tools/.
#
#   ecm_install_packages [GROUP]...     groups of packages.list; none given: all of them
#
# Does nothing, and asks for no rights, when everything is there already. Otherwise it says what
# it installs, needs root or sudo, and returns 1 after one line on standard error when it cannot.

ecm_packages_list=$(dirname "${BASH_SOURCE[0]}")/packages.list

# The major version of the Debian this machine is made from, or nothing.
ecm_debian_release() (
    # shellcheck disable=SC1091 # the machine's own file
    . /etc/os-release 2>/dev/null || exit 0
    case " ${ID:-} ${ID_LIKE:-} " in *" debian "* | *" raspbian "*) ;; *) exit 0 ;; esac
    case ${VERSION_ID:-} in 12 | 13) echo "$VERSION_ID" ;; esac
)

# Names of the packages of release $1 in the groups "$2"...
ecm_wanted_packages() {
    local release=$1 package group only
    shift
    while read -r package group only; do
        case $package in '' | '#'*) continue ;; esac
        if [ -n "$only" ] && [ "$only" != "$release" ]; then
            continue
        fi
        case " $* " in "  " | *" $group "*) echo "$package" ;; esac
    done <"$ecm_packages_list"
}

ecm_missing_packages() {
    local package
    for package in $(ecm_wanted_packages "$@"); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            echo "$package"
    done
}

ecm_has_package_index() {
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

ecm_apt() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

ecm_install_packages() {
    local release missing
    release=$(ecm_debian_release)
    if [ -z "$release" ]; then
        echo "packages: this is not Debian 12 or 13; install what tools/lib/packages.list names" \
            "by hand and say --no-install" >&2
        return 1
    fi
    missing=$(ecm_missing_packages "$release" "$@")
    [ -n "$missing" ] || return 0
    missing=${missing//$'\n'/ }
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "packages: neither root nor sudo; ask an administrator for: apt-get install $missing" >&2
        return 1
    fi
    echo "packages: installing $missing"
    # An index may be absent or older than the archive: fetch one when there is none, and again
    # when the installation with the one at hand fails.
    ecm_has_package_index || ecm_apt update || return 1
    # shellcheck disable=SC2086 # one word a package
    ecm_apt install --no-install-recommends $missing && return 0
    ecm_apt update || return 1
    # shellcheck disable=SC2086
    ecm_apt install --no-install-recommends $missing && return 0
    echo "packages: apt-get could not install what is needed; its own words are above" >&2
    return 1
}
