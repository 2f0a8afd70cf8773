// Package ledger keeps accounts and what is moved between them.
package ledger

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Cents is an amount of money.
type Cents int64

// ErrUnknownAccount says that there is no account with a name.
var ErrUnknownAccount = errors.New("unknown account")

// ErrNotEnough says that an account holds less than is taken from it.
var ErrNotEnough = errors.New("not enough money")

// Account is one account and what it holds.
type Account struct {
	Name    string
	Balance Cents
	// MayOverdraw says whether the balance may fall below zero.
	MayOverdraw bool
}

// Entry is one movement from an account to another.
type Entry struct {
	From   string
	To     string
	Amount Cents
	Note   string
	At     time.Time
}

// Ledger keeps accounts by their names, and every entry in its order.
type Ledger struct {
	accounts map[string]*Account
	entries  []Entry
	now      func() time.Time
}

// New returns a ledger without accounts.
func New() *Ledger {
	return &Ledger{
		accounts: make(map[string]*Account),
		now:      time.Now,
	}
}

// Open adds an account; one that is there already stays as it is.
func (l *Ledger) Open(name string, mayOverdraw bool) *Account {
	if account, found := l.accounts[name]; found {
		return account
	}
	account := &Account{Name: name, MayOverdraw: mayOverdraw}
	l.accounts[name] = account
	return account
}

// Account returns the account with a name.
func (l *Ledger) Account(name string) (*Account, error) {
	account, found := l.accounts[name]
	if !found {
		return nil, fmt.Errorf("%w: %s", ErrUnknownAccount, name)
	}
	return account, nil
}

// Move takes an amount from an account and adds it to another.
func (l *Ledger) Move(from, to string, amount Cents, note string) error {
	if amount <= 0 {
		return fmt.Errorf("amount must be positive, not %d", amount)
	}
	source, err := l.Account(from)
	if err != nil {
		return err
	}
	target, err := l.Account(to)
	if err != nil {
		return err
	}
	if source.Balance < amount && !source.MayOverdraw {
		return fmt.Errorf("%w: %s holds %d", ErrNotEnough, from, source.Balance)
	}
	source.Balance -= amount
	target.Balance += amount
	entry := Entry{From: from, To: to, Amount: amount, Note: note, At: l.now()}
	l.entries = append(l.entries, entry)
	return nil
}

// Names returns the names of all accounts, sorted.
func (l *Ledger) Names() []string {
	names := make([]string, 0, len(l.accounts))
	for name := range l.accounts {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Total returns what all accounts hold together, which is always nothing.
func (l *Ledger) Total() Cents {
	var total Cents
	for _, account := range l.accounts {
		total += account.Balance
	}
	return total
}
