% SPDX-License-Identifier: BSD-3-Clause
% The portfolio of multicast trees. tree/4 builds one of them; which is best on a machine, choice.pl finds out.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

% tree(+Policy, +Root, +Members, -Tree): Root at the top and every member once, whether or not Members has Root.
%   flat       Root sends to all.
%   two_level  Barrelfish's: one leader in each other domain, served first; Root and the leaders send to their domains.
%   greedy     whoever can reach somebody next does: first one leader in each domain, then the rest of each domain.
%   optimal    the best of the trees with one message into each unit of the machine (optimal.pl). Fails if costs are not
%              uniform, or with more than 128 members.
%   refined    the best of the above, improved by moving members (refine.pl). Fails with more than 64 members.
% Send order is as built; tail_order/2 improves it. Throws unknown_pu(PU).
tree(Policy, Root, Members, Tree) :-
    maplist(must_be_known, [Root|Members]),
    receivers(Root, Members, Receivers),
    domain_level(Level),
    build(Policy, Level, Root, Receivers, Tree).

% receivers(+Root, +Members, -Receivers): sorted and without Root.
receivers(Root, Members, Receivers) :-
    sort(Members, Sorted),
    ord_del_element(Sorted, Root, Receivers).

% build(?Policy, +Level, +Root, +Receivers, -Tree): Level says what a domain is.
build(flat, _, Root, Receivers, t(Root, Leaves)) :-
    leaves(Receivers, Leaves).
build(two_level, Level, Root, Receivers, t(Root, Children)) :-
    own_and_other_domains(Level, Root, Receivers, Own, Others),
    led(Others, Root, Leaders),
    leaves(Own, Leaves),
    append(Leaders, Leaves, Children).
build(greedy, Level, Root, Receivers, Tree) :-
    own_and_other_domains(Level, Root, Receivers, Own0, Others),
    ord_add_element(Own0, Root, Own),
    cover(Others, [reached(0, Root)], Reached, Sends, LocalSends),
    cover_domains([Own|Others], Reached, LocalSends),
    sends_tree(Root, Sends, Tree).
build(optimal, _, Root, Receivers, Tree) :-
    optimal_tree(Root, Receivers, Tree).
build(refined, Level, Root, Receivers, Tree) :-
    refinable(Receivers),
    findall(Ns-T, ( simple_policy(Policy), built(Policy, Level, Root, Receivers, T, Ns) ), Built),
    keysort(Built, [_-Start|_]),
    refined_tree(Start, Tree, _).

simple_policy(flat).
simple_policy(two_level).
simple_policy(greedy).
simple_policy(optimal).

% built(+Policy, +Level, +Root, +Receivers, -Tree, -Ns): in its best send order.
built(Policy, Level, Root, Receivers, Tree, Ns) :-
    build(Policy, Level, Root, Receivers, Tree0),
    !,
    tail_order(Tree0, Tree, Ns).

own_and_other_domains(Level, Root, Receivers, Own, Others) :-
    domain_key(Level, Root, RootKey),
    domains(Level, Receivers, Domains),
    split_own(Domains, RootKey, Own, Others).

split_own([], _, [], []).
split_own([Key-PUs|Domains], RootKey, Own, Others) :-
    (   Key == RootKey -> Own = PUs, pairs_values(Domains, Others)
    ;   Others = [PUs|Others1],
        split_own(Domains, RootKey, Own, Others1)
    ).

leaves([], []).
leaves([PU|PUs], [t(PU, [])|Leaves]) :-
    leaves(PUs, Leaves).

led([], _, []).
led([PUs|Domains], Root, [t(Leader, Leaves)|Trees]) :-
    leader(Root, PUs, Leader),
    ord_del_element(PUs, Leader, Others),
    leaves(Others, Leaves),
    led(Domains, Root, Trees).

% -- greedy -----------------------------------------------------------------------------------------------------------
% A sender is sender(PU, Ready, Choices), where Choices are Ns-choice(Send, Leader, Unit) by rising Ns. Senders wait in
% a list sorted by the time at which their first choice would be reached. A unit is unit(Flag, PUs); Flag is bound when
% the unit is reached, which every sender's list of choices sees.

% Beyond so many units every sender would look at too many choices; neighbours are then joined and covered together.
unit_limit(96).

% cover(+Units, +Reached0, -Reached, -Sends, +MoreSends): one message into each list of PUs. Reached are
% reached(Ready, PU); Sends are From-To in send order, as a difference list.
cover(Units, Reached0, Reached, Sends, MoreSends) :-
    length(Units, Count),
    unit_limit(Limit),
    (   Count > Limit
    ->  Width is ceiling(sqrt(Count)),
        joined(Units, Width, Parts),
        maplist(append, Parts, Joined),
        cover_few(Joined, Reached0, Reached1, Sends, Sends1),
        cover_parts(Parts, Reached1, Reached, Sends1, MoreSends)
    ;   cover_few(Units, Reached0, Reached, Sends, MoreSends)
    ).

joined([], _, []) :- !.
joined(Units, Width, [Part|Parts]) :-
    length(Part, Width),
    append(Part, Units1, Units),
    !,
    joined(Units1, Width, Parts).
joined(Units, _, [Units]).

cover_parts([], Reached, Reached, Sends, Sends).
cover_parts([Part|Parts], Reached0, Reached, Sends, MoreSends) :-
    append(Part, PUs),
    sort(PUs, Members),
    split_reached(Reached0, Members, Inside, Outside),
    reached_pus(Inside, InsidePUs),
    without_units_of(Part, InsidePUs, Units),
    cover(Units, Inside, Reached1, Sends, Sends1),
    append(Reached1, Outside, Reached2),
    cover_parts(Parts, Reached2, Reached, Sends1, MoreSends).

% cover_domains(+Domains, +Reached, -Sends): all members of each domain, from those in it that are reached.
cover_domains([], _, []).
cover_domains([PUs|Domains], Reached, Sends) :-
    split_reached(Reached, PUs, Inside, Outside),
    reached_pus(Inside, InsidePUs),
    ord_subtract(PUs, InsidePUs, Others),
    singletons(Others, Units),
    cover(Units, Inside, _, Sends, MoreSends),
    cover_domains(Domains, Outside, MoreSends).

singletons([], []).
singletons([PU|PUs], [[PU]|Units]) :-
    singletons(PUs, Units).

reached_pus(Reached, PUs) :-
    reached_members(Reached, PUs0),
    sort(PUs0, PUs).

reached_members([], []).
reached_members([reached(_, PU)|Reached], [PU|PUs]) :-
    reached_members(Reached, PUs).

split_reached([], _, [], []).
split_reached([R|Reached], Members, Inside, Outside) :-
    R = reached(_, PU),
    (   ord_memberchk(PU, Members)
    ->  Inside = [R|Inside1], Outside = Outside1
    ;   Inside = Inside1, Outside = [R|Outside1]
    ),
    split_reached(Reached, Members, Inside1, Outside1).

without_units_of([], _, []).
without_units_of([Unit|Units], PUs, Left) :-
    (   member(PU, Unit),
        ord_memberchk(PU, PUs)
    ->  Left = Left1
    ;   Left = [Unit|Left1]
    ),
    without_units_of(Units, PUs, Left1).

cover_few(Units, Reached0, Reached, Sends, MoreSends) :-
    length(Units, Count),
    flagged(Units, Flagged),
    waiting(Reached0, Flagged, [], Queue),
    cover_next(Count, Queue, Flagged, Reached, Sends, MoreSends).

flagged([], []).
flagged([PUs|Units], [unit(_, PUs)|Flagged]) :-
    flagged(Units, Flagged).

waiting([], _, Queue, Queue).
waiting([reached(Ready, PU)|Reached], Units, Queue0, Queue) :-
    choices(Units, PU, Choices0),
    keysort(Choices0, Choices),
    enqueue(Choices, Ready, PU, Queue0, Queue1),
    waiting(Reached, Units, Queue1, Queue).

choices([], _, []).
choices([Unit|Units], PU, Choices) :-
    Unit = unit(Flag, PUs),
    (   nonvar(Flag) -> Choices = Choices1
    ;   nearest(PU, PUs, Leader, Send, Ns),
        Choices = [Ns-choice(Send, Leader, Unit)|Choices1]
    ),
    choices(Units, PU, Choices1).

% Choices whose unit is reached fall away. A sender is left without choices only when all units are reached.
enqueue([], Ready, PU, Queue, [Ready-sender(PU, Ready, [])|Queue]).
enqueue([Choice|Choices], Ready, PU, Queue0, Queue) :-
    Choice = Ns-choice(_, _, unit(Flag, _)),
    (   nonvar(Flag) -> enqueue(Choices, Ready, PU, Queue0, Queue)
    ;   Arrival is Ready + Ns,
        insert_by_time(Queue0, Arrival, sender(PU, Ready, [Choice|Choices]), Queue)
    ).

insert_by_time([], Time, Sender, [Time-Sender]).
insert_by_time([Head|Queue0], Time, Sender, Queue) :-
    Head = Time0-_,
    (   Time < Time0 -> Queue = [Time-Sender, Head|Queue0]
    ;   Queue = [Head|Queue1],
        insert_by_time(Queue0, Time, Sender, Queue1)
    ).

cover_next(0, Queue, _, Reached, Sends, Sends) :-
    !,
    senders_reached(Queue, Reached).
cover_next(Count0, [Arrival-sender(PU, Ready0, [Choice|Choices])|Queue0], Units, Reached, Sends, MoreSends) :-
    Choice = _-choice(Send, Leader, unit(Flag, _)),
    (   nonvar(Flag)
    ->  Count = Count0, Sends = Sends1,
        enqueue(Choices, Ready0, PU, Queue0, Queue)
    ;   Flag = reached, Count is Count0 - 1, Sends = [PU-Leader|Sends1],
        Ready is Ready0 + Send,
        enqueue(Choices, Ready, PU, Queue0, Queue1),
        waiting([reached(Arrival, Leader)], Units, Queue1, Queue)
    ),
    cover_next(Count, Queue, Units, Reached, Sends1, MoreSends).

senders_reached([], []).
senders_reached([_-sender(PU, Ready, _)|Queue], [reached(Ready, PU)|Reached]) :-
    senders_reached(Queue, Reached).

% sends_tree(+Root, +Sends, -Tree): From-To pairs, in send order for each From, as a tree.
sends_tree(Root, Sends, Tree) :-
    keysort(Sends, Sorted),
    group_pairs_by_key(Sorted, Grouped),
    list_to_assoc(Grouped, Children),
    grown(Root, Children, Tree).

grown(PU, Children, t(PU, Trees)) :-
    (   get_assoc(PU, Children, PUs) -> all_grown(PUs, Children, Trees)
    ;   Trees = []
    ).

all_grown([], _, []).
all_grown([PU|PUs], Children, [Tree|Trees]) :-
    grown(PU, Children, Tree),
    all_grown(PUs, Children, Trees).
