# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # ./check, of which this is a part, has set what is not set here
# shellcheck disable=SC2030,SC2031,SC2034 # what a subshell sets is for it alone, and ./check reads it
#
# The parts "lint", "sanity", "galaxy" and "docs" of ./check: what others' tools say to the tree.

# copy_tree NAME: the tree as it would be committed, below the path Ansible's tools want a collection in:
# $tree below $trees. Each tool has its own, since they run at the same time.
copy_tree() {
    trees=$build/trees/$1
    tree=$trees/ansible_collections/slipway/engine
    rm -rf "$trees"
    mkdir -p "$tree"
    # Under sudo the checkout belongs to somebody else, which git wants to be told is fine.
    git -c safe.directory="$here" ls-files --cached --others --exclude-standard |
        while IFS= read -r file; do [ ! -e "$file" ] || printf '%s\n' "$file"; done |
        tar --files-from=- -cf - | tar -C "$tree" -xf -
}

jobs_lint() {
    echo 'ansible_lint run_ansible_lint'
    echo 'mypy run_mypy'
    echo 'lint quick_lint'
}

quick_lint() {
    status=0
    "$venv/bin/ruff" check . || status=1
    "$venv/bin/ruff" format --check . || status=1
    shellcheck quickstart check .ci/run tests/sandbox tests/support/inputs/*.sh tests/tools/*.sh \
        playbooks/files/*.sh roles/*/files/*.sh || status=1
    "$venv/bin/python" tests/tools/plain_english.py || status=1
    "$venv/bin/antsibull-changelog" lint || status=1
    return "$status"
}

# What ansible-lint is about: playbooks, roles and modules. It takes as long as all other linters.
ansible_lint_if_changed() {
    seen=$(git -c safe.directory="$here" ls-files --cached --others --exclude-standard -- \
        .ansible-lint tests/requirements.txt galaxy.yml meta roles playbooks extensions \
        plugins/modules plugins/action plugins/doc_fragments |
        while IFS= read -r file; do [ ! -f "$file" ] || sha256sum "$file"; done | sha256sum)
    [ "$seen" != "$(cat "$build/ansible_lint_passed" 2>/dev/null)" ] || return 0
    run_ansible_lint && printf '%s\n' "$seen" >"$build/ansible_lint_passed"
}

run_mypy() {
    copy_tree mypy
    (
        cd "$trees" || exit
        MYPYPATH=.:$tree/tests "$venv/bin/mypy" --config-file "$tree/pyproject.toml" \
            --cache-dir "$build/mypy" \
            ansible_collections/slipway/engine/plugins ansible_collections/slipway/engine/tests
    )
}

run_ansible_lint() {
    copy_tree ansible_lint
    (
        cd "$tree" || exit
        ANSIBLE_HOME=$build/ansible ANSIBLE_COLLECTIONS_PATH=$trees PATH=$venv/bin:$PATH \
            "$venv/bin/ansible-lint" -q
    )
}

run_sanity() {
    sanity_with "$venv" "$build/home" "$build/sanity.log"
}

# sanity_with ENVIRONMENT HOME LOG [OPTION ...]: ansible-test sanity of the Ansible in ENVIRONMENT.
sanity_with() {
    environment=$1 home=$2 log=$3
    shift 3
    copy_tree sanity
    ignored=$(cat tests/sanity/ignore-*.txt 2>/dev/null || :)
    [ -z "$ignored" ] || { echo "tests/sanity: the ignore files are not empty"; return 1; }
    rooted "$environment/bin/python" tests/tools/ansible_test_home.py "$home" || return
    (
        cd "$tree"
        # The copy lies where the checkout's git looks away, and ansible-test asks git for the files.
        git init --quiet
        python=$(rooted "$environment/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        rooted env -u ANSIBLE_CONFIG HOME="$home" PATH="$environment/bin:$PATH" \
            "$environment/bin/ansible-test" sanity --local --requirements --python "$python" --color no "$@" \
            >"$log" 2>&1
    ) && status=0 || status=$?
    # Without what pip has to say while it makes the environments.
    grep -E '^(Running|ERROR|FATAL|WARNING: (Review|Skipping|Unable))|^>>>' "$log"
    return "$status"
}

# In an environment of its own: the importer brings another ansible-lint.
run_galaxy() {
    galaxy=$build/galaxy
    own_environment "$galaxy" tests/galaxy-requirements.txt || return
    copy_tree galaxy
    rm -rf "$galaxy/artefact"
    mkdir -p "$galaxy/artefact"
    printf '[galaxy-importer]\nRUN_ANSIBLE_DOC = True\nCHECK_REQUIRED_TAGS = True\n' >"$galaxy/importer.cfg"
    (
        # The importer calls ansible-doc and the others by name.
        PATH=$galaxy/venv/bin:$PATH
        export ANSIBLE_HOME="$galaxy/home"
        cd "$tree" || exit
        # Both ask git for the files, and the checkout's git looks away here.
        git init --quiet
        reuse lint --quiet || { reuse lint; exit 1; }
        antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs dependent . || exit
        ansible-galaxy collection build --output-path "$galaxy/artefact" . >/dev/null || exit
        cd "$galaxy/artefact" || exit
        if tar -tzf ./*.tar.gz | grep -E '^(tests|extensions|check|quickstart|\.)'; then
            echo "galaxy.yml: these do not belong into the artefact"
            exit 1
        fi
        GALAXY_IMPORTER_CONFIG=$galaxy/importer.cfg python -m galaxy_importer.main ./*.tar.gz \
            >"$galaxy/importer.log" 2>&1 && status=0 || status=$?
        grep -v ': Loading\|^Loading' "$galaxy/importer.log"
        [ "$status" = 0 ] && ! grep -qE 'ERROR|WARNING' "$galaxy/importer.log"
    )
}

run_docs() {
    docs=$build/docs
    own_environment "$docs" tests/docs-requirements.txt || return
    copy_tree docs
    rm -rf "$docs/html"
    mkdir -p "$tree/docs/modules"
    # antsibull-docs refuses a directory that others can write to.
    chmod 755 "$tree/docs/modules"
    (
        PATH=$docs/venv/bin:$PATH
        export ANSIBLE_HOME="$docs/home" ANSIBLE_COLLECTIONS_PATH="$trees"
        antsibull-docs collection --use-current --squash-hierarchy --no-indexes --fail-on-error \
            --dest-dir "$tree/docs/modules" slipway.engine >"$docs/modules.log" 2>&1 ||
            { cat "$docs/modules.log"; exit 1; }
        sphinx-build -q -W --keep-going -n -c "$tree/docs/site" -b html "$tree/docs" "$docs/html"
    )
}
