package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// Each file in testdata is a story: sentences and commands, one a line, and below them the files on the user's desk,
// under marks as in txtar. A line that begins with # is for the reader. The commands are those of [verbs].
func TestStories(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			tell(t, path)
		})
	}
}

// story is one story being told.
type story struct {
	*testing.T
	*desk
	sim  *upstreamtest.Server
	last ending
	line string
}

func tell(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, desk: newDesk(t)}
	script, files, _ := strings.Cut("\n"+strings.ReplaceAll(string(b), "\r\n", "\n"), "\n-- ")
	s.lay(files)
	for n, text := range strings.Split(script, "\n")[1:] {
		s.line = path + ":" + strconv.Itoa(n+1)
		if words := split(text); len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			s.act(words[0], words[1:])
		}
	}
	if s.sim != nil {
		checkUpstream(t, s.sim)
	}
}

// lay puts the files of the story on the desk.
func (s *story) lay(files string) {
	if files == "" {
		return
	}
	for file := range strings.SplitSeq(files, "\n-- ") {
		name, content, _ := strings.Cut(file, " --\n")
		s.write(s.T, name, strings.TrimSuffix(content, "\n")+"\n")
	}
}

var storyWord = regexp.MustCompile(`'[^']*'|\S+`)

// split cuts a line into words. What stands between apostrophes is one.
func split(line string) []string {
	var words []string
	for _, w := range storyWord.FindAllString(line, -1) {
		if strings.HasPrefix(w, "'") {
			w = strings.Trim(w, "'")
		}
		words = append(words, w)
	}
	return words
}

func (s *story) act(verb string, args []string) {
	s.Helper()
	do, ok := verbs[verb]
	if !ok {
		s.Fatalf("%s: unknown verb %q", s.line, verb)
	}
	do(s, args)
}

// wrong says what is wrong at this line, and what the program said last.
func (s *story) wrong(format string, args ...any) {
	s.Helper()
	s.Errorf(s.line+": "+format+"\nstdout: %s\nstderr: %s", append(args, s.last.stdout, s.last.stderr)...)
}

// verbs are what a story can say.
var verbs = map[string]func(*story, []string){
	"upstream":  (*story).upstreamIs,
	"env":       (*story).setenv,
	"denybatch": func(s *story, args []string) { s.last = s.run(s.T, args...) },
	"exit":      (*story).exits,
	"stdout":    func(s *story, args []string) { s.says("stdout", s.last.stdout, args) },
	"stderr":    func(s *story, args []string) { s.says("stderr", s.last.stderr, args) },
	"json":      (*story).printsJSON,
	"verdicts":  (*story).verdicts,
	"calls":     func(s *story, args []string) { s.counted("bulk calls", s.sim.Counters().BulkCalls, args) },
	"denied":    func(s *story, args []string) { s.counted("denied", s.sim.Counters().Applied, args) },
	"logins":    func(s *story, args []string) { s.counted("logins", s.sim.Counters().Logins, args) },
	"exists":    func(s *story, args []string) { s.lie(true, args) },
	"absent":    func(s *story, args []string) { s.lie(false, args) },
	"copy":      func(s *story, args []string) { s.write(s.T, args[1], s.read(s.T, args[0])) },
	"folder":    func(s *story, args []string) { s.mkdir(args[0]) },
	"forge":     func(s *story, args []string) { s.write(s.T, args[1], forge(s.T, args[0])) },
	"readonly":  (*story).readonly,
	"outcomes":  (*story).outcomes,
	"asked":     (*story).asked,
	"settled":   (*story).settled,
	"minute":    func(*story, []string) { time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) },
}

// upstreamIs starts an upstream that knows the documents of upstream.csv, or takes it down and up again, which also mends the
// environment.
func (s *story) upstreamIs(args []string) {
	s.Helper()
	if len(args) == 1 && args[0] == "down" {
		s.sim.Stop()
		return
	}
	if len(args) == 1 && args[0] == "up" {
		if err := s.sim.Start(); err != nil {
			s.Fatal(err)
		}
		s.connect(s.sim)
		return
	}
	s.sim = upstreamtest.Start(s.T, s.upstreamLike(args))
	s.connect(s.sim)
}

func (s *story) upstreamLike(args []string) upstreamtest.Config {
	s.Helper()
	cfg := upstreamtest.Config{}
	if seed, err := os.ReadFile(s.path("upstream.csv")); err == nil {
		cfg.InvX.CSV = strings.NewReader(string(seed))
	}
	if seed, err := os.ReadFile(s.path("requests.csv")); err == nil {
		cfg.ROIT.CSV = strings.NewReader(string(seed))
	}
	for _, arg := range args {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "mode":
			cfg.InvX.Mode = upstreamtest.Mode(value)
		case "fault":
			cfg.Faults = value
		case "login":
			cfg.InvX.Handle, cfg.InvX.Password = "clerk@example.com", "correct horse"
			s.env["DENYBATCH_INVX_HANDLE"], s.env["DENYBATCH_INVX_PASSWORD"] = "clerk@example.com", "correct horse"
		case "answers":
			cfg.ROIT.Answers = value
		case "busy":
			cfg.InvX.SessionsUsed = 10
		default:
			s.Fatalf("%s: unknown setting %q", s.line, arg)
		}
	}
	return cfg
}

func (s *story) setenv(args []string) {
	name, value, _ := strings.Cut(args[0], "=")
	s.env[name] = value
}

func (s *story) exits(args []string) {
	s.Helper()
	if strconv.Itoa(s.last.code) != args[0] {
		s.wrong("exit status %d, want %s", s.last.code, args[0])
	}
}

// says wants each of the words in what was printed; without any, nothing at all.
func (s *story) says(where, text string, words []string) {
	s.Helper()
	if len(words) == 0 && text != "" {
		s.wrong("%s says something", where)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			s.wrong("%s does not say %q", where, w)
		}
	}
}

// printsJSON wants an object a line on stdout, each with the given value under the key: json exit_status 0 1.
func (s *story) printsJSON(args []string) {
	s.Helper()
	lines := strings.Split(strings.TrimSuffix(s.last.stdout, "\n"), "\n")
	if len(lines) != len(args)-1 {
		s.wrong("%d lines on stdout, want %d", len(lines), len(args)-1)
		return
	}
	for i, l := range lines {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(l), &object); err != nil {
			s.wrong("line %d: %v", i+1, err)
			continue
		}
		if got := strings.Trim(string(object[args[0]]), `"`); got != args[i+1] {
			s.wrong("%s of line %d is %s, want %s", args[0], i+1, got, args[i+1])
		}
	}
}

// verdicts wants the results in report.csv of a folder, in the rows' order.
func (s *story) verdicts(args []string) {
	s.Helper()
	var got []string
	for _, l := range s.report(s.T, args[0]) {
		got = append(got, string(l.result))
	}
	if want := strings.Join(args[1:], " "); strings.Join(got, " ") != want {
		s.wrong("verdicts %v, want %s", got, want)
	}
}

// outcomes wants the results of a sweep's report, counted from 1, in the order of its lines: outcomes 2 'r1 accepted'.
func (s *story) outcomes(args []string) {
	s.Helper()
	reports := s.sweeps(s.T, "exchange")
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n > len(reports) {
		s.wrong("there are %d reports, so none is number %s", len(reports), args[0])
		return
	}
	var got []string
	for _, l := range reports[n-1].lines {
		got = append(got, strings.TrimSpace(l.request+" "+string(l.result)))
	}
	if want := strings.Join(args[1:], ", "); strings.Join(got, ", ") != want {
		s.wrong("report %d says %v, want %s", n, got, want)
	}
}

// settled wants requests to have been accepted by ROIT, each in exactly one report.
func (s *story) settled(args []string) {
	s.Helper()
	times := map[string]int{}
	for _, r := range s.sweeps(s.T, "exchange") {
		for _, l := range r.lines {
			if l.result == verdict.Accepted {
				times[l.request]++
			}
		}
	}
	for _, id := range args {
		if times[id] != 1 {
			s.wrong("%s is accepted in %d reports", id, times[id])
		}
	}
}

// asked wants a request to have been asked for so many times: asked r1 2.
func (s *story) asked(args []string) {
	s.Helper()
	if got := s.sim.RequestTruth("", args[0]); strconv.Itoa(got.Asked) != args[1] {
		s.wrong("%s was asked for %d times, want %s", args[0], got.Asked, args[1])
	}
}

func (s *story) counted(what string, n int, args []string) {
	s.Helper()
	if strconv.Itoa(n) != args[0] {
		s.wrong("%d %s, want %s", n, what, args[0])
	}
}

// lie wants files to lie on the desk, or not to. A * stands for a part of a name.
func (s *story) lie(want bool, patterns []string) {
	s.Helper()
	for _, p := range patterns {
		found, err := filepath.Glob(s.path(p))
		if err != nil || (len(found) > 0) != want {
			s.wrong("%s: exists %v, want %v (%v)", p, len(found) > 0, want, err)
		}
	}
}

func (s *story) mkdir(name string) {
	s.Helper()
	if err := os.MkdirAll(s.path(name), 0o755); err != nil {
		s.Fatal(err)
	}
}

// readonly takes the right to write into a folder away. Where that does not bind the one who runs the test, it ends.
func (s *story) readonly(args []string) {
	s.Helper()
	s.mkdir(args[0])
	if err := os.Chmod(s.path(args[0]), 0o555); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.Chmod(s.path(args[0]), 0o755) })
	if os.WriteFile(s.path(args[0]+"/probe"), nil, 0o644) == nil {
		s.Skip("this user may write into read-only folders")
	}
}
