package proxy

import (
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"devstack/gateway/internal/nginx"
)

func newEcho(conf map[string]any) *plugin {
	return &plugin{respond: func(_ *request, response *http.Response) {
		for name, value := range object(conf["headers"]) {
			response.Header.Set(name, text(value))
		}
		body, replaced := conf["body"].(string)
		before, after := text(conf["before_body"]), text(conf["after_body"])
		if !replaced && before == "" && after == "" {
			return
		}
		middle := io.Reader(strings.NewReader(body))
		if !replaced {
			middle = response.Body
		}
		all, err := io.ReadAll(io.MultiReader(strings.NewReader(before), middle, strings.NewReader(after)))
		if err == nil {
			replaceBody(response, string(all))
		}
	}}
}

// newMocking answers with response_example; what a response_schema would give is not made up here.
func newMocking(conf map[string]any) *plugin {
	return &plugin{access: func(q *request) *reply {
		example, ok := conf["response_example"].(string)
		if !ok {
			return nil
		}
		header := http.Header{"Content-Type": {text(conf["content_type"])}}
		if conf["with_mock_header"] == true {
			header.Set("X-Mock-By", nginx.Server)
		}
		for name, value := range object(conf["response_headers"]) {
			header.Add(name, q.resolve(text(value), nil))
		}
		select {
		case <-q.in.Context().Done():
		case <-time.After(seconds(conf["delay"], 0)):
		}
		return &reply{status: integer(conf["response_status"], http.StatusOK), header: header, body: q.resolve(example, nil)}
	}}
}

func newGzip(conf map[string]any) *plugin {
	types, least := texts(conf["types"]), integer(conf["min_length"], 20)
	return &plugin{respond: func(q *request, response *http.Response) {
		header := response.Header
		mime, _, _ := strings.Cut(header.Get("Content-Type"), ";")
		length, err := strconv.Atoi(header.Get("Content-Length"))
		switch {
		case !strings.Contains(q.in.Header.Get("Accept-Encoding"), "gzip"), header.Get("Content-Encoding") != "":
			return
		case mime == "", conf["types"] != "*" && !slices.Contains(types, mime), err == nil && length < least:
			return
		}
		plain := response.Body
		reader, writer := io.Pipe()
		go func() {
			defer plain.Close()
			packer, err := gzip.NewWriterLevel(writer, integer(conf["comp_level"], 1))
			if err == nil {
				_, err = io.Copy(packer, plain)
			}
			if err == nil {
				err = packer.Close()
			}
			writer.CloseWithError(err)
		}()
		response.Body, response.ContentLength = reader, -1
		header.Del("Content-Length")
		header.Set("Content-Encoding", "gzip")
		if conf["vary"] == true {
			header.Add("Vary", "Accept-Encoding")
		}
	}}
}
