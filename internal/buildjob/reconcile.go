// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"fmt"
	"maps"
	"strings"
)

// serviceDefaults are the values, by path, that ServiceStage returned after the last write for arguments that are not
// configured. Such an argument stays null in the state until ServiceStage returns a different value, which is drift.
type serviceDefaults map[string]string

// reconciled is the result of a comparison of state or plan with the values that ServiceStage returned.
type reconciled struct {
	state    values
	defaults serviceDefaults
	// mismatches are the paths of the arguments that ServiceStage ignored.
	mismatches []string
}

// refresh returns the state after a read.
func refresh(prior, returned values, defaults serviceDefaults) reconciled {
	result := reconciled{state: computedValues(prior, returned), defaults: defaults}
	for _, argument := range arguments {
		value := returned[argument]
		if recorded, ok := defaults[argument]; ok && recorded == fmt.Sprint(value) {
			value = nil
		}
		result.set(argument, prior[argument], value)
	}
	result.state.keepBlocks(prior)
	return result
}

// firstRefresh returns the state after the first successful read since a write. Values of arguments that are not
// configured become service defaults. A repository does not, because the write may have been meant to remove it.
func firstRefresh(prior, returned values) reconciled {
	defaults := serviceDefaults{}
	for _, argument := range arguments {
		value := returned[argument]
		if value != nil && prior[argument] == nil && argument != projectArgument && !inRepo(argument) {
			defaults[argument] = fmt.Sprint(value)
		}
	}
	return refresh(prior, returned, defaults)
}

// afterCreate returns the state after a create.
func afterCreate(plan, returned values) reconciled { return afterUpdate(plan, nil, returned, true) }

// afterUpdate returns the state after an update. projectConfigured is false if the plan only repeats the state's
// enterprise project.
func afterUpdate(plan, prior, returned values, projectConfigured bool) reconciled {
	repoRemoved := plan[repoBlock] == nil && prior[repoBlock] != nil
	result := reconciled{state: withUnknowns(plan, returned), defaults: serviceDefaults{}}
	for _, argument := range arguments {
		planned, value := plan[argument], returned[argument]
		switch {
		case argument == projectArgument && !projectConfigured, planned == unknown:
			continue // Terraform accepts only the planned value of a computed argument.
		case planned == nil && value != nil && (!repoRemoved || !inRepo(argument)):
			result.defaults[argument] = fmt.Sprint(value)
			continue
		case planned != nil && !sameValue(argument, planned, value):
			result.mismatches = append(result.mismatches, argument)
		}
		result.set(argument, planned, value)
	}
	if repoRemoved && returned[repoBlock] != nil {
		result.mismatches = append(result.mismatches, repoBlock)
	}
	result.state.keepBlocks(plan)
	return result
}

// set stores a returned value in the state. If it equals the known value, the known spelling is kept.
func (r *reconciled) set(argument string, known, returned any) {
	switch {
	case known != nil && sameValue(argument, known, returned):
		r.state[argument] = known
	case returned == nil:
		delete(r.state, argument)
	default:
		r.state[argument] = returned
	}
}

// withUnknowns returns the plan with returned values in place of unknown ones. An unknown value that was not returned
// becomes null.
func withUnknowns(plan, returned values) values {
	state := maps.Clone(plan)
	for at, value := range plan {
		if value != unknown {
			continue
		}
		if delete(state, at); returned[at] != nil {
			state[at] = returned[at]
		}
	}
	return state
}

// computedValues returns the values that are not arguments: the computed ones of the response, and of the prior state
// its timeouts and its time of creation, which only the response to a create contains.
func computedValues(prior, returned values) values {
	state := values{environmentSetting: present}
	for at, value := range prior {
		if isTimeout(at) {
			state[at] = value
		}
	}
	for _, at := range []string{jobIDAttribute, creatorAttribute, lastBuildAttribute, createdAtAttribute} {
		if value := returned[at]; value != nil {
			state[at] = value
		}
	}
	if createdAt := prior[createdAtAttribute]; createdAt != nil {
		state[createdAtAttribute] = createdAt
	}
	return state
}

func inRepo(argument string) bool { return strings.HasPrefix(argument, repoBlock+".") }
