#!/bin/sh
# Sees to it that PostgreSQL's server is here: the tests start one of their own. Quick and
# quiet if it is; else installed where that is root's to do on Debian or Ubuntu, else named.
set -eu

here() {
    command -v initdb >/dev/null && return 0
    for folder in ${PLACES:-/usr/lib/postgresql/*/bin /usr/pgsql-*/bin}; do
        [ -x "$folder/initdb" ] && return 0
    done
    return 1
}

install_it() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    # The package would make a cluster and start it; nobody here asked for one.
    conf=${CONF:-/etc/postgresql-common}/createcluster.conf
    [ -e "$conf" ] || { mkdir -p "${conf%/*}" && echo "create_main_cluster = false" >"$conf"; }
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } \
        >/dev/null 2>&1
}

here && exit 0
install_it && here && exit 0
echo "PostgreSQL's server is not installed (on Debian and Ubuntu: apt-get install postgresql);" \
    "its tests are left out." >&2
[ "${CI:-}" != true ] # nothing is left out in CI
