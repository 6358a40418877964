package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/tokens"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// fileHead begins a file that token make has begun.
const fileHead = "# Hashes of the tokens of this site. A line goes, and its token is good no more.\n"

func tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Make, list and revoke the tokens of a site, or print that of this machine",
		Long: "A token says who asks the API of BOS, and its roles say what they may do. A site keeps their hashes in the file that\n" +
			"auth.tokens_file names; the service reads it again when it changes. The roles are " + strings.Join(access.RoleNames(), ", ") + ".",
	}
	var file string
	c.PersistentFlags().StringVar(&file, "file", os.Getenv("BOS_AUTH_TOKENS_FILE"), "file of tokens (BOS_AUTH_TOKENS_FILE)")
	c.AddCommand(makeTokenCommand(&file), listTokensCommand(&file), revokeTokenCommand(&file), localTokenCommand())
	return c
}

func makeTokenCommand(file *string) *cobra.Command {
	var entry tokens.Entry
	var lasts time.Duration
	c := &cobra.Command{
		Use: "make NAME", Short: "Make a token, and print it once", Args: cobra.ExactArgs(1),
		Long: "Makes a token, writes its hash into the file, and prints the token: nobody can print it again.",
		RunE: func(c *cobra.Command, args []string) error {
			token := localtoken.New()
			entry.Name, entry.SHA256 = args[0], tokens.Hash(token)
			if lasts > 0 {
				entry.Expires = time.Now().Add(lasts).UTC().Truncate(time.Second)
			}
			err := changeTokens(c.ErrOrStderr(), *file, func(f *tokens.File) error {
				f.Tokens = append(f.Tokens, entry)
				return nil
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), token)
			return err
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&entry.Roles, "role", nil, "what its holder may do; may be repeated")
	flags.StringSliceVar(&entry.Tenants, "tenant", nil, "tenants whose nodes it reaches (default: the whole site); may be repeated")
	flags.StringSliceVar(&entry.Nodes, "node", nil, "components that a reporter reports for (default: all); may be repeated")
	flags.DurationVar(&lasts, "lasts", 0, "how long it is good, such as 2160h (default: until it is revoked)")
	return c
}

func listTokensCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who has tokens", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f, _, err := readTokens(*file)
			if err != nil {
				return err
			}
			for _, e := range f.Tokens {
				until := "for ever"
				if !e.Expires.IsZero() {
					until = "until " + e.Expires.Format(time.RFC3339)
				}
				reach := cmp.Or(strings.Join(slices.Concat(e.Tenants, e.Nodes), ","), "the site")
				if _, err := fmt.Fprintf(c.OutOrStdout(), "%s\t%s\t%s\t%s\n", e.Name, strings.Join(e.Roles, ","), reach, until); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func revokeTokenCommand(file *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Take a token out of the file", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return changeTokens(c.ErrOrStderr(), *file, func(f *tokens.File) error {
				before := len(f.Tokens)
				f.Tokens = slices.DeleteFunc(f.Tokens, func(e tokens.Entry) bool { return e.Name == args[0] })
				if len(f.Tokens) == before {
					return fmt.Errorf("%s has no token of %q; token list names those that there are", *file, args[0])
				}
				return nil
			})
		},
	}
}

func localTokenCommand() *cobra.Command {
	endpoint := cmp.Or(os.Getenv("BOS_ENDPOINT"), "http://"+defaultListen)
	c := &cobra.Command{
		Use: "local", Short: "Print the token that a service on this machine has left for its clients", Args: cobra.NoArgs,
		Long: "Prints the token that a service on this machine has left for its clients, which is another one after each start:\n" +
			`curl -H "Authorization: Bearer $(terraform-provider-bos token local)" http://` + defaultListen + "/v2/components",
		RunE: func(c *cobra.Command, _ []string) error {
			token := localtoken.Find(endpoint)
			if token == "" {
				return fmt.Errorf("no service on this machine has left a token for %s that this user may read; ask as the user of the service, or have a token made with token make", endpoint)
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), token)
			return err
		},
	}
	c.Flags().StringVar(&endpoint, "endpoint", endpoint, "URL of the service (BOS_ENDPOINT)")
	return c
}

// readTokens reads a file of tokens, an empty one if there is none.
func readTokens(path string) (f tokens.File, text []byte, err error) {
	if path == "" {
		return f, nil, errors.New("no file of tokens is named; give --file, the one that auth.tokens_file names")
	}
	text, err = os.ReadFile(path) //nolint:gosec // the file that the administrator names
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil, nil
	}
	if err != nil {
		return f, nil, err
	}
	return f, text, yamlfile.Text(path, string(text)).Decode(&f)
}

// changeTokens changes a file of tokens, which is in place at once and whole. What the
// service would not take is not written. told is told if the service may not be able to
// read it.
func changeTokens(told io.Writer, path string, change func(*tokens.File) error) error {
	f, before, err := readTokens(path)
	if err != nil {
		return err
	}
	if err := change(&f); err != nil {
		return err
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	if _, err := tokens.Parse(yamlfile.Text(path, string(text))); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.WriteString(fileHead + string(text))
	alone, given := giveToService(temporary, path)
	err = errors.Join(err, given, temporary.Sync(), temporary.Close())
	now, _ := os.ReadFile(path) //nolint:gosec // the same
	if err == nil && !bytes.Equal(now, before) {
		err = fmt.Errorf("%s has changed meanwhile; run this again", path)
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	if alone {
		_, _ = fmt.Fprintf(told, "%s is root's, and nobody else may read it; if the service runs as another user, give it to that one, such as with chown bos %s\n", path, path)
	}
	return nil
}
