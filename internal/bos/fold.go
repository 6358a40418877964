package bos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxExpand is how many names one folded string may stand for: more than any
// system has nodes.
const MaxExpand = 1 << 20

// Fold writes a list of names short: x3000c0s[1-4,7]b0n0. It sorts, drops
// duplicates, and folds one number of each name, the one that makes the result
// shortest to read from the right; the result is valid as a limit.
func Fold(ids []string) string {
	names := slices.Clone(ids)
	slices.SortFunc(names, CompareXnames)
	names = slices.Compact(names)
	for position := maxNumbers(names) - 1; position >= 0; position-- {
		names = foldAt(names, position)
	}
	return strings.Join(names, ",")
}

func maxNumbers(names []string) int {
	most := 0
	for _, n := range names {
		most = max(most, len(splitNumbers(n))/2)
	}
	return most
}

// splitNumbers cuts a name into text, number, text, number, ..., text. What
// stands in brackets is text; numbers with leading zeros or beyond an int too,
// for they do not survive a range.
func splitNumbers(s string) []string {
	parts := []string{""}
	for i := 0; i < len(s); {
		last := len(parts) - 1
		if s[i] == '[' {
			end := strings.IndexByte(s[i:], ']')
			if end < 0 {
				end = len(s) - i - 1
			}
			parts[last] += s[i : i+end+1]
			i += end + 1
			continue
		}
		if !digit(s[i]) {
			parts[last] += s[i : i+1]
			i++
			continue
		}
		n, _ := number(s[i:])
		if len(n) > 9 || len(n) > 1 && n[0] == '0' {
			parts[last] += n
		} else {
			parts = append(parts, n, "")
		}
		i += len(n)
	}
	return parts
}

// foldAt joins names that differ only in the number at the position.
func foldAt(names []string, position int) []string {
	type group struct {
		before, after string
		numbers       []int
		whole         string
	}
	var order []*group
	groups := make(map[string]*group)
	for _, name := range names {
		parts := splitNumbers(name)
		i := 2*position + 1
		if i >= len(parts) || strings.ContainsAny(name, "],") && !strings.Contains(name, "[") {
			order = append(order, &group{whole: name})
			continue
		}
		before, after := strings.Join(parts[:i], ""), strings.Join(parts[i+1:], "")
		key := before + "\x00" + after
		g, ok := groups[key]
		if !ok {
			g = &group{before: before, after: after}
			groups[key] = g
			order = append(order, g)
		}
		n, _ := strconv.Atoi(parts[i])
		g.numbers = append(g.numbers, n)
	}
	folded := make([]string, len(order))
	for i, g := range order {
		switch {
		case g.whole != "" || g.numbers == nil:
			folded[i] = g.whole
		case len(g.numbers) == 1:
			folded[i] = g.before + strconv.Itoa(g.numbers[0]) + g.after
		default:
			folded[i] = g.before + "[" + ranges(g.numbers) + "]" + g.after
		}
	}
	return folded
}

// ranges writes ascending numbers as 1-4,7.
func ranges(numbers []int) string {
	slices.Sort(numbers)
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// Expand is the inverse of Fold: the names of a comma list whose items may hold
// any number of bracketed ranges. It refuses more than limit names, ranges that
// run backwards, and brackets that do not close.
func Expand(folded string, limit int) ([]string, error) {
	var names []string
	if folded == "" {
		return names, nil
	}
	for _, item := range SplitList(folded) {
		some, err := expandItem(item, limit-len(names))
		if err != nil {
			return nil, err
		}
		names = append(names, some...)
	}
	return names, nil
}

// SplitList splits at commas that are not inside brackets.
func SplitList(s string) []string {
	var items []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth <= 0 {
				items = append(items, s[start:i])
				start = i + 1
			}
		}
	}
	return append(items, s[start:])
}

func expandItem(item string, limit int) ([]string, error) {
	names := []string{""}
	for rest := item; rest != ""; {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			open = len(rest)
		}
		if strings.IndexByte(rest[:open], ']') >= 0 {
			return nil, Invalidf("", "%q has a ] without a [", item)
		}
		for i := range names {
			names[i] += rest[:open]
		}
		rest = rest[open:]
		if rest == "" {
			break
		}
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, Invalidf("", "%q has a [ without a ]", item)
		}
		numbers, err := expandRanges(item, rest[1:end], limit/len(names))
		if err != nil {
			return nil, err
		}
		next := make([]string, 0, len(names)*len(numbers))
		for _, name := range names {
			for _, n := range numbers {
				next = append(next, name+strconv.Itoa(n))
			}
		}
		names, rest = next, rest[end+1:]
	}
	if len(names) > limit {
		return nil, Invalidf("", "%q stands for too many names; the limit is %d", item, limit)
	}
	return names, nil
}

func expandRanges(item, list string, limit int) ([]int, error) {
	var numbers []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 30)
		to, err2 := strconv.ParseUint(last, 10, 30)
		if err1 != nil || err2 != nil || from > to {
			return nil, Invalidf("", "%q has %q in brackets, which is neither a number nor an ascending range such as 1-4", item, part)
		}
		if len(numbers)+int(to-from)+1 > limit { //nolint:gosec // both are below 2^30
			return nil, Invalidf("", "%q stands for too many names", item)
		}
		for n := from; n <= to; n++ {
			numbers = append(numbers, int(n)) //nolint:gosec // below 2^30
		}
	}
	return numbers, nil
}
