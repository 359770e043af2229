// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// many is more than Terraform's parallelism.
const many = 12

// interrupt interrupts a command, calls then, and waits until the command has failed.
func interrupt(t *testing.T, command *providertest.Command, then func()) {
	t.Helper()
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	then()
	if err := command.Wait(); err == nil {
		t.Error("the command succeeded although it was interrupted")
	}
}

// inState returns the IDs of the build jobs in the CLI's state; none if there is no state.
func inState(t *testing.T, cli *providertest.CLI) map[string]bool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(cli.Dir, "terraform.tfstate"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, match := range regexp.MustCompile(`"job_id": "(\w+)"`).FindAllSubmatch(content, -1) {
		ids[string(match[1])] = true
	}
	return ids
}

// applyAgain applies, imports the build jobs that an error names, and checks that service and state contain the same
// ones.
func applyAgain(t *testing.T, cli *providertest.CLI, server *emulator.Server) {
	t.Helper()
	known := inState(t, cli)
	// At once: a create whose name is taken waits for another one of this process.
	_, stderr, err := cli.Run(t,
		"apply", "-no-color", "-input=false", "-auto-approve", "-lock=false", "-parallelism=50")
	var imports strings.Builder
	for _, job := range server.Jobs() {
		if inState(t, cli)[job.ID] {
			continue
		}
		// The killed apply created it: an error must contain its ID.
		if known[job.ID] || !strings.Contains(stderr, job.ID) {
			t.Errorf("build job %q (%s) is not in the state, and no error names it", job.Name(), job.ID)
		}
		fmt.Fprintf(&imports, "import {\n  to = servicestage_build_job.many[%s]\n  id = %q\n}\n",
			strings.TrimPrefix(job.Name(), "app-"), job.ID)
	}
	if (err != nil) != (imports.Len() > 0) {
		t.Errorf("apply: %v with %d bytes of imports\n%s", err, imports.Len(), stderr)
	}
	if imports.Len() > 0 {
		cli.Write(t, "imports.tf", imports.String())
		mustApply(t, cli, "-lock=false")
	}
	expectJobs(t, cli, server, many)
}

// expectJobs checks that the service has count build jobs of different names, which are those of the state, and that
// the plan is empty.
func expectJobs(t *testing.T, cli *providertest.CLI, server *emulator.Server, count int) {
	t.Helper()
	names, known := map[string]bool{}, inState(t, cli)
	for _, job := range server.Jobs() {
		names[job.Name()] = true
		if !known[job.ID] {
			t.Errorf("build job %q (%s) is not in the state", job.Name(), job.ID)
		}
	}
	if len(server.Jobs()) != count || len(names) != count || len(known) != count {
		t.Errorf("%d build jobs of %d names exist, %d are in the state; want %d of each",
			len(server.Jobs()), len(names), len(known), count)
	}
	succeed(t, cli, "plan", "-no-color", "-input=false", "-detailed-exitcode", "-lock=false")
}

var everyRequest = flag.Bool("every-request", false, "kill at every request of an apply, not just at some")

// killPoints returns the requests of an apply at which it is killed. An apply sends one list request, and two requests
// for each build job.
func killPoints() []int {
	const requests = 1 + 2*many
	if !*everyRequest {
		return []int{2 + rand.N(requests-1)} // The subtest's name contains it.
	}
	points := make([]int, requests)
	for i := range points {
		points[i] = i + 1
	}
	return points
}

// If the provider or Terraform is killed during an apply, no build job is created twice, and an error of the next apply
// contains the ID of each one that is not in the state.
func TestProvider_killed(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"provider", "terraform"} {
		for _, request := range killPoints() {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s at request %d, carried out %t", victim, request, after), func(t *testing.T) {
					t.Parallel()
					server := emulator.New(t, emulator.Options{})
					cli := configure(t, server, many)
					count := 0
					started := make(chan *providertest.Command, 1)
					server.InjectFault(emulator.Fault{
						Drop: true, After: after,
						When: func(emulator.Request) bool { count++; return count == request },
						Do: func() {
							apply := <-started
							pids := []int{apply.Process.Pid}
							if victim == "provider" {
								pids = processesOf(t, cli.Provider)
							}
							for _, pid := range pids {
								if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
									t.Errorf("killing %d: %v", pid, err)
								}
							}
						},
					})
					apply := cli.Start(t, "apply", "-no-color", "-input=false", "-auto-approve", "-lock=false")
					started <- apply
					if err := apply.Wait(); err == nil {
						t.Errorf("the apply has not noticed that its %s was killed", victim)
					}
					for _, pid := range processesOf(t, cli.Provider) {
						_ = syscall.Kill(pid, syscall.SIGKILL) // It survives Terraform, or has ended.
					}
					server.ForgetFaults()
					removeBrokenState(t, cli)
					applyAgain(t, cli, server)
				})
			}
		}
	}
}

// removeBrokenState removes the state if Terraform was killed while it wrote the file.
func removeBrokenState(t *testing.T, cli *providertest.CLI) {
	t.Helper()
	file := filepath.Join(cli.Dir, "terraform.tfstate")
	content, err := os.ReadFile(file)
	if err != nil || len(content) == 0 || json.Valid(content) {
		return
	}
	t.Log("Terraform was killed while it wrote the state.")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// processesOf finds the processes that run a program.
func processesOf(t *testing.T, program string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	if len(links) == 0 {
		t.Skip("Processes are looked up in /proc, which this system does not have.")
	}
	var pids []int
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == program {
			var pid int
			if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// An interrupted action cancels its build, and Terraform shows the error.
func TestProvider_interruptedAction(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.RequireVersion(t, 14, 0)
	jobID := server.AddJob(map[string]any{"job_name": "checkout-service", "environment_setting": map[string]any{}})
	cli.Write(t, "main.tf", providertest.Requirement+fmt.Sprintf(`
action "servicestage_start_build" "test" {
  config {
    job_id = %q
  }
}

resource "terraform_data" "test" {
  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.servicestage_start_build.test]
    }
  }
}
`, jobID))
	waiting, release := make(chan bool), make(chan bool)
	defer close(release)
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: "/assembling/v1/builds/*", Do: func() { close(waiting); <-release },
	})
	apply := cli.Start(t, "apply", "-no-color", "-input=false", "-auto-approve")
	<-waiting
	interrupt(t, apply, func() {})
	shown := strings.Join(strings.Fields(apply.Stderr.String()), " ")
	for _, want := range []string{"Interrupted while the build was running", "It was canceled."} {
		if !strings.Contains(shown, want) {
			t.Errorf("the error does not contain %q:\n%s", want, apply.Stderr)
		}
	}
	if builds := server.Builds(); len(builds) != 1 || builds[0].State != "Cancel" {
		t.Errorf("the service contains %+v, want one canceled build", builds)
	}
}

// An interrupt does not cancel create requests in flight: each created build job is in the state.
func TestProvider_interruptedWhileCreating(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := configure(t, server, many)
	const inFlight = 10 // Terraform's parallelism.
	arrived, release := make(chan bool, many), make(chan bool)
	server.InjectFault(emulator.Fault{
		Method: http.MethodPost, Path: jobsPath, Times: -1,
		Do: func() { arrived <- true; <-release },
	})
	apply := cli.Start(t, "apply", "-no-color", "-input=false", "-auto-approve")
	for range inFlight {
		<-arrived
	}
	interrupt(t, apply, func() { close(release) })
	known := inState(t, cli)
	for _, job := range server.Jobs() {
		if !known[job.ID] {
			t.Errorf("build job %q (%s) was created and is not in the state", job.Name(), job.ID)
		}
	}
	if jobs := server.Jobs(); len(jobs) < inFlight {
		t.Errorf("%d build jobs exist, want at least the %d in flight", len(jobs), inFlight)
	}
	server.ForgetFaults()
	applyAgain(t, cli, server)
}

// With two concurrent applies of one configuration in two directories, each build job is in one state, and an error of
// the other apply contains its ID.
func TestProvider_twoWorkingCopies(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	clis := []*providertest.CLI{configure(t, server, many), configure(t, server, many)}
	var applies []*providertest.Command
	for _, cli := range clis {
		apply := cli.Start(t, "apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=50")
		applies = append(applies, apply)
	}
	failed := 0
	for _, apply := range applies {
		if apply.Wait() != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("both applies succeeded")
	}
	jobs := server.Jobs()
	if len(jobs) != many {
		t.Errorf("%d build jobs exist, want %d", len(jobs), many)
	}
	for _, job := range jobs {
		states := 0
		for i, cli := range clis {
			switch {
			case inState(t, cli)[job.ID]:
				states++
			case !strings.Contains(applies[i].Stderr.String(), job.ID):
				t.Errorf("apply %d: build job %q (%s) is neither in the state nor in an error", i, job.Name(), job.ID)
			}
		}
		if states != 1 {
			t.Errorf("build job %q (%s) is in %d states, want 1", job.Name(), job.ID, states)
		}
	}
	if puts := server.CountRequests(http.MethodPut, jobsPath+"/*"); puts != 0 {
		t.Errorf("%d PUT requests, want none", puts)
	}
}

// Random faults in every tenth request lose and duplicate no build job.
func TestProvider_manyJobsWithFaults(t *testing.T) {
	t.Parallel()
	const count = 50
	seed := rand.Uint64()
	server := emulator.New(t, emulator.Options{})
	cli := configure(t, server, count)
	cli.Env = append(cli.Env, "HW_MAX_RETRIES=12") // No seed exhausts them.
	server.InjectRandomFaults(seed, 0.1)
	t.Logf("seed %d", seed)
	mustApply(t, cli, "-parallelism=50")
	expectJobs(t, cli, server, count)
}
