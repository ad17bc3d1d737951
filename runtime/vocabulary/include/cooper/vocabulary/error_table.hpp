// SPDX-License-Identifier: BSD-3-Clause
// Every operating failure of Cooper: X(code, text, what to do about it). One row a code; whoever raises it adds the
// particulars (the name, the number, the path) as the error's detail.
#pragma once

#define COOPER_ERROR_TABLE(X)                                                                                       \
  X(bad_option, "an option is not usable", "see --help for the accepted values")                                    \
  X(unknown_name, "there is nothing of that name",                                                                  \
    "check the spelling; the list of names is in the message or in --help")                                         \
  X(unreadable_input, "an input cannot be read", "check that the file exists and that you may read it")             \
  X(malformed_input, "an input is malformed", "correct the named place and try again")                              \
  X(unwritable_output, "an output cannot be written", "choose a path that you may write to, with space left")       \
  X(topology_unavailable, "the machine's topology cannot be read",                                                  \
    "run 'hwloc-ls' to see what hwloc finds, or give --xml or --synthetic")                                         \
  X(no_such_core, "a core does not exist on this machine", "'cooper topo' lists the cores")                         \
  X(core_not_allowed, "a core is outside this process's affinity",                                                  \
    "widen the affinity mask or cpuset (taskset, cpuset.cpus), or choose other cores")                              \
  X(duplicate_core, "a core is named more than once", "name each core once, or allow oversubscription explicitly")  \
  X(no_cores, "no core is left to run on", "name at least one core that this process may use")                      \
  X(oversubscribed, "more drivers than cores are asked for", "ask for fewer, or allow oversubscription explicitly") \
  X(core_claimed, "another process holds a core", "stop the process named in the message, or choose other cores")   \
  X(claim_failed, "core claims cannot be kept", "set COOPER_LOCK_DIR to a directory that you may write to")         \
  X(pin_failed, "a thread cannot be pinned", "allow sched_setaffinity, or run unpinned")                            \
  X(thread_failed, "a thread cannot be started", "raise the limit on processes (ulimit -u), or use fewer cores")    \
  X(out_of_memory, "memory is exhausted", "use fewer cores or smaller pools")                                       \
  X(core_down, "that core is not running", "bring it up first, or choose a running one")                            \
  X(core_up, "that core is running already", "take it down first")                                                  \
  X(last_core, "the last running core cannot be taken down", "stop the machine instead")                            \
  X(queue_full, "a gateway's queue is full", "wait and try again; the receiving core is behind")                    \
  X(stopped, "the machine has stopped", "boot a new one")                                                           \
  X(stop_timeout, "a core did not stop in time", "see who blocks in the message; its handler must return")          \
  X(too_many_endpoints, "a core's endpoint table is full", "close endpoints that are no longer used")               \
  X(buffer_invalid, "a buffer handle names no live buffer of ours", "the sender sent a stale or foreign handle")    \
  X(buffer_lent, "a buffer is lent to another core", "wait until its readers have released it")                     \
  X(pool_exhausted, "a core's buffer pool is empty", "release buffers, or configure a larger pool")                 \
  X(too_large, "a size is over the limit", "use a smaller one; the limit is in the message")                        \
  X(io_failed, "a system call failed", "see the system's own words in the message")                                 \
  X(socket_unavailable, "no process answers on that socket",                                                        \
    "'cooper ps' lists running machines; start one, or check XDG_RUNTIME_DIR")                                      \
  X(mailbox_full, "the receiver's core is behind, and no more may wait for it",                                     \
    "send less at a time, or wait for credit")                                                                      \
  X(no_receiver, "the receiver has ended, or its address is from an earlier life", "ask for its address again")     \
  X(deadline_passed, "no answer came before the deadline", "allow more time, or see what the receiver does")        \
  X(cancelled, "the operation was given up", "its actor has ended, or nobody waits for it")                         \
  X(handler_failed, "the receiver's handler threw an exception", "see the receiver's own report")                   \
  X(not_supported_here, "this kind of machine does not offer that", "see the message for the kind that does")       \
  X(engine_unavailable, "there is no logic engine",                                                                 \
    "build Cooper where swi-prolog-nox is installed; without it trees are direct")                                  \
  X(facts_rejected, "facts do not fit the vocabulary", "correct the named fact; nothing was changed")               \
  X(query_malformed, "a question is not well formed", "write one goal, e.g. pu(P, Os, Core)")                       \
  X(query_unknown, "a question uses a predicate that nobody has defined", "check its name and number of arguments") \
  X(query_failed, "a question went wrong", "see the engine's own words in the message")                             \
  X(query_forbidden, "a question uses what could harm", "ask about facts and rules only")                           \
  X(query_timeout, "a question was not answered in its time", "ask for less, or allow more time")                   \
  X(query_exhausted, "a question used up its inferences or memory", "ask for less, or raise the limit")             \
  X(query_truncated, "an answer is over the limit, and was not given in part", "ask for less, or raise the limit")  \
  X(unreliable_measurement, "what was measured is too uncertain to be used",                                        \
    "measure again when less runs on the machine, or for longer")
