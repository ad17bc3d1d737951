% SPDX-License-Identifier: BSD-3-Clause
% Given trees: their best send order, and what the cost model says of them. A tree is t(PU, Children), its children in
% the order in which they are sent to.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

% tail_order(+T0, -T): every sender serves first the child whose subtree will take longest. This is Jackson's rule for
% one machine with delivery times, so bottom-up it gives the order of least completion time for this tree.
tail_order(T0, T) :-
    tail_order(T0, T, _).

% tail_order(+T0, -T, -Ns): also the completion time of T.
tail_order(t(PU, Children0), t(PU, Children), Ns) :-
    tails(Children0, PU, Tails),
    sort(1, @>=, Tails, Sorted),
    sends(Sorted, 0, 0, Ns, Children).

tails([], _, []).
tails([Child0|Children], PU, [tail(Tail, Send, Child)|Tails]) :-
    tail_order(Child0, Child, Ns),
    Child = t(C, _),
    link_cost(PU, C, Send, Rest),
    Tail is Rest + Ns,
    tails(Children, PU, Tails).

sends([], _, Ns, Ns, []).
sends([tail(Tail, Send, Child)|Tails], Sent0, Ns0, Ns, [Child|Children]) :-
    Sent is Sent0 + Send,
    Ns1 is max(Ns0, Sent + Tail),
    sends(Tails, Sent, Ns1, Ns, Children).

% completion(+T, -Ns): from the root's first send until the last member can use the message.
completion(t(PU, Children), Ns) :-
    completion(Children, PU, 0, 0, Ns).

completion([], _, _, Ns, Ns).
completion([Child|Children], PU, Sent0, Ns0, Ns) :-
    Child = t(C, _),
    link_cost(PU, C, Send, Rest),
    Sent is Sent0 + Send,
    completion(Child, Below),
    Ns1 is max(Ns0, Sent + Rest + Below),
    completion(Children, PU, Sent, Ns1, Ns).

% reach_times(+T, -Times): PU-Ns for every member, when it can use the message, sorted by PU; the root is at 0.
reach_times(T, Times) :-
    reach_times(T, 0, Reached, []),
    keysort(Reached, Times).

reach_times(t(PU, Children), Ns, [PU-Ns|Times], Rest) :-
    child_times(Children, PU, Ns, Times, Rest).

child_times([], _, _, Times, Times).
child_times([Child|Children], PU, Sent0, Times, Rest) :-
    Child = t(C, _),
    link_cost(PU, C, Send, After),
    Sent is Sent0 + Send,
    Reached is Sent + After,
    reach_times(Child, Reached, Times, Times1),
    child_times(Children, PU, Sent, Times1, Rest).

% round_trip(+T, -Ns): down to every member and the acknowledgements back up the same tree. A member acknowledges when
% its own sends are done and all its children have acknowledged, which it takes in one after the other.
round_trip(T, Ns) :-
    dispatch_ns(Dispatch),
    acknowledged(T, 0, Dispatch, Ns).

acknowledged(t(PU, Children), Reached, Dispatch, Ns) :-
    acknowledgements(Children, PU, Reached, Dispatch, Sent, Arrivals),
    keysort(Arrivals, Sorted),
    taken_in(Sorted, Sent, Ns).

acknowledgements([], _, Sent, _, Sent, []).
acknowledgements([Child|Children], PU, Sent0, Dispatch, Sent, [Arrival-Busy|Arrivals]) :-
    Child = t(C, _),
    link_cost(PU, C, Send, Rest),
    Sent1 is Sent0 + Send,
    Reached is Sent1 + Rest,
    acknowledged(Child, Reached, Dispatch, Done),
    link_parts(C, PU, SendUp, Transit, Recv),
    Arrival is Done + SendUp + Transit,
    Busy is Recv + Dispatch,
    acknowledgements(Children, PU, Sent1, Dispatch, Sent, Arrivals).

taken_in([], Ns, Ns).
taken_in([Arrival-Busy|Arrivals], Ns0, Ns) :-
    Ns1 is max(Ns0, Arrival) + Busy,
    taken_in(Arrivals, Ns1, Ns).

% cross_messages(+T, -N): how many of the tree's messages leave a domain.
cross_messages(t(PU, Children), N) :-
    domain_level(Level),
    domain_key(Level, PU, Key),
    cross_messages(Children, Key, Level, 0, N).

cross_messages([], _, _, N, N).
cross_messages([t(PU, Below)|Children], Key, Level, N0, N) :-
    domain_key(Level, PU, ChildKey),
    (   ChildKey == Key -> N1 = N0
    ;   N1 is N0 + 1
    ),
    cross_messages(Below, ChildKey, Level, N1, N2),
    cross_messages(Children, Key, Level, N2, N).

% valid_tree(+Root, +Members, +T): T starts at Root and holds every member exactly once, and nobody else.
valid_tree(Root, Members, T) :-
    ground(T),
    T = t(Root, _),
    tree_pus(T, PUs, []),
    !,
    sort([Root|Members], Wanted),
    msort(PUs, Wanted).

tree_pus(T, [PU|PUs], Rest) :-
    T = t(PU, Children),
    children_pus(Children, PUs, Rest).

children_pus([], PUs, PUs).
children_pus([Child|Children], PUs, Rest) :-
    tree_pus(Child, PUs, PUs1),
    children_pus(Children, PUs1, Rest).

% tree_links(+T, -Links): From-To of every message.
tree_links(T, Links) :-
    tree_links(T, Links, []).

tree_links(t(PU, Children), Links, Rest) :-
    child_links(Children, PU, Links, Rest).

child_links([], _, Links, Links).
child_links([Child|Children], PU, [PU-C|Links], Rest) :-
    Child = t(C, _),
    tree_links(Child, Links, Links1),
    child_links(Children, PU, Links1, Rest).
