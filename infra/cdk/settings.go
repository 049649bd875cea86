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
)

// settings are what may differ from one deployment to the next. Each comes from CDK context (-c name=value, cdk.json). Those of
// the functions may also stand in the environment under the names that the functions and the command line use:
// DENYBATCH_INVX_URL is the context invx-url.
type settings struct {
	arch            string // context arch: arm64 (default) or x86_64
	denyBulkCode    string // context deny-bulk-code: a folder or zip with the bootstrap; empty means to build it
	denyBulkTimeout int    // context deny-bulk-timeout: seconds of one invocation (900)
	denyBulkMemory  int    // context deny-bulk-memory: MB (1769, where Lambda gives one whole processor)
	batchesAtOnce   int    // context batches-at-once: how many files are worked on side by side (4)
	maxReceives     int    // context max-receives: how often a message is tried before it is a dead letter (5)

	invx      map[string]string // variables of deny-bulk that are no secret, by name
	login     string            // context invx-login: the variable of the one secret, see logins
	secretARN string            // of that secret, where it exists already: context invx-token-arn and so on
}

// logins are the ways to prove to InvX who calls, and the variable that names the secret for each.
var logins = map[string]string{
	"token":         "invx-token-arn",       // a ready token
	"handle":        "invx-password-arn",    // the password of invx-handle
	"organisations": "invx-credentials-arn", // JSON: either of them for each organisation
}

// The most that the functions accept; a test holds these to internal/settings, which is too much to link for two numbers.
const (
	maxChunk       = 1000
	maxConcurrency = 256
)

// goarch names the architectures as Go does.
var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// loadSettings reads them. All faults are reported at once, each naming its context.
func loadSettings(context, getenv func(string) string) (settings, error) {
	r := reader{context: context, getenv: getenv}
	s := settings{
		arch:            r.choice("arch", "arm64", "x86_64"),
		denyBulkCode:    r.path("deny-bulk-code"),
		denyBulkTimeout: r.number("deny-bulk-timeout", 900, 1, 900),
		denyBulkMemory:  r.number("deny-bulk-memory", 1769, 512, 10240),
		batchesAtOnce:   r.number("batches-at-once", 4, 2, 1000),
		maxReceives:     r.number("max-receives", 5, 1, 1000),

		invx:  map[string]string{},
		login: r.choice("invx-login", "token", "handle", "organisations"),
	}
	r.plain(s.invx, "invx-url", address)
	r.plain(s.invx, "theodore-url", address)
	r.plain(s.invx, "invx-org", anything)
	r.plain(s.invx, "invx-auth", oneOf("both", "bearer", "flynn"))
	r.plain(s.invx, "chunk", wholeNumber(1, maxChunk))
	r.plain(s.invx, "concurrency", wholeNumber(1, maxConcurrency))
	r.login(&s)
	return s, errors.Join(r.faults...)
}

// login reads what the way to log in needs, and refuses what only another one does.
func (r *reader) login(s *settings) {
	for _, way := range slices.Sorted(maps.Keys(logins)) {
		name := logins[way]
		arn := r.setting(name)
		switch {
		case arn == "":
		case way != s.login:
			r.fault("%s is set, but invx-login is %s: it goes with %s", name, s.login, way)
		case !strings.HasPrefix(arn, "arn:"):
			r.fault("%s is not an ARN: give the ARN of a secret in Secrets Manager, never the secret itself", name)
		default:
			s.secretARN = arn
		}
	}
	handle := r.setting("invx-handle")
	if s.login == "handle" && handle == "" {
		r.fault("invx-handle is not set, and invx-login is handle")
	}
	if s.login == "handle" {
		s.invx[variable("invx-handle")] = handle
	} else if r.context("invx-handle") != "" {
		r.fault("invx-handle is set, but invx-login is %s: it goes with handle", s.login)
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

// plain adds a variable that deny-bulk gets, when it is set.
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

func address(text string) string {
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return ""
	}
	return "an address such as https://sandbox.services.vayananet.com"
}
