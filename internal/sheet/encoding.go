package sheet

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// charset is how a text file's bytes become characters.
type charset struct {
	name string
	mark int // bytes of byte order mark before the text
	enc  encoding.Encoding
}

var (
	utf8Plain  = charset{name: "utf-8"}
	utf8Marked = charset{name: "utf-8-bom", mark: 3}
	utf16LE    = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16BE    = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	western    = charset{name: "windows-1252", enc: charmap.Windows1252}
)

// marks are the byte order marks, longer ones first: UTF-32LE begins with UTF-16LE's.
var marks = []struct {
	begin string
	charset
}{
	{"\xFF\xFE\x00\x00", charset{"utf-32le", 4, utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)}},
	{"\x00\x00\xFE\xFF", charset{"utf-32be", 4, utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)}},
	{"\xEF\xBB\xBF", utf8Marked},
	{"\xFF\xFE", charset{"utf-16le", 2, utf16LE}},
	{"\xFE\xFF", charset{"utf-16be", 2, utf16BE}},
}

// text is a text file's content in UTF-8, without its byte order mark.
func (c charset) text(r io.ReaderAt, size int64) io.Reader {
	var in io.Reader = io.NewSectionReader(r, int64(c.mark), size-int64(c.mark))
	if c.enc == nil {
		return in
	}
	return transform.NewReader(in, c.enc.NewDecoder())
}

// detectCharset looks at the whole file: one accent in the last line decides as well as one in the first.
// The census tells where the file breaks the rules of the charset, if it does.
func detectCharset(r io.ReaderAt, size int64) (charset, census, error) {
	head, err := readHead(r, size)
	if err != nil {
		return charset{}, census{}, err
	}
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.begin)) && m.enc != nil {
			return m.charset, newCensus(), nil
		}
	}
	if c, ok := unmarkedUTF16(head); ok {
		return c, newCensus(), nil
	}
	found, err := takeCensus(r, size)
	if err != nil {
		return charset{}, found, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		return utf8Marked, found, nil
	case found.invalid < 0, found.sequences > found.broken:
		return utf8Plain, found, nil // when it is broken here and there, the caller refuses it
	}
	found.invalid = -1
	return western, found, nil
}

// unmarkedUTF16 knows UTF-16 without a mark by its zero bytes: text in it has many, nearly all on the same side.
func unmarkedUTF16(head []byte) (charset, bool) {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	all := zeros[0] + zeros[1]
	if len(head)%2 != 0 || all < 2 || all*10 < len(head) {
		return charset{}, false
	}
	switch {
	case zeros[0]*50 <= zeros[1] && plain(head, 0):
		return charset{name: "utf-16le", enc: utf16LE}, true
	case zeros[1]*50 <= zeros[0] && plain(head, 1):
		return charset{name: "utf-16be", enc: utf16BE}, true
	}
	return charset{}, false
}

// plain reports whether the UTF-16 units whose high byte is zero are all printable or white space.
func plain(head []byte, low int) bool {
	for i := 0; i+1 < len(head); i += 2 {
		lo, hi := head[i+low], head[i+1-low]
		if hi == 0 && lo < ' ' && lo != '\t' && lo != '\n' && lo != '\r' {
			return false
		}
	}
	return true
}

// census is what the bytes of a single-byte or UTF-8 file say about it. Offsets are -1 where there is none.
type census struct {
	zero      int64 // first NUL
	invalid   int64 // first byte that is not UTF-8
	broken    int   // bytes that are not UTF-8
	sequences int   // characters of several bytes that are
	controls  int   // control characters other than white space
}

func newCensus() census { return census{zero: -1, invalid: -1} }

func takeCensus(r io.ReaderAt, size int64) (census, error) {
	found := newCensus()
	buf := make([]byte, 256<<10)
	for at := int64(0); at < size; {
		n, err := r.ReadAt(buf, at)
		if err != nil && (err != io.EOF || n == 0) {
			return found, err
		}
		used := found.add(buf[:n], at, at+int64(n) >= size)
		at += int64(used)
	}
	return found, nil
}

// add counts a chunk and returns how much of it was taken: a character cut in two is left for the next chunk.
func (c *census) add(chunk []byte, at int64, last bool) int {
	if !last {
		chunk = chunk[:len(chunk)-cutTail(chunk)]
	}
	if i := bytes.IndexByte(chunk, 0); i >= 0 && c.zero < 0 {
		c.zero = at + int64(i)
	}
	if at == 0 {
		for _, b := range chunk[:min(len(chunk), headSize)] {
			if b < ' ' && (b < '\t' || b > '\r') || b == 0x7F {
				c.controls++
			}
		}
	}
	if ascii(chunk) {
		return len(chunk)
	}
	for i := 0; i < len(chunk); {
		if chunk[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(chunk[i:])
		if r == utf8.RuneError && n == 1 {
			c.broken++
			if c.invalid < 0 {
				c.invalid = at + int64(i)
			}
		} else {
			c.sequences++
		}
		i += n
	}
	return len(chunk)
}

// cutTail is how many bytes at the end may be the beginning of a character that goes on in the next chunk.
func cutTail(chunk []byte) int {
	for n := 1; n <= 3 && n < len(chunk); n++ {
		b := chunk[len(chunk)-n]
		if utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(chunk[len(chunk)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func ascii(chunk []byte) bool {
	for len(chunk) >= 8 {
		if (chunk[0]|chunk[1]|chunk[2]|chunk[3]|chunk[4]|chunk[5]|chunk[6]|chunk[7])&0x80 != 0 {
			return false
		}
		chunk = chunk[8:]
	}
	for _, b := range chunk {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
