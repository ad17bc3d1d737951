% SPDX-License-Identifier: BSD-3-Clause
% Whether the facts fit together. What stands here needs several facts to be seen; the range of single arguments is
% checked where facts come in.

% skb_check(-Findings): finding(Severity, Code, Text), errors before warnings. Of one code so many are listed, and the
% number of the others:
listed_findings_max(20).

skb_check(Findings) :-
    findall(Code-found(Severity, Text), finding(Severity, Code, Text), Found0),
    sort(Found0, Found),
    group_pairs_by_key(Found, Groups),
    shortened(Groups, Findings0),
    sort(1, @=<, Findings0, Findings).

shortened([], []).
shortened([Code-Found|Groups], Findings) :-
    listed_findings_max(Max),
    length(Found, Count),
    (   Count > Max
    ->  length(Listed, Max),
        append(Listed, _, Found),
        Found = [found(Severity, _)|_],
        Others is Count - Max,
        format(atom(Text), "and ~d more like these", [Others]),
        More = [finding(Severity, Code, Text)|Findings1]
    ;   Listed = Found, More = Findings1
    ),
    !,
    as_findings(Listed, Code, Findings, More),
    shortened(Groups, Findings1).

as_findings([], _, Findings, Findings).
as_findings([found(Severity, Text)|Found], Code, [finding(Severity, Code, Text)|Findings], More) :-
    as_findings(Found, Code, Findings, More).

finding(error, no_place, Text) :-
    pu(PU, _, _),
    \+ known_pu(PU),
    format(atom(Text), "pu ~w has no pu_place", [PU]).
finding(error, no_pu, Text) :-
    pu_place(PU, _, _, _, _, _),
    \+ pu(PU, _, _),
    format(atom(Text), "pu_place of ~w, which is no pu", [PU]).
finding(error, two_places, Text) :-
    findall(PU, pu_place(PU, _, _, _, _, _), PUs0),
    msort(PUs0, PUs),
    append(_, [PU, PU|_], PUs),
    format(atom(Text), "pu ~w has more than one pu_place", [PU]).
finding(error, core_differs, Text) :-
    pu(PU, _, C),
    pu_place(PU, Other, _, _, _, _),
    Other =\= C,
    format(atom(Text), "pu ~w is of core ~w, but placed in core ~w", [PU, C, Other]).
finding(error, bad_cost, Text) :-
    link(A, B, Send, Transit, Recv),
    bad_cost(Send, Transit, Recv),
    format(atom(Text), "link ~w to ~w costs ~w, ~w and ~w ns", [A, B, Send, Transit, Recv]).
finding(error, bad_cost, Text) :-
    class_cost(Class, Send, Transit, Recv),
    bad_cost(Send, Transit, Recv),
    format(atom(Text), "class ~w costs ~w, ~w and ~w ns", [Class, Send, Transit, Recv]).
finding(error, unknown_pu, Text) :-
    names_pu(Fact, PU),
    \+ known_pu(PU),
    format(atom(Text), "~w names pu ~w, which has no place", [Fact, PU]).
finding(error, link_to_self, Text) :-
    link(PU, PU, _, _, _),
    format(atom(Text), "link from ~w to itself", [PU]).
finding(error, two_links, Text) :-
    findall(A-B, link(A, B, _, _, _), Links0),
    msort(Links0, Links),
    adjacent(Links, A-B),
    format(atom(Text), "more than one link from ~w to ~w", [A, B]).
finding(error, numa_not_square, Text) :-
    once(numa_distance(_, _, _)),
    numa_nodes(Nodes),
    member(From, Nodes),
    member(To, Nodes),
    \+ numa_distance(From, To, _),
    format(atom(Text), "numa_distance ~w to ~w is missing", [From, To]).
finding(error, bad_setting, Text) :-
    setting(domain_level, Level),
    \+ memberchk(Level, [auto, package, numa, l3, l2]),
    format(atom(Text), "setting domain_level is ~w, not auto, package, numa, l3 or l2", [Level]).
finding(error, bad_setting, Text) :-
    setting(dispatch_ns, Ns),
    \+ ( integer(Ns), Ns >= 0 ),
    format(atom(Text), "setting dispatch_ns is ~w, not a number of ns", [Ns]).
finding(warning, links_missing, Text) :-
    once(link(_, _, _, _, _)),
    aggregate_all(count, pu_place(_, _, _, _, _, _), Count),
    Wanted is Count * (Count - 1),
    aggregate_all(count, ( link(A, B, _, _, _), A \== B, known_pu(A), known_pu(B) ), Measured),
    Missing is Wanted - Measured,
    Missing > 0,
    format(atom(Text), "~d of ~d links are not measured", [Missing, Wanted]).
finding(warning, asymmetric, Text) :-
    link(A, B, _, _, _),
    A @< B,
    link_ns(A, B, There),
    link_ns(B, A, Back),
    max(There, Back) > 3 * min(There, Back),
    format(atom(Text), "link ~w to ~w takes ~w ns, back ~w ns", [A, B, There, Back]).
finding(warning, triangle, Text) :-
    relays(Relays),
    link(A, C, _, _, _),
    get_assoc(C, Relays, B),
    A \== B,
    A \== C,
    link_ns(A, C, Direct),
    link_ns(A, B, First),
    link_ns(B, C, Second),
    4 * Direct > 5 * (First + Second),
    format(atom(Text), "link ~w to ~w takes ~w ns, over ~w only ~w + ~w ns", [A, C, Direct, B, First, Second]).
finding(warning, class_cost_missing, Text) :-
    classes_without_links(Classes),
    member(Class-(A-B), Classes),
    \+ class_cost(Class, _, _, _),
    format(atom(Text), "no class_cost of ~w, as from ~w to ~w", [Class, A, B]).

bad_cost(Send, Transit, Recv) :-
    (   Send =< 0
    ;   Recv =< 0
    ;   Transit < -1
    ),
    !.

adjacent([A, B|Rest], Found) :-
    (   A == B, Found = A
    ;   adjacent([B|Rest], Found)
    ).

names_pu(link, PU) :- link(PU, _, _, _, _).
names_pu(link, PU) :- link(_, PU, _, _, _).
names_pu(down, PU) :- down(PU).
names_pu(running, PU) :- running(PU, _).
names_pu(group(G), PU) :- group(G, PU).
names_pu(pci_near(Id), PU) :- pci_near(Id, PU).
names_pu(cache_pu(Id), PU) :- cache_pu(Id, PU).

numa_nodes(Nodes) :-
    findall(N, ( numa_distance(N, _, _) ; numa_distance(_, N, _) ), Nodes0),
    sort(Nodes0, Nodes).

link_ns(A, B, Ns) :-
    link(A, B, Send, Transit, Recv),
    !,
    Ns is Send + max(Transit, 0) + Recv.

% relays(-Relays): for each PU the one that reaches it first. All ways over a third PU would be too many; a link that
% was measured wrong shows on the way over its receiver's nearest neighbour too.
relays(Relays) :-
    findall(C-(Ns-B), ( link(B, C, Send, Transit, Recv), B \== C, Ns is Send + max(Transit, 0) + Recv ), Found0),
    sort(Found0, Found),
    group_pairs_by_key(Found, Groups),
    nearest_relays(Groups, Pairs),
    ord_list_to_assoc(Pairs, Relays).

nearest_relays([], []).
nearest_relays([C-[_-B|_]|Groups], [C-B|Pairs]) :-
    nearest_relays(Groups, Pairs).

% classes_without_links(-Classes): Class-(A-B) for each class that occurs between PUs with no link, with one example.
classes_without_links(Classes) :-
    findall(PU, pu_place(PU, _, _, _, _, _), PUs0),
    sort(PUs0, PUs),
    findall(Class-(A-B),
            ( some_pair(PUs, A, B),
              \+ link(A, B, _, _, _),
              place_class(A, B, Class)
            ),
            Found0),
    sort(1, @<, Found0, Classes).

% All pairs of a small machine. Of a large one those between neighbours in it and those between the first PUs of its
% packages, which have all classes unless packages differ inside.
all_pairs_max(128).

some_pair(PUs, A, B) :-
    length(PUs, Count),
    all_pairs_max(Max),
    (   Count =< Max -> As = PUs, Bs = PUs
    ;   domains(package, PUs, Packages),
        first_members(Packages, Firsts),
        As = Firsts, Bs = Firsts
    ),
    member(A, As),
    member(B, Bs),
    A \== B.
some_pair(PUs, A, B) :-
    paths(PUs, Paths0),
    keysort(Paths0, Paths),
    adjacent_pus(Paths, A, B).
some_pair(PUs, A, B) :-
    domains(package, PUs, Packages),
    member(_-[A|Others], Packages),
    member(B, Others).

adjacent_pus([_-A, Next|Paths], First, Second) :-
    (   Next = _-B, First = A, Second = B
    ;   adjacent_pus([Next|Paths], First, Second)
    ).

first_members([], []).
first_members([_-[PU|_]|Domains], [PU|PUs]) :-
    first_members(Domains, PUs).
