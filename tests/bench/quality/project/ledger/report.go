package ledger

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Summary is what came into an account and what left it.
type Summary struct {
	Name string
	In   Cents
	Out  Cents
	Last time.Time
}

// Net returns how much more came in than left.
func (s Summary) Net() Cents {
	return s.In - s.Out
}

// String returns an amount with its cents behind a point.
func (c Cents) String() string {
	sign := ""
	if c < 0 {
		sign = "-"
		c = -c
	}
	return fmt.Sprintf("%s%d.%02d", sign, c/100, c%100)
}

// EntriesOf returns the entries of an account, the oldest first.
func (l *Ledger) EntriesOf(name string) []Entry {
	var found []Entry
	for _, entry := range l.entries {
		if entry.From == name || entry.To == name {
			found = append(found, entry)
		}
	}
	return found
}

// Between returns the entries of a span of time, without its end.
func (l *Ledger) Between(start, end time.Time) []Entry {
	var found []Entry
	for _, entry := range l.entries {
		if entry.At.Before(start) || !entry.At.Before(end) {
			continue
		}
		found = append(found, entry)
	}
	return found
}

// Summarize returns the summary of every account, sorted by name.
func (l *Ledger) Summarize() []Summary {
	byName := make(map[string]*Summary)
	for _, name := range l.Names() {
		byName[name] = &Summary{Name: name}
	}
	for _, entry := range l.entries {
		source, target := byName[entry.From], byName[entry.To]
		source.Out += entry.Amount
		target.In += entry.Amount
		source.Last = entry.At
		target.Last = entry.At
	}
	summaries := make([]Summary, 0, len(byName))
	for _, name := range l.Names() {
		summaries = append(summaries, *byName[name])
	}
	return summaries
}

// WriteReport writes a table of all summaries.
func (l *Ledger) WriteReport(out io.Writer) error {
	width := 0
	for _, name := range l.Names() {
		width = max(width, len(name))
	}
	for _, summary := range l.Summarize() {
		padding := strings.Repeat(" ", width-len(summary.Name))
		_, err := fmt.Fprintf(
			out, "%s%s %12s %12s\n", summary.Name, padding, summary.In, summary.Out,
		)
		if err != nil {
			return err
		}
	}
	return nil
}
