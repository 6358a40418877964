package bos_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestANodeTokenIsOfOneNodeAndOneWriteOfBootParameters(t *testing.T) {
	key := bytes.Repeat([]byte{7}, bos.NodeKeySize)
	token := bos.NodeToken(key, "x3000c0s1b0n0", "T1")
	if !bos.CheckNodeToken(key, "x3000c0s1b0n0", "T1", token) {
		t.Error("its own token is refused")
	}
	for name, ok := range map[string]bool{
		"another node":   bos.CheckNodeToken(key, "x3000c0s1b0n1", "T1", token),
		"another boot":   bos.CheckNodeToken(key, "x3000c0s1b0n0", "T2", token),
		"moved boundary": bos.CheckNodeToken(key, "x3000c0s1b0n0T", "1", token),
		"another key":    bos.CheckNodeToken(bytes.Repeat([]byte{8}, bos.NodeKeySize), "x3000c0s1b0n0", "T1", token),
		"part of it":     bos.CheckNodeToken(key, "x3000c0s1b0n0", "T1", token[:8]),
		"none":           bos.CheckNodeToken(key, "x3000c0s1b0n0", "T1", ""),
		"no key":         bos.CheckNodeToken(nil, "x3000c0s1b0n0", "T1", bos.NodeToken(nil, "x3000c0s1b0n0", "T1")),
	} {
		if ok {
			t.Errorf("%s is taken", name)
		}
	}
	if len(token) != 32 || strings.ContainsAny(token, " =+/\"$#") {
		t.Errorf("%q cannot be a word of a kernel's command line", token)
	}
}
