package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func newLedger(t *testing.T) *Ledger {
	t.Helper()
	l := New()
	l.Open("bank", true)
	l.Open("cash", false)
	l.Open("rent", false)
	return l
}

func TestMoveChangesBothBalances(t *testing.T) {
	l := newLedger(t)
	if err := l.Move("bank", "cash", 5000, "withdrawn"); err != nil {
		t.Fatal(err)
	}
	cash, err := l.Account("cash")
	if err != nil {
		t.Fatal(err)
	}
	if cash.Balance != 5000 {
		t.Errorf("cash holds %d, want 5000", cash.Balance)
	}
	if l.Total() != 0 {
		t.Errorf("total is %d, want 0", l.Total())
	}
}

func TestMoveRefusesWhatIsNotThere(t *testing.T) {
	l := newLedger(t)
	err := l.Move("cash", "rent", 100, "too early")
	if !errors.Is(err, ErrNotEnough) {
		t.Errorf("got %v, want %v", err, ErrNotEnough)
	}
	err = l.Move("cash", "nowhere", 100, "")
	if !errors.Is(err, ErrUnknownAccount) {
		t.Errorf("got %v, want %v", err, ErrUnknownAccount)
	}
}

func TestBetweenLeavesOutTheEnd(t *testing.T) {
	l := newLedger(t)
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for hour := range 3 {
		l.now = func() time.Time { return noon.Add(time.Duration(hour) * time.Hour) }
		if err := l.Move("bank", "cash", 100, "hourly"); err != nil {
			t.Fatal(err)
		}
	}
	found := l.Between(noon, noon.Add(2*time.Hour))
	if len(found) != 2 {
		t.Errorf("found %d entries, want 2", len(found))
	}
}

func TestReportHasALineForEachAccount(t *testing.T) {
	l := newLedger(t)
	if err := l.Move("bank", "rent", 75000, "May"); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := l.WriteReport(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Errorf("the report has %d lines, want 3", len(lines))
	}
	if !strings.Contains(out.String(), "750.00") {
		t.Errorf("the report lacks the rent: %s", out.String())
	}
}
