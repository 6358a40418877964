package bos

import (
	"strings"
	"testing"
)

func TestWhatSignsAnAddressIsHiddenWhereverItStands(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"s3://boot-images/1/kernel":          "s3://boot-images/1/kernel",
		"https://h/k?X-Amz-Signature=s":      "https://h/k?[hidden]",
		"https://ann:p@w@h/k":                "https://[hidden]@h/k",
		"https://ann@h:8443/k#f":             "https://[hidden]@h:8443/k#[hidden]",
		"quiet root=live:http://h/r?t=s rw":  "quiet root=live:http://h/r?[hidden] rw",
		"console=ttyS0,115200 a=b?c":         "console=ttyS0,115200 a=b?c",
		"a http://h/k?x=1 b ftp://u:p@i/j c": "a http://h/k?[hidden] b ftp://[hidden]@i/j c",
		"nmd_data=url=s3://b/r,etag=e1 ip=dhcp contact=me@site": "nmd_data=url=s3://b/r,etag=e1 ip=dhcp contact=me@site",
	} {
		if got := Unsigned(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func FuzzASecretInAnAddressIsNeverShown(f *testing.F) {
	f.Add("https://h/", "k?x=")
	f.Add("root=live:s3://", "a b#")
	f.Fuzz(func(t *testing.T, before, between string) {
		const secret = "G3heim"
		if strings.Contains(before+between, secret) || strings.ContainsAny(between, " \t\n\f\r\v") {
			return
		}
		if got := Unsigned(before + " https://h/" + between + "?" + secret); strings.Contains(got, secret) {
			t.Errorf("it shows %q", got)
		}
	})
}
