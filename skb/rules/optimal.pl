% SPDX-License-Identifier: BSD-3-Clause
% The best tree that sends one message into each unit of a machine: into each package, into each shared cache of a
% package, and so on. Members are nested into units; a unit at level l holds units of level l - 1, and a message to a
% sibling at level l costs the same for all of them. What a member still has to reach is then only how many units at
% each level, so that a table over these counts holds the least times of all possible plans.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

optimal_members_max(128).
% Units of very different sizes make a table that is larger than their members.
optimal_states_max(512).
% Costs of one level are uniform if the dearest is at most 5/4 of the cheapest; the tree is judged by its own links.
uniform_costs(Least, Most) :- 4 * Most =< 5 * Least.
% Levels whose costs differ by less than 1/20 are one: more levels would only forbid good trees.
same_cost(A, B) :- 20 * abs(A - B) =< max(A, B).

optimal_tree(Root, Receivers, t(Root, Children)) :-
    length(Receivers, Count),
    optimal_members_max(Max),
    Count < Max,
    ord_add_element(Receivers, Root, Members),
    nested(Members, Unit, Levels0),
    levels_sized(Levels0, Unit, Levels, States),
    optimal_states_max(StatesMax),
    States =< StatesMax,
    best_plans(Levels, States, Plans),
    length(Levels, Depth),
    entered(Depth, Unit, Root, Stock),
    planned(Root, Stock, Levels, Plans, Children),
    !.

% -- units ------------------------------------------------------------------------------------------------------------

% nested(+Members, -Unit, -Levels): a unit of level 0 is a PU, one of level l a list of units of level l - 1. Levels are
% cost(Send, Rest), from the innermost. Fails if the costs of a level are not uniform.
nested(Members, Unit, Levels) :-
    keyed_by_place(Members, Units0),
    joined_by_place([core, l2, l3, package], Units0, [], Units1, Levels1),
    joined_by_distance(Units1, Levels1, Units2, Levels2),
    joined_into_one(Units2, Levels2, Unit, Levels3),
    reverse(Levels3, Levels).

% A unit on its way up is Keys-unit(First, Unit): the names of what it is still to be part of, and its first member.
keyed_by_place([], []).
keyed_by_place([PU|PUs], [[Core, Cache2, Cache3, Package]-unit(PU, PU)|Keyed]) :-
    pu_place(PU, C, L2, L3, P, N),
    !,
    package_name(P, N, Package),
    or_own(C, PU, Core),
    or_own(L2, Core, Cache2),
    or_own(L3, Cache2, Cache3),
    keyed_by_place(PUs, Keyed).

or_own(-1, Inner, own(Inner)) :- !.
or_own(Id, _, Id).

joined_by_place([], Units, Levels, Units, Levels).
joined_by_place([_|Kinds], Units0, Levels0, Units, Levels) :-
    keysort(Units0, Sorted),
    group_pairs_by_key(Sorted, Groups0),
    outer_keys(Groups0, Groups),
    joined_level(Groups, Levels0, Units1, Levels1),
    joined_by_place(Kinds, Units1, Levels1, Units, Levels).

outer_keys([], []).
outer_keys([[_|Keys]-Units|Groups0], [Keys-Units|Groups]) :-
    outer_keys(Groups0, Groups).

% Packages at the same distance from each other are joined, the nearest first. Where nearness is not transitive (a ring)
% that distance makes no units, and what is farther has to be uniform together with it.
joined_by_distance(Units0, Levels0, Units, Levels) :-
    length(Units0, Count),
    Count > 2,
    Count =< 32,
    distances(Units0, Distances),
    Distances = [_, _|_],
    !,
    joined_within(Distances, Units0, Levels0, Units, Levels).
joined_by_distance(Units, Levels, Units, Levels).

distances([_-unit(A, _)|Units], Distances) :-
    findall(Dist, ( member(_-unit(B, _), Units), place_class(A, B, numa(Dist)) ), Distances0),
    sort(Distances0, Distances).

% The farthest distance joins all, which joined_into_one does.
joined_within([_], Units, Levels, Units, Levels) :- !.
joined_within([Dist|Distances], Units0, Levels0, Units, Levels) :-
    (   cliques(Units0, Dist, Groups)
    ->  joined_level(Groups, Levels0, Units1, Levels1)
    ;   Units1 = Units0, Levels1 = Levels0
    ),
    joined_within(Distances, Units1, Levels1, Units, Levels).

cliques([], _, []).
cliques([_-Unit|Units], Dist, [[]-[Unit|Near]|Groups]) :-
    Unit = unit(A, _),
    partition_within(Units, A, Dist, Near, Far),
    forall(( member(unit(B, _), Near), member(unit(C, _), Near), B < C ), within(B, C, Dist)),
    \+ ( member(unit(B, _), Near), member(_-unit(C, _), Far), within(B, C, Dist) ),
    cliques(Far, Dist, Groups).

partition_within([], _, _, [], []).
partition_within([Keys-Unit|Units], A, Dist, Near, Far) :-
    Unit = unit(B, _),
    (   within(A, B, Dist) -> Near = [Unit|Near1], Far = Far1
    ;   Near = Near1, Far = [Keys-Unit|Far1]
    ),
    partition_within(Units, A, Dist, Near1, Far1).

within(A, B, Dist) :-
    place_class(A, B, numa(Actual)),
    Actual =< Dist.

joined_into_one([_-unit(_, Unit)], Levels, Unit, Levels) :- !.
joined_into_one(Units, Levels0, Unit, Levels) :-
    pairs_values(Units, Parts),
    joined_level([[]-Parts], Levels0, [_-unit(_, Unit)], Levels).

% joined_level(+Groups, +Levels0, -Units, -Levels): a level where no unit has two parts is left out.
joined_level(Groups, Levels0, Units, Levels) :-
    (   member(_-[_, _|_], Groups)
    ->  level_cost(Groups, Cost),
        cost_ns(Cost, Ns),
        (   Levels0 = [Inner|_], cost_ns(Inner, InnerNs), same_cost(Ns, InnerNs)
        ->  Levels = Levels0, merged(Groups, Units)
        ;   Levels = [Cost|Levels0], wrapped(Groups, Units)
        )
    ;   Levels = Levels0, unwrapped(Groups, Units)
    ).

cost_ns(cost(Send, Rest), Ns) :- Ns is Send + Rest.

unwrapped([], []).
unwrapped([Keys-[Unit]|Groups], [Keys-Unit|Units]) :-
    unwrapped(Groups, Units).

wrapped([], []).
wrapped([Keys-Parts|Groups], [Keys-unit(First, Inner)|Units]) :-
    Parts = [unit(First, _)|_],
    inner_units(Parts, Inner),
    wrapped(Groups, Units).

inner_units([], []).
inner_units([unit(_, Unit)|Parts], [Unit|Units]) :-
    inner_units(Parts, Units).

merged([], []).
merged([Keys-Parts|Groups], [Keys-unit(First, Inner)|Units]) :-
    Parts = [unit(First, _)|_],
    inner_units(Parts, Lists),
    append(Lists, Inner),
    merged(Groups, Units).

% The mean cost from the first member of each group's first unit to the first members of the others: a sample, because
% all pairs would take longer than the plan.
level_cost(Groups, cost(Send, Rest)) :-
    findall(S-R, sampled_cost(Groups, S, R), Costs),
    Costs = [S0-R0|More],
    Ns0 is S0 + R0,
    cost_sums(More, S0, R0, Ns0, Ns0, SendSum, RestSum, Least, Most),
    uniform_costs(Least, Most),
    length(Costs, Count),
    Send is SendSum // Count,
    Rest is RestSum // Count.

sampled_cost(Groups, Send, Rest) :-
    member(_-[unit(A, _)|Units], Groups),
    member(unit(B, _), Units),
    link_cost(A, B, Send, Rest).

cost_sums([], Send, Rest, Least, Most, Send, Rest, Least, Most).
cost_sums([S-R|Costs], Send0, Rest0, Least0, Most0, Send, Rest, Least, Most) :-
    Send1 is Send0 + S,
    Rest1 is Rest0 + R,
    Least1 is min(Least0, S + R),
    Most1 is max(Most0, S + R),
    cost_sums(Costs, Send1, Rest1, Least1, Most1, Send, Rest, Least, Most).

% -- plans ------------------------------------------------------------------------------------------------------------
% What a member has to reach is a number whose digits, innermost first, count the units of each level; the radix of a
% level is the size of its largest unit, its weight the product of the radices below.

% levels_sized(+Costs, +Unit, -Levels, -States): level(Weight, Radix, Send, Rest), from the innermost.
levels_sized(Costs, Unit, Levels, States) :-
    length(Costs, Depth),
    sizes(Depth, [Unit], Sizes0),
    reverse(Sizes0, Sizes),
    weighted(Costs, Sizes, 1, Levels, States).

sizes(0, _, []) :- !.
sizes(Depth, Units, [Size|Sizes]) :-
    largest(Units, 1, Size),
    append(Units, Inner),
    Depth1 is Depth - 1,
    sizes(Depth1, Inner, Sizes).

largest([], Size, Size).
largest([Unit|Units], Size0, Size) :-
    length(Unit, Length),
    Size1 is max(Size0, Length),
    largest(Units, Size1, Size).

weighted([], [], States, [], States).
weighted([cost(Send, Rest)|Costs], [Radix|Radices], Weight, [level(Weight, Radix, Send, Rest)|Levels], States) :-
    Weight1 is Weight * Radix,
    weighted(Costs, Radices, Weight1, Levels, States).

% best_plans(+Levels, +States, -Plans): argument 1 + I of Plans is plan(Level, Delegated), the first send of a member
% that has to reach I. To send into a unit of level l, give it D of the own units at l and above, and keep the others
% takes send_l + max(rest_l + time(D and that unit's own), time(kept)); the numbers of both are less than I.
best_plans(Levels, States, Plans) :-
    functor(Times, times, States),
    functor(Plans, plans, States),
    arg(1, Times, 0),
    best_plans(1, States, Levels, Times, Plans).

best_plans(I, States, _, _, _) :-
    I >= States,
    !.
best_plans(I, States, Levels, Times, Plans) :-
    best_level(Levels, 1, I, Times, inf, none, Ns, Plan),
    I1 is I + 1,
    arg(I1, Times, Ns),
    arg(I1, Plans, Plan),
    best_plans(I1, States, Levels, Times, Plans).

best_level([], _, _, _, Ns, Plan, Ns, Plan).
best_level([level(Weight, Radix, Send, Rest)|Outer], Level, I, Times, Ns0, Plan0, Ns, Plan) :-
    Digit is I // Weight mod Radix,
    (   Digit =:= 0
    ->  Ns1 = Ns0, Plan1 = Plan0
    ;   delegations(Outer, I, [0], Outers),
        best_outer(Outers, Level, Weight, Digit, Send, Rest, I, Times, Ns0, Plan0, Ns1, Plan1)
    ),
    Level1 is Level + 1,
    best_level(Outer, Level1, I, Times, Ns1, Plan1, Ns, Plan).

% delegations(+Levels, +I, +Ds0, -Ds): all ways to give away digits of these levels.
delegations([], _, Ds, Ds).
delegations([level(Weight, Radix, _, _)|Levels], I, Ds0, Ds) :-
    Digit is I // Weight mod Radix,
    (   Digit =:= 0 -> Ds1 = Ds0
    ;   findall(D, ( member(D0, Ds0), between(0, Digit, K), D is D0 + K * Weight ), Ds1)
    ),
    delegations(Levels, I, Ds1, Ds).

best_outer([], _, _, _, _, _, _, _, Ns, Plan, Ns, Plan).
best_outer([D|Ds], Level, Weight, Digit, Send, Rest, I, Times, Ns0, Plan0, Ns, Plan) :-
    % Arguments count from 1: the receiver's number is D + Weight - 1, the sender's I - Weight - D.
    Receiver is D + Weight,
    Sender is I - Weight - D + 1,
    best_digit(Digit, Weight, Receiver, Sender, Send, Rest, Times, Ns0, none, Ns1, At),
    (   At == none -> Plan1 = Plan0
    ;   Delegated is At - Weight,
        Plan1 = plan(Level, Delegated)
    ),
    best_outer(Ds, Level, Weight, Digit, Send, Rest, I, Times, Ns1, Plan1, Ns, Plan).

% Every number of units is tried: more of them can take less time, for those nearby help with those farther off.
best_digit(0, _, _, _, _, _, _, Ns, At, Ns, At) :- !.
best_digit(Left, Weight, Receiver, Sender, Send, Rest, Times, Ns0, At0, Ns, At) :-
    arg(Receiver, Times, ReceiverNs),
    arg(Sender, Times, SenderNs),
    Left1 is Left - 1,
    Receiver1 is Receiver + Weight,
    Sender1 is Sender - Weight,
    Ns1 is Send + max(Rest + ReceiverNs, SenderNs),
    (   Ns1 < Ns0
    ->  best_digit(Left1, Weight, Receiver1, Sender1, Send, Rest, Times, Ns1, Receiver, Ns, At)
    ;   best_digit(Left1, Weight, Receiver1, Sender1, Send, Rest, Times, Ns0, At0, Ns, At)
    ).

% -- from plans to members --------------------------------------------------------------------------------------------

% entered(+Depth, +Unit, +PU, -Stock): what is left of a unit for PU, who is in it, to reach: a list of units for each
% level from the innermost.
entered(Depth, Unit, PU, Stock) :-
    entered(Depth, Unit, PU, Stock, []).

entered(0, _, _, Stock, Stock) :- !.
entered(Depth, Unit, PU, Stock, Outer) :-
    Depth1 is Depth - 1,
    select(Part, Unit, Others),
    has_member(Depth1, Part, PU),
    !,
    entered(Depth1, Part, PU, Stock, [Others|Outer]).

has_member(0, Unit, PU) :- !, Unit == PU.
has_member(Depth, Unit, PU) :-
    Depth1 is Depth - 1,
    member(Part, Unit),
    has_member(Depth1, Part, PU),
    !.

unit_members(1, PUs, PUs) :- !.
unit_members(Depth, Units, PUs) :-
    Depth1 is Depth - 1,
    append(Units, Parts),
    unit_members(Depth1, Parts, PUs).

% planned(+PU, +Stock, +Levels, +Plans, -Children): carries out the plan for what is in stock. Units that are smaller
% than the largest of their level are only less to do: their members' plans are looked up anew.
planned(PU, Stock, Levels, Plans, Children) :-
    stock_number(Stock, Levels, 1, I),
    (   I =:= 1 -> Children = []
    ;   arg(I, Plans, plan(Level, Delegated)),
        Inner is Level - 1,
        length(Below, Inner),
        append(Below, [[Unit|Units]|Above], Stock),
        append(Skipped, DelegatedLevels, Levels),
        length(Skipped, Inner),
        !,
        given_away([Units|Above], DelegatedLevels, Delegated, Given, Kept),
        unit_leader(Inner, PU, Unit, Leader, Own),
        append(Own, Given, LeaderStock),
        append(Below, Kept, OwnStock),
        Children = [t(Leader, LeaderChildren)|Children1],
        planned(Leader, LeaderStock, Levels, Plans, LeaderChildren),
        planned(PU, OwnStock, Levels, Plans, Children1)
    ).

unit_leader(0, _, Leader, Leader, []) :- !.
unit_leader(Depth, PU, Unit, Leader, Own) :-
    unit_members(Depth, Unit, PUs),
    leader(PU, PUs, Leader),
    entered(Depth, Unit, Leader, Own).

stock_number([], _, I, I).
stock_number([Units|Stock], [level(Weight, _, _, _)|Levels], I0, I) :-
    length(Units, Count),
    I1 is I0 + Count * Weight,
    stock_number(Stock, Levels, I1, I).

given_away([], _, _, [], []).
given_away([Units|Stock], [level(Weight, Radix, _, _)|Levels], Delegated, [Given|Givens], [Kept|Kepts]) :-
    Count is Delegated // Weight mod Radix,
    length(Given, Count),
    append(Given, Kept, Units),
    !,
    given_away(Stock, Levels, Delegated, Givens, Kepts).
