# shellcheck shell=bash
# sanitizers.sh - find out what the sanitizers can do on this machine, by trying it. To be sourced.
#
#   ecm_sanitizer_setup FOLDER    sets the array ecm_sanitizer_prefix (what to put in front of a
#                                 command) and exports ASAN_OPTIONS and UBSAN_OPTIONS; FOLDER is
#                                 for a trial program
#
# LeakSanitizer stops the process to look at it, which some sandboxes and tracers forbid: then every
# program would fail at its end. So a program that leaks is tried: the leak must be found. Only when
# LeakSanitizer itself cannot run, it is switched off, and that is said.

ecm_sanitizer_setup() {
    local folder=$1 said bits
    ecm_sanitizer_prefix=()
    export UBSAN_OPTIONS=print_stacktrace=1
    # With more bits than 28 of address randomness, the shadow memory of gcc 12 and clang 14 collides
    # with the program now and then.
    bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)
    if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
        ecm_sanitizer_prefix=(setarch -R)
    fi
    mkdir -p "$folder"
    cat >"$folder/leak.c" <<'TEXT'
#include <stdlib.h>
int main(void)
{
    void *volatile lost = malloc(17);
    lost = NULL;
    return lost != NULL;
}
TEXT
    gcc -g -fsanitize=address "$folder/leak.c" -o "$folder/leak" || return 1
    said=$(ASAN_OPTIONS=detect_leaks=1 "${ecm_sanitizer_prefix[@]}" "$folder/leak" 2>&1)
    case $said in
    *"17 byte(s)"*)
        export ASAN_OPTIONS=detect_leaks=1
        ;;
    *"LeakSanitizer has encountered a fatal error"* | *ptrace*)
        export ASAN_OPTIONS=detect_leaks=0
        echo "test: LeakSanitizer cannot run here (no ptrace): leaks are NOT looked for"
        ;;
    *)
        echo "test: a program that leaks was not caught; AddressSanitizer does not work here:" >&2
        echo "$said" | head -5 >&2
        return 1
        ;;
    esac
}
