// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// eachMember calls visit with each member of a JSON object, until it returns an error. It keeps nothing; value is valid
// during the call. Anything but an object has no members.
func eachMember(data []byte, visit func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return err
	}
	var value json.RawMessage
	for decoder.More() {
		token, err := decoder.Token()
		if err := errors.Join(err, decoder.Decode(&value)); err != nil {
			return err
		}
		name, _ := token.(string)
		if err := visit(name, value); err != nil {
			return err
		}
	}
	return nil
}
