% SPDX-License-Identifier: BSD-3-Clause
% The facts that the rules read. A PU is hwloc's logical index of a hardware thread; times are whole nanoseconds, sizes
% bytes, an unknown number is -1. Whoever loads facts has checked their arity, types and ranges; the relations between
% them are checked by skb_check/1 (checks.pl).

% schema(Version), facts_version(N): of this vocabulary, and a number that grows with every change of facts.
:- dynamic schema/1, facts_version/1.

% machine(Name, Source, ThisSystem): Source is native, xml or synthetic; ThisSystem 0 means never bind threads.
% package(P), die(D, P), numa_node(N, OsIdx, Bytes), core(C, P, Kind), cpukind(Kind, Efficiency), pu(PU, OsIdx, C).
:- dynamic machine/3, package/1, die/2, numa_node/3, core/3, cpukind/2, pu/3.

% pu_place(PU, C, L2, L3, P, N): the core, caches, package and NUMA node of a PU. Every rule about places starts here.
:- dynamic pu_place/6.

% cache(Id, Level, Type, Bytes, Line, Ways), cache_pu(Id, PU), numa_distance(N1, N2, Dist), and
% memattr(Attr, N, Initiator, Value): latency in ns, bandwidth in MiB/s, capacity in bytes.
:- dynamic cache/6, cache_pu/2, numa_distance/3, memattr/4.

% pci_dev(Id, Bus, Vendor, Device, Class), pci_near(Id, PU), os_dev(Id, Name, PciId).
:- dynamic pci_dev/5, pci_near/2, os_dev/3.

% link(From, To, SendNs, TransitNs, RecvNs): measured, directed. class_cost(Class, SendNs, TransitNs, RecvNs): where
% nothing was measured; Class is what place_class/3 gives, or net(Peer).
% link_stat(From, To, MedianNs, MadNs, MinNs, MaxNs, Samples, UnixTime): where a link's numbers come from.
:- dynamic link/5, link_stat/8, class_cost/4.

% running(PU, KernelId), down(PU): liveness. group(G, PU): multicast membership.
% setting(Key, Value): domain_level (package, numa, l3, l2 or auto) and dispatch_ns (from arrival to the first forward).
:- dynamic running/2, down/1, group/2, setting/2.
