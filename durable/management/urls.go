package management

import (
	"net/url"
	"strings"
)

// WebhookPath is the path of the API on a host's port (azure-functions-host HostController.cs:479).
const WebhookPath = "/runtime/webhooks/durabletask"

// URLs makes the URLs of the API that callers are given.
type URLs struct {
	// Origin is scheme and host: "http://localhost:7071".
	Origin string
	// Base is the path of the API; "": WebhookPath.
	Base string
	// TaskHub and Connection are repeated in the URLs' queries.
	TaskHub, Connection string
	// Code is the system key; "": none is needed.
	Code string
}

// ManagementURLs are the URLs of one instance, in the order of azure-functions-durable-extension HttpManagementPayload.cs.
type ManagementURLs struct {
	ID                    string `json:"id"`
	StatusQueryGetURI     string `json:"statusQueryGetUri"`
	SendEventPostURI      string `json:"sendEventPostUri"`
	TerminatePostURI      string `json:"terminatePostUri"`
	RewindPostURI         string `json:"rewindPostUri"`
	PurgeHistoryDeleteURI string `json:"purgeHistoryDeleteUri"`
	RestartPostURI        string `json:"restartPostUri"`
	SuspendPostURI        string `json:"suspendPostUri"`
	ResumePostURI         string `json:"resumePostUri"`
}

// CreationURLs are the URLs that start instances. {functionName} and [/{instanceId}] stand for what the caller fills in.
type CreationURLs struct {
	CreateNewInstancePostURI          string `json:"createNewInstancePostUri"`
	CreateAndWaitOnNewInstancePostURI string `json:"createAndWaitOnNewInstancePostUri"`
}

// BaseURL is the API's URL, without a slash at its end.
func (u URLs) BaseURL() string {
	base := u.Base
	if base == "" {
		base = WebhookPath
	}
	return strings.TrimSuffix(u.Origin, "/") + "/" + strings.Trim(base, "/")
}

// RequiredQuery is the query that every request needs: "code=KEY", or "".
func (u URLs) RequiredQuery() string {
	if u.Code == "" {
		return ""
	}
	return "code=" + url.QueryEscape(u.Code)
}

// Management returns the URLs of the instance (azure-functions-durable-extension HttpApiHandler.cs:1164-1209).
func (u URLs) Management(id string) ManagementURLs {
	instance := u.BaseURL() + "/instances/" + url.PathEscape(id)
	query := "taskHub=" + url.QueryEscape(u.TaskHub) + "&connection=" + url.QueryEscape(u.Connection)
	if code := u.RequiredQuery(); code != "" {
		query += "&" + code
	}
	plain, reasoned := "?"+query, "?reason={text}&"+query
	return ManagementURLs{
		ID:                    id,
		StatusQueryGetURI:     instance + plain,
		SendEventPostURI:      instance + "/raiseEvent/{eventName}" + plain,
		TerminatePostURI:      instance + "/terminate" + reasoned,
		RewindPostURI:         instance + "/rewind" + reasoned,
		PurgeHistoryDeleteURI: instance + plain,
		RestartPostURI:        instance + "/restart" + plain,
		SuspendPostURI:        instance + "/suspend" + reasoned,
		ResumePostURI:         instance + "/resume" + reasoned,
	}
}

// Creation returns the URLs that start instances (azure-functions-durable-extension HttpApiHandler.cs:1148-1162).
func (u URLs) Creation() CreationURLs {
	start := u.BaseURL() + "/orchestrators/{functionName}[/{instanceId}]"
	const wait = "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
	if code := u.RequiredQuery(); code != "" {
		return CreationURLs{start + "?" + code, start + wait + "&" + code}
	}
	return CreationURLs{start, start + wait}
}
