package dir

import (
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"denybatch/internal/objects"
)

const (
	reserved = ".denybatch" // where the store keeps what is no object

	fileMark = "%file" // ends the name of a file that stands beside a folder of its name
	moreMark = "%more" // ends the name of a folder in which a longer name continues

	maxName = 255 // bytes of one file name
)

// naming turns segments of keys into file names and back.
type naming struct{ escaped, escapes *regexp.Regexp }

var (
	posix   = newNaming(`file$|more$`, ``)
	windows = newNaming(`file$|more$|0[1-9A-F]|1[0-9A-F]|22|2A|3A|3C|3E|3F|5C|7C|20$|2E$`, `|[\x01-\x1f"*:<>?\\|]|[ .]$`)
)

// native returns the naming of the system that this runs on.
func native() naming {
	if runtime.GOOS == "windows" {
		return windows
	}
	return posix
}

// newNaming returns the naming in which a percent sign before one of marks means something, and forbidden is escaped.
func newNaming(marks, forbidden string) naming {
	marked := `%(25)*(` + marks + `)`
	return naming{regexp.MustCompile(marked + forbidden), regexp.MustCompile(marked)}
}

// encode returns the file name of a segment.
func (n naming) encode(segment string) string {
	return n.escaped.ReplaceAllStringFunc(segment, func(s string) string {
		if s[0] == '%' {
			return "%25" + s[1:]
		}
		return fmt.Sprintf("%%%02X", s[0])
	})
}

// decode returns the segment of a file name, once its marks are off.
func (n naming) decode(name string) string {
	return n.escapes.ReplaceAllStringFunc(name, func(s string) string {
		if rest, ok := strings.CutPrefix(s, "%25"); ok {
			return "%" + rest
		}
		b, err := strconv.ParseUint(s[1:], 16, 8)
		if err != nil {
			return s // a foreign name that looks like ours
		}
		return string(rune(b))
	})
}

// pieces returns the path of a name, which is the name itself unless it is too long.
func pieces(name string) string {
	if len(name) <= maxName {
		return name
	}
	var path strings.Builder
	for len(name) > maxName {
		cut := maxName - len(moreMark)
		for cut > maxName-len(moreMark)-utf8.UTFMax && !utf8.RuneStart(name[cut]) {
			cut--
		}
		path.WriteString(name[:cut] + moreMark + string(filepath.Separator))
		name = name[cut:]
	}
	path.WriteString(name)
	return path.String()
}

// check returns why key cannot be stored.
func (n naming) check(key string) error {
	if err := objects.CheckKey(key); err != nil {
		return err
	}
	for segment := range strings.SplitSeq(key, "/") {
		if !filepath.IsLocal(pieces(n.encode(segment))) {
			return fmt.Errorf("%q names a device here", segment)
		}
	}
	return nil
}
