package provider

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Each setting has an environment variable that stands in for it where the
// provider block has none. What is written in the block always counts.
const (
	endpointVariable          = "BOS_ENDPOINT"
	tenantVariable            = "BOS_TENANT"
	tokenVariable             = "BOS_TOKEN"
	tokenFileVariable         = "BOS_TOKEN_FILE" //nolint:gosec // the name of a variable
	tokenURLVariable          = "BOS_TOKEN_URL"  //nolint:gosec // the name of a variable
	clientIDVariable          = "BOS_CLIENT_ID"
	clientSecretVariable      = "BOS_CLIENT_SECRET" //nolint:gosec // the name of a variable
	scopesVariable            = "BOS_SCOPES"
	caCertificateVariable     = "BOS_CA_CERTIFICATE_FILE"
	clientCertificateVariable = "BOS_CLIENT_CERTIFICATE_FILE"
	clientKeyVariable         = "BOS_CLIENT_KEY_FILE"
	insecureVariable          = "BOS_INSECURE"
	requestTimeoutVariable    = "BOS_REQUEST_TIMEOUT"
	maxRetriesVariable        = "BOS_MAX_RETRIES"
	requirePreviewVariable    = "BOS_REQUIRE_PREVIEW"
	maxNodesVariable          = "BOS_MAX_NODES"
	protectedRolesVariable    = "BOS_PROTECTED_ROLES"
	maxRebootsVariable        = "BOS_MAX_REBOOTS"
)

var clientCredentialsType = map[string]attr.Type{
	"token_url": types.StringType, "client_id": types.StringType, "client_secret": types.StringType, "scopes": types.ListType{ElemType: types.StringType},
}

// orVariable says in the description of a setting what stands in for it.
func orVariable(name string) string { return " Defaults to the environment variable `" + name + "`." }

// environment fills in settings from environment variables.
type environment struct {
	lookUp func(string) string
	diags  *diag.Diagnostics
}

// fill fills in what the provider block leaves out.
func (e environment) fill(m *providerModel) {
	e.text(&m.Tenant, tenantVariable)
	e.credentials(m)
	e.file(&m.CACertificate, "ca_certificate", caCertificateVariable)
	if m.ClientCertificate.IsNull() && m.ClientKey.IsNull() {
		e.file(&m.ClientCertificate, "client_certificate", clientCertificateVariable)
		e.file(&m.ClientKey, "client_key", clientKeyVariable)
	}
	e.flag(&m.Insecure, "insecure", insecureVariable)
	e.flag(&m.RequirePreview, "require_preview", requirePreviewVariable)
	e.text(&m.RequestTimeout, requestTimeoutVariable)
	if d, err := time.ParseDuration(m.RequestTimeout.ValueString()); !m.RequestTimeout.IsNull() && !m.RequestTimeout.IsUnknown() && (err != nil || d < time.Second || d > time.Hour) {
		e.wrong("request_timeout", requestTimeoutVariable, m.RequestTimeout.ValueString(), "a duration from 1s to 1h, such as 30s")
	}
	e.number(&m.MaxRetries, "max_retries", maxRetriesVariable, 100)
	e.number(&m.MaxNodes, "max_nodes", maxNodesVariable, maxGuard)
	e.number(&m.MaxReboots, "max_reboots", maxRebootsVariable, maxGuard)
	if words := e.words(protectedRolesVariable); m.ProtectedRoles.IsNull() && words != nil {
		m.ProtectedRoles = orderedWords(words)
	}
	if m.Embedded.IsNull() {
		e.text(&m.Endpoint, endpointVariable)
	}
}

// credentials takes the first kind of token that the environment has; none if the
// provider block has one, known or not.
func (e environment) credentials(m *providerModel) {
	if !m.Token.IsNull() || !m.TokenFile.IsNull() || !m.ClientCredentials.IsNull() {
		return
	}
	if e.text(&m.Token, tokenVariable); !m.Token.IsNull() {
		return
	}
	if e.text(&m.TokenFile, tokenFileVariable); !m.TokenFile.IsNull() {
		return
	}
	given := map[string]string{"token_url": e.lookUp(tokenURLVariable), "client_id": e.lookUp(clientIDVariable), "client_secret": e.lookUp(clientSecretVariable)}
	if given["token_url"]+given["client_id"]+given["client_secret"] == "" {
		return
	}
	values := map[string]attr.Value{"scopes": types.ListNull(types.StringType)}
	for name, text := range given {
		if text == "" {
			e.diags.AddAttributeError(path.Root("client_credentials"), "Client credentials in the environment are incomplete",
				fmt.Sprintf("Set all of %s, %s and %s, or none of them.", tokenURLVariable, clientIDVariable, clientSecretVariable))
			return
		}
		values[name] = types.StringValue(text)
	}
	if words := e.words(scopesVariable); words != nil {
		values["scopes"] = orderedWords(words)
	}
	m.ClientCredentials = types.ObjectValueMust(clientCredentialsType, values)
}

func (e environment) text(setting *types.String, variable string) {
	if text := e.lookUp(variable); setting.IsNull() && text != "" {
		*setting = types.StringValue(text)
	}
}

// file reads the file that the variable names. The text of an error has no more of
// it than its path.
func (e environment) file(setting *types.String, name, variable string) {
	file := e.lookUp(variable)
	if !setting.IsNull() || file == "" {
		return
	}
	content, err := os.ReadFile(file) //nolint:gosec // whoever runs Terraform names the file
	if err != nil {
		e.diags.AddAttributeError(path.Root(name), "Unable to read the file that "+variable+" names", capital(err.Error())+". Correct the environment "+
			"variable, or set "+name+" in the provider block.")
		return
	}
	*setting = types.StringValue(string(content))
}

func (e environment) flag(setting *types.Bool, name, variable string) {
	text := e.lookUp(variable)
	if !setting.IsNull() || text == "" {
		return
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		e.wrong(name, variable, text, "true or false")
		return
	}
	*setting = types.BoolValue(value)
}

func (e environment) number(setting *types.Int64, name, variable string, most int64) {
	text := e.lookUp(variable)
	if !setting.IsNull() || text == "" {
		return
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 || value > most {
		e.wrong(name, variable, text, fmt.Sprintf("a number from 0 to %d", most))
		return
	}
	*setting = types.Int64Value(value)
}

// words are the entries of a comma list; nil for none.
func (e environment) words(variable string) (words []string) {
	for word := range strings.SplitSeq(e.lookUp(variable), ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

func (e environment) wrong(name, variable, text, want string) {
	e.diags.AddAttributeError(path.Root(name), "Invalid environment variable", fmt.Sprintf("%s is %q, which is not %s.", variable, text, want))
}
