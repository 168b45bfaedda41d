package node_test

import (
	"encoding/json"
	"maps"
	"net"
	"reflect"
	"strconv"
	"testing"

	"github.com/caucus-project/caucus/internal/tool"
	"github.com/caucus-project/caucus/node"
)

// FuzzListFile reads any bytes as QCluster's file. It proves that an error says what is wrong, in a line
// or two, and that what the file says, written as plainly as can be, says the same.
func FuzzListFile(f *testing.F) {
	const peers = `[{"host": "localhost", "port": 7002, "identifier": "b", "metadata": {"z": 1.50, "a": "<"}},
		{"host": "::1", "port": 7003, "identifier": "c", "metadata": null}]`
	for _, text := range []string{
		`{"identifier": "a", "listen_host": "localhost", "listen_port": 7001, "peers": ` + peers + `}`,
		`{"identifier": "a", "listen_host": "", "listen_port": 1, "peers": [], "metadata": {"b": 2, "a": [1e400]},
			"x": 1}`,
		`{"identifier": "a", "identifier": "b"}`, `{"identifier": "a"} {}`, `[]`, `{"peers": [null]}`, `{"a"`,
		"\xef\xbb\xbf{}",
		`{"identifier": "a", "listen_host": "h", "listen_port": 65536, "peers": null}`,
		`{"identifier": "\ud800", "listen_host": "h", "listen_port": 1e3, "peers": [], "metadata": "text"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var file node.ListFile
		var err error
		tool.AtMost(t, 64<<10+300*len(text), func() { file, err = node.ParseListFile(text) })
		if err != nil {
			if message := err.Error(); message == "" || len(message) > 2000 {
				t.Errorf("%d bytes: %q", len(message), message)
			}
			return
		}
		again, err := node.ParseListFile(listed(t, file))
		if err != nil || !reflect.DeepEqual(plain(t, again), plain(t, file)) {
			t.Errorf("%q\nis   %+v\nthen %+v, %v", text, file, again, err)
		}
	})
}

// plain writes what is further in a file without the spaces and escapes that mean nothing.
func plain(t *testing.T, file node.ListFile) node.ListFile {
	further := maps.Clone(file.Further)
	for name, raw := range further {
		text, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		further[name] = text
	}
	file.Further = further
	return file
}

// listed writes a file as plainly as can be.
func listed(t *testing.T, file node.ListFile) []byte {
	place := func(addr, host, port string) map[string]any {
		h, p, err := net.SplitHostPort(addr)
		number, bad := strconv.ParseUint(p, 10, 16)
		if err != nil || bad != nil {
			t.Fatalf("%q is no address", addr)
		}
		return map[string]any{host: h, port: number}
	}
	peers := []any{}
	for _, p := range file.Peers {
		peer := place(p.Addr, "host", "port")
		peer["identifier"] = p.Name
		if p.Metadata != "" {
			peer["metadata"] = json.RawMessage(p.Metadata)
		}
		peers = append(peers, peer)
	}
	all := place(file.Listen, "listen_host", "listen_port")
	all["identifier"], all["peers"] = file.Identifier, peers
	if file.Metadata != "" {
		all["metadata"] = json.RawMessage(file.Metadata)
	}
	further := map[string]any{}
	for name, raw := range file.Further {
		further[name] = raw
	}
	maps.Copy(all, further)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
