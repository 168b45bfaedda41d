package node_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/node"
)

func writeList(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server_a.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// QCluster's example as it stands, and a field beyond it.
func TestReadListFile(t *testing.T) {
	got, err := node.ReadListFile(writeList(t, `{
		"identifier": "server_a", "listen_host": "localhost", "listen_port": 7001, "data": "/srv/a",
		"metadata": {"rack": 1},
		"peers": [
			{"host": "localhost", "port": 7002, "identifier": "server_b", "metadata": {"server_port": 8002, "a": "<"}},
			{"host": "::1", "port": 7003, "identifier": "server_c"}
		]
	}`))
	want := node.ListFile{Identifier: "server_a", Listen: "localhost:7001", Metadata: `{"rack":1}`,
		Peers: []node.Peer{
			{Name: "server_b", Addr: "localhost:7002", Metadata: `{"a":"<","server_port":8002}`},
			{Name: "server_c", Addr: "[::1]:7003"},
		},
		Further: map[string]json.RawMessage{"data": json.RawMessage(`"/srv/a"`)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestBadListFiles(t *testing.T) {
	const good = `{"identifier": "a", "listen_host": "h", "listen_port": 1, "peers": [` +
		`{"host": "h", "port": 2, "identifier": "b"}]}`
	const peers = `[{"host": "h", "port": 2, "identifier": "b"}]`
	for words, change := range map[string][2]string{
		`field "identifier" is missing`:             {`"identifier": "a", `, ``},
		`field "listen_host" is missing`:            {`"listen_host": "h", `, ``},
		`field "listen_port" is missing`:            {`"listen_port": 1, `, ``},
		`field "peers" is missing`:                  {`"peers": ` + peers, `"x": 1`},
		`field "identifier" is 7, not a string`:     {`"a"`, `7`},
		`field "identifier" is empty`:               {`"a"`, `""`},
		`field "listen_host" is null, not a string`: {`"listen_host": "h"`, `"listen_host": null`},
		`field "listen_port" is "1", not a number from 1 to 65535`: {
			`"listen_port": 1`, `"listen_port": "1"`},
		`field "listen_port" is 70000, not a number from 1 to 65535`: {
			`"listen_port": 1`, `"listen_port": 70000`},
		`field "listen_port" is 0, not a number from 1 to 65535`: {`"listen_port": 1`, `"listen_port": 0`},
		`field "peers" is {}, not a list`:                        {peers, `{}`},
		`peers[0] is not a JSON object`: {
			`{"host": "h", "port": 2, "identifier": "b"}`, `"b"`},
		`field "peers[0].host" is missing`:                          {`"host": "h", `, ``},
		`field "peers[0].port" is -2, not a number from 1 to 65535`: {`"port": 2`, `"port": -2`},
		`field "peers[0].identifier" is empty`:                      {`"b"`, `""`},
		`unknown field "peers[0].prot": a peer has host, port`:      {`"port": 2`, `"port": 2, "prot": 3`},
		`field "peers[0].port" stands there twice, as 2 and as 3`:   {`"port": 2`, `"port": 2, "port": 3`},
		`field "identifier" stands there twice, as "a" and as "c"`: {
			`"identifier": "a"`, `"identifier": "a", "identifier": "c"`},
		`not JSON at byte`:                           {`"a"`, `a`},
		`something follows the file's one object`:    {`]}`, `]} {}`},
		`not JSON at byte 112: unexpected EOF`:       {`]}`, `]`},
		`the file's one object is not a JSON object`: {good, `[]`},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatalf("%s is not in the good file", change[0])
		}
		path := writeList(t, strings.Replace(good, change[0], change[1], 1))
		if _, err := node.ReadListFile(path); err == nil || !strings.Contains(err.Error(), words) ||
			!strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%v, want %s", err, words)
		}
	}
	if _, err := node.ReadListFile(filepath.Join(t.TempDir(), "none.json")); !os.IsNotExist(err) {
		t.Errorf("a file that is missing: %v", err)
	}
}

// Lists that cannot be meant are refused before anything is opened, and name both values.
func TestBadPeers(t *testing.T) {
	for words, peers := range map[string][]node.Peer{
		`peers[0]: the address "h" is not host:port`:   {{Addr: "h"}},
		`peers[0]: the address "h:0" is not host:port`: {{Addr: "h:0"}},
		`peers[0]: the identifier "a b" is not`:        {{Name: "a b", Addr: "h:1"}},
		`peers[1]: the identifier "b", at h:2, is also that of peers[0], at h:1`: {
			{Name: "b", Addr: "h:1"}, {Name: "b", Addr: "h:2"}},
		`peers[1]: the address h:1 of "c" is also that of peers[0], "b"`: {
			{Name: "b", Addr: "h:1"}, {Name: "c", Addr: "h:1"}},
		`peers[0]: the identifier "me" is this node's own, and h:1 is not its address, 127.0.0.1:5010`: {
			{Name: "me", Addr: "h:1"}},
		`peers[0]: the address localhost:5010 is this node's own, and "b" is not its identifier, "me"`: {
			{Name: "b", Addr: "localhost:5010"}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		_, err := node.Open(context.Background(), node.Config{Name: "me", Data: dir, Peers: peers})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: the directory was made (%v)", words, err)
		}
	}
	peers := []node.Peer{{Addr: "h:1"}}
	for words, cfg := range map[string]node.Config{
		"Join and Peers are both given":            {Peers: peers, Join: []string{"h:1"}},
		`FoundWithout names ["b"] and there is`:    {FoundWithout: []string{"b"}},
		`founding without "b": no such node is`:    {Peers: peers, FoundWithout: []string{"b"}, HTTP: "off"},
		"founding without h:1 leaves 1 of 2 nodes": {Peers: peers, FoundWithout: []string{"h:1"}, HTTP: "off"},
	} {
		cfg.Name, cfg.Data = "me", filepath.Join(t.TempDir(), "data")
		cfg.Listen, cfg.PeerListen = "127.0.0.1:0", "127.0.0.1:0"
		if _, err := node.Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %s", err, words)
		}
	}
}
