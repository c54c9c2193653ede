#!/bin/sh
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Package managers, compilers and the like for Dockerfiles of tests, by the name this is called by. They
# leave what the real ones leave, in the same places: files, links, accounts, caches, set-user-id bits. What
# they write depends on what they are told and nothing else.
set -eu

die() { echo "$self: $*" >&2; exit 1; }

# program NAME TEXT [MODE]: something that can be run.
program() {
    mkdir -p "$(dirname "$1")"
    printf '#!/bin/sh\necho %s\n' "$2" >"$1"
    chmod "${3:-755}" "$1"
}

apt_get() {
    case $1 in
        update)
            mkdir -p /var/lib/apt/lists/partial
            echo Release >/var/lib/apt/lists/deb.example_InRelease
            chmod 700 /var/lib/apt/lists/partial ;;
        install)
            shift
            [ -e /var/lib/apt/lists/deb.example_InRelease ] || die "no package lists: run apt-get update"
            mkdir -p /var/cache/apt/archives /var/lib/dpkg /var/log/apt
            for name; do
                case $name in -*) continue ;; esac
                name=${name%%=*}
                program "/usr/bin/$name" "$name of Debian"
                mkdir -p "/usr/share/doc/$name"
                echo "copyright of $name" >"/usr/share/doc/$name/copyright"
                echo "Package: $name" >>/var/lib/dpkg/status
                echo "install $name" >>/var/log/apt/history.log
                echo "$name" >"/var/cache/apt/archives/$name.deb"
                case $name in
                    sudo) chmod 4755 /usr/bin/sudo ;;
                    locales) mkdir -p /usr/share/i18n && echo "en_US.UTF-8 UTF-8" >/usr/share/i18n/SUPPORTED ;;
                    ca-certificates) mkdir -p /etc/ssl/certs && echo roots >/etc/ssl/certs/ca-certificates.crt ;;
                    postgresql*) accounts useradd -r -u 999 -d /var/lib/postgresql postgres
                        mkdir -p /var/lib/postgresql && chown postgres /var/lib/postgresql ;;
                esac
            done ;;
        purge | remove | autoremove)
            shift
            for name; do
                case $name in -*) continue ;; esac
                rm -rf "/usr/bin/${name:?}" "/usr/share/doc/$name"
            done ;;
        clean) rm -rf /var/cache/apt/archives/*.deb ;;
        *) ;;
    esac
}

apk() {
    verb=$1 cached=yes virtual=
    shift
    case $verb in
        update) mkdir -p /var/cache/apk && echo index >/var/cache/apk/APKINDEX.tar.gz; return ;;
        add) ;;
        del)
            mkdir -p /lib/apk/db
            for name; do
                for one in $(sed -n "s/^$name: //p" /lib/apk/db/virtual 2>/dev/null || :) "$name"; do
                    rm -f "/usr/bin/$one"
                    sed -i "/^P:$one\$/d" /lib/apk/db/installed
                done
                [ ! -e /lib/apk/db/virtual ] || sed -i "/^$name: /d" /lib/apk/db/virtual
            done
            return ;;
        *) return ;;
    esac
    mkdir -p /lib/apk/db /etc/apk
    while [ $# -gt 0 ]; do
        case $1 in
            --no-cache) cached= ;;
            --virtual | -t) virtual=$2; shift ;;
            --virtual=*) virtual=${1#*=} ;;
            -*) ;;
            *)
                program "/usr/bin/${1%%[=<>~]*}" "$1 of Alpine"
                echo "P:${1%%[=<>~]*}" >>/lib/apk/db/installed
                if [ -n "$virtual" ]; then echo "$virtual: ${1%%[=<>~]*}" >>/lib/apk/db/virtual
                else echo "$1" >>/etc/apk/world; fi ;;
        esac
        shift
    done
    [ -z "$cached" ] || { mkdir -p /var/cache/apk; echo index >/var/cache/apk/APKINDEX.tar.gz; }
}

pip() {
    [ "$1" = install ] || [ "$1" = wheel ] || return 0
    verb=$1 top=/usr/local/lib/python3.12/site-packages bin=/usr/local/bin names=
    [ -z "${VIRTUAL_ENV:-}" ] || { top=$VIRTUAL_ENV/lib/site-packages bin=$VIRTUAL_ENV/bin; }
    cache=${PIP_CACHE_DIR:-$HOME/.cache/pip}
    [ -z "${PIP_NO_CACHE_DIR:-}" ] || cache=
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            -r) names="$names $(sed 's/#.*//' "$2")"; shift ;;
            --no-cache-dir) cache= ;;
            --user) top=$HOME/.local/lib/python3.12/site-packages bin=$HOME/.local/bin ;;
            --target | -t | --wheel-dir | -w) top=$2; shift ;;
            --prefix=*) top=${1#*=}/lib/python3.12/site-packages bin=${1#*=}/bin ;;
            --find-links | --index-url) shift ;;
            -* | .) ;;
            *) names="$names $1" ;;
        esac
        shift
    done
    for name in $names; do
        name=$(basename "${name%%[=<>~]*}" .whl)
        [ -z "$cache" ] || { mkdir -p "$cache/http" && echo "$name" >>"$cache/http/log"; }
        if [ "$verb" = wheel ]; then mkdir -p "$top" && echo "wheel of $name" >"$top/$name.whl"; continue; fi
        mkdir -p "$top/$name/__pycache__"
        echo "name = '$name'" >"$top/$name/__init__.py"
        [ -n "${PYTHONDONTWRITEBYTECODE:-}" ] || echo pyc >"$top/$name/__pycache__/__init__.cpython-312.pyc"
        program "$bin/$name" "$name"
    done
}

python() {
    case "$1 ${2:-}" in
        "-m pip") shift 2; pip "$@" ;;
        "-m venv")
            mkdir -p "$3/bin" "$3/lib/site-packages"
            ln -s lib "$3/lib64"
            ln -s /usr/local/bin/python3 "$3/bin/python3"
            echo "home = /usr/local/bin" >"$3/pyvenv.cfg" ;;
        "manage.py collectstatic") mkdir -p staticfiles && cp static/* staticfiles/ ;;
        *) echo "python $*" ;;
    esac
}

npm() {
    cache=${npm_config_cache:-$HOME/.npm} production=${NODE_ENV:-}
    case "$*" in *--omit=dev* | *--prod*) production=production ;; esac
    case $1 in
        ci | install | i)
            sed -n '/"dependencies"/,/}/s/^ *"\([a-z-]*\)": "\(.*\)".*/\1 \2/p' package.json >/tmp/wanted
            [ "$production" = production ] ||
                sed -n '/"devDependencies"/,/}/s/^ *"\([a-z-]*\)": "\(.*\)".*/\1 \2/p' package.json >>/tmp/wanted
            mkdir -p node_modules/.bin "$cache/_cacache"
            while read -r name version; do
                mkdir -p "node_modules/$name"
                echo "{\"name\": \"$name\", \"version\": \"$version\"}" >"node_modules/$name/package.json"
                program "node_modules/$name/cli.js" "$name"
                ln -sf "../$name/cli.js" "node_modules/.bin/$name"
                echo "$name@$version" >>"$cache/_cacache/index"
            done </tmp/wanted
            rm /tmp/wanted ;;
        run)
            [ "$2" = build ] || return 0
            mkdir -p dist/assets
            cat src/* >dist/assets/index.js
            echo "<script src=assets/index.js></script>" >dist/index.html ;;
        cache) rm -rf "$cache" ;;
        *) ;;
    esac
}

go() {
    case "$1 ${2:-}" in
        "mod download")
            mkdir -p "${GOPATH:-/go}/pkg/mod/cache"
            sed -n 's/^require //p' go.mod | while read -r name version; do
                mkdir -p "${GOPATH:-/go}/pkg/mod/$name@$version"
                echo "package" >"${GOPATH:-/go}/pkg/mod/$name@$version/lib.go"
                chmod -R a-w "${GOPATH:-/go}/pkg/mod/$name@$version"
            done ;;
        build*)
            flags='' out=a.out
            while [ $# -gt 1 ]; do
                case $1 in -o) out=$2; shift ;; -ldflags) flags=$2; shift ;; -ldflags=*) flags=${1#*=} ;; *) ;; esac
                shift
            done
            mkdir -p "$(dirname "$out")" "${GOCACHE:-$HOME/.cache/go-build}"
            echo built >>"${GOCACHE:-$HOME/.cache/go-build}/log"
            { echo "ELF ${GOOS:-linux} cgo=${CGO_ENABLED:-1} $flags"; find "$1" -name '*.go' | sort | xargs cat; } >"$out"
            chmod 755 "$out" ;;
        *) ;;
    esac
}

cargo() {
    mkdir -p target/release "${CARGO_HOME:-/usr/local/cargo}/registry"
    echo index >"${CARGO_HOME:-/usr/local/cargo}/registry/index"
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml)
    cat src/*.rs >"target/release/$name"
    chmod 755 "target/release/$name"
}

cc() {
    out=a.out sources=
    while [ $# -gt 0 ]; do
        case $1 in -o) out=$2; shift ;; -*) ;; *) sources="$sources $1" ;; esac
        shift
    done
    # shellcheck disable=SC2086 # a list of names
    cat $sources >"$out"
    chmod 755 "$out"
}

# Only what an autotools project's users call: make, make install with PREFIX and DESTDIR.
make() {
    target='' prefix=/usr/local destination=''
    for word; do
        case $word in
            PREFIX=*) prefix=${word#*=} ;;
            DESTDIR=*) destination=${word#*=} ;;
            -*) ;;
            *) target=$word ;;
        esac
    done
    case $target in
        install)
            for part in bin lib/pkgconfig share/man/man1; do mkdir -p "$destination$prefix/$part"; done
            cp tool "$destination$prefix/bin/tool"
            echo so >"$destination$prefix/lib/libtool.so.1.2"
            ln -s libtool.so.1.2 "$destination$prefix/lib/libtool.so.1"
            ln "$destination$prefix/bin/tool" "$destination$prefix/bin/tool-1"
            echo page >"$destination$prefix/share/man/man1/tool.1" ;;
        *) cat ./*.c >tool; chmod 755 tool ;;
    esac
}

# Ruby's, PHP's and Java's: a directory with what the project names.
vendored() {
    directory=$1 list=$2
    mkdir -p "$directory"
    while read -r name; do mkdir -p "$directory/$name" && echo "$name" >"$directory/$name/code"; done <"$list"
}

# What is at a URL is its last component, or an archive of a program of that name.
curl() {
    out='' url=''
    while [ $# -gt 0 ]; do
        case $1 in -o | --output) out=$2; shift ;; -*) ;; *) url=$1 ;; esac
        shift
    done
    name=${url##*/}
    case $name in
        *.tar.gz | *.tgz)
            place=$(mktemp -d)
            program "$place/${name%%[-.]*}/bin/${name%%[-.]*}" "$url"
            tar -C "$place" -czf "$place.tgz" "${name%%[-.]*}"
            cat "$place.tgz" >"${out:-/dev/stdout}"
            rm -rf "$place" "$place.tgz" ;;
        *) echo "$url" >"${out:-/dev/stdout}" ;;
    esac
}

# useradd and groupadd of Debian, adduser and addgroup of Alpine.
accounts() {
    verb=$1 uid=1000 gid='' shell=/bin/sh home='' system='' make_home='' name='' group=''
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            -u | --uid) uid=$2; shift ;;
            -g | --gid) gid=$2; shift ;;
            -G | --ingroup) group=$2; shift ;;
            -s | --shell) shell=$2; shift ;;
            -h | -d | --home | --home-dir) home=$2; shift ;;
            -m | --create-home) make_home=yes ;;
            -S | -r | --system) system=yes ;;
            -c | --gecos) shift ;;
            -[A-Za-z]*[A-Za-z]) system=yes ;;
            -*) ;;
            *) if [ -z "$name" ]; then name=$1; else group=$1; fi ;;
        esac
        shift
    done
    [ -z "$system" ] || [ "$uid" != 1000 ] || uid=100
    case $verb in
        *group*) echo "$name:x:${gid:-$uid}:" >>/etc/group; return ;;
        adduser) [ -n "$system" ] || make_home=yes ;;
    esac
    [ -z "$group" ] || gid=$(awk -F: -v g="$group" '$1 == g { print $3 }' /etc/group)
    case $gid in
        *[!0-9]*) gid=$(awk -F: -v g="$gid" '$1 == g { print $3 }' /etc/group) ;;
        "") gid=$uid; echo "$name:x:$uid:" >>/etc/group ;;
    esac
    home=${home:-/home/$name}
    echo "$name:x:$uid:$gid::$home:$shell" >>/etc/passwd
    [ -z "$make_home" ] || { mkdir -p "$home"; chown "$uid:$gid" "$home"; chmod 750 "$home"; }
}

self=$(basename "$0")
case $self in
    apt-get) apt_get "$@" ;;
    apt-mark) echo "$1" ;;
    apk | pip | go | cargo | make | curl) "$self" "$@" ;;
    python3) python "$@" ;;
    yarn | pnpm | npm) if [ $# = 0 ]; then npm install; else npm "$@"; fi ;;
    gcc) cc "$@" ;;
    bundle) vendored vendor/bundle Gemfile ;;
    composer) vendored vendor composer.txt ;;
    mvn) mkdir -p target && cat src/*.java >target/app.jar ;;
    useradd | groupadd | adduser | addgroup) accounts "$self" "$@" ;;
    locale-gen) mkdir -p /usr/lib/locale && cat /etc/locale.gen >/usr/lib/locale/locale-archive ;;
    a2enmod) for name; do ln -sf "../mods-available/$name.load" "/etc/apache2/mods-enabled/$name.load"; done ;;
    *) die "no stand-in of that name" ;;
esac
