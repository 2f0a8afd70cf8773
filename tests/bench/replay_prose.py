"""What docs/benchmarks.md says around its numbers; no number in here was measured."""

# One sentence a line, as in all Markdown here.
# ruff: noqa: E501

HEAD = """\
# Benchmarks

How often a right suggestion is on the screen when the next key is pressed, and what that costs: recorded typing, replayed against language servers.
This page and its pictures are written by `python tests/bench/replay.py --write`; nothing on it is typed by hand.
The rows of *flaky* may be of a later run than the others, told together by `--from`.

Recordings of people who typed in VS Code are played to each server over its standard input and output, as VS Code would: with every change it asks, and gives up what it asked before.
The keys leave when they were typed, whatever the server does; pauses of more than two seconds are cut to two.
The endpoint is another process on this machine, which answers with what the person types next, a token at a time and at the pace of the profile; one of twenty tokens is wrong, always the same ones, so that every server meets the same model.
A suggestion is *right* where its first line is what the person is about to type; text that is taken back does not count as that.

How long a key takes inside of the server is in [latency.md](latency.md).

To run it, from a checkout with the `test` extra installed, and Node.js for tabby-agent:

```sh
python tests/bench/replay.py            # everything, in about three quarters of an hour
python tests/bench/replay.py --quick    # two minutes of it
python tests/bench/replay.py --write    # writes this page
```

The recordings are read from a folder `shared/traces` beside the checkout ([editing-traces](https://github.com/josephg/editing-traces), CC BY 4.0: sveltecomponent by Joseph Gentle, json-crdt-blog-post by Vadim Dalecky); without that, one is made from this project's own sources.
"""

SERVERS = """\
`tabby-agent` is what npm has of Tabby's agent; newer ones exist elsewhere.
It is asked by `textDocument/completion`, as it has no inline completion, and it asks a Tabby server, which sends no text before all of it is there.
"""

PROFILES = """\
*Link* is reached by TLS over a line that takes 20 ms each way, and as long to connect as that takes; the others are on loopback.
"""

COVERAGE = """\
*Coverage* is the share of keys that were pressed with a right suggestion on the screen, of those keys that type at the cursor, by a client that keeps a suggestion as long as it is typed; a *strict client* shows nothing between a key and the answer to it.
The *bound* asks at every key, reuses every answer for ever and takes no time but the model's, computed for the same keys; like the server, it shows a line once that is whole, or 150 ms after its first word as far as it is there.
*Wrong* are keys that were pressed with another suggestion on the screen, of 1,000.
*Without* is the time from a key to a right suggestion or to the next key.
"""

COST = """\
Of 1,000 recorded keys, which includes those that take text back.
*Policy* is how many requests the design's policy makes in theory: it asks where nothing that is known or under way agrees.
*Same head* is how much of a prompt begins as the one before did, which is what an endpoint's cache serves.
*Wasted* tokens were written after a key that went another way; *never shown* are those of streams of which nothing was ever on the screen, what is asked ahead of a suggestion that is not accepted among them.
*From memory* are answers for which the server had all that it needed when it was asked.
"""

LATENCY = """\
*To HTTP* is from the request's way to the server until the endpoint has read the HTTP request that it leads to.
A request that first waits for a stream, which then goes another way, counts from its own beginning.
*To answer* is from the last byte that the answer needed, written by the endpoint, to the answer.
*To disconnect* is from a key that goes another way than a stream that runs, to the end of that stream.
On the link, 20 ms of each of them are the line's.
"""

ACCEPTING = """\
Here a person accepts what has been right on the screen for 250 ms, and types on behind it.
*Wait* is the time from accepting to the next right suggestion.
"""

MANNERS = """\
*Stale* are items for a text that had changed 20 ms before they came.
*Off the recording* are prompts that say what the recording never does, as those do that are asked ahead of a wrong suggestion; the endpoint answers nothing to them.
*Keys late* and *tokens late* tell how punctual the benchmark itself was.
"""

ASKING_TWICE = """\
Where a key comes before a stream has brought anything, nothing can be told of the two, and the policy waits for the stream; where that was for another text, the next one is asked for that much later.
It could ask again at once.
This is computed without any server, of 1,000 recorded keys.
"""

BUDGETS = """\
What each number should be, for Foretype with its defaults.
All recordings together; by recording below.
"""

BUDGETS_FOUND = """\
What is left of the bound has four causes.
A text that is known for a place is shown there again when a person comes back to it, where the bound asks anew, and the recording's model, which knows what the person does next, says something else; a real model at temperature 0 says the same again.
Where a stream is joined that turns out wrong, the request for the right one leaves that much later: [asking twice](#asking-twice) would bring most of that back, for more requests than it is worth.
After a refusal the endpoint is left alone for as long as it says.
And the bound counts whatever is right of all its streams, such as the part of a line that a newer stream has not written its wrong token of yet, where a server shows one suggestion and goes on with it. That is likely what is missing on *local*, where a line of prose takes seconds; it was reasoned, not measured.

The head of the prompt is counted with the text before the cursor first and the text behind it last, so that all of the latter comes behind what changes with every key; and each jump of the cursor changes both.
A shorter text behind the cursor would keep the budget and tell the model less: that is for a measurement of quality to weigh, which there is none of yet.
"""
