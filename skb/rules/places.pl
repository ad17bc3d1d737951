% SPDX-License-Identifier: BSD-3-Clause
% Where PUs are: how near two of them are, and which domain each belongs to. A domain is the unit that a multicast
% should enter with one message.

% place_class(+A, +B, -Class): the nearest thing that A and B share, as self, smt, l2, l3, package, numa(Dist) or
% remote. Fails if either has no place.
place_class(A, B, Class) :-
    pu_place(A, CA, L2A, L3A, PA, NA),
    pu_place(B, CB, L2B, L3B, PB, NB),
    !,
    (   A == B -> Nearest = self
    ;   CA == CB, CA =\= -1 -> Nearest = smt
    ;   L2A == L2B, L2A =\= -1 -> Nearest = l2
    ;   L3A == L3B, L3A =\= -1 -> Nearest = l3
    ;   same_package(PA, NA, PB, NB) -> Nearest = package
    ;   numa_distance(NA, NB, Dist) -> Nearest = numa(Dist)
    ;   Nearest = remote
    ),
    Class = Nearest.

% hwloc knows machines without packages: the NUMA node stands in, and without one the whole machine.
same_package(-1, NA, -1, NB) :- !, NA == NB.
same_package(P, _, P, _).

% class_rank(+Class, -Rank): the standard order of ranks goes from near to far.
class_rank(self, 0).
class_rank(smt, 1).
class_rank(l2, 2).
class_rank(l3, 3).
class_rank(package, 4).
class_rank(numa(Dist), 5-Dist).
class_rank(remote, 6-0).

known_pu(PU) :- pu_place(PU, _, _, _, _, _), !.

must_be_known(PU) :-
    (   integer(PU), known_pu(PU) -> true
    ;   throw(error(unknown_pu(PU), _))
    ).

% package_of(+PU, -P): package(P), numa(N) or machine.
package_of(PU, Package) :-
    pu_place(PU, _, _, _, P, N),
    !,
    package_name(P, N, Package).

package_name(-1, -1, machine) :- !.
package_name(-1, N, numa(N)) :- !.
package_name(P, _, package(P)).

% domain_level(-Level): what the setting says, else auto.
domain_level(Level) :-
    setting(domain_level, Value),
    !,
    (   memberchk(Value, [auto, package, numa, l3, l2]) -> Level = Value
    ;   throw(error(domain_error(domain_level, Value), _))
    ).
domain_level(auto).

% domain_of(+PU, -D): package(P), numa(N), l3(L3), l2(L2) or machine. The level auto is the package, or the shared cache
% where a package has several. A PU without the level's object belongs to the next larger one it has.
domain_of(PU, Domain) :-
    domain_level(Level),
    level_domain(Level, PU, Domain).

level_domain(auto, PU, Domain) :-
    !,
    pu_place(PU, _, _, L3, P, N),
    !,
    (   L3 =\= -1, package_shares_caches(P, N, L3) -> Domain = l3(L3)
    ;   package_name(P, N, Domain)
    ).
level_domain(Level, PU, Domain) :-
    domain_key(Level, PU, Domain).

package_shares_caches(-1, N, L3) :- !, pu_place(_, _, _, Other, -1, N), Other =\= L3, !.
package_shares_caches(P, _, L3) :- pu_place(_, _, _, Other, P, _), Other =\= L3, !.

% domain_key(+Level, +PU, -Key): two PUs have the same key exactly if they have the same domain. For auto it is not the
% domain's name, because whether a package has several caches need not be known to tell two PUs apart.
domain_key(Level, PU, Key) :-
    pu_place(PU, _, L2, L3, P, N),
    !,
    place_key(Level, L2, L3, P, N, Key).

place_key(auto, _, L3, P, N, Package-L3) :- package_name(P, N, Package).
place_key(package, _, _, P, N, Package) :- package_name(P, N, Package).
place_key(numa, _, _, P, N, Key) :-
    (   N =\= -1 -> Key = numa(N)
    ;   package_name(P, N, Key)
    ).
place_key(l3, _, L3, P, N, Key) :-
    (   L3 =\= -1 -> Key = l3(L3)
    ;   package_name(P, N, Key)
    ).
place_key(l2, L2, L3, P, N, Key) :-
    (   L2 =\= -1 -> Key = l2(L2)
    ;   place_key(l3, L2, L3, P, N, Key)
    ).

% domains(+Level, +PUs, -Domains): PUs as a list of Key-PUs, in the order of the keys.
domains(Level, PUs, Domains) :-
    keyed_by_domain(PUs, Level, Keyed),
    keysort(Keyed, Sorted),
    group_pairs_by_key(Sorted, Domains).

keyed_by_domain([], _, []).
keyed_by_domain([PU|PUs], Level, [Key-PU|Keyed]) :-
    domain_key(Level, PU, Key),
    keyed_by_domain(PUs, Level, Keyed).
