// Package admin answers APISIX's Admin API for routes and upstreams: PUT, GET, the unpaged list and DELETE, with APISIX's
// refusals. What it does not have (PATCH, POST, other kinds, paging, filters, ttl) it refuses by name.
package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/nginx"
	"devstack/gateway/internal/store"
)

const (
	prefix  = "/apisix/admin"
	maxBody = 1_572_864
)

// kinds of object by the name in the path, with the name in messages.
var kinds = map[string]string{store.Routes: "route", store.Upstreams: "upstream"}

// otherKinds are those that APISIX has and this gateway has not.
var otherKinds = map[string]bool{
	"services": true, "consumers": true, "ssls": true, "plugins": true, "protos": true, "global_rules": true,
	"plugin_metadata": true, "plugin_configs": true, "consumer_groups": true, "secrets": true, "credentials": true,
	"schema": true, "configs": true, "stream_routes": true,
}

// Server is the Admin API.
type Server struct {
	Keys    *Keys
	store   *store.Store
	checker *checker
}

// New gives the Admin API over a store.
func New(s *store.Store, schemas *apischema.Set, keys *Keys) *Server {
	return &Server{Keys: keys, store: s, checker: &checker{schemas}}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Server", nginx.Server)
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Expose-Headers", "*")
	header.Set("Access-Control-Max-Age", "3600")
	path, err := Path(r)
	switch {
	case err != nil:
		nginx.ErrorPage(w, http.StatusBadRequest)
	case r.Method == http.MethodHead && path == prefix:
		header.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
	case r.Method == http.MethodOptions && strings.HasPrefix(path, prefix+"/"):
		header.Set("Access-Control-Allow-Methods", "POST, GET, PUT, OPTIONS, DELETE, PATCH")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
	case !strings.HasPrefix(path, prefix+"/") || r.Method == http.MethodHead:
		nginx.ErrorPage(w, http.StatusNotFound)
	default:
		s.serve(w, r, path)
	}
}

// Path gives the request's path as nginx reads it.
func Path(r *http.Request) (string, error) {
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	return nginx.Normalize(raw)
}

// Target gives the kind and id that a path names; both may be "".
func Target(path string) (kind, id string) {
	segments := strings.Split(strings.TrimPrefix(path, prefix+"/"), "/")
	if len(segments) > 1 {
		id = segments[1]
	}
	return segments[0], id
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, path string) {
	if refusal := s.Keys.refusal(r); refusal != "" {
		answer(w, http.StatusUnauthorized, map[string]any{"error_msg": "failed to check token", "description": refusal})
		return
	}
	kind, id := Target(path)
	switch {
	case otherKinds[kind]:
		fail(w, http.StatusNotImplemented, "the stand-in gateway has routes and upstreams only, no "+kind)
		return
	case kinds[kind] == "":
		fail(w, http.StatusNotFound, "Unsupported resource type: "+kind)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	w.Header().Set("X-API-VERSION", "v3")
	switch r.Method {
	case http.MethodGet:
		s.get(w, r, kind, id)
	case http.MethodPut:
		s.put(w, r, kind, id, body)
	case http.MethodDelete:
		s.delete(w, r, kind, id)
	case http.MethodPost, http.MethodPatch:
		fail(w, http.StatusNotImplemented, "the stand-in gateway has no "+r.Method+": use PUT")
	default:
		nginx.ErrorPage(w, http.StatusNotFound)
	}
}

// readBody reads and decodes a JSON body; nil without one.
func readBody(w http.ResponseWriter, r *http.Request) (any, bool) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4*maxBody))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		fail(w, http.StatusBadRequest, "invalid request body: "+err.Error())
		return nil, false
	}
	if size := max(int64(len(raw)), r.ContentLength); size > maxBody {
		fail(w, http.StatusBadRequest, fmt.Sprintf(
			"invalid request body: request size %d is greater than the maximum size %d allowed", size, maxBody))
		return nil, false
	}
	if len(raw) == 0 {
		return nil, true
	}
	var body any
	if err := json.Unmarshal(raw, &body); err != nil {
		position := len(raw) + 1
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && !strings.Contains(err.Error(), "unexpected end") {
			position = int(syntax.Offset)
		}
		answer(w, http.StatusBadRequest, map[string]any{
			"error_msg": fmt.Sprintf("invalid request body: Expected value but found invalid token at character %d", position),
			"req_body":  string(raw),
		})
		return nil, false
	}
	switch body.(type) {
	case map[string]any, []any:
		return body, true
	}
	nginx.ErrorPage(w, http.StatusInternalServerError) // APISIX indexes it as a table
	return nil, false
}

func (s *Server) get(w http.ResponseWriter, r *http.Request, kind, id string) {
	if id != "" {
		object := s.store.Get(kind, id)
		if object == nil {
			notFound(w)
			return
		}
		answer(w, http.StatusOK, item(object))
		return
	}
	query := r.URL.Query()
	page, size := query.Get("page"), query.Get("page_size")
	_, pageErr := strconv.ParseFloat(page, 64)
	for _, filter := range []string{"name", "uri", "label", "filter"} {
		if query.Has(filter) {
			fail(w, http.StatusNotImplemented, "the stand-in gateway has no filters: "+filter)
			return
		}
	}
	if pageErr == nil && size != "" {
		fail(w, http.StatusNotImplemented, "the stand-in gateway has no paging: list without page and page_size")
		return
	}
	if s.store.Bare(kind) {
		notFound(w)
		return
	}
	s.list(w, kind)
}

func (s *Server) list(w http.ResponseWriter, kind string) {
	objects := s.store.List(kind)
	var out bytes.Buffer
	out.WriteString(`{"list":[`)
	for i, object := range objects {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"key":"/apisix/%s/%s","createdIndex":%d,"modifiedIndex":%d,"value":`,
			kind, object.ID, object.CreatedIndex, object.ModifiedIndex)
		out.Write(object.Raw)
		out.WriteByte('}')
	}
	fmt.Fprintf(&out, `],"total":%d}`, len(objects))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out.Bytes())
}

func item(object *store.Object) map[string]any {
	return map[string]any{
		"key":           key(object.Kind, object.ID),
		"createdIndex":  object.CreatedIndex,
		"modifiedIndex": object.ModifiedIndex,
		"value":         object.Raw,
	}
}

func key(kind, id string) string { return "/apisix/" + kind + "/" + id }

func (s *Server) put(w http.ResponseWriter, r *http.Request, kind, id string, body any) {
	if r.URL.Query().Has("ttl") {
		if _, err := strconv.ParseFloat(r.URL.Query().Get("ttl"), 64); err != nil {
			fail(w, http.StatusBadRequest, "invalid argument ttl: should be a number")
		} else {
			fail(w, http.StatusNotImplemented, "the stand-in gateway has no ttl")
		}
		return
	}
	value, id, problem := s.checker.check(kind, id, body)
	if problem != "" {
		fail(w, http.StatusBadRequest, problem)
		return
	}
	encrypted := s.checker.encrypted(value)
	object, created, missing, err := s.store.Put(kind, id, value)
	switch {
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	case missing != "":
		fail(w, http.StatusBadRequest,
			fmt.Sprintf("failed to fetch upstream info by upstream id [%s], response code: 404", missing))
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	answer(w, status, map[string]any{"key": key(kind, id), "value": encrypted(object)})
}

func (s *Server) delete(w http.ResponseWriter, r *http.Request, kind, id string) {
	if id == "" {
		fail(w, http.StatusBadRequest, "missing "+kinds[kind]+" id")
		return
	}
	found, user, err := s.store.Delete(kind, id, r.URL.Query().Get("force") == "true")
	switch {
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
	case user != "":
		fail(w, http.StatusBadRequest, fmt.Sprintf("can not delete this upstream, %s is still using it now", user))
	case !found:
		notFound(w)
	default:
		answer(w, http.StatusOK, map[string]any{"key": key(kind, id), "deleted": "1"})
	}
}

func notFound(w http.ResponseWriter) {
	answer(w, http.StatusNotFound, map[string]any{"message": "Key not found"})
}

func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"error_msg": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		nginx.ErrorPage(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}
