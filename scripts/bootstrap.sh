#!/bin/sh
# Makes a fresh clone ready: bootstrap.sh npm|build|quickstart|test|lab. Needs Node >= 20 with npm; the rest it installs
# (Debian packages only as root; else it prints the one line to run, and exits 2). A second run only looks. Prometheus, which tests let
# scrape the daemons, is taken out of its Debian package, not installed: that would start a server on this machine, and bring 300 MB.
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-test}

compilers="gcc g++ libc6-dev make python3"
daemons="nats-server openmpi-bin python3-mpi4py python3-numpy python3-sklearn"
case $purpose in
  npm | build | lab) packages=$compilers ;;
  quickstart) packages="$compilers $daemons" ;;
  # openmpi-bin stays what `mpirun` means: its alternative has the higher priority. Tests name the other mpirun.mpich.
  test) packages="$compilers $daemons mpich python3-torch nfs-common nfs-ganesha nfs-ganesha-vfs libnfs-utils rclone fuse3 procps podman runc systemd e2fsprogs" ;;
  *) echo "bootstrap: npm, build, quickstart, test or lab, not $purpose" >&2; exit 2 ;;
esac

fail() { echo "bootstrap: $1" >&2; exit "${2:-1}"; }

command -v node >/dev/null 2>&1 || fail "Node.js 20 or newer is needed: see https://nodejs.org/en/download" 2
# The ABI number decides whether a native add-on fits; the folder is where this Node's own headers are, if it has them.
set -- $(node -p 'const v = process.versions; [v.node.split(".")[0], v.modules, require("path").resolve(process.execPath, "../..")].join(" ")')
major=$1 abi=$2 prefix=$3
[ "$major" -ge 20 ] || fail "this is Node.js $(node -v), and 20 or newer is needed: see https://nodejs.org/en/download" 2

install_debian() {
  command -v dpkg-query >/dev/null 2>&1 || { echo "bootstrap: no dpkg here; what is needed is, by Debian's names: $packages" >&2; return 0; }
  # shellcheck disable=SC2086
  present=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $packages 2>/dev/null || true)
  missing=
  for package in $packages; do
    case "
$present
" in *"
ii  $package
"*) ;; *) missing="$missing $package" ;; esac
  done
  [ -n "$missing" ] || return 0
  [ "$(id -u)" = 0 ] || fail "Debian packages are missing. Run: sudo apt-get install --no-install-recommends$missing" 2
  echo "bootstrap: installing$missing" >&2
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! apt_install $missing >"$log" 2>&1; then
    # Package lists that are absent or old.
    if ! { apt-get update -q && apt_install $missing; } >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      rm -f "$log"
      fail "apt-get could not install$missing"
    fi
  fi
  rm -f "$log"
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "$@" </dev/null
}

# Debian 13 and later have promtool in a package of its own.
download_prometheus() {
  own=
  if apt-cache show promtool; then own=promtool; fi
  (cd "$fetched" && apt-get -q download prometheus $own)
}

fetch_prometheus() {
  folder=.stoker-bootstrap-prometheus
  if [ -x "$folder/prometheus" ] || { command -v prometheus && command -v promtool; } >/dev/null 2>&1; then return 0; fi
  echo "bootstrap: fetching Prometheus for tests" >&2
  fetched=$(mktemp -d)
  if ! { download_prometheus || { apt-get -q update && download_prometheus; }; } >"$fetched/log" 2>&1 </dev/null; then
    tail -n 20 "$fetched/log" >&2
    rm -rf "$fetched"
    fail "the package prometheus could not be fetched: install prometheus and promtool so that both are in PATH" 2
  fi
  for package in "$fetched"/*.deb; do dpkg-deb --extract "$package" "$fetched"; done
  for program in prometheus promtool; do
    [ -x "$fetched/usr/bin/$program" ] || fail "the package prometheus holds no $program: install it so that it is in PATH" 2
  done
  rm -rf "$folder"
  mv "$fetched/usr/bin" "$folder"
  rm -rf "$fetched"
}

addons_work() { node -e 'new (require("better-sqlite3"))(":memory:").close(); require("node-pty")' >/dev/null 2>&1; }

install_npm() {
  # What is installed follows from the lock file; package.json's scripts and version don't matter to it.
  stamp="$abi $(cksum <package-lock.json)"
  [ "$(cat node_modules/.stoker-stamp 2>/dev/null || true)" != "$stamp" ] || return 0
  # Two at once would remove each other's files.
  exec 9>.stoker-bootstrap.lock
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  [ "$(cat node_modules/.stoker-stamp 2>/dev/null || true)" != "$stamp" ] || { exec 9>&-; return 0; }
  [ "$(cat node_modules/.stoker-stamp 2>/dev/null || true)" != "$stamp" ] || return 0
  command -v npm >/dev/null 2>&1 || fail "npm is needed, and comes with Node.js: see https://nodejs.org/en/download" 2
  echo "bootstrap: installing npm packages from package-lock.json; what has no binary for this Node.js is compiled, which takes some minutes" >&2
  # An add-on without a prebuilt binary is compiled with the headers beside this Node, not with a download.
  if [ -e "$prefix/include/node/node_version.h" ]; then
    export npm_config_nodedir="$prefix" npm_package_config_node_gyp_nodedir="$prefix"
  fi
  log=$(mktemp)
  if ! npm ci --no-audit --no-fund >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "npm ci failed"
  fi
  # npm releases differ in whether they run a package's install script unasked.
  addons_work || npm rebuild better-sqlite3 node-pty >"$log" 2>&1 || true
  if ! addons_work; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "a native add-on, better-sqlite3 (the database) or node-pty (terminals), could not be built"
  fi
  rm -f "$log"
  echo "$stamp" >node_modules/.stoker-stamp
  exec 9>&-
}

install_debian
install_npm
[ "$purpose" != test ] || fetch_prometheus
