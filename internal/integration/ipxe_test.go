//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

const (
	pxeNode = "x3000c0s1b0n0"
	pxeMAC  = "52:54:00:12:34:56"
)

// oneNode is an inventory of the one node.
type oneNode struct{}

func (oneNode) NodeNames(context.Context) ([]bos.NodeName, error) {
	return []bos.NodeName{{ID: pxeNode, NID: 7, MACs: []string{pxeMAC}}}, nil
}

// bootServer is what a node that boots asks: the boot script endpoint, and an
// image store beside it.
type bootServer struct {
	*httptest.Server
	scripts http.Handler
	// away makes it cut every connection, failing answer every request with
	// 503, empty have no files.
	away, failing, empty atomic.Bool
	kernel               []byte
	// asked gets the path and query of each request, with what became of it.
	asked chan string
	// patience bounds the wait for requests.
	patience time.Duration
}

func (s *bootServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch what := r.URL.RequestURI(); {
	case s.away.Load():
		s.asked <- "cut " + what
		panic(http.ErrAbortHandler)
	case s.failing.Load():
		s.asked <- "failed " + what
		http.Error(w, "not now", http.StatusServiceUnavailable)
	case strings.HasSuffix(r.URL.Path, "/bootscript"):
		s.asked <- what
		s.scripts.ServeHTTP(w, r)
	case s.empty.Load():
		s.asked <- "missed " + what
		http.NotFound(w, r)
	default:
		s.asked <- what
		_, _ = w.Write(s.kernel) // the node is gone if this fails
	}
}

// want waits for n requests that begin so. Others may come between.
func (s *bootServer) want(t *testing.T, n int, prefix string) {
	t.Helper()
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	for seen := 0; seen < n; {
		select {
		case what := <-s.asked:
			if strings.HasPrefix(what, prefix) {
				seen++
			}
		case <-timer.C:
			t.Fatalf("the node sent %d of %d requests %q... within %s, and then none", seen, n, prefix, s.patience)
		}
	}
}

func TestANodeInIPXEWaitsForItsBootScriptAsLongAsItTakesAndThenBoots(t *testing.T) {
	qemu := needQEMU(t)
	t.Run("BIOS", func(t *testing.T) {
		t.Parallel()
		waitsAndBoots(t, printsItsLine(), func(bootfile string) string { return startNode(t, qemu, bootfile, "-machine", "pc", "-m", "128") })
	})
	t.Run("UEFI", func(t *testing.T) {
		t.Parallel()
		kernel, err := os.ReadFile(filepath.Join(realImages(t), "boot-images", "debian", "kernel"))
		if err != nil {
			t.Fatal(err)
		}
		firmware := uefi(t)
		waitsAndBoots(t, kernel, func(bootfile string) string { return startNode(t, qemu, bootfile, firmware...) })
	})
}

// uefi are the arguments of a machine with UEFI firmware.
func uefi(t *testing.T) []string {
	t.Helper()
	const folder = "/usr/share/OVMF/"
	kept, err := os.ReadFile(folder + "OVMF_VARS_4M.fd")
	if err != nil {
		t.Skipf("%v: install the Debian package ovmf", err)
	}
	variables := filepath.Join(t.TempDir(), "variables")
	if err := os.WriteFile(variables, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"-machine", "q35", "-m", "320", "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=" + folder + "OVMF_CODE_4M.fd",
		"-drive", "if=pflash,format=raw,unit=1,file=" + variables,
	}
}

// waitsAndBoots holds what iPXE asks for against what it is told, while there is
// nothing to boot, while nobody answers, and while there are no files.
func waitsAndBoots(t *testing.T, kernel []byte, start func(bootfile string) (console string)) {
	s, endpoint := startBootServer(t, kernel)
	console := start(s.node("/boot/v1/bootscript?mac=" + pxeMAC))

	// A BIOS iPXE hangs at the twelfth script that waits within another.
	s.want(t, 30, "/boot/v1/bootscript?mac=")
	s.away.Store(true)
	s.want(t, 3, "cut /boot/v1/bootscript?")
	s.away.Store(false)
	s.failing.Store(true)
	s.want(t, 3, "failed /boot/v1/bootscript?")
	s.empty.Store(true)
	s.failing.Store(false)

	const parameters = "console=ttyS0 root=live:x"
	token, err := endpoint.Write(t.Context(), []string{pxeNode}, bos.BootArtifacts{Kernel: s.node("/kernel"), Initrd: s.node("/initrd"), KernelParameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, 14, "missed /kernel")
	s.empty.Store(false)
	s.want(t, 1, "/initrd")

	line := fmt.Sprintf("initrd=initrd xname=%s nid=7 bss_referral_token=%s %s", pxeNode, token, parameters)
	await(t, "the node has booted", func() (bool, string) {
		text, err := os.ReadFile(console)
		return err == nil && bytes.Contains(text, []byte(line)), fmt.Sprintf("its console has %q, %v; want %q", tail(console), err, line)
	})
}

// startBootServer serves boot scripts for the one node, which asks once a second, or as
// rarely as at a site where BOS_LONG is set: ten seconds without boot parameters, thirty
// without files.
func startBootServer(t *testing.T, kernel []byte) (*bootServer, *bootscript.Endpoint) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	c := bootscript.Config{Store: store, Names: nodenames.New(oneNode{}, nil, nil), AskAgain: time.Second, LoadAgain: time.Second}
	s := &bootServer{kernel: kernel, asked: make(chan string, 1000), patience: patience}
	if os.Getenv("BOS_LONG") != "" {
		c.AskAgain, c.LoadAgain, s.patience = 0, 0, 20*time.Minute
	}
	endpoint := bootscript.New(c)
	s.scripts = endpoint.Scripts()
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s, endpoint
}

// node is the address under which the node reaches a path.
func (s *bootServer) node(path string) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return err.Error()
	}
	return "http://10.0.2.2:" + u.Port() + path // this host, in the network that QEMU makes
}

// needQEMU is the program, with the iPXE that Debian packages for it.
func needQEMU(t *testing.T) string {
	t.Helper()
	parts(t)
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip("qemu-system-x86_64 is not on PATH: install the Debian packages qemu-system-x86 and ipxe-qemu")
	}
	return qemu
}

// startNode powers a machine on that has nothing but a network card, whose iPXE
// is told to boot from a URL. It returns the file that its serial port writes.
func startNode(t *testing.T, qemu, bootfile string, machine ...string) string {
	t.Helper()
	console := filepath.Join(t.TempDir(), "console")
	launch(t, command(qemu, append(machine, "-accel", "tcg", "-display", "none", "-vga", "none", "-monitor", "none",
		"-no-reboot", "-serial", "file:"+console, "-netdev", "user,id=n0,bootfile="+bootfile,
		"-device", "virtio-net-pci,netdev=n0,bootindex=1,mac="+pxeMAC)...))
	return console
}

// printsItsLine is a kernel by the x86 boot protocol, all of it in its setup code:
// it writes its command line to the first serial port, and halts.
func printsItsLine() []byte {
	const code = 0x268
	image := make([]byte, 1024+16) // the boot sector, one of setup, and a kernel of nothing
	copy(image[code:], []byte{
		0x66, 0x8b, 0x36, 0x28, 0x02, // mov esi, [0x228]: where the line is
		0x66, 0x89, 0xf0, // mov eax, esi
		0x66, 0xc1, 0xe8, 0x04, // shr eax, 4
		0x8e, 0xc0, // mov es, ax
		0x83, 0xe6, 0x0f, // and si, 15
		0xba, 0xfd, 0x03, // next: mov dx, 0x3fd
		0xec,       // wait: in al, dx
		0xa8, 0x20, // test al, 0x20
		0x74, 0xfb, // jz wait
		0xba, 0xf8, 0x03, // mov dx, 0x3f8
		0x26, 0x8a, 0x04, // mov al, es:[si]
		0x84, 0xc0, // test al, al
		0x74, 0x04, // jz end
		0xee,       // out dx, al
		0x46,       // inc si
		0xeb, 0xea, // jmp next
		0xb0, 0x0a, // end: mov al, 10
		0xee,             // out dx, al
		0xf4, 0xeb, 0xfd, // halt: hlt; jmp halt
	})
	image[0x1f1] = 1                                        // sectors of setup
	binary.LittleEndian.PutUint32(image[0x1f4:], 1)         // kernel, in 16 bytes
	binary.LittleEndian.PutUint16(image[0x1fe:], 0xaa55)    // boot flag
	copy(image[0x200:], []byte{0xeb, code - 0x202})         // jmp code
	copy(image[0x202:], "HdrS")                             // magic
	binary.LittleEndian.PutUint16(image[0x206:], 0x0206)    // version of the protocol
	image[0x211] = 0x81                                     // loaded high, with a heap
	binary.LittleEndian.PutUint32(image[0x214:], 0x100000)  // where the kernel goes
	binary.LittleEndian.PutUint32(image[0x22c:], 0x7ffffff) // the highest byte of an initrd
	binary.LittleEndian.PutUint32(image[0x238:], 2047)      // longest command line
	return image
}
