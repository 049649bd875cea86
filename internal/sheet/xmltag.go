package sheet

import "bytes"

type xmlAttr struct{ name, value []byte }

func (x *xmlScanner) end() error {
	inside, err := x.until(2, ">")
	if err != nil {
		return err
	}
	full := trimSpaceRight(inside)
	if len(x.starts) == 0 || !bytes.Equal(full, x.open[x.starts[len(x.starts)-1]:]) {
		return errMalformed
	}
	x.kind, x.name = xmlEnd, local(full)
	return nil
}

func (x *xmlScanner) start() error {
	inside, err := x.tag()
	if err != nil {
		return err
	}
	if len(x.starts) == 0 && x.rooted || len(x.starts) > 256 {
		return errMalformed
	}
	if inside, x.empty = bytes.CutSuffix(inside, []byte("/")); len(inside) == 0 {
		return errMalformed
	}
	size := 0
	for size < len(inside) && !isXMLSpace(inside[size]) {
		size++
	}
	full := inside[:size]
	x.rooted = true
	x.starts = append(x.starts, len(x.open))
	x.open = append(x.open, full...)
	x.kind, x.name = xmlStart, local(full)
	return x.attributes(inside[len(full):])
}

// tag takes a start tag without its angle brackets. A ">" in an attribute's value does not end it.
func (x *xmlScanner) tag() ([]byte, error) {
	for from := 1; ; {
		size, err := x.find(from, ">")
		if err != nil {
			return nil, early(err)
		}
		inside := x.buf[x.at+1 : x.at+size]
		if balanced(inside) {
			x.at += size + 1
			return inside, nil
		}
		from = size + 1
	}
}

// balanced reports whether no quote is open at the end of a tag.
func balanced(inside []byte) bool {
	if bytes.IndexByte(inside, '\'') < 0 { // as nearly always
		return bytes.Count(inside, []byte{'"'})%2 == 0
	}
	open := byte(0)
	for _, b := range inside {
		switch {
		case b == open:
			open = 0
		case open == 0 && (b == '"' || b == '\''):
			open = b
		}
	}
	return open == 0
}

func isXMLSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func trimSpaceLeft(s []byte) []byte {
	for len(s) > 0 && isXMLSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimSpaceRight(s []byte) []byte {
	for len(s) > 0 && isXMLSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func (x *xmlScanner) attributes(rest []byte) error {
	x.attrs = x.attrs[:0]
	for {
		rest = trimSpaceLeft(rest)
		if len(rest) == 0 {
			return nil
		}
		eq := bytes.IndexByte(rest, '=')
		if eq <= 0 {
			return errMalformed
		}
		name := trimSpaceRight(rest[:eq])
		rest = trimSpaceLeft(rest[eq+1:])
		if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
			return errMalformed
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errMalformed
		}
		x.attrs = append(x.attrs, xmlAttr{name, rest[1 : end+1]})
		rest = rest[end+2:]
	}
}

// attr is an attribute's value as written, nil when absent. The name is without prefix; one without prefix comes first.
func (x *xmlScanner) attr(name string) []byte {
	var prefixed []byte
	for _, a := range x.attrs {
		if string(a.name) == name {
			return a.value
		}
		if i := bytes.IndexByte(a.name, ':'); i > 0 && string(a.name[i+1:]) == name && string(a.name[:i]) != "xmlns" {
			prefixed = a.value
		}
	}
	return prefixed
}

// attrText is an attribute's value with its references resolved.
func (x *xmlScanner) attrText(name string) (string, error) {
	value, err := appendXML(nil, x.attr(name))
	return string(value), err
}

func local(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}
