# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # ./check, of which this is a part, has set what is not set here
# shellcheck disable=SC2030,SC2031,SC2034 # what a subshell sets is for it alone, and ./check reads it
#
# The parts "integration", "faults" and "molecule" of ./check: tests in sandboxes of their own.

run_integration() {
    "$venv/bin/python" tests/support/newer_skopeo.py || return
    PYTHONPATH=tests "$venv/bin/python" tests/support/debian_root.py || return
    # Those first that run playbooks for minutes, then the others, large files first, so that no processor
    # waits for one of them in the end.
    {
        find tests/integration -name 'test_examples_of_*.py'
        grep -rlE --include='test_*.py' 'support\.plays|servers import sshd' tests/integration tests/e2e
        find tests/integration tests/e2e -name 'test_*.py' -printf '%s %p\n' | sort -rn | cut -d' ' -f2
    } | awk '!listed[$0]++' | each_in_a_sandbox integration 300
}

run_faults() {
    # Figures of an earlier run are not those of this one.
    rm -rf "$build/figures"
    limit=300
    [ "${1:-}" != all ] || limit=14400
    export SLIPWAY_FAULTS="${1:-}"
    find tests/faults -name 'test_*.py' -printf '%s %p\n' | sort -rn | cut -d' ' -f2 |
        each_in_a_sandbox faults "$limit" && status=0 || status=1
    "$venv/bin/python" tests/faults/figures.py || status=1
    return "$status"
}

run_fuzz() {
    tests/sandbox "$host_venv/bin/python" tests/fuzz --count "${1:-10000}"
}

run_mutations() {
    "$venv/bin/python" tests/mutations
}

# each_in_a_sandbox NAME SECONDS: the files of tests that are listed on the input, each in a sandbox of
# its own, three for two processors at a time: much of a test is waiting. No test takes longer than SECONDS.
each_in_a_sandbox() {
    logs=$build/$1
    rm -rf "$logs"
    mkdir -p "$logs"
    # shellcheck disable=SC2016 # the inner shell expands these
    xargs -P "$((($(nproc) * 3 + 1) / 2))" -n 1 sh -c '
            name=$(basename "$3" .py)
            tests/sandbox "$1" -m pytest -q -p no:cacheprovider --timeout "$2" "$3" >"$0/$name.log" 2>&1 &&
                status=0 || status=1
            # Of a file that fails, all there is to know.
            [ $status = 0 ] || cat "$0/$name.log"
            printf "%-34s %s\n" "$name" "$(tail -n 1 "$0/$name.log")"
            exit $status
        ' "$logs" "$host_venv/bin/python" "$2" && status=0 || status=1
    return "$status"
}

# Molecule on the role of a page and on the scenarios of our own roles, on images that the playbook
# base_image makes. The sandbox has no network but what file 9 lends it: a mirror of Debian.
run_molecule() {
    made=$build/molecule
    if ! cmp -s tests/molecule/requirements.txt "$made/requirements.txt"; then
        rm -rf "$made"
        "$venv/bin/python" -m venv "$made"
        "$made/bin/python" -m pip install -q --disable-pip-version-check \
            -r tests/molecule/requirements.txt || return
        cp tests/molecule/requirements.txt "$made/requirements.txt"
    fi
    tests/sandbox "$host_venv/bin/python" tests/molecule/run.py "$made/bin/molecule" "$made" \
        >"$build/molecule.log" 2>&1 9</proc/self/ns/net && status=0 || status=$?
    [ "$status" = 0 ] || cat "$build/molecule.log"
    grep -E '^(the (playbook|role|scenario) |failed)' "$build/molecule.log"
    return "$status"
}
