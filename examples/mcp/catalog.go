package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// formatsInput has the arguments of list_formats.
type formatsInput struct {
	Operation      string `json:"operation,omitempty" jsonschema:"the operation, such as optimize or pdf/ocr. The default is convert"`
	InputFormat    string `json:"input_format,omitempty" jsonschema:"only conversions from this format, such as docx"`
	OutputFormat   string `json:"output_format,omitempty" jsonschema:"only conversions to this format, such as pdf"`
	IncludeOptions bool   `json:"include_options,omitempty" jsonschema:"list the options too. Conversions then need both formats"`
}

// formatsOutput is the result of list_formats.
type formatsOutput struct {
	Formats []format `json:"formats"`
	More    bool     `json:"more" jsonschema:"there are more entries: name another format to see them"`
}

// format is an entry of the catalog, without what agents have no use for.
type format struct {
	InputFormat  string   `json:"input_format,omitzero"`
	OutputFormat string   `json:"output_format,omitzero"`
	Engine       string   `json:"engine,omitzero"`
	Credits      int      `json:"credits" jsonschema:"the base price"`
	Options      []option `json:"options,omitzero"`
}

// option is a parameter of an operation.
type option struct {
	Name        string `json:"name"`
	Type        string `json:"type,omitzero"`
	Default     any    `json:"default,omitzero"`
	Values      []any  `json:"possible_values,omitzero"`
	Description string `json:"description,omitzero"`
}

// maxFormats is how many entries list_formats returns.
const maxFormats = 200

// listFormats implements the tool list_formats.
func (s *server) listFormats(ctx context.Context, _ *mcp.CallToolRequest, in formatsInput) (*mcp.CallToolResult, *formatsOutput, error) {
	normal := func(format string) string { return strings.ToLower(strings.TrimPrefix(format, ".")) }
	query := cloudconvert.FormatListOptions{
		Operation:   cloudconvert.Operation(cmp.Or(in.Operation, string(cloudconvert.OperationConvert))),
		InputFormat: normal(in.InputFormat), OutputFormat: normal(in.OutputFormat),
	}
	if query.Operation == cloudconvert.OperationConvert {
		switch {
		case query.InputFormat == "" && query.OutputFormat == "":
			return nil, nil, errors.New("there are thousands of conversions: set input_format or output_format")
		case in.IncludeOptions && (query.InputFormat == "" || query.OutputFormat == ""):
			return nil, nil, errors.New("each conversion has other options: set input_format and output_format")
		}
	}
	if in.IncludeOptions {
		query.Include = []cloudconvert.Include{cloudconvert.IncludeOptions}
	}
	out := &formatsOutput{}
	for entry, err := range s.client.Formats.All(ctx, query) {
		if err != nil {
			return nil, nil, err
		}
		if out.More = len(out.Formats) == maxFormats; out.More {
			break
		}
		out.Formats = append(out.Formats, newFormat(entry))
	}
	if len(out.Formats) == 0 {
		return nil, nil, fmt.Errorf("the catalog has no such entry of the operation %s: leave out a format to list what it has", query.Operation)
	}
	return nil, out, nil
}

func newFormat(entry *cloudconvert.Format) format {
	f := format{
		InputFormat: clean(entry.InputFormat), OutputFormat: clean(entry.OutputFormat), Engine: clean(entry.Engine), Credits: entry.Credits,
	}
	for _, o := range entry.Options {
		f.Options = append(f.Options, option{
			Name: clean(o.Name), Type: clean(o.Type), Default: cleanValue(o.Default), Values: cleanList(o.PossibleValues),
			Description: clean(cmp.Or(o.Description, o.Help, o.Label)),
		})
	}
	return f
}

// accountOutput is the result of get_account.
type accountOutput struct {
	Username string `json:"username,omitzero"`
	Credits  int    `json:"credits" jsonschema:"the credits that the account has left"`
	Budget   int    `json:"budget" jsonschema:"the credits that this session may spend in all"`
	Spent    int    `json:"budget_spent"`
	Left     int    `json:"budget_left" jsonschema:"what a new job may cost: running jobs are taken off"`
}

// getAccount implements the tool get_account.
func (s *server) getAccount(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, *accountOutput, error) {
	user, err := s.client.Users.Me(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := &accountOutput{Username: clean(user.Username), Credits: user.Credits, Budget: s.budget.limit}
	out.Spent, out.Left = s.budget.state()
	return nil, out, nil
}
