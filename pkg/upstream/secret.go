package upstream

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that prints as [redacted] whatever prints it: fmt with any verb, JSON, slog. The string stands
// behind a pointer because fmt walks unexported fields without asking their methods. The zero Secret is empty.
type Secret struct{ s *string }

// NewSecret hides a string.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal gives the string back. Its callers are the places where a header or a login is written.
func (s Secret) Reveal() string {
	if s.s == nil {
		return ""
	}
	return *s.s
}

// Empty reports whether there is nothing to hide.
func (s Secret) Empty() bool { return s.Reveal() == "" }

func (Secret) String() string               { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
