// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// BuildLog is the end of the log of a build.
type BuildLog struct {
	Text string
	// Cut is true if the log is longer than Text.
	Cut bool
}

// maxLogBytes and maxLogRequests limit what is read of a log to get to its end. Tests lower them.
var (
	maxLogBytes    = 64 << 20
	maxLogRequests = 10_000
)

// BuildLog reads the log of a build, and returns at most limit bytes of its end, without cutting a character. A log of
// more than 64 MiB, or one that takes more than 10,000 requests, is an error.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0221.html.
func (c *Client) BuildLog(ctx context.Context, id string, limit int) (BuildLog, error) {
	var tail []byte
	read, isCut := 0, false
	// The API returns a log from an offset on, but not its length.
	for from, request := int64(0), 1; ; request++ {
		var part struct {
			BuildLog string      `json:"buildlog"`
			Next     looseString `json:"next"`
		}
		query := url.Values{"from": {strconv.FormatInt(from, 10)}}
		if err := c.get(ctx, buildPath(id, "logs"), query, &part); err != nil {
			return BuildLog{}, err
		}
		if read += len(part.BuildLog); read > maxLogBytes {
			return BuildLog{}, fmt.Errorf("the log is longer than %d MiB", maxLogBytes>>20)
		}
		tail = append(tail, part.BuildLog...)
		if excess := len(tail) - limit; excess > 0 {
			tail, isCut = tail[excess:], true
		}
		next, err := strconv.ParseInt(string(part.Next), 10, 64)
		if err != nil || next <= from || part.BuildLog == "" {
			break // Without a number there is no next part.
		}
		if request == maxLogRequests {
			return BuildLog{}, fmt.Errorf("the log takes more than %d requests", maxLogRequests)
		}
		from = next
	}
	for isCut && len(tail) > 0 && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	return BuildLog{Text: string(tail), Cut: isCut}, nil
}

// Check is one code check of a build.
type Check struct {
	// Name is checkstyle, pmd or findbugs.
	Name string
	// Info is the information about the check as JSON, whose members are not documented; empty if there is none.
	Info string
	// Counts are the results of the check.
	Counts []CheckCount
}

// CheckCount is one count of a check's results. A member is empty if the service does not return it.
type CheckCount struct {
	// Kind is the group of the count, such as static.
	Kind    string      `json:"-"`
	BuildID looseString `json:"build_id"`
	// BuildOrder and TotalCount are numbers as returned.
	BuildOrder numberOrString `json:"build_order"`
	TotalCount numberOrString `json:"total_count"`
}

// codeChecks are the checks whose information can be requested.
var codeChecks = []string{"checkstyle", "findbugs", "pmd"}

// maxCounts is the maximum number of counts of the code checks of a build.
const maxCounts = 1000

// Checks returns the code checks of a build, sorted by name; none if the build had none, or if the service does not
// support the requests. Information is read only if there are results. More than 1,000 counts are an error.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0332.html (results),
// _0271 (information).
func (c *Client) Checks(ctx context.Context, buildID string) ([]Check, error) {
	var results checkResults
	err := c.get(ctx, buildPath(buildID, "results"), nil, &results)
	if err != nil && !isUnsupported(err) {
		return nil, err
	}
	if results.total == 0 {
		return nil, nil
	}
	names := slices.AppendSeq(slices.Clone(codeChecks), maps.Keys(results.counts))
	slices.Sort(names)
	var checks []Check
	for _, name := range slices.Compact(names) {
		check := Check{Name: name, Counts: results.counts[name]}
		slices.SortStableFunc(check.Counts, func(a, b CheckCount) int { return cmp.Compare(a.Kind, b.Kind) })
		if slices.Contains(codeChecks, name) {
			if check.Info, err = c.checkInfo(ctx, buildID, name); err != nil {
				return nil, err
			}
		}
		if check.Counts != nil || check.Info != "" {
			checks = append(checks, check)
		}
	}
	return checks, nil
}

// checkResults are the counts by the name of the check.
type checkResults struct {
	counts map[string][]CheckCount
	total  int
}

// UnmarshalJSON decodes {"checkstyle":{"static":{"count_info":[...]}}}. Members of another form are ignored.
func (r *checkResults) UnmarshalJSON(data []byte) error {
	r.counts = map[string][]CheckCount{}
	for check, kinds := range membersOf(data) {
		for kind, group := range membersOf(kinds) {
			var counts []CheckCount
			err := eachElement(membersOf(group)["count_info"], maxCounts-r.total, func(count CheckCount) error {
				count.Kind = kind
				counts = append(counts, count)
				return nil
			})
			if errors.Is(err, errTooMany) {
				return err
			}
			if err == nil {
				r.counts[check] = append(r.counts[check], counts...)
				r.total += len(counts)
			}
		}
	}
	return nil
}

// checkInfo reads the information of one check. The response contains it under the name of the check; one that does
// not, such as the build itself, has none.
func (c *Client) checkInfo(ctx context.Context, buildID, check string) (string, error) {
	var response map[string]json.RawMessage
	query := url.Values{"taskname": {check}}
	err := c.get(ctx, buildPath(buildID), query, &response)
	if isUnsupported(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var info bytes.Buffer
	_ = json.Compact(&info, response[check]) // An absent member is empty.
	if slices.Contains([]string{"{}", "null", `""`}, info.String()) {
		return "", nil
	}
	return info.String(), nil
}

// isUnsupported reports whether the service does not support a request, or the API gateway does not publish it.
func isUnsupported(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (mayBeNotFound(err) || failure.Code == notPublished)
}
