// Package durablebinding is the durable client binding, of the types orchestrationClient and durableClient: as an input it is what the
// SDKs make their client of, as an output it starts orchestrations.
package durablebinding

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/durango-functions/durango/bindings"
	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/management"
	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// Types are the types of bindings that a Binding is for: that of 2018 and today's.
func Types() []string { return []string{"orchestrationClient", "durableClient"} }

// idPlaceholder stands for the instance ID in the URLs, where SDKs replace it (azure-functions-durable-extension
// BindingHelper.cs:14).
const idPlaceholder = "INSTANCEID"

// Options configure the binding. Its functions are called for each invocation, since a reload may change what they return.
type Options struct {
	// Origin returns scheme and host of the management URLs: "http://localhost:7071". nil or "": http://localhost:7071.
	Origin func() string
	// RPCBaseURL returns the URL of the local endpoint for SDKs, nil or "" for none: they use the management URLs then.
	RPCBaseURL func() string
	// HubName and ConnectionName are those of the task hub.
	HubName, ConnectionName string
	// SystemKey returns the key that the management URLs need; nil or "": none.
	SystemKey func() string
	// Logger is told of properties that are ignored; nil: nobody is.
	Logger *slog.Logger
}

// Binding serves the binding as an input and as an output. Safe for concurrent use.
type Binding struct {
	client *durable.Client
	opts   Options
	logger *slog.Logger
}

// New returns the binding over client.
func New(client *durable.Client, opts Options) *Binding {
	b := &Binding{client: client, opts: opts, logger: opts.Logger}
	if b.logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	return b
}

// payload is the value of the input binding (azure-functions-durable-extension BindingHelper.cs:50-66, 107-142). The members of
// creationUrls and managementUrls are strings in every case: the SDKs throw on anything else.
type payload struct {
	TaskHubName    string                    `json:"taskHubName"`
	ConnectionName *string                   `json:"connectionName"` // only of bindings that name a hub of their own
	CreationURLs   management.CreationURLs   `json:"creationUrls"`
	ManagementURLs management.ManagementURLs `json:"managementUrls"`
	BaseURL        string                    `json:"baseUrl"`
	RequiredQuery  string                    `json:"requiredQueryStringParameters"`
	RPCBaseURL     *string                   `json:"rpcBaseUrl"`
	HTTPBaseURL    *string                   `json:"httpBaseUrl"`
}

// BindInput implements bindings.Input.
func (b *Binding) BindInput(_ context.Context, _ *bindings.Call, decl *functions.Binding) (worker.Value, error) {
	if err := b.checkHub(decl); err != nil {
		return worker.Value{}, err
	}
	origin := call(b.opts.Origin)
	if origin == "" {
		origin = "http://localhost:7071"
	}
	urls := management.URLs{Origin: origin, TaskHub: b.opts.HubName, Connection: b.opts.ConnectionName, Code: call(b.opts.SystemKey)}
	p := payload{
		TaskHubName: b.opts.HubName, CreationURLs: urls.Creation(), ManagementURLs: urls.Management(idPlaceholder),
		BaseURL: urls.BaseURL(), RequiredQuery: urls.RequiredQuery(),
	}
	if rpc := call(b.opts.RPCBaseURL); rpc != "" {
		rpc = strings.TrimRight(rpc, "/") + "/" // SDKs resolve paths against it
		p.RPCBaseURL = &rpc
	}
	raw, err := encode(p)
	if err != nil {
		return worker.Value{}, fmt.Errorf("binding '%s': %w", decl.Name, err)
	}
	return worker.StringValue(raw), nil
}

// encode leaves & and < as they are: the value is read by people, too.
func encode(v any) (string, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(out.String()), err
}

func call(f func() string) string {
	if f == nil {
		return ""
	}
	return f()
}

// checkHub refuses a declaration that names another hub: what it starts would run in the wrong place.
func (b *Binding) checkHub(decl *functions.Binding) error {
	hub := decl.StringProperty("taskHub")
	if hub == "" || b.opts.HubName == "" || strings.EqualFold(hub, b.opts.HubName) {
		return nil
	}
	return fmt.Errorf("binding '%s': taskHub is '%s', and this host serves the task hub '%s' only; remove the property taskHub or set "+
		"extensions.durableTask.hubName in host.json", decl.Name, hub, b.opts.HubName)
}

var (
	_ bindings.Input  = (*Binding)(nil)
	_ bindings.Output = (*Binding)(nil)
)
