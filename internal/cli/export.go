package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/transfer"
)

// remoteFlags say which BOS a command talks to.
type remoteFlags struct{ endpoint, tenant, ca string }

func (f *remoteFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.endpoint, "endpoint", os.Getenv("BOS_ENDPOINT"), "URL of the service, the part in front of /v2 (BOS_ENDPOINT)")
	flags.StringVar(&f.tenant, "tenant", "", "the tenant whose templates are meant (default: those of everyone)")
	flags.StringVar(&f.ca, "ca-certificate", os.Getenv("BOS_CA_CERTIFICATE_FILE"), "file with the CA that signed the service's certificate, in PEM form (BOS_CA_CERTIFICATE_FILE)")
	c.Long += "\n\nA bearer token is taken from the environment variable BOS_TOKEN, else from the file that BOS_TOKEN_FILE names."
}

func (f remoteFlags) client(c *cobra.Command) (*client.Client, error) {
	if f.endpoint == "" {
		return nil, errors.New("nothing says which BOS is meant; give its URL with --endpoint or in BOS_ENDPOINT, such as http://127.0.0.1:8770 for one on this machine")
	}
	config := client.Config{
		Endpoint: f.endpoint, Tenant: f.tenant, Token: os.Getenv("BOS_TOKEN"),
		MaxRetries: client.DefaultMaxRetries, UserAgent: "terraform-provider-bos " + c.Name(),
	}
	if config.Token == "" {
		config.TokenFile = os.Getenv("BOS_TOKEN_FILE")
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--ca-certificate: %w", err)
		}
		config.CACertificate = string(pem)
	}
	remote, err := client.New(config)
	var wrong *client.ConfigError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("--%s: %s", flagOf(wrong.Setting), wrong.Detail)
	}
	return remote, err
}

func flagOf(setting string) string {
	if setting == "ca_certificate" {
		return "ca-certificate"
	}
	return setting
}

func exportCommand() *cobra.Command {
	var remote remoteFlags
	var output string
	c := &cobra.Command{
		Use: "export", Short: "Write the session templates and options of a BOS into a file", Args: cobra.NoArgs,
		Long: "Writes the session templates and options of a BOS as one JSON document, which import reads.",
		RunE: func(c *cobra.Command, _ []string) error { return export(c, remote, output) },
	}
	remote.add(c)
	c.Flags().StringVarP(&output, "output", "o", "-", "file to write, - for standard output")
	return c
}

func export(c *cobra.Command, remote remoteFlags, output string) error {
	from, err := remote.client(c)
	if err != nil {
		return err
	}
	data, err := transfer.Export(c.Context(), from)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(data, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if output == "-" {
		_, err := c.OutOrStdout().Write(text)
		return err
	}
	if err := replaceFile(output, text); err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	_, err = fmt.Fprintf(c.ErrOrStderr(), "%d templates and the options are in %s\n", len(data.Templates), output)
	return err
}

// replaceFile writes a file whole, or leaves what is there.
func replaceFile(name string, text []byte) error {
	return replaceFileBy(name, func(w io.Writer) error { _, err := w.Write(text); return err })
}
