package proxy

import (
	crypto "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	nanoAlphabet  = "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	ksuidAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func newRequestID(conf map[string]any) *plugin {
	name := text(conf["header_name"])
	return &plugin{
		rewrite: func(q *request) *reply {
			if q.in.Header.Get(name) == "" {
				q.in.Header.Set(name, newID(conf))
			}
			return nil
		},
		respond: func(q *request, response *http.Response) {
			if conf["include_in_response"] == true && response.Header.Get(name) == "" {
				response.Header.Set(name, q.in.Header.Get(name))
			}
		},
	}
}

func newID(conf map[string]any) string {
	switch text(conf["algorithm"]) {
	case "nanoid":
		return letters(nanoAlphabet, 21)
	case "ksuid":
		return letters(ksuidAlphabet, 27)
	case "range_id":
		limits := object(conf["range_id"])
		return letters(text(limits["char_set"]), integer(limits["length"], 16))
	case "uuidv7":
		return uuid(7)
	}
	return uuid(4)
}

func letters(alphabet string, count int) string {
	id := make([]byte, count)
	_, _ = crypto.Read(id)
	for i, b := range id {
		id[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(id)
}

// requestIDs gives nginx's own $request_id, a new one for each request.
type requestIDs struct {
	mu     sync.Mutex
	seeded *rand.ChaCha8 // nil: nobody can tell the next one
}

func (r *requestIDs) seed(seed uint64) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seeded = rand.NewChaCha8(key)
}

func (r *requestIDs) next() string {
	var id [16]byte
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seeded == nil {
		_, _ = crypto.Read(id[:])
	} else {
		_, _ = r.seeded.Read(id[:])
	}
	return hex.EncodeToString(id[:])
}

func uuid(version byte) string {
	var id [16]byte
	_, _ = crypto.Read(id[:])
	if version == 7 {
		for i, now := 5, time.Now().UnixMilli(); i >= 0; i, now = i-1, now>>8 {
			id[i] = byte(now)
		}
	}
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
