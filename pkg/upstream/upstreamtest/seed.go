package upstreamtest

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Document is one document to begin with.
type Document struct {
	DocID     string
	Org       string    // the server's first organisation when empty
	Status    string    // one of the nine known codes or 270; 200 when empty
	Comment   string    // of whoever brought it into that status
	Behaviour Behaviour // how it differs from a well-behaved document; several are joined with "+"
}

// Behaviour is a way in which one document misbehaves.
type Behaviour string

const (
	RefuseOpen Behaviour = "refuse-open" // a denial is refused although the status would allow it
	Unreadable Behaviour = "unreadable"  // reading it always answers 500
	Poison     Behaviour = "poison"      // a bulk call that names it answers 500 and applies nothing
	Missing    Behaviour = "missing"     // it never stands in a bulk answer, applied or not
)

// RefuseOpenWith is RefuseOpen with a code of one's own; without, it is err-document-locked.
func RefuseOpenWith(code string) Behaviour { return RefuseOpen + "=" + Behaviour(code) }

type behaviours uint8

const (
	refuseOpen behaviours = 1 << iota
	unreadable
	poison
	missing
)

var behaviourNames = map[Behaviour]behaviours{
	"": 0, RefuseOpen: refuseOpen, Unreadable: unreadable, Poison: poison, Missing: missing,
}

// Statuses are all codes a document can have.
var Statuses = []string{"100", "120", "200", "210", "220", "230", "240", "250", "260", "270"}

const (
	created   = 200
	accepted  = 210
	denied    = 220
	disputed  = 230
	cancelled = 240
)

// Add brings documents into being, or into another state when their ids are known. What happened to a known one is
// forgotten.
func (s *Server) Add(docs ...Document) error {
	for _, doc := range docs {
		if err := s.invx.add(doc); err != nil {
			return fmt.Errorf("document %q: %w", doc.DocID, err)
		}
	}
	return nil
}

func (x *invx) add(doc Document) error {
	status, err := parseStatus(cmp.Or(doc.Status, "200"))
	if err != nil {
		return err
	}
	flags, code, err := parseBehaviour(doc.Behaviour)
	if err != nil {
		return err
	}
	if doc.DocID == "" {
		return errors.New("it has no id")
	}
	r := record{status: status, behaviour: flags, deniedBefore: status == denied}
	if status != created {
		r.lastUpdated = x.earlier(foldHash([]byte(doc.DocID)))
	}
	x.store.mu.Lock()
	defer x.store.mu.Unlock()
	x.store.place(r, doc, code)
	return nil
}

// place adds a record or overwrites the one that has its id.
func (s *store) place(r record, doc Document, code string) {
	if doc.Org != "" {
		r.org = s.orgNumber(doc.Org)
	}
	r.comment = s.texts.share([]byte(doc.Comment))
	id := []byte(doc.DocID)
	n := s.find(id, foldHash(id))
	if n == 0 {
		n = s.add(r, id, foldHash(id))
	} else {
		old := s.at(n)
		r.id, r.next, r.face = s.texts.put(id), old.next, old.face
		*old = r
	}
	delete(s.history, n)
	delete(s.codes, n)
	if code != "" {
		s.codes[n] = code
	}
}

// autoRecord is the state of a document that nobody added: mostly created, by the shares Bad and Denied another.
func (x *invx) autoRecord(_ []byte, hash uint64) (record, bool) {
	if !x.cfg.Auto {
		return record{}, false
	}
	r := record{status: created}
	switch luck := x.server.luck.of(hash).share(); {
	case luck < x.cfg.Bad:
		r.status, r.lastUpdated = cancelled, x.earlier(hash)
	case luck < x.cfg.Bad+x.cfg.Denied:
		r.status, r.lastUpdated, r.deniedBefore = denied, x.earlier(hash), true
		r.comment = x.autoComment
	}
	return r, true
}

// earlier is a moment within the month before the server started, in ms.
func (x *invx) earlier(hash uint64) int64 {
	const month = 30 * 24 * time.Hour
	return x.epoch.Add(-time.Hour - time.Duration(hash%uint64(month))).UnixMilli()
}

func parseStatus(s string) (uint16, error) {
	if !slices.Contains(Statuses, s) {
		return 0, fmt.Errorf("status %q is none of %s", s, strings.Join(Statuses, ", "))
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err
}

func parseBehaviour(b Behaviour) (flags behaviours, code string, err error) {
	for part := range strings.SplitSeq(string(b), "+") {
		name, with, _ := strings.Cut(strings.TrimSpace(part), "=")
		flag, ok := behaviourNames[Behaviour(name)]
		if !ok || (with != "" && flag != refuseOpen) {
			return 0, "", fmt.Errorf("behaviour %q is none of refuse-open[=code], unreadable, poison, missing", part)
		}
		flags |= flag
		code = cmp.Or(code, with)
	}
	return flags, code, nil
}

// AddCSV adds the documents of a CSV file with a heading row: docId, and if present status, comment, behaviour and org.
// It tells how many there were.
func (s *Server) AddCSV(file io.Reader) (int, error) {
	return readCSV(file, s.documentRows)
}

// rowReader reads a heading and gives a function for the rows below it.
type rowReader func(heading []string) (func(row []string) error, error)

// readCSV reads a CSV file with a heading row. It tells how many rows stood below the heading.
func readCSV(file io.Reader, below rowReader) (int, error) {
	rows := csv.NewReader(file)
	rows.FieldsPerRecord, rows.ReuseRecord = -1, true
	heading, err := rows.Read()
	if err != nil {
		return 0, fmt.Errorf("seed file: heading: %w", err)
	}
	heading = slices.Clone(heading)
	heading[0] = strings.TrimPrefix(heading[0], "\ufeff")
	take, err := below(heading)
	if err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if err == io.EOF {
			return n, nil
		}
		if err == nil {
			err = take(row)
		}
		if err != nil {
			return n, fmt.Errorf("seed file: row %d: %w", n+2, err)
		}
	}
}

// column gives the cell of a row that stands under a name; empty when there is none.
func column(heading []string, name string) func(row []string) string {
	at := slices.IndexFunc(heading, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
	return func(row []string) string {
		if at < 0 || at >= len(row) {
			return ""
		}
		return strings.TrimSpace(row[at])
	}
}

// documentRows reads a heading and gives a function that adds what the rows below it say.
func (s *Server) documentRows(heading []string) (func(row []string) error, error) {
	id, org, status := column(heading, "docId"), column(heading, "org"), column(heading, "status")
	comment, behaviour := column(heading, "comment"), column(heading, "behaviour")
	if id(heading) == "" {
		return nil, fmt.Errorf("seed file: no column docId among %s", strings.Join(heading, ", "))
	}
	return func(row []string) error {
		return s.Add(Document{id(row), org(row), status(row), comment(row), Behaviour(behaviour(row))})
	}, nil
}
