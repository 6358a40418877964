package cli

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // manifests have MD5s, which protect nothing
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
)

func imageCommand() *cobra.Command {
	c := &cobra.Command{Use: "image", Short: "Work on boot images"}
	c.AddCommand(imageManifestCommand())
	return c
}

type manifestFlags struct {
	config, kernel, initrd, rootfs, parameters, output string
	replace                                            bool
}

func imageManifestCommand() *cobra.Command {
	var f manifestFlags
	c := &cobra.Command{
		Use: "manifest", Short: "Make the manifest.json of an image from its kernel and initrd", Args: cobra.NoArgs,
		Long: "Makes the manifest.json that the path of a boot set names, from kernel, initrd and rootfs as image builders store them. Each\n" +
			"is read to its end, for its MD5 and because it must be readable. Paths are as in templates, s3://, http://, https:// or\n" +
			"file://, and are read with the artifacts settings of the configuration.\n\n" +
			"The manifest goes to standard output, into a file, or to an s3:// path, and is read back from there as a session would.",
		RunE: func(c *cobra.Command, _ []string) error { return imageManifest(c, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config, "config", os.Getenv("BOS_CONFIG"), "configuration file, for its artifacts settings (BOS_CONFIG)")
	flags.StringVar(&f.kernel, "kernel", "", "path of the kernel, such as s3://boot-images/compute/vmlinuz")
	flags.StringVar(&f.initrd, "initrd", "", "path of the initrd")
	flags.StringVar(&f.rootfs, "rootfs", "", "path of the root file system, if there is one")
	flags.StringVar(&f.parameters, "parameters", "", "path of a file with kernel parameters of the image, if there is one")
	flags.StringVarP(&f.output, "output", "o", "-", "where the manifest goes: s3://bucket/key, a file, or - for standard output")
	flags.BoolVar(&f.replace, "replace", false, "put another manifest in the place of the one at --output: sessions that name it boot the new one")
	for _, name := range []string{"kernel", "initrd"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flags are above
		}
	}
	return c
}

// hasher reads a file of an image to its end.
type hasher interface {
	Hash(ctx context.Context, path string, into io.Writer) (size int64, etag string, err error)
}

func imageManifest(c *cobra.Command, f manifestFlags) error {
	settings, err := loaded(f.config)
	if err != nil {
		return err
	}
	parts := assembly.Connect(settings, slog.New(slog.DiscardHandler), nil)
	if err := parts.Faults["artifacts"]; err != nil {
		return err
	}
	sources, _ := parts.Artifacts.(manifest.Sources)
	var files manifest.Files
	for _, of := range []struct {
		flag, path string
		into       **manifest.File
	}{{"kernel", f.kernel, &files.Kernel}, {"initrd", f.initrd, &files.Initrd}, {"rootfs", f.rootfs, &files.Rootfs}, {"parameters", f.parameters, &files.Parameters}} {
		if of.path == "" {
			continue
		}
		if *of.into, err = described(c.Context(), sources, of.path); err != nil {
			return fmt.Errorf("--%s: %w", of.flag, err)
		}
		if _, err := fmt.Fprintf(c.ErrOrStderr(), "%s %s: %d bytes, MD5 %s\n", of.flag, of.path, (*of.into).Size, (*of.into).MD5); err != nil {
			return err
		}
	}
	body, err := manifest.Make(files, time.Now())
	if err != nil {
		return err
	}
	return f.put(c, sources, body)
}

// described is a file of an image with its size and MD5.
func described(ctx context.Context, sources manifest.Sources, path string) (*manifest.File, error) {
	source, err := sources.Of(path)
	if err != nil {
		return nil, err
	}
	reader, ok := source.(hasher)
	if !ok {
		return nil, fmt.Errorf("files at %s cannot be read whole; store them in S3 or in a folder", bos.Unsigned(path))
	}
	sum := md5.New() //nolint:gosec // see the import
	size, etag, err := reader.Hash(ctx, path, sum)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, fmt.Errorf("%s is empty; see whether it was stored whole", bos.Unsigned(path))
	}
	return &manifest.File{Path: path, ETag: etag, MD5: hex.EncodeToString(sum.Sum(nil)), Size: size}, nil
}

// put writes the manifest, and reads it back from where sessions read.
func (f manifestFlags) put(c *cobra.Command, sources manifest.Sources, body []byte) error {
	switch {
	case f.output == "-":
		_, err := c.OutOrStdout().Write(body)
		return err
	case strings.HasPrefix(f.output, "s3://"):
		if err := f.upload(c.Context(), sources, body); err != nil {
			return err
		}
		if _, err := sources.Image(c.Context(), f.output); err != nil {
			return fmt.Errorf("the manifest was stored, and a session could not use it: %w", err)
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", f.output)
		return err
	default:
		name := strings.TrimPrefix(f.output, "file://")
		if before, err := os.ReadFile(name); err == nil && !bytes.Equal(before, body) && !f.replace { //nolint:gosec // whoever runs the command names the file
			return fmt.Errorf("%s is there already; name another --output, or --replace it, which changes what sessions boot that name it", name)
		}
		if err := replaceFile(name, body); err != nil {
			return fmt.Errorf("cannot write the manifest: %w", err)
		}
		const readable = 0o644
		if err := os.Chmod(name, readable); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n", f.output)
		return err
	}
}

func (f manifestFlags) upload(ctx context.Context, sources manifest.Sources, body []byte) error {
	source, err := sources.Of(f.output)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	store, ok := source.(*s3.Client)
	if !ok {
		return errors.New("--output: nothing can be stored there; write the manifest into a file and store that")
	}
	if _, _, err := store.Read(ctx, f.output, manifest.MaxManifest); err == nil && !f.replace {
		return fmt.Errorf("%s is there already; name another --output, or --replace it, which changes what sessions boot that name it", f.output)
	}
	return store.Put(ctx, f.output, body)
}
