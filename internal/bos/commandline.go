package bos

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxCommandLine is how much of its command line a kernel for x86 or arm64 keeps,
// in bytes. It drops the rest without a word.
const MaxCommandLine = 2047

// tokenLength is that of a referral token, which is a UUID.
const tokenLength = 36

// CheckKernelParameters refuses what a boot script cannot carry, wherever it is
// written: what is no single line, as a line break ends the command, and words that
// iPXE takes for its own. What follows these, such as the token by which the node
// reports, would be lost.
func CheckKernelParameters(parameters string) error {
	if err := checkLine("kernel parameters", parameters); err != nil {
		return err
	}
	return CheckIPXEWords(parameters)
}

// CheckBootFiles likewise refuses such paths of kernel and initrd.
func CheckBootFiles(a BootArtifacts) error {
	for _, path := range []struct{ what, value string }{{"the path of the kernel", a.Kernel}, {"the path of the initrd", a.Initrd}} {
		if err := checkLine(path.what, path.value); err != nil {
			return err
		}
		if err := CheckIPXEWords(path.value); err != nil {
			return fmt.Errorf("%s: %w", path.what, err)
		}
	}
	return nil
}

func checkLine(what, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s: %.60q is not UTF-8; write it anew", what, text)
	}
	for i, r := range text {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("%s: there is the character %U at byte %d (%.60q), which a boot script cannot carry; leave line breaks and other control characters out, also at the end", what, r, i, text[max(0, i-20):])
		}
	}
	return nil
}

// CheckIPXEWords refuses kernel parameters of which iPXE would take a word for its
// own: one that ends the command, or begins a comment. The words after it, such as
// the token by which the node reports, would be lost, or run.
func CheckIPXEWords(parameters string) error {
	for word := range strings.FieldsSeq(parameters) {
		if word == "||" || word == "&&" || word == ";" || strings.HasPrefix(word, "#") {
			return fmt.Errorf("there is the word %.60q, at which iPXE ends the command; leave it out, or write it without a space before it", word)
		}
	}
	return nil
}

// CheckCommandLine refuses kernel parameters with which the command line of a host
// becomes longer than a kernel keeps. What each node must have besides them is
// counted: its name, its token, and what its boot script adds.
func CheckCommandLine(host, adds, parameters string) error {
	own := len(adds) + len(" xname=") + len(host) + len(" bss_referral_token=") + tokenLength
	if whole := len(parameters) + own; whole > MaxCommandLine {
		return fmt.Errorf("the kernel's command line would have %d bytes, and a kernel keeps %d: %d are kernel parameters, %d what each node has besides, as its name and token; shorten the kernel parameters by %d",
			whole, MaxCommandLine, len(parameters), own, whole-MaxCommandLine)
	}
	return nil
}

// ScriptAdds is what a boot script has besides the parameters, the name and the
// token, at its longest.
const ScriptAdds = "initrd=initrd nid=4294967295 "

// anyXname is as long as the xname of a node is.
const anyXname = "x10000c7s63b1n15"

// CheckBootLine refuses kernel parameters with which any node could not boot: no
// single line, or one that is longer than a kernel keeps, or a proof of the boot that
// nobody could give.
func CheckBootLine(parameters string) error {
	if err := CheckKernelParameters(parameters); err != nil {
		return err
	}
	if _, _, err := proofIn(parameters); err != nil {
		return fmt.Errorf("kernel parameters: %s=%w", ProofWord, err)
	}
	return CheckCommandLine(anyXname, ScriptAdds, parameters)
}

// MergeKernelParameters is one line of several, of which a later one has its way: its
// words take the place of all earlier ones of the same name, where the first of them
// stood, and new ones follow. Within one line a name may be there several times, as
// console= is. As for the kernel, - and _ are the same in a name, and spaces between
// double quotes part no words. What follows -- is for init, and stays at the end. The
// error is an *Invalid without a field.
func MergeKernelParameters(lines ...string) (string, error) {
	var words, init []string
	for _, line := range lines {
		given, err := splitParameters(line)
		if err != nil {
			return "", err
		}
		if i := slices.Index(given, "--"); i >= 0 {
			init, given = append(init, given[i+1:]...), given[:i]
		}
		words = overrideParameters(words, given)
	}
	if len(init) > 0 {
		words = append(append(words, "--"), init...)
	}
	merged := strings.Join(words, " ")
	if err := CheckBootLine(merged); err != nil {
		return "", Invalidf("", "%s", err)
	}
	return merged, nil
}

// overrideParameters puts the words given in the place of those of the same names.
func overrideParameters(words, given []string) []string {
	byName := make(map[string][]string)
	for _, word := range given {
		byName[parameterName(word)] = append(byName[parameterName(word)], word)
	}
	var merged []string
	done := make(map[string]bool)
	for _, word := range slices.Concat(words, given) {
		name := parameterName(word)
		switch later, overridden := byName[name]; {
		case !overridden:
			merged = append(merged, word)
		case !done[name]:
			done[name] = true
			merged = append(merged, later...)
		}
	}
	return merged
}

// parameterName is what the kernel calls a parameter, without its value.
func parameterName(word string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(word, `"`), "=")
	return strings.ReplaceAll(name, "-", "_")
}

// splitParameters is the words of a command line.
func splitParameters(line string) ([]string, error) {
	var words []string
	start, quoted := -1, false
	for i, r := range line {
		space := r == ' ' || r >= '\t' && r <= '\r'
		switch {
		case r == '"':
			quoted = !quoted
		case space && !quoted:
			if start >= 0 {
				words = append(words, line[start:i])
			}
			start = -1
			continue
		}
		if start < 0 {
			start = i
		}
	}
	if quoted {
		return nil, Invalidf("", "a double quote of %q is not closed; close it, or leave it out", clip(line))
	}
	if start >= 0 {
		words = append(words, line[start:])
	}
	return words, nil
}
