#!/bin/sh
# Copy what nginx needs at run time into an empty root directory: the program, the shared
# libraries it names, its media types, one user.
#
# usage: nginx-root.sh ROOT
set -eu
root=$1
nginx=/usr/sbin/nginx

mkdir -p "$root/usr/sbin" "$root/etc/nginx/conf.d" "$root/tmp" "$root/srv/www"
chmod 1777 "$root/tmp"

cp "$nginx" "$root$nginx"
ldd "$nginx" |
  sed -n 's/^\t.* => \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' |
  while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done

cp /etc/nginx/mime.types "$root/etc/nginx/"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'todo:x:10001:10001::/tmp:/nonexistent' > "$root/etc/passwd"
echo 'todo:x:10001:' > "$root/etc/group"
