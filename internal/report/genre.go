package report

import (
	"fmt"
	"strings"

	"denybatch/internal/verdict"
)

// genre is what tells the reports of a denial batch from those of a sweep.
type genre struct {
	title       string
	noun, nouns string // of a line
	whole       string // what the lines are of
	results     []verdict.Result
	lexicon     map[verdict.Result]words
	ordered     bool // lines are rows of one file, in its order
	headline    func(Summary) string
	chapters    func(Summary) []chapter
	retry       func(Row) (cells []string, again bool) // what of a line stands in the retry file, if it does
}

// chapter is a heading and facts below it.
type chapter struct {
	heading string
	facts   []fact
}

var denialGenre = &genre{
	title: "Denial report", noun: "row", nouns: "Rows", whole: "file", results: verdict.Results, lexicon: denialLexicon, ordered: true, headline: headline,
	chapters: func(s Summary) []chapter {
		return []chapter{{"The batch", batchFacts(s)}, {"How the file was read", readingFacts(s)}}
	},
	retry: func(r Row) ([]string, bool) {
		switch r.Verdict.Result {
		case verdict.Rejected, verdict.Invalid, verdict.Unknown, verdict.NotSent:
			return r.Cells, true
		}
		return nil, false
	},
}

func (l Layout) genre() *genre {
	if l.of == nil {
		return denialGenre
	}
	return l.of
}

// sums is the invariant in words.
func (g *genre) sums(lines int, c Counts) string {
	var parts []string
	for _, r := range g.results {
		if c[r] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", grouped(c[r]), r))
		}
	}
	if len(parts) == 0 {
		return g.equation(lines, c)
	}
	return g.equation(lines, c) + ": " + strings.Join(parts, " + ")
}

// equation is the invariant in short: "3 rows = 3 verdicts".
func (g *genre) equation(lines int, c Counts) string {
	return plural(lines, g.noun) + " = " + plural(verdict.Counts(c).Total(), "verdict")
}
