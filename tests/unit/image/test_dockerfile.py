# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dockerfiles as stages of instructions, by the cases of the Dockerfile reference."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    flags,
    lines,
    parse,
)

Pairs = list[tuple[str, Optional[str]]]


def _lines(text: str) -> list[str]:
    return [line.text for line in lines.read(text, "Dockerfile").lines]


def _one(text: str) -> parse.Instruction:
    """The first instruction after FROM."""
    return parse.parse(f"FROM scratch\n{text}\n".encode(), "Dockerfile").stages[0].instructions[0]


def _fault(text: str) -> str:
    with pytest.raises(lines.SyntaxFault) as caught:
        parse.parse(text.encode(), "Dockerfile")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("FROM a\nRUN b", ["FROM a", "RUN b"]),
        ("\ufeffFROM a", ["FROM a"]),
        ("FROM a\r\nRUN b \\\r\n c\r\n", ["FROM a", "RUN b  c"]),
        ("# comment\n\n  # another\nFROM a", ["FROM a"]),
        ("RUN a \\\n  b", ["RUN a   b"]),
        ("RUN a \\  \n b", ["RUN a  b"]),
        ("RUN a \\\n# comment\n b", ["RUN a  b"]),
        ("RUN a \\\n\n\n b", ["RUN a  b"]),
        ("RUN a \\\n  # comment \\\n b", ["RUN a  b"]),
        ("RUN a\\\\\nRUN b", ["RUN a\\\\", "RUN b"]),
        ("RUN a # no comment", ["RUN a # no comment"]),
        ("RUN a \\", ["RUN a"]),
        ("\\\nFROM a", ["FROM a"]),
        ("   FROM a   ", ["FROM a"]),
        ("# escape=`\nRUN a `\n b\nRUN c\\", ["RUN a  b", "RUN c\\"]),
        ("# syntax=docker/dockerfile:1\n# escape=`\nRUN a `\n b", ["RUN a  b"]),
        ("# a comment\n# escape=`\nRUN a \\\n b", ["RUN a  b"]),
        ("\n# escape=`\nRUN a \\\n b", ["RUN a  b"]),
        ("FROM a\n# escape=`\nRUN a \\\n b", ["FROM a", "RUN a  b"]),
        ("# unknown=x\n# escape=`\nRUN a `\n b", ["RUN a  b"]),
        ("#ESCAPE = `\nRUN a `\n b", ["RUN a  b"]),
        ("RUN <<EOF\n# in it\nx\nEOF\nUSER u", ["RUN <<EOF", "USER u"]),
        ("RUN cat <<A <<B\na\nA\nb\nB\nUSER u", ["RUN cat <<A <<B", "USER u"]),
        ("LABEL a=<<EOF\nUSER u", ["LABEL a=<<EOF", "USER u"]),
        ('RUN echo "<<EOF"\nUSER u', ['RUN echo "<<EOF"', "USER u"]),
        ("RUN cat <<<x\nUSER u", ["RUN cat <<<x", "USER u"]),
    ],
)
def test_physical_lines_become_lines(text: str, made: list[str]) -> None:
    assert _lines(text) == made


@pytest.mark.parametrize(
    ("text", "name", "content", "expand"),
    [
        ("<<EOF\na\n b\nEOF", "EOF", "a\n b\n", True),
        ("<<-EOF\n\ta\n\t\tb\n\tEOF", "EOF", "a\nb\n", True),
        ('<<"EOF"\n$a\nEOF', "EOF", "$a\n", False),
        ("<<'EOF'\n$a\nEOF", "EOF", "$a\n", False),
        ("<<EOF\nEOF", "EOF", "", True),
        ("<<EOF\n EOF\nEOF", "EOF", " EOF\n", True),
        ("<<EOF\na \\\nb\nEOF", "EOF", "a \\\nb\n", True),
        ("3<<EOF\na\nEOF", "EOF", "a\n", True),
        ("<<a.conf\n# x\n\na.conf", "a.conf", "# x\n\n", True),
    ],
)
def test_a_heredoc(text: str, name: str, content: str, expand: bool) -> None:
    assert _one(f"COPY {text.replace(chr(10), ' /d' + chr(10), 1)}").heredocs == (
        lines.Heredoc(name, content, expand),
    )


def test_the_directives_are_read() -> None:
    found = lines.read("# syntax=a/b:1\n# check=skip=X;error=true\nFROM a", "Dockerfile")
    assert (found.syntax, found.checks) == ("a/b:1", ("skip=X", "error=true"))


@pytest.mark.parametrize(
    ("text", "words", "exec_form"),
    [
        ("RUN echo  a", ("echo  a",), False),
        ('RUN ["echo", "a b"]', ("echo", "a b"), True),
        ("RUN [ -d /x ] && true", ("[ -d /x ] && true",), False),
        ("CMD", (), False),
        ("CMD []", (), True),
        ('ENTRYPOINT ["a"]', ("a",), True),
        ('SHELL ["/bin/bash", "-c"]', ("/bin/bash", "-c"), True),
        ("COPY a b/ /c/", ("a", "b/", "/c/"), False),
        ('COPY ["a b", "/c"]', ("a b", "/c"), True),
        ("copy a /b", ("a", "/b"), False),
        ("USER a b", ("a b",), False),
        ("WORKDIR /a b", ("/a b",), False),
        ("EXPOSE 80 443/udp", ("80", "443/udp"), False),
        ('VOLUME ["/a", "/b"]', ("/a", "/b"), True),
        ("VOLUME /a /b", ("/a", "/b"), False),
        ("STOPSIGNAL SIGQUIT", ("SIGQUIT",), False),
        ("MAINTAINER A <a@b>", ("A <a@b>",), False),
        ("RUN\techo a", ("echo a",), False),
    ],
)
def test_the_words_of_an_instruction(text: str, words: tuple[str, ...], exec_form: bool) -> None:
    made = _one(text)
    assert (made.words, made.exec_form) == (words, exec_form)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ENV A=1", [("A", "1")]),
        ("ENV A=1 B='x y'", [("A", "1"), ("B", "'x y'")]),
        ("ENV A all the rest=1", [("A", "all the rest=1")]),
        ("ENV A=", [("A", "")]),
        ("ENV A=a\\ b", [("A", "a\\ b")]),
        ("LABEL a.b=c", [("a.b", "c")]),
        ('LABEL "a b"="c d"', [('"a b"', '"c d"')]),
        ("LABEL a b c", [("a", "b c")]),
        ("ARG A", [("A", None)]),
        ("ARG A=1", [("A", "1")]),
        ("ARG A= B C=2", [("A", ""), ("B", None), ("C", "2")]),
    ],
)
def test_the_pairs_of_an_instruction(text: str, pairs: Pairs) -> None:
    assert list(_one(text).pairs) == pairs


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("COPY --from=b --chown=1:2 --chmod=0755 a /b", "from=b chown=1:2 chmod=0755"),
        ("COPY --link --parents a /b", "link=true parents=true"),
        ("COPY --link=false a /b", "link=false"),
        ("COPY --exclude=*.md --exclude=x a /b", "exclude=*.md exclude=x"),
        ("ADD --checksum=sha256:0 http://a/b /c", "checksum=sha256:0"),
        ("RUN --network=none --security=sandbox a", "network=none security=sandbox"),
        ('RUN --mount=type=tmpfs,target="/a b" x', "mount=type=tmpfs,target=/a b"),
        ("HEALTHCHECK --interval=5m --retries=3 CMD x", "interval=5m retries=3"),
        ("RUN -- --x", ""),
    ],
)
def test_flags(text: str, made: str) -> None:
    assert " ".join(f"{name}={value}" for name, value in _one(text).flags) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("target=/a", flags.RunMount("bind", "/a", read_only=True)),
        ("type=bind,src=x,dst=/a,rw", flags.RunMount("bind", "/a", "x")),
        (
            "type=bind,from=b,source=/x,target=/a",
            flags.RunMount("bind", "/a", "/x", "b", read_only=True),
        ),
        ("type=cache,target=/c", flags.RunMount("cache", "/c", id="/c")),
        (
            "type=cache,id=i,target=/c,sharing=locked,mode=0700,uid=1,gid=2",
            flags.RunMount("cache", "/c", id="i", sharing="locked", mode=0o700, uid=1, gid=2),
        ),
        ("type=cache,target=/c,ro", flags.RunMount("cache", "/c", id="/c", read_only=True)),
        ("type=tmpfs,target=/t,size=64m", flags.RunMount("tmpfs", "/t", size_bytes=64 << 20)),
        (
            "type=secret,id=s",
            flags.RunMount("secret", "/run/secrets/s", id="s", read_only=True),
        ),
        (
            "type=secret,id=s,target=/x,required=true,mode=0400",
            flags.RunMount("secret", "/x", id="s", read_only=True, required=True, mode=0o400),
        ),
        ('"type=bind",target=/a', flags.RunMount("bind", "/a", read_only=True)),
    ],
)
def test_a_mount(text: str, made: flags.RunMount) -> None:
    assert flags.mount(text) == made


def test_stages() -> None:
    text = """
    ARG V=1
    FROM --platform=$BUILDPLATFORM go:$V AS Build
    RUN a
    from scratch
    COPY --from=build /x /
    FROM build as last
    """
    found = parse.parse(text.encode(), "Dockerfile")
    assert [made.pairs for made in found.arguments] == [(("V", "1"),)]
    stages = [(one.index, one.name, one.base, one.platform) for one in found.stages]
    assert stages == [
        (0, "build", "go:$V", "$BUILDPLATFORM"),
        (1, "", "scratch", ""),
        (2, "last", "build", ""),
    ]
    assert [one.keyword for one in found.stages[1].instructions] == ["COPY"]


def test_a_trigger_keeps_its_heredoc() -> None:
    made = _one("ONBUILD RUN <<EOF\nfirst\nEOF")
    assert made.trigger == "RUN <<EOF\nfirst\nEOF\n"
    whole = lines.read("FROM a", "Dockerfile")
    kept = parse.trigger(whole, made.trigger, 7)
    assert (kept.keyword, kept.number) == ("RUN", 7)
    assert kept.heredocs == (lines.Heredoc("EOF", "first\n"),)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", "Dockerfile", "no instructions"),
        ("# only\n\n", "Dockerfile", "no instructions"),
        ("ARG A", "Dockerfile", "no FROM"),
        ("RUN x\nFROM a", "Dockerfile:1", "RUN stands before the first FROM"),
        ("FROM a\n\nRNU x", "Dockerfile:3", "RNU; did you mean RUN?"),
        ("FORM a", "Dockerfile:1", "FORM; did you mean FROM?"),
        ("FROM a\nCPOY a b", "Dockerfile:2", "did you mean COPY?"),
        ("FROM a\nXYZZY", "Dockerfile:2", "there is no instruction XYZZY"),
        ("FROM a\nEXPOSE", "Dockerfile:2", "EXPOSE needs an argument"),
        ("FROM a b", "Dockerfile:1", "FROM a b is not understood"),
        ("FROM a SA b", "Dockerfile:1", "did you mean AS?"),
        ("FROM a AS 1b", "Dockerfile:1", "cannot be the name of a stage"),
        ("FROM a AS b\nFROM c AS B", "Dockerfile:2", "the name b is taken"),
        ("FROM --platfrom=x a", "Dockerfile:1", "did you mean platform?"),
        ("FROM a\nCOPY a", "Dockerfile:2", "COPY needs a source and a destination"),
        ("FROM a\nCOPY --form=b a /c", "Dockerfile:2", "did you mean from?"),
        ("FROM a\nCOPY --from= a /c", "Dockerfile:2", "--from needs a value"),
        ("FROM a\nCOPY --from=b --from=c a /c", "Dockerfile:2", "twice"),
        ("FROM a\nCOPY --link=maybe a /c", "Dockerfile:2", "true or false"),
        ("FROM a\nCOPY --chmod=u+y a /c", "Dockerfile:2", "not a mode"),
        ("FROM a\nCMD --x y", "Dockerfile:2", "CMD has no flag --x"),
        ("FROM a\nRUN --mount=type=bnid,target=/a x", "Dockerfile:2", "did you mean bind?"),
        ("FROM a\nRUN --mount=type=ssh,uid=5 x", "Dockerfile:2", "has no mode, uid or gid"),
        ("FROM a\nRUN --mount=type=secret,id=a,env=B-C x", "Dockerfile:2", "name of a variable"),
        ("FROM a\nRUN --mount=type=cache x", "Dockerfile:2", "needs a target"),
        ("FROM a\nRUN --mount=type=tmpfs,target=/a,id=b x", "Dockerfile:2", "has no field id"),
        ("FROM a\nRUN --mount=targte=/a x", "Dockerfile:2", "did you mean target?"),
        ("FROM a\nRUN --mount=type=cache,target=/a,mode=9 x", "Dockerfile:2", "octal mode"),
        ("FROM a\nRUN --security=insecure x", "Dockerfile:2", "not supported"),
        ("FROM a\nRUN --network=web x", "Dockerfile:2", "default, none or host"),
        ("FROM a\nRUN <<EOF\nx", "Dockerfile:2", "the heredoc <<EOF is not closed"),
        ("FROM a\nENV A", "Dockerfile:2", "ENV needs a value"),
        ("FROM a\nENV A=1 B", "Dockerfile:2", "has no '='"),
        ("FROM a\nENV =1", "Dockerfile:2", "without a name"),
        ('FROM a\nCMD ["a", 1]', "Dockerfile:2", "something else than texts"),
        ("FROM a\nSHELL /bin/sh", "Dockerfile:2", "needs the exec form"),
        ("FROM a\nHEALTHCHECK CDM x", "Dockerfile:2", "did you mean CMD?"),
        ("FROM a\nHEALTHCHECK NONE x", "Dockerfile:2", "takes no arguments"),
        ('FROM a\nHEALTHCHECK CMD ["\\uDC00"]', "Dockerfile:2", "half of a surrogate pair"),
        ('FROM a\nSHELL ["\\ud800", "-c"]', "Dockerfile:2", "half of a surrogate pair"),
        ("FROM a\nHEALTHCHECK --interval=x CMD y", "Dockerfile:2", "is not a time"),
        ("FROM a\nONBUILD ONBUILD RUN x", "Dockerfile:2", "ONBUILD ONBUILD is not allowed"),
        ("FROM a\nONBUILD FROM x", "Dockerfile:2", "ONBUILD FROM is not allowed"),
        ("FROM a\nONBUILD RNU x", "Dockerfile:2", "did you mean RUN?"),
        ("# escape=x\nFROM a", "Dockerfile:1", "escape character"),
        ("# escape=`\n# escape=`\nFROM a", "Dockerfile:2", "given twice"),
        ("FROM a\nRUN a \\\n b\nBAD", "Dockerfile:4", "BAD"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, where: str, why: str) -> None:
    said = _fault(text)
    assert said.startswith(where)
    assert why in said


def test_a_file_that_is_not_text() -> None:
    with pytest.raises(lines.SyntaxFault, match=r"Dockerfile:2: .* UTF-8"):
        parse.parse(b"FROM a\nRUN \xff\xfe", "Dockerfile")
