# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # ./check, of which this is a part, has set what is not set here
# shellcheck disable=SC2030,SC2031,SC2034 # what a subshell sets is for it alone, and ./check reads it
#
# The part "versions" of ./check: the releases of ansible-core that the other parts do not run with.

older_ansible='2.17.14 2.18.19'
# These need Python 3.12. They run in a root filesystem of Debian 13, with its Python and its programs.
newer_ansible='2.20.10 2.21.5'

newer_root=$build/versions/trixie

prepare_versions() {
    mkdir -p "$build/versions"
    rm -f "$build"/versions/*.result
    PYTHONPATH=tests "$venv/bin/python" tests/support/fetched/debian_root.py "$newer_root" trixie
}

jobs_versions() {
    echo 'newer run_newer'
    echo 'older run_older'
}

finish_versions() {
    for release in $older_ansible $newer_ansible; do
        printf 'ansible-core %-8s %s\n' "$release" "$(cat "$build/versions/$release.result" || echo FAILED)"
    done
}

run_older() {
    # empty-init is no test of 2.19 any more: the docstring of a package is the map of its folder.
    each_release "$older_ansible" --skip-test empty-init
}

run_newer() {
    root=$newer_root
    each_release "$newer_ansible"
}

# each_release RELEASES [OPTION ...]: OPTIONs are those of ansible-test sanity.
each_release() {
    releases=$1 failed_with=0
    shift
    for release in $releases; do
        printf -- '--- ansible-core %s\n' "$release"
        (with_release "$@") || failed_with=1
    done
    return "$failed_with"
}

# with_release [OPTION ...]: all there is to show of $release. It writes $release.result.
with_release() {
    made=$build/versions/$release
    {
        echo "ansible-core==$release"
        grep -E '^(hypothesis|pyroute2|pytest|pytest-timeout|requests)==' tests/requirements.txt
    } >"$made.txt"
    own_environment "$made" "$made.txt" || return
    # The copy of the tree is below it: another release is tried at the same time.
    build=$made
    results='' outcome=0
    shown sanity sanity_with "$made/venv" "$made/home" "$made/sanity.log" "$@"
    # shellcheck disable=SC2046 # a list of files
    shown unit rooted "$made/venv/bin/python" -m pytest -q -p no:cacheprovider $(needing_ansible)
    shown smoke rooted tests/sandbox "$made/venv/bin/python" -m pytest -q -p no:cacheprovider --timeout 300 \
        tests/integration/collection/test_smoke.py
    python=$(rooted "$made/venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $python $results" >"$made.result"
    return "$outcome"
}

# shown NAME COMMAND [ARG ...]: run it, and add what came of it to $results and $outcome.
shown() {
    name=$1
    shift
    if "$@"; then results="$results $name ok"; else results="$results $name FAILED" outcome=1; fi
}

# The unit tests of what imports Ansible, as in tests/unit/conftest.py.
needing_ansible() {
    grep -rlE --include='test_*.py' \
        '^from ansible_collections\.slipway\.engine\.plugins\.(modules|plugin_utils|module_utils\._task|module_utils import _task)' \
        tests/unit
}
