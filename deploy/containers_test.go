package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	dockerFile  = "docker/Dockerfile"
	composeFile = "compose/compose.yml"
)

// dockerStage is a stage of a Dockerfile: its instructions, by word.
type dockerStage map[string][]string

func dockerStages(t *testing.T) (stages []dockerStage) {
	t.Helper()
	text, err := os.ReadFile(dockerFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "FROM":
			stages = append(stages, dockerStage{})
		case word == "" || word == "#":
			continue
		}
		last := stages[len(stages)-1]
		last[word] = append(last[word], rest)
	}
	return stages
}

// words reads the JSON form of an instruction, perhaps behind its options.
func (s dockerStage) words(t *testing.T, instruction string) (words []string) {
	t.Helper()
	text := strings.Join(s[instruction], "")
	if err := json.Unmarshal([]byte(text[max(0, strings.Index(text, "[")):]), &words); err != nil {
		t.Fatalf("%s %s: %v", instruction, text, err)
	}
	return words
}

// The image has nothing but the binary and an empty directory, runs as nobody, and what it says of ports is
// true.
func TestTheImage(t *testing.T) {
	t.Parallel()
	stages := dockerStages(t)
	image := stages[len(stages)-1]
	for instruction, want := range map[string]string{"FROM": "scratch", "USER": "65532:65532", "VOLUME": "/data",
		"EXPOSE": strings.Join(manifestPorts, " ")} {
		if got := strings.Join(image[instruction], "; "); got != want {
			t.Errorf("%s %s, want %s", instruction, got, want)
		}
	}
	if image["RUN"] != nil {
		t.Error("there is no shell in it that could run anything")
	}
	args := append(image.words(t, "ENTRYPOINT")[1:], image.words(t, "CMD")...)
	for i, arg := range args { // joined as in the other manifests
		if strings.HasPrefix(arg, "--") {
			args[i] = arg + "=" + args[i+1]
			args[i+1] = ""
		}
	}
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "" })
	args = append(args, "--advertise=here", "--password-file=/password")
	places := founded(t, []container{{"here", args}}, "/data", "/password")
	together(t, places)
	healthyBy(t, image.words(t, "HEALTHCHECK"), places[0])
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		t.Logf("the image is not built, since there is no daemon: %v, %.200s", err, out)
		return
	}
	build := exec.CommandContext(t.Context(), "docker", "build", "-f", dockerFile, "-t", "caucus:test", "..")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("docker build: %v\n%s", err, said)
	}
	said, err := exec.Command("docker", "run", "--rm", "caucus:test", "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "caucus ") {
		t.Errorf("docker run: %v, %s", err, said)
	}
}

type composeService struct {
	Command     []string
	Ports       []string
	Volumes     []string
	Secrets     []string
	ReadOnly    bool `yaml:"read_only"`
	Healthcheck struct{ Test []string }
}

// The three nodes of the compose file find each other and serve.
func TestCompose(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]composeService
		Volumes  map[string]any
		Secrets  map[string]any
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var list []container
	for _, name := range []string{"n1", "n2", "n3"} {
		s := file.Services[name]
		if _, there := file.Volumes[name]; !there || !slices.Equal(s.Volumes, []string{name + ":/data"}) ||
			!slices.Equal(s.Secrets, []string{"password"}) || file.Secrets["password"] == nil || !s.ReadOnly {
			t.Errorf("%s has the volumes %v and the secrets %v", name, s.Volumes, s.Secrets)
		}
		for _, port := range s.Ports {
			if !regexp.MustCompile(`^127\.0\.0\.1:\d+:(5010|8989)$`).MatchString(port) {
				t.Errorf("%s lets everybody in at %s", name, port)
			}
		}
		list = append(list, container{name, s.Command})
	}
	places := founded(t, list, "/data", "/run/secrets/password")
	together(t, places)
	healthyBy(t, file.Services["n2"].Healthcheck.Test[1:], places[1])
	composed(t)
}

// composed runs the compose file, where a daemon and the plugin are.
func composed(t *testing.T) {
	t.Helper()
	for _, needs := range []string{"info", "compose version"} {
		if out, err := exec.Command("docker", strings.Fields(needs)...).CombinedOutput(); err != nil {
			t.Logf("it is not run, since docker %s fails: %v, %.200s", needs, err, out)
			return
		}
	}
	password := filepath.Join(filepath.Dir(composeFile), "password")
	if _, err := os.Stat(password); err == nil {
		t.Fatalf("%s is there: somebody uses this file, and it is not run once more", password)
	}
	if err := os.WriteFile(password, []byte("only of a test\n"), 0o644); err != nil { // user 65532 reads it
		t.Fatal(err)
	}
	compose := func(args ...string) {
		args = append([]string{"compose", "-p", "caucus-test", "-f", composeFile}, args...)
		if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
			t.Errorf("docker %v: %v\n%s", args, err, out)
		}
	}
	defer func() {
		compose("down", "-v", "--timeout", "10")
		if err := os.Remove(password); err != nil {
			t.Error(err)
		}
	}()
	compose("config", "-q")
	compose("up", "-d", "--build", "--wait", "--wait-timeout", "300")
	compose("exec", "-T", "n3", "/caucus", "ping")
}

// kubeObject is as much of Kubernetes' objects as could disagree with caucus or with each other.
type kubeObject struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		ClusterIP string `yaml:"clusterIP"`
		NotReady  bool   `yaml:"publishNotReadyAddresses"`
		Selector  yaml.Node
		Ports     []struct {
			Name   string
			Port   int
			Target string `yaml:"targetPort"`
		}
		Service        string `yaml:"serviceName"`
		Replicas       int
		Management     string `yaml:"podManagementPolicy"`
		MaxUnavailable int    `yaml:"maxUnavailable"`
		Template       struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Containers []kubeContainer
				Volumes    []struct{ Name string }
			}
		}
		Claims []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

type kubeContainer struct {
	Args  []string
	Env   []struct{ Name string }
	Ports []struct {
		Name string
		Port int `yaml:"containerPort"`
	}
	Startup   kubeProbe `yaml:"startupProbe"`
	Liveness  kubeProbe `yaml:"livenessProbe"`
	Readiness kubeProbe `yaml:"readinessProbe"`
	Mounts    []struct {
		Name string
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type kubeProbe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

func kubeObjects(t *testing.T) map[string]kubeObject {
	t.Helper()
	text, err := os.ReadFile("kubernetes/caucus.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]kubeObject{}
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o kubeObject
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[o.Kind+" "+o.Metadata.Name] = o
	}
}

// What the objects say of each other is true.
func TestKubernetesObjectsAgree(t *testing.T) {
	all := kubeObjects(t)
	set, ok := all["StatefulSet caucus"]
	headless := all["Service "+set.Spec.Service]
	if !ok || headless.Spec.ClusterIP != "None" || !headless.Spec.NotReady || set.Spec.Management != "Parallel" {
		t.Errorf("nodes that are not ready yet do not find each other: %+v", headless.Spec)
	}
	if all["PodDisruptionBudget caucus"].Spec.MaxUnavailable != 1 || set.Spec.Replicas != 3 {
		t.Error("more nodes may be taken away than can be borne")
	}
	for name, o := range all {
		var labels map[string]any
		if err := o.Spec.Selector.Decode(&labels); err != nil {
			t.Fatal(err)
		}
		if match, ok := labels["matchLabels"].(map[string]any); ok {
			labels = match
		}
		if labels["app"] != set.Spec.Template.Metadata.Labels["app"] || len(labels) != 1 {
			t.Errorf("%s selects %v", name, labels)
		}
	}
	c := set.Spec.Template.Spec.Containers[0]
	ports := map[string]int{}
	for _, p := range c.Ports {
		ports[p.Name] = p.Port
	}
	for _, name := range []string{"Service caucus", "Service caucus-nodes"} {
		for _, p := range all[name].Spec.Ports {
			if ports[p.Target] != p.Port || p.Name != p.Target {
				t.Errorf("%s leads port %d to %s, which is %d", name, p.Port, p.Target, ports[p.Target])
			}
		}
	}
	volumes := map[string]bool{}
	for _, v := range set.Spec.Template.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, v := range set.Spec.Claims {
		volumes[v.Metadata.Name] = true
	}
	for _, m := range c.Mounts {
		if !volumes[m.Name] {
			t.Errorf("%s is mounted and not there", m.Name)
		}
	}
	for name, p := range map[string]kubeProbe{"/healthz": c.Liveness, "/readyz": c.Readiness} {
		if p.Get.Path != name || p.Get.Port != "http" || ports["http"] != 8989 {
			t.Errorf("a probe asks %+v for %s", p.Get, name)
		}
	}
}

// The pods of the StatefulSet, run as processes, find each other and pass their probes.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	set := kubeObjects(t)["StatefulSet caucus"]
	c := set.Spec.Template.Spec.Containers[0]
	var list []container
	for _, pod := range []string{"caucus-0", "caucus-1", "caucus-2"} {
		named := strings.NewReplacer("$(POD)", pod, "$(NAMESPACE)", "somewhere")
		one := container{host: pod + "." + set.Spec.Service + ".somewhere.svc"}
		for _, arg := range c.Args {
			arg = named.Replace(arg)
			if strings.Contains(arg, "$") {
				t.Errorf("%s has a variable that is not in env: %v", arg, c.Env)
			}
			one.args = append(one.args, arg)
		}
		list = append(list, one)
	}
	places := founded(t, list, "/data/node", "/etc/caucus/password")
	together(t, places)
	for _, p := range places {
		for _, probe := range []kubeProbe{c.Startup, c.Liveness, c.Readiness} {
			probed(t, p, probe.Get.Path)
		}
	}
	if _, err := nodetest.Ask(places[0].client, "AUTH", testPassword); err != nil {
		t.Error(err)
	}
}
