% SPDX-License-Identifier: BSD-3-Clause
% What a message costs. The model is a sender that is busy for Send ns with each message, one after the other, and a
% receiver that can use the message Rest ns after its send ended.

% Compiles arithmetic; it holds for this file.
:- set_prolog_flag(optimise, true).

% link_cost(+A, +B, -Send, -Rest): what was measured, else what messages of this class cost. Nothing is made up: without
% either it throws no_cost(A, B). Rest is transit, receive and setting(dispatch_ns), without which deep trees would look
% too good.
link_cost(A, B, Send, Rest) :-
    link_parts(A, B, Send, Transit, Recv),
    (   setting(dispatch_ns, Dispatch) -> Rest is Transit + Recv + Dispatch
    ;   Rest is Transit + Recv
    ).

% link_parts(+A, +B, -Send, -Transit, -Recv): an unknown transit is inside the receive time.
link_parts(A, B, Send, Transit, Recv) :-
    link(A, B, S, T, R),
    !,
    Send = S, Transit is max(T, 0), Recv = R.
link_parts(A, B, Send, Transit, Recv) :-
    place_class(A, B, Class),
    class_cost(Class, S, T, R),
    !,
    Send = S, Transit is max(T, 0), Recv = R.
link_parts(A, B, _, _, _) :-
    throw(error(no_cost(A, B), _)).

dispatch_ns(Ns) :- setting(dispatch_ns, Value), !, Ns = Value.
dispatch_ns(0).

% link_source(+A, +B, -Source): measured or class; fails where link_cost/4 throws.
link_source(A, B, Source) :-
    (   link(A, B, _, _, _) -> Source = measured
    ;   place_class(A, B, Class),
        class_cost(Class, _, _, _) -> Source = class
    ).

% leader(+From, +Members, -L): the member that From reaches first; of equals the lowest.
leader(From, [Member|Members], Leader) :-
    nearest(From, [Member|Members], Leader, _, _).

% nearest(+From, +Members, -Nearest, -Send, -Ns): Ns is send and rest.
nearest(From, [M|Ms], Nearest, Send, Ns) :-
    link_cost(From, M, S, R),
    N is S + R,
    nearest(Ms, From, M, S, N, Nearest, Send, Ns).

nearest([], _, Nearest, Send, Ns, Nearest, Send, Ns).
nearest([M|Ms], From, M0, S0, N0, Nearest, Send, Ns) :-
    link_cost(From, M, S, R),
    N is S + R,
    (   ( N < N0 ; N =:= N0, M < M0 ) -> nearest(Ms, From, M, S, N, Nearest, Send, Ns)
    ;   nearest(Ms, From, M0, S0, N0, Nearest, Send, Ns)
    ).
