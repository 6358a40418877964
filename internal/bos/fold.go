package bos

import (
	"slices"
	"strconv"
	"strings"
)

// MaxExpand is how many names one folded string, or one limit, may stand for:
// more than any system has nodes, and few enough to hold in memory for each of
// many requests.
const MaxExpand = 1 << 17

const (
	// maxFoldedName bounds a name written with brackets, in bytes: without
	// it a short text could stand for gigabytes.
	maxFoldedName = 256
	// maxFoldNumbers is how many numbers of a name Fold looks at; an xname
	// of a node has five.
	maxFoldNumbers = 8
	// maxFoldDigits bounds the numbers that Fold and Expand put in ranges.
	maxFoldDigits = 9
)

// Fold writes a list of names short: x3000c0s[1-4,7]b0n0,x3000c0s9b0n[0-1]. It
// sorts, drops duplicates and empty names, and joins names that differ in one
// number, the rightmost number first. Numbers with leading zeros stay as they
// are. The result is the same for every order of the list, is valid as a limit,
// and Expand undoes it, as long as no name holds a comma or bracket; such names
// are written as they stand.
func Fold(ids []string) string {
	names := slices.Clone(ids)
	slices.SortFunc(names, CompareXnames)
	names = slices.Compact(names)
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	patterns := make([]foldable, len(names))
	most := 0
	for i, name := range names {
		patterns[i] = cutNumbers(name)
		most = max(most, len(patterns[i])/2)
	}
	for position := most - 1; position >= 0; position-- {
		patterns = foldAt(patterns, 2*position+1)
	}
	items := make([]string, len(patterns))
	for i, p := range patterns {
		items[i] = strings.Join(p, "")
	}
	return strings.Join(items, ",")
}

// foldable is a name cut into text, number, text, ..., text; a folded number is
// its ranges in brackets.
type foldable []string

func cutNumbers(name string) foldable {
	if strings.ContainsAny(name, "[],") || len(name) > maxFoldedName-maxFoldDigits {
		return foldable{name}
	}
	var parts foldable
	start := 0
	for i := 0; i < len(name) && len(parts) < 2*maxFoldNumbers; {
		digits, _ := number(name[i:])
		if len(digits) == 0 {
			i++
			continue
		}
		end := i + len(digits)
		if len(digits) <= maxFoldDigits && (digits == "0" || digits[0] != '0') {
			parts = append(parts, name[start:i], digits)
			start = end
		}
		i = end
	}
	return append(parts, name[start:])
}

// foldAt joins the patterns that differ only in the plain number at index at.
func foldAt(patterns []foldable, at int) []foldable {
	type around struct{ before, after string }
	type group struct {
		first   foldable
		numbers []int
	}
	groups := make(map[around]*group)
	order := make([]*group, 0, len(patterns))
	for _, p := range patterns {
		if at >= len(p) {
			order = append(order, &group{first: p})
			continue
		}
		n, _ := strconv.Atoi(p[at])
		key := around{strings.Join(p[:at], ""), strings.Join(p[at+1:], "")}
		g := groups[key]
		if g == nil {
			g = &group{first: p}
			groups[key] = g
			order = append(order, g)
		}
		g.numbers = append(g.numbers, n)
	}
	folded := make([]foldable, len(order))
	for i, g := range order {
		if len(g.numbers) > 1 {
			g.first[at] = "[" + ranges(g.numbers) + "]"
		}
		folded[i] = g.first
	}
	return folded
}

// ranges writes distinct numbers as 1-4,7.
func ranges(numbers []int) string {
	slices.Sort(numbers)
	var b []byte
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(numbers[i]), 10)
		if j > i {
			b = append(b, '-')
			b = strconv.AppendInt(b, int64(numbers[j]), 10)
		}
		i = j + 1
	}
	return string(b)
}

// Expand is the inverse of Fold: the names of a comma list whose items may hold
// any number of bracketed lists of numbers and ascending ranges, in the order
// of the text. It refuses more than most names, empty items, brackets that do
// not pair up, and ranges that run backwards or have leading zeros. The error
// is an *Invalid without a field.
func Expand(folded string, most int) ([]string, error) {
	if folded == "" {
		return nil, nil
	}
	var names []string
	for i, item := range SplitList(folded) {
		if item == "" {
			return nil, Invalidf("", "item %d of %q is empty; remove the extra comma", i+1, clip(folded))
		}
		some, err := expandItem(item, most-len(names))
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
	}
	return names, nil
}

// SplitList splits at the commas that are not inside brackets.
func SplitList(s string) []string {
	var items []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth = max(depth-1, 0)
		case ',':
			if depth == 0 {
				items = append(items, s[start:i])
				start = i + 1
			}
		}
	}
	return append(items, s[start:])
}

func expandItem(item string, most int) ([]string, error) {
	if most < 1 {
		return nil, tooMany(item)
	}
	names := []string{""}
	rest := item
	for {
		open := strings.IndexAny(rest, "[]")
		if open < 0 {
			break
		}
		end := strings.IndexAny(rest[open+1:], "[]") + open + 1
		if rest[open] == ']' || end == open || rest[end] == '[' {
			return nil, Invalidf("", "the brackets of %q do not pair up; write ranges as in x3000c0s[1-4,7]b0n0", clip(item))
		}
		numbers, err := expandRanges(item, rest[open+1:end], most/len(names))
		if err != nil {
			return nil, err
		}
		if names, err = product(item, names, rest[:open], numbers); err != nil {
			return nil, err
		}
		rest = rest[end+1:]
	}
	return product(item, names, rest, nil)
}

// product appends text, and then each of the numbers if there are any, to each
// of the names.
func product(item string, names []string, text string, numbers []string) ([]string, error) {
	if len(names) == 1 && names[0] == "" && numbers == nil {
		return []string{text}, nil
	}
	longest := 0
	for _, name := range names {
		longest = max(longest, len(name)+len(text)+maxFoldDigits)
	}
	if longest > maxFoldedName {
		return nil, Invalidf("", "%q stands for names of more than %d characters", clip(item), maxFoldedName)
	}
	if numbers == nil {
		numbers = []string{""}
	}
	all := make([]string, 0, len(names)*len(numbers))
	for _, name := range names {
		for _, n := range numbers {
			all = append(all, name+text+n)
		}
	}
	return all, nil
}

func expandRanges(item, list string, most int) ([]string, error) {
	var numbers []string
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, ok1 := plainNumber(first)
		to, ok2 := plainNumber(last)
		if !ok1 || !ok2 || from > to {
			return nil, Invalidf("", "%q has %q in brackets, which is neither a number nor an ascending range such as 1-4, without leading zeros", clip(item), clip(part))
		}
		if to-from >= most-len(numbers) {
			return nil, tooMany(item)
		}
		for n := from; n <= to; n++ {
			numbers = append(numbers, strconv.Itoa(n))
		}
	}
	return numbers, nil
}

// plainNumber reads a number as Fold writes it.
func plainNumber(s string) (int, bool) {
	digits, rest := number(s)
	if digits == "" || rest != "" || len(digits) > maxFoldDigits || digits[0] == '0' && digits != "0" {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

func tooMany(item string) error {
	return Invalidf("", "%q stands for too many names; name fewer, or a group or role instead", clip(item))
}
