package httptrigger

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/durango-functions/durango/worker"
)

// setCookie returns the value of a Set-Cookie header. As the original does, it escapes the value like JavaScript's encodeURIComponent and
// takes "/" for the path of a cookie that names none (ASP.NET Core ResponseCookies.cs, CookieOptions.cs).
func setCookie(c worker.Cookie) (string, error) {
	cookie := &http.Cookie{Name: c.Name, Value: escape(c.Value), Domain: c.Domain, Path: c.Path, Secure: c.Secure, HttpOnly: c.HTTPOnly}
	if cookie.Path == "" {
		cookie.Path = "/"
	}
	switch {
	case strings.EqualFold(c.SameSite, "Strict"):
		cookie.SameSite = http.SameSiteStrictMode
	case strings.EqualFold(c.SameSite, "Lax"):
		cookie.SameSite = http.SameSiteLaxMode
	case strings.EqualFold(c.SameSite, "None"):
		cookie.SameSite = http.SameSiteNoneMode
	case c.SameSite != "":
		return "", fmt.Errorf("the cookie %q has sameSite %q, expected Strict, Lax or None", c.Name, c.SameSite)
	}
	if c.Expires != "" {
		expires, err := cookieTime(c.Expires)
		if err != nil {
			return "", fmt.Errorf("the cookie %q has expires %q, expected a time such as \"2030-01-02T15:04:05Z\"", c.Name, c.Expires)
		}
		cookie.Expires = expires
	}
	if c.MaxAge != nil {
		// http.Cookie takes 0 for none and a negative number for 0.
		cookie.MaxAge = -1
		if *c.MaxAge >= 1 {
			cookie.MaxAge = int(math.Min(*c.MaxAge, math.MaxInt32))
		}
	}
	if err := cookie.Valid(); err != nil {
		return "", fmt.Errorf("the cookie %q: %w", c.Name, err)
	}
	return cookie.String(), nil
}

func cookieTime(text string) (time.Time, error) {
	if t, err := http.ParseTime(text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

// escape replaces all bytes but letters, digits and -._~ by %XX.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
