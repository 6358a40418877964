package assembly

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// met is a fault, or a few at once, and what the user is told of a node that has it
// while it is booted and rebooted.
type met struct {
	rules []fault.Rule
	// cause and says are those of the node at some moment, says in its error; both
	// empty are that it boots and reboots, and nothing is told.
	cause bos.Cause
	says  string
	// passes says that it boots and reboots all the same.
	passes bool
	// skipped is why sessions leave it out.
	skipped string
	// set are settings of Redfish, configures that a configuration is wanted.
	set        func(*redfish.Config)
	configures bool
}

// has is one fault in a form.
func has(kind fault.Kind, form string, m met) met {
	m.rules = append([]fault.Rule{{Fault: kind, Form: form}}, m.rules...)
	return m
}

// unlisted is what HSM has of a node whose system is to be found on its BMC.
var unlisted = fault.Rule{Fault: fault.Inventory, Form: fault.FormNoPath}

func inSessions(c *redfish.Config) { c.Sessions = true }

// ofNodes are the faults of BMCs and nodes.
var ofNodes = []met{
	has(fault.Dead, "", met{cause: bos.CauseBMCUnreachable, says: "no connection in time"}),
	has(fault.Hang, "", met{cause: bos.CauseBMCUnreachable, says: "no answer within 30s"}),
	has(fault.Slow, "", met{passes: true}),
	has(fault.Busy, "", met{cause: bos.CauseBMCError, says: "503 Service Unavailable"}),
	has(fault.Credentials, "", met{cause: bos.CauseCredentialsHeld, says: "correct power.redfish.credentials"}),
	has(fault.Garbage, fault.FormPage, met{cause: bos.CauseBMCError, says: "no ComputerSystem (invalid character '<'"}),
	has(fault.Garbage, fault.FormCut, met{cause: bos.CauseBMCError, says: "no ComputerSystem (unexpected end of JSON input)"}),
	has(fault.Garbage, fault.FormNUL, met{cause: bos.CauseBMCError, says: `no ComputerSystem (invalid character '\x00'`}),
	has(fault.Garbage, fault.FormNaN, met{cause: bos.CauseBMCError, says: "no ComputerSystem (invalid character 'N'"}),
	has(fault.Garbage, fault.FormHuge, met{cause: bos.CauseBMCError, says: "the answer is too large"}),
	has(fault.Garbage, fault.FormNothing, met{cause: bos.CauseBMCError, says: "no ComputerSystem (unexpected end of JSON input)"}),
	has(fault.Garbage, fault.FormList, met{cause: bos.CauseBMCError, says: "no ComputerSystem (json: cannot unmarshal array"}),
	has(fault.Restart, "", met{passes: true, set: inSessions}),
	has(fault.Lockout, "", met{passes: true}),
	has(fault.SessionsFull, "", met{passes: true, set: inSessions}),
	has(fault.NoBasic, "", met{cause: bos.CauseCredentialsHeld, says: "power.redfish.sessions: true"}),
	has(fault.NoBasic, "", met{passes: true, set: inSessions}),
	has(fault.NoSessions, "", met{passes: true, set: inSessions}),
	has(fault.Placeless, "", met{passes: true, set: inSessions}),
	has(fault.OtherMachine, "", met{cause: bos.CauseOtherMachine, says: "so nothing is sent to it; correct the BMC's address"}),
	has(fault.TLS, fault.FormRSA, met{cause: bos.CauseBMCUnreachable, says: "needs tls: legacy"}),
	has(fault.TLS, fault.FormTLS10, met{cause: bos.CauseBMCUnreachable, says: "needs tls: legacy"}),
	has(fault.TLS, fault.FormP384, met{passes: true}),
	has(fault.TLS, fault.FormP521, met{passes: true}),
	has(fault.TLS, fault.FormPlain, met{cause: bos.CauseBMCUnreachable, says: "it does not speak TLS; check that the port is that of HTTPS"}),
	has(fault.Forbidden, fault.FormPrivilege, met{says: "There are insufficient privileges"}),
	has(fault.Forbidden, fault.FormLicence, met{says: "Not licensed to perform this request"}),
	has(fault.Forbidden, fault.FormPasswordChange, met{says: "must be changed before access is granted"}),
	has(fault.HostName, "", met{cause: bos.CauseBMCError, says: "the Host is not x1000c0s0b0"}),
	has(fault.Closes, "", met{passes: true}),
	has(fault.Systems, fault.FormTwo, met{rules: []fault.Rule{unlisted}, passes: true}),
	has(fault.Systems, fault.FormBaseboard, met{rules: []fault.Rule{unlisted}, passes: true}),
	has(fault.Systems, fault.FormPaged, met{rules: []fault.Rule{unlisted}, passes: true}),
	has(fault.Systems, fault.FormNone, met{rules: []fault.Rule{unlisted}, cause: bos.CauseUnknownToPower, says: "lists no system"}),
	has(fault.Slash, fault.FormRedirect, met{passes: true}),
	has(fault.Slash, fault.FormRefuse, met{rules: []fault.Rule{unlisted}, passes: true}),
	has(fault.Drop, "", met{cause: bos.CauseResetIgnored, says: "still off max_power_on_wait_time"}),
	has(fault.Refuse, "503", met{cause: bos.CauseBMCError, says: "has not taken a power-on for max_unreachable_time"}),
	has(fault.Refuse, "429", met{cause: bos.CauseBMCError, says: "has not taken a power-on for max_unreachable_time"}),
	has(fault.Refuse, "409", met{cause: bos.CauseNotReady, says: "the resource is in use or in transition"}),
	has(fault.Refuse, "400", met{cause: bos.CauseResetRefused, says: "The parameter ResetType"}),
	has(fault.Refuse, "404", met{cause: bos.CauseResetRefused, says: "404 Not Found"}),
	has(fault.Refuse, "405", met{cause: bos.CauseResetRefused, says: "405 Method Not Allowed"}),
	has(fault.Refuse, "501", met{cause: bos.CauseResetRefused, says: "501 Not Implemented"}),
	has(fault.NotReady, "", met{cause: bos.CauseNotReady, says: "iDRAC is not ready"}),
	has(fault.Break, "", met{cause: bos.CauseResetUnconfirmed, says: "500 Internal Server Error"}),
	has(fault.Cut, "", met{cause: bos.CauseResetUnconfirmed, says: "the connection broke before the answer was whole"}),
	has(fault.SlowReset, "", met{passes: true}),
	has(fault.Stale, "", met{passes: true}),
	has(fault.Boot, "", met{cause: bos.CauseBootTimeout, says: "no report of a boot within max_boot_wait_time"}),
	has(fault.WrongImage, "", met{cause: bos.CauseWrongImage, says: "instead of"}),
	has(fault.NoReport, "", met{cause: bos.CauseBootTimeout, says: "no report of a boot within max_boot_wait_time"}),
	has(fault.Config, "", met{cause: bos.CauseConfiguration, says: "cfs configuration failed", configures: true}),
	has(fault.PowerWord, fault.FormNull, met{cause: bos.CauseBMCError, says: "with no PowerState"}),
	has(fault.PowerWord, fault.FormMissing, met{cause: bos.CauseBMCError, says: "with no PowerState"}),
	has(fault.PowerWord, fault.FormEmpty, met{cause: bos.CauseBMCError, says: "with no PowerState"}),
	has(fault.PowerWord, fault.FormNumber, met{cause: bos.CauseBMCError, says: "cannot unmarshal number"}),
	has(fault.PowerWord, "Reset", met{cause: bos.CauseBMCError, says: `the PowerState "Reset", which is no power state`}),
	has(fault.PowerWord, "Standby", met{cause: bos.CauseBMCError, says: `the PowerState "Standby", which is no power state`}),
	has(fault.PowerWord, "Starting", met{cause: bos.CauseBMCError, says: `the PowerState "Starting", which is no power state`}),
	has(fault.Inventory, fault.FormInvented, met{cause: bos.CauseOtherMachine, says: "set power.redfish.ignore_uuids if the UUIDs in the inventory are made up"}),
	has(fault.Inventory, fault.FormInvented, met{passes: true, set: func(c *redfish.Config) { c.IgnoreUUIDs = true }}),
	has(fault.Inventory, fault.FormMissing, met{cause: bos.CauseUnknownToPower, says: "rediscover the node"}),
	has(fault.Inventory, fault.FormNoAddress, met{cause: bos.CauseUnknownToPower, says: "the address of its BMC is no host"}),
	has(fault.Inventory, fault.FormBadAddress, met{cause: bos.CauseBMCUnreachable, says: `the name "x1000c0s0b0.invalid" cannot be resolved`}),
	has(fault.Inventory, fault.FormNoPath, met{passes: true}),
	has(fault.Inventory, fault.FormDisabled, met{cause: bos.CauseBMCDisabled, says: "its BMC is disabled in HSM"}),
	has(fault.Inventory, fault.FormEmpty, met{skipped: "empty"}),
	has(fault.Inventory, fault.FormOtherUUID, met{cause: bos.CauseOtherMachine, says: "correct the BMC's address, rediscover the node"}),
	has(fault.Inventory, fault.FormOdd, met{passes: true}),
	has(fault.Inventory, fault.FormTwice, met{skipped: "contradicts itself"}),
	has(fault.Inventory, fault.FormTwoBMCs, met{cause: bos.CauseUnknownToPower, says: "nobody knows which is the right one"}),
	has(fault.Inventory, fault.FormMistyped, met{skipped: "cannot be read"}),
	has(fault.Locked, "", met{skipped: "locked"}),
	has(fault.Reserved, "", met{skipped: "reserved"}),
}

// TestEachFaultOfANodeIsToldWithItsCause: whatever a BMC, a node or its entry in HSM
// does wrong, the user reads what it is while the node is waited for, or the node
// boots all the same. The other nodes of the room do.
func TestEachFaultOfANodeIsToldWithItsCause(t *testing.T) {
	for _, m := range ofNodes {
		name := strings.Trim(fmt.Sprintf("%s %s", m.rules[0].Fault, m.rules[0].Form), " ")
		t.Run(name, func(t *testing.T) {
			set := m.set
			if set == nil {
				set = func(*redfish.Config) {}
			}
			atSiteWith(t, 3, "redfish", 2*time.Second, set, func(s *site) { s.meets(m) })
		})
	}
}

// meets boots and reboots a room whose first node has a fault.
func (s *site) meets(m met) {
	const node = "x1000c0s0b0n0"
	for _, rule := range m.rules {
		rule.Nodes = node
		if err := s.room.Room().AddFaults(time.Now(), rule); err != nil {
			s.t.Fatal(err)
		}
	}
	if m.skipped != "" {
		var p bos.Preview
		s.template(m)
		s.must(http.MethodPost, "/x/v1/previews", `{"operation":"boot","template_name":"t"}`, &p)
		i := slices.IndexFunc(p.Skipped, func(g bos.PreviewSkip) bool { return strings.Contains(g.Nodes, node) })
		if i < 0 || !strings.Contains(p.Skipped[i].Reason, m.skipped) {
			s.t.Errorf("it is not left out as %s: %+v", m.skipped, p.Skipped)
		}
		return
	}
	var told []string
	for _, operation := range []string{"boot", "reboot"} {
		outcomes := s.walk(operation, m, node, &told)
		for _, o := range outcomes {
			if wanted := o.ID != node || m.passes; wanted != (o.Status == bos.StatusStable) {
				s.t.Errorf("after the %s %s is %s: %s", operation, o.ID, o.Status, o.Error)
			}
		}
		if !m.passes {
			break
		}
	}
	if m.passes && len(told) > 0 {
		s.t.Errorf("it is told of, though it passes:\n%s", strings.Join(told, "\n"))
	}
	if !m.passes && !slices.ContainsFunc(told, func(line string) bool {
		return strings.HasPrefix(line, string(m.cause)) && strings.Contains(line, m.says)
	}) {
		s.t.Errorf("nothing says %s and %q:\n%s", m.cause, m.says, strings.Join(told, "\n"))
	}
}

func (s *site) template(m met) {
	s.must(http.MethodPut, "/v2/sessiontemplates/t", fmt.Sprintf(
		`{"enable_cfs":%t,"cfs":{"configuration":"site"},"boot_sets":{"c":{"path":"s3://b/m","type":"s3","node_roles_groups":["Compute"]}}}`, m.configures), nil)
}

// walk runs a session to its end and notes what is told of a node meanwhile.
func (s *site) walk(operation string, m met, node string, told *[]string) []bos.NodeOutcome {
	s.template(m)
	s.must(http.MethodPost, "/v2/sessions", fmt.Sprintf(`{"name":%q,"operation":%q,"template_name":"t"}`, operation, operation), nil)
	for range 12 * 60 * 3 { // three hours
		var page bos.NodeOutcomes
		s.must(http.MethodGet, "/x/v1/sessions/"+operation+"/components", "", &page)
		for _, o := range page.Components {
			if line := fmt.Sprintf("%s: %s", o.Cause, o.Error); o.ID == node && o.Error != "" && !slices.Contains(*told, line) {
				*told = append(*told, line)
			}
		}
		var status bos.ExtendedStatus
		if s.must(http.MethodGet, "/v2/sessions/"+operation+"/status", "", &status); status.Status == bos.SessionComplete {
			s.must(http.MethodGet, "/x/v1/sessions/"+operation+"/components", "", &page)
			return page.Components
		}
		<-time.After(5 * time.Second)
	}
	s.t.Fatalf("the %s does not end:\n%s", operation, strings.Join(*told, "\n"))
	return nil
}

// TestEveryFaultOfNodesHasACase in each of its forms.
func TestEveryFaultOfNodesHasACase(t *testing.T) {
	for _, e := range fault.Vocabulary {
		if e.Of&(fault.BMC|fault.Node) == 0 {
			continue
		}
		forms := e.Forms
		if forms == nil {
			forms = []string{""}
		}
		for _, form := range forms {
			if !slices.ContainsFunc(ofNodes, func(m met) bool { return m.rules[0].Fault == e.Kind && m.rules[0].Form == form }) {
				t.Errorf("nothing shows what is told of %s %s", e.Kind, form)
			}
		}
	}
}

// served is a fault of a service and what the user is told while it lasts.
type served struct {
	service string
	kind    fault.Kind
	form    string
	// power is by which way nodes are powered, pcs or redfish.
	power string
	// says is in the error of the session or of its nodes, or in the history, while
	// it lasts; empty is that the session succeeds with it.
	says string
}

const neverBooted = "no report of a boot within max_boot_wait_time"

// ofServices are the faults of services, but for those of S3, IMS and TAPMS, which the
// adapters' own tests have.
func ofServices() []served {
	all := []served{
		{fault.HSM, fault.Forgets, fault.FormNodes, "redfish", "lists no node, although there were 3"},
		{fault.HSM, fault.Forgets, fault.FormEndpoints, "redfish", "lists the BMC of no node"},
		{fault.HSM, fault.Forgets, fault.FormLocks, "redfish", "whether it is locked"},
		{fault.HSM, fault.Forgets, fault.FormReservations, "redfish", ""},
		{fault.HSM, fault.NoInterfaces, "", "redfish", ""},
		{fault.BSS, fault.Forgets, fault.FormNodes, "redfish", neverBooted},
		{fault.PCS, fault.Forgets, fault.FormNodes, "pcs", "Component not found in component map"},
		{fault.PCS, fault.Forgets, fault.FormTransitions, "pcs", ""},
		{fault.PCS, fault.Capitals, "", "pcs", ""},
		{fault.PCS, fault.Unreserved, fault.FormUnanswered, "pcs", "PCS could not reserve it in HSM"},
		{fault.PCS, fault.Unreserved, fault.FormExpired, "pcs", "HSM does not know the reservation of PCS any more"},
		{fault.BMCs, fault.Outage, "", "redfish", "no connection"},
		{fault.BMCs, fault.Hang, "", "redfish", "no answer within"},
		{fault.BMCs, fault.Busy, "", "redfish", "503 Service Unavailable"},
		{fault.BMCs, fault.Slow, "", "redfish", ""},
	}
	for service, power := range map[string]string{fault.HSM: "redfish", fault.BSS: "redfish", fault.PCS: "pcs"} {
		upstream := strings.ToUpper(service)
		all = append(all,
			served{service, fault.Outage, "", power, upstream}, served{service, fault.Hang, "", power, upstream},
			served{service, fault.Busy, "", power, "503"}, served{service, fault.Slow, "", power, ""}, served{service, fault.Lost, "", power, upstream + " did not answer"})
		for _, kind := range []fault.Kind{fault.Status, fault.Garbage} {
			e, _ := fault.Of(kind)
			for _, form := range e.Forms {
				says := upstream
				if service == fault.BSS && kind == fault.Garbage && form != fault.FormPage && form != fault.FormHuge {
					says = neverBooted // the body of BSS' answer is empty, and nobody reads it
				}
				all = append(all, served{service, kind, form, power, says})
			}
		}
	}
	return all
}

// TestAFaultOfAServiceIsToldAndFailsNobody: while it lasts the session waits and says
// for what, and when it is lifted all nodes boot, without an attempt lost.
func TestAFaultOfAServiceIsToldAndFailsNobody(t *testing.T) {
	for _, f := range ofServices() {
		t.Run(strings.Trim(fmt.Sprintf("%s %s %s", f.service, f.kind, f.form), " "), func(t *testing.T) {
			atSite(t, 3, f.power, 2*time.Second, func(s *site) {
				if err := s.room.Room().AddFaults(time.Now(), fault.Rule{Name: "it", Fault: f.kind, Form: f.form, Service: f.service}); err != nil {
					s.t.Fatal(err)
				}
				s.template(met{})
				s.must(http.MethodPost, "/v2/sessions", `{"name":"s","operation":"boot","template_name":"t"}`, nil)
				var told []string
				for range 12 * 30 { // half an hour
					lines, over := s.said("s")
					lines = append(lines, s.historyOf("x1000c0s0b0n0")...)
					for _, line := range lines {
						if !slices.Contains(told, line) {
							told = append(told, line)
						}
					}
					if over || f.says != "" && strings.Contains(strings.Join(told, "\n"), f.says) {
						break
					}
					<-time.After(5 * time.Second)
				}
				if text := strings.Join(told, "\n"); !strings.Contains(text, f.says) {
					s.t.Errorf("want %q to be told:\n%s", f.says, text)
				}
				if f.says != "" {
					s.room.Room().LiftFaults("it")
				}
				var status bos.ExtendedStatus
				for range 12 * 60 * 2 {
					if s.must(http.MethodGet, "/v2/sessions/s/status", "", &status); status.Status == bos.SessionComplete {
						break
					}
					<-time.After(5 * time.Second)
				}
				if status.Status != bos.SessionComplete || status.PercentSuccessful != 100 {
					s.t.Errorf("when it is lifted: %+v; told before:\n%s", status, strings.Join(told, "\n"))
				}
			})
		})
	}
}

// said is what a session and its nodes tell now, and whether it is over.
func (s *site) said(session string) (lines []string, over bool) {
	var state bos.Session
	s.must(http.MethodGet, "/v2/sessions/"+session, "", &state)
	if state.Status.Error != nil && *state.Status.Error != "" {
		lines = append(lines, *state.Status.Error)
	}
	var page bos.NodeOutcomes
	s.must(http.MethodGet, "/x/v1/sessions/"+session+"/components", "", &page)
	for _, o := range page.Components {
		if o.Error != "" {
			lines = append(lines, o.Error)
		}
	}
	return lines, state.Status.Status == bos.SessionComplete
}

// TestWhatABMCDoesWrongForMinutesFailsNobody: BMCs that start, are updated or have a
// job in work answer with less, and then as before.
func TestWhatABMCDoesWrongForMinutesFailsNobody(t *testing.T) {
	for _, m := range []met{
		has(fault.Dead, "", met{}), has(fault.Hang, "", met{}), has(fault.Busy, "", met{}), has(fault.Closes, "", met{}),
		has(fault.Garbage, fault.FormNothing, met{}), has(fault.Garbage, fault.FormPage, met{}), has(fault.Garbage, fault.FormCut, met{}),
		has(fault.Systems, fault.FormNone, met{rules: []fault.Rule{unlisted}}), has(fault.Systems, fault.FormPaged, met{rules: []fault.Rule{unlisted}}),
		has(fault.PowerWord, fault.FormNull, met{}), has(fault.PowerWord, "Reset", met{}), has(fault.PowerWord, "Starting", met{}),
		has(fault.Forbidden, fault.FormPrivilege, met{}), has(fault.OtherMachine, "", met{}), has(fault.TLS, fault.FormPlain, met{}),
		has(fault.SessionsFull, "", met{set: inSessions}), has(fault.NoSessions, "", met{set: inSessions}),
		has(fault.Refuse, "503", met{}), has(fault.Refuse, "409", met{}), has(fault.NotReady, "", met{}),
		has(fault.Inventory, fault.FormMissing, met{}), has(fault.Inventory, fault.FormNoAddress, met{}), has(fault.Inventory, fault.FormDisabled, met{}),
	} {
		m.rules[0].For, m.passes = 4*time.Minute, true
		t.Run(strings.Trim(fmt.Sprintf("%s %s", m.rules[0].Fault, m.rules[0].Form), " "), func(t *testing.T) {
			set := m.set
			if set == nil {
				set = func(*redfish.Config) {}
			}
			atSiteWith(t, 3, "redfish", 2*time.Second, set, func(s *site) {
				const node = "x1000c0s0b0n0"
				for _, rule := range m.rules {
					rule.Nodes = node
					if err := s.room.Room().AddFaults(time.Now(), rule); err != nil {
						s.t.Fatal(err)
					}
				}
				var told []string
				for _, o := range s.walk("boot", m, node, &told) {
					if o.Status != bos.StatusStable {
						s.t.Errorf("%s is %s: %s", o.ID, o.Status, o.Error)
					}
				}
			})
		})
	}
}
