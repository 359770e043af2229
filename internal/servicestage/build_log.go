// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildLog is the end of a log.
type BuildLog struct {
	Text string
	// Cut means that the log has more before it.
	Cut bool
}

// BuildLog reads the log of a build, and returns at most limit bytes of its end. A character is never torn in two.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0221.html.
func (c *Client) BuildLog(ctx context.Context, id string, limit int) (BuildLog, error) {
	var log BuildLog
	// The log is only to be had from an offset on, and how long it is shows at its end.
	for from := int64(0); ; {
		var part struct {
			BuildLog string  `json:"buildlog"`
			Next     lenient `json:"next"`
		}
		query := url.Values{"from": {strconv.FormatInt(from, 10)}}
		if err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(id, "logs"), Query: query}, &part); err != nil {
			return log, err
		}
		log.Text += part.BuildLog
		if excess := len(log.Text) - limit; excess > 0 {
			for excess < len(log.Text) && !utf8.RuneStart(log.Text[excess]) {
				excess++
			}
			log.Text, log.Cut = strings.Clone(log.Text[excess:]), true
		}
		next, err := strconv.ParseInt(string(part.Next), 10, 64)
		if err != nil || next <= from || part.BuildLog == "" {
			return log, nil //nolint:nilerr // Without a number there is nothing to go on from.
		}
		from = next
	}
}

// Check is what the service knows of one code check of a build.
type Check struct {
	// Name is checkstyle, pmd or findbugs.
	Name string
	// Info is the check's information as JSON, whose members are not documented; empty where there is none.
	Info string
	// Counts are its results.
	Counts []CheckCount
}

// CheckCount is one count of a check's results.
type CheckCount struct {
	// Kind is the group that the service puts it in, such as static.
	Kind    string
	BuildID string
	// BuildOrder and TotalCount are in digits; empty where the service does not say.
	BuildOrder, TotalCount string
}

// UnmarshalJSON reads a count; each of its members may be missing.
func (c *CheckCount) UnmarshalJSON(data []byte) error {
	type countAnswer struct {
		BuildID    lenient `json:"build_id"`
		BuildOrder digits  `json:"build_order"`
		TotalCount digits  `json:"total_count"`
	}
	var wire countAnswer
	err := json.Unmarshal(data, &wire)
	*c = CheckCount{BuildID: string(wire.BuildID), BuildOrder: string(wire.BuildOrder), TotalCount: string(wire.TotalCount)}
	return err
}

// codeChecks are the checks whose information can be asked for.
var codeChecks = []string{"checkstyle", "findbugs", "pmd"}

// Checks returns what the service knows of the code checks of a build, by name; nothing where the build had none, or where
// the service does not have the calls. Information is asked for only where there are results.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0332.html (results), _0271 (information).
func (c *Client) Checks(ctx context.Context, buildID string) ([]Check, error) {
	var results map[string]json.RawMessage
	err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(buildID, "results")}, &results)
	if err != nil && !hasNotThisCall(err) {
		return nil, err
	}
	checks := map[string]*Check{}
	for name, result := range results {
		if counts := countsOf(result); len(counts) > 0 {
			checks[name] = &Check{Name: name, Counts: counts}
		}
	}
	if len(checks) == 0 {
		return nil, nil
	}
	for _, name := range codeChecks {
		info, err := c.checkInfo(ctx, buildID, name)
		switch {
		case err != nil:
			return nil, err
		case info == "":
		case checks[name] == nil:
			checks[name] = &Check{Name: name, Info: info}
		default:
			checks[name].Info = info
		}
	}
	var sorted []Check
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		sorted = append(sorted, *checks[name])
	}
	return sorted, nil
}

// countsOf reads {"static":{"count_info":[...]}}. What has another form is no count.
func countsOf(result json.RawMessage) []CheckCount {
	var kinds map[string]json.RawMessage
	if json.Unmarshal(result, &kinds) != nil {
		return nil
	}
	var counts []CheckCount
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		var group struct {
			CountInfo []CheckCount `json:"count_info"`
		}
		if json.Unmarshal(kinds[kind], &group) != nil {
			continue
		}
		for _, count := range group.CountInfo {
			count.Kind = kind
			counts = append(counts, count)
		}
	}
	return counts
}

// checkInfo asks for the information of one check. The answer holds it under the check's own name; one that does not, such as
// the build itself, has none.
func (c *Client) checkInfo(ctx context.Context, buildID, check string) (string, error) {
	var answer map[string]json.RawMessage
	query := url.Values{"taskname": {check}}
	err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(buildID), Query: query}, &answer)
	if hasNotThisCall(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var info bytes.Buffer
	if err := json.Compact(&info, answer[check]); err != nil || slices.Contains([]string{"{}", "null", `""`}, info.String()) {
		return "", nil //nolint:nilerr // Absent is no JSON.
	}
	return info.String(), nil
}

// hasNotThisCall is true where the service refuses a call as such, or does not publish it.
func hasNotThisCall(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (saysGone(failure) || mayMeanGone(failure) || failure.Code == notPublished)
}
