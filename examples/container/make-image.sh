#!/bin/sh
# Makes a small image of this machine's own bash and some of its programs, without any registry:
#   make-image.sh NAME [PROGRAM...]      RUNTIME=docker make-image.sh …      FILES='/etc/openmpi …' make-image.sh …
set -eu
name=${1:-localhost/stoker-example:1}
[ $# -eq 0 ] || shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/tmp" "$root/root" "$root/etc" "$root/run" "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64"
for folder in bin sbin lib lib64; do [ ! -L "/$folder" ] || ln -s "usr/$folder" "$root/$folder"; done
echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"

add() {
  [ -e "$root$1" ] || cp -L --parents "$1" "$root"
  # What it is linked to, by full paths.
  for library in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
    [ -e "$root$library" ] || cp -L --parents "$library" "$root"
  done
}

for program in bash sh cat chmod cp df env grep id ls mkdir mktemp rm sed sleep touch tr uname wc "$@"; do
  add "$(command -v "$program")"
done
# Whole folders, and what the programs and plug-ins in them need.
for path in ${FILES:-}; do
  cp -a --parents "$path" "$root"
  find "$path" -type f \( -perm -100 -o -name '*.so*' \) >"$root/tmp/list"
  while read -r file; do add "$file"; done <"$root/tmp/list"
  rm "$root/tmp/list"
done
tar -C "$root" -c . >"$root.tar"
trap 'rm -rf "$root" "$root.tar"' EXIT
said=$("${RUNTIME:-podman}" import "$root.tar" "$name" 2>&1) || { echo "$said" >&2; exit 1; }
