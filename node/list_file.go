package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// ListFile is what QCluster's configuration file says: who this node is, and who the others are.
type ListFile struct {
	Identifier string
	Listen     string // host:port of the client door
	Metadata   string // of this node itself, when the file states an object; JSON
	Peers      []Peer
	// Further are the fields beyond QCluster's, as they stand there; who reads the file must know them.
	Further map[string]json.RawMessage
}

// ReadListFile reads a QCluster file: identifier, listen_host, listen_port and peers, each with host, port,
// identifier and, if need be, metadata; and metadata of the node itself, which in QCluster stand in the files
// of the others alone. Errors name the file and the field.
func ReadListFile(path string) (ListFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return ListFile{}, err
	}
	f, err := parseListFile(text)
	if err != nil {
		return ListFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func parseListFile(text []byte) (f ListFile, err error) {
	all, err := readObject("", text)
	if err != nil {
		return f, err
	}
	var host string
	var port uint16
	var peers []json.RawMessage
	err = errors.Join(all.take("identifier", &f.Identifier, "a string"),
		all.take("listen_host", &host, "a string"),
		all.take("listen_port", &port, "a number from 1 to 65535"),
		all.take("peers", &peers, "a list"))
	if err != nil {
		return f, err
	}
	if err := errors.Join(filled("identifier", f.Identifier), positive("listen_port", port)); err != nil {
		return f, err
	}
	f.Listen = net.JoinHostPort(host, strconv.Itoa(int(port)))
	for i, raw := range peers {
		p, err := parsePeer(fmt.Sprintf("peers[%d]", i), raw)
		if err != nil {
			return f, err
		}
		f.Peers = append(f.Peers, p)
	}
	if own := all.fields["metadata"]; len(own) > 0 && own[0] == '{' {
		f.Metadata = canonical(string(own))
		delete(all.fields, "metadata")
	}
	f.Further = all.fields
	return f, nil
}

func parsePeer(where string, raw json.RawMessage) (p Peer, err error) {
	all, err := readObject(where, raw)
	if err != nil {
		return p, err
	}
	var host string
	var port uint16
	err = errors.Join(all.take("host", &host, "a string"), all.take("port", &port, "a number from 1 to 65535"),
		all.take("identifier", &p.Name, "a string"))
	if err != nil {
		return p, err
	}
	err = errors.Join(filled(where+".host", host), filled(where+".identifier", p.Name),
		positive(where+".port", port))
	p.Addr = net.JoinHostPort(host, strconv.Itoa(int(port)))
	p.Metadata = canonical(string(all.fields["metadata"]))
	delete(all.fields, "metadata")
	for name := range all.fields {
		return p, fmt.Errorf("unknown field %q: a peer has host, port, identifier and metadata", where+"."+name)
	}
	return p, err
}

func filled(field, value string) error {
	if value == "" {
		return fmt.Errorf("field %q is empty", field)
	}
	return nil
}

func positive(field string, port uint16) error {
	if port == 0 {
		return fmt.Errorf("field %q is 0, not a number from 1 to 65535", field)
	}
	return nil
}

// object is a JSON object whose fields are taken one by one.
type object struct {
	where  string // "" for the whole file
	fields map[string]json.RawMessage
}

// readObject takes an object apart. A field that stands twice is an error: JSON's readers would silently
// take either.
func readObject(where string, raw []byte) (object, error) {
	o := object{where, map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil {
		return o, broken(d, err)
	} else if t != json.Delim('{') {
		return o, fmt.Errorf("%s is not a JSON object", nameOfObject(where))
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return o, broken(d, err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return o, broken(d, err)
		}
		field := name.(string) // what stands before a value in an object
		if old, twice := o.fields[field]; twice {
			return o, fmt.Errorf("field %q stands there twice, as %.100s and as %.100s", o.path(field), old, value)
		}
		o.fields[field] = value
	}
	if _, err := d.Token(); err != nil {
		return o, broken(d, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return o, fmt.Errorf("something follows %s", nameOfObject(where))
	}
	return o, nil
}

func nameOfObject(where string) string {
	if where == "" {
		return "the file's one object"
	}
	return where
}

func broken(d *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("not JSON at byte %d: %w", d.InputOffset(), err)
}

func (o object) path(field string) string {
	if o.where == "" {
		return field
	}
	return o.where + "." + field
}

// take reads a field that must be there, and takes it away.
func (o object) take(field string, into any, kind string) error {
	raw, ok := o.fields[field]
	if !ok {
		return fmt.Errorf("field %q is missing", o.path(field))
	}
	delete(o.fields, field)
	if err := json.Unmarshal(raw, into); err != nil || string(raw) == "null" {
		return fmt.Errorf("field %q is %.100s, not %s", o.path(field), raw, kind)
	}
	return nil
}

// canonical gives JSON without the freedom of spaces and order, so that what means the same is the same.
// What is no JSON stays as it is, and null is nothing.
func canonical(text string) string {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		return text
	}
	if value == nil {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return text
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
