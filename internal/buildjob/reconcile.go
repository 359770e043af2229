// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"fmt"
	"maps"
	"strings"
)

// serviceDefaults are the values that ServiceStage returned, after the provider's last write, for arguments that are not configured,
// by path. While it returns the same value, such an argument stays null in the state; another value is drift.
type serviceDefaults map[string]string

// reconciled is the result of comparing what is known of a build job with what ServiceStage returned.
type reconciled struct {
	state    values
	defaults serviceDefaults
	// mismatches are the paths of the arguments that ServiceStage ignored.
	mismatches []string
}

// refresh returns the state after a read.
func refresh(prior, returned values, defaults serviceDefaults) reconciled {
	result := reconciled{state: prior.kept(returned), defaults: defaults}
	for _, argument := range arguments {
		value := returned[argument]
		switch recorded, ok := defaults[argument]; {
		case value == nil:
		case ok && recorded == fmt.Sprint(value):
			value = nil
		}
		result.set(argument, prior[argument], value)
	}
	result.state.keepBlocks(prior)
	return result
}

// firstRefresh returns the state after a read that is the first one since a write: what it returns for arguments that are not
// configured becomes a service default. A repository does not: it may be one that the write was to remove.
func firstRefresh(prior, returned values) reconciled {
	defaults := serviceDefaults{}
	for _, argument := range arguments {
		if value := returned[argument]; value != nil && prior[argument] == nil && argument != projectArgument && !inRepo(argument) {
			defaults[argument] = fmt.Sprint(value)
		}
	}
	return refresh(prior, returned, defaults)
}

// afterCreate returns the state after a create.
func afterCreate(plan, returned values) reconciled {
	return afterWrite(plan, returned, plan[projectArgument] != unknown, false)
}

// afterUpdate returns the state after an update. projectConfigured is false if the plan only repeats the enterprise project.
func afterUpdate(plan, prior, returned values, projectConfigured bool) reconciled {
	return afterWrite(plan, returned, projectConfigured, plan[repoBlock] == nil && prior[repoBlock] != nil)
}

func afterWrite(plan, returned values, projectConfigured, repoRemoved bool) reconciled {
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

// set stores a returned value in the state, in the spelling that is known.
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

// withUnknowns returns the plan with the values that Terraform did not know.
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

// kept returns the attributes that are no arguments: what a read returns, the timeouts, and the time of creation, which only the
// create response contains.
func (v values) kept(returned values) values {
	state := values{environmentSetting: present}
	for at, value := range v {
		if isTimeout(at) {
			state[at] = value
		}
	}
	for _, at := range []string{jobIDAttribute, creatorAttribute, lastBuildAttribute, createdAtAttribute} {
		if value := returned[at]; value != nil {
			state[at] = value
		}
	}
	if createdAt := v[createdAtAttribute]; createdAt != nil {
		state[createdAtAttribute] = createdAt
	}
	return state
}

func inRepo(argument string) bool { return strings.HasPrefix(argument, repoBlock+".") }
