// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"fmt"
	"reflect"
	"strings"
)

// Quirks are ways in which the service may behave where its documents are silent. They can be combined.
type Quirks struct {
	// FillDefaults answers values for what was never set.
	FillDefaults bool `quirk:"fill-defaults"`
	// EmptyStrings answers "" and empty objects for what was never set, instead of leaving it out.
	EmptyStrings bool `quirk:"empty-strings"`
	// NormaliseRepoType answers repository types in one spelling, whatever was sent.
	NormaliseRepoType bool `quirk:"normalise-repo-type"`
	// OmitFalse leaves out of its answers what is false.
	OmitFalse bool `quirk:"omit-false"`
	// CreatorString answers the creator of a job as a string instead of an object.
	CreatorString bool `quirk:"creator-string"`
	// AllowTakenNames accepts a name that another job has.
	AllowTakenNames bool `quirk:"allow-taken-names"`
	// KeepOmitted keeps on update what the request leaves out.
	KeepOmitted bool `quirk:"keep-omitted"`
	// IgnoreRename answers an update that changes the name with success, and keeps the name.
	IgnoreRename bool `quirk:"ignore-rename"`
	// IgnoreEnterpriseProject takes no enterprise project over: every job is in the default one.
	IgnoreEnterpriseProject bool `quirk:"ignore-enterprise-project"`
	// PagesFromZero calls the first page of the list of jobs 0.
	PagesFromZero bool `quirk:"pages-from-zero"`
	// CappedPages puts at most 20 jobs on a page of the list, whatever was asked for.
	CappedPages bool `quirk:"capped-pages"`
	// RepeatedRows begins each page of the list with the last job of the page before.
	RepeatedRows bool `quirk:"repeated-rows"`
	// ExactNameFilter lists only jobs of the very name that was asked for, instead of all whose names contain it.
	ExactNameFilter bool `quirk:"exact-name-filter"`
	// IgnoreNameFilter lists all jobs, whatever name was asked for.
	IgnoreNameFilter bool `quirk:"ignore-name-filter"`
	// StringNumbers answers the index of a build and the id of a phase as strings instead of numbers.
	StringNumbers bool `quirk:"string-numbers"`
	// RefuseLateCancel refuses to cancel a build that has ended.
	RefuseLateCancel bool `quirk:"refuse-late-cancel"`
}

// QuirkNames lists the names that [ParseQuirks] understands.
func QuirkNames() []string {
	t := reflect.TypeFor[Quirks]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("quirk")
	}
	return names
}

// ParseQuirks reads a comma-separated list of names; "" is none.
func ParseQuirks(list string) (Quirks, error) {
	var quirks Quirks
	fields := reflect.ValueOf(&quirks).Elem()
names:
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		for i, known := range QuirkNames() {
			if name == known {
				fields.Field(i).SetBool(true)
				continue names
			}
		}
		return Quirks{}, fmt.Errorf("unknown quirk %q; known are %s", name, strings.Join(QuirkNames(), ", "))
	}
	return quirks, nil
}
