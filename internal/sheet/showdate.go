package sheet

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// moment is a date and time of day as spreadsheets count them.
type moment struct {
	days              int // whole days since the epoch, for elapsed time
	year, month, day  int
	weekday           int
	hour, minute, sec int
	fraction          float64 // of a second
	elapsedSec        int64
}

const lastDay = 2958465 // 9999-12-31

// appendDate adds a serial number as the date that the section shows. It is not ok when that is no date.
func (s *section) appendDate(out []byte, serial float64, date1904 bool) ([]byte, bool) {
	if serial < 0 && s.has(elapsed) {
		out, serial = append(out, '-'), -serial
	}
	m, ok := s.moment(serial, date1904)
	if !ok {
		return out, false
	}
	noon := s.has('a')
	for _, it := range s.items {
		out = m.appendItem(out, it, noon)
	}
	return out, true
}

// moment cuts a serial number into date and time. Seconds are rounded to what is shown, as all that is shown follows
// from it: 23:59:59.6 is the next day.
func (s *section) moment(serial float64, date1904 bool) (moment, bool) {
	if date1904 {
		serial += 1462
	}
	if !(serial >= 0 && serial < lastDay+1) {
		return moment{}, false
	}
	places := 3 // without seconds only what comes of binary arithmetic is rounded away
	if s.has('s') || s.hasElapsedSeconds() {
		places = s.secondPlaces()
	}
	unit := math.Pow10(places)
	whole, part := math.Modf(serial) // apart, since a half second must not be rounded twice
	total := int64(whole)*86400*int64(unit) + int64(math.Round(part*86400*unit))
	seconds := total / int64(unit)
	m := moment{days: int(seconds / 86400), fraction: float64(total%int64(unit)) / unit}
	if date1904 {
		m.elapsedSec = seconds - 1462*86400
	} else {
		m.elapsedSec = seconds
	}
	rest := int(seconds % 86400)
	m.hour, m.minute, m.sec = rest/3600, rest/60%60, rest%60
	m.setDate()
	return m, true
}

// setDate finds the calendar day. Spreadsheets know a 29 February 1900 that never was, and a day 0 before 1 January.
func (m *moment) setDate() {
	switch m.days {
	case 0:
		m.year, m.month, m.day, m.weekday = 1900, 1, 0, 6
		return
	case 60:
		m.year, m.month, m.day, m.weekday = 1900, 2, 29, 3
		return
	}
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if m.days < 60 {
		base = base.AddDate(0, 0, 1)
	}
	date := base.AddDate(0, 0, m.days)
	m.year, m.month, m.day = date.Year(), int(date.Month()), date.Day()
	m.weekday = (m.days + 6) % 7
}

func (s *section) hasElapsedSeconds() bool {
	for _, it := range s.items {
		if it.kind == elapsed && it.text[0] == 's' {
			return true
		}
	}
	return false
}

// secondPlaces is how many places of a second are shown.
func (s *section) secondPlaces() int {
	for _, it := range s.items {
		if it.kind == subSecond {
			return min(len(it.text)-1, 9)
		}
	}
	return 0
}

func (m moment) appendItem(out []byte, it item, noon bool) []byte {
	n := len(it.text)
	switch it.kind {
	case 'y', 'e':
		return appendYear(out, m.year, n, it.kind)
	case 'b':
		return appendYear(out, m.year+543, n, 'y')
	case 'm':
		return m.appendMonth(out, n)
	case 'd':
		return m.appendDay(out, n)
	case 'h':
		return appendPadded(out, int64(clock(m.hour, noon)), n)
	case minutes:
		return appendPadded(out, int64(m.minute), n)
	case 's':
		return appendPadded(out, int64(m.sec), n)
	case subSecond:
		return append(out, strconv.FormatFloat(m.fraction, 'f', min(n-1, 9), 64)[1:]...)
	case 'a':
		return append(out, halfDay(it.text, m.hour)...)
	case elapsed:
		return m.appendElapsed(out, it.text)
	case 'g':
		return out
	}
	return append(out, it.text...)
}

func clock(hour int, noon bool) int {
	if !noon {
		return hour
	}
	return (hour+11)%12 + 1
}

func halfDay(text string, hour int) string {
	am, pm, _ := strings.Cut(text, "/")
	if hour >= 12 {
		return pm
	}
	return am
}

func appendPadded(out []byte, n int64, width int) []byte {
	digits := strconv.FormatInt(n, 10)
	for range min(width, 2) - len(digits) {
		out = append(out, '0')
	}
	return append(out, digits...)
}

func appendYear(out []byte, year, width int, kind byte) []byte {
	if width <= 2 && kind == 'y' {
		return appendPadded(out, int64(year%100), 2)
	}
	return append(out, strconv.Itoa(year)...)
}

func (m moment) appendMonth(out []byte, width int) []byte {
	name := time.Month(m.month).String()
	switch {
	case width <= 2:
		return appendPadded(out, int64(m.month), width)
	case width == 3:
		return append(out, name[:3]...)
	case width == 5:
		return append(out, name[0])
	}
	return append(out, name...)
}

func (m moment) appendDay(out []byte, width int) []byte {
	name := time.Weekday(m.weekday).String()
	switch {
	case width <= 2:
		return appendPadded(out, int64(m.day), width)
	case width == 3:
		return append(out, name[:3]...)
	}
	return append(out, name...)
}

func (m moment) appendElapsed(out []byte, text string) []byte {
	unit := map[byte]int64{'h': 3600, 'm': 60, 's': 1}[text[0]]
	return appendPadded(out, m.elapsedSec/unit, len(text))
}

// isoLayouts are the ways in which a cell of type "d" writes its date.
var isoLayouts = []string{
	"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	"2006-01-02 15:04:05.999999999", "2006-01-02", "15:04:05.999999999", "15:04",
}

// appendISO shows a date that is written in words of ISO 8601 rather than as a number.
func (f *format) appendISO(out, text []byte, date1904 bool) []byte {
	serial, ok := isoSerial(string(text))
	if !ok || f.general {
		if _, isNumber := parseDecimal(text); isNumber {
			return f.appendNumber(out, text, date1904)
		}
		return append(out, text...)
	}
	if date1904 {
		serial -= 1462
	}
	return f.appendNumber(out, strconv.AppendFloat(nil, serial, 'f', -1, 64), date1904)
}

func isoSerial(text string) (float64, bool) {
	for _, layout := range isoLayouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
		if !strings.Contains(layout, "2006") {
			base = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		_, offset := t.Zone()
		wall := t.Add(time.Duration(offset) * time.Second)
		serial := float64(wall.Unix()-base.Unix())/86400 + float64(wall.Nanosecond())/86400e9
		if serial < 61 && serial >= 1 {
			serial-- // before the 29 February 1900 that never was
		}
		return serial, true
	}
	return 0, false
}
