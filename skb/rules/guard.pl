% SPDX-License-Identifier: BSD-3-Clause
% What stands between the engine and what people and programs ask: limits, what may be called, and the reading of rule
% files clause by clause. The module `skb` holds facts and shipped rules, each rule file of a user has a module of its own
% that sees `skb`, and queries run in the module `skb_query`, which sees them all.
%
% Text may call what stands in a table here, shipped rules, rule files and eight libraries; library(sandbox) looks at it
% once more. Nothing in the table builds names, functors or text out of text, writes, keeps, or catches: SWI-Prolog's limit
% of memory does not count names, a limit that is caught is none, and an error raised where the local stack is full ends
% the process, which who catches errors in a recursion is sure to meet.

:- module(skb_guard, []).

:- use_module(library(aggregate)).
:- use_module(library(apply)).
:- use_module(library(debug)).
:- use_module(library(lists)).
:- use_module(library(sandbox)).

:- dynamic installed/2, clause_line/3, vocabulary/2, begun/1.

% -- what went wrong --------------------------------------------------------------------------------------------------

% Whatever Goal throws is thrown as failed(Kind, Words), which is small; Kind is an error of engine.hpp.
guarded(Goal) :-
    catch(Goal, Thrown, true),
    (   var(Thrown)
    ->  true
    ;   failure(Thrown, Kind, Words),
        throw(failed(Kind, Words))
    ).

failure(skb_limit(What), Kind, Words) :-
    limit(What, Kind, Words),
    !.
failure(refused(Words), query_forbidden, Words) :- !.
failure(error(existence_error(procedure, What), _), query_unknown, Words) :-
    !,
    shortened(What, 5, Short),
    term_string(Short, Words).
failure(error(resource_error(What), _), query_exhausted, Words) :-
    !,
    shortened(What, 1, Short),
    format(string(Words), "memory (~w)", [Short]).
failure(error(Formal, Context), Kind, Words) :-
    !,
    kind(Formal, Context, Kind),
    in_words(error(Formal, Context), Words).
failure(inference_limit_exceeded, query_exhausted, "inferences") :- !.
failure(skb_time_over, query_timeout, "") :- !.
failure(Thrown, query_failed, Words) :-
    in_words(Thrown, Words).

limit(inferences, query_exhausted, "inferences").
limit(names, query_exhausted, "names that texts may use; start the engine again").
limit(rows, query_truncated, "rows").
limit(bytes, query_truncated, "bytes").
limit(facts, too_large, "facts").
limit(cyclic, query_failed, "an answer is cyclic").
limit(constrained, query_failed, "an answer is constrained").

kind(Formal, _, query_failed) :- var(Formal), !.
kind(syntax_error(_), _, query_malformed) :- !.
kind(permission_error(_, _, _), _, query_forbidden) :- !.
kind(_, Context, query_forbidden) :- nonvar(Context), Context = sandbox(_, _), !.
kind(_, _, query_failed).

in_words(error(Formal, Context), Text) :-
    nonvar(Formal),
    Formal = syntax_error(What),
    nonvar(Context),
    Context = stream(_, _, Column, _),
    !,
    in_words(error(syntax_error(What), _), Plain),
    format(string(Text), "~w, at column ~d", [Plain, Column]).
in_words(Message, Text) :-
    (   Message = error(Formal, _)
    ->  shortened(Formal, 5, Short),
        Shown = error(Short, _)
    ;   shortened(Message, 5, Shown)
    ),
    said(Shown, Text).

said(Message, Text) :-
    catch('$messages':translate_message(Message, Lines, []), error(_, _), fail),
    with_output_to(string(Raw), print_message_lines(current_output, '', Lines)),
    !,
    split_string(Raw, "\n", " \n", Parts0),
    exclude(==(""), Parts0, Parts),
    atomic_list_concat(Parts, " ", Atom),
    atom_string(Atom, Text).
said(Message, Text) :-
    term_string(Message, Text).

% A message may be about a term of megabytes, or about one that is small only because its parts are shared.
shortened(Term, _, Term) :-
    var(Term),
    !.
shortened(Term, _, Short) :-
    ( atom(Term) ; string(Term) ),
    !,
    (   sub_string(Term, 80, _, 0, _)
    ->  sub_string(Term, 0, 80, _, Start),
        string_concat(Start, "...", Short)
    ;   Short = Term
    ).
shortened(Term, _, Short) :-
    integer(Term),
    !,
    (   Term < 1<<200, Term > -(1<<200)
    ->  Short = Term
    ;   Short = 'a huge number'
    ).
shortened(Term, _, Term) :-
    float(Term),
    !.
shortened(Term, Depth, Short) :-
    compound(Term),
    Depth > 0,
    compound_name_arguments(Term, Name, Arguments0),
    length(Arguments0, Count),
    Count =< 8,
    shortened(Name, Depth, Name),
    !,
    Below is Depth - 1,
    shortened_all(Arguments0, Below, Arguments),
    compound_name_arguments(Short, Name, Arguments).
shortened(_, _, '...').

shortened_all([], _, []).
shortened_all([One|More], Depth, [Short|Shorter]) :-
    shortened(One, Depth, Short),
    shortened_all(More, Depth, Shorter).

% What can be a mistake of a text is caught; a limit goes on.
mistaken(Goal, Mistake) :-
    catch(Goal, error(Formal, Context), Mistake = error(Formal, Context)),
    (   nonvar(Mistake),
        nonvar(Formal),
        Formal = resource_error(_)
    ->  throw(Mistake)
    ;   true
    ).

% -- asking -----------------------------------------------------------------------------------------------------------

% A goal of a program: it is trusted, and limited. Rows are lists of values, as Values has them.
ask(Goal, Values, Limits, Rows) :-
    guarded(within(Limits, all_of(skb_query:Goal, Values, Limits, Rows))).

% What a person wrote: Names are the names of its variables, in the order of each row's values.
ask_text(Text, Limits, Names, Rows) :-
    guarded(room_for_text),
    call_cleanup(guarded(within(Limits, ask_text_(Text, Limits, Names, Rows))), leave_nothing).

ask_text_(Text, Limits, Names, Rows) :-
    read_query(Text, Goal, Bindings),
    permit_words(Goal),
    permit(Goal, skb_query),
    safe_goal(skb_query:Goal),
    bindings_names_values(Bindings, Names, Values),
    all_of(skb_query:Goal, Values, Limits, Rows).

bindings_names_values([], [], []).
bindings_names_values([Name=Value|More], Names, Values) :-
    (   sub_atom(Name, 0, 1, _, '_')
    ->  bindings_names_values(More, Names, Values)
    ;   Names = [Name|NamesRest],
        Values = [Value|ValuesRest],
        bindings_names_values(More, NamesRest, ValuesRest)
    ).

% The memory is limited for as long as Goal runs; what is around it has room. SWI-Prolog ends the process if memory runs
% out twice and its reserve was not filled up between, which trimming does.
within(limits(Seconds, Inferences, _, Stack), Goal) :-
    current_prolog_flag(stack_limit, Before),
    trim_stacks,
    set_prolog_flag(stack_limit, Stack),
    catch(counted(Goal, Seconds, Inferences, Ended), Thrown, true),
    set_prolog_flag(stack_limit, Before),
    trim_stacks,
    (   nonvar(Thrown)
    ->  throw(Thrown)
    ;   Ended == inference_limit_exceeded
    ->  throw(skb_limit(inferences))
    ;   Ended \== fail
    ).

counted(Goal, Seconds, Inferences, Ended) :-
    (   call_with_inference_limit(timed(Goal, Seconds), Inferences, Result)
    ->  Ended = Result
    ;   Ended = fail
    ).

% The alarm rings once, and only in here: where SWI-Prolog sets or lifts its limit of inferences, an exception would
% leave that limit to later questions.
timed(Goal, Seconds) :-
    catch(( set_alarm(Seconds), ( once(Goal) -> clear_alarm ; clear_alarm, fail ) ),
          Thrown,
          ( clear_alarm, throw(Thrown) )).

all_of(Goal, Values, limits(_, _, Most, _), Rows) :-
    Ask is Most + 1,
    once(findnsols(Ask, Values, Goal, Rows)),
    length(Rows, Count),
    (   Count > Most
    ->  throw(skb_limit(rows))
    ;   true
    ),
    (   acyclic_term(Rows)
    ->  true
    ;   throw(skb_limit(cyclic))
    ),
    term_attvars(Rows, Constrained),
    (   Constrained == []
    ->  true
    ;   throw(skb_limit(constrained))
    ).

% Names that were part of a compound are never given back by SWI-Prolog, some 250 bytes each.
room_for_text :-
    begun(Before),
    statistics(functors, Now),
    (   Now - Before > 200000
    ->  throw(skb_limit(names))
    ;   true
    ).

leave_nothing :-
    abolish_all_tables,
    fresh_query_module,
    nb_getval(skb_atom_space, Before),
    statistics(atom_space, Bytes),
    (   Bytes > Before + 16000000
    ->  garbage_collect_atoms,
        note_atom_space
    ;   true
    ).

% SWI-Prolog collects names by their number, however long they are.
note_atom_space :-
    statistics(atom_space, Bytes),
    nb_setval(skb_atom_space, Bytes).

% Reading and calling leave procedures in a module, so it does not grow old.
fresh_query_module :-
    '$destroy_module'(skb_query),
    new_module(skb_query),
    forall(installed(_, Module), add_import_module(skb_query, Module, start)).

new_module(Module) :-
    set_module(Module:base(skb)),
    set_module(Module:class(temporary)).

read_query(Text, Goal, Bindings) :-
    without_full_stop(Text, Bare),
    string_concat(Bare, "\n.", Closed),
    setup_call_cleanup(
        open_string(Closed, Stream),
        read_whole(Stream, Goal, Bindings),
        close(Stream)).

read_whole(Stream, Goal, Bindings) :-
    read_term(Stream, Goal, [variable_names(Bindings), module(skb_query), syntax_errors(error)]),
    (   Goal == end_of_file
    ->  throw(error(syntax_error(nothing_asked), _))
    ;   var(Goal)
    ->  throw(error(instantiation_error, _))
    ;   true
    ),
    mistaken(read_term(Stream, Rest, [module(skb_query), syntax_errors(error)]), Mistake),
    (   var(Mistake),
        Rest == end_of_file
    ->  true
    ;   throw(error(syntax_error(text_after_the_end), _))
    ).

% The last character of 0'. is no full stop.
without_full_stop(Text, Bare) :-
    split_string(Text, "", " \t\r\n", [Trimmed]),
    (   string_concat(Bare0, ".", Trimmed),
        \+ string_concat(_, "0'", Bare0)
    ->  Bare = Bare0
    ;   Bare = Trimmed
    ).

% -- what text may call -----------------------------------------------------------------------------------------------

% Refuses what cannot be interrupted for hours, wherever it stands: a term is data here, and an expression there.
permit_words(Term) :-
    (   compound(Term)
    ->  compound_name_arity(Term, Name, Arity),
        (   Name == powm,
            Arity == 3
        ->  throw(refused("powm/3 is not for questions and rule files"))
        ;   permit_words(1, Arity, Term)
        )
    ;   true
    ).

permit_words(N, Arity, Term) :-
    (   N < Arity
    ->  arg(N, Term, Argument),
        permit_words(Argument),
        Next is N + 1,
        permit_words(Next, Arity, Term)
    ;   N =:= Arity
    ->  arg(N, Term, Argument),
        permit_words(Argument)
    ;   true
    ).

% Whether Goal, as part of Module, calls only what it may.
permit(Goal, _) :-
    var(Goal),
    !,
    throw(refused("a variable cannot be called")).
permit(_:_, _) :-
    !,
    throw(refused("a module cannot be named")).
permit(Goal, _) :-
    \+ callable(Goal),
    !,
    throw(error(type_error(callable, Goal), _)).
permit(Goal, Module) :-
    functor(Goal, Name, Arity),
    (   predicate_property(Module:Goal, implementation_module(Home)),
        predicate_property(Module:Goal, defined)
    ->  true
    ;   throw(error(existence_error(procedure, Name/Arity), _))
    ),
    (   may_call(Home, Module, Name, Arity)
    ->  true
    ;   format(string(Words), "~q is not for questions and rule files", [Name/Arity]),
        throw(refused(Words))
    ),
    (   predicate_property(Module:Goal, meta_predicate(Modes))
    ->  permit_arguments(Arity, Modes, Goal, Module)
    ;   true
    ).

permit_arguments(0, _, _, _) :- !.
permit_arguments(N, Modes, Goal, Module) :-
    arg(N, Modes, Mode),
    arg(N, Goal, Argument),
    permit_argument(Mode, Argument, Module),
    Before is N - 1,
    permit_arguments(Before, Modes, Goal, Module).

permit_argument(Mode, Argument, Module) :-
    integer(Mode),
    !,
    permit_closure(Mode, Argument, Module).
permit_argument(^, Argument, Module) :-
    !,
    without_quantifiers(Argument, Goal),
    permit(Goal, Module).
permit_argument(//, _, _) :-
    !,
    throw(refused("grammars are not for questions and rule files")).
permit_argument(_, _, _).

permit_closure(0, Goal, Module) :-
    !,
    permit(Goal, Module).
permit_closure(_, Closure, Module) :-
    ( var(Closure) ; \+ callable(Closure) ; Closure = _:_ ),
    !,
    permit(Closure, Module).
permit_closure(More, Closure, Module) :-
    Closure =.. [Name|Arguments],
    length(Rest, More),
    append(Arguments, Rest, All),
    Goal =.. [Name|All],
    permit(Goal, Module).

without_quantifiers(Term, Goal) :-
    (   nonvar(Term),
        Term = _^Inner
    ->  without_quantifiers(Inner, Goal)
    ;   Goal = Term
    ).

may_call(skb, _, _, _) :- !.
may_call(Home, _, Name, Arity) :- of_the_language(Home), !, pure(Name, Arities), memberchk(Arity, Arities).
may_call(Module, Module, _, _) :- !.
may_call(Home, _, _, _) :- memberchk(Home, [lists, apply, aggregate, pairs, assoc, ordsets, option, error]), !.
may_call(Home, skb_query, _, _) :- installed(_, Home).

of_the_language(system).
of_the_language(Home) :- sub_atom(Home, 0, 1, _, '$').

pure(true, [0]).
pure(fail, [0]).
pure(false, [0]).
pure(!, [0]).
pure(repeat, [0]).
pure((','), [2]).
pure((;), [2]).
pure((->), [2]).
pure((*->), [2]).
pure((\+), [1]).
pure(not, [1]).
pure(call, [1, 2, 3, 4, 5, 6, 7, 8]).
pure(once, [1]).
pure(ignore, [1]).
pure(forall, [2]).
pure(findall, [3, 4]).
pure(bagof, [3]).
pure(setof, [3]).
pure((=), [2]).
pure((\=), [2]).
pure((==), [2]).
pure((\==), [2]).
pure((=@=), [2]).
pure((\=@=), [2]).
pure((@<), [2]).
pure((@>), [2]).
pure((@=<), [2]).
pure((@>=), [2]).
pure(compare, [3]).
pure(unify_with_occurs_check, [2]).
pure(subsumes_term, [2]).
pure(var, [1]).
pure(nonvar, [1]).
pure(atom, [1]).
pure(number, [1]).
pure(integer, [1]).
pure(float, [1]).
pure(rational, [1]).
pure(string, [1]).
pure(atomic, [1]).
pure(compound, [1]).
pure(callable, [1]).
pure(ground, [1]).
pure(is_list, [1]).
pure(acyclic_term, [1]).
pure(is, [2]).
pure((=:=), [2]).
pure((=\=), [2]).
pure((<), [2]).
pure((>), [2]).
pure((=<), [2]).
pure((>=), [2]).
pure(succ, [2]).
pure(plus, [3]).
pure(between, [3]).
pure(arg, [3]).
pure(copy_term, [2]).
pure(term_variables, [2]).
pure(length, [2]).
pure(memberchk, [2]).
pure(sort, [2, 4]).
pure(msort, [2]).
pure(keysort, [2]).
pure(atom_length, [2]).
pure(string_length, [2]).
pure(string_concat, [3]).
pure(string_chars, [2]).
pure(string_codes, [2]).
pure(string_code, [3]).
pure(string_lower, [2]).
pure(string_upper, [2]).
pure(number_codes, [2]).
pure(number_string, [2]).
pure(char_code, [2]).

% -- rule files of users ----------------------------------------------------------------------------------------------

% Reads all of Text into a module of its own. Errors are error(Line, Words); none: the rules take the place of those that
% had this name.
load_rules(Name, Text, Limits, Count, Errors) :-
    guarded(room_for_text),
    flag(skb_rules, N, N + 1),
    atom_concat(skb_rules_, N, Module),
    new_module(Module),
    catch(guarded(within(Limits, load_rules_(Module, Text, Count, Errors))), Failed, true),
    (   nonvar(Failed)
    ->  discard(Module),
        throw(Failed)
    ;   Errors == []
    ->  replace(Name, Module)
    ;   discard(Module)
    ).

load_rules_(Module, Text, Count, Errors) :-
    setup_call_cleanup(
        open_string(Text, Stream),
        read_all(Stream, Module, Read),
        close(Stream)),
    foldl(take_clause(Module), Read, 0-[], Count-Backwards),
    (   Backwards == []
    ->  check_bodies(Module, Errors)
    ;   reverse(Backwards, Errors)
    ).

read_all(Stream, Module, Read) :-
    line_count(Stream, Before),
    mistaken(read_term(Stream, Term, [module(Module), syntax_errors(error), term_position(Position)]), Failed),
    (   nonvar(Failed)
    ->  failed_line(Failed, Before, Line),
        in_words(Failed, Words),
        line_count(Stream, After),
        Read = [failed(Line, Words)|More],
        (   at_end_of_stream(Stream)
        ->  More = []
        ;   After == Before,
            peek_char(Stream, end_of_file)
        ->  More = []
        ;   read_all(Stream, Module, More)
        )
    ;   Term == end_of_file,
        at_end_of_stream(Stream)
    ->  Read = []
    ;   stream_position_data(line_count, Position, Line),
        Read = [clause(Line, Term)|More],
        read_all(Stream, Module, More)
    ).

failed_line(error(_, Context), _, Line) :- nonvar(Context), Context = stream(_, Line, _, _), !.
failed_line(_, Before, Before).

take_clause(_, failed(Line, Words), Count-Errors, Count-[error(Line, Words)|Errors]) :- !.
take_clause(Module, clause(Line, Term), Count0-Errors, Count-NewErrors) :-
    catch(mistaken(take(Module, Term, Line), Failed), refused(Words), Failed = refused(Words)),
    (   var(Failed)
    ->  Count is Count0 + 1,
        NewErrors = Errors
    ;   Count = Count0,
        mistake_words(Failed, Said),
        NewErrors = [error(Line, Said)|Errors]
    ).

mistake_words(Failed, Words) :-
    failure(Failed, Kind, Words0),
    (   Kind == query_unknown
    ->  string_concat("nobody has defined ", Words0, Words)
    ;   Words = Words0
    ).

take(_, Term, _) :-
    var(Term),
    !,
    throw(refused("a variable is no clause")).
take(Module, (:- Directive), _) :-
    !,
    directive(Directive, Module).
take(_, (_ --> _), _) :-
    !,
    throw(refused("grammar rules are not accepted; write clauses")).
take(_, (_ => _), _) :-
    !,
    throw(refused("single-sided rules are not accepted; write clauses")).
take(_, (?- _), _) :-
    !,
    throw(refused("a rule file holds clauses, not questions")).
take(_, end_of_file, _) :-
    !,
    throw(refused("end_of_file is no clause")).
take(Module, Term, Line) :-
    (   Term = (Head :- Body)
    ->  true
    ;   Head = Term,
        Body = true
    ),
    own_head(Head, Module),
    permit_words(Body),
    assertz(Module:(Head :- Body), Reference),
    assertz(clause_line(Module, Reference, Line)).

directive(Directive, Module) :-
    nonvar(Directive),
    compound(Directive),
    compound_name_arguments(Directive, Name, [Specification]),
    memberchk(Name, [(dynamic), (table), (discontiguous)]),
    ground_names(Specification, Module),
    !,
    (   Name == (discontiguous)
    ->  true
    ;   Goal =.. [Name, Specification],
        call(Module:Goal)
    ).
directive(_, _) :-
    throw(refused("only the directives dynamic, table and discontiguous are accepted, for predicates of this file")).

ground_names(Specification, _) :-
    var(Specification),
    !,
    fail.
ground_names((A, B), Module) :-
    !,
    ground_names(A, Module),
    ground_names(B, Module).
ground_names([], _) :- !.
ground_names([A|B], Module) :-
    !,
    ground_names(A, Module),
    ground_names(B, Module).
ground_names(Name/Arity, Module) :-
    atom(Name),
    integer(Arity),
    between(0, 1000, Arity),
    functor(Head, Name, Arity),
    own_head(Head, Module).

own_head(Head, _) :-
    var(Head),
    !,
    throw(refused("a variable is no clause")).
own_head(_:_, _) :-
    !,
    throw(refused("a clause cannot be put into another module")).
own_head(Head, _) :-
    \+ callable(Head),
    !,
    throw(refused("this is neither a fact nor a rule")).
own_head(Head, _) :-
    ( predicate_property(system:Head, defined) ; functor(Head, Name, _), sub_atom(Name, 0, _, _, '$') ),
    !,
    refuse_redefinition(Head, "the language").
own_head(Head, _) :-
    functor(Head, Name, _),
    memberchk(Name, [(:-), (?-), (-->), (=>), ('|')]),
    !,
    refuse_redefinition(Head, "the language").
own_head(Head, _) :-
    predicate_property(skb:Head, defined),
    !,
    refuse_redefinition(Head, "the knowledge base").
own_head(_, _).

refuse_redefinition(Head, Owner) :-
    functor(Head, Name, Arity),
    shortened(Name, 0, Short),
    format(string(Words), "~q belongs to ~w and cannot be defined again", [Short/Arity, Owner]),
    throw(refused(Words)).

% Every clause of the file, and every predicate as whoever would call it.
check_bodies(Module, Errors) :-
    findall(error(Line, Words),
            ( clause_line(Module, Reference, Line),
              clause(_, Body, Reference),
              Body \== true,
              wrong(permit(Body, Module), Words)
            ),
            Errors0),
    (   Errors0 == []
    ->  findall(error(Line, Words),
                ( own_predicate(Module, Head),
                  wrong(safe_goal(Module:Head), Words),
                  first_line(Module, Head, Line)
                ),
                Errors1)
    ;   Errors1 = Errors0
    ),
    sort(Errors1, Errors).

wrong(Goal, Words) :-
    catch(mistaken(Goal, Failed), refused(Why), Failed = refused(Why)),
    nonvar(Failed),
    mistake_words(Failed, Words).

own_predicate(Module, Head) :-
    current_predicate(Module:Name/Arity),
    \+ sub_atom(Name, 0, _, _, '$'),
    functor(Head, Name, Arity),
    \+ predicate_property(Module:Head, imported_from(_)).

first_line(Module, Head, Line) :-
    functor(Head, Name, Arity),
    (   aggregate_all(min(L),
                      ( clause_line(Module, Reference, L),
                        clause_property(Reference, predicate(_:Name/Arity))
                      ),
                      Line)
    ->  true
    ;   Line = 1
    ).

replace(Name, Module) :-
    retractall(clause_line(Module, _, _)),
    findall(Old, retract(installed(Name, Old)), Olds),
    assertz(installed(Name, Module)),
    fresh_query_module,
    forall(member(Old, Olds), discard(Old)).

% Takes the rules of that name away; nothing if there are none.
forget_rules(Name) :-
    findall(Old, retract(installed(Name, Old)), Olds),
    fresh_query_module,
    forall(member(Old, Olds), discard(Old)).

discard(Module) :-
    retractall(clause_line(Module, _, _)),
    abolish_module_tables(Module),
    '$destroy_module'(Module).

% -- facts ------------------------------------------------------------------------------------------------------------

% One predicate of facts, which the engine names when it starts.
known(Name, Arity) :-
    assertz(vocabulary(Name, Arity)),
    dynamic(skb:Name/Arity).

% All of it or nothing: whatever is thrown in it undoes it.
change(Patterns, Facts, Version, Most, Count) :-
    guarded(transaction(change_(Patterns, Facts, Version, Most, Count))),
    abolish_all_tables.

change_(Patterns, Facts, Version, Most, Count) :-
    forall(member(Pattern, Patterns), retractall(skb:Pattern)),
    forall(member(Fact, Facts),
           (   skb:Fact
           ->  true
           ;   assertz(skb:Fact)
           )),
    retractall(skb:facts_version(_)),
    assertz(skb:facts_version(Version)),
    fact_count(Count),
    (   Count > Most
    ->  throw(skb_limit(facts))
    ;   true
    ).

fact_count(Count) :-
    aggregate_all(sum(N),
                  ( vocabulary(Name, Arity),
                    functor(Head, Name, Arity),
                    predicate_property(skb:Head, number_of_clauses(N))
                  ),
                  Count).

begin(Schema) :-
    set_module(skb:base(system)),
    new_module(skb_query),
    % What a question prints nobody reads, and what is printed about it.
    assertz((user:message_hook(_, _, _) :- true)),
    open_null_stream(Nowhere),
    set_stream(Nowhere, alias(skb_nowhere)),
    set_output(Nowhere),
    dynamic(skb:schema/1),
    retractall(skb:schema(_)),
    assertz(skb:schema(Schema)),
    dynamic(skb:facts_version/1),
    % What a text names is not loaded for it; library(error) alone relies on that.
    error:import(prolog_debug:assertion/1),
    set_prolog_flag(autoload, explicit),
    note_atom_space,
    statistics(functors, Functors),
    assertz(begun(Functors)).

finish :-
    set_output(user_output),
    close(skb_nowhere).
