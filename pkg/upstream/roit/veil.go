package roit

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"denybatch/pkg/upstream"
)

// veil hides the secrets that it knows in what upstream says: some services repeat in a refusal what they were sent.
type veil struct {
	mu    sync.Mutex
	known []upstream.Secret // oldest first
}

const (
	maxKnown     = 64
	shortestHide = 6 // bytes: a shorter word is no secret, and would be missed in the text
)

// learn adds secrets, and forgets the oldest when there are too many.
func (v *veil) learn(secrets ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range secrets {
		if len(s) < shortestHide {
			continue
		}
		v.known = slices.DeleteFunc(v.known, func(k upstream.Secret) bool { return k.Reveal() == s })
		v.known = append(v.known, upstream.NewSecret(s))
	}
	v.known = v.known[max(0, len(v.known)-maxKnown):]
}

// learnBody adds what stands in a JSON text.
func (v *veil) learnBody(text string) {
	var body any
	if json.Unmarshal([]byte(text), &body) == nil {
		v.learn(stringsIn(body)...)
	}
}

func stringsIn(v any) (found []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, each := range v {
			found = append(found, stringsIn(each)...)
		}
	case map[string]any:
		for _, each := range v {
			found = append(found, stringsIn(each)...)
		}
	}
	return found
}

// hide replaces the secrets in a text, also where they are written as JSON writes them. Longer ones go first, for a
// short one may be part of a long one.
func (v *veil) hide(text string) string {
	v.mu.Lock()
	known := slices.Clone(v.known)
	v.mu.Unlock()
	slices.SortFunc(known, func(a, b upstream.Secret) int { return len(b.Reveal()) - len(a.Reveal()) })
	for _, k := range known {
		secret := k.Reveal()
		text = strings.ReplaceAll(text, secret, k.String())
		if escaped := strings.Trim(compact(secret), `"`); escaped != secret {
			text = strings.ReplaceAll(text, escaped, k.String())
		}
	}
	return text
}
