#!/usr/bin/busybox sh
# shellcheck shell=dash
# Inside User-Mode Linux: does what the test (uml.py) asks for over /dev/ttyS0. A line is a shell
# command; its output comes back, and then "== STATUS". Ends when the test hangs up.
exec 3<>/dev/ttyS0
stty raw -echo <&3
echo "== 0" >&3
while IFS= read -r command <&3; do
    (eval "$command") </dev/null >&3 2>&1 3>&-
    echo "== $?" >&3
done
