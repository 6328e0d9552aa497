package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// skipped is the service that APISIX never discovers, whatever its configuration skips beside it.
const skipped = "consul"

// refresh reads what is stale; false if a read failed.
func (c *Consul) refresh(ctx context.Context) bool {
	names := c.takeStale()
	if len(names) == 0 {
		return true
	}
	var catalog map[string][]string
	if _, err := c.get(ctx, "/v1/catalog/services", url.Values{}, readTimeout, &catalog); err != nil {
		for _, name := range names {
			c.failed(ctx, name, err)
		}
		return false
	}
	var group sync.WaitGroup
	var failed atomic.Bool
	slots := make(chan struct{}, parallelRead)
	for _, name := range names {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if err := c.read(ctx, name, catalog); err != nil {
				failed.Store(true)
				c.failed(ctx, name, err)
			}
		})
	}
	group.Wait()
	return !failed.Load()
}

func (c *Consul) failed(ctx context.Context, name string, err error) {
	if ctx.Err() == nil {
		slog.Warn("Consul: service not read; its last list stays", "service", name, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.services[name]; s != nil {
		s.stale = true
	}
}

func (c *Consul) read(ctx context.Context, name string, catalog map[string][]string) error {
	var instances []Instance
	// Consul's health API ignores letter case, and the catalog does not: a service counts under a name that the catalog
	// has, and then with the instances of all spellings.
	if _, exact := catalog[name]; exact && name != skipped {
		var err error
		if instances, err = c.passing(ctx, name); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.services[name]
	if s == nil {
		return nil
	}
	if s.version == 0 || !slices.Equal(s.instances, instances) {
		s.instances = instances
		s.version++
		slog.Info("Consul: instances", "service", name, "instances", instances)
	}
	select {
	case <-s.known:
	default:
		close(s.known)
	}
	return nil
}

// passing gives the instances of a service whose checks all pass; one that is registered twice counts once.
func (c *Consul) passing(ctx context.Context, name string) ([]Instance, error) {
	var entries []struct {
		Service struct {
			Address string
			Port    int
		}
	}
	path := "/v1/health/service/" + url.PathEscape(name)
	if _, err := c.get(ctx, path, url.Values{"passing": {"1"}}, readTimeout, &entries); err != nil {
		return nil, err
	}
	instances := make([]Instance, 0, len(entries))
	for _, entry := range entries {
		instance := Instance{entry.Service.Address, entry.Service.Port}
		if instance.Port == 0 {
			instance.Port = 80
		}
		if !slices.Contains(instances, instance) {
			instances = append(instances, instance)
		}
	}
	return instances, nil
}

// get reads a path into the value, if there is one, and gives Consul's index.
func (c *Consul) get(
	ctx context.Context, path string, query url.Values, timeout time.Duration, into any,
) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address+path+"?"+query.Encode(), nil)
	if err != nil {
		return 0, err
	}
	if c.token != "" {
		request.Header.Set("X-Consul-Token", c.token)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", path, response.Status)
	}
	if into == nil {
		into = &json.RawMessage{}
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	index, err := strconv.ParseUint(response.Header.Get("X-Consul-Index"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: X-Consul-Index: %w", path, err)
	}
	return index, nil
}
