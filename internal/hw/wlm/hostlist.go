package wlm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// numbered is a name that ends in a number of a fixed width.
type numbered struct {
	prefix string
	width  int
}

// Hostlist writes names short, as Slurm, Flux and PBS read them: nid[000001-000004,000007].
// Names that end in no number stand as they are.
func Hostlist(names []string) string {
	var parts []string
	numbers := make(map[numbered][]int)
	var order []numbered
	for _, name := range names {
		prefix := strings.TrimRight(name, "0123456789")
		digits := name[len(prefix):]
		number, err := strconv.Atoi(digits)
		if err != nil || len(digits) > 9 {
			parts = append(parts, name)
			continue
		}
		of := numbered{prefix, len(digits)}
		if numbers[of] == nil {
			order = append(order, of)
		}
		numbers[of] = append(numbers[of], number)
	}
	for _, of := range order {
		parts = append(parts, of.fold(numbers[of]))
	}
	return strings.Join(parts, ",")
}

func (n numbered) fold(numbers []int) string {
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	text := func(number int) string { return fmt.Sprintf("%0*d", n.width, number) }
	if len(numbers) == 1 {
		return n.prefix + text(numbers[0])
	}
	var ranges []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if last == i {
			ranges = append(ranges, text(numbers[i]))
		} else {
			ranges = append(ranges, text(numbers[i])+"-"+text(numbers[last]))
		}
		i = last + 1
	}
	return n.prefix + "[" + strings.Join(ranges, ",") + "]"
}

// Limits on what a hostlist may stand for: names in all, brackets in a name and digits of
// a number.
const (
	mostHosts    = 100_000
	mostBrackets = 8
	mostDigits   = 9
)

// ExpandHostlist is the inverse of Hostlist, for any number of brackets in a name.
func ExpandHostlist(list string) ([]string, error) {
	var names []string
	depth, start := 0, 0
	for i := 0; i <= len(list); i++ {
		switch {
		case i == len(list) || list[i] == ',' && depth == 0:
			if item := strings.TrimSpace(list[start:i]); item != "" {
				if n := strings.Count(item, "["); n > mostBrackets {
					return nil, fmt.Errorf("%.80q has %d brackets, at most %d are read", item, n, mostBrackets)
				}
				more, err := expandHost(item)
				if err != nil {
					return nil, err
				}
				if names = append(names, more...); len(names) > mostHosts {
					return nil, fmt.Errorf("the list stands for more than %d nodes", mostHosts)
				}
			}
			start = i + 1
		case list[i] == '[':
			depth++
		case list[i] == ']':
			depth--
		}
	}
	return names, nil
}

func expandHost(item string) ([]string, error) {
	before, rest, bracket := strings.Cut(item, "[")
	if !bracket {
		if strings.Contains(item, "]") {
			return nil, fmt.Errorf("%.80q has a ] without a [", item)
		}
		return []string{item}, nil
	}
	inside, after, closed := strings.Cut(rest, "]")
	if !closed || strings.Contains(inside, "[") {
		return nil, fmt.Errorf("%.80q has brackets that do not pair up", item)
	}
	tails, err := expandHost(after)
	if err != nil {
		return nil, err
	}
	var names []string
	for part := range strings.SplitSeq(inside, ",") {
		low, high, ranged := strings.Cut(part, "-")
		if !ranged {
			high = low
		}
		first, err1 := strconv.Atoi(low)
		last, err2 := strconv.Atoi(high)
		if err1 != nil || err2 != nil || len(low) > mostDigits || len(high) > mostDigits || first < 0 || last < first || (last-first+1)*len(tails) > mostHosts-len(names) {
			return nil, fmt.Errorf("%.80q has %.40q in brackets, which is no number and no range such as 001-004, or one of too many", item, part)
		}
		for number := first; number <= last; number++ {
			for _, tail := range tails {
				names = append(names, fmt.Sprintf("%s%0*d%s", before, len(low), number, tail))
			}
		}
	}
	return names, nil
}
