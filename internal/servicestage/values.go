// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"encoding/json"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// creator is documented as an object for jobs and as a string for builds. Its members are not documented.
type creator string

func (c *creator) UnmarshalJSON(data []byte) error {
	document, err := rest.Decode(data)
	if err != nil {
		return err
	}
	switch value := document.(type) {
	case string:
		*c = creator(value)
	case map[string]any:
		*c = creator(rest.Text(value, "name", "user_name", "userName", "username", "id", "user_id", "userId"))
		if *c == "" && len(value) > 0 {
			*c = creator(data)
		}
	}
	return nil
}

// lenient is a string that no operation may fail over: a number is read as its digits, anything else as "".
type lenient string

func (l *lenient) UnmarshalJSON(data []byte) error {
	if isComposite(data) {
		*l = ""
		return nil
	}
	document, err := rest.Decode(data)
	if err != nil {
		return err
	}
	*l = lenient(rest.Text(map[string]any{"": document}, ""))
	return nil
}

// digits is a number or a string, kept as it is written; anything else is "". Unlike [lenient], it does not take 0 for silence.
type digits string

func (d *digits) UnmarshalJSON(data []byte) error {
	if isComposite(data) {
		*d = ""
		return nil
	}
	document, err := rest.Decode(data)
	if err != nil {
		return err
	}
	switch value := document.(type) {
	case json.Number:
		*d = digits(value)
	case string:
		*d = digits(value)
	default:
		*d = ""
	}
	return nil
}

// isComposite reports whether a JSON value is an object or an array. Decoding one into Go values takes many times its size.
func isComposite(data []byte) bool { return len(data) > 0 && (data[0] == '{' || data[0] == '[') }

// goTime is how the service writes times, as in "2025-11-14 09:06:28 +0000 UTC".
const goTime = "2006-01-02 15:04:05.999999999 -0700 MST"

// timestamp returns a time of the service in RFC 3339 and UTC, or as it came where it cannot be understood.
func timestamp(text string) string {
	for _, layout := range []string{goTime, time.RFC3339Nano} {
		t, err := time.Parse(layout, text)
		if year := t.UTC().Year(); err == nil && 0 <= year && year <= 9999 { // RFC 3339 has no other years.
			return t.UTC().Format(time.RFC3339)
		}
	}
	return text
}
