// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// starts is how often the start of a provider is measured for each time that a command is.
const starts = 10

// measureStart measures from the start of the process to the answer with the schema, as Terraform does it.
func (b *bench) measureStart(ctx context.Context) error {
	b.say("start to schema")
	samples := map[string][]sample{}
	for range starts * b.repeat {
		for _, provider := range []string{ours, empty, schema, attribute} {
			s, err := startToSchema(ctx, b.program(provider))
			if err != nil {
				return fmt.Errorf("starting %s: %w", provider, err)
			}
			samples[provider] = append(samples[provider], s)
		}
	}
	for _, m := range []measure{wall, cpu} {
		f := m.figure("start to schema", samples, empty)
		f.FloorIs, f.MaxRatio, f.Target = "empty provider", 1.10, "at most 1.10 of the floor"
		b.report.add(f)
	}
	return nil
}

func startToSchema(ctx context.Context, program string) (s sample, err error) {
	command := exec.CommandContext(ctx, program)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey:   "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		VersionedPlugins: map[int]plugin.PluginSet{6: {"provider": connection{}}},
		Cmd:              command,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		Logger:           hclog.NewNullLogger(),
	})
	start := time.Now()
	err = askSchema(ctx, client)
	s.wall = time.Since(start)
	client.Kill() // It waits for the end of the process.
	if err == nil && command.ProcessState == nil {
		err = errors.New("the process has not ended")
	}
	if err != nil {
		return s, err
	}
	s.cpu = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return s, nil
}

func askSchema(ctx context.Context, client *plugin.Client) error {
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	dispensed, err := protocol.Dispense("provider")
	if err != nil {
		return err
	}
	conn, ok := dispensed.(*grpc.ClientConn)
	if !ok {
		return fmt.Errorf("the plugin is a %T", dispensed)
	}
	var request, answer mem.BufferSlice
	err = conn.Invoke(ctx, "/tfplugin6.Provider/GetProviderSchema", &request, &answer,
		grpc.ForceCodecV2(unread{}), grpc.MaxCallRecvMsgSize(64<<20))
	if err == nil && answer.Len() == 0 {
		err = errors.New("the schema is empty")
	}
	answer.Free()
	return err
}

// connection is a plugin of which nothing is wanted but the connection.
type connection struct {
	plugin.NetRPCUnsupportedPlugin
}

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("there is no server here")
}

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// unread is a codec that leaves messages as they are: the request is empty, and the answer is only waited for.
type unread struct{}

func (unread) Name() string { return "proto" }

func (unread) Marshal(message any) (mem.BufferSlice, error) {
	data, ok := message.(*mem.BufferSlice)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", message)
	}
	return *data, nil
}

func (unread) Unmarshal(data mem.BufferSlice, message any) error {
	target, ok := message.(*mem.BufferSlice)
	if !ok {
		return fmt.Errorf("cannot receive a %T", message)
	}
	data.Ref()
	*target = data
	return nil
}
