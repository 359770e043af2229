// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// errTooMany is the cause of an error about a response that exceeds a limit of the provider.
var errTooMany = errors.New("the response is too large")

// eachElement calls visit with each element of a JSON array, until it returns an error; null is an empty array. It
// keeps nothing, and it stops with errTooMany at the first element above the limit.
func eachElement[T any](data []byte, limit int, visit func(T) error) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	token, err := decoder.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		return errors.New("an array is expected")
	}
	for count := 0; decoder.More(); count++ {
		if count == limit {
			return fmt.Errorf("%w: more than %d elements of an array", errTooMany, limit)
		}
		var element T
		if err := decoder.Decode(&element); err != nil {
			return err
		}
		if err := visit(element); err != nil {
			return err
		}
	}
	return nil
}

// membersOf returns the members of a JSON object; none for anything else.
func membersOf(data []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members)
	return members
}

// creator is documented as an object for jobs and as a string for builds. Its members are not documented.
type creator string

func (c *creator) UnmarshalJSON(data []byte) error {
	document, err := rest.Decode(data)
	switch value := document.(type) {
	case string:
		*c = creator(value)
	case map[string]any:
		for _, name := range []string{"name", "user_name", "userName", "username", "id", "user_id", "userId"} {
			if *c = creator(rest.Text(value[name])); *c != "" {
				return err
			}
		}
		if len(value) > 0 {
			*c = creator(data)
		}
	}
	return err
}

// looseString is a string that never fails the decoding of a response: a number other than 0 is kept as written,
// anything else is "". It contains printable characters only.
type looseString string

func (l *looseString) UnmarshalJSON(data []byte) error {
	if *l = ""; data[0] == '{' || data[0] == '[' {
		return nil // Decoding it into Go values would take many times its size.
	}
	document, err := rest.Decode(data)
	*l = looseString(rest.Text(document))
	return err
}

// numberOrString is like looseString, but keeps the number 0, too.
type numberOrString string

func (n *numberOrString) UnmarshalJSON(data []byte) error {
	err := (*looseString)(n).UnmarshalJSON(data)
	if string(data) == "0" {
		*n = "0"
	}
	return err
}

// timestamp is a time of the service in RFC 3339 format and UTC, or as returned if it cannot be parsed.
type timestamp string

func (t *timestamp) UnmarshalJSON(data []byte) error {
	var text looseString
	err := text.UnmarshalJSON(data)
	*t = timestamp(text)
	for _, layout := range []string{goTime, time.RFC3339Nano} {
		parsed, parseErr := time.Parse(layout, string(text))
		// RFC 3339 has no other years.
		if year := parsed.UTC().Year(); parseErr == nil && 0 <= year && year <= 9999 {
			*t = timestamp(parsed.UTC().Format(time.RFC3339))
			break
		}
	}
	return err
}

// goTime is the format of the service's times, such as "2025-11-14 09:06:28 +0000 UTC".
const goTime = "2006-01-02 15:04:05.999999999 -0700 MST"
