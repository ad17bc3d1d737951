# SPDX-License-Identifier: BSD-3-Clause
# What Cooper needs of Debian 12, in one place, and its installation; sourced by ./run and ./check.
#
#   install_packages PACKAGE...   returns 0 when all are there. If they were there already, apt is not called at all.
#
# Nothing is ever removed: the installation is simulated first, and if it would remove a package this says which, and
# how to go on.

# To build and run the cooper command.
packages_run=(
  g++-12 cmake ninja-build pkg-config binutils
  libhwloc-dev libboost1.81-dev libboost-json1.81-dev libfmt-dev libcli11-dev libreaderwriterqueue-dev
  libboost-context1.81-dev libcaf-dev doctest-dev librapidcheck-dev libtoml11-dev swi-prolog-nox libedit-dev
  gnuplot-nox
)
# To run the checks as well.
packages_check=("${packages_run[@]}" clang-14 clang-format-14 python3 strace ccache)
# For ./check --all.
packages_all=("${packages_check[@]}" clang-tidy-14)

complain() { printf '%s\n' "$@" >&2; }

missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

# Another system, or --no-install: go on if the tools are found; the libraries are found, or named, by CMake.
tools_are_found() {
  local tool absent=()
  for tool in g++-12 cmake ninja pkg-config objdump gnuplot; do
    command -v "$tool" >/dev/null || absent+=("$tool")
  done
  ((${#absent[@]} == 0)) && return 0
  complain "these programs are missing: ${absent[*]}"
  return 1
}

is_debian_12() {
  [[ -r /etc/os-release ]] && (. /etc/os-release && [[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]]) &&
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null
}

# apt-get, as root, asking nothing, waiting up to five minutes for whoever holds dpkg's or apt's lock.
apt() {
  local try
  for try in {1..30}; do
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=300 \
      -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Dpkg::Use-Pty=0 "$@" >"$apt_log" 2>&1 </dev/null
    apt_status=$?
    cat "$apt_log"
    ((apt_status != 0)) && grep -q '^E: Could not get lock' "$apt_log" || return "$apt_status"
    complain "another program is installing packages; waiting for it ($try of 30)"
    sleep 10
  done
  return "$apt_status"
}

# What a simulated installation would remove, one name a line.
would_remove() { sed -n 's/^Remv \([^ ]*\).*/\1/p' "$1"; }

install_as_root() {
  local removed
  apt_log=$(mktemp) || return 1
  trap 'rm -f "$apt_log"' RETURN
  apt update || complain "apt-get update failed; going on with the package lists that are there"
  if ! apt install -s --no-install-recommends "$@"; then
    complain "apt-get cannot install what is missing; its reasons are above"
    return 1
  fi
  removed=$(would_remove "$apt_log" | tr '\n' ' ')
  if [[ -n $removed ]]; then
    complain "STANDS-IN-THE-WAY $removed"
    return 1
  fi
  apt install -y --no-install-recommends --no-remove "$@"
}

# The last words of install_packages when it fails.
explain_install() {
  local log=$steps_logs/packages.log removed
  removed=$(sed -n 's/^STANDS-IN-THE-WAY //p' "$log")
  if [[ -n $removed ]]; then
    cat <<EOF

Installing $*
would remove: $removed
Cooper never removes a package of yours, so nothing was changed. You can
  - remove them yourself, if you do not need them:  ${as_root[*]:+sudo }apt-get remove $removed
    (Debian's default Boost 1.74 and Cooper's Boost 1.81 cannot both be installed), then call this again;
  - or work in a container, which leaves this system alone:
      docker run --rm -it -v "\$PWD":/cooper -w /cooper debian:12 ./run
  - or provide the libraries otherwise and call this with --no-install.
EOF
  else
    explain_failure packages "see what apt-get says above; mend it (network? package sources in /etc/apt?), then call \
this again. By hand it is:
  ${as_root[*]:+sudo }apt-get install --no-install-recommends $*"
  fi
}

install_packages() {
  local missing
  if [[ ${no_install:-} ]]; then
    tools_are_found
    return
  fi
  if ! is_debian_12; then
    complain "This is not Debian 12, so no package is installed; going on with the tools that are here."
    tools_are_found && return
    complain "Provide what these Debian 12 packages hold, then call this again:" "  $*"
    return 1
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return 0

  as_root=()
  if ((EUID != 0)); then
    as_root=(sudo)
    if ! command -v sudo >/dev/null; then
      complain "These packages are missing, and installing them needs root (there is no sudo here):" "  ${missing[*]}" \
        "As root:  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
      return 1
    fi
    # The one moment at which a password may be asked for.
    if ! sudo -n true 2>/dev/null && { [[ ! -t 0 ]] || ! sudo -v; }; then
      complain "These packages are missing, and sudo does not let this user install them:" "  ${missing[*]}" \
        "Have someone run:  sudo apt-get install --no-install-recommends ${missing[*]}"
      return 1
    fi
  fi
  step packages "install ${#missing[@]} missing packages" install_as_root "${missing[@]}" && return
  explain_install "${missing[@]}"
  return 1
}
