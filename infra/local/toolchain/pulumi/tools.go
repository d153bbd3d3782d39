//go:build tools

// Package tools pins the Pulumi CLI. The module wraps it because the CLI's own go.mod has
// `replace` lines, which `go install` refuses.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
