package redfish_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

func TestTheMessageIsWhatTheBMCSaysInWhateverShape(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"extended messages", `{"error":{"code":"c","message":"general","@Message.ExtendedInfo":[{"Message":"one"},{"Message":"two"},{"Message":"one"}]}}`, "one two"},
		{"one extended message", `{"error":{"@Message.ExtendedInfo":{"Message":"one"}}}`, "one"},
		{"extended messages at the top", `{"@Message.ExtendedInfo":[{"Message":"one"}]}`, "one"},
		{"extended messages without text, by name", `{"error":{"message":"general","@Message.ExtendedInfo":[{"MessageId":"Base.1.8.InternalError"}]}}`, "InternalError"},
		{"extended messages without anything", `{"error":{"message":"general","@Message.ExtendedInfo":[{}]}}`, "general"},
		{"an error", `{"error":{"message":"general"}}`, "general"},
		{"an emulator's form", `{"Status":400,"Message":"Invalid ResetType"}`, "Invalid ResetType"},
		{"a framework's form", `{"message":"The method is not allowed"}`, "The method is not allowed"},
		{"an error that is text", `{"error":"bad","message":"worse"}`, "worse"},
		{"plain text", "unknown reset type\n", "unknown reset type"},
		{"a page", "<!DOCTYPE html><p>400</p>", ""},
		{"nothing", "", ""},
		{"another body", `{"PowerState":"On"}`, ""},
		{"a list", `[1]`, "[1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := redfish.Message([]byte(c.body)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnAdvertisedTypeIsFoundAlsoInAJoinedEntry(t *testing.T) {
	for _, c := range []struct {
		name  string
		types []string
		want  bool
	}{
		{"as itself", []string{"On", "GracefulShutdown"}, true},
		{"first of two", []string{"GracefulShutdownGracefulRestart"}, true},
		{"second of two", []string{"GracefulRestartGracefulShutdown"}, true},
		{"only as the start of a word", []string{"GracefulShutdownSoon"}, false},
		{"not at all", []string{"ForceOff", "Off", ""}, false},
		{"nothing", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := redfish.Advertises(c.types, "GracefulShutdown"); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if redfish.Advertises([]string{"ForceOn"}, "On") {
		t.Error("ForceOn was read as On")
	}
}
