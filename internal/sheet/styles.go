package sheet

import "strconv"

// formats reads the number format of every cell style; "" means that there are no styles.
func (p parts) formats(name string) ([]*format, error) {
	if name == "" {
		return nil, nil
	}
	var formats []*format
	codes := map[int]string{}
	cache := map[string]*format{}
	section := ""
	err := p.scan(name, maxSmall, func(x *xmlScanner) error {
		if x.kind != xmlStart {
			return nil
		}
		if x.depth() == 2 {
			section = string(x.name)
		}
		if x.depth() != 3 {
			return nil
		}
		id, _ := strconv.Atoi(string(x.attr("numFmtId")))
		switch {
		case section == "numFmts" && string(x.name) == "numFmt":
			code, err := x.attrText("formatCode")
			codes[id] = code
			return err
		case section == "cellXfs" && string(x.name) == "xf":
			formats = append(formats, cached(cache, formatCode(codes, id)))
		}
		return nil
	})
	return formats, err
}

func cached(cache map[string]*format, code string) *format {
	f := cache[code]
	if f == nil {
		f = parseFormat(code)
		cache[code] = f
	}
	return f
}

// formatCode is the code of a number format: the workbook's own, or one that every spreadsheet program knows.
func formatCode(codes map[int]string, id int) string {
	if code, ok := codes[id]; ok && code != "" {
		return code
	}
	if same, ok := sameFormat[id]; ok {
		id = same
	}
	return builtIn[id]
}

// builtIn are the formats that have a number but no code in the file, as an American Excel shows them.
var builtIn = map[int]string{
	1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00",
	5: `"$"#,##0_);\("$"#,##0\)`, 6: `"$"#,##0_);[Red]\("$"#,##0\)`,
	7: `"$"#,##0.00_);\("$"#,##0.00\)`, 8: `"$"#,##0.00_);[Red]\("$"#,##0.00\)`,
	9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	14: "m/d/yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
	20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm",
	37: "#,##0_);(#,##0)", 38: "#,##0_);[Red](#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);[Red](#,##0.00)",
	41: `_(* #,##0_);_(* \(#,##0\);_(* "-"_);_(@_)`, 42: `_("$"* #,##0_);_("$"* \(#,##0\);_("$"* "-"_);_(@_)`,
	43: `_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_);_(@_)`,
	44: `_("$"* #,##0.00_);_("$"* \(#,##0.00\);_("$"* "-"??_);_(@_)`,
	45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}

// sameFormat are the numbers that East Asian and Thai Excels give to formats of their own, and what others show for them.
var sameFormat = map[int]int{
	27: 14, 28: 14, 29: 14, 30: 14, 31: 14, 32: 21, 33: 21, 34: 21, 35: 21, 36: 14,
	50: 14, 51: 14, 52: 14, 53: 14, 54: 14, 55: 14, 56: 14, 57: 14, 58: 14,
	59: 1, 60: 2, 61: 3, 62: 4, 63: 5, 64: 6, 65: 7, 66: 8, 67: 9, 68: 10, 69: 12, 70: 13,
	71: 14, 72: 14, 73: 15, 74: 16, 75: 17, 76: 20, 77: 21, 78: 22, 79: 45, 80: 46, 81: 47,
}
