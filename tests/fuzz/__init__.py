# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Goal R4 of docs/reliability.md: whatever bytes a parser gets, nothing but our Error comes out.

``./check fuzz`` tries 10,000 inputs for each parser, ``./check fuzz=N`` N; the unit tests try a few
(tests/unit/test_fuzzing.py). An input is a pure function of the parser's corpus and a
number, so a number that was reported makes the same input again::

    parser         what a parser of foreign bytes is here: a corpus, words, a mutator, what it feeds
    mutate         bytes, texts and JSON made of those of a corpus
    tars           the same for archives, and the ground they are unpacked on, with its canary
    images         parsers of layers, archives, manifests, Dockerfiles
    registries     parsers of what registries, signers and logins say
    hosts          parsers of what the kernel, OCI runtimes, conmon and containers write
    files          parsers of what users write, and of the state on disk
    catalogue      all parsers by name
    watched        many inputs in a child with limits of time and memory, and what went wrong
    __main__       the program: python tests/fuzz [--count N] [--only PARSER] [--at NUMBER]
    corpus/NAME/   inputs of a parser, made by hand; those that found a fault stay. What is not
                   plain text is in Python's escapes, in files *.escaped
"""
