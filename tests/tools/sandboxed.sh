# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # ./check, of which this is a part, has set what is not set here
# shellcheck disable=SC2030,SC2031,SC2034 # what a subshell sets is for it alone, and ./check reads it
#
# The parts "integration", "faults", "browser" and "molecule" of ./check: tests in sandboxes of their own.

prepare_integration() {
    "$venv/bin/python" tests/support/fetched/newer_skopeo.py || return
    PYTHONPATH=tests "$venv/bin/python" tests/support/fetched/debian_root.py || return
}

# Those first that run playbooks for minutes, then the others, large files first.
jobs_integration() {
    {
        find tests/integration -name 'test_examples_of_*.py'
        grep -rlE --include='test_*.py' 'support\.plays|servers import sshd' tests/integration tests/e2e
        find tests/integration tests/e2e -name 'test_*.py' -printf '%s %p\n' | sort -rn | cut -d' ' -f2
    } | awk '!listed[$0]++' | each_in_a_sandbox 300
}

# Figures of an earlier run are not those of this one.
prepare_faults() {
    rm -rf "$build/figures"
}

jobs_faults() {
    limit=300
    [ "${1:-}" != all ] || limit=14400
    find tests/faults -name 'test_*.py' -printf '%s %p\n' | sort -rn | cut -d' ' -f2 |
        each_in_a_sandbox "$limit" "SLIPWAY_FAULTS=${1:-}"
}

finish_faults() {
    "$venv/bin/python" tests/faults/figures.py
}

run_fuzz() {
    tests/sandbox "$host_venv/bin/python" tests/fuzz --count "${1:-10000}"
}

run_mutations() {
    "$venv/bin/python" tests/mutations
}

# each_in_a_sandbox SECONDS [VARIABLE=VALUE]: a job for each of the files of tests that are listed on the
# input, in a sandbox of its own. No test takes longer than SECONDS.
each_in_a_sandbox() {
    while read -r file; do
        echo "$(basename "$file" .py) env ${2:-} tests/sandbox $host_venv/bin/python -m pytest -q" \
            "-p no:cacheprovider --timeout $1 $file"
    done
}

run_browser() {
    tests/sandbox "$host_venv/bin/python" tests/browser/run.py "$build/browser"
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
