package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	yamldecoder "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const (
	repository = "../../"
	chart      = repository + "packaging/helm/bos"
	namespace  = "booting"
)

// bare are the fewest values that the chart takes.
const bare = "allowWithoutTLS: true\n"

// values are those that are tried: the examples of the chart, and some of each kind.
func values(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{
		"bare":                           bare,
		"hold, variables and a hostPort": bare + "hold: true\nsecretEnvironment: [bmc]\nbootScripts: { enabled: true, hostPort: true, port: 8881 }\npodAnnotations: { a: b }\nnodeSelector: { boots: \"yes\" }\ntolerations: [{ operator: Exists }]\nimagePullSecrets: [pull]\nvolume: { storageClass: local, size: 1Gi, accessModes: [ReadWriteOncePod] }\n",
		"a connection string in a Secret, on few machines": bare + "replicas: 2\nantiAffinity: preferred\npodDisruptionBudget: false\nstrategy: RollingUpdate\ndatabase: { urlSecret: { name: db, key: uri } }\nnetworkPolicy: { enabled: true }\nservice: { type: LoadBalancer, annotations: { a: b } }\n",
		"certificates of clients, another name":            "tls: { secret: bos-tls, clientCASecret: bos-clients }\nfullnameOverride: other\nsettings: { auth: { certificates: [{ dns: ops.example, roles: [operator] }] } }\n",
	}
	for _, name := range []string{"one", "three"} {
		text, err := os.ReadFile(filepath.Join(chart, "examples", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// rendered is what "helm template bos" makes of values, by file.
func rendered(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	c, err := loader.LoadDir(chart)
	if err != nil {
		t.Fatal(err)
	}
	options := common.ReleaseOptions{Name: "bos", Namespace: namespace, Revision: 1, IsInstall: true}
	v, err := util.ToRenderValues(c, parsed(t, text), options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, v)
}

// objects are those of a release, each as Kubernetes knows its kind: strictly, so that a
// field that it does not have is an error.
type objects struct {
	configMap  *core.ConfigMap
	stateful   *apps.StatefulSet
	deployment *apps.Deployment
	services   []*core.Service
	budget     *policy.PodDisruptionBudget
	network    *networking.NetworkPolicy
	monitor    *monitoring.ServiceMonitor
	rules      *monitoring.PrometheusRule
	everything string
}

func made(t *testing.T, text string) *objects {
	t.Helper()
	files, err := rendered(t, text)
	if err != nil {
		t.Fatal(err)
	}
	o := &objects{}
	for name, file := range files {
		if strings.HasSuffix(name, ".txt") {
			if !strings.Contains(file, "BOS is at http") {
				t.Errorf("the notes: %s", file)
			}
			continue
		}
		o.everything += file
		reader := yamldecoder.NewYAMLReader(newReader(file))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			o.take(t, name, document)
		}
	}
	return o
}

func (o *objects) take(t *testing.T, name string, document []byte) {
	t.Helper()
	var is struct{ Kind, APIVersion string }
	if err := yaml.Unmarshal(document, &is); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, document)
	}
	var into any
	switch is.APIVersion + " " + is.Kind {
	case " ":
		return // comments alone
	case "v1 ConfigMap":
		o.configMap = &core.ConfigMap{}
		into = o.configMap
	case "apps/v1 StatefulSet":
		o.stateful = &apps.StatefulSet{}
		into = o.stateful
	case "apps/v1 Deployment":
		o.deployment = &apps.Deployment{}
		into = o.deployment
	case "v1 Service":
		s := &core.Service{}
		o.services = append(o.services, s)
		into = s
	case "policy/v1 PodDisruptionBudget":
		o.budget = &policy.PodDisruptionBudget{}
		into = o.budget
	case "networking.k8s.io/v1 NetworkPolicy":
		o.network = &networking.NetworkPolicy{}
		into = o.network
	case "monitoring.coreos.com/v1 ServiceMonitor":
		o.monitor = &monitoring.ServiceMonitor{}
		into = o.monitor
	case "monitoring.coreos.com/v1 PrometheusRule":
		o.rules = &monitoring.PrometheusRule{}
		into = o.rules
	default:
		t.Fatalf("%s has a %s of %s", name, is.Kind, is.APIVersion)
	}
	if err := yaml.UnmarshalStrict(document, into); err != nil {
		t.Errorf("%s: %v\n%s", name, err, document)
	}
}

// pod is the template of the only workload.
func (o *objects) pod(t *testing.T) (selector map[string]string, pod core.PodTemplateSpec, claims []string, replicas int32) {
	t.Helper()
	switch {
	case o.stateful != nil && o.deployment == nil:
		for _, claim := range o.stateful.Spec.VolumeClaimTemplates {
			claims = append(claims, claim.Name)
		}
		return o.stateful.Spec.Selector.MatchLabels, o.stateful.Spec.Template, claims, *o.stateful.Spec.Replicas
	case o.deployment != nil && o.stateful == nil:
		return o.deployment.Spec.Selector.MatchLabels, o.deployment.Spec.Template, nil, *o.deployment.Spec.Replicas
	}
	t.Fatal("there is not one workload")
	return nil, core.PodTemplateSpec{}, nil, 0
}

func TestHelmFindsNothingToMendInTheChart(t *testing.T) {
	for name, text := range values(t) {
		for _, m := range lint.RunAll(chart, parsed(t, text), namespace).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

func TestWhatTheChartMakesIsWhatKubernetesTakesAndFitsTogether(t *testing.T) {
	for name, text := range values(t) {
		t.Run(name, func(t *testing.T) {
			o := made(t, text)
			selector, pod, claims, replicas := o.pod(t)
			if !within(selector, pod.Labels) || len(selector) == 0 {
				t.Errorf("the workload selects %v, and its pods have %v", selector, pod.Labels)
			}
			fits(t, pod.Spec, claims)
			container := pod.Spec.Containers[0]
			if len(o.services) == 0 {
				t.Error("there is no Service")
			}
			for _, s := range o.services {
				if !within(s.Spec.Selector, pod.Labels) {
					t.Errorf("the Service %s selects %v", s.Name, s.Spec.Selector)
				}
				for _, p := range s.Spec.Ports {
					if !hasPort(container, p.TargetPort.String()) {
						t.Errorf("the Service %s leads to the port %s, which there is not", s.Name, p.TargetPort.String())
					}
				}
			}
			if o.budget != nil && (replicas < 2 || !within(o.budget.Spec.Selector.MatchLabels, pod.Labels)) {
				t.Errorf("the PodDisruptionBudget is of nobody: %+v", o.budget.Spec)
			}
			if o.network != nil {
				for _, rule := range o.network.Spec.Ingress {
					if !hasPort(container, rule.Ports[0].Port.String()) {
						t.Errorf("the NetworkPolicy lets into %v", rule.Ports[0])
					}
				}
			}
			if _, err := config.Parse("bos.yaml", o.configMap.Data["bos.yaml"]); err != nil {
				t.Errorf("%v\n%s", err, o.configMap.Data["bos.yaml"])
			}
		})
	}
}

// fits holds a pod to itself, and to what the unit of systemd allows.
func fits(t *testing.T, pod core.PodSpec, claims []string) {
	t.Helper()
	there := slices.Clone(claims)
	for _, v := range pod.Volumes {
		there = append(there, v.Name)
		kinds := 0
		for _, is := range []bool{v.ConfigMap != nil, v.EmptyDir != nil, v.Secret != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("the volume %s is of %d kinds", v.Name, kinds)
		}
	}
	c := pod.Containers[0]
	used := map[string]bool{}
	for _, m := range c.VolumeMounts {
		used[m.Name] = true
		if !slices.Contains(there, m.Name) {
			t.Errorf("%s is mounted, and there is none", m.Name)
		}
	}
	for _, name := range there {
		if !used[name] {
			t.Errorf("%s is mounted nowhere", name)
		}
	}
	for what, probe := range map[string]*core.Probe{"/livez": c.LivenessProbe, "/livez ": c.StartupProbe, "/v2/healthz": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet.Path != strings.TrimSpace(what) || !hasPort(c, probe.HTTPGet.Port.String()) {
			t.Errorf("a probe is %+v, want one of %s", probe, what)
		}
	}
	s, p := c.SecurityContext, pod.SecurityContext
	if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || !*p.RunAsNonRoot ||
		p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault || *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks {
		t.Errorf("the pod may do more than it needs: %+v, %+v", s, p)
	}
	if *pod.TerminationGracePeriodSeconds < 45 {
		t.Errorf("it has %d s to end and to give its lease up", *pod.TerminationGracePeriodSeconds)
	}
	if limit := c.Resources.Limits.Memory().Value(); limit != 4<<30 {
		t.Errorf("its memory is bounded by %d", limit)
	}
}

func within(some, all map[string]string) bool {
	for name, value := range some {
		if all[name] != value {
			return false
		}
	}
	return len(some) > 0
}

func hasPort(c core.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool { return p.Name == name })
}

func TestOneReplicaHasAVolumeAndSeveralHaveADatabaseADifferentMachineEachAndABudget(t *testing.T) {
	all := values(t)
	one, three := made(t, all["one"]), made(t, all["three"])
	if one.stateful == nil || *one.stateful.Spec.Replicas != 1 || one.budget != nil {
		t.Errorf("one: %+v", one)
	}
	if got := one.stateful.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().String(); got != "10Gi" {
		t.Errorf("its volume has %s", got)
	}
	if three.deployment == nil || *three.deployment.Spec.Replicas != 3 || three.deployment.Spec.Strategy.Type != apps.RecreateDeploymentStrategyType || three.budget == nil || three.network == nil || three.monitor == nil {
		t.Fatalf("three: %+v", three)
	}
	if rule := three.deployment.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution; len(rule) != 1 || rule[0].TopologyKey != "kubernetes.io/hostname" {
		t.Errorf("they may be on one machine: %+v", rule)
	}
	for _, o := range []*objects{one, three} {
		for _, s := range o.services {
			if strings.HasSuffix(s.Name, "-boot") && (s.Spec.Type != core.ServiceTypeLoadBalancer || s.Spec.ExternalTrafficPolicy != core.ServiceExternalTrafficPolicyLocal) {
				t.Errorf("nodes do not arrive with their addresses: %+v", s.Spec)
			}
		}
	}
	c, err := config.Parse("bos.yaml", three.configMap.Data["bos.yaml"])
	if err != nil || !c.Shared() || c.DatabasePasswordFile != "/run/database/password" || c.Auth.TokensFile != "/run/tokens/tokens.yaml" || !c.TLS.On() || c.BootParameters.Builtin == nil || !slices.Contains(c.Names, "bos.booting.svc") || !slices.Contains(c.Names, "bos.example") {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestTheRulesOfTheChartAreThoseOfTheExamples(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join(chart, "files/bos.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(repository + "examples/observability/bos.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(shipped, example) {
		t.Error("packaging/helm/bos/files/bos.rules.yaml is not examples/observability/bos.rules.yaml: copy it")
	}
	var want struct{ Groups []monitoring.RuleGroup }
	if err := yaml.UnmarshalStrict(example, &want); err != nil {
		t.Fatal(err)
	}
	got := made(t, values(t)["three"]).rules
	if len(want.Groups) == 0 || len(got.Spec.Groups) != len(want.Groups) || len(got.Spec.Groups[0].Rules) != len(want.Groups[0].Rules) {
		t.Fatalf("%d of %d groups", len(got.Spec.Groups), len(want.Groups))
	}
	for i, rule := range want.Groups[0].Rules {
		if made := got.Spec.Groups[0].Rules[i]; made.Alert != rule.Alert || made.Expr.String() != rule.Expr.String() || made.Annotations["summary"] != rule.Annotations["summary"] {
			t.Errorf("%s becomes %+v", rule.Alert, made)
		}
	}
}

func TestValuesThatDoNotFitTogetherAreRefusedWithTheWayOut(t *testing.T) {
	for text, says := range map[string]string{
		bare + "replicas: 3\n": "give database.url or database.urlSecret",
		bare + "database: { url: \"postgres://bos:secret@db/bos\" }\n":              "database.passwordSecret",
		bare + "database: { url: \"postgres://db/bos\", urlSecret: { name: a } }\n": "keep one",
		bare + "database: { passwordSecret: { name: a } }\n":                        "of no database",
		bare + "database: { url: /var/lib/bos/bos.db }\n":                           "/database/url",
		"replicas: 1\n":                                                                        "allowWithoutTLS",
		bare + "tls: { clientCASecret: a }\n":                                                  "needs tls.secret",
		bare + "settings: { listen: \"0.0.0.0:1\" }\n":                                         "settings.listen is set by the chart",
		bare + "settings: { database: \"postgres://db/bos\" }\n":                               "use database.url",
		bare + "files: { bos.yaml: \"\" }\n":                                                   "goes into settings",
		bare + "tokens: { secret: a }\nsettings: { auth: { tokens_file: /etc/bos/t.yaml } }\n": "keep one",
		bare + "serviceMonitor: { enabled: true }\n":                                           "--role scraper",
		bare + "replica: 3\n":                                                                  "replica",
		bare + "terminationGracePeriodSeconds: 5\n":                                            "terminationGracePeriodSeconds",
		bare + "volume: { accessModes: [ReadWriteMany] }\n":                                    "accessModes",
	} {
		_, err := rendered(t, text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s is answered with %v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "bos:secret") {
			t.Errorf("a password is told: %v", err)
		}
	}
}

func (o *objects) String() string { return fmt.Sprintf("%d Services", len(o.services)) }
