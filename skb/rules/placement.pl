% SPDX-License-Identifier: BSD-3-Clause
% Which PUs to use for N actors or drivers. Only those that are running and not down are offered; if they are fewer than
% N all of these throw too_few_pus(N, Usable).

usable(PU) :-
    pu_place(PU, _, _, _, _, _),
    once(running(PU, _)),
    \+ down(PU).

usable_pus(PUs) :-
    findall(PU, usable(PU), PUs0),
    sort(PUs0, PUs).

% place_spread(+N, -PUs): as far apart as possible: over packages, then level 3 caches, then level 2 caches, then cores;
% second threads of a core only when every core has one.
place_spread(N, PUs) :-
    usable_pus(Usable),
    spread_order(Usable, Order),
    first_pus(N, Order, PUs).

% place_pack(+N, -PUs): as near together as possible: in the smallest unit that has N, else in large units that are near
% each other.
place_pack(N, PUs) :-
    usable_pus(Usable),
    first_pus(N, Usable, _),
    paths(Usable, Paths),
    packed(N, Paths, [], PUs).

% place_near(+PU, +N, -PUs): the nearest to PU first, itself before all if it is usable. Throws unknown_pu(PU).
place_near(PU, N, PUs) :-
    must_be_known(PU),
    usable_pus(Usable),
    nearness_order(PU, Usable, Order),
    first_pus(N, Order, PUs).

% place_near_device(+Device, +N, -PUs): Device is an os_dev's name, or the id or bus address of a pci_dev. First the PUs
% that are near it, spread; then the others, nearest first. A device whose place is unknown is near to all. Throws
% unknown_device(Device).
place_near_device(Device, N, PUs) :-
    device_pci_ids(Device, Ids),
    usable_pus(Usable),
    findall(PU, ( member(Id, Ids), pci_near(Id, PU) ), Near0),
    sort(Near0, Near),
    ord_intersection(Usable, Near, Local),
    ord_subtract(Usable, Near, Far),
    spread_order(Local, LocalOrder),
    (   Near = [PU|_], known_pu(PU) -> nearness_order(PU, Far, FarOrder)
    ;   spread_order(Far, FarOrder)
    ),
    append(LocalOrder, FarOrder, Order),
    first_pus(N, Order, PUs).

device_pci_ids(Device, Ids) :-
    findall(Id, device_pci_id(Device, Id), Ids0),
    sort(Ids0, Ids),
    (   Ids == [] -> throw(error(unknown_device(Device), _))
    ;   true
    ).

device_pci_id(Device, Id) :- os_dev(_, Name, Id), same_name(Name, Device).
device_pci_id(Device, Device) :- pci_dev(Device, _, _, _, _).
device_pci_id(Device, Id) :- pci_dev(Id, Bus, _, _, _), same_name(Bus, Device).

% Names come as atoms or as strings.
same_name(A, B) :-
    atomic(A),
    atomic(B),
    atom_string(A, Text),
    atom_string(B, Text).

first_pus(N, Order, PUs) :-
    length(Order, Count),
    (   integer(N), N >= 0, N =< Count -> true
    ;   throw(error(too_few_pus(N, Count), _))
    ),
    length(PUs, N),
    append(PUs, _, Order),
    !.

% -- spreading --------------------------------------------------------------------------------------------------------

% paths(+PUs, -Paths): [Package, L3, L2, Core]-PU.
paths([], []).
paths([PU|PUs], [[Package, L3, L2, C]-PU|Paths]) :-
    pu_place(PU, C, L2, L3, P, N),
    !,
    package_name(P, N, Package),
    paths(PUs, Paths).

% The first threads of all cores, then the second ones, and so on; among these, whatever unit has fewest is next.
spread_order(PUs, Order) :-
    paths(PUs, Paths0),
    keysort(Paths0, Paths),
    group_pairs_by_key(Paths, Cores),
    waves(Cores, Numbered),
    interleaved(Numbered, Ordered),
    pairs_values(Ordered, Order).

% waves(+Cores, -Paths): Path-(Wave-PU), where a core's first thread is of wave 0, its second of wave 1.
waves([], []).
waves([Path-PUs|Cores], Numbered) :-
    numbered(PUs, 0, Path, Numbered, Numbered1),
    waves(Cores, Numbered1).

numbered([], _, _, Numbered, Numbered).
numbered([PU|PUs], Wave, Path, [Path-(Wave-PU)|Numbered1], Numbered) :-
    Next is Wave + 1,
    numbered(PUs, Next, Path, Numbered1, Numbered).

% interleaved(+Paths, -Ordered): wave by wave, in turn from each unit of the outermost kind, and inside each likewise.
interleaved(Paths, Ordered) :-
    (   Paths = [[]-_|_] -> pairs_values(Paths, Ordered)
    ;   by_outer_unit(Paths, Units),
        pairs_values(Units, Parts),
        maplist(interleaved, Parts, Lists),
        in_turn(Lists, Ordered)
    ).

% by_outer_unit(+Paths, -Units): Key-Paths with their first step taken off.
by_outer_unit(Paths, Units) :-
    outer_steps(Paths, Steps0),
    keysort(Steps0, Steps),
    group_pairs_by_key(Steps, Units).

outer_steps([], []).
outer_steps([[Key|Path]-PU|Paths], [Key-(Path-PU)|Steps]) :-
    outer_steps(Paths, Steps).

% What a unit gave in earlier waves counts, so that one with few cores is not left behind.
in_turn(Lists, Ordered) :-
    maplist(counted(0), Lists, Counted),
    append(Counted, Turns0),
    keysort(Turns0, Turns),
    pairs_values(Turns, Ordered).

counted(_, [], []).
counted(N, [Wave-PU|PUs], [turn(Wave, N)-(Wave-PU)|Turns]) :-
    Next is N + 1,
    counted(Next, PUs, Turns).

% -- packing ----------------------------------------------------------------------------------------------------------

% packed(+N, +Paths, +Taken, -PUs): N of these. The smallest unit that has enough; if none has, the largest wholly, and
% what is missing from the others. What is near to the Taken goes first.
packed(0, _, _, []) :- !.
packed(N, Paths, _, PUs) :-
    Paths = [[]-_|_],
    !,
    pairs_values(Paths, All),
    length(PUs, N),
    append(PUs, _, All),
    !.
packed(N, Paths, Taken, PUs) :-
    by_outer_unit(Paths, Units),
    packed_units(N, Units, Taken, PUs).

packed_units(0, _, _, []) :- !.
packed_units(N, Units, Taken, PUs) :-
    rated(Units, N, Taken, Rated0),
    keysort(Rated0, [_-unit(Count, Paths)|Rated]),
    Part is min(N, Count),
    packed(Part, Paths, Taken, PUs0),
    append(PUs0, PUs1, PUs),
    append(Taken, PUs0, Taken1),
    N1 is N - Part,
    left_units(Rated, Left),
    packed_units(N1, Left, Taken1, PUs1).

left_units([], []).
left_units([_-unit(_, Paths)|Rated], [left-Paths|Units]) :-
    left_units(Rated, Units).

rated([], _, _, []).
rated([_-Paths|Units], N, Taken, [rate(Rank, Fit, First)-unit(Count, Paths)|Rated]) :-
    Paths = [_-First|_],
    length(Paths, Count),
    (   Taken = [PU|_], place_class(PU, First, Class) -> class_rank(Class, Rank)
    ;   Rank = 0
    ),
    (   smallest_fit(N, Paths, 0, Fit) -> true
    ;   Missing is N - Count,
        Fit = too_few(0, Missing)
    ),
    rated(Units, N, Taken, Rated).

% smallest_fit(+N, +Paths, +Depth, -Fit): enough(Depth, Count) of the smallest unit in here that has N; the further
% inside it is, the smaller is its depth. Fails if there are fewer.
smallest_fit(N, Paths, Depth, Fit) :-
    length(Paths, Count),
    Count >= N,
    (   Paths = [[]-_|_] -> Fit = enough(Depth, Count)
    ;   by_outer_unit(Paths, Units),
        Inside is Depth - 1,
        smallest_fit(Units, N, Inside, enough(Depth, Count), Fit)
    ).

smallest_fit([], _, _, Fit, Fit).
smallest_fit([_-Paths|Units], N, Depth, Fit0, Fit) :-
    (   smallest_fit(N, Paths, Depth, Fit1),
        Fit1 @< Fit0
    ->  smallest_fit(Units, N, Depth, Fit1, Fit)
    ;   smallest_fit(Units, N, Depth, Fit0, Fit)
    ).

% -- nearness ---------------------------------------------------------------------------------------------------------

nearness_order(PU, PUs, Order) :-
    by_nearness(PUs, PU, Ranked),
    keysort(Ranked, Sorted),
    pairs_values(Sorted, Order).

by_nearness([], _, []).
by_nearness([Other|PUs], PU, [Rank-Other|Ranked]) :-
    place_class(PU, Other, Class),
    !,
    class_rank(Class, Rank),
    by_nearness(PUs, PU, Ranked).
