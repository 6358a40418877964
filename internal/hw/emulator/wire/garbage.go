package wire

import (
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// hugeBody is the size of an answer that is too large, in bytes.
const hugeBody = 3 << 20

const page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on</body></html>"

// garbage are the bodies of answers that succeed and are none.
var garbage = map[string]string{
	fault.FormPage:    page,
	fault.FormCut:     `{"Name": "it ends in the mid`,
	fault.FormNUL:     "{\x00\"PowerState\": \"On\"}",
	fault.FormNaN:     `{"PowerState": "On", "MemorySummary": {"TotalSystemMemoryGiB": NaN}}`,
	fault.FormHuge:    `{"Name": "` + strings.Repeat("x", hugeBody) + `"}`,
	fault.FormNothing: "",
	fault.FormList:    `["On"]`,
}

// Garbage answers with success and with what is none.
func Garbage(w http.ResponseWriter, form string) {
	kind := "application/json"
	if form == fault.FormPage {
		kind = "text/html"
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write([]byte(garbage[form])) // the client is gone if this fails
}

// Status answers with the status that is a form of fault.Status.
func Status(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html><body>" + http.StatusText(status) + "</body></html>")) // the client is gone if this fails
}
