package main

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
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
//
// An environment (context env) is a block of such settings in cdk.json, over which what is given besides has the last word.
type settings struct {
	env  string            // context env: hom or prod; empty for neither
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

	reserve string // context reserve-concurrency: yes (default), or no where the account has no concurrency to reserve

	inboxDays  int // context inbox-days: for how long files stay in the inbox (90)
	reportDays int // context report-days: for how long reports are kept (365)
	stateDays  int // context state-days: for how long it is known what became of a batch (400)
	logDays    int // context log-days: for how long logs are kept (90)

	mail                 []string // context mail: who is told of finished files and sweeps; addresses with commas between them
	alarmMail            []string // context alarm-mail: who is told of alarms; empty for those of mail
	alarmBatchMinutes    int      // context alarm-batch-minutes: how old a batch may get until that is an alarm (60)
	alarmRejectedPercent int      // context alarm-rejected-percent: which share of rejected rows is an alarm (20)

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
func loadSettings(context map[string]string, getenv func(string) string) (settings, error) {
	r := reader{given: context, getenv: getenv, known: map[string]bool{}}
	s := settings{
		env:  r.env(),
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

		reserve: r.choice("reserve-concurrency", "yes", "no"),

		inboxDays:  r.number("inbox-days", 90, 14, 3650),
		reportDays: r.number("report-days", 365, 14, 3650),
		stateDays:  r.number("state-days", 400, 30, 7300),
		logDays:    r.days("log-days", 90),

		mail:                 r.mail("mail"),
		alarmMail:            r.mail("alarm-mail"),
		alarmBatchMinutes:    r.number("alarm-batch-minutes", 60, 1, 10080),
		alarmRejectedPercent: r.number("alarm-rejected-percent", 20, 1, 100),

		invx:              r.invx(),
		roit:              r.roit(),
		sweep:             r.sweep(),
		callbackSecretARN: r.arn("callback-token-arn"),
	}
	if len(s.alarmMail) == 0 {
		s.alarmMail = s.mail
	}
	r.outlives(s)
	r.hosts(s)
	r.strangers()
	return s, errors.Join(r.faults...)
}

// stackName tells the environments of one account apart.
func (s settings) stackName() string {
	if s.env == "" {
		return "Denybatch"
	}
	return "Denybatch-" + s.env
}

// outlives refuses to forget what became of a batch while its file can still be read: it stays in the inbox for inbox-days, and as
// an old version for as long again. Whoever then went on with the batch would send every row again.
func (r *reader) outlives(s settings) {
	if s.stateDays <= 2*s.inboxDays {
		r.fault("state-days is %d: it must be more than twice inbox-days, which is %d, or a batch is forgotten while its file is still there", s.stateDays, s.inboxDays)
	}
}

// hosts refuses addresses of the other environment. What is denied or reprocessed by mistake stays so.
func (r *reader) hosts(s settings) {
	for _, variables := range []map[string]string{s.invx.variables, s.roit.variables} {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			u, err := url.Parse(variables[name])
			if err != nil || u.Host == "" {
				continue
			}
			if of := environmentOf[strings.ToLower(u.Hostname())]; s.env != "" && of != "" && of != s.env {
				r.fault("%s is %s, which is %s, but env is %s: give the address of %s, or another env", contextOfVariable(name), variables[name], of, s.env, s.env)
			}
		}
	}
}

// environmentOf is where a host belongs.
var environmentOf = map[string]string{
	"hom.roit.ai": "hom", "sandbox.services.vayananet.com": "hom",
	"app.roit.ai": "prod", "services.vayana.com": "prod",
}

// strangers refuses what is no setting: a name with a letter wrong would otherwise do nothing, and nobody would notice.
func (r *reader) strangers() {
	for _, name := range slices.Sorted(maps.Keys(r.given)) {
		if !r.known[name] {
			r.fault("%s is no setting of this stack: infra/cdk/settings.go lists them", name)
		}
	}
}

func (r *reader) env() string {
	text := r.context("env")
	if text != "" && text != "hom" && text != "prod" {
		r.fault("env is %q: it must be hom or prod", text)
	}
	return text
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

// contextOfVariable is the setting that leads to a variable.
func contextOfVariable(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "DENYBATCH_")), "_", "-")
}

// reader reads settings and collects what is wrong with them.
type reader struct {
	given  map[string]string // the context
	getenv func(string) string
	known  map[string]bool // names that were asked for
	faults []error
}

// context is a setting from there only, empty when it is not given.
func (r *reader) context(name string) string {
	r.known[name] = true
	return r.given[name]
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

// days is a time for which CloudWatch can keep a log.
func (r *reader) days(name string, normal int) int {
	days := r.number(name, normal, 1, 3650)
	if _, ok := retentions[days]; !ok {
		r.fault("%s is %d: it must be one of %v, which are the times that CloudWatch offers", name, days, slices.Sorted(maps.Keys(retentions)))
	}
	return days
}

// mail is a list of addresses.
func (r *reader) mail(name string) []string {
	list := strings.FieldsFunc(r.context(name), func(c rune) bool { return c == ',' || c == ' ' })
	for _, text := range list {
		if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
			r.fault("%s names %q, which is no mail address: give name@host.example, with commas between several", name, text)
		}
	}
	return list
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
