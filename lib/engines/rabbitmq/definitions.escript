#!/usr/bin/env escript
%% Asks a broker's management interface, and compares definitions.
%%
%% Erlang is what every image of RabbitMQ ships, on every architecture: no curl, no jq, and no rabbitmqadmin that is the same in
%% two versions. The interface needs no Erlang cookie, which would give its owner the whole broker.
%%
%% usage: definitions.escript ready [SECONDS]               exit 0 when the broker answers this user, who may export definitions; one that
%%                                                           starts has so many seconds (0): Erlang takes one to start, and is not started again
%%        definitions.escript export FILE
%%        definitions.escript import FILE
%%        definitions.escript count WANTED FOUND exact|kept  per kind, how many of the WANTED objects are in FOUND as they are;
%%                                                           kept: of users, virtual hosts and global parameters the name counts
%%        definitions.escript plan WANTED PRESENT FILE       writes what must be imported to FILE, and to stdout what stands in
%%                                                           the way: `differs` can be overwritten, `fixed` cannot; `held` is what
%%                                                           would move messages, and is not imported unless MOVE_MESSAGES is yes;
%%                                                           `kept` is what differs and stays as the broker has it
%%        definitions.escript still FILE OUT                 the definitions with shovels and upstreams that lead nowhere
%%        definitions.escript doubts FILE                    a line for whatever makes an export less than all of the broker
%%
%% environment: MANAGEMENT_URL, MANAGEMENT_USERNAME, MANAGEMENT_PASSWORD, TLS_AUTHORITY (a file, or empty); LIBRARIES, the directory
%% with RabbitMQ's own libraries, of which the one for JSON is used; MOVE_MESSAGES: `yes` for plan and count

main(Words) ->
    %% Names are of any alphabet.
    [io:setopts(Device, [{encoding, unicode}]) || Device <- [standard_io, standard_error]],
    %% What Erlang itself would print of an error are the terms that it happened with: definitions, and passwords in them.
    try run(Words)
    catch Class:Reason:Stack ->
        [{Module, Function, _, Where} | _] = Stack ++ [{none, none, 0, []}],
        fail("error: ~ts ended with ~ts ~ts in ~ts:~ts, line ~w", [hd(Words), Class, kind(Reason), Module, Function, proplists:get_value(line, Where, unknown)])
    end.

kind(Reason) when is_atom(Reason) -> Reason;
kind(Reason) when is_tuple(Reason), tuple_size(Reason) > 0, is_atom(element(1, Reason)) -> element(1, Reason);
kind(_) -> "of some kind".

run(["ready"]) -> run(["ready", "0"]);
run(["ready", Seconds]) ->
    libraries(),
    wait(erlang:monotonic_time(second) + list_to_integer(Seconds)),
    #{<<"tags">> := Tags} = rabbit_json:decode(request(get, "/api/whoami", none)),
    %% A list since 3.9, words with commas before.
    Names = case Tags of
        _ when is_list(Tags) -> Tags;
        _ -> binary:split(Tags, <<",">>, [global])
    end,
    lists:member(<<"administrator">>, Names) orelse
        fail("error: user ~ts is not allowed to export definitions: it needs the tag administrator", [os:getenv("MANAGEMENT_USERNAME")]);
run(["export", File]) ->
    libraries(),
    Body = request(get, "/api/definitions", none),
    %% Half a document is no JSON.
    #{} = rabbit_json:decode(Body),
    ok = file:write_file(File, Body);
run(["import", File]) ->
    libraries(),
    {ok, Body} = file:read_file(File),
    Definitions = rabbit_json:decode(Body),
    %% A limit may have been set when there was more than it allows already; what comes after it would be left out without a word.
    {Limits, Parameters} = lists:partition(fun(Parameter) -> is_limit(Parameter) end, maps:get(<<"parameters">>, Definitions, [])),
    request(post, "/api/definitions", rabbit_json:encode(Definitions#{<<"parameters">> => Parameters})),
    Limits =:= [] orelse request(post, "/api/definitions", rabbit_json:encode(#{<<"parameters">> => Limits}));
run(["count", WantedFile, FoundFile, How]) ->
    libraries(),
    Wanted = read(WantedFile),
    Found = read(FoundFile),
    lists:foreach(
        fun(Kind) ->
            There = maps:get(Kind, Found),
            Same = maps:filter(
                fun(Key, Object) ->
                    case There of
                        #{Key := Object} -> true;
                        #{Key := Other} -> (How =:= "kept" andalso stays(Kind)) orelse differs(Kind, Key, [Name || {Name, Value} <- maps:to_list(Object), maps:get(Name, Other, none) =/= Value]);
                        _ when How =:= "kept", Kind =:= <<"parameters">> -> held(Object) orelse differs(Kind, Key, []);
                        _ -> differs(Kind, Key, [])
                    end
                end,
                maps:get(Kind, Wanted)),
            io:format("~ts ~b~n", [Kind, map_size(Same)])
        end,
        kinds());
run(["plan", WantedFile, PresentFile, File]) ->
    libraries(),
    Wanted = read(WantedFile),
    Present = read(PresentFile),
    Plan = maps:from_list([{Kind, plan(Kind, maps:get(Kind, Wanted), maps:get(Kind, Present))} || Kind <- kinds()]),
    ok = file:write_file(File, rabbit_json:encode(Plan));
run(["still", File, Out]) ->
    libraries(),
    {ok, Body} = file:read_file(File),
    Definitions = rabbit_json:decode(Body),
    Parameters = [still(Parameter) || Parameter <- maps:get(<<"parameters">>, Definitions, [])],
    ok = file:write_file(Out, rabbit_json:encode(Definitions#{<<"parameters">> => Parameters}));
run(["doubts", File]) ->
    libraries(),
    {ok, Body} = file:read_file(File),
    Unknown = [Kind || {Kind, [_ | _]} <- maps:to_list(rabbit_json:decode(Body)), not lists:member(Kind, kinds())],
    [io:format("the export holds objects of kind ~ts, which are neither compared nor restored: this version of the library does not know them~n", [Kind]) || Kind <- Unknown],
    Queues = rabbit_json:decode(request(get, "/api/queues?columns=vhost,name,durable,type,messages", none)),
    messages([Queue || #{<<"durable">> := true} = Queue <- Queues]),
    Nodes = rabbit_json:decode(request(get, "/api/nodes", none)),
    [io:format("node ~ts of the cluster was down: queues that were only on it are not in the definitions~n", [Name]) || #{<<"name">> := Name, <<"running">> := false} <- Nodes],
    [io:format("node ~ts was in a partition, without ~ts: what was defined on the other side may not be in the definitions~n", [Name, lists:join(", ", Others)])
     || #{<<"name">> := Name, <<"partitions">> := [_ | _] = Others} <- Nodes].

%% Where nobody keeps statistics, queues have no numbers. The fullest are named. An empty stream is said to have one message.
messages(Queues) ->
    Counted = [{Number, VHost, Name, maps:get(<<"type">>, Queue, none)} || #{<<"messages">> := Number, <<"vhost">> := VHost, <<"name">> := Name} = Queue <- Queues, is_integer(Number)],
    Full = lists:reverse(lists:sort([{Number, VHost, Name} || {Number, VHost, Name, Type} <- Counted, Number > case Type of <<"stream">> -> 1; _ -> 0 end])),
    Full =:= [] orelse
        io:format("~b messages in ~b durable queues are not in this recovery point, which holds definitions only: most were in ~ts~n",
                  [lists:sum([Number || {Number, _, _} <- Full]), length(Full),
                   lists:join(", ", [[VHost, " ", Name] || {_, VHost, Name} <- lists:sublist(Full, 3)])]),
    Counted =/= [] orelse Queues =:= [] orelse
        io:format("the broker does not say how many messages were in ~b durable queues; a recovery point holds definitions, and no messages~n", [length(Queues)]).

%% Names only: values may be secrets.
differs(Kind, Key, []) -> io:format(standard_error, "~ts ~tsis not there~n", [Kind, words(Key)]), false;
differs(Kind, Key, Names) -> io:format(standard_error, "~ts ~tshas another ~ts~n", [Kind, words(Key), lists:join(", ", Names)]), false.

words([Binding]) when is_map(Binding) -> [[maps:get(Name, Binding), " "] || Name <- [<<"vhost">>, <<"source">>, <<"destination">>, <<"routing_key">>]];
words(Key) -> [[Word, " "] || Word <- Key].

%% What of a kind must be imported.
plan(Kind, Wanted, Present) ->
    lists:filtermap(
        fun({Key, Object}) ->
            case Present of
                #{Key := Object} -> false;
                #{Key := _} ->
                    case stays(Kind) of
                        true -> io:format("kept ~ts ~ts~n", [Kind, words(Key)]), false;
                        false ->
                            Way = case lists:member(Kind, [<<"queues">>, <<"exchanges">>]) of true -> "fixed"; false -> "differs" end,
                            io:format("~ts ~ts ~ts~n", [Way, Kind, words(Key)]),
                            {true, Object}
                    end;
                _ ->
                    case Kind =:= <<"parameters">> andalso held(Object) of
                        true -> io:format("held ~ts ~ts~n", [Kind, words(Key)]), false;
                        false -> {true, Object}
                    end
            end
        end,
        lists:sort(maps:to_list(Wanted))).

%% A shovel or an upstream takes messages from where it leads to as soon as it is there, and that is where the original took them from.
held(Object) -> moves(Object) andalso os:getenv("MOVE_MESSAGES") =/= "yes".

moves(#{<<"component">> := Component}) -> lists:member(Component, [<<"shovel">>, <<"federation-upstream">>]);
moves(_) -> false.

still(#{<<"value">> := Value} = Parameter) when is_map(Value) ->
    case moves(Parameter) of
        true -> Parameter#{<<"value">> := maps:map(
            fun(Name, Old) ->
                case lists:member(Name, [<<"uri">>, <<"src-uri">>, <<"dest-uri">>]) of
                    true when is_list(Old) -> [<<"amqp://127.0.0.1:1">>];
                    true -> <<"amqp://127.0.0.1:1">>;
                    false -> Old
                end
            end, Value)};
        false -> Parameter
    end;
still(Parameter) -> Parameter.

is_limit(#{<<"component">> := Component}) -> Component =:= <<"vhost-limits">>;
is_limit(_) -> false.

%% Who or what exists already keeps its password, tags and settings: a restore is no reason to reset them.
stays(Kind) -> lists:member(Kind, [<<"users">>, <<"vhosts">>, <<"global_parameters">>]).

kinds() ->
    [<<"users">>, <<"vhosts">>, <<"permissions">>, <<"topic_permissions">>, <<"parameters">>, <<"global_parameters">>, <<"policies">>,
     <<"exchanges">>, <<"queues">>, <<"bindings">>].

%% What makes an object of a kind the same one.
key(<<"users">>, #{<<"name">> := Name}) -> [Name];
key(<<"vhosts">>, #{<<"name">> := Name}) -> [Name];
key(<<"global_parameters">>, #{<<"name">> := Name}) -> [Name];
key(<<"permissions">>, #{<<"vhost">> := VHost, <<"user">> := User}) -> [VHost, User];
key(<<"topic_permissions">>, #{<<"vhost">> := VHost, <<"user">> := User, <<"exchange">> := Exchange}) -> [VHost, User, Exchange];
key(<<"parameters">>, #{<<"vhost">> := VHost, <<"component">> := Component, <<"name">> := Name}) -> [VHost, Component, Name];
key(<<"bindings">>, Binding) -> [Binding];
key(_, #{<<"vhost">> := VHost, <<"name">> := Name}) -> [VHost, Name].

read(File) ->
    {ok, Body} = file:read_file(File),
    Definitions = rabbit_json:decode(Body),
    maps:from_list([{Kind, maps:from_list([{key(Kind, Object), Object} || Object <- maps:get(Kind, Definitions, []), data(Kind, Object)])}
                    || Kind <- kinds()]).

%% What tells a cluster from others is no data of it.
data(<<"global_parameters">>, #{<<"name">> := Name}) -> not lists:member(Name, [<<"cluster_name">>, <<"internal_cluster_id">>, <<"cluster_tags">>]);
data(_, _) -> true.

%% What is still wrong at the end is for the next request to say.
wait(Until) ->
    case erlang:monotonic_time(second) < Until andalso ask(get, "/api/whoami", none) of
        false -> over;
        {ok, {{_, 200, _}, _, _}} -> answers;
        _ -> timer:sleep(200), wait(Until)
    end.

request(Method, Path, Body) ->
    Url = url(Path),
    case ask(Method, Path, Body) of
        {ok, {{_, Status, _}, _, Answer}} when Status >= 200, Status < 300 -> Answer;
        {ok, {{_, Status, _}, _, Answer}} -> fail("error: ~ts answers ~b: ~ts", [Url, Status, without_values(Answer)]);
        {error, Reason} -> fail("error: ~ts does not answer: ~0p", [Url, Reason])
    end.

url(Path) -> os:getenv("MANAGEMENT_URL") ++ Path.

ask(Method, Path, Body) ->
    [{ok, _} = application:ensure_all_started(Application) || Application <- [ssl, inets]],
    Url = url(Path),
    Login = base64:encode_to_string(unicode:characters_to_binary([os:getenv("MANAGEMENT_USERNAME"), ":", os:getenv("MANAGEMENT_PASSWORD")])),
    Headers = [{"authorization", "Basic " ++ Login}],
    Request = case Body of none -> {Url, Headers}; _ -> {Url, Headers, "application/json", Body} end,
    %% Said in any case: otherwise Erlang looks for the system's authorities, of which the image may have none, and fails.
    Tls = case os:getenv("TLS_AUTHORITY") of
        "" -> [{verify, verify_none}];
        File -> [{verify, verify_peer}, {cacertfile, File},
                 {customize_hostname_check, [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}]}]
    end,
    over(inet, Method, Request, [{connect_timeout, 10000}, {timeout, timeout(Path)}, {autoredirect, false}, {ssl, Tls}]).

%% Erlang asks for addresses of one family.
over(Family, Method, Request, Options) ->
    ok = httpc:set_options([{ipfamily, Family}]),
    case httpc:request(Method, Request, Options, [{body_format, binary}]) of
        {error, {failed_connect, _} = Reason} when Family =:= inet ->
            case {Reason, over(inet6, Method, Request, Options)} of
                %% A name that has no address of this family says nothing about the server.
                {{failed_connect, [_, {inet, _, nxdomain}]}, Other} -> Other;
                {_, {error, {failed_connect, _}}} -> {error, Reason};
                {_, Other} -> Other
            end;
        Answer -> Answer
    end.

%% A broker that refuses a value says which: of a shovel that is a password.
without_values(Answer) ->
    lists:foldl(fun({Pattern, By}, Text) -> re:replace(Text, Pattern, By, [global, {return, binary}]) end, binary:part(Answer, 0, min(byte_size(Answer), 2000)),
                [{"<<.*?>>", "<<...>>"}, {"[a-z]+://[^ ,\"]*", "..."}, {"\\[[0-9, ]{8,}\\]", "[...]"}, {"(password[a-z_]*)[^ ]* *[^ ]*", "\\1..."}]).

timeout("/api/whoami") -> 15000;
timeout(_) -> 600000.

libraries() -> code:add_pathsa(filelib:wildcard(os:getenv("LIBRARIES") ++ "/*/ebin")).

fail(Format, Words) ->
    io:format(standard_error, Format ++ "~n", Words),
    halt(1).
