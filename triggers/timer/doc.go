// Package timer is the timer trigger: it runs a function on a schedule, once per occurrence however many hosts run.
//
// All hosts keep one record per function in Redis: when it last fired, when it fires next, and who runs it. Each host sleeps until the
// next occurrence and then claims it by a script, by Redis's own clock; one of them gets it. A claim advances the record at once, so an
// occurrence fires at most once even if its host dies while the function runs, and holds a lease that is renewed while the function
// runs, so that a function never runs twice at a time. The next occurrence is computed again when the function has ended: occurrences
// that pass while it runs are not made up for.
//
// An occurrence that passes while no host runs fires once, late and with isPastDue, when a host starts, if the schedule is monitored.
package timer
