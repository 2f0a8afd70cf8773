"""What docs/latency.md says around its numbers; no number in here was measured."""

# One sentence a line, as in all Markdown here.
# ruff: noqa: E501

HEAD = """\
# Latency

How long a key takes from the editor's side, and what it costs.
This page is written by `python tests/bench/latency.py --write`; nothing on it is typed by hand.

The server is the real one, `foretype --stdio`, in a process of its own.
The endpoint is a fake one, in another process on the same machine, so the time a model takes is in no number but those of the [example sessions](#example-sessions).
Stamps are of Python's `perf_counter_ns`, which on Linux is one clock for all processes.
What is compared takes turns, key by key or run by run: compare the ratios, and take the milliseconds for this machine's.
p50 is the median; p95 and p99 are what 95 and 99 of 100 stay below.

To measure your own machine, from a checkout with the `test` extra installed:

```sh
python tests/bench/latency.py           # prints the tables, after a few minutes
python tests/bench/latency.py --quick   # a few keys of each, to see it work
python tests/bench/latency.py --write   # writes this page
```
"""

MEMORY = """\
A suggestion is typed as suggested, a character at a time, at one place after the other.
Each key is a `didChange` and a `textDocument/inlineCompletion` in one write; the time is from before that write to the last byte of the response read.
*Stock* is a server that pygls alone makes (`tests/bench/stock_server.py`), given the same bytes: its handler answers a constant, so what it takes is only transport, decoding and the document.
*Asked again* counts the keys for which the model was asked although it had been asked before; the time then includes the endpoint's.
"""
MEMORY_FOUND = """\
The time does not grow with the number of lines, because an edit changes the list of lines in place and a snapshot takes what is around the cursor.
Where a key ends no line, the line is not split again, however long it is; a position in a line that is not ASCII is found by encoding the line, which is what the last row pays for.
"""

WRITTEN = """\
Each key is typed where the model has not been asked before, so each becomes a request.
The time is from before the key is written to the endpoint having read and parsed the whole HTTP request: a pipe and a loopback connection are in it.
*Kept* is the share of requests that went over a connection that was open already.
A stream that ends by itself keeps its connection; one that is left because enough was read closes it, as that is the only way to tell an HTTP/1.1 server to stop.
*Down the file* moves a few lines at a time, *anywhere* jumps through the whole file.
"""
WRITTEN_FOUND = """\
What was tried: the table of [the HTTP backends](#the-http-backends) has the same request made without the server.
Most of the time of a request is the `openai` package's: it builds the request's options, headers and URL anew each time, and its aiohttp transport converts that request into another one.
What was tried: sending the same request through aiohttp alone, which took about 0.6 of the time; the package is kept, as it is what users of Foretype know and its errors are what this code is written for.
The server's own share is what an [answer from memory](#answers-from-memory) takes, and the prompt.
A jump costs more in a long file, because finding where a line begins walks from the place last used, and what stands around the new place is looked through for secrets for the first time.
"""

ANSWERED = """\
From before the endpoint writes what completes the answer, to the last byte of the response read.
What completes it is the line end in the last chunk, after which the server reads no more, or the end of the stream.
The endpoint pauses before it, so the server has to wake up, as it does between the chunks of a real model.
"""
ANSWERED_FOUND = """\
A chunk passes through aiohttp, the `openai` package's decoder of events and four generators before the generation has it, and wakes the request's task.
Where the line's end completes the answer, those who wait for it are let run before the stream is closed; closing it first took a millisecond more.
Where the stream's end completes it, the rest of the body is read first, which keeps the connection.
"""

ABORTS = """\
A stream stands still behind its first chunk; a key is typed that it does not agree with.
The time is from before that `didChange` is written to the endpoint seeing the connection closed.
"""
ABORTS_FOUND = ""

START = """\
From before the process is started; the import is over when a byte that is written behind it has been read.
The runs take turns.
"""
START_FOUND = """\
`python -X importtime` says where the time goes: by far most of it is `lsprotocol.types`, which every pygls server waits for.
The rest of the difference is Foretype's own modules with `platformdirs` and `argparse`, and making the server.
The HTTP client is imported in a thread as soon as `initialize` is answered.
"""

RESIDENT = """\
Each document has been completed in once.
The difference between the servers is the HTTP client, which is imported for the first request, and what is remembered.
"""
RESIDENT_FOUND = ""

CPU = """\
CPU time of the server's process, user and system, as the operating system counts it.
A key from memory is a `didChange` and a request.
A chunk costs the difference between a stream of 512 chunks and one that brings the same text in one, divided by 511; a request is the latter.
In the first two kinds of stream the endpoint writes as fast as it can, so that the server reads several chunks at once.
"""
CPU_FOUND = """\
Reading a chunk off the wire is the smaller part, as [the HTTP backends](#the-http-backends) show.
The rest is done for each chunk over the text so far: markers are looked for at its end, and the request that waits is woken and cuts it to shape.
The generation does so only where a chunk ends or begins a line, and markers are tried only where a character of one is near the end, which halved the time of a chunk.
A chunk that comes alone costs a turn of the event loop and its system calls as well, whatever reads it.
"""

BACKENDS = """\
The same request and stream, read in the benchmark's own process: what each way to talk HTTP costs by itself.
The connection is kept; the endpoint writes as fast as it can.
"""
BACKENDS_FOUND = """\
This is why Foretype reads raw events and has the package send through aiohttp.
"""

DECODING = """\
The parameters of one `didChange` of one character, from a dictionary to the protocol's classes.
"""

BOOKKEEPING = """\
What it costs to be able to say where the time of a request went: for `foretype.explain`, and for `foretype stats`.
"""

SESSIONS = """\
A person types short pieces of code in real time, at gaps that two programmers were recorded with, whatever the server does meanwhile.
The editor behaves like VS Code: it asks with every change, cancels what it asked before, and keeps what is shown while that is what is typed.
The endpoint knows the text that will be typed and answers with it, a token at a time: *spark* after 150 ms at 1,000 tokens/s, *cloud* after 400 ms at 80 tokens/s.
One token in 20 is wrong, at places that are the same in every run, so a line is wrong as a whole until the person has typed past that token.
Every session (`tests/bench/sessions.py`) has a server and an endpoint of its own.
*Right* is the share of keys that were pressed with a right suggestion on screen, accepting included, and *wrong* that with another one; right means that its first line with text is what the person is about to type there, or goes on behind that.
*Shown* is from a key to the right suggestion that came before the next key; one that stayed on screen did not come, and one that came too late is not in it.
*After accepting* is the median from an acceptance until something right is on screen again, however many keys later.
*Tokens* were written by the endpoint, *k chars sent* are the prompts and suffixes, in thousands of characters; *late* is the worst delay of a key or a token against its schedule.
"""
SESSIONS_FOUND = """\
What was tried: reading a stream for one, four and eight lines behind the one that was asked for.
With four lines the requests were 0.88 (*spark*) and 0.90 (*cloud*) of those with one, for 1.02 and 1.03 times the tokens; eight lines brought no request less and 1.06 times the tokens of four.
A line is right only as a whole here, so that most of what is *wrong* is the line in which the one wrong token in 20 still lies ahead.
"""
