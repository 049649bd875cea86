package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

const (
	utf8Plain = "utf-8"
	utf8BOM   = "utf-8-bom"
)

// errUnencodable means that the text holds a character that the encoding does not have.
var errUnencodable = errors.New("a character does not exist in this encoding")

// encoder turns UTF-8 into the encoding that sheet calls by this name. It is nil for UTF-8 itself; ok is false for a
// name that it does not know.
func encoder(name string) (e *encoding.Encoder, ok bool) {
	switch name {
	case utf8Plain, utf8BOM:
		return nil, true
	case "utf-16le":
		return wide(unicode.LittleEndian), true
	case "utf-16be":
		return wide(unicode.BigEndian), true
	}
	for _, c := range charmap.All {
		if squeeze(fmt.Sprint(c)) == squeeze(name) {
			return c.NewEncoder(), true
		}
	}
	return nil, false
}

func wide(order unicode.Endianness) *encoding.Encoder {
	return unicode.UTF16(order, unicode.IgnoreBOM).NewEncoder()
}

// squeeze makes "windows-1252" and "Windows 1252" the same.
func squeeze(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", " ", "", "_", "").Replace(name))
}

// marked reports whether text in this encoding begins with a byte order mark.
func marked(name string) bool { return name == utf8BOM || strings.HasPrefix(name, "utf-16") }

// universal reports whether every character exists in this encoding.
func universal(name string) bool { return strings.HasPrefix(name, "utf-") }

// write writes UTF-8 text, which must end between characters, as e encodes it. Nothing is written when a character
// does not fit: that is errUnencodable.
func write(w io.Writer, e *encoding.Encoder, text []byte) error {
	if e != nil {
		var err error
		if text, err = e.Bytes(text); err != nil {
			return errUnencodable
		}
	}
	_, err := w.Write(text)
	return err
}
