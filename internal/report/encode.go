package report

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

const (
	utf8Plain = "utf-8"
	utf8BOM   = "utf-8-bom"
)

var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	utf32LE = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	utf32BE = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
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
		return utf16LE.NewEncoder(), true
	case "utf-16be":
		return utf16BE.NewEncoder(), true
	case "utf-32le":
		return utf32LE.NewEncoder(), true
	case "utf-32be":
		return utf32BE.NewEncoder(), true
	case "windows-1252":
		return charmap.Windows1252.NewEncoder(), true
	}
	return nil, false
}

// marked reports whether text in this encoding begins with a byte order mark.
func marked(name string) bool { return universal(name) && name != utf8Plain }

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
