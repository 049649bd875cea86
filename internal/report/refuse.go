package report

import (
	"context"
	"errors"

	"denybatch/internal/objects"
)

// Refused is how a batch ended that was never begun: the file cannot be read, or is none of ours.
const Refused = "refused"

const refusalFile = "refused.txt"

// Refuse publishes, in place of a set of reports, the one sentence that says why there is none: refused.txt for people
// and summary.json. Like [Publish] it is safe to repeat.
func Refuse(ctx context.Context, out objects.Store, prefix string, s Summary, why string) (Summary, error) {
	if earlier, found, err := stored[Summary](ctx, out, prefix, s.owner()); found || err != nil {
		return earlier, err
	}
	s.Status, s.Stopped = Refused, why
	s.Counts, s.Notes = Counts{}, []string{}
	s.Invariant = Invariant{Holds: true, Sums: denialGenre.sums(0, nil)}
	s.Reports = map[string]string{"refused": prefix + refusalFile, "summary": prefix + summaryFile}
	b, err := encode(s)
	if err != nil {
		return Summary{}, err
	}
	for _, file := range []struct {
		name string
		body []byte
	}{{refusalFile, []byte(why + "\n")}, {summaryFile, b}} {
		if _, err := objects.CreateBytes(ctx, out, prefix+file.name, file.body); err != nil && !errors.Is(err, objects.ErrExists) {
			return Summary{}, err
		}
	}
	return kept[Summary](ctx, out, prefix, s.owner())
}
