package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// patience is how long a page may take to show something on a busy machine, beside other
// tests.
const patience = 3 * time.Minute

// Shows waits until an expression is true, for as long as a page may take.
func (t *Tab) Shows(ctx context.Context, expression string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.Until(ctx, expression)
}

// Quoted is a text as JavaScript writes it.
func Quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil { // a text never fails to be written
		return `""`
	}
	return string(data)
}

// Focused is what has the focus: what it is, and its text.
func (t *Tab) Focused() (text string, err error) {
	err = t.Eval(`(() => { const e = document.activeElement; return e.tagName + ' ' + (e.getAttribute('aria-label') || e.textContent).trim(); })()`, &text)
	return text, err
}

// SignIn gives the page a token, which it has asked for.
func (t *Tab) SignIn(ctx context.Context, token string) error {
	if err := t.Shows(ctx, `document.activeElement.id === 'token'`); err != nil {
		return fmt.Errorf("it does not ask for a token: %w", err)
	}
	if err := t.Type(token); err != nil {
		return err
	}
	return t.Press("Enter")
}
