"""What docs/benchmarks.md says about quality around its numbers; none was typed here."""

# One sentence a line, as in all Markdown here.
# ruff: noqa: E501

HEAD = """\
# Quality

How good a suggestion is, whatever time it takes.
This part of the page is written by `python tests/bench/quality --write`; nothing in it is typed by hand.

The server is the real one, `foretype --stdio`, and the model is the built-in one, a base model of 270 million parameters that is not told the text behind the cursor: a model for code that fills in the middle is right far more often.
Between the two stands a tap, which keeps what the model was sent and what it wrote, to the end of its budget of tokens; the server is handed all of it at once, so that what is counted is the suggestion as it is in the end.
Six hundred tokens before the cursor are sent, a third of what the server would send, so that a CPU is done in an hour.
The temperature is 0 and every prompt is evaluated on its own, so that the same prompt always has the same answer.

To run it, from a checkout with the `test` extra installed:

```sh
python tests/bench/quality                              # everything, which takes hours
python tests/bench/quality --only holes --n 12 --parts  # a few holes, to see it work
python tests/bench/quality --parts similar              # what one part adds
python tests/bench/quality --worst 10                   # prints the ten worst suggestions as well
python tests/bench/quality --write                      # writes this part of the page
```

With `--answers FILE` what the model wrote is kept, and a prompt that it was sent before is not asked again: after a change of the trim, the next run takes a minute.
The problems are read from a folder `shared/fim` beside the checkout, or the one that `--fim` names ([human-eval-infilling](https://github.com/openai/human-eval-infilling), MIT).
"""

MEASURES = """\
*Right*, *wrong* and *nothing* are what a person sees: the line at the cursor would be the true one, another one, or no suggestion is shown.
*Exact* are suggestions that are the missing text and no more.
*Similarity* is the normalised edit similarity of what is shown to what is missing (rapidfuzz's `ratio`), as a mean over all that are shown.
"""

HUMANEVAL = """\
A line is missing in a function, and its indentation stands before the cursor, as an editor puts it there; the model sees what is above.
*Tests* are the functions that pass their unit tests with the suggestion in the place of the line, of all; a line of which nothing is shown is left out of the function, which may pass without it.
"""

HOLES = """\
Holes are punched at nodes of the syntax tree: half of them in our own sources, the others in small projects in other languages and in a notebook.
The *rest of a statement* begins between any two of its words or signs; the *arguments of a call* are what belongs between parentheses that nothing but closing ones follows; the *body of a block* has at most eight lines; a *whole line* has its indentation before the cursor.
Each hole has a server of its own, so that nothing is known from another one, and lacks its text on disk as well.

A person does not come to a hole from nowhere, and each source of context has its chance.
The workspace is a copy of this project, so there is a test for most modules, a header for its code, and a definition somewhere for most names.
Four files in the same language are open: the three that have most rare names in common with the document, without the hole, and one at random; of a notebook, all cells.
For half of the holes, the line in those files, or further down in the document, that is most like the missing one is typed before the hole is come to, as in a change that is made in several places, if there is such a line; for the others the line above the hole is.
What a linter says about the document with the hole is shared, where it is Python (ruff).
Where the server gathers context, the person pauses before each of the last two keys until it has nothing more to do.
"""

PARTS = """\
The same places with and without each part, and nothing else changed.
*Right* is the share of places with a right suggestion; a place that only one of the two is right at is *gained* or *lost*.
In brackets is the interval that holds 95 of 100 means of as many places drawn from these by chance (bootstrap): a part is worth something where 0 is outside of it.
A place without a suggestion has a similarity of 0.
The trim is compared with all that the model wrote, and with the first line of it, at the places where the model was asked.
"""
