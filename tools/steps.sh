# SPDX-License-Identifier: BSD-3-Clause
# Numbered steps with elapsed time, for ./run and ./check; sourced, needs bash and nothing else.
#
#   steps_begin TOTAL LOGS     how many steps there are, and the folder for one log a step
#   step NAME TITLE COMMAND... runs the command with its output in LOGS/NAME.log; returns what it returned
#   explain_failure NAME HINT  the last lines of that log, where the whole of it is, and what to do
#
# On a terminal one line shows the time and the newest line of the log; elsewhere a line a minute says that it lives.

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

steps_begin() {
  steps_total=$1 steps_done=0 steps_logs=$2 step_pid=''
  mkdir -p "$steps_logs"
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM HUP
}

# A process and all below it; ctest gives each test a process group of its own, so the group is not enough.
with_descendants() {
  local child children=''
  echo "$1"
  { read -r children <"/proc/$1/task/$1/children"; } 2>/dev/null
  for child in $children; do with_descendants "$child"; done
}

# What a step started ends with it.
interrupted() {
  local pids
  trap - INT TERM HUP
  if [[ -n $step_pid ]]; then
    mapfile -t pids < <(with_descendants "$step_pid")
    kill -TERM "${pids[@]}" 2>/dev/null
    wait "$step_pid" 2>/dev/null
  fi
  printf '\n%s\n' "interrupted; nothing is lost, the next call goes on from here" >&2
  exit "$1"
}

elapsed() {
  local s=$((SECONDS - $1))
  if ((s < 60)); then printf '%d s' "$s"; else printf '%d min %02d s' $((s / 60)) $((s % 60)); fi
}

step() {
  local name=$1 title=$2 log=$steps_logs/$1.log begin=$SECONDS line width said=0 rc=0
  shift 2
  steps_done=$((steps_done + 1))
  local head="${bold}[$steps_done/$steps_total]${plain} $title"
  [[ -t 1 ]] || printf '%s ...\n' "$head"
  printf '$ %s\n' "$*" >"$log"
  set -m
  "$@" >>"$log" 2>&1 </dev/null &
  step_pid=$!
  set +m
  while kill -0 "$step_pid" 2>/dev/null; do
    if [[ -t 1 ]]; then
      width=$(tput cols 2>/dev/null || echo 80)
      line=$(tail -n 1 "$log" 2>/dev/null | tr -d '\000-\037')
      line="$(elapsed "$begin")  $line"
      width=$((width - ${#title} - 12))
      printf '\r\e[K%s  %s%s%s' "$head" "$dim" "${line:0:$((width > 0 ? width : 0))}" "$plain"
    elif ((SECONDS - begin >= said + 60)); then
      said=$((SECONDS - begin))
      printf '      %s so far: %s\n' "$(elapsed "$begin")" "$(tail -n 1 "$log" | cut -c1-100)"
    fi
    sleep 0.2
  done
  wait "$step_pid" || rc=$?
  step_pid=''
  [[ ! -t 1 ]] || printf '\r\e[K'
  if ((rc == 0)); then
    printf '%s: %sdone%s, %s\n' "$head" "$green" "$plain" "$(elapsed "$begin")"
  else
    printf '%s: %sFAILED%s after %s\n' "$head" "$red" "$plain" "$(elapsed "$begin")"
  fi
  return "$rc"
}

explain_failure() {
  local log=$steps_logs/$1.log
  printf '\n%s--- the last lines of %s%s\n' "$dim" "${log#"$PWD"/}" "$plain"
  # A compiler's first error says more than its last lines.
  if [[ $1 == *build || $1 == *configure ]] && grep -nE -m 3 '(error|Error|ERROR):' "$log" >"$log.errors"; then
    sed 's/^/first errors, line /' "$log.errors"
    printf '...\n'
  fi
  rm -f "$log.errors"
  tail -n 25 "$log"
  printf '%s---%s\n%sWhat to do:%s %s\n' "$dim" "$plain" "$bold" "$plain" "$2"
}

# As many compilers as there are processors, but no more than the free memory carries (1 GB each).
build_jobs() {
  local cpus memory
  cpus=$(nproc 2>/dev/null || echo 1)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo 2>/dev/null || echo 1)
  ((memory >= 1)) || memory=1
  echo $((cpus < memory ? cpus : memory))
}
