package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// journal is the file of all writes since the start. Each write is handed to the kernel before it is acknowledged, so a
// killed process loses none; a machine that loses power may (there is no fsync: this is a test stand-in).
type journal struct{ file *os.File }

type entry struct {
	Put    bool            `json:"put"`
	Kind   string          `json:"kind"`
	ID     string          `json:"id"`
	Create uint64          `json:"create,omitempty"`
	Modify uint64          `json:"modify"`
	Value  json.RawMessage `json:"value,omitempty"`
}

func (j *journal) put(o *Object) error {
	return j.write(entry{Put: true, Kind: o.Kind, ID: o.ID, Create: o.CreatedIndex, Modify: o.ModifiedIndex, Value: o.Raw})
}

func (j *journal) remove(kind, id string, revision uint64) error {
	return j.write(entry{Kind: kind, ID: id, Modify: revision})
}

func (j *journal) write(e entry) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// replay reads a journal into a store. A last line that was cut off by a kill was never acknowledged: it is dropped.
func replay(path string, s *Store) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if s.objects[e.Kind] == nil {
			return fmt.Errorf("%s:%d: unknown kind %q", path, number, e.Kind)
		}
		if !e.Put {
			s.uninstall(e.Kind, e.ID, e.Modify)
			continue
		}
		var value map[string]any
		if err := json.Unmarshal(e.Value, &value); err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
		s.install(&Object{e.Kind, e.ID, e.Create, e.Modify, value, e.Value})
	}
}

// rewrite replaces a journal by one of what is there now, and opens it.
func rewrite(path string, s *Store) (*journal, error) {
	next := path + ".next"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{file}
	// The revision itself must survive too: a removal of nothing carries it.
	if err := j.remove(Routes, "", s.revision); err != nil {
		return nil, err
	}
	for _, kind := range []string{Upstreams, Routes} {
		for _, object := range s.objects[kind] {
			if err := j.put(object); err != nil {
				return nil, err
			}
		}
	}
	return j, os.Rename(next, path)
}
