% SPDX-License-Identifier: BSD-3-Clause
% Smelt's improvement of a given tree (Kaestle et al., OSDI'16): take the member that is reached last, hang it where it
% would be reached first, order sends again, and go on while that does not make the tree slower.
%
% A node is node(PU, Ns, Links): the completion time of its subtree, and link(Tail, Send, Child) by falling tail, where
% Tail is the time from the end of the send to the completion of the child's subtree.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

% Above this size a pass over all members for each move takes longer than the moves gain.
refined_members_max(64).

refinable(Receivers) :-
    length(Receivers, Count),
    refined_members_max(Max),
    Count < Max.

% Moves that gain nothing at once may let a later one gain; this many in a row are allowed.
idle_moves_max(3).

refined_tree(t(PU, Children), Tree, Ns) :-
    noted(PU, Children, Node0),
    idle_moves_max(Idle),
    improved(Idle, Node0, Node0, Node),
    Node = node(_, Ns, _),
    plain(Node, Tree).

noted(PU, Children, Node) :-
    noted_links(Children, PU, Links),
    ordered(PU, Links, Node).

noted_links([], _, []).
noted_links([t(C, Children)|Trees], PU, [link(Tail, Send, Child)|Links]) :-
    noted(C, Children, Child),
    Child = node(_, Ns, _),
    link_cost(PU, C, Send, Rest),
    Tail is Rest + Ns,
    noted_links(Trees, PU, Links).

ordered(PU, Links0, node(PU, Ns, Links)) :-
    sort(1, @>=, Links0, Links),
    links_completion(Links, 0, 0, Ns).

links_completion([], _, Ns, Ns).
links_completion([link(Tail, Send, _)|Links], Sent0, Ns0, Ns) :-
    Sent is Sent0 + Send,
    Ns1 is max(Ns0, Sent + Tail),
    links_completion(Links, Sent, Ns1, Ns).

plain(node(PU, _, Links), t(PU, Children)) :-
    plain_links(Links, Children).

plain_links([], []).
plain_links([link(_, _, Child)|Links], [Tree|Trees]) :-
    plain(Child, Tree),
    plain_links(Links, Trees).

% improved(+Idle, +Best0, +Node, -Best)
improved(Idle, Best0, Node0, Best) :-
    Node0 = node(_, Ns0, [_|_]),
    without_last(Node0, Last, Node1),
    earliest(Node1, Last, Ns0, Path),
    !,
    rehung(Path, Last, Node1, Node),
    Node = node(_, Ns, _),
    Best0 = node(_, BestNs, _),
    (   Ns < BestNs -> idle_moves_max(Idle1), improved(Idle1, Node, Node, Best)
    ;   Idle > 0, Ns =:= BestNs -> Idle1 is Idle - 1, improved(Idle1, Best0, Node, Best)
    ;   Best = Best0
    ).
improved(_, Best, _, Best).

% without_last(+Node0, -Last, -Node): Last is the leaf at the end of the path that takes longest.
without_last(node(PU, Ns, Links0), Last, Node) :-
    on_longest_path(Links0, 0, Ns, Last, Links),
    ordered(PU, Links, Node).

on_longest_path([Link|Links0], Sent0, Ns, Last, Links) :-
    Link = link(Tail, Send, Child),
    Sent is Sent0 + Send,
    (   Sent + Tail =:= Ns
    ->  Child = node(PU, ChildNs, ChildLinks),
        (   ChildLinks == [] -> Last = PU, Links = Links0
        ;   without_last(Child, Last, Child1),
            Child1 = node(_, Ns1, _),
            Tail1 is Tail - ChildNs + Ns1,
            Links = [link(Tail1, Send, Child1)|Links0]
        )
    ;   Links = [Link|Links1],
        on_longest_path(Links0, Sent, Ns, Last, Links1)
    ).

% earliest(+Node, +PU, +Limit, -Path): the member, as the path to it, that after all its sends would reach PU first.
% Fails if that is not before Limit.
earliest(Node, PU, Limit, Path) :-
    earliest(Node, 0, [], PU, Limit-none, _-Found),
    Found \== none,
    reverse(Found, [_|Path]).

earliest(node(PU, _, Links), Reached, Above, Last, Best0, Best) :-
    Path = [PU|Above],
    earliest_below(Links, Reached, Sent, Path, Last, Best0, Best1),
    Best1 = Ns1-_,
    (   Sent >= Ns1 -> Best = Best1
    ;   link_cost(PU, Last, Send, Rest),
        Ns is Sent + Send + Rest,
        (   Ns < Ns1 -> Best = Ns-Path
        ;   Best = Best1
        )
    ).

earliest_below([], Sent, Sent, _, _, Best, Best).
earliest_below([link(Tail, Send, Child)|Links], Sent0, Sent, Path, Last, Best0, Best) :-
    Sent1 is Sent0 + Send,
    Child = node(_, Ns, _),
    Reached is Sent1 + Tail - Ns,
    Best0 = Ns0-_,
    (   Reached >= Ns0 -> Best1 = Best0
    ;   earliest(Child, Reached, Path, Last, Best0, Best1)
    ),
    earliest_below(Links, Sent1, Sent, Path, Last, Best1, Best).

% rehung(+Path, +PU, +Node0, -Node): PU as a leaf of the member at the end of the path.
rehung([], Last, node(PU, _, Links), Node) :-
    link_cost(PU, Last, Send, Rest),
    ordered(PU, [link(Rest, Send, node(Last, 0, []))|Links], Node).
rehung([Step|Path], Last, node(PU, _, Links0), Node) :-
    rehung_below(Links0, Step, Path, Last, Links),
    ordered(PU, Links, Node).

rehung_below([Link|Links0], Step, Path, Last, Links) :-
    Link = link(Tail, Send, Child0),
    (   Child0 = node(Step, Ns0, _)
    ->  rehung(Path, Last, Child0, Child),
        Child = node(_, Ns, _),
        Tail1 is Tail - Ns0 + Ns,
        Links = [link(Tail1, Send, Child)|Links0]
    ;   Links = [Link|Links1],
        rehung_below(Links0, Step, Path, Last, Links1)
    ).
