// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

func TestGuide_testYourModulesOffline(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.RequireVersion(t, 6, 6)
	cli.Install(t)
	commands, blocks := readSection(t, "guides/test-your-modules-offline.md", "With the emulator")
	cli.Write(t, "main.tf", blocks[0])
	if err := os.Mkdir(filepath.Join(cli.Dir, "tests"), 0o700); err != nil {
		t.Fatal(err)
	}
	cli.Write(t, "tests/services.tftest.hcl", blocks[1])
	commands.run(t, cli)
	if posts, left := server.CountRequests(http.MethodPost, jobsPath), server.Jobs(); posts != 1 || len(left) != 0 {
		t.Errorf("%d build jobs were created and %d are left, want 1 and 0", posts, len(left))
	}
}

func TestGuide_remoteStateInPostgreSQL(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Install(t)
	cli.Env = append(cli.Env, "PG_CONN_STR="+startPostgreSQL(t))
	commands, blocks := readSection(t, "guides/remote-state-for-teams.md", "PostgreSQL")
	cli.Write(t, "main.tf", blocks[0])
	commands.run(t, cli)

	// Another working copy has the same state, and cannot apply at the same time.
	other := providertest.NewCLI(t, server)
	other.Install(t)
	other.Env = append(other.Env, cli.Env[len(cli.Env)-1])
	other.Write(t, "main.tf", blocks[0])
	succeed(t, other, "init", "-no-color")
	succeed(t, other, "plan", "-no-color", "-input=false", "-detailed-exitcode")

	arrived, release := make(chan bool), make(chan bool)
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Do: func() { arrived <- true; <-release }})
	const setting = "environment_setting {}"
	changed := strings.Replace(blocks[0], setting, "job_description = \"new\"\n\n  "+setting, 1)
	cli.Write(t, "main.tf", changed)
	apply := cli.Start(t, "apply", "-no-color", "-input=false", "-auto-approve")
	<-arrived
	_, stderr, err := other.Run(t, "apply", "-no-color", "-input=false", "-auto-approve")
	if err == nil || !strings.Contains(stderr, "Error: Error acquiring the state lock") {
		t.Errorf("the second apply: %v\n%s", err, stderr)
	}
	close(release)
	if err := apply.Wait(); err != nil {
		t.Errorf("the first apply: %v\n%s", err, apply.Stderr)
	}
}

// startPostgreSQL starts a database server for the test, and returns its connection string.
func startPostgreSQL(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("PostgreSQL is not installed: %v", err)
		}
	}
	folder, err := os.MkdirTemp("", "postgresql") //nolint:usetesting // The server cannot enter the folder of the test.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	var account *syscall.SysProcAttr
	if os.Getuid() == 0 { // PostgreSQL does not run as root.
		const nobody = 65534
		account = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(folder, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(folder, "data")
	command := func(name string, arguments ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), name, arguments...)
		c.Dir, c.SysProcAttr = folder, account
		return c
	}
	initdb := command("initdb", "--auth=trust", "--username=terraform", "--no-sync", "--pgdata="+data)
	if output, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, output)
	}
	server := command("postgres", "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+folder,
		"-c", "fsync=off")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // Immediate shutdown; its data is not needed.
		_ = server.Wait()
	})
	for range 100 {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "unix", filepath.Join(folder, ".s.PGSQL.5432"))
		if err == nil {
			_ = connection.Close()
			return "postgres://terraform@/postgres?sslmode=disable&host=" + folder
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("PostgreSQL does not accept connections")
	return ""
}
