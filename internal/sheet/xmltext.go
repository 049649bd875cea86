package sheet

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// appendText adds the text of the current token to out.
func (x *xmlScanner) appendText(out []byte) ([]byte, error) {
	if x.cdata {
		return appendRaw(out, x.raw)
	}
	return appendXML(out, x.raw)
}

// appendXML adds a text with its references resolved.
func appendXML(out, raw []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return appendRaw(out, raw)
		}
		var err error
		if out, err = appendRaw(out, raw[:i]); err != nil {
			return out, err
		}
		end := bytes.IndexByte(raw[i:], ';')
		if end < 0 {
			return out, errMalformed
		}
		r, err := reference(raw[i+1 : i+end])
		if err != nil {
			return out, err
		}
		out = utf8.AppendRune(out, r)
		raw = raw[i+end+1:]
	}
}

// appendRaw adds a text without references: characters that XML forbids are refused, line ends become LF.
func appendRaw(out, raw []byte) ([]byte, error) {
	simple := true
	for _, b := range raw {
		if b < ' ' && b != '\t' && b != '\n' {
			if b != '\r' {
				return out, fmt.Errorf("%w: it holds the control character U+%04X", errMalformed, b)
			}
			simple = false
		}
	}
	if !ascii(raw) && !utf8.Valid(raw) {
		return out, fmt.Errorf("%w: it is not valid UTF-8", errMalformed)
	}
	if simple {
		return append(out, raw...), nil
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return append(out, bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))...), nil
}

// reference is the character that "&name;" stands for. Only the five that every XML file has are known.
func reference(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, errMalformed
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	r := rune(n)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(r) || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
		return 0, errMalformed
	}
	return r, nil
}
