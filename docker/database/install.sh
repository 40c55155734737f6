#!/bin/sh
# Installs PostgreSQL into an image: install.sh VERSION LLVM
# - No cluster is made at install time: the entry script makes one in the mounted volume.
# - LLVM, the package of that name, serves only just-in-time compilation, which is off (postgresql.conf): 120 MB less.
# - The authorities are for external servers with a certificate of a public one.
set -eu

version=$1
llvm=$2

apt-get update
mkdir --parents /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
apt-get install --yes --no-install-recommends ca-certificates "postgresql-$version"
dpkg --purge --force-depends "$llvm" libz3-4
rm -rf "/usr/lib/postgresql/$version/lib/llvmjit.so" "/usr/lib/postgresql/$version/lib/bitcode" /var/lib/apt/lists/*
groupmod --gid 10001 postgres
usermod --uid 10001 --gid 10001 postgres
install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/postgresql/data
install --directory --owner 10001 --group 10001 --mode 0755 /var/run/postgresql
