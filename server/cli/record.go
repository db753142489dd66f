package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// field is one thing that a command found out or made.
type field struct {
	name  string
	value any
}

// record is a command's result: lines for people, or a JSON object with the fields in
// the same order.
type record []field

func (r record) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r {
		fmt.Fprintf(table, "%s\t%v\n", f.name, f.value)
	}
	return table.Flush()
}

// MarshalJSON implements [json.Marshaler].
func (r record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// records is a list of results with the same fields: a table, or a JSON array.
type records []record

func (r records) print(out io.Writer, asJSON bool) error {
	if asJSON {
		if r == nil {
			r = records{}
		}
		return json.NewEncoder(out).Encode(r)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, one := range r {
		if i == 0 {
			writeRow(table, one, func(f field) any { return f.name })
		}
		writeRow(table, one, func(f field) any { return f.value })
	}
	return table.Flush()
}

func writeRow(to io.Writer, r record, cell func(field) any) {
	for _, f := range r {
		fmt.Fprintf(to, "%v\t", cell(f))
	}
	fmt.Fprintln(to)
}
