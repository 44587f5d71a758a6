package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// Shared by all answers, under the canonical names: Header().Set would canonicalise and allocate each time.
var (
	jsonType     = []string{"application/json; charset=utf-8"}
	problemType  = []string{"application/problem+json"}
	cacheControl = []string{"private, no-cache"}
	fromRedis    = []string{"redis"}
	fromNear     = []string{"near"}
)

// net/http counts shorter bodies by itself, without an allocation; longer ones it would send in chunks.
const countedByServer = 2_000

func getUser(read reader, prefix, tag string) echo.HandlerFunc {
	tag = `"` + tag
	return func(c echo.Context) error {
		id := c.Param("id")
		response := c.Response()
		header := response.Header()
		requestID := requestIDOf(c.Request())
		if !isUserID(id) {
			return problem(response, requestID, http.StatusBadRequest, "invalid-request", "The request is at fault.")
		}
		user, err := read(prefix + id)
		if err != nil {
			return problem(response, requestID, http.StatusServiceUnavailable, "busy", "Redis did not answer.")
		}
		if user.body == "" {
			return problem(response, requestID, http.StatusNotFound, "user-not-found", "There is no user "+id+".")
		}
		// One allocation for both values; a slice of one string each would be two more.
		own := &[2]string{requestID, tag + user.version + `"`}
		header["X-Request-Id"] = own[0:1:1]
		header["Etag"] = own[1:2:2]
		header["Cache-Control"] = cacheControl
		header["Read-From"] = fromRedis
		if user.near {
			header["Read-From"] = fromNear
		}
		if matches(c.Request().Header["If-None-Match"], own[1]) {
			response.WriteHeader(http.StatusNotModified)
			return nil
		}
		header["Content-Type"] = jsonType
		if len(user.body) > countedByServer {
			header["Content-Length"] = []string{strconv.Itoa(len(user.body))}
		}
		response.WriteHeader(http.StatusOK)
		_, err = io.WriteString(response.Writer, user.body)
		return err
	}
}

// matches is the weak comparison of RFC 9110 section 13.1.2.
func matches(ifNoneMatch []string, tag string) bool {
	for _, field := range ifNoneMatch {
		for one := range strings.SplitSeq(field, ",") {
			if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

func isUserID(id string) bool {
	if len(id) == 0 || len(id) > 16 || id[0] == '0' {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

func problem(response *echo.Response, requestID string, status int, code, detail string) error {
	body, err := json.Marshal(map[string]any{
		"type":      "urn:users-service:problem:" + code,
		"title":     http.StatusText(status),
		"status":    status,
		"code":      code,
		"detail":    detail,
		"requestId": requestID,
	})
	if err != nil {
		return fmt.Errorf("problem %s: %w", code, err)
	}
	header := response.Header()
	header["X-Request-Id"] = []string{requestID}
	header["Content-Type"] = problemType
	response.WriteHeader(status)
	_, err = response.Write(body)
	return err
}
