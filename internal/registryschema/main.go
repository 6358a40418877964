// Command registryschema completes what "terraform providers schema -json" says
// about the provider with what only newer cores ask for: actions, list resources
// and identities. It reads the one from standard input and writes the other.
// "make docs" renders the registry's pages from it, so that they are all made
// from the schema, whatever Terraform is on PATH.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/provider"
)

func main() {
	if err := complete(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "registryschema:", err)
		os.Exit(1)
	}
}

// The parts of Terraform's schema document that are filled in here.
type (
	schema struct {
		Version int64 `json:"version"`
		Block   block `json:"block"`
	}
	block struct {
		Attributes      map[string]attribute `json:"attributes"`
		Description     string               `json:"description"`
		DescriptionKind string               `json:"description_kind"`
	}
	attribute struct {
		Type            tftypes.Type `json:"type,omitempty"`
		Nested          *nested      `json:"nested_type,omitempty"`
		Description     string       `json:"description"`
		DescriptionKind string       `json:"description_kind"`
		Required        bool         `json:"required,omitempty"`
		Optional        bool         `json:"optional,omitempty"`
		Sensitive       bool         `json:"sensitive,omitempty"`
	}
	nested struct {
		Attributes map[string]attribute `json:"attributes"`
		Mode       string               `json:"nesting_mode"`
	}
	identity struct {
		Version    int64                        `json:"version"`
		Attributes map[string]identityAttribute `json:"attributes"`
	}
	identityAttribute struct {
		Type        tftypes.Type `json:"type"`
		Description string       `json:"description"`
		Required    bool         `json:"required_for_import,omitempty"`
		Optional    bool         `json:"optional_for_import,omitempty"`
	}
)

// name is the provider's in the completed document; tfplugindocs looks for it.
const name = "bos"

func complete(ctx context.Context, in io.Reader, out io.Writer) error {
	var doc struct {
		FormatVersion string                                `json:"format_version"`
		Providers     map[string]map[string]json.RawMessage `json:"provider_schemas"`
	}
	if err := json.NewDecoder(in).Decode(&doc); err != nil {
		return fmt.Errorf("what was read is not what \"terraform providers schema -json\" writes: %w", err)
	}
	if len(doc.Providers) != 1 {
		return fmt.Errorf("there are %d providers in the schema; ask for it where only this one is required", len(doc.Providers))
	}
	server := providerserver.NewProtocol6(provider.New("docs")())()
	said, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return err
	}
	known, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return err
	}
	if len(said.Diagnostics)+len(known.Diagnostics) > 0 {
		return errors.New("the provider has no schema; its tests say why")
	}
	actions, lists, identities := make(map[string]schema), make(map[string]schema), make(map[string]identity)
	for kind, action := range said.ActionSchemas {
		actions[kind] = converted(action.Schema)
	}
	for kind, list := range said.ListResourceSchemas {
		lists[kind] = converted(list)
	}
	for kind, known := range known.IdentitySchemas {
		identities[kind] = convertedIdentity(known)
	}
	for was, schemas := range doc.Providers {
		for part, content := range map[string]any{"action_schemas": actions, "list_resource_schemas": lists, "resource_identity_schemas": identities} {
			if schemas[part], err = json.Marshal(content); err != nil {
				return err
			}
		}
		delete(doc.Providers, was)
		doc.Providers[name] = schemas
		break
	}
	return json.NewEncoder(out).Encode(doc)
}

func converted(s *tfprotov6.Schema) schema {
	b := block{Attributes: convertedAttributes(s.Block.Attributes), Description: s.Block.Description, DescriptionKind: kind(s.Block.DescriptionKind)}
	return schema{Version: s.Version, Block: b}
}

func convertedAttributes(from []*tfprotov6.SchemaAttribute) map[string]attribute {
	attributes := make(map[string]attribute)
	for _, a := range from {
		converted := attribute{
			Type: a.Type, Description: a.Description, DescriptionKind: kind(a.DescriptionKind),
			Required: a.Required, Optional: a.Optional, Sensitive: a.Sensitive,
		}
		if a.NestedType != nil {
			converted.Nested = &nested{
				Attributes: convertedAttributes(a.NestedType.Attributes), Mode: strings.ToLower(a.NestedType.Nesting.String()),
			}
		}
		attributes[a.Name] = converted
	}
	return attributes
}

func convertedIdentity(s *tfprotov6.ResourceIdentitySchema) identity {
	i := identity{Version: s.Version, Attributes: make(map[string]identityAttribute)}
	for _, a := range s.IdentityAttributes {
		i.Attributes[a.Name] = identityAttribute{Type: a.Type, Description: a.Description, Required: a.RequiredForImport, Optional: a.OptionalForImport}
	}
	return i
}

func kind(k tfprotov6.StringKind) string { return strings.ToLower(k.String()) }
