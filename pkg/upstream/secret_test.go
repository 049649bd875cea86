package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSecretNeverPrints(t *testing.T) {
	const word = "hunter2"
	s := NewSecret(word)
	holder := struct {
		Exported   Secret
		unexported Secret
		pointer    *Secret
		Grant      Grant
		Token      Token
	}{s, s, &s, Grant{Token: s, Until: time.Now()}, Token{Secret: s}}

	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10s"} {
		for _, v := range []any{s, &s, holder, &holder, []Secret{s}, map[string]Secret{"k": s}} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, v := range []any{s, holder, map[Secret]int{s: 1}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(b))
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("x", "secret", s, "holder", holder, "group", slog.GroupValue(slog.Any("s", s)))
	}
	printed = append(printed, log.String(), errors.Join(fmt.Errorf("with %v", s)).Error())
	for _, p := range printed {
		if strings.Contains(p, word) || strings.Contains(p, fmt.Sprintf("%x", word)) || strings.Contains(p, fmt.Sprintf("%X", word)) {
			t.Errorf("a secret got out: %s", p)
		}
	}
	for _, want := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(want, s); got != redacted {
			t.Errorf("%s prints %q", want, got)
		}
	}
	if b, _ := json.Marshal(s); string(b) != `"[redacted]"` {
		t.Errorf("JSON is %s", b)
	}
}

func TestSecretReveals(t *testing.T) {
	if got := NewSecret("hunter2").Reveal(); got != "hunter2" {
		t.Errorf("revealed %q", got)
	}
	if got := (Secret{}).Reveal(); got != "" || !(Secret{}).Empty() {
		t.Errorf("the zero Secret is not empty: %q", got)
	}
	if NewSecret("x").Empty() {
		t.Error("a secret says that it is empty")
	}
}
