package host

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // machines without a time zone database, such as small containers, have the zones all the same

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/host/settings"
	"github.com/durango-functions/durango/triggers/timer"
)

// timeZoneSetting names the app setting with the time zone of timers.
const timeZoneSetting = "WEBSITE_TIME_ZONE"

// completeTimers makes the timers of an app.
func (h *Host) completeTimers(a *app) {
	options := timer.Options{
		Redis: h.durable.client, Hub: h.durable.hub.Name(), Location: h.timeZone(a.settings), HostID: h.durable.hostID, Logger: h.logger,
	}
	var failed []*functions.LoadError
	for _, fn := range a.functions.Functions {
		if fn.Disabled || !strings.EqualFold(fn.Trigger().Type, timer.Type) || a.unloadable[strings.ToLower(fn.Name)] != nil {
			continue
		}
		listener, err := timer.New(fn, options, a.invoker)
		if err != nil {
			failed = append(failed, &functions.LoadError{Function: fn.Name, Reasons: []string{
				fmt.Sprintf("%s: %s.", fn.Source, strings.TrimSuffix(strings.TrimPrefix(err.Error(), "function "+fn.Name+": "), ".")),
			}})
			continue
		}
		a.listeners = append(a.listeners, listener)
	}
	a.exclude(failed)
}

// timeZone is the time zone of cron expressions.
func (h *Host) timeZone(s *settings.Settings) *time.Location {
	name, ok := s.Lookup(timeZoneSetting)
	if !ok || name == "" {
		return time.UTC
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		h.logger.Warn(fmt.Sprintf("setting %s: %q is no time zone: expected a name such as Europe/Berlin; timers go by UTC", timeZoneSetting, name))
		return time.UTC
	}
	return location
}
