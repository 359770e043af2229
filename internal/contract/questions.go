// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"slices"
)

// question is one thing that the documents leave open.
type question struct {
	id, text, assumed string
	// open says why it stays open, where that is so from the start or where no other reason comes up.
	open string
}

// section is a group of questions that are asked together; ask is nil where they cannot be.
type section struct {
	ask       func(p *probe, ctx context.Context) error
	questions []question
}

// Why questions stay open.
const (
	needsBuild   = "not asked: a build needs a cluster and costs money"
	needsOthers  = "not asked: the probe leaves alone what it has not made"
	needsProject = "not asked: HW_ENTERPRISE_PROJECT_ID names no enterprise project"
)

// sections are all questions. Only what the provider takes for the answer is said here; what the service does is found out.
func sections() []section {
	return slices.Concat(ofMembers(), ofUpdates(), ofService(), []section{{nil, unanswerable()}})
}

// ofMembers are about what is sent and what comes back.
func ofMembers() []section {
	return []section{
		{(*probe).askCreate, []question{
			{id: "a1", text: "Which members does the answer of create have?", assumed: "the documented ones: job_id and created_at are taken, the rest is read back"},
			{id: "a2", text: "Can a job be read as soon as it is created?", assumed: "yes; while not, reading is repeated until the timeout"},
			{id: "b1", text: "In which format is created_at?", assumed: "as in 2025-11-14 09:06:28 +0000 UTC, or RFC 3339"},
			{id: "b2", text: "Does reading a job say when it was created?", assumed: "no: the state keeps what create said"},
			{id: "c1", text: "What does the service answer for arguments that were never set?", assumed: "nothing; whatever it is, it is remembered and is no change"},
			{id: "c2", text: "Which enterprise project has a job that names none?", assumed: "0, the default one; it is read"},
			{id: "e1", text: "Which members does a job have that are not documented?", assumed: "none; whatever they are, an update sends them back untouched"},
			{id: "g1", text: "Is an empty environment_setting accepted?", assumed: "yes"},
			{id: "h1", text: "What is creator?", assumed: "an object with a name"},
			{id: "n1", text: "What do ids look like?", assumed: "nothing: they are any text"},
		}},
		{(*probe).askMembers, []question{
			{id: "c3", text: "Does use_public_cluster = false come back?", assumed: "yes; left out means the same"},
			{id: "c4", text: "Does use_public_cluster = true come back?", assumed: "yes"},
			{id: "c5", text: "Does arch come back as it was sent?", assumed: "yes"},
			{id: "c6", text: "Does docker_version come back as it was sent?", assumed: "yes"},
			{id: "d1", text: "How does the repository type Github come back?", assumed: "as it was sent; another case means the same"},
			{id: "d2", text: "Do url (with .git), branch and namespace come back as they were sent?", assumed: "yes"},
			{id: "g2", text: "Is environment_setting mandatory?", assumed: "yes: it is always sent"},
			{id: "g3", text: "May cluster_id name a cluster that does not exist, without its name?", assumed: "either: the service decides"},
			{id: "g4", text: "Is cluster_name enough?", assumed: "either: the service decides"},
			{id: "i1", text: "Are 64 characters of job_description accepted that are 128 bytes?", assumed: "yes: characters count"},
			{id: "i2", text: "Are 65 characters of job_description accepted?", assumed: "no: refused while planning"},
		}},
	}
}

// ofUpdates are about what an update does.
func ofUpdates() []section {
	return []section{
		{(*probe).askRemovals, []question{
			{id: "e2", text: "What becomes of job_description when an update leaves it out?", assumed: `it goes; to be sure, "" is sent`},
			{id: "e3", text: "What becomes of code_repo when an update leaves it out?", assumed: "it goes"},
			{id: "e4", text: "What becomes of build_os when an update leaves it out?", assumed: "it goes; if not, that is remembered and is no change"},
			{id: "e5", text: "What becomes of use_public_cluster when an update leaves it out?", assumed: "it goes; if not, that is remembered and is no change"},
			{id: "e6", text: "What becomes of docker_version when an update leaves it out?", assumed: `it goes; to be sure, "" is sent`},
			{id: "e7", text: `Does "" clear job_description?`, assumed: "yes"},
			{id: "e8", text: `Does "" clear docker_version?`, assumed: "yes"},
			{id: "f3", text: "Can an update change arch?", assumed: "yes"},
		}},
		{(*probe).askUpdate, []question{
			{id: "f1", text: "Can an update change job_name?", assumed: "yes"},
			{id: "f4", text: "What does an update answer?", assumed: "2xx; the rest is not looked at"},
			{id: "f5", text: "Does reading show an update at once?", assumed: "yes"},
		}},
		{(*probe).askProjects, []question{
			{id: "f2", text: "Can an update change enterprise_project_id?", assumed: "yes", open: needsProject},
			{id: "f6", text: "Does create take enterprise_project_id over?", assumed: "yes", open: needsProject},
			{id: "m7", text: "Does the list hold jobs of other enterprise projects than the default one?", assumed: "yes", open: needsProject},
		}},
	}
}

// ofService are about everything around a job: names, the list, errors, headers.
func ofService() []section {
	return []section{
		{(*probe).askNames, []question{
			{id: "i3", text: "May a name begin with a digit?", assumed: "no: refused while planning"},
			{id: "i4", text: "May a name end with a hyphen?", assumed: "no: refused while planning"},
			{id: "j1", text: "May two jobs have one name?", assumed: "no: refused with 400 or 409 and a code of the service"},
			{id: "j2", text: "May two names differ by case alone?", assumed: "no"},
		}},
		{(*probe).askList, []question{
			{id: "m1", text: "Is the first page 1?", assumed: "yes; page 0 is asked for where jobs are missing"},
			{id: "m2", text: "Is per_page = 100 accepted?", assumed: "yes"},
			{id: "m3", text: "What does the filter job_name find?", assumed: "at least the exact name"},
			{id: "m4", text: "What comes past the last page?", assumed: "an empty list"},
			{id: "m5", text: "Are page and per_page mandatory?", assumed: "yes: they are always sent"},
			{id: "m6", text: "In which order is the list?", assumed: "in any"},
		}},
		{(*probe).askTransport, []question{
			{id: "o1", text: "Is X-Project-Id needed?", assumed: "yes with an access key: it is sent where it is known"},
			{id: "o2", text: "Is X-Language needed?", assumed: "no; en-us is sent"},
		}},
		{(*probe).askGone, []question{
			{id: "k1", text: "What answers reading a deleted job?", assumed: "that it is gone, or something that the list of jobs settles"},
			{id: "k2", text: "What answers reading an id that never was?", assumed: "the same"},
			{id: "k3", text: "What answers updating a deleted job?", assumed: "an error"},
			{id: "k4", text: "What answers deleting a job twice?", assumed: "that it is gone, or something that the list of jobs settles"},
			{id: "p1", text: "Which members does an error have?", assumed: "a code and a message, under one of the names that Huawei Cloud uses"},
		}},
		{(*probe).askHeaders, []question{
			{id: "q1", text: "Do answers say something of limits or of an end of the API in their headers?", assumed: "perhaps Retry-After, which is honoured"},
		}},
	}
}

// unanswerable are the questions that a probe cannot ask without harm; they are listed, so that nobody takes them for answered.
func unanswerable() []question {
	return []question{
		{id: "i5", text: "How long may url, branch, namespace, docker_version, cluster_id be?", assumed: "nothing: the service decides", open: "not asked: without an assumption nothing is learnt"},
		{id: "l1", text: "Can a job be deleted while it builds?", assumed: "nothing: the service decides, and an error is shown", open: needsBuild},
		{id: "l2", text: "Can a job be deleted that the system created?", assumed: "nothing: the service decides, and an error is shown", open: needsOthers},
		{id: "o3", text: "Does a token of a whole domain do?", assumed: "no: a token is of a project", open: "not asked: the probe has the credentials that it was given"},
		{id: "q2", text: "Where are the limits, and how many jobs may there be?", assumed: "429 is waited out", open: "not asked: it would take a flood"},
		{id: "s1", text: "How does a private repository get its credentials?", assumed: "nothing: an authorisation of the console", open: needsBuild},
		{id: "s2", text: "What does a job without a repository build?", assumed: "nothing", open: needsBuild},
		{id: "s3", text: "Does starting a build take a branch or a commit?", assumed: "no", open: needsBuild},
	}
}
