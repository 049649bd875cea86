package upstreamtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFaults reads a fault text (see FaultHelp). Errors name the rule and every rule at fault is named.
func ParseFaults(spec string) (Faults, error) {
	faults := Faults{spec: spec}
	var errs []error
	for token := range strings.SplitSeq(spec, ",") {
		token = strings.TrimSpace(token)
		if token == "" {
			continue
		}
		r, err := parseRule(token)
		if err != nil {
			errs = append(errs, fmt.Errorf("fault %q: %w", token, err))
		}
		faults.rules = append(faults.rules, r)
	}
	if err := errors.Join(errs...); err != nil {
		return Faults{}, err
	}
	return faults, nil
}

func parseRule(token string) (rule, error) {
	head, params, _ := strings.Cut(token, ":")
	head, calls, numbered := strings.Cut(head, "@")
	name, share, shared := strings.Cut(head, "=")
	r, err := namedRule(name)
	if err != nil {
		return r, err
	}
	if shared {
		if r.share, err = parseShare(share); err != nil {
			return r, err
		}
	}
	if numbered {
		if r.calls, err = parseCalls(calls); err != nil {
			return r, err
		}
	}
	return r, r.parseParams(params)
}

// namedRule is the rule that a name alone stands for.
func namedRule(name string) (rule, error) {
	r := rule{name: name, kind: Bulk, share: 1, retryAfter: -1, n: 1, delay: [2]time.Duration{time.Second, time.Second}}
	id := name
	if prefix, rest, ok := strings.Cut(name, "."); ok {
		if r.kind = Kind(prefix); !slices.Contains(faultPrefixes, r.kind) {
			return r, fmt.Errorf("unknown prefix %q, want one of %s", prefix+".", prefixes())
		}
		id = rest
	}
	kind, ok := faultKinds[faultID(id)]
	if !ok {
		return r, fmt.Errorf("unknown fault %q", id)
	}
	if !kind.befalls(r.kind) {
		return r, fmt.Errorf("%s means nothing for a %s call", id, r.kind)
	}
	r.faultKind, r.id = kind, faultID(id)
	return r, nil
}

func prefixes() string {
	var all []string
	for _, kind := range faultPrefixes {
		all = append(all, string(kind)+".")
	}
	return strings.Join(all, " ")
}

func parseShare(s string) (float64, error) {
	share, err := strconv.ParseFloat(s, 64)
	if err != nil || share < 0 || share > 1 || math.IsNaN(share) {
		return 0, fmt.Errorf("share %q is not a number from 0 to 1", s)
	}
	return share, nil
}

func parseCalls(s string) ([]span, error) {
	var spans []span
	for part := range strings.SplitSeq(s, ";") {
		from, to, ranged := strings.Cut(part, "-")
		first, err := parseCount(from)
		if err != nil {
			return nil, fmt.Errorf("call %q: want numbers from 1, such as 3;7;10-12;20-", part)
		}
		last := first
		if ranged && to == "" {
			last = math.MaxInt
		} else if ranged {
			last, err = parseCount(to)
		}
		if err != nil || last < first {
			return nil, fmt.Errorf("calls %q: want a range such as 10-12 or 20-", part)
		}
		spans = append(spans, span{first, last})
	}
	return spans, nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number from 1", s)
	}
	return n, nil
}

func (r *rule) parseParams(s string) error {
	if s == "" {
		return nil
	}
	for param := range strings.SplitSeq(s, ":") {
		name, value, _ := strings.Cut(param, "=")
		if !slices.Contains(r.params, name) {
			return fmt.Errorf("unknown parameter %q", name)
		}
		if err := r.set(name, value); err != nil {
			return fmt.Errorf("parameter %q: %w", param, err)
		}
	}
	return nil
}

func (r *rule) set(name, value string) (err error) {
	switch name {
	case "retry-after":
		r.retryAfter, err = parseSeconds(value)
	case "date":
		r.date = true
	case "after":
		r.stage = ending
	case "items":
		r.items, err = parseCount(value)
	case "bytes":
		r.bytes, err = parseCount(value)
	case "calls":
		r.tokenCalls, err = parseCount(value)
	case "n":
		r.n, err = parseCount(value)
	case "for":
		r.outage, err = parseDuration(value)
	case "delay":
		r.delay, err = parseDelay(value)
	}
	return err
}

func parseSeconds(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", s)
	}
	return n, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 50ms or 2s", s)
	}
	return d, nil
}

// parseDelay reads a duration or a range of durations.
func parseDelay(s string) (delay [2]time.Duration, err error) {
	from, to, ranged := strings.Cut(s, "-")
	if !ranged {
		to = from
	}
	if delay[0], err = parseDuration(from); err != nil {
		return delay, err
	}
	if delay[1], err = parseDuration(to); err == nil && delay[1] < delay[0] {
		err = errors.New("the range runs backwards")
	}
	return delay, err
}
