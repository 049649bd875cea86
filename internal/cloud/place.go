package cloud

import (
	"fmt"
	"net/url"
	"strings"
)

// Place is where objects are: s3://bucket/prefix.
type Place struct {
	Bucket string
	Prefix string // empty or ending in a slash
}

// ParsePlace reads the value of a variable. Its errors name the variable and say what it must be.
func ParsePlace(variable, text string) (Place, error) {
	if text == "" {
		return Place{}, fmt.Errorf("%s is not set: give s3://bucket or s3://bucket/prefix", variable)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.RawQuery != "" {
		return Place{}, fmt.Errorf("%s is %q: it must be s3://bucket or s3://bucket/prefix", variable, text)
	}
	p := Place{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if p.Prefix != "" {
		p.Prefix += "/"
	}
	return p, nil
}
