% SPDX-License-Identifier: BSD-3-Clause
% What the rules throw, in words for people. The term stands first, for programs.

:- multifile prolog:error_message//1.

prolog:error_message(too_few_pus(N, Usable)) -->
    [ 'too_few_pus(~q,~q): ~q wanted, and ~q can be used'-[N, Usable, N, Usable] ].
prolog:error_message(unknown_pu(PU)) -->
    [ 'unknown_pu(~q): the machine has no such hardware thread'-[PU] ].
prolog:error_message(unknown_device(Device)) -->
    [ 'unknown_device(~q): the machine has no such device'-[Device] ].
prolog:error_message(no_cost(A, B)) -->
    [ 'no_cost(~q,~q): neither the way from ~q to ~q was measured, nor one of its class'-[A, B, A, B] ].
prolog:error_message(empty_group(Group)) -->
    [ 'empty_group(~q): it has no members'-[Group] ].
prolog:error_message(root_down(Root)) -->
    [ 'root_down(~q): who sends first is down'-[Root] ].
