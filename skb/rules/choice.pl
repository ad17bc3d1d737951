% SPDX-License-Identifier: BSD-3-Clause
% Which tree to use: all of the portfolio are built, put into their best order and timed by the cost model.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

% multicast_tree(+Root, +GroupOrList, +Policy, -Tree, -Ns): Policy is one of tree/4's, or best; the tree is in its best
% send order. Members that are down are left out, and duplicates dropped. Throws unknown_pu(PU), root_down(Root),
% empty_group(Group) and domain_error(tree_policy, Policy); fails if the policy builds no tree here (see tree/4).
multicast_tree(Root, Group, Policy, Tree, Ns) :-
    living_receivers(Root, Group, Receivers),
    (   Policy == best
    ->  best_choice(Root, Receivers, choice(_, Tree, Ns, _, _, _))
    ;   memberchk(Policy, [flat, two_level, greedy, optimal, refined])
    ->  domain_level(Level),
        built(Policy, Level, Root, Receivers, Tree, Ns)
    ;   throw(error(domain_error(tree_policy, Policy), _))
    ).

% tree_choice(+Root, +GroupOrList, -Choice): choice(Policy, Tree, Ns, Cross, Estimated, Others). Cross counts the
% messages that leave a domain; Estimated is true if a link of the tree was not measured; Others are
% other(Policy, Ns, Cross).
tree_choice(Root, Group, Choice) :-
    living_receivers(Root, Group, Receivers),
    best_choice(Root, Receivers, Choice).

% living_receivers(+Root, +GroupOrList, -Receivers): sorted, known, not down, and without Root.
living_receivers(Root, Group, Receivers) :-
    must_be_known(Root),
    (   down(Root) -> throw(error(root_down(Root), _))
    ;   true
    ),
    (   is_list(Group) -> Members = Group
    ;   findall(PU, group(Group, PU), Members)
    ),
    (   Members == [] -> throw(error(empty_group(Group), _))
    ;   true
    ),
    receivers(Root, Members, Receivers0),
    living(Receivers0, Receivers).

living([], []).
living([PU|PUs], Living) :-
    must_be_known(PU),
    (   down(PU) -> Living = Living1
    ;   Living = [PU|Living1]
    ),
    living(PUs, Living1).

best_choice(Root, [], choice(flat, t(Root, []), 0, 0, false, [])) :- !.
best_choice(Root, Receivers, choice(Policy, Tree, Ns, Cross, Estimated, Others)) :-
    portfolio(Root, Receivers, Candidates),
    chosen(Candidates, candidate(Policy, Tree, Ns, Cross)),
    (   estimated(Tree) -> Estimated = true
    ;   Estimated = false
    ),
    losers(Candidates, Policy, Others).

portfolio(Root, Receivers, Candidates) :-
    levels_to_try(Root, Receivers, Levels),
    candidates([flat, two_level, greedy, optimal], Levels, Root, Receivers, Candidates0),
    (   refinable(Receivers)
    ->  fastest(Candidates0, candidate(_, Start, _, _)),
        refined_tree(Start, Tree, Ns),
        cross_messages(Tree, Cross),
        append(Candidates0, [candidate(refined, Tree, Ns, Cross)], Candidates)
    ;   Candidates = Candidates0
    ).

% Whether a package with several shared caches is one domain or several is not known beforehand, so both are tried.
% Above this size that takes too long, and caches alone are.
both_levels_max(64).

levels_to_try(Root, Receivers, Levels) :-
    domain_level(Level),
    (   Level == auto,
        both_levels_max(Max),
        length(Receivers, Count),
        Count < Max,
        domains(auto, [Root|Receivers], Caches),
        domains(package, [Root|Receivers], Packages),
        \+ same_length(Caches, Packages)
    ->  Levels = [auto, package]
    ;   Levels = [Level]
    ).

candidates([], _, _, _, []).
candidates([Policy|Policies], Levels, Root, Receivers, Candidates) :-
    (   candidate(Policy, Levels, Root, Receivers, Candidate) -> Candidates = [Candidate|Candidates1]
    ;   Candidates = Candidates1
    ),
    candidates(Policies, Levels, Root, Receivers, Candidates1).

candidate(Policy, Levels, Root, Receivers, Candidate) :-
    policy_levels(Policy, Levels, Tried),
    findall(candidate(Policy, Tree, Ns, Cross),
            ( member(Level, Tried),
              built(Policy, Level, Root, Receivers, Tree, Ns),
              cross_messages(Tree, Cross)
            ),
            Candidates),
    chosen(Candidates, Candidate).

policy_levels(flat, [Level|_], [Level]) :- !.
policy_levels(optimal, [Level|_], [Level]) :- !.
policy_levels(_, Levels, Levels).

fastest([Candidate|Candidates], Fastest) :-
    foldl(faster, Candidates, Candidate, Fastest).

faster(A, B, C) :-
    A = candidate(_, _, NsA, _),
    B = candidate(_, _, NsB, _),
    (   NsA < NsB -> C = A
    ;   C = B
    ).

% Of those within 5 percent of the fastest the one with fewest messages between domains: what they do to each other on
% the way is not in the cost model.
chosen(Candidates, Chosen) :-
    fastest(Candidates, candidate(_, _, Least, _)),
    ranked(Candidates, Least, Ranked),
    keysort(Ranked, [_-Chosen|_]).

ranked([], _, []).
ranked([Candidate|Candidates], Least, Ranked) :-
    Candidate = candidate(_, _, Ns, Cross),
    (   100 * Ns =< 105 * Least -> Ranked = [rank(Cross, Ns)-Candidate|Ranked1]
    ;   Ranked = Ranked1
    ),
    ranked(Candidates, Least, Ranked1).

estimated(Tree) :-
    tree_links(Tree, Links),
    member(A-B, Links),
    \+ link(A, B, _, _, _),
    !.

losers([], _, []).
losers([candidate(Policy, _, Ns, Cross)|Candidates], Chosen, Others) :-
    (   Policy == Chosen -> Others = Others1
    ;   Others = [other(Policy, Ns, Cross)|Others1]
    ),
    losers(Candidates, Chosen, Others1).

% -- the choice in words ----------------------------------------------------------------------------------------------

% why(+Root, +GroupOrList, -Atom)
why(Root, Group, Why) :-
    tree_choice(Root, Group, choice(Policy, Tree, Ns, Cross, _, Others)),
    tree_links(Tree, Links),
    (   Links == []
    ->  Why = 'nothing to send: no other member is up'
    ;   compared(Policy, Ns, Others, Compared),
        crossing(Root, Cross, Crossing),
        provenance(Links, Provenance),
        format(atom(Why), "~w: ~D ns~w; ~w; ~w", [Policy, Ns, Compared, Crossing, Provenance])
    ).

% With two_level, which everybody knows; where that was chosen, with the best of the others.
compared(_, _, [], '') :- !.
compared(_, Ns, Others, Compared) :-
    (   memberchk(other(two_level, OtherNs, _), Others) -> Other = two_level
    ;   findall(N-P, member(other(P, N, _), Others), Pairs),
        keysort(Pairs, [OtherNs-Other|_])
    ),
    Percent is round(100 * abs(OtherNs - Ns) / OtherNs),
    (   Percent =:= 0 -> format(atom(Compared), ", as fast as ~w (~D ns)", [Other, OtherNs])
    ;   Ns < OtherNs -> format(atom(Compared), ", ~d % faster than ~w (~D ns)", [Percent, Other, OtherNs])
    ;   format(atom(Compared), ", ~d % slower than ~w (~D ns), which sends more far messages",
               [Percent, Other, OtherNs])
    ).

crossing(Root, Cross, Crossing) :-
    domain_of(Root, Domain),
    domain_word(Domain, Word),
    (   Cross =:= 0 -> format(atom(Crossing), "no message leaves the ~w", [Word])
    ;   Cross =:= 1 -> format(atom(Crossing), "1 message leaves its ~w", [Word])
    ;   format(atom(Crossing), "~d messages leave their ~w", [Cross, Word])
    ).

domain_word(package(_), package).
domain_word(numa(_), 'NUMA node').
domain_word(l3(_), 'shared cache').
domain_word(l2(_), 'shared cache').
domain_word(machine, machine).

provenance(Links, Provenance) :-
    measured_count(Links, 0, Measured),
    length(Links, Count),
    (   Measured =:= Count -> Provenance = 'costs were measured for all links'
    ;   Measured =:= 0 -> Provenance = 'costs were estimated from classes for all links'
    ;   Estimated is Count - Measured,
        format(atom(Provenance), "costs were estimated from classes for ~d of ~d links", [Estimated, Count])
    ).

measured_count([], N, N).
measured_count([A-B|Links], N0, N) :-
    (   link(A, B, _, _, _) -> N1 is N0 + 1
    ;   N1 = N0
    ),
    measured_count(Links, N1, N).
