package sheet

import "fmt"

// maxStrings bounds the shared strings of a workbook: more than a full worksheet of 15 columns has.
const maxStrings = 16 << 20

// sharedStrings are the texts that a workbook's cells refer to by number, kept in little memory: the texts in a store
// that moves to a temporary file when it grows, and two bytes for each text's length.
type sharedStrings struct {
	store  spill
	blocks []stringBlock
	count  int
	long   map[int]int // lengths that do not fit in two bytes
}

// stringBlock is a run of texts that stand one after the other.
type stringBlock struct {
	start   int64
	lengths [64]uint16
}

const tooLong = 1<<16 - 1

func (s *sharedStrings) add(text []byte) error {
	if s.count == maxStrings {
		return refuse("split it into several files and try again", "holds more than %d different texts", maxStrings)
	}
	i := s.count % 64
	if i == 0 {
		s.blocks = append(s.blocks, stringBlock{start: s.store.size})
	}
	s.blocks[s.count/64].lengths[i] = uint16(min(len(text), tooLong))
	if len(text) >= tooLong {
		s.long[s.count] = len(text)
	}
	s.count++
	return s.store.write(text)
}

func (s *sharedStrings) length(n int) int {
	short := s.blocks[n/64].lengths[n%64]
	if short == tooLong {
		return s.long[n]
	}
	return int(short)
}

// appendText adds text number n to out.
func (s *sharedStrings) appendText(out []byte, n int) ([]byte, error) {
	if n < 0 || n >= s.count {
		return out, fmt.Errorf("%w: a cell refers to text %d of %d", errMalformed, n, s.count)
	}
	at := s.blocks[n/64].start
	for i := n &^ 63; i < n; i++ {
		at += int64(s.length(i))
	}
	return s.store.read(out, at, s.length(n))
}

func (s *sharedStrings) close() error { return s.store.close() }

// sharedStrings reads the part of that name; "" means that there is none.
func (p parts) sharedStrings(name string) (*sharedStrings, error) {
	s := &sharedStrings{long: map[int]int{}}
	if name == "" {
		return s, nil
	}
	var text richText
	err := p.scan(name, maxPart, func(x *xmlScanner) error {
		if x.kind == xmlStart && x.depth() == 2 && string(x.name) == "si" {
			text.reset()
			return nil
		}
		if x.kind == xmlEnd && x.depth() == 2 && string(x.name) == "si" {
			return s.add(unescape(text.bytes))
		}
		return text.token(x)
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, s.store.flush()
}

// richText gathers the text of a string item: plain, or in runs of different dress. Phonetic guides are not text.
type richText struct {
	bytes    []byte
	inText   bool
	phonetic bool
}

func (t *richText) reset() { *t = richText{bytes: t.bytes[:0]} }

func (t *richText) token(x *xmlScanner) (err error) {
	if x.kind == xmlText {
		if t.inText && !t.phonetic {
			t.bytes, err = x.appendText(t.bytes)
		}
		if len(t.bytes) > maxCell {
			return refuse("shorten it and try again", "holds a text of more than 1 MiB")
		}
		return err
	}
	switch string(x.name) {
	case "t":
		t.inText = x.kind == xmlStart
	case "rPh":
		t.phonetic = x.kind == xmlStart
	}
	return nil
}
