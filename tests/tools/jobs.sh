# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # ./check, of which this is a part, has set what is not set here
# shellcheck disable=SC2030,SC2031 # what a subshell sets is for it alone
#
# How ./check runs its parts: as jobs, two for each processor at a time, since half of a test is waiting.
#
# A part NAME is a function run_NAME, which is one job; or a function jobs_NAME that prints a line
# "NAME COMMAND [ARG ...]" for each of its jobs, long ones first. prepare_NAME, where there is one, is run
# before any job, and finish_NAME when the last has ended. Each gets what is behind the = of a part.
# What a job prints is kept in .build/check/jobs/PART/NAME.log.

jobs=$build/jobs

# run_parts PART ...: run them all and show what they said; the last lines are a summary.
run_parts() {
    rm -rf "$jobs"
    mkdir -p "$jobs"
    list_jobs "$@" >"$jobs/list" || return
    # One alone is shown while it runs.
    [ "$(wc -l <"$jobs/list")" != 1 ] || export CHECK_SHOWN=1
    xargs -r -P "$(($(nproc) * 2))" -L 1 "$here/check" --job <"$jobs/list" || :
    # A part whose end fails has its line in the summary as well.
    for part; do finish "${part%%=*}" "$(argument_of "$part")" || :; done
    printf '\n'
    all_ok=0
    for part; do
        set -- "$jobs/${part%%=*}"/*.status
        awk -v part="${part%%=*}" '
            { wrong += $1; seconds += $2 }
            END {
                printf "%-12s %-7s %5ss", part, wrong ? "FAILED" : "ok", seconds
                if (NR > 1) printf " in %d jobs", NR
                print ""
                exit wrong > 0
            }
        ' "$@" || all_ok=1
    done
    return "$all_ok"
}

argument_of() {
    case $1 in *=*) printf '%s' "${1#*=}" ;; esac
}

# list_jobs PART ...: a line "PART NAME COMMAND [ARG ...]" for each job.
list_jobs() {
    for part; do
        kind=${part%%=*} argument=$(argument_of "$part")
        mkdir -p "$jobs/$kind"
        if defined "prepare_$kind" && ! in_part "$kind" prepare "prepare_$kind" "$argument" >&2; then continue; fi
        if defined "jobs_$kind"; then "jobs_$kind" "$argument"; else echo "$kind run_$kind $argument"; fi |
            sed "s/^/$kind /; s/ *\$//"
    done | awk '{ print } seen[$1 " " $2]++ { print "two jobs are called " $1 " " $2 >"/dev/stderr"; exit 1 }'
}

finish() {
    if defined "finish_$1"; then in_part "$1" finish "finish_$1" "$2"; fi
}

defined() {
    command -v "$1" >/dev/null
}

# in_part PART NAME COMMAND [ARG ...]: run it now; a part of which that fails has failed.
in_part() {
    kept=$jobs/$1/$2.status
    shift 2
    # A subshell with -e off: a part says itself where it stops.
    (set +e; "$@") && return
    echo '1 0' >"$kept"
    return 1
}

# run_job PART NAME COMMAND [ARG ...]: run one and say in a line what came of it.
run_job() {
    part=$1 name=$2 log=$jobs/$1/$2.log
    shift 2
    started=$(date +%s)
    # A job that is killed has not passed.
    echo '1 0' >"$jobs/$part/$name.status"
    if [ -n "${CHECK_SHOWN:-}" ]; then
        (set +e; "$@") && status=0 || status=1
    else
        (set +e; "$@") >"$log" 2>&1 && status=0 || status=1
        if [ "$status" = 0 ]; then word=ok; else word=FAILED; fi
        # In one write, so that lines of jobs that end at once do not mix.
        {
            # Of one that fails, all there is to know.
            [ "$status" = 0 ] || cat "$log"
            printf '%-12s %-34s %-7s %s\n' "$part" "$name" "$word" "$(tail -n 1 "$log")"
        } >"$log.shown"
        cat "$log.shown"
        rm "$log.shown"
    fi
    echo "$status $(($(date +%s) - started))" >"$jobs/$part/$name.status"
}
