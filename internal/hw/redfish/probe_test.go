package redfish_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

func TestThePowerStateIsWhatTheBMCSays(t *testing.T) {
	for word, want := range map[string]bos.PowerState{
		"On": bos.PowerStateOn, "Off": bos.PowerStateOff, "PoweringOn": bos.PowerStatePoweringOn,
		"PoweringOff": bos.PowerStatePoweringOff, "Paused": bos.PowerStateOn, "on": bos.PowerStateOn,
	} {
		b := startBMC(t, powered(word))
		got := probe(t.Context(), t, connectTo(t, b.endpoint("1")), node)
		wantReading(t, got.results[node], want, bos.SymptomNone, bos.CauseNone)
		if got.results[node].Detail != "" || b.asked()[0] != "GET /redfish/v1/Systems/1" {
			t.Errorf("%s: asked %v, detail %q", word, b.asked(), got.results[node].Detail)
		}
	}
}

func TestAnAnswerThatIsNoStateIsUnknownAndRefusing(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		cause  bos.Cause
		says   string
	}{
		"no PowerState":        {200, `{"Id":"1"}`, bos.CauseBMCError, "no PowerState"},
		"a null PowerState":    {200, `{"PowerState":null}`, bos.CauseBMCError, "no PowerState"},
		"an odd PowerState":    {200, `{"PowerState":"Banana"}`, bos.CauseBMCError, `"Banana"`},
		"an empty PowerState":  {200, `{"PowerState":""}`, bos.CauseBMCError, "no PowerState"},
		"a number":             {200, `{"PowerState":1}`, bos.CauseBMCError, "no ComputerSystem"},
		"an empty body":        {200, "", bos.CauseBMCError, "no ComputerSystem"},
		"a page":               {200, "<html>", bos.CauseBMCError, "no ComputerSystem"},
		"no content":           {204, "", bos.CauseBMCError, "no ComputerSystem"},
		"a body above the cap": {200, strings.Repeat(" ", 1<<20+1), bos.CauseBMCError, "above 1048576 bytes"},
		"wrong credentials":    {401, `{"error":{"message":"who are you"}}`, bos.CauseBMCAuth, "who are you"},
		"missing rights":       {403, "", bos.CauseBMCPermission, "give the user the privilege"},
		"an unknown system":    {404, "", bos.CauseBMCError, "rediscover the node"},
		"too many requests":    {429, "", bos.CauseBMCError, "429"},
		"an internal error":    {500, "", bos.CauseBMCError, "500 Internal Server Error"},
		"an overloaded BMC":    {503, "", bos.CauseBMCError, "503"},
		"a redirect":           {302, "", bos.CauseBMCError, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBMC(t, always(c.status, c.body))
			got := probe(t.Context(), t, connectTo(t, b.endpoint("1")), node)
			wantReading(t, got.results[node], bos.PowerStateUnknown, bos.SymptomRefusing, c.cause, c.says)
			// One that has not what the inventory says is asked for what it has.
			if want := 1 + strings.Count(name, "unknown system"); len(b.asked()) != want {
				t.Errorf("asked %v", b.asked())
			}
		})
	}
}

func TestWrongCredentialsAreTheCause(t *testing.T) {
	b := startBMC(t, powered("On"))
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{node: b.endpoint("1")}), Password: "another"})
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCAuth)
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseBMCAuth)
}

func TestWithoutAnAnswerTheBMCIsSilent(t *testing.T) {
	t.Parallel()
	hanging := startBMC(t, func(b *bmc, _ http.ResponseWriter, _ *http.Request, _ string) { b.hold() })
	halting := startBMC(t, func(b *bmc, w http.ResponseWriter, _ *http.Request, _ string) {
		w.(http.Flusher).Flush()
		b.hold()
	})
	breaking := startBMC(t, func(*bmc, http.ResponseWriter, *http.Request, string) { panic(http.ErrAbortHandler) })
	for name, c := range map[string]struct {
		address string
		says    string
	}{
		"a BMC that hangs":             {hanging.address, "no answer within"},
		"a BMC that stops in its body": {halting.address, "no answer within"},
		"a BMC that hangs up":          {breaking.address, "broke"},
		"a BMC that is off":            {closedAddress(t), "connection refused"},
		"a BMC that has no address":    {"no-such-bmc.invalid", "no-such-bmc.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c1 := connect(t, redfish.Config{Timeouts: redfish.Timeouts{Read: patience, Reset: patience}, Endpoints: fixed(map[string]redfish.Endpoint{
				node: {Address: c.address, System: "/redfish/v1/Systems/1"},
			})})
			wantReading(t, probe(t.Context(), t, c1, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, c.says)
		})
	}
}

func TestAnUntrustedCertificateIsSaidAndNothingIsSent(t *testing.T) {
	b := startBMC(t, powered("On"))
	other := redfish.New(redfish.Config{
		Endpoints: fixed(map[string]redfish.Endpoint{node: b.endpoint("1")}), User: user, Password: password,
	})
	got := probe(t.Context(), t, other, node).results[node]
	wantReading(t, got, bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseNone, "certificate is not trusted", "ca_file")
	result := apply(t.Context(), t, other, bos.PowerOn, node).results[node]
	wantResult(t, result, bos.CallNotAttempted, bos.CauseBMCUnreachable, "certificate is not trusted")
	if len(b.asked()) != 0 {
		t.Errorf("asked %v", b.asked())
	}
	insecure := connect(t, redfish.Config{Insecure: true, Endpoints: fixed(map[string]redfish.Endpoint{node: b.endpoint("1")})})
	wantReading(t, probe(t.Context(), t, insecure, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
}

func TestANodeWithoutUsableEndpointIsUnknownToPower(t *testing.T) {
	c := connect(t, redfish.Config{Endpoints: fixed(map[string]redfish.Endpoint{
		"x1c0s1b0n0": {Address: "", System: "/redfish/v1/Systems/1"},
		"x1c0s2b0n0": {Address: "bmc/evil", System: "/redfish/v1/Systems/1"},
		"x1c0s3b0n0": {Address: "bmc", System: "https://elsewhere/redfish/v1/Systems/1"},
	})})
	ids := []string{"x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0"}
	seen, done := probe(t.Context(), t, c, ids...), apply(t.Context(), t, c, bos.PowerOn, ids...)
	for _, id := range ids {
		wantReading(t, seen.results[id], bos.PowerStateUnknown, bos.SymptomNone, bos.CauseUnknownToPower, "rediscover")
		wantResult(t, done.results[id], bos.CallNotAttempted, bos.CauseUnknownToPower, "rediscover")
	}
}

func TestWithoutTheInventoryNothingIsKnownAndNothingIsDone(t *testing.T) {
	c := connect(t, redfish.Config{Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) {
		return nil, errors.New("HSM is away")
	}})
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomSilent, bos.CauseUpstreamOutage, "HSM is away")
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallNotAttempted, bos.CauseUpstreamOutage, "HSM is away")
}

func TestAPasswordThatCannotBeReadIsSaidAndNothingIsSent(t *testing.T) {
	b := startBMC(t, powered("On"))
	c := connect(t, redfish.Config{
		Endpoints:    fixed(map[string]redfish.Endpoint{node: b.endpoint("1")}),
		PasswordFrom: func() (string, error) { return password, errors.New("BMC_PASSWORD is not set") },
	})
	wantReading(t, probe(t.Context(), t, c, node, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCAuth, "BMC_PASSWORD is not set")
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node, node).results[node], bos.CallNotAttempted, bos.CauseBMCAuth, "BMC_PASSWORD is not set")
	if len(b.asked()) != 0 {
		t.Errorf("asked %v", b.asked())
	}
}

func TestAChangedPasswordIsPickedUp(t *testing.T) {
	b := startBMC(t, powered("On"))
	now := "the old one"
	c := connect(t, redfish.Config{
		Endpoints:    fixed(map[string]redfish.Endpoint{node: b.endpoint("1")}),
		PasswordFrom: func() (string, error) { return now, nil },
	})
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCAuth)
	now = password
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
}

func TestAnEchoedPasswordIsNotShown(t *testing.T) {
	b := startBMC(t, func(_ *bmc, w http.ResponseWriter, r *http.Request, _ string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"message":"you sent %s and %s"}}`, r.Header.Get("Authorization"), password)
	})
	c := connectTo(t, b.endpoint("1")) // the collectors look for the password
	wantReading(t, probe(t.Context(), t, c, node).results[node], bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "you sent Basic *** and ***")
	wantResult(t, apply(t.Context(), t, c, bos.PowerOn, node).results[node], bos.CallRefused, bos.CauseResetRefused, "you sent Basic *** and ***")
}
