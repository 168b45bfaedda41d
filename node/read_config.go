package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// ReadConfig reads a QCluster file, as 'caucus serve --config' does, and gives the Config of the node
// that it describes: its name, its client door, its metadata and its peers, with DefaultData to live in.
// Nodes that are opened with their files, in whatever order, found their ensemble together. Of the
// further fields that serve takes it knows those that say where a node is: data, http, peer_listen and
// advertise; the rest is for the program to set in the Config. Errors name the file and the field.
func ReadConfig(path string) (Config, error) {
	f, err := ReadListFile(path)
	if err != nil {
		return Config{}, err
	}
	c := Config{Name: f.Identifier, Listen: f.Listen, Metadata: f.Metadata, Peers: f.Peers, OneList: true,
		Data: DefaultData(f.Identifier)}
	places := map[string]*string{"data": &c.Data, "http": &c.HTTP, "peer_listen": &c.PeerListen,
		"advertise": &c.Advertise}
	for _, field := range slices.Sorted(maps.Keys(f.Further)) {
		place, ok := places[field]
		if !ok {
			return Config{}, fmt.Errorf("%s: field %q is none of identifier, listen_host, listen_port, peers, "+
				"metadata, data, http, peer_listen and advertise; set it in the Config instead", path, field)
		}
		if err := json.Unmarshal(f.Further[field], place); err != nil || *place == "" {
			return Config{}, fmt.Errorf("%s: field %q is %.100s, not a string that says something", path, field,
				f.Further[field])
		}
	}
	return c, nil
}

// DefaultData gives the directory of a node for whom nobody states one: caucus-data/NAME, with - for : in the
// name, below the working directory.
func DefaultData(name string) string {
	return filepath.Join("caucus-data", strings.ReplaceAll(name, ":", "-"))
}
