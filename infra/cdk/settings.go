package main

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what may differ from one deployment to the next. Each comes from CDK context (-c name=value, cdk.json). Those of
// the functions may also stand in the environment under the names that the functions and the command line use:
// DENYBATCH_INVX_URL is the context invx-url.
type settings struct {
	arch string            // context arch: arm64 (default) or x86_64
	code map[string]string // context <function>-code: a folder or zip with the bootstrap; empty means to build it

	denyBulkTimeout int // context deny-bulk-timeout: seconds of one invocation (900)
	denyBulkMemory  int // context deny-bulk-memory: MB (1769, where Lambda gives one whole processor)
	batchesAtOnce   int // context batches-at-once: how many files are worked on side by side (4)
	maxReceives     int // context max-receives: how often a message is tried before it is a dead letter (5)

	reprocessTimeout int  // context reprocess-timeout: seconds of one sweep (300)
	reprocessMemory  int  // context reprocess-memory: MB (256)
	sweepEvery       rate // context sweep-every: time from one sweep to the next (15 minutes)

	callbackRate  int // context callback-rate: calls a second that ROIT may make (50)
	callbackBurst int // context callback-burst: calls at once (100)

	invx              upstream
	roit              upstream
	sweep             map[string]string // variables about sweeps, by name
	callbackSecretARN string            // context callback-token-arn: of the token that ROIT shows, where it exists already
}

// upstream is what a function knows of InvX or ROIT.
type upstream struct {
	variables map[string]string // that are no secret, by name
	login     string            // context invx-login, roit-login: names the variable of the one secret
	secretARN string            // of that secret, where it exists already: context invx-token-arn and so on
}

// functions are all there are, as their folders are named.
var functions = []string{"deny-bulk", "reprocess", "callback"}

// invxLogins are the ways to prove to InvX who calls, and the variable that names the secret for each.
var invxLogins = map[string]string{
	"token":         "invx-token-arn",       // a ready token
	"handle":        "invx-password-arn",    // the password of invx-handle
	"organisations": "invx-credentials-arn", // JSON: either of them for each organisation
}

// roitLogins are those for ROIT.
var roitLogins = map[string]string{
	"token":   "roit-token-arn",      // a ready token
	"fetched": "roit-token-body-arn", // JSON: what is posted to roit-token-url to get one
}

// The most that the functions accept; a test holds these to internal/settings, which is too much to link for a few numbers.
const (
	maxChunk       = 1000
	maxConcurrency = 256

	maxSweepLimit    = 100_000
	maxSweepAttempts = 100
	maxSweepBackoff  = 7 * 24 * time.Hour
)

// goarch names the architectures as Go does.
var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// loadSettings reads them. All faults are reported at once, each naming its context.
func loadSettings(context, getenv func(string) string) (settings, error) {
	r := reader{context: context, getenv: getenv}
	s := settings{
		arch: r.choice("arch", "arm64", "x86_64"),
		code: r.code(),

		denyBulkTimeout: r.number("deny-bulk-timeout", 900, 1, 900),
		denyBulkMemory:  r.number("deny-bulk-memory", 1769, 512, 10240),
		batchesAtOnce:   r.number("batches-at-once", 4, 2, 1000),
		maxReceives:     r.number("max-receives", 5, 1, 1000),

		reprocessTimeout: r.number("reprocess-timeout", 300, 1, 900),
		reprocessMemory:  r.number("reprocess-memory", 256, 128, 10240),
		sweepEvery:       r.rate("sweep-every", rate{minutes: 15}),

		callbackRate:  r.number("callback-rate", 50, 1, 10000),
		callbackBurst: r.number("callback-burst", 100, 1, 5000),

		invx:              r.invx(),
		roit:              r.roit(),
		sweep:             r.sweep(),
		callbackSecretARN: r.arn("callback-token-arn"),
	}
	return s, errors.Join(r.faults...)
}

func (r *reader) code() map[string]string {
	code := map[string]string{}
	for _, name := range functions {
		code[name] = r.path(name + "-code")
	}
	return code
}

func (r *reader) invx() upstream {
	u := upstream{variables: map[string]string{}, login: r.choice("invx-login", "token", "handle", "organisations")}
	r.plain(u.variables, "invx-url", address)
	r.plain(u.variables, "theodore-url", address)
	r.plain(u.variables, "invx-org", anything)
	r.plain(u.variables, "invx-auth", oneOf("both", "bearer", "flynn"))
	r.plain(u.variables, "chunk", wholeNumber(1, maxChunk))
	r.plain(u.variables, "concurrency", wholeNumber(1, maxConcurrency))
	u.secretARN = r.secretOf("invx-login", u.login, invxLogins)
	r.onlyWith("invx-login", u.login, "handle", "invx-handle")
	if u.login == "handle" {
		r.plain(u.variables, "invx-handle", anything)
		if u.variables[variable("invx-handle")] == "" {
			r.fault("invx-handle is not set, and invx-login is handle")
		}
	}
	return u
}

func (r *reader) roit() upstream {
	u := upstream{variables: map[string]string{}, login: r.choice("roit-login", "token", "fetched")}
	r.plain(u.variables, "roit-url", address)
	r.plain(u.variables, "roit-auth-prefix", anything)
	u.secretARN = r.secretOf("roit-login", u.login, roitLogins)
	r.onlyWith("roit-login", u.login, "fetched", "roit-token-url", "roit-token-field")
	if u.login == "fetched" {
		r.plain(u.variables, "roit-token-url", address)
		r.plain(u.variables, "roit-token-field", anything)
	}
	return u
}

func (r *reader) sweep() map[string]string {
	variables := map[string]string{}
	r.plain(variables, "sweep-limit", wholeNumber(1, maxSweepLimit))
	r.plain(variables, "sweep-attempts", wholeNumber(1, maxSweepAttempts))
	r.plain(variables, "sweep-backoff", duration(maxSweepBackoff))
	return variables
}

// secretOf is the ARN of the secret that a way to log in needs, if one is given. What only another way needs is refused.
func (r *reader) secretOf(setting, login string, logins map[string]string) (arn string) {
	for _, way := range slices.Sorted(maps.Keys(logins)) {
		name := logins[way]
		switch given := r.arn(name); {
		case given == "":
		case way != login:
			r.fault("%s is set, but %s is %s: it goes with %s", name, setting, login, way)
		default:
			arn = given
		}
	}
	return arn
}

// onlyWith refuses settings in the context that go with another way to log in. In the environment they may stand: it serves the
// command line, too.
func (r *reader) onlyWith(setting, login, way string, names ...string) {
	for _, name := range names {
		if login != way && r.context(name) != "" {
			r.fault("%s is set, but %s is %s: it goes with %s", name, setting, login, way)
		}
	}
}

// variable is the name of a setting in the functions' environment.
func variable(context string) string {
	return "DENYBATCH_" + strings.ToUpper(strings.ReplaceAll(context, "-", "_"))
}

// reader reads settings and collects what is wrong with them.
type reader struct {
	context, getenv func(string) string
	faults          []error
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// setting is from the context, or else from the environment.
func (r *reader) setting(name string) string {
	if v := r.context(name); v != "" {
		return v
	}
	return r.getenv(variable(name))
}

func (r *reader) number(name string, normal, least, most int) int {
	text := r.context(name)
	if text == "" {
		return normal
	}
	if why := wholeNumber(least, most)(text); why != "" {
		r.fault("%s is %q: it must be %s", name, text, why)
	}
	n, _ := strconv.Atoi(text)
	return n
}

// choice is one of the options; the first is the default.
func (r *reader) choice(name string, options ...string) string {
	text := r.context(name)
	if text == "" {
		return options[0]
	}
	if why := oneOf(options...)(text); why != "" {
		r.fault("%s is %q: it must be %s", name, text, why)
	}
	return text
}

// rate is a time such as "15 minutes".
func (r *reader) rate(name string, normal rate) rate {
	text := r.context(name)
	if text == "" {
		return normal
	}
	var n int
	var unit, more string
	fields, _ := fmt.Sscanln(text, &n, &unit, &more)
	each := map[string]int{"minute": 1, "hour": 60, "day": 24 * 60}[strings.TrimSuffix(unit, "s")]
	if fields != 2 || each == 0 || n < 1 || n > 24*60/each {
		r.fault("%s is %q: it must be a time from 1 minute to 1 day, such as 15 minutes or 2 hours", name, text)
		return normal
	}
	return rate{minutes: n * each}
}

// arn is that of a secret, if one is given.
func (r *reader) arn(name string) string {
	arn := r.setting(name)
	if arn != "" && !strings.HasPrefix(arn, "arn:") {
		r.fault("%s is not an ARN: give the ARN of a secret in Secrets Manager, never the secret itself", name)
	}
	return arn
}

// path is a file or folder that is there.
func (r *reader) path(name string) string {
	text := r.context(name)
	if text == "" {
		return ""
	}
	if _, err := os.Stat(text); err != nil {
		r.fault("%s: %v", name, err)
	}
	return text
}

// plain adds a variable that a function gets, when it is set.
func (r *reader) plain(into map[string]string, name string, check rule) {
	text := r.setting(name)
	if text == "" {
		return
	}
	if why := check(text); why != "" {
		r.fault("%s is %q: it must be %s", name, text, why)
	}
	into[variable(name)] = text
}

// rule says what a text must be that is not right, and nothing of one that is.
type rule func(text string) string

func anything(string) string { return "" }

func oneOf(options ...string) rule {
	return func(text string) string {
		if slices.Contains(options, text) {
			return ""
		}
		return strings.Join(options, " or ")
	}
}

func wholeNumber(least, most int) rule {
	return func(text string) string {
		if n, err := strconv.Atoi(text); err == nil && n >= least && n <= most {
			return ""
		}
		return fmt.Sprintf("a whole number from %d to %d", least, most)
	}
}

func duration(most time.Duration) rule {
	return func(text string) string {
		if d, err := time.ParseDuration(text); err == nil && d >= 0 && d <= most {
			return ""
		}
		return fmt.Sprintf("a time up to %v, such as 15m or 1h30m", most)
	}
}

func address(text string) string {
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return ""
	}
	return "an address such as https://host.example"
}
