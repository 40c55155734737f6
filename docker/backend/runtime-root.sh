#!/bin/sh
# Copy what Python needs at run time into an empty root directory: interpreter, standard
# library, the shared libraries of both and of the given packages, certificates, users.
#
# usage: runtime-root.sh ROOT PACKAGES
#   ROOT      directory to fill
#   PACKAGES  directory of installed packages; becomes dist-packages, compiled to byte code
set -eu
root=$1
packages=$2
python=/usr/bin/python3.11
stdlib=/usr/lib/python3.11
site=$root/usr/local/lib/python3.11/dist-packages

# Parts of the standard library for developers and desktops.
unwanted="ensurepip idlelib lib2to3 pydoc_data tkinter turtledemo unittest
  lib-dynload/_curses* lib-dynload/_dbm* lib-dynload/_ctypes_test* lib-dynload/_test*
  lib-dynload/_sqlite3* lib-dynload/_xxtestfuzz* lib-dynload/readline* lib-dynload/nis*
  lib-dynload/ossaudiodev* lib-dynload/xxlimited* sqlite3 curses dbm __pycache__"

mkdir -p "$root/usr/bin" "$root$stdlib" "$root/etc/ssl/certs" "$root/tmp" "$root/app" "$site" \
  "$root/usr/share/zoneinfo/Etc"
chmod 1777 "$root/tmp"

cp "$python" "$root/usr/bin/python3.11"
ln -s python3.11 "$root/usr/bin/python3"
cp -R "$stdlib/." "$root$stdlib/"
for name in $unwanted; do
  # shellcheck disable=SC2086 # the list holds patterns
  rm -rf "${root:?}${stdlib:?}"/$name
done
cp -R "$packages/." "$site/"
rm -rf "${site:?}/bin"
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -exec rm -f {} +

# Every shared library that the interpreter and the extension modules name. Wheels bring some
# of their own, found beside them through their run path.
find "$root$stdlib" "$site" -name '*.so*' -type f > /tmp/objects
xargs ldd "$python" < /tmp/objects 2>/dev/null |
  sed -n 's/^\t.* => \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' | sort -u |
  while read -r library; do
    case $library in
      "$root"*) ;;
      *) mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library" ;;
    esac
  done

# Debian's own list, not the bundle of the machine that builds: that may hold a company's proxy.
cat /usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"
cp -L /usr/share/zoneinfo/UTC "$root/usr/share/zoneinfo/UTC"
cp -L /usr/share/zoneinfo/UTC "$root/usr/share/zoneinfo/Etc/UTC"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"
echo 'todo:x:10001:10001::/tmp:/nonexistent' > "$root/etc/passwd"
echo 'todo:x:10001:' > "$root/etc/group"

# The only tool: it tells a person, in an image without a shell, as whom the process runs.
cat > "$root/usr/bin/id" << 'SCRIPT'
#!/usr/bin/python3
import os

print(f"uid={os.getuid()} gid={os.getgid()} groups={','.join(map(str, os.getgroups()))}")
SCRIPT
chmod 0755 "$root/usr/bin/id"

# unchecked-hash: the interpreter need not look at the sources' times when it starts.
"$python" -m compileall -q --invalidation-mode unchecked-hash -s "$root" "$root$stdlib" "$site"
